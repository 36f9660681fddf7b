"""What has expired is proposed to be removed by one and decided on by another; nobody decides on what he can't look at."""
import json
import threading
import time
import uuid

import pytest

from stack.site import Site

PASSWORD = "correct horse battery staple"
V = "/api/v1/retention"
SECOND = 10**6


class Queue:
    def __init__(self):
        self.site = Site()
        self.site.init()
        keep = ("--role", "administrator")
        scopes = {"ada": (*keep, "--all"), "ben": (*keep, "--all"), "bob": (*keep, "--mailbox", "bob@example.org"), "ivy": ("--role", "legal", "--all")}
        secrets = {name: self.site.add_user(name, PASSWORD, *scope) for name, scope in scopes.items()}
        self.ids = {row[1]: row[0] for row in self.site.rows("SELECT id, username FROM account", database="control")}
        self.site.start("lmtpd", "queryd")
        self.ada, self.ben, self.bob, self.ivy = (self.site.api(name, PASSWORD, secrets[name]) for name in scopes)
        with self.site.lmtp() as c:
            self.bobs, self.carols, self.held, self.kept = (
                c.send(b"Subject: %d\r\n\r\nx\r\n" % n, recipients=[to])[0][1].split()[-1].decode()
                for n, to in enumerate([b"bob@example.org", b"carol@example.org", b"bob@example.org", b"bob@example.org"]))
        with self.site.meta.unguarded() as db:
            for archive_id in (self.bobs, self.carols, self.held):
                db.execute("UPDATE message SET retain_until_us = ? WHERE id = ?", (int(time.time() - 5) * SECOND, uuid.UUID(archive_id).bytes))
            db.execute("INSERT INTO message_hold VALUES (?, ?, 1, 1)", (uuid.UUID(self.held).bytes, uuid.uuid4().bytes))


@pytest.fixture(scope="module")
def queue():
    q = None
    try:
        q = Queue()
        yield q
    finally:
        if q:
            q.site.close()


def call(api, method, path, body=None):
    status, text, _ = api.call(method, V + path, body)
    return status, json.loads(text) if text else None


def propose(api, **what):
    status, d = call(api, "POST", "/dispositions/", {"reason": "over", **what})
    assert status == 201, d
    return d, "/dispositions/%s/" % d["id"]


def ids(api, path):
    status, page = call(api, "GET", path)
    assert status == 200, page
    found = [m["id"] for m in page["items"]]
    return found + (ids(api, path.split("?")[0] + "?limit=1&cursor=" + page["next_cursor"]) if page["next_cursor"] else [])


def test_what_nothing_keeps_has_expired(queue):
    q = queue
    assert ids(q.ada, "/expired/") == ids(q.ada, "/expired/?limit=1") == [q.bobs, q.carols]
    assert ids(q.bob, "/expired/") == ids(q.bob, "/expired/?limit=1") == [q.bobs]
    assert call(q.ivy, "GET", "/expired/")[0] == 403


def test_another_person_decides(queue):
    q = queue
    d, one = propose(q.ada, mailbox="bob@example.org")
    assert (d["state"], d["scope"], d["proposed"]["by"], d["decided"]) == ("proposed", {"mailboxes": ["bob@example.org"]}, q.ids["ada"], None)
    assert ids(q.ben, one + "messages/") == [q.bobs]
    for what in ("approve", "reject"):
        status, problem = call(q.ada, "POST", one + what, {"reason": "mine"})
        assert (status, problem["type"]) == (403, "urn:strongroom:problem:own-proposal")
    assert call(q.ben, "GET", one)[1] == d
    status, approved = call(q.ben, "POST", one + "approve", {"reason": "so be it"})
    assert status == 200 and (approved["state"], approved["decided"]["by"], approved["decided"]["reason"]) == ("approved", q.ids["ben"], "so be it")
    assert call(q.ada, "GET", one)[1] == approved
    for api in (q.ben, q.bob):
        assert call(api, "POST", one + "reject", {"reason": "no"})[0] == 409
    rejected = propose(q.ada)[1]
    assert call(q.ben, "POST", rejected + "reject", {"reason": "no"})[1]["state"] == "rejected"
    assert call(q.bob, "POST", rejected + "approve", {"reason": "yes"})[0] == 404
    # on record; and nothing is gone
    actions = [r[0] for r in q.site.rows("SELECT action FROM audit_intent ORDER BY id", database="control")]
    assert {"disposition.propose", "disposition.approve", "disposition.reject"} <= set(actions)
    assert len(q.site.rows("SELECT id FROM message")) == 4 and len(q.site.objects()) == 4


def test_nobody_decides_on_what_he_may_not_see(queue):
    q = queue
    all_mail, one = propose(q.ada)
    own, bobs = propose(q.bob)
    assert own["scope"] == {"mailboxes": ["bob@example.org"]} and ids(q.ada, bobs + "messages/") == [q.bobs]
    for path in ("", "messages/"):
        assert call(q.bob, "GET", one + path)[0] == 404
    assert call(q.bob, "POST", one + "approve", {"reason": "x"})[0] == 404
    listed = lambda api: {d["id"] for d in call(api, "GET", "/dispositions/?limit=500")[1]["items"]}
    assert {all_mail["id"], own["id"]} <= listed(q.ada) and own["id"] in listed(q.bob) and all_mail["id"] not in listed(q.bob)
    first = call(q.bob, "GET", "/dispositions/?limit=1")[1]
    assert [d["id"] for d in first["items"]] == [min(listed(q.bob))]


def test_one_decision_of_many_at_once(queue):
    q = queue
    for _ in range(3):
        one, got = propose(q.bob)[1], []
        people = [threading.Thread(target=lambda api=api, what=what: got.append(call(api, "POST", one + what, {"reason": "x"})))
                  for api, what in ((q.ada, "approve"), (q.ben, "reject"), (q.bob, "approve"))]
        for p in people:
            p.start()
        for p in people:
            p.join()
        decided = [j["state"] for status, j in got if status == 200]
        assert len(decided) == 1 and sorted(status for status, _ in got) == [200, 403, 409]
        assert call(q.ada, "GET", one)[1]["state"] == decided[0]


@pytest.mark.parametrize("body,field", [
    ({}, "reason"), ({"reason": ""}, "reason"), ({"reason": "x", "expired_by": "2999-01-01"}, "expired_by"), ({"reason": "x", "expired_by": "soon"}, "expired_by"),
    ({"reason": "x", "department": "none such"}, "department"), ({"reason": "x", "after": "2026-01-02", "before": "2026-01-01"}, "after"),
    ({"reason": "x", "query": "y"}, "query"), ({"reason": "x", "after": "soon"}, "after")])
def test_what_can_not_be_proposed(queue, body, field):
    status, problem = call(queue.ada, "POST", "/dispositions/", body)
    assert (status, problem["field"]) == (400, field), problem
    status, problem = call(queue.bob, "POST", "/dispositions/", {"reason": "x", "mailbox": "carol@example.org"})
    assert (status, problem["field"]) == (400, "mailbox"), problem
    tried = queue.site.rows("SELECT actor, reason FROM audit_intent WHERE action = 'disposition.propose' AND detail LIKE '%carol@example.org%' "
                            "ORDER BY id DESC LIMIT 1", (), "control")
    assert [tuple(row) for row in tried] == [("bob", "x")]    # who reached for others' mail is on record
