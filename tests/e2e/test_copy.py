"""strongroom copy: a whole archive into another one: every row, every object, verified; stopped anywhere and repeated; and
what it refuses."""
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time
import uuid

import pytest

from stack import disposal, engines
from stack.fault_proxy import MySql
from stack.process import wait_until

pytestmark = pytest.mark.embedded("compares the files of two archives")

MAIL = b"From: alice@example.org\r\nTo: bob@example.org\r\nSubject: number %d\r\nDate: Mon, 5 Jan 2026 10:00:00 +0000\r\n\r\n%s\r\n"
PASSWORD = "correct horse battery"

# Tables that are taken over as they are; the others, and why not.
COPIED = {
    "capture": ("message", "participant", "mailbox_message", "attachment", "capture_key", "capture_attempt", "ledger_record", "ledger_batch",
                "ledger_fact", "retention_extension", "message_hold", "message_disposed", "disposal"),
    "control": ("account", "account_role", "account_mailbox", "account_department", "department", "department_mailbox", "audit_intent",
                "audit_outcome", "audit_mailbox", "audit_record", "audit_batch", "audit_before", "service_account", "account_identity",
                "retention_policy", "legal_hold", "legal_hold_message", "legal_hold_event", "saved_search",
                "legal_case", "legal_case_event", "legal_case_note", "case_member", "case_tag",
                "disposition", "disposition_event"),
}
NOT_COPIED = {
    "capture": {"schema_version": "made by init", "outbox": "everything is to be indexed anew", "relocation": "says where objects are now",
                "import_place": "an import that begins anew finds what is there",
                "upkeep_walk": "begins anew", "retention_reached": "begins anew", "hold_work": "found again from the holds",
                "keep_gate": "tells the programs of one installation apart in time",
                "index_removal": "what is disposed of is not indexed there",
                **dict.fromkeys(("message_removed", "removal_work"), "of the store as it is there"),
                **dict.fromkeys(("reconcile_walk", "reconcile_alarm", "orphan", "daily_account"), "of the store as it is there"),
                **dict.fromkeys(("mta_message", "mta_log", "mta_incident", "mta_unaccepted"), "found again in the logs")},
    "control": {"schema_version": "made by init", "permission": "made by init", "role": "made by init", "role_permission": "made by init",
                "rate_count": "of minutes", "audit_forward": "said to those who listen there", "signin_known": "of the networks that reach that installation",
                **dict.fromkeys(("export_request", "export_job"), "built where it was asked for, and gone in days"),
                "session": "people sign in there anew", "totp_enrolment": "of minutes", "recovery_code": "users make new ones there"},
}


CASE = """INSERT INTO legal_case VALUES (zeroblob(16), 'x', 'y'); INSERT INTO legal_case_event VALUES (zeroblob(16), 1, 2, 3, 'z');
INSERT INTO legal_case_note VALUES (zeroblob(16), zeroblob(16), NULL, 1, 'n'); INSERT INTO case_member VALUES (zeroblob(16), 1);
INSERT INTO case_member VALUES (zeroblob(16), 2); INSERT INTO case_tag VALUES (zeroblob(16), zeroblob(16), 't', 1, 2);
INSERT INTO disposition VALUES (zeroblob(16), '{}', 1); INSERT INTO disposition_event VALUES (zeroblob(16), 1, 0, 2, 1, 'r');
INSERT INTO disposition_event VALUES (zeroblob(16), 2, 1, 3, 2, 's');"""


def plain(value):
    """Text and bytes are told apart by one database, and not by another."""
    return value.encode() if isinstance(value, str) else value


def rows(site, name, table):
    """All rows, alike whatever the database; of accounts without the sealed secret, which each installation seals with its own key."""
    found = [[(column, plain(row[column])) for column in sorted(row.keys()) if column != "totp_secret"]
             for row in site.rows("SELECT * FROM " + table, database=name)]
    return sorted(found, key=repr)


def contents(site):
    return {(name, table): rows(site, name, table) for name, tables in COPIED.items() for table in tables}


def copy(source, target, *more, check=True):
    """(status, account, all that was said)."""
    status, out, err = source.run("copy", "--to", target.conf, *more, check=check)
    account = {name.strip(): int(n) for name, n in re.findall(r"^([a-z ]+?) +(\d+)(?: \(.*\))?$", out, re.M)}
    return status, account, out + err


def sound(site, n):
    status, out, _ = site.run("check", "--deep", check=False)
    problems = [line for line in out.splitlines() if line.startswith("problem: ") and "index" not in line]
    assert problems == [] and "all %d messages agree with their records, leaves and objects, byte for byte" % n in out


def same(source, target):
    a, b = contents(source), contents(target)
    for table in a:
        assert a[table] == b[table], table
    assert sorted(map(source.store.read, source.objects())) == sorted(map(target.store.read, target.objects()))


# What is looked at here is files and SQLite, and servers where a test says so: whatever stack the other tests run on.

@pytest.fixture
def site(new_site):
    s = new_site(servers=None)
    s.init()
    return s


@pytest.fixture
def target(new_site):
    s = new_site(servers=None)
    s.init()
    return s


@pytest.fixture(scope="module")
def running():
    e = engines.Engines("meta=mariadb.MariaDB,store=minio.Minio")
    try:
        yield e.start()
    finally:
        e.close()


@pytest.fixture
def production(new_site, running):
    s = new_site(servers=running, proxied=False)
    s.init()
    return s


def imported(site, first, n, jobs=1):
    folder = site.path("mail%d" % first)
    os.makedirs(folder)
    for i in range(first, first + n):
        with open(os.path.join(folder, "%d.eml" % i), "wb") as f:
            f.write(MAIL % (i, b"x" * i))
    site.run("import", "--jobs", str(jobs), folder)


@pytest.fixture
def source(site):
    """Two daemons' messages, a large one, a repeated one, one to an address that is no text, users and departments."""
    imported(site, 0, 6)
    site.start("lmtpd")
    with site.lmtp() as c:
        for i in (6, 6, 7):
            c.send(MAIL % (i, b"y"))
        c.send(MAIL % (8, b"z" * 3_000_000))
        c.send(MAIL % (9, b"y"), b"\xe9\xff@example.org", [b"b\xe4r@example.org"])
    site.stop("lmtpd")
    site.run("department", "add", "sales", "bob@example.org", "carol@example.org")
    site.secret = site.add_user("eve", PASSWORD, "--all")
    site.add_user("mallory", PASSWORD, "--mailbox", "bob@example.org", "--department", "sales", "--from", "2025-01-01")
    with site.meta.connect("control", write=True) as db:
        db.executescript(CASE)
    return site


def test_a_whole_archive(source, target):
    before = contents(source)
    status, account, out = copy(source, target)
    assert account["copied"] == account["messages of the target"] == 10 and account["without their object"] == 0, out
    assert account["users"] == 2 and account["repeated attempts copied"] == 1 and "the target has all that the source has" in out
    same(source, target)
    after = contents(source)
    for table in before:
        # the copy itself is on record: an intent and an outcome, a record and a batch of each
        more = {"audit_intent": 1, "audit_outcome": 1, "audit_record": 2, "audit_batch": 2}.get(table[1], 0)
        assert len(after[table]) == len(before[table]) + more and all(row in after[table] for row in before[table])
    sound(target, 10)
    assert rows(target, "capture", "relocation") == []  # the same names in both stores


def test_the_copy_is_an_archive(source, target):
    copy(source, target)
    target.start("lmtpd", "workerd", "queryd")
    api = target.api("eve", PASSWORD, source.secret)  # the secret of its codes came too
    wait_until("workerd has indexed what came", lambda: api.search()["total"] == 10)
    hit = api.search("subject:7")["hits"][0]
    assert api.content(hit["id"]) == (200, MAIL % (7, b"y"))
    with target.lmtp() as c:
        again = c.send(MAIL % (6, b"y"))
        assert again[0][1].split()[-1].decode() in {str(uuid.UUID(bytes=r[0])) for r in source.rows("SELECT id FROM message")}
        c.send(MAIL % (11, b"new"))
    target.stop()
    sound(target, 11)
    status, _, out = copy(source, target, check=False)
    assert status == 1 and "the target holds messages of its own" in out


@pytest.mark.engines
def test_to_servers_and_back(source, production, target):
    """From directories to MariaDB and a bucket with Object Lock, and back into directories: what was captured is proved at each place."""
    status, account, out = copy(source, production)
    assert account["copied"] == account["with a new place"] == 10, out
    same(source, production)
    sound(production, 10)
    moved = production.rows("SELECT r.lock_mode, r.retain_until_us - m.retain_until_us FROM relocation r JOIN message m ON m.id = r.message_id")
    assert [(plain(mode), longer) for mode, longer in moved] == [(b"COMPLIANCE", 0)] * 10
    for name in production.objects():
        production.store.locked(name)
    # it is an archive: it searches, gives out, recognises, and goes on
    production.start("lmtpd", "workerd", "queryd")
    api = production.api("eve", PASSWORD, source.secret)
    wait_until("workerd has indexed what came", lambda: api.search()["total"] == 10)
    assert api.content(api.search("subject:7")["hits"][0]["id"]) == (200, MAIL % (7, b"y"))
    with production.lmtp() as c:
        assert "archived as" in c.send(MAIL % (6, b"y"))[0][1].decode()
        c.send(MAIL % (11, b"new"))
    production.stop()
    status, account, out = copy(production, target)
    assert account["copied"] == 11 and account["with a new place"] == 1, out  # the others are where they once were
    same(production, target)
    sound(target, 11)
    status, _, out = copy(source, target, check=False)
    assert status == 1 and "the target holds messages of its own" in out


@pytest.mark.engines
def test_stopped_on_the_way_to_servers(source, production):
    imported(source, 20, 400, jobs=16)
    for delay in (0.1, 0.3, 0.6, 0.9):
        p = subprocess.Popen([source.program("strongroom"), "copy", "--to", production.conf, "--jobs", "4"], env=source.env(),
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        time.sleep(delay)  # wherever it is by then
        p.kill()
        p.communicate()
        there = production.rows("SELECT count(*) FROM message")[0][0]
        sound(production, there) if there else None
    copy(source, production)
    same(source, production)
    sound(production, 410)
    assert len(production.objects()) == len({os.path.basename(name) for name in production.objects()}), "an object was put twice"


@pytest.mark.engines
@pytest.mark.parametrize("part, label", [("meta", "COMMIT"), ("meta", "INSERT INTO message "), ("store", "PUT .*eml"), ("store", "GET .*eml")])
@pytest.mark.parametrize("side", ["request", "reply"])
def test_a_server_that_breaks_is_waited_out(source, new_site, running, part, label, side):
    target = new_site(servers=running)
    target.init()
    database = running.parts["meta"]
    database.execute("ALTER USER '%s'@'%%' REQUIRE NONE" % database.account())
    target.proxies["meta"].protocol = MySql
    ca = target.settings["mysql.tls_ca"]
    target.write_conf(mysql__tls="never", mysql__tls_ca="")  # so that the proxy can read along
    faults = [target.proxies[part].arm(label, side, "cut", nth=n) for n in (1, 2, 4)]
    status, account, out = copy(source, target)
    assert any(f.fired for f in faults)
    assert account["messages of the target"] == 10, out
    same(source, target)
    target.write_conf(mysql__tls="auto", mysql__tls_ca=ca)
    sound(target, 10)
    assert len(target.objects()) == 10, "an object was put twice"


def test_repeated_while_the_source_goes_on(source, target):
    copy(source, target)
    status, account, _ = copy(source, target)
    assert account["there before"] == 10 and account["copied"] == 0
    imported(source, 20, 300, jobs=16)
    source.run("user", "scope", "mallory", "--mailbox", "carol@example.org")
    source.run("user", "disable", "eve")
    source.run("department", "set", "sales", "dave@example.org")
    status, account, _ = copy(source, target)
    assert account["there before"] == 10 and account["copied"] == 300
    same(source, target)
    sound(target, 310)


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGKILL])
def test_stopped_anywhere_and_repeated(source, target, sig):
    imported(source, 20, 700, jobs=16)
    runs = 0
    for delay in (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5):
        p = subprocess.Popen([source.program("strongroom"), "copy", "--to", target.conf, "--jobs", "2"], env=source.env(),
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        time.sleep(delay)  # wherever it is by then
        p.send_signal(sig)
        p.communicate()
        runs += p.returncode != 0
        there = target.rows("SELECT count(*) FROM message")[0][0]
        sound(target, there) if there else None
    assert runs
    copy(source, target)
    same(source, target)
    sound(target, 710)


def test_a_moved_object_and_what_the_record_says(source, target):
    """Whoever moves to another kind of store leaves rows that say where the objects are now; the ledger's records stay."""
    copy(source, target)
    db = sqlite3.connect(target.path("meta", "capture.db"))
    message, bucket, key, version, length, until = db.execute(
        "SELECT id, bucket, object_key, version_id, object_length, retain_until_us FROM message ORDER BY id LIMIT 1").fetchone()
    elsewhere = "m/00/elsewhere.eml"
    os.makedirs(target.path("store", "m", "00"), exist_ok=True)
    os.chmod(target.path("store", "m", "00"), 0o755)
    subprocess.run(["chattr", "-i", target.path("store", key)], stderr=subprocess.DEVNULL)
    shutil.copy2(target.path("store", key), target.path("store", elsewhere))
    shutil.chown(target.path("store", elsewhere), *target.owner())
    os.unlink(target.path("store", key))
    db.execute("INSERT INTO relocation VALUES (?, 1, ?, ?, ?, 0, ?, 'file', ?)", (message, bucket, elsewhere, version, length, until + 1))
    db.commit()
    sound(target, 10)
    target.start("workerd", "queryd")
    api = target.api("eve", PASSWORD, source.secret)
    assert api.content(str(uuid.UUID(bytes=message)))[0] == 200
    target.stop()
    db.execute("DROP TRIGGER relocation_no_update")
    db.execute("UPDATE relocation SET retain_until_us = ?", (until - 1,))
    db.commit()
    _, out, _ = target.run("check", "--ledger", check=False)
    assert "its row differs from its ledger record: retain-until" in out


def test_a_lost_or_altered_object(source, target):
    lost, altered = source.objects()[:2]
    for path in (lost, altered):
        subprocess.run(["chattr", "-i", path], stderr=subprocess.DEVNULL)
    os.unlink(lost)
    os.chmod(altered, 0o600)
    with open(altered, "r+b") as f:
        f.write(b"X")
    os.chmod(altered, 0o400)
    status, account, out = copy(source, target, check=False)
    assert status == 1 and "copy --incomplete" in out and out.count("without its object: message ") >= 1
    status, account, out = copy(source, target, "--incomplete", check=False)
    assert status == 1 and account["without their object"] == 2 and account["messages of the target"] == 10
    _, out, _ = target.run("check", "--deep", check=False)
    assert len([line for line in out.splitlines() if re.match(r"problem: message .* is gone", line)]) == 2


def names_of(site, message):
    return [name for name in site.objects() if str(message) in name]


def said(site, table):
    return {uuid.UUID(bytes=bytes(r[0])) for r in site.rows("SELECT message_id FROM " + table)}


def disposed_of(source, target):
    """What was disposed of is taken over without its object, and what an earlier copy has brought is to be removed there."""
    messages = [uuid.UUID(bytes=r[0]) for r in source.rows("SELECT id FROM message ORDER BY id")]
    gone, going, later = messages[:3]
    disposition = disposal.dispose(source, gone)
    disposal.dispose(source, going, disposition, removed=False)
    status, account, out = copy(source, target)
    assert status == 0 and account["copied"] == 10 and account["disposed of"] == 2 and account["without their object"] == 0, out
    assert names_of(target, gone) == names_of(target, going) == [] and len(target.objects()) == 8
    assert said(target, "message_disposed") == said(target, "message_removed") == {gone, going} and said(target, "removal_work") == set()
    a, b = contents(source), contents(target)
    assert all(a[table] == b[table] for table in a)
    sound(target, 10)
    disposal.dispose(source, later, disposition)
    status, account, out = copy(source, target)
    assert status == 0 and account["copied"] == 0, out
    assert len(names_of(target, later)) == 1 and said(target, "removal_work") == {later} and said(target, "message_removed") == {gone, going}
    assert [site.rows("SELECT count(*) FROM disposal WHERE finished_us <> 0")[0][0] for site in (source, target)] == [1, 0]
    assert copy(source, target)[0] == 0 and said(target, "removal_work") == {later}
    assert target.rows("SELECT finished_us FROM disposal")[0][0] == 0
    sound(target, 10)


def test_what_was_disposed_of(source, target):
    disposed_of(source, target)


@pytest.mark.engines
def test_what_was_disposed_of_to_servers(source, production):
    disposed_of(source, production)


def own_store(target):
    """What a test put there is the account's that the daemons run as."""
    for base, _, files in os.walk(target.path("store")):
        for path in (base, *(os.path.join(base, name) for name in files)):
            shutil.chown(path, *target.owner())


def test_a_copy_that_stopped_before_a_message_was_disposed_of(source, target):
    """Its object is in the target, and no row names it yet: it must not stay there unseen."""
    victim = uuid.UUID(bytes=source.rows("SELECT id FROM message ORDER BY id")[0][0])
    (name,) = names_of(source, victim)
    there = os.path.join(target.path("store"), os.path.relpath(name, source.path("store")))
    os.makedirs(os.path.dirname(there))
    shutil.copy(name, there)
    own_store(target)    # the folders, too: another message may come into one of them
    disposal.dispose(source, victim)
    status, account, out = copy(source, target)
    assert status == 0 and account["disposed of"] == 1, out
    assert said(target, "removal_work") == {victim} and said(target, "message_removed") == set()


def test_something_else_in_the_place_of_an_object(source, target):
    """An object of the same name with other bytes is no copy."""
    name = os.path.relpath(source.objects()[0], source.path("store"))
    path = target.path("store", name)
    os.makedirs(os.path.dirname(path))
    with open(path, "wb") as f:
        f.write(b"something else")
    os.chmod(path, 0o400)
    own_store(target)
    status, _, out = copy(source, target, check=False)
    assert status == 1 and "has other bytes than the message" in out


def test_refusals(source, target, new_site):
    status, _, out = source.run("copy", check=False)
    assert status == 2
    status, _, out = copy(source, source, check=False)
    assert status == 1 and "both configurations name the database" in out
    empty = new_site(servers=None)
    status, _, out = copy(source, empty, check=False)
    assert status != 0 and "strongroom init" in out
    target.add_user("other", PASSWORD)
    status, _, out = copy(source, target, check=False)
    assert status == 1 and "the target has the user other" in out
    assert rows(target, "capture", "message") == []


def test_every_table_is_copied_or_said_why_not(site):
    for name in COPIED:
        there = {r[0] for r in site.rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'", database=name)}
        assert there == set(COPIED[name]) | set(NOT_COPIED[name]), "a new table: copy it (meta/copy.h), or say here why not"
