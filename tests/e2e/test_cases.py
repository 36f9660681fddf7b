"""A case is there for its members and nobody else; it is added to until it is closed, and never deleted."""
import json
import uuid

import pytest

from stack.process import wait_until
from stack.site import Site

PASSWORD = "correct horse battery staple"
V = "/api/v1"


class Matter:
    def __init__(self):
        self.site = Site()
        self.site.init()
        scopes = {"lea": ("--role", "legal", "--all"), "leo": ("--role", "legal", "--mailbox", "bob@example.org"), "ivy": ("--all",)}
        secrets = {name: self.site.add_user(name, PASSWORD, *scope) for name, scope in scopes.items()}
        self.ids = {row[1]: row[0] for row in self.site.rows("SELECT id, username FROM account", database="control")}
        self.site.start("lmtpd", "queryd")
        self.lea, self.leo, self.ivy = (self.site.api(name, PASSWORD, secrets[name]) for name in ("lea", "leo", "ivy"))
        with self.site.lmtp() as c:
            self.bobs, self.carols = (c.send(b"Subject: case\r\n\r\nstrawberry\r\n", recipients=[to])[0][1].split()[-1].decode()
                                      for to in (b"bob@example.org", b"carol@example.org"))


@pytest.fixture(scope="module")
def matter():
    m = None
    try:
        m = Matter()
        yield m
    finally:
        if m:
            m.site.close()


def call(api, method, path, body=None):
    status, text, _ = api.call(method, V + path, body)
    return status, json.loads(text) if text else None


def test_members_work_on_a_case_until_it_is_closed(matter):
    m = matter
    status, case = call(m.lea, "POST", "/cases/", {"name": "Müller ./. Meier", "description": "a suit"})
    assert status == 201 and case["members"] == [m.ids["lea"]] and case["closed"] is None
    one = "/cases/%s" % case["id"]

    # for others there is none
    for api in (m.leo, m.ivy):
        for path in ("/", "/notes/", "/tags/"):
            assert call(api, "GET", one + path)[0] == call(api, "GET", "/cases/%s%s" % (uuid.uuid4(), path))[0] == 404
        assert call(api, "POST", one + "/notes/", {"note": "x"})[0] == call(api, "POST", one + "/tags/", {"message": m.bobs, "tag": "x"})[0] == 404
        assert call(api, "GET", "/cases/")[1]["items"] == []
    assert call(m.leo, "POST", one + "/close", {"reason": "x"})[0] == call(m.leo, "PUT", one + "/members/%d/" % m.ids["leo"])[0] == 404
    assert call(m.ivy, "POST", "/cases/", {"name": "n"})[0] == call(m.ivy, "PUT", one + "/members/%d/" % m.ids["ivy"])[0] == 403
    assert call(m.lea, "POST", "/cases/", {"name": ""})[0] == 400

    # members
    assert call(m.lea, "DELETE", one + "/members/%d/" % m.ids["lea"])[0] == 409
    assert call(m.lea, "PUT", one + "/members/999/")[0] == call(m.lea, "PUT", one + "/members/x/")[0] == 409
    for _ in range(2):
        assert call(m.lea, "PUT", one + "/members/%d/" % m.ids["leo"])[0] == 204
    assert call(m.leo, "GET", one + "/")[1]["members"] == sorted([m.ids["lea"], m.ids["leo"]])
    assert [k["id"] for k in call(m.leo, "GET", "/cases/")[1]["items"]] == [case["id"]]

    # notes and tags: on messages that one may see
    for n in range(3):
        assert call(m.leo, "POST", one + "/notes/", {"note": "note %d" % n, "message": m.bobs if n else None})[0] == 201
    assert call(m.leo, "POST", one + "/notes/", {"note": "x", "message": m.carols})[0] == 400
    page = call(m.lea, "GET", one + "/notes/?limit=2")[1]
    rest = call(m.lea, "GET", one + "/notes/?cursor=" + page["next_cursor"])[1]
    assert [n["note"] for n in page["items"] + rest["items"]] == ["note 0", "note 1", "note 2"]
    assert page["items"][0]["message"] is None and page["items"][1]["message"] == m.bobs and page["items"][0]["by"] == m.ids["leo"]
    assert call(m.leo, "POST", one + "/tags/", {"message": m.carols, "tag": "x"})[0] == 400
    for tag, expected in (("hot", 201), ("hot", 409), ("näher", 201)):
        assert call(m.leo, "POST", one + "/tags/", {"message": m.bobs, "tag": tag})[0] == expected
    page = call(m.lea, "GET", one + "/tags/?limit=1")[1]
    rest = call(m.lea, "GET", one + "/tags/?cursor=" + page["next_cursor"])[1]
    assert [t["tag"] for t in page["items"] + rest["items"]] == ["hot", "näher"]
    gone = one + "/tags/?message=%s&tag=hot" % m.bobs
    assert [call(m.leo, "DELETE", gone)[0], call(m.leo, "DELETE", gone)[0], call(m.leo, "DELETE", one + "/tags/")[0]] == [204, 404, 404]

    # of a message that a member may not see he learns nothing here either
    assert call(m.lea, "POST", one + "/tags/", {"message": m.carols, "tag": "secret"})[0] == 201
    assert call(m.lea, "POST", one + "/notes/", {"note": "secret", "message": m.carols})[0] == 201
    for path, n in (("/tags/", 2), ("/notes/", 4)):
        assert (len(call(m.lea, "GET", one + path)[1]["items"]), len(call(m.leo, "GET", one + path)[1]["items"])) == (n, n - 1)
    assert call(m.leo, "DELETE", one + "/tags/?message=%s&tag=secret" % m.carols)[0] == 404

    # a hold for it is there for its members, whatever they may see
    status, hold = call(m.lea, "POST", "/holds/", {"name": "h", "reason": "r", "case": case["id"], "query": "strawberry"})
    assert status == 201 and hold["case"] == case["id"]
    assert call(m.leo, "GET", "/holds/%s/" % hold["id"])[0] == 200
    assert call(m.lea, "DELETE", one + "/members/%d/" % m.ids["leo"])[0] == 204
    assert call(m.leo, "GET", "/holds/%s/" % hold["id"])[0] == call(m.leo, "GET", one + "/")[0] == 404
    status, j = call(m.leo, "POST", "/holds/", {"name": "h", "reason": "r", "case": case["id"], "query": "strawberry"})
    assert (status, j["field"]) == (400, "case")
    tried = m.site.rows("SELECT actor FROM audit_intent WHERE action = 'hold.place' AND case_ref = ? ORDER BY id", (case["id"],), "control")
    assert [row[0] for row in tried] == ["lea", "leo"]    # he, too, is on record

    # searches are for all members, each within his own scope; an export is its owner's, and others see how far it is
    search = {"name": "berries", "request": {"query": "strawberry"}}
    assert call(m.leo, "POST", "/searches/", {**search, "case": case["id"]})[1]["field"] == "case"
    assert call(m.leo, "POST", "/archive/exports/", {"reason": "r", "case": case["id"].upper()})[1]["field"] == "case"
    assert call(m.lea, "PUT", one + "/members/%d/" % m.ids["leo"])[0] == 204
    status, saved = call(m.leo, "POST", "/searches/", {**search, "case": case["id"]})
    assert status == 201
    other = call(m.leo, "POST", "/searches/", search)[1]
    assert [(s["id"], s["by"], s["request"]) for s in call(m.lea, "GET", one + "/searches/")[1]["items"]] == [(saved["id"], m.ids["leo"], search["request"])]
    assert call(m.lea, "GET", "/searches/%s/" % saved["id"])[0] == 404  # which only he changes
    run = lambda api: call(api, "POST", "/search/emails/", {"saved": saved["id"]})[1]["coverage"]["in_scope"]
    assert (run(m.lea), run(m.leo)) == (2, 1)
    assert [call(api, "POST", "/search/emails/", {"saved": s["id"]})[0] for api, s in ((m.lea, other), (m.ivy, saved))] == [404, 404]
    assert call(m.leo, "PATCH", "/searches/%s/" % other["id"], {"case": str(uuid.uuid4())})[1]["field"] == "case"
    exports = [call(m.leo, "POST", "/archive/exports/", {"reason": "r", "case": text})[1] for text in (case["id"].upper(), "2026-17")]
    assert [e["case"] for e in exports] == [case["id"], "2026-17"]
    told = call(m.lea, "GET", one + "/exports/")[1]["items"]
    assert [(e["id"], e["by"], e["state"], e["finished_at"]) for e in told] == [(exports[0]["id"], m.ids["leo"], "queued", None)]
    for path in ("", "download"):
        assert call(m.lea, "GET", "/archive/exports/%s/%s" % (exports[0]["id"], path))[0] == 404
    second = call(m.lea, "POST", "/archive/exports/", {"reason": "r", "case": case["id"]})[1]["id"]
    page = call(m.leo, "GET", one + "/exports/?limit=1")[1]
    rest = call(m.leo, "GET", one + "/exports/?cursor=" + page["next_cursor"])[1]
    assert [e["id"] for e in page["items"] + rest["items"]] == [exports[0]["id"], second] and rest["next_cursor"] is None
    why = m.site.rows("SELECT action, reason FROM audit_intent WHERE case_ref = ? ORDER BY id", (case["id"],), "control")
    assert {("hold.place", "r"), ("export.create", "r"), ("saved-search.add", None)} <= {tuple(row) for row in why}, why
    assert [h["id"] for h in call(m.leo, "GET", one + "/holds/")[1]["items"]] == [hold["id"]]
    assert [call(m.ivy, "GET", one + path)[0] for path in ("/searches/", "/holds/", "/exports/")] == [404, 403, 403]
    assert call(m.lea, "DELETE", one + "/members/%d/" % m.ids["leo"])[0] == 204
    assert call(m.lea, "POST", "/search/emails/", {"saved": saved["id"]})[0] == 404
    assert call(m.lea, "GET", one + "/searches/")[1]["items"] == [] and call(m.leo, "GET", one + "/exports/")[0] == 404

    # closed
    status, closed = call(m.lea, "POST", one + "/close", {"reason": "settled"})
    assert status == 200 and closed["closed"]["reason"] == "settled"
    long = "ü" * 300    # of which the audit keeps 500 bytes
    assert call(m.lea, "POST", "/holds/%s/lift" % hold["id"], {"reason": long})[0] == 200
    told = [row[0] for row in m.site.rows("SELECT reason FROM audit_intent WHERE action IN ('case.close', 'hold.lift') ORDER BY id", (), "control")]
    assert told[-2:] == ["settled", long[:250]], told
    assert call(m.lea, "GET", one + "/")[1]["closed"]["by"] == m.ids["lea"]
    for method, path, body in (("POST", "/close", {"reason": "x"}), ("POST", "/notes/", {"note": "x"}), ("POST", "/tags/", {"message": m.bobs, "tag": "x"}),
                               ("PUT", "/members/%d/" % m.ids["leo"], None)):
        assert call(m.lea, method, one + path, body)[0] == 409
    assert call(m.lea, "POST", "/holds/", {"name": "h", "reason": "r", "case": case["id"], "query": "x"})[0] == 400
    for path, body in (("/searches/", search), ("/archive/exports/", {"reason": "r"})):
        assert call(m.lea, "POST", path, {**body, "case": case["id"]})[1]["field"] == "case"
    assert len(call(m.lea, "GET", one + "/notes/")[1]["items"]) == 4


def test_a_message_says_that_it_is_held(matter):
    m = matter
    told = lambda: call(m.leo, "GET", "/archive/emails/%s/" % m.bobs)[1]["retention"]["held"]
    assert told() is False
    assert call(m.leo, "POST", "/holds/", {"name": "h", "reason": "r", "messages": [m.bobs]})[0] == 201
    m.site.start("workerd")
    wait_until("it is held", told, 60)


def test_the_operator_opens_a_case_that_nobody_can(matter):
    m = matter
    status, case = call(m.lea, "POST", "/cases/", {"name": "left alone"})
    assert status == 201
    m.site.run("user", "disable", "lea")
    out = m.site.run("case", "list")[1]
    assert "%s left alone: lea (disabled)\n" % case["id"] in out
    for arguments, status in ((("list", "x"), 2), (("admit", case["id"]), 2), (("admit", "x", "leo"), 2), (("admit", str(uuid.uuid4()), "leo"), 1),
                              (("admit", case["id"], "nobody"), 1)):
        assert m.site.run("case", *arguments, check=False)[0] == status
    assert call(m.leo, "GET", "/cases/%s/" % case["id"])[0] == 404
    m.site.run("case", "admit", case["id"], "leo")
    assert call(m.leo, "GET", "/cases/%s/" % case["id"])[1]["members"] == [m.ids["lea"], m.ids["leo"]]
    assert m.site.rows("SELECT count(*) FROM audit_intent WHERE action = 'case.admit' AND strength = 'operator'", database="control")[0][0] == 1
