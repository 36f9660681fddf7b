"""The audit as auditors read it, the ledger that it is kept in, and who looked at a mailbox."""
import csv
import hashlib
import io
import json
import urllib.parse

import pytest

from stack.process import wait_until
from stack.site import Site

PASSWORD = "correct horse battery staple"
V = "/api/v1"
RAW = b"From: %s\r\nTo: %s\r\nSubject: pumpkin secret\r\n\r\nstrawberry\r\n"


class Trail:
    def __init__(self):
        self.site = Site()
        self.site.init()
        self.secrets = {"ivy": self.site.add_user("ivy", PASSWORD, "--mailbox", "alice@example.org"),
                        "olga": self.site.add_user("olga", PASSWORD, "--all"),
                        "audrey": self.site.add_user("audrey", PASSWORD, "--role", "auditor")}
        for name in ("lmtpd", "queryd", "workerd"):
            self.site.start(name)
        with self.site.lmtp() as c:
            for sender, recipient in ((b"alice@example.org", b"bob@example.org"), (b"carol@example.org", b"dave@example.org")):
                assert c.send(RAW % (sender, recipient), sender=sender, recipients=[recipient])[0][0] == 250
        wait_until("the outbox is empty", lambda: self.site.rows("SELECT count(*) FROM outbox")[0][0] == 0, 60)
        self.ivy, self.olga, self.audrey = (self.site.api(n, PASSWORD, self.secrets[n]) for n in ("ivy", "olga", "audrey"))
        self.ids = {h["from"][0]["address"]: h["id"] for h in self.olga.search()["hits"]}


@pytest.fixture(scope="module")
def trail():
    t = None
    try:
        t = Trail()
        yield t
    finally:
        if t:
            t.site.close()


def get(api, path, headers=None, **parameters):
    """(status, decoded body)."""
    query = "?" + urllib.parse.urlencode(parameters) if parameters else ""
    status, text, _ = api.call("GET", V + path + query, headers=headers)
    return status, json.loads(text)


def entries(api, path="/audit/", **parameters):
    """All pages."""
    items, cursor = [], {}
    while True:
        status, page = get(api, path, **parameters, **cursor)
        assert status == 200, page
        items += page["items"]
        if not page["next_cursor"]:
            return items
        cursor = {"cursor": page["next_cursor"]}


def test_why_is_on_record(trail):
    headers = {"X-Audit-Reason": "complaint 4711 of Müller".encode().decode("latin-1"), "X-Case": "2026-17", "X-Request-ID": "why-1"}
    content = V + "/archive/emails/%s/content" % trail.ids["alice@example.org"]
    status, text, answer = trail.olga.call("GET", content, headers=headers)
    assert status == 200 and answer["X-Request-ID"] == "why-1"
    [entry] = entries(trail.audrey, request_id="why-1")
    assert (entry["reason"], entry["case"], entry["actor"]) == ("complaint 4711 of Müller", "2026-17", "olga")
    assert (entry["action"], entry["object"]) == ("read.content", trail.ids["alice@example.org"])
    assert entry["strength"] == "password+totp" and entry["client"].startswith("127.0.0.1") and entry["in_ledger"] is True
    assert (entry["outcome"]["result"], entry["outcome"]["status"], entry["outcome"]["count"]) == ("allowed", 200, len(text))
    assert entry["outcome"]["sha256"] == hashlib.sha256(text).hexdigest()
    assert get(trail.audrey, "/audit/%s/" % entry["id"]) == (200, entry)
    assert entries(trail.audrey, case="2026-17") == [entry]
    assert trail.olga.call("GET", content, headers={"X-Request-ID": "known", "If-None-Match": answer["ETag"]})[0] == 304
    [entry] = entries(trail.audrey, request_id="known")
    assert (entry["outcome"]["status"], entry["outcome"]["sha256"]) == (304, None)    # nothing was given out
    answer = trail.olga.call("GET", content, headers={"X-Request-ID": "no id"})[2]
    assert len(answer["X-Request-ID"]) == 36    # one of the daemon's own
    for bad in ({"X-Audit-Reason": "x" * 501}, {"X-Case": "x" * 256}, {"X-Case": ""}, {"X-Audit-Reason": "\xff"}):
        assert trail.olga.another().call("GET", V + "/audit/", headers=bad)[0] == 400


def test_only_auditors_read_it(trail):
    for path in ("/audit/", "/audit/mailboxes/alice@example.org", "/audit/export", "/audit/%s/" % trail.ids["alice@example.org"]):
        for api in (trail.ivy, trail.olga):
            assert get(api, path)[0] == 403
        assert trail.audrey.another().call("GET", V + path)[0] in (200, 404)
    anybody = trail.audrey.another()
    anybody.token = None
    assert get(anybody, "/audit/")[0] == 401
    assert get(trail.audrey, "/archive/emails/%s/" % trail.ids["alice@example.org"])[0] == 403
    assert get(trail.audrey, "/audit/nonsense/")[0] == 404


def test_filters_and_pages(trail):
    for n in range(7):
        trail.ivy.search("strawberry page%d" % n)
    whole = entries(trail.audrey, actor="ivy", action="search")
    assert [e["detail"]["query"] for e in whole][:7] == ["strawberry page%d" % n for n in reversed(range(7))]
    seen, cursor = [], {}
    while True:  # what comes in meanwhile shifts nothing
        status, page = get(trail.audrey, "/audit/", actor="ivy", action="search", limit=3, **cursor)
        trail.ivy.search("later")
        seen += [e["id"] for e in page["items"]]
        if not page["next_cursor"]:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == [e["id"] for e in whole]
    assert {e["action"] for e in entries(trail.audrey, action="sign-in")} >= {"sign-in.password", "sign-in.totp"}
    assert entries(trail.audrey, action="sign") == []
    middle = whole[3]["at"]
    assert [e["id"] for e in entries(trail.audrey, actor="ivy", action="search", until=middle)] == [e["id"] for e in whole[4:]]
    assert whole[3]["id"] in [e["id"] for e in entries(trail.audrey, **{"from": middle})]
    assert {e["outcome"]["result"] for e in entries(trail.audrey, result="refused")} <= {"refused"}
    assert all(e["outcome"] is None for e in entries(trail.audrey, result="none"))
    assert [e["object"] for e in entries(trail.audrey, object=trail.ids["carol@example.org"], actor="nobody")] == []
    for bad in ({"from": "yesterday"}, {"limit": 0}, {"limit": 501}, {"cursor": "zz"}, {"colour": "red"}, {"result": "Refused"}):
        assert get(trail.audrey, "/audit/", **bad)[0] == 400, bad


def test_who_looked_at_a_mailbox(trail):
    mine, other = trail.ids["alice@example.org"], trail.ids["carol@example.org"]
    trail.ivy.search("pumpkin")  # the scope names alice
    trail.olga.search("pumpkin", mailbox="Alice@Example.org")
    trail.olga.search("pumpkin", mailbox="carol@example.org")
    assert trail.ivy.meta(mine)[0] == 200
    assert trail.ivy.meta(other)[0] == 404  # shows nothing of it
    assert trail.olga.content(other)[0] == 200
    looks = entries(trail.audrey, "/audit/mailboxes/alice@example.org")
    named = [(e["actor"], e["action"], e["object"]) for e in looks if not e["all_mailboxes"]]
    assert named[:3] == [("ivy", "read.metadata", mine), ("olga", "search", None), ("ivy", "search", None)]
    assert other not in {e["object"] for e in looks}
    assert {e["actor"] for e in looks if e["all_mailboxes"]} == {"olga"}  # a search over everything could reach it
    assert other in {e["object"] for e in entries(trail.audrey, "/audit/mailboxes/dave@example.org")}
    assert all(e["all_mailboxes"] for e in entries(trail.audrey, "/audit/mailboxes/nobody@example.org"))
    assert "pumpkin secret" not in json.dumps(looks) and "strawberry" not in json.dumps([e for e in looks if e["action"] != "search"])
    assert entries(trail.audrey, "/audit/mailboxes/alice@example.org", actor="ivy", action="read")[0]["object"] == mine
    assert entries(trail.audrey, action="audit.mailbox")[0]["object"] == "alice@example.org"


def test_nobody_is_called_everybody(trail):
    with trail.site.lmtp() as c:
        code, text = c.send(RAW % (b"alice@example.org", b"*"), sender=b"alice@example.org", recipients=[b"bob@example.org"])[0]
    assert code == 250
    archive_id = (text.decode() if isinstance(text, bytes) else text).split()[-1]
    assert trail.olga.meta(archive_id)[1]["to"][0]["address"] == "*"
    assert archive_id in [e["object"] for e in entries(trail.audrey, "/audit/mailboxes/alice@example.org")]
    assert archive_id not in [e["object"] for e in entries(trail.audrey, "/audit/mailboxes/nobody@example.net")]


def test_it_is_exported(trail):
    name = '=cmd("x"),y'  # whatever somebody claims
    anybody = trail.audrey.another()
    anybody.token = None
    assert anybody.json("POST", V + "/auth/login", {"username": name, "password": "x"})[0] == 401
    status, text, headers = trail.audrey.call("GET", V + "/audit/export?action=sign-in", headers={"X-Request-ID": "export-1"})
    assert status == 200 and headers["Content-Type"] == "application/jsonl"
    lines = [json.loads(line) for line in text.decode().splitlines()]
    assert lines == entries(trail.audrey, action="sign-in")
    [own] = entries(trail.audrey, request_id="export-1")
    assert own["outcome"]["count"] == len(lines) and own["outcome"]["sha256"] == hashlib.sha256(text).hexdigest()
    assert own["detail"] == {"action": "sign-in"}
    status, text, headers = trail.audrey.call("GET", V + "/audit/export?format=csv&action=sign-in")
    assert status == 200 and headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(text.decode(), newline="")))
    assert [r["id"] for r in rows] == [e["id"] for e in lines]
    assert rows[0]["actor"] == "'" + name and rows[0]["result"] == "refused" and rows[0]["reason"] == ""
    assert get(trail.audrey, "/audit/export", format="xml")[0] == 400


def test_a_long_export_is_made_while_it_is_given_out(trail):
    """More than the pages that are read, and the blocks that are sent, at a time."""
    for _ in range(250):
        assert trail.audrey.call("GET", V + "/audit/?limit=1&request_id=" + 200 * "x")[0] == 200
    status, text, headers = trail.audrey.call("GET", V + "/audit/export?action=audit.list", headers={"X-Request-ID": "export-2"})
    assert status == 200 and headers["Transfer-Encoding"] == "chunked" and len(text) > 128 * 1024
    ids = [json.loads(line)["id"] for line in text.decode().splitlines()]
    assert len(ids) >= 250 and ids == sorted(set(ids), reverse=True)
    [own] = entries(trail.audrey, request_id="export-2")
    assert own["outcome"] == {**own["outcome"], "result": "allowed", "count": len(ids), "sha256": hashlib.sha256(text).hexdigest()}
    status, text, _ = trail.audrey.call("GET", V + "/audit/export?action=none.such")
    assert status == 200 and text == b""


def test_check_looks_through_it(trail):
    trail.site.stop("queryd")
    status, out, _ = trail.site.run("check", "--ledger", check=False)
    assert "no gap in the audit" in out, out
    trail.site.start("queryd")
