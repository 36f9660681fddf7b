"""Messages that programs hand in over HTTPS: archived as any other, byte for byte, once; and only by who may."""
import base64
import concurrent.futures
import hashlib
import http.client
import json
import os
import ssl

import pytest

from stack.api import Api
from stack.process import free_port, wait_until
from stack.site import Site
from stack.tls import Authority

PASSWORD = "correct horse battery staple"
V = "/api/v1"
ROBOT = ["service"]
RAW = (b"From: Alice <alice@example.org>\r\nTo: bob@example.org\r\nCc: \"C\" <carol@EXAMPLE.org>\r\nSubject: handed in\r\n"
       b"Date: Wed, 15 Jun 2011 10:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
       b"Content-Type: text/plain\r\n\r\nstrawberries\r\n--b\r\nContent-Type: application/pdf\r\n"
       b"Content-Disposition: attachment; filename=\"a.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0=\r\n--b--\r\n")
ATTACHMENT = {"name": "a.pdf", "content_type": "application/pdf", "size": 5, "sha256": hashlib.sha256(b"%PDF-").hexdigest()}
ENVELOPE = {"mail_from": "alice@example.org", "rcpt_to": ["bob@example.org", "carol@example.org"]}


class Ingest:
    def __init__(self):
        self.port = free_port()
        self.site = Site(settings={"message_size_max": "12M"})
        authority = Authority(self.site.path("clients"))
        self.site.write_conf(**{"queryd.client_listen": "127.0.0.1:%d" % self.port, "queryd.tls_client_ca": authority.ca,
                                "queryd.ingest_lmtp": "unix:" + self.site.lmtp_path})
        self.site.init()
        ada = self.site.add_user("ada", PASSWORD, "--role", "administrator", "--role", "service")
        eve = self.site.add_user("eve", PASSWORD, "--all")
        self.site.start("lmtpd", "queryd")
        self.ada, self.eve = self.site.api("ada", PASSWORD, ada), self.site.api("eve", PASSWORD, eve)
        self.certificate = authority.sign("robot")
        self.tokens = {name: self.make(name, roles) for name, roles in (("robot", ROBOT), ("reader", ["investigator"]))}

    def make(self, name, roles):
        with open(self.certificate[0]) as f:
            digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(f.read())).hexdigest()
        status, j = self.ada.json("POST", V + "/service-accounts/", {"name": name, "certificate_sha256": digest, "roles": roles, "scope": {"all": True}})
        assert status == 201, j
        return j["token"]

    def api(self, name="robot"):
        api = Api("https://127.0.0.1:%d" % self.port, self.site.ca)
        context = ssl.create_default_context(cafile=self.site.ca)
        context.load_cert_chain(*self.certificate)
        api.c = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=120)
        api.token = self.tokens[name]
        return api

    def put(self, raw, envelope=ENVELOPE, api=None, **more):
        """(status, decoded answer)."""
        body = {"message": base64.b64encode(raw).decode(), "envelope": envelope, **more}
        return (api or self.api()).json("POST", V + "/archive/ingest/", body)


@pytest.fixture(scope="module")
def ingest():
    i = None
    try:
        i = Ingest()
        yield i
    finally:
        if i:
            i.site.close()


def test_what_is_handed_in_is_archived_once(ingest):
    said = {"participants": {"from": ["ALICE@example.org"], "to": ["bob@example.org"], "cc": ["carol@example.org"], "bcc": []},
            "attachments": [ATTACHMENT]}
    status, j = ingest.put(RAW, **said)
    assert status == 200 and j["sha256"] == hashlib.sha256(RAW).hexdigest() and j["size"] == len(RAW), j
    assert ingest.eve.content(j["id"]) == (200, RAW)
    m = ingest.eve.meta(j["id"])[1]
    assert m["envelope"] == ENVELOPE and m["subject"] == "handed in" and len(m["attachments"]) == 1
    assert m["download"] and ingest.api("reader").meta(j["id"])[1]["download"] is None    # it has no session that could end
    again = ingest.put(RAW)
    assert again == (200, j)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert {r[1]["id"] for r in pool.map(lambda _: ingest.put(RAW), range(8))} == {j["id"]}
    other = ingest.put(RAW, {**ENVELOPE, "rcpt_to": ["dora@example.org"]})[1]
    assert other["id"] != j["id"]
    wait_until("it is found", lambda: ingest.eve.search("strawberries")["total"] == 2)
    rows = ingest.site.rows("SELECT i.strength, i.actor, i.detail, o.result FROM audit_intent i JOIN audit_outcome o ON o.intent_id = i.id "
                            "WHERE i.action = 'ingest' ORDER BY i.id LIMIT 1", (), "control")
    strength, actor, detail, result = tuple(rows[0])
    assert (strength, actor, result) == ("token+certificate", "robot", "allowed") and json.loads(detail)["sha256"] == j["sha256"]


def test_the_request_id_goes_with_it(ingest):
    body = {"message": base64.b64encode(b"Subject: traced\r\n\r\nx\r\n").decode(), "envelope": ENVELOPE}
    status, text, headers = ingest.api().call("POST", V + "/archive/ingest/", body, {"X-Request-ID": "scan.4711_a"})
    assert status == 200 and headers["X-Request-ID"] == "scan.4711_a"
    j = json.loads(text)
    [line] = [line for line in ingest.site.archived("lmtpd") if line["archive_id"] == j["id"]]
    assert line["helo"] == "scan.4711_a"
    assert ingest.eve.meta(j["id"])[1]["evidence"]["helo"] == "scan.4711_a"


def begin(ingest, name, length):
    """A request whose body is still to come, and whose header was judged."""
    api = ingest.api(name)
    api.c.putrequest("POST", V + "/archive/ingest/")
    for key, value in (("Content-Type", "application/json"), ("Content-Length", str(length)), ("Authorization", "Bearer " + api.token),
                       ("Expect", "100-continue")):
        api.c.putheader(key, value)
    api.c.endheaders()
    assert api.c.sock.recv(100).startswith(b"HTTP/1.1 100 ")
    return api.c


def test_rights_that_end_while_a_body_comes(ingest):
    ingest.tokens["leaver"] = ingest.make("leaver", ROBOT)
    body = json.dumps({"message": base64.b64encode(b"Subject: too late\r\n\r\n").decode(), "envelope": ENVELOPE}).encode()
    id = [u["id"] for u in ingest.ada.json("GET", V + "/service-accounts/")[1]["items"] if u["name"] == "leaver"][0]
    before = ingest.site.rows("SELECT count(*) FROM audit_intent WHERE action = 'ingest'", (), "control")[0][0]
    one = begin(ingest, "leaver", len(body))
    one.send(body[:10])
    assert ingest.ada.json("PATCH", V + "/service-accounts/%s/" % id, {"roles": ["investigator"]})[0] == 200
    one.send(body[10:])
    assert one.getresponse().status == 403
    assert ingest.ada.json("PATCH", V + "/service-accounts/%s/" % id, {"roles": ROBOT})[0] == 200
    two = begin(ingest, "leaver", len(body))
    two.send(body[:10])
    assert ingest.ada.json("POST", V + "/service-accounts/%s/disable" % id)[0] == 200
    two.send(body[10:])
    assert two.getresponse().status == 401
    rows = ingest.site.rows("SELECT count(*) FROM audit_intent WHERE action = 'ingest'", (), "control")
    assert rows[0][0] == before + 2    # both refusals are on record, and nothing was handed over
    for c in (one, two):
        c.close()


@pytest.mark.parametrize("raw", [b"x", b"Subject: bytes\r\n\r\n" + bytes(range(256)) * 3, b"Subject: lf\n\n.\n..\nend", b"\r\n.\r\n",
                                 b"Subject: long\r\n\r\n" + b"y" * 300000])
def test_every_byte_is_kept(ingest, raw):
    status, j = ingest.put(raw, {"mail_from": "", "rcpt_to": ["j\u00f6rg@example.org"]})
    assert status == 200, j
    assert ingest.eve.content(j["id"]) == (200, raw)
    assert ingest.eve.meta(j["id"])[1]["envelope"] == {"mail_from": "", "rcpt_to": ["j\u00f6rg@example.org"]}


@pytest.mark.parametrize("more,field", [
    ({"message": "YQ"}, "message"), ({"message": ""}, "message"), ({"message": None}, "message"), ({"message": "Y\nQ=="}, "message"),
    ({"envelope": {"mail_from": "a@example.org", "rcpt_to": []}}, "rcpt_to"), ({"envelope": {"mail_from": "a@example.org"}}, "rcpt_to"),
    ({"envelope": {"mail_from": "a b@example.org", "rcpt_to": ["b@example.org"]}}, "envelope"),
    ({"envelope": {"mail_from": "a@example.org", "rcpt_to": ["b@example.org>\r\nRSET"]}}, "envelope"),
    ({"envelope": {"mail_from": "a@example.org", "rcpt_to": [""]}}, "envelope"),
    ({"envelope": {"mail_from": "@@", "rcpt_to": ["b@example.org"]}}, "mail_from"),
    ({"envelope": {"mail_from": "a@example.org", "rcpt_to": ["b@example.org", "@@"]}}, "rcpt_to"),
    ({"participants": {"from": ["mallory@example.org"]}}, "participants"), ({"participants": {"to": []}}, "participants"),
    ({"participants": {"sender": []}}, "sender"), ({"attachments": []}, "attachments"), ({"attachments": [{**ATTACHMENT, "size": 6}]}, "attachments"),
    ({"attachments": [{**ATTACHMENT, "sha256": "0" * 64}]}, "attachments"), ({"attachments": [{"name": "b.pdf"}]}, "attachments"),
    ({"attachments": ["a.pdf"]}, "attachments"), ({"id": 1}, "id")])
def test_what_is_refused(ingest, more, field):
    before = ingest.site.rows("SELECT count(*) FROM message")[0][0]
    body = {"message": base64.b64encode(RAW).decode(), "envelope": {**ENVELOPE, "rcpt_to": ["nobody@example.net"]}, **more}
    status, j = ingest.api().json("POST", V + "/archive/ingest/", body)
    assert (status, j.get("field")) == (400, field), j
    assert ingest.site.rows("SELECT count(*) FROM message")[0][0] == before


def test_bodies_that_are_no_json(ingest):
    for body in (b"", b"{", b"[]", b'{"message":"YQ=="', b'{"message":"YQ==","message":"YQ==","envelope":{}}'):
        assert ingest.api().call("POST", V + "/archive/ingest/", body, {"Content-Type": "application/json"})[0] == 400, body
    assert ingest.api().call("POST", V + "/archive/ingest/", b"{}", {"Content-Type": "text/plain"})[0] == 415


def test_only_programs_that_may(ingest):
    assert ingest.put(RAW, api=ingest.api("reader"))[0] == 403
    status, j = ingest.put(RAW, api=ingest.ada.another())      # has the permission, but is no program
    assert status == 403 and "service accounts" in j["detail"]
    assert ingest.put(RAW, api=ingest.site.api())[0] == 401
    before = ingest.api()
    before.token = None
    assert ingest.put(RAW, api=before)[0] == 401


def announce(api, size):
    """The status of a request whose body is announced, but not sent."""
    api.c.putrequest("POST", V + "/archive/ingest/")
    for header in (("Authorization", "Bearer " + api.token), ("Content-Type", "application/json"), ("Content-Length", str(size))):
        api.c.putheader(*header)
    api.c.endheaders()
    return api.c.getresponse().status


def test_large_messages(ingest):
    raw = b"Subject: large\r\n\r\n" + base64.encodebytes(os.urandom(8 << 20)).replace(b"\n", b"\r\n")
    status, j = ingest.put(raw)
    assert status == 200 and j["size"] == len(raw), j
    assert ingest.eve.content(j["id"]) == (200, raw)
    assert ingest.put(b"x" * ((12 << 20) + 1))[0] == 413             # what is archived has 12 MiB
    assert announce(ingest.api(), (96 << 20) + 1) == 413
    assert announce(ingest.api("reader"), 90 << 20) == 403           # told before it comes, to who may not send it


def test_without_lmtpd_it_is_put_off(ingest):
    ingest.site.stop("lmtpd")
    try:
        status, text, headers = ingest.api().call("POST", V + "/archive/ingest/", {"message": "YQ==", "envelope": ENVELOPE})
        assert status == 503 and headers["Retry-After"]
    finally:
        ingest.site.start("lmtpd")
    assert ingest.put(b"a")[0] == 200
