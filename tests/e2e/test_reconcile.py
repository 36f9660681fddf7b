"""strongroom-workerd compares store, database and index by itself, and `strongroom status` and `check` say what it found."""
import json
import os
import uuid

import pytest

from stack import disposal
from stack.process import wait_until

SETTINGS = {"workerd.reconcile_interval": "200ms", "workerd.reconcile_grace": "100ms", "workerd.reconcile_full_interval": "500ms",
            "workerd.outbox_interval": "200ms"}
MESSAGE = b"From: a@example.net\r\nTo: b@example.org\r\nSubject: %s\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n\r\ntext\r\n"


@pytest.fixture
def site(new_site):
    s = new_site(settings=SETTINGS)
    s.init()
    s.start("lmtpd")
    return s


def send(site, *subjects):
    with site.lmtp() as c:
        for subject in subjects:
            code, text = c.send(MESSAGE % subject.encode())[0]
            assert code == 250, text


def status(site):
    code, out, _ = site.run("status", "--json", check=False)
    return code, json.loads(out)


def total(account, *names):
    """All days together: a test may run over midnight."""
    return [sum(day[name] for day in account) for name in names]


ALL = ("captured", "recorded", "stored", "indexed")


def wait_account(site, want, names=ALL):
    def same():
        return total(status(site)[1]["account"], *names) == want
    wait_until("the account says %s" % want, same, 60, 0.2)


def test_every_day_adds_up(site):
    send(site, "one", "two", "three")
    site.start("workerd")
    wait_account(site, [3, 3, 3, 3])
    send(site, "four")
    wait_account(site, [4, 4, 4, 4])
    site.stop("workerd")
    send(site, "five")
    site.start("workerd")  # it goes on where it was
    wait_account(site, [5, 5, 5, 5])
    code, said = status(site)
    assert code == 0 and not any(said["found"].values())
    out = site.run("status")[1]
    assert "captured  recorded    stored   indexed" in out and "counted until" in out
    assert "ok:      account: every day adds up" in site.run("check", check=False)[1]


def test_a_lost_object_is_an_alarm_until_it_is_back(site):
    send(site, "one", "two")
    lost = site.objects()[0]
    archive_id = os.path.basename(lost)[:-len(".eml")]
    with site.store.lost(lost):
        site.start("workerd")
        line = site.log_line("workerd", "is gone", 60)
        assert line["level"] == "error" and line["archive_id"] == archive_id
        wait_account(site, [2, 2, 1, 2])
        code, said = status(site)
        assert code == 1 and said["found"]["object_missing"] == 1
        assert "1 message: object missing" in site.run("status", check=False)[1]
        assert archive_id in site.run("check", check=False)[1]
    site.log_line("workerd", "as it should be again", 60)
    assert status(site)[1]["found"]["object_missing"] == 0
    assert sum("not as it should be" in line["message"] for line in site.log("workerd")) == 1  # said once


def test_an_object_without_a_row_is_recorded(site):
    """What a daemon that died between the two left behind; a copy of an object under an id that nobody gave stands for it."""
    send(site, "one")
    there = site.objects()[0]
    name = os.path.basename(there)
    other = "%s%s%s" % (name[:24], "f" if name[24] != "f" else "e", name[25:])  # its directory goes by the last two digits
    site.store.copy(there, other)
    site.start("workerd")
    line = site.log_line("workerd", "belongs to no message", 60)
    assert line["level"] == "warn" and line["archive_id"] == other[:-len(".eml")]
    wait_account(site, [1, 1, 1, 1, 1], ALL + ("orphans",))
    code, said = status(site)
    assert said["found"]["orphans"] == 1 and code == 0  # nothing was lost
    assert len(site.objects()) == 2  # and nothing deleted
    assert "1 objects belong to no message" in site.run("check", check=False)[1]


def test_what_was_disposed_of_is_neither_lost_nor_to_be_indexed(site):
    send(site, "one", "two", "three")
    gone, back = (uuid.UUID(os.path.basename(name)[:-len(".eml")]) for name in site.objects()[:2])
    disposition = disposal.dispose(site, gone)
    disposal.dispose(site, back, disposition, removed=False)
    site.start("workerd")
    wait_account(site, [3, 3, 1, 1, 2, 2, 0], ALL + ("removed", "unindexed", "waiting"))
    wait_until("nothing waits for the index", lambda: status(site)[1]["outbox"] == 0, 60, 0.2)
    code, said = status(site)
    assert (code, said["disposed"], said["messages"]) == (0, 2, 3) and not any(said["found"].values()), said
    assert "disposed  2" in site.run("status")[1] and "2 disposed of" in site.run("status")[1]
    found = site.run("check", check=False)[1]
    assert "ok:      account: every day adds up" in found and "2 of these messages were disposed of" in found
    assert not [line for line in site.log("workerd") if "the index lacked" in line["message"]]
