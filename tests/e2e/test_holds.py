"""Legal holds: put on what is there and on what comes, taken off by the last one; nobody holds or sees more than he may see."""
import json
import uuid

import pytest

from stack.process import wait_until
from stack.site import Site

PASSWORD = "correct horse battery staple"
V = "/api/v1/holds"
RAW = b"From: Ann <ann@example.org>\r\nTo: %s\r\nSubject: hold %d\r\n\r\n%s\r\n"


class Holding:
    def __init__(self):
        self.site = Site()
        self.site.init()
        secrets = {"lea": self.site.add_user("lea", PASSWORD, "--role", "legal", "--all"),
                   "leo": self.site.add_user("leo", PASSWORD, "--role", "legal", "--mailbox", "bob@example.org"),
                   "ivy": self.site.add_user("ivy", PASSWORD, "--all"),
                   "una": self.site.add_user("una", PASSWORD, "--role", "legal"),
                   "old": self.site.add_user("old", PASSWORD, "--role", "legal", "--all", "--until", "2020-01-01")}
        self.site.start("lmtpd", "workerd", "queryd")
        self.lea, self.leo, self.ivy, self.una, self.old = (self.site.api(name, PASSWORD, secret) for name, secret in secrets.items())
        self.sent = 0

    def send(self, to="bob@example.org", text="strawberry"):
        self.sent += 1
        with self.site.lmtp() as c:
            code, answer = c.send(RAW % (to.encode(), self.sent, text.encode()), sender=b"ann@example.org", recipients=[to.encode()])[0]
        assert code == 250, answer
        return answer.split()[-1].decode()

    def holds_of(self, archive_id):
        """Those that the database knows of, when the store has the same to say of whether there are any."""
        mine = (uuid.UUID(archive_id).bytes,)
        events = self.site.rows("SELECT hold_id, event FROM message_hold WHERE message_id = ?", mine)
        on = {bytes(h) for h, event in events if event == 1} - {bytes(h) for h, event in events if event == 2}
        held = self.site.store.held(self.site.row(archive_id))
        return len(on) if held is None or held == bool(on) else -1

    def send_held(self):
        """Sends one; its id when the database knows at once that it is held, what capture knows two seconds after a hold at the latest."""
        archive_id = self.send()
        mine = (uuid.UUID(archive_id).bytes,)
        found = self.site.rows("SELECT 1 FROM hold_work WHERE message_id = ?", mine) + self.site.rows(
            "SELECT 1 FROM message_hold WHERE message_id = ?", mine)
        return archive_id if found else None

    def wait_held(self, archive_id, n):
        wait_until("%s is under %d holds" % (archive_id, n), lambda: self.holds_of(archive_id) == n, 60)


@pytest.fixture(scope="module")
def holding():
    h = None
    try:
        h = Holding()
        yield h
    finally:
        if h:
            h.site.close()


def call(api, method, path, body=None):
    status, text, h = api.call(method, V + path, body)
    return status, json.loads(text) if text else None


def place(api, **hold):
    status, h = call(api, "POST", "/", {"name": "a hold", "reason": "a suit", **hold})
    assert status == 201, h
    return h


def lift(api, h):
    status, after = call(api, "POST", "/%s/lift" % h["id"], {"reason": "settled"})
    assert status == 200 and after["lifted"]["reason"] == "settled", after


def test_what_is_held_is_released_by_the_last_hold(holding):
    k = holding
    older, other = k.send(), k.send(to="carol@example.org", text="banana")
    wait_until("both can be found", lambda: k.lea.search()["total"] == 2, 60)
    custodian = place(k.lea, custodians=["BOB@example.org"])
    query = place(k.lea, query="strawberry", standing=False)
    one = place(k.lea, messages=[other])
    assert custodian["standing"] and not one["standing"] and custodian["scope"]["mailboxes"] == ["bob@example.org"]
    k.wait_held(older, 2)
    k.wait_held(other, 1)
    wait_until("it is told", lambda: call(k.lea, "GET", "/%s/" % custodian["id"])[1]["progress"] == {"state": "placed", "messages": 1}, 60)
    newer = wait_until("new mail is held in the transaction that archives it", k.send_held, 60, 0.5)
    k.wait_held(newer, 1)
    k.site.store.refuses_removal(k.site.row(older))
    lift(k.lea, query)
    k.wait_held(older, 1)
    lift(k.lea, custodian)
    assert call(k.lea, "POST", "/%s/lift" % custodian["id"], {"reason": "again"})[0] == 409
    k.wait_held(older, 0)
    k.wait_held(newer, 0)
    wait_until("it is told", lambda: call(k.lea, "GET", "/%s/" % custodian["id"])[1]["progress"]["state"] == "lifted", 60)
    assert k.holds_of(other) == 1
    assert "agree" in k.site.run("check", "--ledger", check=False)[1]
    for program in ("lmtpd", "workerd"):
        assert not [line for line in k.site.log(program) if line.get("level") == "error"]


def told(api, archive_id):
    """The holds in the metadata of a message."""
    status, m = api.meta(archive_id)
    assert status == 200, m
    return {hold["id"] for hold in m["holds"]}


def test_nobody_holds_or_sees_more_than_he_may(holding):
    k = holding
    bobs, carols = k.send(), k.send(to="carol@example.org")
    wait_until("both can be found", lambda: not k.lea.search()["coverage"]["not_indexed"], 60)
    for api, hold, field in ((k.leo, {"custodians": ["carol@example.org"]}, "custodians"), (k.leo, {"messages": [carols]}, "messages"),
                             (k.lea, {"messages": [str(uuid.uuid4())]}, "messages"), (k.lea, {"messages": []}, "messages"), (k.lea, {}, "messages"),
                             (k.lea, {"query": "(", }, "query"), (k.lea, {"query": "x", "custodians": ["bob@example.org"]}, "messages"),
                             (k.lea, {"messages": [bobs], "standing": True}, "standing"), (k.lea, {"query": "x", "after": "never"}, "after"),
                             (k.lea, {"custodians": ["nobody"]}, "custodians"),
                             (k.una, {"query": "x"}, "query"), (k.una, {"custodians": ["bob@example.org"]}, "custodians"),
                             (k.una, {"messages": [bobs]}, "messages"), (k.old, {"query": "x", "after": "2021-01-01"}, "query"),
                             (k.lea, {"custodians": []}, "custodians"), (k.lea, {"query": "x", "after": "2026-01-02", "before": "2026-01-02"}, "after"),
                             # a time that could not be read again would keep all other holds from being read
                             (k.lea, {"query": "x", "before": "9999-12-31T23:59:60Z"}, "before"),
                             (k.lea, {"query": "x", "after": "0000-01-01T00:00:00+01:00"}, "after")):
        status, j = call(api, "POST", "/", {"name": "n", "reason": "r", **hold})
        assert (status, j.get("field")) == (400, field), (hold, j)
    tried = k.site.rows("SELECT i.actor, o.status FROM audit_intent i JOIN audit_outcome o ON o.intent_id = i.id WHERE i.action = 'hold.place' "
                        "AND i.detail LIKE '%carol@example.org%'", (), "control")
    assert [tuple(row) for row in tried] == [("leo", 400)]    # who tried to hold what he may not see is on record
    mine, hers = place(k.leo, query="strawberry"), place(k.lea, query="strawberry")
    k.wait_held(bobs, 2)
    k.wait_held(carols, 1)    # his own reaches as far as he sees
    assert told(k.leo, bobs) == {mine["id"]} and told(k.lea, bobs) >= {mine["id"], hers["id"]} and told(k.lea, carols) == {hers["id"]}
    assert call(k.leo, "GET", "/%s/" % mine["id"])[0] == 200 and call(k.lea, "GET", "/%s/" % mine["id"])[0] == 200
    for method, path, body in (("GET", "/%s/", None), ("POST", "/%s/lift", {"reason": "x"})):
        assert call(k.leo, method, path % hers["id"], body)[0] == 404
        assert call(k.leo, method, path % uuid.uuid4(), body)[0] == call(k.leo, method, path % "x", body)[0] == 404
        assert call(k.ivy, method, path % mine["id"], body)[0] == 403
    seen = [h["id"] for h in call(k.leo, "GET", "/?limit=500")[1]["items"]]
    assert mine["id"] in seen and hers["id"] not in seen
    first = call(k.lea, "GET", "/?limit=1")[1]
    rest = call(k.lea, "GET", "/?cursor=" + first["next_cursor"])[1]
    assert first["items"][0]["id"] not in [h["id"] for h in rest["items"]] and mine["id"] in [h["id"] for h in rest["items"]]
    for h in (mine, hers):
        lift(k.lea, h)
    k.wait_held(bobs, 0)
    k.wait_held(carols, 0)
