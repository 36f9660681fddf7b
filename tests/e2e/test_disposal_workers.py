"""Two strongroom-workerd carry out the same dispositions at once: each message is decided and counted once, and all of them go."""
import os
import types

import pytest

from stack import disposal, engines
from stack.process import pause, wait_until
from stack.replica import Worker, pause_between_writes
from stack.site import Site

MAIL = b"From: alice@example.org\r\nTo: box%d@example.org\r\nSubject: %d\r\n\r\nx %d\r\n"
BOXES = 12    # each has a disposition of its own, which both begin at once
MANY = 300    # more than are decided on at once


def database_alone():
    """Times that are long over are not known to the locks of a store at a server."""
    servers = engines.current()
    return servers and types.SimpleNamespace(parts={"meta": servers.parts["meta"]})


@pytest.fixture
def filled(servers):
    """Messages whose time is over, to three for each box and many for the last one."""
    site = Site(servers=database_alone, settings={"workerd.outbox_interval": "200ms"})
    servers.append(site)
    site.init()
    folder = site.path("mail")
    os.makedirs(folder)
    for i in range(3 * BOXES + MANY):
        with open(os.path.join(folder, "%d.eml" % i), "wb") as f:
            f.write(MAIL % (min(i // 3, BOXES), i, i))
    site.run("import", folder)
    site.run("reindex")
    with site.meta.unguarded() as db:
        db.execute("UPDATE message SET retain_until_us = ?, received_us = ?", (disposal.now_us() - 5 * 10**6, disposal.now_us() - 8 * disposal.YEAR))
    return site


def dispose_of_all(site):
    """{disposition: how many it is of}."""
    return {disposal.approve(site, expired_by_us=disposal.now_us(), scope='{"mailboxes":["box%d@example.org"]}' % i): MANY if i == BOXES else 3
            for i in range(BOXES + 1)}


def is_done(site, dispositions):
    return site.rows("SELECT count(*) FROM disposal WHERE finished_us > 0")[0][0] == len(dispositions)


def each_once(site, dispositions):
    for disposition, n in dispositions.items():
        key = (disposition.bytes,)
        said = [tuple(r) for r in site.rows("SELECT looked, disposed, held, kept FROM disposal WHERE disposition_id = ?", key)]
        assert said == [(n, n, 0, 0)]
        assert site.rows("SELECT count(*) FROM message_disposed WHERE disposition_id = ?", key)[0][0] == n
        intents = site.rows("SELECT id FROM audit_intent WHERE action = 'disposition.carry-out' AND object = ?", (str(disposition),), database="control")
        assert len(intents) == 1
        outcomes = site.rows("SELECT item_count FROM audit_outcome WHERE intent_id = ?", (bytes(intents[0][0]),), database="control")
        assert [r[0] for r in outcomes] == [n]
    total = sum(dispositions.values())
    for table in ("message_disposed", "message_removed", "ledger_fact"):
        assert site.rows("SELECT count(DISTINCT message_id), count(*) FROM " + table)[0][:] == (total, total), table
    assert site.rows("SELECT count(*) FROM removal_work")[0][0] == 0 and not site.objects()
    assert site.rows("SELECT count(*) FROM reconcile_alarm")[0][0] == 0


def test_both_at_once(filled, servers):
    filled.start("workerd")
    servers.append(Worker(filled))
    dispositions = dispose_of_all(filled)
    wait_until("all is carried out", lambda: is_done(filled, dispositions), 120)
    each_once(filled, dispositions)


def test_one_stands_still_meanwhile(filled, servers):
    """One is stopped in the middle, and goes on with what it knew then when the other has finished."""
    other = Worker(filled)
    servers.append(other)
    dispositions = dispose_of_all(filled)
    wait_until("it is at work", lambda: filled.rows("SELECT count(*) FROM message_disposed")[0][0], 60, 0.002)
    pause_between_writes(filled, other.daemon.pid)
    try:
        filled.start("workerd")
        wait_until("the other has finished", lambda: is_done(filled, dispositions), 120)
    finally:
        pause(other.daemon.pid, False)
    wait_until("all is carried out", lambda: is_done(filled, dispositions), 120)
    assert other.daemon.end(15, 30) == 0    # it has ended its turn
    each_once(filled, dispositions)
