"""`strongroom check` and `reindex` where messages were disposed of: they are no findings, and whatever does not agree about them is one."""
import hashlib
import os
import uuid

import pytest

from stack import disposal
from stack.process import wait_until

MAIL = b"From: alice@example.org\r\nTo: bob@example.org\r\nSubject: %d\r\nDate: Mon, 5 Jan 2026 10:00:00 +0000\r\n\r\nx\r\n"


def check(site, *more):
    """([what] of the problems, all that was said)."""
    status, out, _ = site.run("check", *more, check=False)
    found = [line[len("problem: "):] for line in out.splitlines() if line.startswith("problem: ")]
    assert status == (1 if found else 0), out
    return found, out


BY_CHECK = pytest.mark.embedded("looked at by the program, whatever the database")  # the others run at servers as well


@pytest.fixture
def filled(site):
    """Four messages, and what check finds while all is well."""
    folder = site.path("mail")
    os.makedirs(folder)
    for i in range(4):
        with open(os.path.join(folder, "%d.eml" % i), "wb") as f:
            f.write(MAIL % i)
    site.run("import", folder)
    site.run("reindex")
    return site


def ids(site):
    return [uuid.UUID(bytes=row[0]) for row in site.rows("SELECT id FROM message ORDER BY id")]


def expect(site, message, says, *more):
    """One finding, about this message; the remedy."""
    found, out = check(site, *more)
    assert len(found) == 1 and "message %s: " % message in found[0] and says in found[0], out
    return out[out.index(found[0]):].splitlines()[1]


def test_what_was_disposed_of_is_sound(filled):
    gone, on_its_way = ids(filled)[:2]
    disposition = disposal.dispose(filled, gone)
    for more in ((), ("--ledger", "--deep")):
        found, out = check(filled, *more)
        assert not found and "all 4 messages agree" in out and "1 of these messages were disposed of; the objects of 1 are gone" in out, out
    # Decided, and workerd has yet to remove its object: or has, and has yet to say so.
    disposal.dispose(filled, on_its_way, disposition, removed=False)
    found, out = check(filled)
    assert not found and "2 of these messages were disposed of; the objects of 1 are gone" in out, out
    filled.store.lose(*[name for name in filled.objects() if str(on_its_way) in name])
    found, out = check(filled)
    assert not found and "2 of these messages were disposed of; the objects of 2 are gone" in out, out


@pytest.mark.embedded("the locks of a server's store are not over")
def test_what_workerd_carried_out_is_sound(filled):
    """Of the whole archive, but that the time of two messages is over."""
    for message in ids(filled)[:2]:
        disposal.age(filled, message)
    assert check(filled)[0] == []
    disposal.approve(filled, expired_by_us=disposal.now_us())
    filled.start("workerd")
    wait_until("two are removed", lambda: filled.rows("SELECT count(*) FROM message_removed")[0][0] == 2, 60)
    filled.stop("workerd")
    found, out = check(filled, "--ledger", "--deep")
    assert not found and "2 of these messages were disposed of; the objects of 2 are gone" in out, out
    assert len(filled.objects()) == 2


@BY_CHECK
def test_a_message_that_nobody_disposed_of_is_missed(filled):
    gone, lost = ids(filled)[:2]
    disposal.dispose(filled, gone)
    filled.store.lose(*[name for name in filled.objects() if str(lost) in name])
    expect(filled, lost, "is gone")


def test_what_is_there_again_is_told(filled):
    back = ids(filled)[0]
    disposal.dispose(filled, back, removed=False)
    with filled.meta.connect("capture", write=True) as db:
        db.execute("INSERT INTO message_removed (message_id, at_us) VALUES (?, ?)", (back.bytes, disposal.now_us()))
    assert "brings back what was removed" in expect(filled, back, "was disposed of and removed from the store, and the object")


def test_a_tombstone_without_its_fact_is_found(filled):
    victim, disposition = ids(filled)[0], disposal.approve(filled)
    disposal.count(filled, disposition)
    disposal.write_tombstone(filled, victim, disposition)
    filled.store.lose(*[name for name in filled.objects() if str(victim) in name])
    assert "who altered the database" in expect(filled, victim, "no fact of the ledger says so")


@BY_CHECK
def test_a_fact_without_its_tombstone_is_found(filled):
    victim = ids(filled)[0]
    disposal.dispose(filled, victim)
    with filled.meta.unguarded() as db:
        db.execute("DELETE FROM message_disposed")
    found, out = check(filled)
    for says in ("and its tombstone does not", "was not disposed of", "is gone"):
        assert any("message %s: " % victim in what and says in what for what in found), out


NO_APPROVAL = [
    (dict(decided=False), "which was never approved"),
    (dict(approved=False), "which was never approved"),
    (dict(expired_by_us=1), "of what had expired by 1970-01-01T00:00:00.000001Z, and was to be kept until"),
    (None, "which does not exist"),
]


@BY_CHECK
@pytest.mark.parametrize("disposition, says", NO_APPROVAL, ids=[says.split(",")[0].replace(" ", "-") for _, says in NO_APPROVAL])
def test_a_disposition_that_nobody_approved_is_found(disposition, says, filled):
    victim = ids(filled)[0]
    disposal.dispose(filled, victim, uuid.uuid4() if disposition is None else disposal.approve(filled, **disposition))
    expect(filled, victim, says)


@BY_CHECK
def test_a_fact_by_another_cause_is_none(filled):
    victim = ids(filled)[0]
    disposal.dispose(filled, victim)
    other = disposal.approve(filled).bytes
    with filled.meta.unguarded() as db:
        db.execute("UPDATE message_disposed SET disposition_id = ?", (other,))
        db.execute("UPDATE disposal SET disposition_id = ?", (other,))
    found, out = check(filled)
    assert len(found) == 2 and any("no fact of the ledger says so" in w for w in found) and any("its tombstone does not" in w for w in found), out


ALTERED = [
    ("UPDATE ledger_fact SET nonce = :zeros", "a later fact and its nonce do not give its leaf"),
    ("UPDATE ledger_fact SET record = :cut, leaf = :leaf", "a later fact can't be read"),
    ("UPDATE ledger_fact SET daemon = 'x'", "the row of a later fact differs from what the fact says"),
    ("UPDATE ledger_fact SET message_id = :other", "the row of a later fact differs from what the fact says"),
]


@BY_CHECK
@pytest.mark.parametrize("sql, says", ALTERED, ids=["nonce", "record", "daemon", "message"])
def test_an_altered_fact_is_found(filled, sql, says):
    victim, other = ids(filled)[:2]
    disposal.dispose(filled, victim)
    nonce, record = filled.rows("SELECT nonce, record FROM ledger_fact")[0]
    values = {"zeros": bytes(32), "cut": record[:-1], "other": other.bytes,
              "leaf": hashlib.sha256(b"strongroom/leaf/v1" + bytes(nonce) + bytes(record[:-1])).digest()}
    with filled.meta.unguarded() as db:
        db.execute(sql, {k: v for k, v in values.items() if ":" + k in sql})
    found, out = check(filled)
    assert any(says in what for what in found) and any("no fact of the ledger says so" in what for what in found), out


@BY_CHECK
def test_tombstones_of_nothing_are_found(filled):
    nobody, disposition = uuid.uuid4(), uuid.uuid4()
    with filled.meta.connect("capture", write=True) as db:
        db.execute("INSERT INTO message_disposed (message_id, disposition_id, at_us) VALUES (?, ?, 1)", (nobody.bytes, disposition.bytes))
    found, out = check(filled)
    assert sorted(found) == sorted(["ledger: message %s: it is said to be disposed of and was never there" % nobody,
                                    "ledger: disposition %s: it counts 0 messages that it disposed of, and 1 are said to be" % disposition]), out


def test_dispositions_that_count_wrongly_are_found(filled):
    first, second = ids(filled)[:2]
    more, less = disposal.approve(filled), disposal.approve(filled)
    for message, disposition in ((first, more), (second, less)):
        disposal.dispose(filled, message, disposition)
    assert check(filled)[0] == []
    disposal.count(filled, more)
    with filled.meta.connect("capture", write=True) as db:
        db.execute("DELETE FROM disposal WHERE disposition_id = ?", (less.bytes,))
    found, out = check(filled)
    assert sorted(found) == sorted(["ledger: disposition %s: it counts 2 messages that it disposed of, and 1 are said to be" % more,
                                    "ledger: disposition %s: it counts 0 messages that it disposed of, and 1 are said to be" % less]), out


@BY_CHECK
def test_a_removal_of_what_was_not_disposed_of_is_found(filled):
    victim = ids(filled)[0]
    disposal.queue(filled, victim, disposal.approve(filled))
    expect(filled, victim, "it is to be removed from the store and was not disposed of")


def test_a_rebuilt_index_passes_over_them(filled):
    """They are neither counted as unreadable, however many they are, nor put on the outbox."""
    for message in ids(filled)[:3]:
        disposal.dispose(filled, message)
    _, out, _ = filled.run("reindex")
    assert out.startswith("1 of 1 messages indexed") and "0 unreadable" in out, out
    assert filled.rows("SELECT count(*) FROM outbox")[0][0] == 0
    found, out = check(filled)
    assert not found and "3 of these messages were disposed of" in out, out
    disposal.dispose(filled, ids(filled)[3])
    _, out, _ = filled.run("reindex")
    assert out.startswith("0 of 0 messages indexed"), out
    assert check(filled)[0] == []
