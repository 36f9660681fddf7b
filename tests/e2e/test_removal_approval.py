"""Whoever may write what strongroom-workerd writes can't have a message removed: it believes nothing but the approval, keeps the
object, and says so."""
import json
import os
import uuid

import pytest

from stack import disposal, metrics
from stack.process import wait_until
from stack.site import Site

MAIL = b"From: alice@example.org\r\nTo: bob@example.org\r\nSubject: %d\r\n\r\nx %d\r\n"
OTHERS = '{"mailboxes":["carol@example.org"]}'


def nobody_disposed_of_it(site, message):
    return uuid.uuid4()


def tombstone(site, message, disposition, fact=True):
    if fact:
        disposal.write_fact(site, message, disposition)
    disposal.write_tombstone(site, message, disposition, removed=False)
    return disposition


def by(**what):
    """Disposed of as strongroom-workerd would, by a disposition of what has expired by now."""
    return lambda site, message: tombstone(site, message, disposal.approve(site, **{"expired_by_us": disposal.now_us(), **what}))


def by_none(site, message):
    return tombstone(site, message, uuid.uuid4())


def without_its_fact(site, message):
    return tombstone(site, message, disposal.approve(site), fact=False)


def by_another(site, message):
    by()(site, message)
    return disposal.approve(site)


def held(site, message):
    disposition = by()(site, message)
    with site.meta.connect("capture", write=True) as db:
        db.execute("INSERT INTO message_hold (message_id, hold_id, event, at_us) VALUES (?, ?, 1, 1)", (message.bytes, uuid.uuid4().bytes))
    return disposition


def extended(site, message):
    disposition = by()(site, message)
    with site.meta.connect("capture", write=True) as db:
        db.execute("INSERT INTO retention_extension (message_id, retain_until_us, at_us, policy_version) VALUES (?, ?, 1, 'x')",
                   (message.bytes, disposal.now_us() + disposal.YEAR))
    return disposition


FORGED = {    # what is written of one message, with the disposition that its removal names: the kind of the alarm, and what it says
    "no tombstone": (nobody_disposed_of_it, "unapproved", "was not disposed of"),
    "no disposition": (by_none, "unapproved", "which does not exist"),
    "no fact": (without_its_fact, "unapproved", "no fact of the ledger says so"),
    "proposed only": (by(decided=False), "unapproved", "which was never approved"),
    "rejected": (by(approved=False), "unapproved", "which was never approved"),
    "outside its scope": (by(scope=OTHERS), "unapproved", "which it does not come under"),
    "before its time": (by(expired_by_us=disposal.now_us() - 2 * disposal.YEAR), "unapproved", "and was to be kept until"),
    "by another": (by_another, "unapproved", "by another disposition"),
    "held": (held, "kept", "a hold is on it"),
    "extended": (extended, "kept", "is kept until"),
}


@pytest.fixture(scope="module")
def forged():
    """.messages: {case: id}; strongroom-workerd has looked at each, and at one that may go."""
    site = Site(settings={"lock_days": "2555", "lock_days_max": "4000"})
    try:
        site.init()
        folder = site.path("mail")
        os.makedirs(folder)
        for i in range(len(FORGED) + 1):
            with open(os.path.join(folder, "%d.eml" % i), "wb") as f:
                f.write(MAIL % (i, i))
        site.run("import", folder)
        site.run("reindex")
        ids = [uuid.UUID(bytes=bytes(row[0])) for row in site.rows("SELECT id FROM message ORDER BY id")]
        site.messages = dict(zip(FORGED, ids))
        site.approved = ids[-1]
        for message in ids:
            disposal.age(site, message)
        for case, (write, _, _) in FORGED.items():
            disposal.queue(site, site.messages[case], write(site, site.messages[case]))
        disposal.queue(site, site.approved, by()(site, site.approved))
        ports = metrics.listen(site, "workerd")
        site.start("workerd")
        wait_until("all removals were tried", lambda: site.rows("SELECT count(*) FROM removal_work WHERE tries = 0")[0][0] == 0, 60)
        site.stop("workerd")
        site.start("workerd")    # which looks at the state of the installation at once
        site.shown = metrics.read_state(ports["workerd"])
        site.stop("workerd")
        site.checked = site.run("check", check=False)[1].splitlines()
        yield site
    finally:
        site.close()


@pytest.mark.parametrize("case", FORGED)
def test_its_object_stays_and_it_is_told(forged, case):
    message, (_, kind, says) = str(forged.messages[case]), FORGED[case]
    assert len([name for name in forged.objects() if message in name]) == 1
    assert not forged.rows("SELECT 1 FROM message_removed WHERE message_id = ?", (forged.messages[case].bytes,))
    assert forged.rows("SELECT count(*) FROM removal_work WHERE message_id = ?", (forged.messages[case].bytes,))[0][0] == 1
    logged = [line for line in forged.log("workerd") if line.get("archive_id") == message and line["level"] == "error"]
    assert logged and "is not removed from the store" in logged[0]["message"] and says in logged[0]["message"], logged
    assert any(line.startswith("problem: strongroom-workerd found message " + message) and says in line for line in forged.checked), forged.checked
    assert [tuple(r) for r in forged.rows("SELECT cleared_us FROM reconcile_alarm WHERE message_id = ?", (forged.messages[case].bytes,))] == [(0,)]


def test_how_many_they_are(forged):
    kinds = [kind for _, kind, _ in FORGED.values()]
    status, out, _ = forged.run("status", "--json", check=False)
    found = json.loads(out)["found"]
    assert status == 1 and (found["removal_unapproved"], found["disposed_kept"]) == (kinds.count("unapproved"), kinds.count("kept"))
    assert forged.shown['strongroom_removal_objects{state="refused"}'] >= len(FORGED)
    assert forged.shown['strongroom_removal_objects{state="waiting"}'] == 0
    for kind in ("unapproved", "kept"):
        assert forged.shown['strongroom_integrity_alarms{kind="%s"}' % kind] == kinds.count(kind)


def test_what_was_approved_is_no_finding(forged):
    assert not forged.rows("SELECT 1 FROM reconcile_alarm WHERE message_id = ?", (forged.approved.bytes,))
    assert not [line for line in forged.checked if str(forged.approved) in line]


@pytest.mark.embedded("the locks of a server's store are not over")
def test_what_was_approved_is_gone(forged):
    assert not [name for name in forged.objects() if str(forged.approved) in name]


@pytest.mark.embedded("the locks of a server's store are not over")
def test_it_goes_when_that_is_mended(forged):
    """The hold is lifted."""
    message = forged.messages["held"]
    with forged.meta.connect("capture", write=True) as db:
        (hold,) = db.execute("SELECT hold_id FROM message_hold WHERE message_id = ?", (message.bytes,)).fetchone()
        db.execute("INSERT INTO message_hold (message_id, hold_id, event, at_us) VALUES (?, ?, 2, 2)", (message.bytes, bytes(hold)))
        db.execute("UPDATE removal_work SET due_us = 0 WHERE message_id = ?", (message.bytes,))
    forged.start("workerd")
    wait_until("it is gone", lambda: forged.rows("SELECT 1 FROM message_removed WHERE message_id = ?", (message.bytes,)), 60)
    forged.stop("workerd")
    assert not [name for name in forged.objects() if str(message) in name]
    assert forged.rows("SELECT cleared_us FROM reconcile_alarm WHERE message_id = ?", (message.bytes,))[0][0] > 0
