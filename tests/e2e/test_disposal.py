"""An approved disposition is carried out: what it is of is gone, and nothing else is; whatever happens meanwhile."""
import json
import os
import re
import time
import uuid

import pytest

from stack.process import wait_until
from stack.site import Site, TOP

PASSWORD = "correct horse battery staple"
V = "/api/v1"
SECOND = 10**6
MAIL = b"From: ann@example.org\r\nTo: %s\r\nSubject: apricot %d\r\nMessage-ID: <%d@x.org>\r\n\r\nstrawberry jam %d\r\n"


class Archive:
    """Everybody has his own mail; ada proposes, ben approves."""

    def __init__(self, *programs, **more):
        self.n = 0
        self.site = Site(settings={"workerd.outbox_interval": "200ms"}, **more)
        self.site.init()
        secrets = {name: self.site.add_user(name, PASSWORD, "--role", "administrator", "--role", "legal", "--all") for name in ("ada", "ben")}
        secrets["bob"] = self.site.add_user("bob", PASSWORD, "--role", "investigator", "--mailbox", "bob@example.org")
        self.site.start("lmtpd", "queryd", *programs)
        self.ada, self.ben, self.bob = (self.site.api(name, PASSWORD, secrets[name]) for name in ("ada", "ben", "bob"))

    def send(self, *to, raw=None):
        """Archives one message and gives its id."""
        self.n += 1
        raw = raw or MAIL % (b", ".join(to), self.n, self.n, self.n)
        with self.site.lmtp() as c:
            return c.send(raw, recipients=list(to))[0][1].split()[-1].decode()

    def expire(self, *ids):
        """As if they had been taken long ago, and their time was over."""
        with self.site.meta.unguarded() as db:
            for one in ids:
                db.execute("UPDATE message SET retain_until_us = ?, received_us = ? WHERE id = ?",
                           (int(time.time() - 5) * SECOND, int(time.time() - 8 * 365 * 86400) * SECOND, uuid.UUID(one).bytes))

    def dispose(self, **what):
        """Proposes and approves; the disposition's path."""
        d = call(self.ada, "POST", "/retention/dispositions/", {"reason": "over", **what}, 201)
        path = "/retention/dispositions/%s/" % d["id"]
        call(self.ben, "POST", path + "approve", {"reason": "so be it"}, 200)
        return path

    def progress(self, path):
        return call(self.ada, "GET", path, None, 200)["progress"]

    def carried_out(self, path):
        wait_until("the disposition is carried out", lambda: self.progress(path)["state"] == "done", 120)
        return self.progress(path)

    def status(self, one, api=None, what=""):
        return call(api or self.ada, "GET", "/archive/emails/%s/%s" % (one, what), None)[0]

    def rows(self, sql, one, **more):
        return [tuple(r) for r in self.site.rows(sql, (uuid.UUID(one).bytes,), **more)]

    def is_gone(self, one):
        """From everywhere; and it is said by which disposition."""
        disposed = self.rows("SELECT disposition_id FROM message_disposed WHERE message_id = ?", one)
        assert len(disposed) == 1 and self.rows("SELECT 1 FROM message_removed WHERE message_id = ?", one)
        assert self.rows("SELECT count(*) FROM ledger_fact WHERE message_id = ?", one) == [(1,)]
        assert self.rows("SELECT count(*) FROM message WHERE id = ?", one) == self.rows("SELECT count(*) FROM ledger_record WHERE message_id = ?", one) == [(1,)]
        assert {self.status(one, what=what) for what in ("", "content", "attachments/0", "conversation")} == {410}

    def is_there(self, one):
        assert not self.rows("SELECT 1 FROM message_disposed WHERE message_id = ?", one)
        assert self.status(one) == 200 and self.status(one, what="content") == 200

    def found(self, api=None):
        (api or self.ada).c.close()
        return {hit["id"] for hit in (api or self.ada).search(query="strawberry", limit=500)["hits"]}


def call(api, method, path, body=None, expected=None):
    api.c.close()  # the daemon does not wait for the next request for ever
    status, text, _ = api.call(method, V + path, body)
    answer = json.loads(text) if text.startswith(b"{") else None
    assert expected is None or status == expected, (status, answer)
    return answer if expected else (status, answer)


@pytest.fixture(scope="module")
def archive():
    a = None
    try:
        a = Archive("workerd")
        yield a
    finally:
        if a:
            a.site.close()


def indexed(a, n):
    wait_until("all is indexed", lambda: len(a.found()) >= n, 60)


@pytest.mark.embedded("times that are long over are not known to the locks of a server")
def test_what_was_approved_is_gone(archive):
    a = archive
    over, also, kept = a.send(b"bob@example.org"), a.send(b"bob@example.org", b"carol@example.org"), a.send(b"bob@example.org")
    carols = a.send(b"carol@example.org")
    a.expire(over, also, carols)
    indexed(a, 4)
    before = a.ada.search(query="strawberry")["coverage"]["in_scope"]
    d = call(a.ada, "POST", "/retention/dispositions/", {"reason": "over", "mailbox": "bob@example.org"}, 201)
    path = "/retention/dispositions/%s/" % d["id"]
    assert d["progress"] is None
    time.sleep(3)  # nothing is done without the approval
    a.is_there(over)
    call(a.ben, "POST", path + "approve", {"reason": "so be it"}, 200)
    p = a.carried_out(path)
    assert (p["looked"], p["removed"], p["held"], p["kept_longer"], p["refused"]) == (2, 2, 0, 0, 0)
    a.is_gone(over)
    a.is_gone(also)
    a.is_there(kept)
    a.is_there(carols)
    wait_until("they are off the index", lambda: a.found() == {kept, carols}, 60)
    assert a.found(a.bob) == {kept}
    coverage = a.ada.search(query="strawberry")["coverage"]
    assert coverage["in_scope"] == before - 2 and coverage["not_indexed"] == 0
    assert len(a.site.objects()) == before - 2
    status, problem = call(a.bob, "GET", "/archive/emails/%s/" % over)
    assert (status, problem["type"], problem["disposition"]) == (410, "urn:strongroom:problem:disposed", d["id"]) and problem["disposed_at"]
    assert a.status(carols, a.bob) == a.status(str(uuid.uuid4()), a.bob) == 404
    status, problem = call(a.ada, "POST", "/holds/", {"name": "late", "reason": "x", "messages": [over]})
    assert (status, problem["field"]) == (400, "messages") and "disposed" in problem["detail"]
    begun = a.site.rows("SELECT id, actor FROM audit_intent WHERE action = 'disposition.carry-out' AND object = ?", (d["id"],), database="control")
    assert [r[1] for r in begun] == ["ben"]
    assert [tuple(r) for r in a.site.rows("SELECT result, item_count FROM audit_outcome WHERE intent_id = ?", (begun[0][0],), database="control")] == [("allowed", 2)]


@pytest.mark.embedded("times that are long over are not known to the locks of a server")
def test_what_is_sent_again_is_archived_again(archive):
    a = archive
    raw = MAIL % (b"dora@example.org", 1000, 1000, 1000)
    first = a.send(b"dora@example.org", raw=raw)
    assert a.send(b"dora@example.org", raw=raw) == first
    a.expire(first)
    a.carried_out(a.dispose(mailbox="dora@example.org"))
    a.is_gone(first)
    again = a.send(b"dora@example.org", raw=raw)
    assert again != first and a.send(b"dora@example.org", raw=raw) == again
    a.is_there(again)


@pytest.mark.embedded("times that are long over are not known to the locks of a server")
def test_what_keeps_mail_beats_it(archive):
    a = archive
    held, later, kept, gone = (a.send(b"eve@example.org"), a.send(b"eve@example.org", b"fay@example.org"), a.send(b"eve@example.org", b"gil@example.org"),
                               a.send(b"eve@example.org"))
    a.expire(held, later, kept, gone)
    a.site.kill("workerd")
    path = a.dispose(mailbox="eve@example.org")
    call(a.ada, "POST", "/holds/", {"name": "one", "reason": "x", "messages": [held]}, 201)
    call(a.ada, "POST", "/holds/", {"name": "fay", "reason": "x", "custodians": ["fay@example.org"]}, 201)
    call(a.ada, "POST", "/retention/policies/", {"name": "gil", "applies_to": "mailbox", "subject": "gil@example.org", "days": 3600}, 201)
    a.site.start("workerd")
    p = a.carried_out(path)
    assert (p["removed"], p["held"], p["kept_longer"]) == (1, 2, 1)
    a.is_gone(gone)
    for one in (held, later, kept):
        a.is_there(one)


def points():
    found = set()
    folder = os.path.join(TOP, "common", "archive")
    for name in os.listdir(folder):
        if name.startswith("dispose") and name.endswith(".c"):
            with open(os.path.join(folder, name)) as f:
                found.update(re.findall(r'FAULT\("([^"]+)"\)', f.read()))
    return sorted(found)


@pytest.fixture(scope="module")
def faulty():
    a = None
    try:
        a = Archive()
        yield a
    finally:
        if a:
            a.site.close()


def nothing_lost(a, ids):
    """No object is gone without the decision about it and its fact."""
    stored = " ".join(a.site.objects())
    for one in ids:
        disposed = a.rows("SELECT 1 FROM message_disposed WHERE message_id = ?", one)
        assert one in stored or disposed, one
        assert len(a.rows("SELECT 1 FROM ledger_fact WHERE message_id = ?", one)) == len(disposed)
        assert not disposed or a.status(one) == 410


@pytest.mark.faults
@pytest.mark.embedded("the order of the steps does not depend on the engines")
@pytest.mark.parametrize("point,how", [(point, "kill") for point in points()] + [
    ("dispose-decide", "fail"), ("dispose-remove", "fail"), ("dispose-remove", "kill@2"), ("dispose-removed", "fail"), ("dispose-removed", "kill@2")])
def test_killed_on_the_way(faulty, point, how):
    a = faulty
    name = ("%s-%s@example.org" % (point, how[-1])).encode()
    ids = [a.send(name) for _ in range(3)]
    a.expire(*ids)
    a.site.start("workerd", fault="%s=%s" % (point, how))
    path = a.dispose(mailbox=name.decode())
    if how.startswith("kill"):
        a.site.wait_end("workerd", 60)
    else:
        time.sleep(3)
        a.site.kill("workerd")
    nothing_lost(a, ids)
    with a.site.meta.unguarded() as db:  # what was put off is due
        db.execute("UPDATE removal_work SET due_us = 0")
    a.site.start("workerd")
    p = a.carried_out(path)
    assert (p["looked"], p["removed"], p["refused"]) == (3, 3, 0)
    for one in ids:
        a.is_gone(one)
    assert not [name for name in a.site.objects() if any(one in name for one in ids)]
    begun = a.site.rows("SELECT id FROM audit_intent WHERE action = 'disposition.carry-out' AND object = ?", (path.split("/")[3],), database="control")
    assert len(begun) == 1
    a.site.kill("workerd")


@pytest.mark.embedded("times that are long over are not known to the locks of a server")
def test_a_hold_that_was_answered_saves_it(archive):
    """Holds are placed while messages go, one after the other: what was held in time is there, and what was not is told."""
    a = archive
    ids = [a.send(b"hal@example.org") for _ in range(40)]
    a.expire(*ids)
    a.site.kill("workerd")
    path = a.dispose(mailbox="hal@example.org")
    a.site.start("workerd")
    held, late = [], []
    for one in reversed(ids):
        status, answer = call(a.ada, "POST", "/holds/", {"name": "h", "reason": "x", "messages": [one]})
        assert status in (201, 400, 409) and (status == 201 or "disposed" in answer["detail"]), answer
        (held if status == 201 else late).append(one)
    p = a.carried_out(path)
    assert p["removed"] == len(late) and p["held"] == len(held)
    for one in held:
        a.is_there(one)
    for one in late:
        a.is_gone(one)


@pytest.mark.embedded("times that are long over are not known to the locks of a server")
def test_many_and_killed_at_any_time(archive):
    """More than one page of them, some held, and the program killed again and again."""
    a = archive
    mine = [a.send(b"ida@example.org") for _ in range(150)]
    others = [a.send(b"joe@example.org") for _ in range(10)]
    a.expire(*mine, *others)
    held = mine[::15]
    call(a.ada, "POST", "/holds/", {"name": "h", "reason": "x", "messages": held}, 201)
    path = a.dispose(mailbox="ida@example.org")
    for n in range(4):
        time.sleep(0.1 + 0.3 * n)
        a.site.kill("workerd")
        nothing_lost(a, set(mine) - set(held))
        a.site.start("workerd")
    p = a.carried_out(path)
    assert (p["looked"], p["removed"], p["held"], p["kept_longer"]) == (150, 140, 10, 0)
    stored = " ".join(a.site.objects())
    for one in mine:
        assert (one in stored) == (one in held) and (a.status(one) == 200) == (one in held)
    for one in others:
        a.is_there(one)


@pytest.mark.embedded("other indices forget by themselves")
def test_the_index_forgets_the_words(archive):
    """Nothing finds what is gone at once; its words are in the file until that is built anew, when nobody adds any."""
    a = archive
    one = a.send(b"kim@example.org")
    a.expire(one)
    a.carried_out(a.dispose(mailbox="kim@example.org"))
    wait_until("it is off the index", lambda: not a.site.rows("SELECT 1 FROM index_removal WHERE removed_us = 0"), 60)
    with a.site.meta.unguarded() as db:  # ten minutes later
        db.execute("UPDATE index_removal SET removed_us = 1")
    wait_until("it is for good", lambda: not a.site.rows("SELECT 1 FROM index_removal"), 60)
    a.site.kill("workerd")
    a.site.start("workerd")
    wait_until("it is built anew", lambda: any("disposed of are in it still" in line.get("message", "") for line in a.site.log("workerd")), 60)
    wait_until("it is whole", lambda: any("the index is whole again" in line.get("message", "") for line in a.site.log("workerd")), 60)
    there = {bytes(r[0]) for r in a.site.rows("SELECT id FROM message m WHERE NOT EXISTS (SELECT 1 FROM message_disposed d WHERE d.message_id = m.id)")}
    assert {uuid.UUID(i).bytes for i in a.found()} == there
    assert not a.site.rows("SELECT message_id FROM outbox")


def test_nobody_is_given_it_whatever_the_store_says(archive):
    """A store with locks of its own does not let go what it was told to keep: it is shown, and given to nobody all the same."""
    a = archive
    one, other = a.send(b"lou@example.org"), a.send(b"lou@example.org")
    a.expire(one)
    wait_until("both are found", lambda: {one, other} <= a.found(), 60)
    path = a.dispose(mailbox="lou@example.org")
    wait_until("it is disposed of", lambda: a.status(one) == 410, 60)
    p = wait_until("it is done, or the store refused it", lambda: (lambda p: (p["state"] == "done" or p["refused"]) and p)(a.progress(path)), 60)
    assert (p["looked"], p["in_store"], p["state"]) == (1, p["refused"], "at work" if p["refused"] else "done")
    assert any(one in name for name in a.site.objects()) == bool(p["refused"])
    wait_until("it is off the index", lambda: one not in a.found() and not a.site.rows("SELECT 1 FROM index_removal WHERE removed_us = 0"), 60)
    a.is_there(other)
