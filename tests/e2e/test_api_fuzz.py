"""Requests that Schemathesis makes up from the served OpenAPI document, as everybody that there is: whatever is asked, the answer is
one that the document tells of, in the form that it says, never our fault, and shows nothing of what is out of scope.

STRONGROOM_FUZZ_EXAMPLES: how many requests are made up for each call, with all that the document allows (default: few and short ones);
STRONGROOM_FUZZ_SEED: others."""
import collections
import hashlib
import json
import os
import ssl
import uuid

import pytest

from stack import schemathesis
from stack.process import free_port, wait_until
from stack.site import Site
from stack.tls import Authority

pytestmark = [pytest.mark.embedded("the description is that of any engine"), pytest.mark.made_up]

PASSWORD = "correct horse battery staple"
V = "/api/v1/"
SEED = os.environ.get("STRONGROOM_FUZZ_SEED", "9")
EXAMPLES = os.environ.get("STRONGROOM_FUZZ_EXAMPLES")
PEOPLE = ["investigator", "exporter", "legal", "auditor", "administrator"]
PERMISSIONS = ["ARCHIVE_STORE", "ARCHIVE_SEARCH", "ARCHIVE_READ", "ARCHIVE_EXPORT", "HOLD_MANAGE", "RETENTION_MANAGE", "AUDIT_READ", "USER_MANAGE",
               "SYSTEM_STATUS"]
CHECKS = ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
          "response_schema_conformance", "ignored_auth", "unsupported_method", "allow_header_conformance", "nothing_hidden"]
HIDDEN = {"subject": "unspeakable-4711", "text": "whispered-4712", "address": "carol.4713@example.net", "message id": "secret-4714@example.net",
          "reason": "because-4715"}
RAW = "From: %s\r\nTo: %s\r\nSubject: %s\r\nMessage-ID: <%s>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" \
    "--b\r\n\r\nstrawberry %s\r\n--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n\r\n%%PDF\r\n--b--\r\n"


class World:
    """A site with `eve`, who sees bob's mail, has things of all kinds and one role; things that are hidden from her; and a program."""

    def __init__(self):
        self.client_port = free_port()
        most = {"queryd.%s_max" % name: "1000000" for name in (
            "signin_per_address", "signin_per_user", "searches_per_user", "reads_per_user", "exports_per_user", "administration_per_user",
            "requests_per_token", "requests_per_address")}
        self.site = Site(settings={**most, "queryd.request_timeout": "1h", "workerd.export_interval": "200ms", "workerd.outbox_interval": "200ms"})
        authority = Authority(self.site.path("clients"))
        self.site.write_conf(**{"queryd.client_listen": "127.0.0.1:%d" % self.client_port, "queryd.tls_client_ca": authority.ca,
                                "queryd.ingest_lmtp": "unix:" + self.site.lmtp_path})
        self.site.init()
        self.site.run("department", "set", "Sales", "bob@example.org")
        ada = self.site.add_user("ada", PASSWORD, "--role", "administrator")
        self.site.start("lmtpd", "workerd", "queryd")
        self.ada = self.site.api("ada", PASSWORD, ada)
        self.certificate = authority.sign("robot")
        self.ok("POST", "roles/", {"name": "everything", "permissions": PERMISSIONS})
        self.ok("POST", "roles/", {"name": "spare", "permissions": []})
        self.secrets, self.ids = {}, {}
        self.things, self.hidden = collections.defaultdict(list), dict(HIDDEN)
        for name, scope in (("pat", {"all": True}), ("eve", {"mailboxes": ["bob@example.org"]}), ("una", {})):
            u = self.ok("POST", "users/", {"username": name, "password": PASSWORD, "roles": ["everything"], "scope": scope})
            self.ids[name], self.secrets[name] = u["id"], u["totp_secret"]
        self.eve, self.pat = self.sign_in("eve"), self.sign_in("pat")
        self.make_things()

    def ok(self, method, path, body=None, api=None):
        status, text, _ = (api or self.ada).call(method, V + path, body)
        assert status < 300, (method, path, status, text)
        return json.loads(text) if text else None

    def sign_in(self, name):
        with self.site.meta.connect("control", write=True) as db:
            db.execute("UPDATE account SET totp_last_step = 0, code_tries_us = 0")
        return self.site.api(name, PASSWORD, self.secrets[name])

    def send(self, sender, to, subject, message_id, text):
        with self.site.lmtp() as c:
            code, answer = c.send((RAW % (sender, to, subject, message_id, text)).encode(), sender.encode(), [to.encode()])[0]
        assert code == 250, answer
        return answer.split()[-1].decode()

    def make_things(self):
        self.things["message"] = [
            self.send("ann@example.org", "bob@example.org", "shown", "1@example.org", "and shown"),
            self.send(HIDDEN["address"], "dora@example.net", HIDDEN["subject"], HIDDEN["message id"], HIDDEN["text"])]
        wait_until("both are found", lambda: self.pat.search("strawberry")["total"] == 2, 60)
        for api, why in ((self.eve, "a suit"), (self.pat, HIDDEN["reason"])):
            self.things["search"].append(self.ok("POST", "searches/", {"name": why, "request": {"query": "x"}}, api)["id"])
            self.things["hold"].append(self.ok("POST", "holds/", {"name": why, "reason": why, "custodians": [
                "bob@example.org" if api is self.eve else HIDDEN["address"]]}, api)["id"])
            self.things["case"].append(self.ok("POST", "cases/", {"name": why}, api)["id"])
            self.things["export"].append(self.ok("POST", "archive/exports/", {"reason": why}, api)["id"])
            self.things["session"].append(self.ok("GET", "auth/sessions/", api=api)["items"][0]["id"])
        self.own_session, self.things["session"][0] = self.things["session"][0], str(uuid.uuid4())
        self.things["user"] = [self.ids["una"], "4711"]
        self.things["program"] = [self.ok("POST", "service-accounts/", {"name": "first", "certificate_sha256": "1" * 64})["id"]]
        self.things["policy"] = [self.ok("POST", "retention/policies/", {"name": "one", "applies_to": "sender", "subject": "y@example.org",
                                                                         "days": 3000}, self.eve)["id"]]
        self.things["record"] = [self.ok("GET", "audit/?limit=1", api=self.eve)["items"][0]["id"]]
        where = "archive/exports/%s/" % self.things["export"][0]
        wait_until("the export is ready", lambda: self.ok("GET", where, api=self.eve)["state"] == "ready", 60)

    def robot(self):
        """(URL, token) of a program."""
        with open(self.certificate[0]) as f:
            digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(f.read())).hexdigest()
        token = self.ok("POST", "service-accounts/", {"name": "robot", "certificate_sha256": digest, "roles": ["service"],
                                                      "scope": {"mailboxes": ["bob@example.org"]}})["token"]
        return "https://127.0.0.1:%d" % self.client_port, token

    def values(self):
        """For the variables of paths."""
        t = self.things
        by_id = {"archive/emails/": "message", "archive/exports/": "export", "archive/export-downloads/": "export", "searches/": "search",
                 "holds/": "hold", "cases/": "case", "retention/policies/": "policy", "audit/": "record", "users/": "user",
                 "service-accounts/": "program", "auth/sessions/": "session"}
        found = {V + path: {"id": t[name]} for path, name in by_id.items()}
        found[V + "archive/emails/"]["index"] = ["0", "1"]
        found[V + "cases/"]["account"] = t["user"]
        found[V + "roles/"] = {"name": ["spare", "auditor"]}
        found[V + "departments/"] = {"name": ["Sales"], "mailbox": ["bob@example.org"]}
        found[V + "mailboxes/"] = {"mailbox": ["bob@example.org"]}
        found[V + "audit/mailboxes/"] = {"address": ["bob@example.org"]}
        return found

    def kept_from(self, permissions):
        """What no answer may hold. The audit is about everybody's requests, and tells auditors of them."""
        if "AUDIT_READ" in permissions:
            return [HIDDEN["subject"], HIDDEN["text"], HIDDEN["message id"]]
        return [*HIDDEN.values(), *(self.things[name][1] for name in ("message", "search", "hold", "case", "export"))]


@pytest.fixture
def world():
    schemathesis.folder()
    w = None
    try:
        w = World()
        yield w
    finally:
        if w:
            w.site.close()


def fuzz(world, url, token, permissions=(), examples=3, phases="fuzzing", certificate=None):
    """Counter of (call, status); fails with what Schemathesis says."""
    path, log = world.site.path("fuzz.json"), world.site.path("fuzz.log")
    open(log, "w").close()
    with open(path, "w") as f:
        json.dump({"things": world.values(), "hidden": world.kept_from(permissions), "short": not EXAMPLES, "log": log,
                   "own": {V + "auth/sessions/": world.own_session, V + "users/": world.ids["eve"]}}, f)
    if EXAMPLES:
        examples, phases = EXAMPLES, "coverage,fuzzing,stateful"
    arguments = [url + V + "openapi.json", "--url", url, "--tls-verify", world.site.ca, "--checks", ",".join(CHECKS), "--phases", phases,
                 "--max-examples", str(examples), "--seed", SEED, "--generation-database", "none", "--suppress-health-check", "all",
                 "--continue-on-failure", "--request-timeout", "120", "--warnings", "off", "--no-shrink"]
    if token:    # with which nobody is to sign out
        arguments += ["--header", "Authorization: Bearer " + token, "--exclude-operation-id", "signOut"]
    if certificate:
        arguments += ["--request-cert", certificate[0], "--request-cert-key", certificate[1]]
    status, output = schemathesis.run(arguments, {"STRONGROOM_FUZZ": path, "SSL_CERT_FILE": world.site.ca, "HOME": world.site.dir}, world.site.dir,
                                      1200 if not EXAMPLES else 36000)
    with open(log) as f:
        made = collections.Counter((line.rsplit(" ", 1)[0], int(line.rsplit(" ", 1)[1])) for line in f)
    assert status == 0, output
    for name in ("queryd", "lmtpd", "workerd"):
        assert world.site.running(name), name
        assert not [line for line in world.site.log(name) if line.get("level") in ("error", "fatal", "raw")], name
    return made


def calls(document):
    return {"%s %s" % (method.upper(), path) for path, methods in document["paths"].items() for method in methods if method != "parameters"}


def check_reach(world, made, permissions):
    """It was no waste of time: all calls were made, and with each permission something was done."""
    document = json.loads(world.site.api().call("GET", V + "openapi.json")[1])
    assert calls(document) - {call for call, _ in made} <= {"GET " + V + "openapi.json", "POST " + V + "auth/logout"}
    done = {call for call, status in made if status < 300}
    for permission in permissions:
        its = {"%s %s" % (method.upper(), path) for path, methods in document["paths"].items() for method, operation in methods.items()
               if method != "parameters" and permission in operation["summary"]}
        assert not its or its & done, permission


def test_all_roles_are_tried(world):
    status, roles = world.ada.json("GET", V + "roles/?limit=500")
    assert {r["name"] for r in roles["items"] if not r["custom"]} == {*PEOPLE, "service"}


@pytest.mark.parametrize("role", [*PEOPLE, "nothing"])
def test_as_somebody(world, role):
    roles = [] if role == "nothing" else [role]
    permissions = world.ok("GET", "roles/%s/" % role)["permissions"] if roles else []
    world.ok("PATCH", "users/%s/" % world.ids["eve"], {"roles": roles})
    made = fuzz(world, world.site.https, world.eve.token, permissions)
    check_reach(world, made, permissions)
    assert world.eve.json("GET", V + "auth/sessions/")[0] == 200    # she was signed in to the end


def test_as_somebody_who_may_everything(world):
    """Also with what lies at the borders of what the document allows."""
    made = fuzz(world, world.site.https, world.eve.token, PERMISSIONS, 2, "coverage,fuzzing,stateful")
    check_reach(world, made, [p for p in PERMISSIONS if p not in ("ARCHIVE_STORE", "SYSTEM_STATUS")])
    assert world.eve.json("GET", V + "auth/sessions/")[0] == 200


def test_as_nobody(world):
    made = fuzz(world, world.site.https, None)
    check_reach(world, made, [])


def test_as_a_program(world):
    url, token = world.robot()
    made = fuzz(world, url, token, certificate=world.certificate)
    check_reach(world, made, [])
    assert ("POST " + V + "archive/ingest/", 403) not in made
