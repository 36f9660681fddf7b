"""`strongroom check` against a hand that altered what was archived: each alteration is found, and the message named."""
import os
import shutil
import stat
import subprocess
import uuid

import pytest

from stack.process import answers, wait_until
from stack.site import Daemon

RESTORE = "restore this file from a backup of the store; until then nobody can read the message"
MAIL = b"From: alice@example.org\r\nTo: bob@example.org\r\nSubject: %d\r\nDate: Mon, 5 Jan 2026 10:00:00 +0000\r\n\r\n%s\r\n"


def check(site, *more):
    """(status, [(what, remedy)] of the problems, all that was said)."""
    status, out, _ = site.run("check", *more, check=False)
    lines = out.splitlines()
    found = [(line[len("problem: "):], lines[i + 1].partition("remedy: ")[2] if i + 1 < len(lines) else "")
             for i, line in enumerate(lines) if line.startswith("problem: ")]
    assert status == (1 if found else 0), out
    return found, out


def ids(site):
    return [uuid.UUID(bytes=row[0]) for row in site.rows("SELECT id FROM message ORDER BY id")]


@pytest.fixture
def filled(site):
    """Six messages, all of one length, by two daemons."""
    folder = site.path("mail")
    os.makedirs(folder)
    for i in range(4):
        with open(os.path.join(folder, "%d.eml" % i), "wb") as f:
            f.write(MAIL % (i, b"x"))
    site.run("import", "--jobs", "1", folder)
    site.start("lmtpd")
    with site.lmtp() as client:
        for i in range(4, 6):
            client.send(MAIL % (i, b"x"))
    site.stop("lmtpd")
    site.run("reindex")
    assert len(ids(site)) == 6
    return site


def object_of(site, message):
    return next(path for path in site.objects() if str(message) in path)


def test_what_was_not_altered_is_sound(filled):
    for more in ((), ("--ledger",), ("--deep",), ("--ledger", "--deep")):
        found, out = check(filled, *more)
        assert found == [] and "no gap in it, and all 6 messages agree with their records, leaves and objects" in out
        assert ("byte for byte" in out) == ("--deep" in more)


# Of message {id} or its daemon; what must be said.
ROWS = [
    ("UPDATE ledger_record SET record = :altered WHERE message_id = :id",
     "message {id}: its ledger record and nonce do not give its leaf"),
    ("UPDATE ledger_record SET record = :cut WHERE message_id = :id", "message {id}: its ledger record can't be read"),
    ("UPDATE ledger_record SET nonce = :zeros WHERE message_id = :id", "message {id}: its ledger record and nonce do not give its leaf"),
    ("UPDATE ledger_record SET leaf = :zeros WHERE message_id = :id", "message {id}: its leaf is not the one at"),
    ("UPDATE ledger_record SET seq = seq + 100 WHERE message_id = :id", "message {id}: its row differs from its ledger record: sequence number"),
    ("UPDATE ledger_record SET daemon = 'x' WHERE message_id = :id", "message {id}: its row differs from its ledger record: daemon"),
    ("UPDATE message SET sha256 = :zeros WHERE id = :id", "message {id}: its row differs from its ledger record: SHA-256"),
    ("UPDATE message SET size = size - 1 WHERE id = :id", "message {id}: its row differs from its ledger record: size"),
    ("UPDATE message SET retain_until_us = retain_until_us - 1 WHERE id = :id", "message {id}: its row differs from its ledger record: retain-until"),
    ("UPDATE message SET received_us = received_us + 1, kind = 2 WHERE id = :id",
     "message {id}: its row differs from its ledger record: kind, received time"),
    ("UPDATE message SET lock_mode = 'GOVERNANCE' WHERE id = :id", "message {id}: its row differs from its ledger record: lock mode"),
    ("UPDATE message SET policy_version = '' WHERE id = :id", "message {id}: its row differs from its ledger record: policy version"),
    ("UPDATE message SET capture_point = '' WHERE id = :id", "message {id}: its row differs from its ledger record: capture point"),
    ("UPDATE message SET object_key = (SELECT k FROM (SELECT object_key AS k FROM message ORDER BY id LIMIT 1) AS first) WHERE id = :id",
     "message {id}: its row differs from its ledger record: locator"),
    ("UPDATE message SET object_key = '/etc/passwd' WHERE id = :id", "message {id}: its row differs from its ledger record: locator"),
    ("UPDATE participant SET address = 'eve@example.org' WHERE message_id = :id AND role = 1",
     "message {id}: its row differs from its ledger record: envelope"),
    ("DELETE FROM participant WHERE message_id = :id AND role = 2", "message {id}: its row differs from its ledger record: envelope"),
    ("DELETE FROM mailbox_message WHERE message_id = :id AND mailbox = 'bob@example.org'",
     "message {id}: it is missing in a mailbox of its participants"),
    ("DELETE FROM message WHERE id = :id", "message {id}: its ledger record has no message"),
    ("DELETE FROM ledger_record WHERE message_id = :id", "message {id}: it has no ledger record"),
    ("DELETE FROM ledger_batch WHERE (daemon, first_seq) = (SELECT daemon, seq FROM ledger_record WHERE message_id = :id)", "message {id}: no batch of daemon"),
    ("UPDATE ledger_batch SET leaves = :zeros WHERE (daemon, first_seq) = (SELECT daemon, seq FROM ledger_record WHERE message_id = :id)",
     "message {id}: its leaf is not the one at"),
]


@pytest.mark.parametrize("sql, says", ROWS, ids=[str(i) for i in range(len(ROWS))])
def test_an_altered_row_is_found_and_named(filled, sql, says):
    victim = ids(filled)[4]
    record = filled.rows("SELECT record FROM ledger_record WHERE message_id = ?", (victim.bytes,))[0][0]
    values = {"id": victim.bytes, "zeros": bytes(32), "altered": record[:21] + b"\x02" + record[22:], "cut": record[1:]}
    with filled.meta.unguarded() as db:
        # this SQL does nothing that the schema would refuse by itself
        assert db.execute(sql, values).rowcount > 0, sql
    found, out = check(filled)
    assert any(says.format(id=victim) in what and "who altered the database" in remedy for what, remedy in found), out
    assert not [what for what, _ in found if any(str(other) in what for other in ids(filled) if other != victim)], out


def test_row_record_and_object_that_vanish_together_leave_a_gap(filled):
    victim = ids(filled)[4]
    with filled.meta.unguarded() as db:
        for sql in ("DELETE FROM message WHERE id = ?", "DELETE FROM ledger_record WHERE message_id = ?",
                    "DELETE FROM capture_key WHERE message_id = ?"):
            db.execute(sql, (victim.bytes,))
    filled.store.lose(object_of(filled, victim))
    assert any("leaves of the batch at" in what and "have no record" in what for what, _ in check(filled)[0])


def remedies(found, message, says):
    return [remedy for what, remedy in found if "message %s: " % message in what and says in what]


def test_an_object_that_is_gone_is_found(filled):
    victim = ids(filled)[2]
    with filled.store.lost(object_of(filled, victim)):
        found, _ = check(filled)
        assert len(found) == 1 and remedies(found, victim, "is gone") == [RESTORE]
    assert check(filled)[0] == []


@pytest.mark.embedded("about the lengths and kinds of files")
def test_a_file_that_is_short_or_long_or_none_is_found(filled):
    messages = ids(filled)
    short, long, folder = [object_of(filled, m) for m in messages[:3]]
    text = filled.store.read(short)
    filled.store.alter(short, text[:-1])
    filled.store.alter(long, text + b"x")
    os.unlink(folder)
    os.mkdir(folder)
    found, _ = check(filled)
    assert len(found) == 3
    for message, says in zip(messages, ("bytes, %d were archived" % len(text), "bytes, %d were archived" % len(text), "is gone")):
        assert remedies(found, message, says) == [RESTORE]


def test_swapped_objects_are_found_by_reading_them(filled):
    messages = ids(filled)
    a, b = object_of(filled, messages[1]), object_of(filled, messages[4])
    of_a, of_b = filled.store.read(a), filled.store.read(b)
    filled.store.alter(a, of_b)
    filled.store.alter(b, of_a)
    assert check(filled, "--ledger")[0] == [] # one length: only their bytes tell
    found, _ = check(filled, "--deep")
    assert len(found) == 2 and all("has other bytes than were archived" in what for what, _ in found)
    assert all(any(str(m) in what for what, _ in found) for m in (messages[1], messages[4]))


def test_a_row_that_points_to_another_object_does_not_hide_the_loss_of_its_own(filled):
    messages = ids(filled)
    filled.store.lose(object_of(filled, messages[0]))
    with filled.meta.unguarded() as db:
        db.execute("UPDATE message SET object_key = (SELECT k FROM (SELECT object_key AS k FROM message WHERE id = ?) AS other) WHERE id = ?",
                   (messages[1].bytes, messages[0].bytes))
    whats = [what for what, _ in check(filled)[0]]
    assert any("differs from its ledger record: locator" in what for what in whats)
    assert any("message %s: the object" % messages[0] in what and "is gone" in what for what in whats)


@pytest.mark.embedded("about the modes and flags of files")
def test_an_object_that_may_be_written_to_is_found(filled):
    path = object_of(filled, ids(filled)[0])
    os.chmod(path, 0o600)
    found, _ = check(filled)
    assert len(found) == 1 and "may be written to" in found[0][0]
    os.chmod(path, 0o400)
    assert check(filled)[0] == []


@pytest.mark.embedded("about the modes and flags of files")
def test_the_immutable_flag_is_told_of(filled):
    assert stat.S_IMODE(os.stat(filled.objects()[0]).st_mode) == 0o400
    assert "6 of 6 messages have no immutable flag" in check(filled)[1]


@pytest.mark.embedded("about the modes and flags of files")
def test_a_daemon_with_the_right_locks_what_it_stores(site):
    """As with the drop-in of strongroom(7): the right is the daemon's, and not its parser's."""
    if os.geteuid() or not shutil.which("setpriv") or not shutil.which("chattr"):
        pytest.skip("needs root, setpriv and chattr")
    uid, gid = site.owner()
    command = ["setpriv", "--reuid=%d" % uid, "--regid=%d" % gid, "--clear-groups", "--inh-caps=+linux_immutable",
               "--ambient-caps=+linux_immutable"]
    probe = site.path("store", "probe")
    open(probe, "w").close()
    os.chown(probe, uid, gid)
    if subprocess.run([*command, "chattr", "+i", probe], capture_output=True).returncode:
        pytest.skip("needs CAP_LINUX_IMMUTABLE and a file system with the immutable flag")
    try:
        daemon = Daemon("lmtpd", [*command, site.program("strongroom-lmtpd")], site.env(), site.log_path("lmtpd"), site.path("lmtpd.notify"))
        site.daemons["lmtpd"] = daemon
        daemon.wait_ready(30)
        wait_until("lmtpd answers", lambda: answers(site.address("lmtpd")))
        with site.lmtp() as client:
            assert client.send(MAIL % (1, b"x"))[0][0] == 250
        _, out, _ = site.run("check", "--deploy", check=False)
        assert "strongroom-lmtpd" in out and "has capabilities" not in out, out
        site.stop("lmtpd")
        site.run("reindex")
        found, out = check(site, "--deep")
        assert found == [] and "1 messages, all with the immutable flag" in out
        (path,) = site.objects()
        by_hand = subprocess.run(["setpriv", "--reuid=%d" % uid, "--clear-groups", "rm", "-f", path], capture_output=True)
        assert by_hand.returncode and os.path.exists(path)
        with pytest.raises(PermissionError):
            os.chmod(path, 0o600) # not even root by mistake
    finally:
        subprocess.run(["chattr", "-R", "-i", site.path("store")], check=True)


def test_a_lost_store_fills_no_screen(filled):
    folder = filled.path("more")
    os.makedirs(folder)
    for i in range(20):
        with open(os.path.join(folder, "%d.eml" % i), "wb") as f:
            f.write(MAIL % (i, b"more"))
    filled.run("import", folder)
    filled.store.lose(*filled.objects())
    found, _ = check(filled)
    assert len(found) == 11 and found[-1][0] == "16 more findings of this kind"


def test_an_envelope_that_is_no_text_is_no_fault(site):
    site.start("lmtpd")
    with site.lmtp() as client:
        assert client.send(MAIL % (1, b"x"), b"caf\xe9@example.org", [b"b\xff@example.org"])[0][0] == 250
    site.stop("lmtpd")
    assert len(ids(site)) == 1
    site.run("reindex")
    assert check(site, "--deep")[0] == []
