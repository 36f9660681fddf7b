"""What is told of one message: what was seen when it came, what the ledger keeps, what it belongs to, and a link to it."""
import hashlib
import urllib.parse

import pytest

from stack.lmtp import archive_id
from stack.process import wait_until
from stack.site import Site

PASSWORD = "correct horse battery staple"
MAIL = (b"From: a@example.org\r\nTo: bob@example.org\r\nSubject: n%d\r\nDate: Wed, 15 Jun 2011 12:00:%02d +0000\r\nMessage-ID: <n%d@example.org>\r\n"
        b"%sMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n"
        b"--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n\r\npdf\r\n--b--\r\n")


class Archive:
    def __init__(self):
        self.site = Site()
        self.site.init()
        secrets = {name: self.site.add_user(name, PASSWORD, *scope) for name, scope in (
            ("eve", ["--all"]), ("kim", ["--all"]), ("tom", ["--mailbox", "erin@example.org"]))}
        self.site.start("lmtpd", "queryd", "workerd")
        self.raws = [MAIL % (n, n, n, b"References: <n0@example.org>\r\n" if n in (1, 2) else b"") for n in range(4)]
        with self.site.lmtp() as c:
            self.ids = [archive_id(c.send(raw, b"a@example.org", [b"bob@example.org" if n != 2 else b"erin@example.org"])[0][1])
                        for n, raw in enumerate(self.raws)]
        self.eve, self.kim, self.tom = (self.site.api(name, PASSWORD, secrets[name]) for name in ("eve", "kim", "tom"))
        wait_until("all is indexed", lambda: self.eve.search()["total"] == 4, 60, 0.1)

    def outcomes(self, action):
        """(actor, object, result, status, count) of each, the latest last."""
        rows = self.site.rows("SELECT i.actor, i.object, o.result, o.status, o.item_count FROM audit_intent i "
                              "JOIN audit_outcome o ON o.intent_id = i.id WHERE i.action = ? ORDER BY i.id", (action,), "control")
        return [tuple(r) for r in rows]


@pytest.fixture(scope="module")
def archive():
    a = None
    try:
        a = Archive()
        yield a
    finally:
        if a:
            a.site.close()


def path(id, what=""):
    return "/api/v1/archive/emails/%s/%s" % (id, what)


def test_evidence_retention_and_ledger(archive):
    status, m = archive.eve.meta(archive.ids[0])
    assert status == 200
    assert m["evidence"]["client"].startswith(("127.0.0.1", "[::1", "unix", "::1")) and m["evidence"]["helo"]
    assert m["evidence"]["queue_id"] == ""
    assert m["retention"]["retain_until"] > m["received_at"] and m["retention"]["lock_mode"] and m["retention"]["policy"]
    assert m["holds"] == []
    ledger = m["ledger"]
    nonce, record = bytes.fromhex(ledger["nonce"]), bytes.fromhex(ledger["record"])
    assert hashlib.sha256(b"strongroom/leaf/v1" + nonce + record).hexdigest() == ledger["leaf"]
    assert bytes.fromhex(m["sha256"]) in record and ledger["sequence"] > 0 and ledger["daemon"].encode() in record


@pytest.mark.parametrize("what,action", [("", "read.metadata"), ("content", "read.content"), ("attachments/0", "read.attachment")])
def test_what_is_known_is_not_sent_again_but_audited(archive, what, action):
    where = path(archive.ids[0], what)
    status, body, headers = archive.eve.call("GET", where)
    assert status == 200 and body and headers["ETag"].startswith('"')
    status, again, other = archive.eve.call("GET", where, headers={"If-None-Match": '"other", W/' + headers["ETag"]})
    assert (status, again, other["ETag"]) == (304, b"", headers["ETag"])
    assert archive.outcomes(action)[-1] == ("eve", archive.ids[0], "allowed", 304, 0)
    status, again, other = archive.eve.call("GET", where, headers={"If-None-Match": '"other"'})
    assert status == 200 and other["ETag"] == headers["ETag"]
    if what:
        assert again == body
    assert archive.tom.call("GET", path(archive.ids[2], what), headers={"If-None-Match": "*"})[0] == 304
    assert archive.tom.call("GET", where, headers={"If-None-Match": "*"})[0] == 404


def link(api, id):
    status, m = api.meta(id)
    assert status == 200 and m["download"]["expires_at"]
    return m["download"]["url"]


def fetch(archive, url):
    """By somebody who has not signed in."""
    return archive.site.api().call("GET", url)


def test_a_link_gives_the_content_without_a_token(archive):
    url = link(archive.eve, archive.ids[1])
    status, body, headers = fetch(archive, url)
    assert (status, body) == (200, archive.raws[1])
    assert headers["Content-Type"] == "message/rfc822" and headers["Content-Disposition"].startswith("attachment")
    assert archive.outcomes("read.download")[-1] == ("eve", archive.ids[1], "allowed", 200, len(archive.raws[1]))


def test_a_link_is_for_one_message_and_as_it_was_given_out(archive):
    url = link(archive.eve, archive.ids[1])
    assert fetch(archive, url.replace(archive.ids[1], archive.ids[0]))[0] == 403
    parts = urllib.parse.urlsplit(url)
    ticket = urllib.parse.parse_qs(parts.query)["ticket"][0]
    changed = ticket[:10] + ("A" if ticket[10] != "A" else "B") + ticket[11:]
    for query in ("", "?ticket=", "?ticket=" + changed, "?ticket=" + ticket[:-1], "?ticket=" + "A" * 2000):
        assert fetch(archive, parts.path + query)[0] == 403, query
    assert fetch(archive, parts.path + "?ticket=%s&more=1" % ticket)[0] == 400
    assert fetch(archive, path("nonsense", "download?ticket=" + ticket))[0] == 404


def test_a_link_ends_with_the_session_and_the_scope(archive):
    url = link(archive.kim, archive.ids[3])
    assert fetch(archive, url)[0] == 200
    archive.site.run("user", "scope", "kim", "--mailbox", "erin@example.org")
    try:
        assert fetch(archive, url)[0] == 404
        assert archive.outcomes("read.download")[-1][:4] == ("kim", archive.ids[3], "not found", 404)
    finally:
        archive.site.run("user", "scope", "kim", "--all")
    assert fetch(archive, url)[0] == 200
    assert archive.kim.call("POST", "/api/v1/auth/logout")[0] in (200, 204)
    assert fetch(archive, url)[0] == 403


def test_a_conversation_is_audited_and_within_the_scope(archive):
    status, found = archive.eve.json("GET", path(archive.ids[1], "conversation"))
    assert status == 200 and found["complete"] and [m["id"] for m in found["items"]] == archive.ids[:3]
    assert [m["subject"] for m in found["items"]] == ["n0", "n1", "n2"] and "snippet" not in found["items"][0]
    assert archive.outcomes("read.conversation")[-1] == ("eve", archive.ids[1], "allowed", 200, 3)
    assert archive.eve.json("GET", path("01930000-0000-7000-8000-000000000000", "conversation"))[0] == 404
