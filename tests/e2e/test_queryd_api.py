"""What an investigator can do over HTTPS, what not, and what is on record of it."""
import base64
import concurrent.futures
import hashlib
import http.client
import json
import os
import threading
import time
import uuid

import pytest

from stack.api import totp
from stack.process import wait_until
from stack.site import Site

PASSWORD = "correct horse battery staple"


def message(sender, to, subject, day, text="Nothing to report.", attachment=None, cc=None):
    head = "From: %s\r\nTo: %s\r\n%sSubject: %s\r\nDate: %s 10:00:00 +0000\r\nMessage-ID: <%s@example.org>\r\nMIME-Version: 1.0\r\n" % (
        sender, to, "Cc: %s\r\n" % cc if cc else "", subject, day, uuid.uuid4())
    if attachment is None:
        return (head + "Content-Type: text/plain; charset=utf-8\r\n\r\n" + text + "\r\n").encode()
    name, kind, data = attachment
    return (head + "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + text +
            "\r\n--b\r\nContent-Type: %s\r\nContent-Disposition: attachment; filename=\"%s\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" %
            (kind, name)).encode() + base64.encodebytes(data).replace(b"\n", b"\r\n") + b"--b--\r\n"


SCRIPT = b"<script>alert(document.cookie)</script>" * 50
MAILS = {
    "alice": (message("Alice <alice@example.org>", "bob@example.org", "budget one", "Wed, 15 Jun 2011", "budget of alice",
                      ("notes \u00e9.html", "text/html", SCRIPT), cc="carol@example.org"), b"alice@example.org", [b"bob@example.org"]),
    "bob": (message("Bob <bob@example.org>", "carol@example.org", "budget two", "Thu, 16 Jun 2011", "budget of bob",
                    ("b.bin", "application/octet-stream", bytes(range(256)) * 500)), b"bob@example.org", [b"carol@example.org"]),
    "late": (message("dave@example.org", "alice@example.org", "budget three", "Sun, 01 Jan 2017"), b"dave@example.org", [b"alice@example.org"]),
    "blind": (message("dave@example.org", "undisclosed@example.net", "budget four", "Mon, 02 Jan 2017"), b"dave@example.org",
              [b"erin@example.org"]),
    "raw": (b"Subject: bytes\r\n\r\n" + bytes(b for b in range(256) if b not in (10, 13)) + b"\r\n.\r\n..\r\n" + b"x" * 5000 + b"\r\n\r\n",
            b"", [b"bob@example.org"]),
}
USERS = {
    "eve": ["--all"],
    "mal": ["--mailbox", "ALICE@Example.org"],
    "dora": ["--department", "Sales"],
    "tina": ["--all", "--from", "2016-01-01", "--until", "2016-12-31"],
    "none": [],
    "audrey": ["--role", "auditor", "--all"],
    "once": ["--all"],
    "race": ["--all"],
    "guess": ["--all"],
}


class Archive:
    """A site with these users and messages, shared by the tests of this file."""
    def __init__(self):
        self.site = Site(settings={"message_size_max": "64M"})
        self.site.init()
        self.site.run("department", "set", "Sales", "bob@example.org")
        self.site.run("department", "set", "Legal", "erin@example.org")
        self.secrets = {name: self.site.add_user(name, PASSWORD, *args) for name, args in USERS.items()}
        self.site.start("lmtpd", "queryd")
        with self.site.lmtp() as c:
            self.ids = {name: self.put(c, *mail) for name, mail in MAILS.items()}
        self.apis = {}
        api = self.api("eve")
        wait_until("all messages are indexed", lambda: api.search()["total"] == len(MAILS))

    @staticmethod
    def put(client, raw, sender, recipients):
        code, text = client.send(raw, sender, recipients)[0]
        assert code == 250, text
        return text.split()[-1].decode()

    def api(self, name):
        """Signed in once; each call gives a connection of its own with that token."""
        if name not in self.apis:
            self.apis[name] = self.site.api(name, PASSWORD, self.secrets[name]).token
        api = self.site.api()
        api.token = self.apis[name]
        return api

    def audit(self, request_id):
        """Intents of this request with their outcomes."""
        return [dict(r) for r in self.site.rows("SELECT i.*, o.result, o.status, o.item_count, hex(o.digest) AS digest, o.at_us AS done_us "
                                                "FROM audit_intent i LEFT JOIN audit_outcome o ON o.intent_id = i.id "
                                                "WHERE i.request_id = ?", (request_id,), "control")]


@pytest.fixture(scope="module")
def archive():
    a = None
    try:
        a = Archive()
        yield a
    finally:
        if a:
            a.site.close()


def problem(text):
    j = json.loads(text)
    assert {"type", "title", "status", "detail"} <= set(j)
    return j


def ids(found):
    return [h["id"] for h in found["hits"]]


# ---- signing in ----

def test_unknown_user_and_wrong_password_look_the_same(archive):
    answers = []
    for username, password in (("eve", "wrong"), ("nobody-of-that-name", "wrong"), ("nobody-of-that-name", PASSWORD)):
        status, text, headers = archive.site.api().call("POST", "/api/v1/auth/login", {"username": username, "password": password})
        assert status == 401 and problem(text)["status"] == 401
        answers.append((text, sorted((k, v) for k, v in headers.items() if k not in ("Date", "X-Request-ID"))))
    assert answers[0] == answers[1] == answers[2]


def test_a_code_is_good_once(archive):
    api, secret = archive.site.api(), archive.secrets["once"]

    def mfa():
        return api.json("POST", "/api/v1/auth/login", {"username": "once", "password": PASSWORD})[1]["mfa_token"]

    token, code = mfa(), totp(secret)
    status, t = api.json("POST", "/api/v1/auth/totp", {"mfa_token": token, "code": code})
    assert status == 200 and t["token_type"] == "Bearer" and t["expires_in"] > 0
    assert api.json("POST", "/api/v1/auth/totp", {"mfa_token": token, "code": code})[0] == 401
    assert api.json("POST", "/api/v1/auth/totp", {"mfa_token": mfa(), "code": code})[0] == 401
    assert api.json("POST", "/api/v1/auth/totp", {"mfa_token": "0" * 64, "code": code})[0] == 401


def test_of_two_at_once_with_one_code_one_gets_in(archive):
    tokens = [archive.site.api().json("POST", "/api/v1/auth/login", {"username": "race", "password": PASSWORD})[1]["mfa_token"]
              for _ in range(6)]
    code, got, barrier = totp(archive.secrets["race"]), [], threading.Barrier(6)

    def sign_in(token):
        api = archive.site.api()
        barrier.wait()
        got.append(api.json("POST", "/api/v1/auth/totp", {"mfa_token": token, "code": code})[0])

    threads = [threading.Thread(target=sign_in, args=(t,)) for t in tokens]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(got) == [200] + [401] * 5


def test_guessing_codes_leads_nowhere(archive):
    """A new token for every few guesses gives no more of them, nor does another process; the answer is that of a wrong code."""
    api, answers = archive.site.api(), set()

    def mfa():
        return api.json("POST", "/api/v1/auth/login", {"username": "guess", "password": PASSWORD})[1]["mfa_token"]

    def sign_in(token, code):
        status, text, headers = api.call("POST", "/api/v1/auth/totp", {"mfa_token": token, "code": code})
        answers.add((status, text, tuple(sorted(k for k, _ in headers.items()))))
        return status

    def wrong():
        return "%06d" % ((int(totp(archive.secrets["guess"])) + 500000) % 10 ** 6)

    for _ in range(3):
        token = mfa()
        assert [sign_in(token, wrong()) for _ in range(4)] == [401] * 4
    assert sign_in(mfa(), totp(archive.secrets["guess"])) == 401
    assert len(answers) == 1
    assert archive.site.log_line("queryd", "too many were wrong")["level"] == "warn"
    with archive.site.meta.connect("control", write=True) as db:       # what five minutes do
        db.execute("UPDATE account SET code_tries_us = code_tries_us - 300000000 WHERE username = 'guess'")
    assert sign_in(mfa(), totp(archive.secrets["guess"])) == 200


@pytest.mark.parametrize("body", [{"username": "eve"}, {"username": "eve", "password": 1}, {"username": "eve", "password": "x", "more": 1},
                                  {"username": "e" * 300, "password": "x"}, [], "text"])
def test_sign_in_bodies_that_are_refused(archive, body):
    status, text, _ = archive.site.api().call("POST", "/api/v1/auth/login", body)
    assert status == 400 and problem(text)


def test_tokens(archive):
    good = archive.api("eve").token
    head, claims, signature = good.split(".")

    def coded(j):
        return base64.urlsafe_b64encode(json.dumps(j).encode()).rstrip(b"=").decode()

    none = coded({"alg": "none"})
    for token in (None, "", "x", good + "x", good[:-10], "%s.%s." % (none, claims), "%s.%s.%s" % (none, claims, signature),
                  "%s.%s.%s" % (head, coded({"sub": "1"}), signature), "a" * 9000):
        api = archive.site.api()
        api.token = token
        status, text, headers = api.call("POST", "/api/v1/search/emails/", {})
        assert status == 401 and problem(text), token
        assert headers["WWW-Authenticate"].startswith("Bearer")
    status, _, _ = archive.site.api().call("POST", "/api/v1/search/emails/", {}, {"Authorization": "bearer " + good})
    assert status == 200


def test_permissions(archive):
    api = archive.api("audrey")
    for method, path, body in (("POST", "/api/v1/search/emails/", {}), ("GET", "/api/v1/archive/emails/%s/" % archive.ids["alice"], None),
                               ("GET", "/api/v1/archive/emails/%s/content" % archive.ids["alice"], None)):
        status, text, headers = api.call(method, path, body)
        assert status == 403 and "ARCHIVE_" in problem(text)["detail"]
        assert [(r["result"], r["status"]) for r in archive.audit(headers["X-Request-ID"])] == [("refused", 403)]


# ---- searching ----

def test_search(archive):
    found = archive.api("eve").search("budget")
    assert ids(found) == [archive.ids[n] for n in ("blind", "late", "bob", "alice")]     # the newest first
    assert found["total"] == 4 and found["total_exact"] is True and found["next_cursor"] is None
    assert found["coverage"]["in_scope"] == len(MAILS)
    hit = found["hits"][3]
    assert hit["from"] == [{"name": "Alice", "address": "alice@example.org"}]
    assert hit["to"] == [{"name": "", "address": "bob@example.org"}] and hit["cc"] == [{"name": "", "address": "carol@example.org"}]
    assert hit["subject"] == "budget one" and hit["date"] == "2011-06-15T10:00:00Z"
    assert hit["attachment_count"] == 1 and hit["size"] == len(MAILS["alice"][0])
    assert "<mark>budget</mark>" in hit["snippet"] and "<script" not in hit["snippet"]


def test_pages(archive):
    api, seen, cursor = archive.api("eve"), [], None
    while True:
        page = api.search("budget", limit=1, **({"cursor": cursor} if cursor else {}))
        seen += ids(page)
        assert len(page["hits"]) <= 1 and page["total"] == 4
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert seen == [archive.ids[n] for n in ("blind", "late", "bob", "alice")]


def test_narrowing(archive):
    api = archive.api("eve")
    assert ids(api.search("budget", mailbox="Alice@EXAMPLE.org")) == [archive.ids["late"], archive.ids["alice"]]
    assert ids(api.search(department="Legal")) == [archive.ids["blind"]]
    assert ids(api.search("budget", after="2011-06-16", before="2017-01-02")) == [archive.ids["late"], archive.ids["bob"]]
    assert ids(api.search("budget", after="2011-06-15T10:00:00Z", before="2011-06-15T10:00:01Z")) == [archive.ids["alice"]]
    for nothing in (dict(department="No such"), dict(mailbox="nobody@example.org"), dict(mailbox=""), dict(department="Legal", mailbox="alice@example.org"),
                    dict(before="2000-01-01"), dict(after="2012-01-01", before="2011-01-01")):
        found = api.search("budget", **nothing)
        assert (found["total"], found["hits"], found["coverage"]["in_scope"]) == (0, [], 0), nothing


@pytest.mark.parametrize("body,field", [({"query": "(a"}, "query"), ({"query": '"a'}, "query"), ({"query": "date:soon"}, "query"), ({"q": "a"}, "q"),
                                        ({"limit": 0}, "limit"), ({"limit": 501}, "limit"), ({"limit": "5"}, "limit"), ({"after": "soon"}, "after"),
                                        ({"cursor": "nonsense"}, "cursor"), ({"query": 5}, "query")])
def test_bad_searches(archive, body, field):
    status, text, _ = archive.api("eve").call("POST", "/api/v1/search/emails/", body)
    assert status == 400 and problem(text)["field"] == field
    if body.get("query") in ("(a", '"a', "date:soon"):
        assert problem(text)["position"] >= 0


def test_bodies_that_are_no_json(archive):
    api = archive.api("eve")
    for body in (b"", b"{", b"{}x", b'{"query":"\xff"}', b'{"query":"a\\u0000b"}', b'{"query":"a","query":"b"}', b"[" * 5000):
        assert api.call("POST", "/api/v1/search/emails/", body, {"Content-Type": "application/json"})[0] == 400, body[:20]
    assert api.call("POST", "/api/v1/search/emails/", b"{}", {"Content-Type": "text/plain"})[0] == 415


# ---- scopes ----

VISIBLE = {"eve": set(MAILS), "mal": {"alice", "late"}, "dora": {"alice", "bob", "raw"}, "tina": set(), "none": set()}


@pytest.mark.parametrize("name", sorted(VISIBLE))
def test_what_is_outside_the_scope_does_not_exist(archive, name):
    api = archive.api(name)
    found = api.search(limit=500)
    assert set(ids(found)) == {archive.ids[n] for n in VISIBLE[name]}
    assert found["total"] == found["coverage"]["in_scope"] == len(VISIBLE[name])
    for mail, archive_id in archive.ids.items():
        for path in ("", "content", "attachments/0", "attachments/9"):
            status, text, headers = api.call("GET", "/api/v1/archive/emails/%s/%s" % (archive_id, path))
            if mail in VISIBLE[name]:
                assert status == 200 or path.startswith("attachments/")
                continue
            unknown = api.call("GET", "/api/v1/archive/emails/%s/%s" % (uuid.uuid4(), path))
            assert (status, text) == (404, unknown[1])
            assert {k: v for k, v in headers.items() if k not in ("Date", "X-Request-ID")} == \
                {k: v for k, v in unknown[2].items() if k not in ("Date", "X-Request-ID")}


def test_a_search_never_widens_the_scope(archive):
    api = archive.api("mal")
    for wider in (dict(mailbox="bob@example.org"), dict(department="Sales"), dict(department="Legal"), dict(mailbox="*"), dict(after="0001-01-01")):
        assert set(ids(api.search("budget", **wider))) <= {archive.ids[n] for n in VISIBLE["mal"]}, wider
    assert api.search("erin")["total"] == 0


# ---- reading ----

@pytest.mark.parametrize("name", sorted(MAILS))
def test_content_is_byte_for_byte(archive, name):
    status, text, headers = archive.api("eve").call("GET", "/api/v1/archive/emails/%s/content" % archive.ids[name])
    assert status == 200 and text == MAILS[name][0]
    assert headers["Content-Type"] == "message/rfc822" and headers["Content-Disposition"].startswith("attachment;")


def test_metadata(archive):
    raw, sender, recipients = MAILS["alice"]
    status, m = archive.api("eve").meta(archive.ids["alice"].upper())
    assert status == 200 and m["id"] == archive.ids["alice"]
    assert m["sha256"] == hashlib.sha256(raw).hexdigest() and m["size"] == len(raw)
    assert m["envelope"] == {"mail_from": sender.decode(), "rcpt_to": [r.decode() for r in recipients]}
    assert m["subject"] == "budget one" and m["capture_point"] == "lmtp" and m["capture_kind"] == "lmtp" and m["parse_flags"] == []
    assert m["attachments"] == [{"index": 0, "name": "notes \u00e9.html", "content_type": "text/html", "size": len(SCRIPT),
                                 "sha256": hashlib.sha256(SCRIPT).hexdigest()}]
    status, m = archive.api("eve").meta(archive.ids["raw"])
    assert status == 200 and m["date"] is None and "no_date" in m["parse_flags"] and m["envelope"]["mail_from"] == ""


def test_attachments_are_saved_and_never_shown(archive):
    status, text, headers = archive.api("eve").call("GET", "/api/v1/archive/emails/%s/attachments/0" % archive.ids["alice"])
    assert status == 200 and text == SCRIPT
    assert headers["Content-Type"] == "application/octet-stream" and headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Disposition"] == "attachment; filename=\"notes __.html\"; filename*=UTF-8''notes%20%C3%A9.html"
    status, text = archive.api("eve").attachment(archive.ids["bob"], 0)
    assert status == 200 and text == bytes(range(256)) * 500


@pytest.mark.parametrize("index", ["1", "-1", "x", "99999999999", "0x0", "%30%30"])
def test_attachments_that_are_not_there(archive, index):
    status = archive.api("eve").call("GET", "/api/v1/archive/emails/%s/attachments/%s" % (archive.ids["alice"], index))[0]
    assert status == (200 if index == "%30%30" else 404)


@pytest.mark.parametrize("archive_id", ["x", "..", "%2e%2e", "0" * 36, "00000000-0000-0000-0000-000000000000"])
def test_ids_that_are_none(archive, archive_id):
    for path in ("", "content", "attachments/0"):
        status, _, headers = archive.api("eve").call("GET", "/api/v1/archive/emails/%s/%s" % (archive_id, path))
        assert status == 404
        if ".." not in archive_id and "%" not in archive_id:    # these are no segments of a path
            assert [r["result"] for r in archive.audit(headers["X-Request-ID"])] == ["not found"]


def never_given_out(archive, *alterations):
    """Of a new message whose object is altered to each of these in turn; it is given out when it is as it was, and then not there."""
    with archive.site.lmtp() as c:
        victim = archive.put(c, *MAILS["bob"][:1], b"x@example.org", [b"%s@example.org" % uuid.uuid4().hex.encode()])
    name = next(p for p in archive.site.objects() if victim in p)
    was = archive.site.object(victim)
    api = archive.api("eve")
    for alter in alterations:
        archive.site.store.alter(name, alter(was))
        for what in ("content", "attachments/0"):
            status, text, headers = api.call("GET", "/api/v1/archive/emails/%s/%s" % (victim, what))
            assert status == 502 and problem(text) and b"budge" not in text, alter(was)
            assert [r["result"] for r in archive.audit(headers["X-Request-ID"])] == ["failed"]
    archive.site.store.alter(name, was)
    assert api.content(victim) == (200, was)
    archive.site.store.lose(name)
    assert api.content(victim)[0] in (502, 503)


def test_altered_bytes_are_never_given_out(archive):
    never_given_out(archive, lambda was: was.replace(b"budget", b"budgeT"), lambda was: was[:-1] + b"x", lambda was: was[:-9])


@pytest.mark.embedded("over an object without bytes Ceph's gateway hangs")
def test_a_file_without_bytes_is_never_given_out(archive):
    never_given_out(archive, lambda was: b"")


# ---- the audit ----

def test_every_look_is_on_record(archive):
    api, name = archive.api("mal"), archive.ids["alice"]

    def record(method, path, body=None):
        status, text, headers = api.call(method, path, body)
        rows = archive.audit(headers["X-Request-ID"])
        assert len(rows) == 1
        row = rows[0]
        assert row["actor"] == "mal" and row["strength"] == "password+totp" and row["account_id"] > 0
        assert row["client"].startswith("127.0.0.1:") and row["status"] == status and row["at_us"] <= row["done_us"]
        if status == 200:
            assert row["digest"].lower() == hashlib.sha256(text).hexdigest()
        return row["action"], row["object"], row["result"], row["item_count"], json.loads(row["detail"]) if row["detail"] else None

    body = {"query": "budget", "mailbox": "alice@example.org", "limit": 7}
    assert record("POST", "/api/v1/search/emails/", body) == ("search", None, "allowed", 2, body)
    assert record("GET", "/api/v1/archive/emails/%s/" % name)[:3] == ("read.metadata", name, "allowed")
    assert record("GET", "/api/v1/archive/emails/%s/content" % name.upper())[:4] == ("read.content", name, "allowed", len(MAILS["alice"][0]))
    assert record("GET", "/api/v1/archive/emails/%s/attachments/0" % name) == ("read.attachment", name, "allowed", len(SCRIPT), {"attachment": "0"})
    other = archive.ids["bob"]
    assert record("GET", "/api/v1/archive/emails/%s/content" % other)[:4] == ("read.content", other, "not found", 0)


def test_signing_in_is_on_record(archive):
    api = archive.site.api()
    for body, result in (({"username": "mallory", "password": "x"}, "refused"), ({"username": "mal", "password": PASSWORD}, "allowed")):
        _, text, headers = api.call("POST", "/api/v1/auth/login", body)
        rows = archive.audit(headers["X-Request-ID"])
        assert [(r["action"], r["actor"], r["strength"], r["result"], r["detail"]) for r in rows] == [
            ("sign-in.password", body["username"], "none", result, None)]
    _, _, headers = api.call("POST", "/api/v1/auth/totp", {"mfa_token": json.loads(text)["mfa_token"], "code": "12345"})
    rows = archive.audit(headers["X-Request-ID"])
    assert [(r["action"], r["actor"], r["strength"], r["result"], r["status"]) for r in rows] == [("sign-in.totp", "mal", "password", "refused", 401)]


def test_without_an_audit_nothing_is_shown(archive):
    """The database of the audit is locked by somebody: reading goes on inside, but nothing may leave."""
    api = archive.api("eve")
    message = "/api/v1/archive/emails/%s/" % archive.ids["alice"]
    calls = [("POST", "/api/v1/search/emails/", {"query": "budget"}), ("GET", message, None), ("GET", message + "content", None),
             ("GET", message + "attachments/0", None), ("POST", "/api/v1/auth/login", {"username": "eve", "password": PASSWORD})]
    with archive.site.meta.held("control"), concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
        for status, text, headers in pool.map(lambda call: api.another().call(*call), calls):    # each waits for the lock
            assert status == 503 and headers["Retry-After"] and b"budget" not in text and b"token" not in text, text
            problem(text)
    assert api.search("budget")["total"] >= 4


LARGE = b"Subject: large\r\n\r\n" + b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n" * 400000


@pytest.fixture(scope="module")
def large(archive):
    """The id of a message that no socket buffers whole."""
    with archive.site.lmtp() as c:
        return archive.put(c, LARGE, b"", [b"large@example.org"])


def begin(api, archive_id):
    """A download of LARGE of which the first bytes are there: the response."""
    api.c.request("GET", "/api/v1/archive/emails/%s/content" % archive_id, headers={"Authorization": "Bearer " + api.token})
    r = api.c.getresponse()
    assert r.status == 200 and r.read(1000) == LARGE[:1000]
    return r


def test_an_answer_cut_off_is_on_record(archive, large):
    api = archive.api("eve")
    r = begin(api, large)
    request_id = r.headers["X-Request-ID"]
    r.close()
    api.c.sock.close()
    api.c.close()
    row = wait_until("the outcome is on record", lambda: [r for r in archive.audit(request_id) if r["result"]])[0]
    assert row["result"] == "failed" and 0 < row["item_count"] < len(LARGE)
    assert archive.api("eve").content(large) == (200, LARGE)


def test_the_last_block_waits_for_the_outcome(archive, large):
    """When the outcome can't be written, the answer stays incomplete."""
    api = archive.api("eve")
    r = begin(api, large)
    with archive.site.meta.held("control"), pytest.raises((http.client.IncompleteRead, OSError)):
        r.read()
    assert archive.api("eve").content(large) == (200, LARGE)


def test_logs_hold_no_secrets(archive):
    api = archive.api("eve")
    api.search("veryprivatequeryword")
    with open(archive.site.log_path("queryd")) as f:
        log = f.read()
    for secret in (PASSWORD, api.token, "veryprivatequeryword", *archive.secrets.values()):
        assert secret not in log
    assert all(line["level"] != "raw" for line in archive.site.log("queryd"))


def test_a_hit_is_small_whatever_was_sent(archive):
    """Its size is the sender's to choose, the memory of a page is not."""
    everybody = ["p%d@example.net" % i for i in range(30000)]
    raw = ("From: \"%s\" <huge@example.net>\r\nTo: %s\r\nCc: c@example.net\r\nSubject: %s hugeness\r\n\r\nx\r\n" % (
        "n" * 5000, ",\r\n ".join(everybody), "\u00e9" * 5000)).encode()
    with archive.site.lmtp() as c:
        archive_id = archive.put(c, raw, b"huge@example.net", [b"huge@example.net"])
    api = archive.api("eve")
    wait_until("it is indexed", lambda: api.search("hugeness")["total"])
    status, text, _ = api.call("POST", "/api/v1/search/emails/", {"query": "hugeness"})
    hit = json.loads(text)["hits"][0]
    assert status == 200 and hit["id"] == archive_id and len(text) < 10000
    assert [p["address"] for p in hit["to"]] == everybody[:50] and hit["people_omitted"] == len(everybody) - 50
    assert hit["subject"] == "\u00e9" * 500 + "\u2026" and hit["from"][0]["name"] == "n" * 500 + "\u2026" and len(hit["cc"]) == 1
    m = api.meta(archive_id)[1]
    assert [p["address"] for p in m["to"]] == everybody and m["subject"].endswith(" hugeness") and m["from"][0]["name"] == "n" * 5000
    assert api.search(mailbox=everybody[-1])["total"] == 1


# ---- the rest ----

def test_headers_of_every_answer(archive):
    for method, path, status in (("GET", "/healthz", 200), ("GET", "/nowhere", 404), ("PUT", "/healthz", 405), ("GET", "/healthz?x=1", 400),
                                 ("POST", "/api/v1/search/emails/", 401), ("GET", "/%00", 400), ("GET", "/api/v1/auth/login", 405)):
        got, text, headers = archive.site.api().call(method, path, headers={"X-Request-ID": "my-id.1"})
        assert got == status, path
        assert headers["X-Request-ID"] == "my-id.1" and headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff" and "max-age=" in headers["Strict-Transport-Security"]
        assert "default-src 'none'" in headers["Content-Security-Policy"] and headers["Referrer-Policy"] == "no-referrer"
        if status == 405:
            assert headers["Allow"] in ("GET, HEAD", "POST")
        if status >= 400:
            assert headers["Content-Type"] == "application/problem+json" and problem(text)["status"] == status
    got, _, headers = archive.site.api().call("GET", "/healthz", headers={"X-Request-ID": "bad id"})
    assert got == 200 and headers["X-Request-ID"] != "bad id"


def test_a_slash_at_the_end_does_not_matter(archive):
    api = archive.api("eve")
    assert api.call("POST", "/api/v1/search/emails", {})[0] == 200
    assert api.call("GET", "/api/v1/archive/emails/%s" % archive.ids["alice"])[0] == 200
    assert api.call("GET", "/healthz/")[0] == 200


def test_a_look_is_no_head(archive):
    api = archive.api("eve")
    assert api.call("HEAD", "/api/v1/archive/emails/%s/content" % archive.ids["alice"])[0] == 405
    assert api.call("HEAD", "/healthz")[0] == 200


def test_description(archive):
    status, j = archive.site.api().json("GET", "/api/v1/openapi.json")
    assert status == 200 and j["openapi"].startswith("3.1") and "/api/v1/search/emails/" in j["paths"]


def test_readiness_names_what_is_missing(site):
    secret = site.add_user("eve", PASSWORD, "--all")
    site.start("lmtpd")
    with site.lmtp() as c:
        code, text = c.send(MAILS["alice"][0])[0]
    assert code == 250
    site.stop("lmtpd")
    site.index.lose()
    site.start("queryd")
    status, j = site.api().json("GET", "/readyz")
    assert status == 503 and j["status"] == "not ready" and j["checks"] == {"meta": "ok", "store": "ok", "index": "failed"}
    assert site.api().json("GET", "/healthz")[0] == 200
    api = site.api("eve", PASSWORD, secret)
    for seconds in (0, 1.1):    # after a second queryd looks for the index again
        time.sleep(seconds)
        assert api.json("POST", "/api/v1/search/emails/", {})[0] == 503
    assert api.content(text.split()[-1].decode()) == (200, MAILS["alice"][0])
    site.run("reindex")
    wait_until("the index is taken up", lambda: site.api().json("GET", "/readyz")[0] == 200)
    assert api.search("budget")["total"] == 1
