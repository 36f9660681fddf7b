"""Every call that the served OpenAPI document describes, by everybody who may make it and by everybody who may not.

Who may is written here, from strongroom-queryd(8): a call that has no entry in ROUTES fails, and so does an entry without a call."""
import base64
import hashlib
import json
import os
import subprocess
import time
import urllib.parse
import uuid
from typing import NamedTuple

import pytest

from stack.process import wait_until
from stack.site import Site

pytestmark = pytest.mark.embedded("who may do what does not depend on the engines")

PASSWORD = "correct horse battery staple"
PERMISSIONS = STORE, SEARCH, READ, EXPORT, HOLD, KEEP, AUDIT, USER, STATUS = (
    "ARCHIVE_STORE", "ARCHIVE_SEARCH", "ARCHIVE_READ", "ARCHIVE_EXPORT", "HOLD_MANAGE", "RETENTION_MANAGE", "AUDIT_READ", "USER_MANAGE",
    "SYSTEM_STATUS")
EVERYBODY, SIGNED_IN = "everybody", "whoever is signed in"
SECOND = 10 ** 6
RAW = b"From: Ann <ann@example.org>\r\nTo: %s\r\nSubject: %s\r\nMessage-ID: <%s@example.org>\r\nMIME-Version: 1.0\r\n" \
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nstrawberry\r\n--b\r\nContent-Type: application/pdf\r\n" \
    b"Content-Disposition: attachment; filename=a.pdf\r\n\r\n%%PDF\r\n--b--\r\n"


class Route(NamedTuple):
    who: str            # a permission, SIGNED_IN or EVERYBODY
    status: int         # of this request, by who may
    where: dict         # what the path's variables stand for: a name among the things of the world, or the text itself
    body: object
    query: str
    fresh: bool         # wants a second factor that was shown lately
    program: bool       # for programs alone: people get 403 whatever they may
    ends: bool          # ends the session that it is made in


def route(who, status=200, body=None, query="", fresh=None, program=False, ends=False, **where):
    return Route(who, status, where, body, query, who != EVERYBODY if fresh is None else fresh, program, ends)


V = "/api/v1/"
# A status of 400 is of a request that says too little: who asks was looked at before what for.
ROUTES = {
    "GET /healthz": route(EVERYBODY),
    "GET /readyz": route(EVERYBODY),
    "GET " + V + "openapi.json": route(EVERYBODY),

    "POST " + V + "auth/login": route(EVERYBODY, 400, {}),
    "POST " + V + "auth/totp": route(EVERYBODY, 400, {}),
    "POST " + V + "auth/recovery": route(EVERYBODY, 400, {}),
    "POST " + V + "auth/enrolment": route(EVERYBODY, 400, {}),
    "POST " + V + "auth/enrolment/confirm": route(EVERYBODY, 400, {}),
    "POST " + V + "auth/refresh": route(EVERYBODY, 400, {}),
    "GET " + V + "auth/oidc/start": route(EVERYBODY, 404),
    "GET " + V + "auth/oidc/callback": route(EVERYBODY, 404),
    "GET " + V + "auth/jwks.json": route(EVERYBODY),
    "POST " + V + "auth/step-up": route(SIGNED_IN, 400, {}, fresh=False),
    "POST " + V + "auth/logout": route(SIGNED_IN, 204, fresh=False, ends=True),
    "GET " + V + "auth/sessions/": route(SIGNED_IN, fresh=False),
    "DELETE " + V + "auth/sessions/{id}": route(SIGNED_IN, 404, fresh=False, id="absent"),
    "POST " + V + "auth/password": route(SIGNED_IN, 400, {}),
    "POST " + V + "auth/recovery-codes": route(SIGNED_IN, 400, {}),
    "POST " + V + "auth/totp/enrol": route(SIGNED_IN, 400, {}),
    "POST " + V + "auth/totp/confirm": route(SIGNED_IN, 400, {}),

    "POST " + V + "search/emails/": route(SEARCH, 200, {"query": "strawberry"}),
    "GET " + V + "searches/": route(SEARCH),
    "POST " + V + "searches/": route(SEARCH, 201, {"name": "a third", "request": {"query": "x"}}),
    "GET " + V + "searches/{id}/": route(SEARCH, id="search"),
    "PATCH " + V + "searches/{id}/": route(SEARCH, 200, {"name": "another name"}, id="search"),
    "DELETE " + V + "searches/{id}/": route(SEARCH, 204, id="spare search"),

    "GET " + V + "archive/emails/{id}/": route(READ, id="message"),
    "GET " + V + "archive/emails/{id}/content": route(READ, id="message"),
    "GET " + V + "archive/emails/{id}/conversation": route(READ, id="message"),
    "GET " + V + "archive/emails/{id}/attachments/{index}": route(READ, id="message", index="0"),
    "GET " + V + "archive/emails/{id}/download": route(EVERYBODY, 403, query="?ticket=x", id="message"),
    "POST " + V + "archive/ingest/": route(STORE, 403, {}, fresh=False, program=True),

    "GET " + V + "archive/exports/": route(EXPORT),
    "POST " + V + "archive/exports/": route(EXPORT, 202, {"reason": "a suit"}),
    "GET " + V + "archive/exports/{id}/": route(EXPORT, id="export"),
    "POST " + V + "archive/exports/{id}/cancel": route(EXPORT, 409, id="export"),
    "GET " + V + "archive/exports/{id}/download": route(EXPORT, id="export"),
    "POST " + V + "archive/exports/{id}/download-url": route(EXPORT, id="export"),
    "GET " + V + "archive/export-downloads/{id}": route(EVERYBODY, 403, query="?ticket=x", id="export"),

    "GET " + V + "holds/": route(HOLD),
    "POST " + V + "holds/": route(HOLD, 201, {"name": "another", "reason": "a suit", "custodians": ["bob@example.org"]}),
    "GET " + V + "holds/{id}/": route(HOLD, id="hold"),
    "POST " + V + "holds/{id}/lift": route(HOLD, 200, {"reason": "settled"}, id="hold"),

    "GET " + V + "cases/": route(SEARCH),
    "POST " + V + "cases/": route(HOLD, 201, {"name": "another"}),
    "GET " + V + "cases/{id}/": route(SEARCH, id="case"),
    "GET " + V + "cases/{id}/notes/": route(SEARCH, id="case"),
    "POST " + V + "cases/{id}/notes/": route(SEARCH, 201, {"note": "a note"}, id="case"),
    "GET " + V + "cases/{id}/tags/": route(SEARCH, id="case"),
    "POST " + V + "cases/{id}/tags/": route(SEARCH, 400, {"tag": "a tag"}, id="case"),
    "DELETE " + V + "cases/{id}/tags/": route(SEARCH, 404, query="?message=x&tag=x", id="case"),
    "PUT " + V + "cases/{id}/members/{account}/": route(HOLD, 204, id="case", account="user"),
    "DELETE " + V + "cases/{id}/members/{account}/": route(HOLD, 204, id="case", account="user"),
    "GET " + V + "cases/{id}/searches/": route(SEARCH, id="case"),
    "GET " + V + "cases/{id}/holds/": route(HOLD, id="case"),
    "GET " + V + "cases/{id}/exports/": route(EXPORT, id="case"),
    "POST " + V + "cases/{id}/close": route(HOLD, 200, {"reason": "settled"}, id="case"),

    "GET " + V + "retention/": route(KEEP),
    "GET " + V + "retention/policies/": route(KEEP),
    "POST " + V + "retention/policies/": route(KEEP, 201, {"name": "two", "applies_to": "sender", "subject": "x@example.org", "days": 3000}),
    "GET " + V + "retention/policies/{id}/": route(KEEP, id="policy"),
    "PATCH " + V + "retention/policies/{id}/": route(KEEP, 200, {"days": 3100}, id="policy"),
    "DELETE " + V + "retention/policies/{id}/": route(KEEP, 204, id="policy"),

    "GET " + V + "retention/expired/": route(KEEP),
    "GET " + V + "retention/dispositions/": route(KEEP),
    "POST " + V + "retention/dispositions/": route(KEEP, 201, {"reason": "over"}),
    "GET " + V + "retention/dispositions/{id}/": route(KEEP, id="disposition"),
    "GET " + V + "retention/dispositions/{id}/messages/": route(KEEP, id="disposition"),
    "POST " + V + "retention/dispositions/{id}/approve": route(KEEP, 403, {"reason": "so be it"}, id="own disposition"),
    "POST " + V + "retention/dispositions/{id}/reject": route(KEEP, 200, {"reason": "no"}, id="disposition"),

    "GET " + V + "audit/": route(AUDIT),
    "GET " + V + "audit/export": route(AUDIT),
    "GET " + V + "audit/mailboxes/{address}": route(AUDIT, address="bob@example.org"),
    "GET " + V + "audit/{id}/": route(AUDIT, id="record"),

    "GET " + V + "users/": route(USER),
    "POST " + V + "users/": route(USER, 201, {"username": "una", "password": PASSWORD}),
    "GET " + V + "users/{id}/": route(USER, id="user"),
    "PATCH " + V + "users/{id}/": route(USER, 200, {"roles": ["auditor"]}, id="user"),
    "POST " + V + "users/{id}/disable": route(USER, id="user"),
    "POST " + V + "users/{id}/enable": route(USER, id="user"),
    "POST " + V + "users/{id}/use-provider": route(USER, 409, id="user"),
    "POST " + V + "users/{id}/sign-out": route(USER, 204, id="user"),
    "POST " + V + "users/{id}/reset-mfa": route(USER, id="user"),
    "GET " + V + "users/{id}/sessions/": route(USER, id="user"),
    "DELETE " + V + "users/{id}/sessions/": route(USER, 204, id="user"),

    "GET " + V + "service-accounts/": route(USER),
    "POST " + V + "service-accounts/": route(USER, 201, {"name": "second", "certificate_sha256": "2" * 64}),
    "GET " + V + "service-accounts/{id}/": route(USER, id="program"),
    "PATCH " + V + "service-accounts/{id}/": route(USER, 200, {"roles": ["service"]}, id="program"),
    "POST " + V + "service-accounts/{id}/rotate": route(USER, id="program"),
    "POST " + V + "service-accounts/{id}/disable": route(USER, id="program"),
    "POST " + V + "service-accounts/{id}/enable": route(USER, id="program"),

    "GET " + V + "roles/": route(USER),
    "POST " + V + "roles/": route(USER, 201, {"name": "another", "permissions": []}),
    "GET " + V + "roles/{name}/": route(USER, name="auditor"),
    "PATCH " + V + "roles/{name}/": route(USER, 200, {"meaning": "for nobody"}, name="spare"),
    "DELETE " + V + "roles/{name}/": route(USER, 204, name="spare"),

    "GET " + V + "departments/": route(USER),
    "GET " + V + "departments/{name}/": route(USER, name="Sales"),
    "PUT " + V + "departments/{name}/": route(USER, 200, {"mailboxes": ["sam@example.org"]}, name="Sales"),
    "GET " + V + "departments/{name}/mailboxes/": route(USER, name="Sales"),
    "PUT " + V + "departments/{name}/mailboxes/{mailbox}": route(USER, 204, name="Sales", mailbox="una@example.org"),
    "DELETE " + V + "departments/{name}/mailboxes/{mailbox}": route(USER, 204, name="Sales", mailbox="una@example.org"),
    "DELETE " + V + "departments/{name}/": route(USER, 204, name="Sales"),

    "GET " + V + "mailboxes/": route(USER),
    "GET " + V + "mailboxes/{mailbox}/": route(USER, mailbox="mia@example.org"),
    "PUT " + V + "mailboxes/{mailbox}/": route(USER, 200, {"departments": ["Books"]}, mailbox="mia@example.org"),
    "DELETE " + V + "mailboxes/{mailbox}/": route(USER, 204, mailbox="mia@example.org"),
}

# What is there and not for who asks: (call, what the path or the body names, what is hidden). A name of a thing, as in ROUTES.
HIDDEN = [
    *[("GET %sarchive/emails/{id}/%s" % (V, what), "hidden message") for what in ("", "content", "conversation", "attachments/0")],
    *[("%s %sarchive/exports/{id}/%s" % (method, V, what), "hidden export")
      for method, what in (("GET", ""), ("POST", "cancel"), ("GET", "download"), ("POST", "download-url"))],
    *[("%s %ssearches/{id}/" % (method, V), "hidden search") for method in ("GET", "PATCH", "DELETE")],
    *[("GET %scases/{id}/%s" % (V, what), "hidden case") for what in ("", "notes/", "tags/", "searches/", "holds/", "exports/")],
    *[("GET %sretention/dispositions/{id}/%s" % (V, what), "hidden disposition") for what in ("", "messages/")],
    ("GET %sholds/{id}/" % V, "hidden hold"), ("POST %sholds/{id}/lift" % V, "hidden hold"),
    ("DELETE %sauth/sessions/{id}" % V, "hidden session"),
]
HIDDEN_IN_BODIES = [
    ("POST %sholds/" % V, {"name": "a hold", "reason": "a suit", "messages": ["{id}"]}, "hidden message"),
    ("POST %sholds/" % V, {"name": "a hold", "reason": "a suit", "custodians": ["bob@example.org"], "case": "{id}"}, "hidden case"),
    ("POST %ssearches/" % V, {"name": "a search", "request": {"query": "x"}, "case": "{id}"}, "hidden case"),
    ("POST %sarchive/exports/" % V, {"reason": "a suit", "case": "{id}"}, "hidden case"),
    ("POST %ssearch/emails/" % V, {"saved": "{id}"}, "hidden search"),
]
# What these want to be told beside the id.
CHANGES = {"PATCH": {"name": "mine"}, "POST": {"reason": "settled"}}

# Tables that say what was asked and by whom, not what there is.
RECORDS = ("audit_", "rate_count", "session", "sqlite_")


class World:
    """One queryd; `sam`, whose roles are changed between requests, and things of all kinds: his, and such as are hidden from him."""

    def __init__(self):
        self.site = Site(settings={"workerd.export_interval": "200ms", "workerd.outbox_interval": "200ms", "queryd.token_life": "1h",
                                   "queryd.mfa_session": "1h", "queryd.signin_per_user_max": "1000",
                                   "queryd.request_timeout": "1h"})    # connections wait while others are used
        self.site.init()
        for name in ("Sales", "Books"):
            self.site.run("department", "set", name, "mia@example.org")
        ada = self.site.add_user("ada", PASSWORD, "--role", "administrator")
        self.site.start("lmtpd", "workerd", "queryd")
        self.ada = self.site.api("ada", PASSWORD, ada)
        for number, name in enumerate(PERMISSIONS):
            self.make_role("only-%d" % number, [name])
            self.make_role("but-%d" % number, [p for p in PERMISSIONS if p != name])
        self.make_role("all", PERMISSIONS)
        self.make_role("spare", [])
        self.things = {"absent": str(uuid.uuid4())}
        self.secrets, self.ids = {}, {}
        self.make_user("pat", {"all": True})
        self.make_user("sam", {"mailboxes": ["bob@example.org"]})
        self.make_user("una-before", {})
        self.things["user"] = self.ids["una-before"]
        self.things["program"] = self.ok("POST", "service-accounts/", {"name": "first", "certificate_sha256": "1" * 64})["id"]
        self.sam, self.pat = self.sign_in("sam"), self.sign_in("pat")
        self.make_things()
        self.document = json.loads(self.site.api().call("GET", V + "openapi.json")[1])

    def ok(self, method, path, body=None, api=None):
        status, text, _ = (api or self.ada).call(method, V + path, body)
        assert status < 300, (method, path, status, text)
        return json.loads(text) if text else None

    def make_role(self, name, permissions):
        self.ok("POST", "roles/", {"name": name, "permissions": list(permissions)})

    def make_user(self, name, scope, role="all"):
        u = self.ok("POST", "users/", {"username": name, "password": PASSWORD, "roles": [role], "scope": scope})
        self.ids[name], self.secrets[name] = u["id"], u["totp_secret"]

    def give(self, *roles):
        """sam has these roles and no others, from the next request on."""
        self.ok("PATCH", "users/%s/" % self.ids["sam"], {"roles": list(roles)})

    def change(self, sql, *values):
        with self.site.meta.connect("control", write=True) as db:
            db.execute(sql, values)

    def sign_in(self, name):
        """A session of its own; a code may be used again for it."""
        self.change("UPDATE account SET totp_last_step = 0, code_tries_us = 0")
        return self.site.api(name, PASSWORD, self.secrets[name])

    def send(self, to, name):
        with self.site.lmtp() as c:
            code, answer = c.send(RAW % (to, name, name), recipients=[to])[0]
        assert code == 250, answer
        return answer.split()[-1].decode()

    def make_things(self):
        self.things["message"] = self.send(b"bob@example.org", b"shown")
        self.things["hidden message"] = self.send(b"carol@example.org", b"kept back")
        wait_until("both are found", lambda: self.pat.search("strawberry")["total"] == 2, 60)
        for api, prefix, mailbox in ((self.sam, "", "bob@example.org"), (self.pat, "hidden ", "carol@example.org")):
            for name in ("search", "spare search"):
                self.things[prefix + name] = self.ok("POST", "searches/", {"name": name, "request": {"query": "x"}}, api)["id"]
            self.things[prefix + "hold"] = self.ok("POST", "holds/", {"name": "a hold", "reason": "a suit", "custodians": [mailbox]}, api)["id"]
            self.things[prefix + "case"] = self.ok("POST", "cases/", {"name": "a case"}, api)["id"]
            self.things[prefix + "disposition"] = self.ok("POST", "retention/dispositions/", {"reason": "over", "mailbox": mailbox}, self.pat)["id"]
            self.things[prefix + "export"] = self.ok("POST", "archive/exports/", {"reason": "a suit"}, api)["id"]
            self.things[prefix + "session"] = self.ok("GET", "auth/sessions/", api=api)["items"][0]["id"]
        self.things["own disposition"] = self.ok("POST", "retention/dispositions/", {"reason": "over"}, self.sam)["id"]
        self.things["policy"] = self.ok("POST", "retention/policies/", {"name": "one", "applies_to": "sender", "subject": "y@example.org",
                                                                        "days": 3000}, self.sam)["id"]
        self.things["record"] = self.ok("GET", "audit/?limit=1", api=self.sam)["items"][0]["id"]
        for api, name in ((self.sam, "export"), (self.pat, "hidden export")):
            where = "archive/exports/%s/" % self.things[name]
            wait_until("the export is ready", lambda: self.ok("GET", where, api=api)["state"] == "ready", 60)
        self.site.stop("workerd")    # from here on nothing changes by itself

    def state(self):
        """All that the control database holds, but what is a record of requests."""
        with self.site.meta.connect("control") as db:
            tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'") if not row[0].startswith(RECORDS)]
            return {name: sorted(map(repr, map(tuple, db.execute("SELECT * FROM " + name)))) for name in tables}

    def ask(self, call, api, where=None, body=None, things=None):
        """(status, body without what it repeats of the request, headers) of the call's request as ROUTES has it. No answer may be one
        that the document does not tell of."""
        r = ROUTES.get(call)
        method, path = call.split(" ")
        for name, thing in (where if where is not None else r.where).items():
            path = path.replace("{%s}" % name, urllib.parse.quote(self.things.get(thing, thing), safe=""))
        assert "{" not in path, path
        status, text, headers = api.call(method, path + (r.query if r else ""), body if body is not None else r and r.body)
        if r:
            told = self.document["paths"][call.split(" ")[1]][method.lower()]["responses"]
            assert str(status) in told, "%s is answered by %d, which the document does not know" % (call, status)
        return status, text, headers


@pytest.fixture(scope="module")
def world():
    w = None
    try:
        w = World()
        yield w
    finally:
        if w:
            w.site.close()


def calls(document):
    return {"%s %s" % (method.upper(), path) for path, methods in document["paths"].items() for method in methods if method != "parameters"}


def operation(world, call):
    method, path = call.split(" ")
    return world.document["paths"][path][method.lower()]


def test_the_table_is_complete(world):
    found = calls(world.document)
    assert found - ROUTES.keys() == set(), "calls that have no entry"
    assert ROUTES.keys() - found == set(), "entries of calls that there are not"


def test_the_document_says_who_may(world):
    for call, r in ROUTES.items():
        o = operation(world, call)
        assert (o.get("security", world.document["security"]) == []) == (r.who == EVERYBODY), call
        if r.who in PERMISSIONS:
            assert r.who in o["summary"], call


def test_the_document_knows_all_refusals(world):
    """Those that any request of the kind may meet, whatever the test meets."""
    lacking = []
    for call, r in ROUTES.items():
        told = set(operation(world, call)["responses"])
        want = {"400"} if r.who == EVERYBODY else {"400", "401", "429", "503"}
        want |= {"403"} if r.who in PERMISSIONS else set()
        want |= {"413", "415"} if "requestBody" in operation(world, call) else set()
        lacking += ["%s: %s" % (call, " ".join(sorted(want - told)))] if want - told else []
    assert not lacking, "\n".join(lacking)


# ---- who has not signed in, or no longer ----

def unsigned(b):
    return base64.urlsafe_b64encode(b).rstrip(b"=").decode()


def signed_again(world, token, **claims):
    """The token with other claims, signed by the key of the archive: what only time can bring about."""
    head, payload, _ = token.split(".")
    payload = json.loads(base64.urlsafe_b64decode(payload + "=="))
    kid = json.loads(base64.urlsafe_b64decode(head + "=="))["kid"]
    text = head + "." + unsigned(json.dumps({**payload, **claims}).encode())
    key = os.path.join(world.site.settings["key_dir"], "token-%s.pem" % kid)
    der = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=text.encode(), stdout=subprocess.PIPE, check=True).stdout
    numbers, at = [], 2
    for _ in range(2):      # SEQUENCE { INTEGER r, INTEGER s }
        n = der[at + 1]
        numbers.append(der[at + 2:at + 2 + n].lstrip(b"\0").rjust(32, b"\0"))
        at += 2 + n
    return text + "." + unsigned(b"".join(numbers))


def someone(world, token):
    api = world.site.api()
    api.token = token
    return api


def factorless(world):
    """Who knows the password and no more."""
    status, j = world.site.api().json("POST", V + "auth/login", {"username": "sam", "password": PASSWORD})
    assert status == 200
    return j["mfa_token"]


def ended(world, how):
    api = world.sign_in("sam")
    if how == "revoked":
        assert api.call("POST", V + "auth/logout")[0] == 204
    else:
        payload = json.loads(base64.urlsafe_b64decode(api.token.split(".")[1] + "=="))
        world.change("UPDATE session SET until_us = ? WHERE id = ?", int(time.time() - 1) * SECOND, uuid.UUID(payload["sid"]).bytes)
    return api.token


def dismissed(world, how):
    """An account that may do everything, was signed in, and is out now."""
    name = "was-" + how
    world.make_user(name, {"all": True})
    api = world.sign_in(name)
    world.ok("GET", "searches/", api=api)
    world.ok("POST", "users/%s/%s" % (world.ids[name], how))
    return api.token


def tokens(world):
    """Those that are good for nothing, each by what is wrong with it."""
    good = world.sam.token
    head, payload, signature = good.split(".")
    now = int(time.time())
    yield "none", None
    yield "nonsense", "nonsense"
    yield "no signature", "%s.%s." % (unsigned(b'{"alg":"none","typ":"JWT"}'), payload)
    yield "another payload", "%s.%s.%s" % (head, unsigned(b'{"sub":"1"}'), signature)
    yield "expired", signed_again(world, good, iat=now - 7200, nbf=now - 7200, exp=now - 3600)
    yield "not yet good", signed_again(world, good, iat=now + 7200, nbf=now + 7200, exp=now + 9000)
    yield "of another session", signed_again(world, good, sid=str(uuid.uuid4()))
    yield "of another account", signed_again(world, good, sub=world.ids["pat"])
    yield "a refresh token", world.sam.refresh_token
    yield "no second factor", factorless(world)
    yield "over", ended(world, "over")
    yield "revoked", ended(world, "revoked")
    for how in ("disable", "sign-out", "reset-mfa"):
        yield how, dismissed(world, how)
    yield "of no program", "srs_" + hashlib.sha256(b"x").hexdigest()


def test_nobody_does_anything_without_being_signed_in(world):
    world.give("all")
    assert world.ask("GET " + V + "searches/", someone(world, signed_again(world, world.sam.token)))[0] == 200  # signed as it should be
    refused = list(tokens(world))
    before = world.state()
    for what, token in refused:
        api = someone(world, token)
        for call, r in ROUTES.items():
            status, text, headers = world.ask(call, api)
            want = r.status if r.who == EVERYBODY else 401
            assert status == want, (what, call, status, text)
            if want == 401:
                assert headers["WWW-Authenticate"].startswith("Bearer") and headers["Content-Type"] == "application/problem+json"
    assert world.state() == before


def test_an_old_second_factor_is_asked_for_again(world):
    world.give("all")
    api = world.sign_in("sam")
    payload = json.loads(base64.urlsafe_b64decode(api.token.split(".")[1] + "=="))
    world.change("UPDATE session SET factor_us = ? WHERE id = ?", int(time.time() - 7200) * SECOND, uuid.UUID(payload["sid"]).bytes)
    before = world.state()
    for call, r in ROUTES.items():
        if r.ends:
            continue
        status, text, headers = world.ask(call, api)
        if r.fresh:
            assert status == 401 and json.loads(text)["type"] == "urn:strongroom:problem:step-up", (call, status, text)
            assert "insufficient_user_authentication" in headers["WWW-Authenticate"], call
        else:
            assert status == r.status, (call, status, text)
    assert world.state() == before


# ---- who is signed in ----

def test_who_lacks_the_permission_may_not(world):
    """With one permission, and with all but one: also where it looks like enough."""
    refusals = 0
    for roles in [[]] + [["only-%d" % n] for n in range(len(PERMISSIONS))] + [["but-%d" % n] for n in range(len(PERMISSIONS))]:
        world.give(*roles)
        has = {p for n, p in enumerate(PERMISSIONS) if "only-%d" % n in roles or (roles and roles[0].startswith("but") and roles[0] != "but-%d" % n)}
        before = world.state()
        for call, r in ROUTES.items():
            if r.ends or (r.who in has and not r.program):
                continue
            if len(has) > 1 and r.who not in PERMISSIONS:
                continue
            status, text, _ = world.ask(call, world.sam)
            want = 403 if r.who in PERMISSIONS else r.status
            assert status == want, (roles, call, status, text)
            if status == 403 and r.who in PERMISSIONS and r.who not in has:
                assert r.who in json.loads(text)["detail"], (call, text)
                refusals += 1
        assert world.state() == before, roles
    told = world.site.rows("SELECT count(*) FROM audit_intent i JOIN audit_outcome o ON o.intent_id = i.id "
                           "WHERE i.actor = 'sam' AND o.status = 403 AND o.result = 'refused'", (), "control")[0][0]
    assert told >= refusals    # each is on record


def hidden(world, call, things, body):
    """The answer, without what it repeats of the request."""
    status, text, headers = world.ask(call, world.sam, where={"id": things}, body=body)
    names = sorted((k, v) for k, v in headers.items() if k not in ("X-Request-ID", "Date", "Content-Length"))
    return status, text.replace(world.things[things].encode(), b"<id>"), names


def test_what_is_out_of_scope_is_not_there(world):
    """Nothing of the answer tells it from what does not exist; and who has the scope is answered otherwise."""
    world.give("all")
    before = world.state()
    for call, thing in HIDDEN:
        body = CHANGES.get(call.split(" ")[0]) if "{id}/lift" in call or "PATCH" in call else None
        for other in ("absent", thing):
            status, text, _ = hidden(world, call, other, body)
            assert status == 404, (call, other, status, text)
        assert hidden(world, call, thing, body) == hidden(world, call, "absent", body), call
    for call, body, thing in HIDDEN_IN_BODIES:
        found = []
        for other in (thing, "absent"):
            asked = json.loads(json.dumps(body).replace("{id}", world.things[other]))
            status, text, _ = world.ask(call, world.sam, where={}, body=asked)
            found.append((status, text.replace(world.things[other].encode(), b"<id>")))
        assert found[0] == found[1] and found[0][0] in (400, 404), found
    assert world.state() == before
    for call, thing in HIDDEN:
        if call.startswith("GET") and "download" not in call:
            assert world.ask(call, world.pat, where={"id": thing})[0] == 200, call


def test_what_is_out_of_scope_is_in_no_list(world):
    world.give("all")
    theirs = [world.things[name] for name in world.things if name.startswith("hidden")]
    for call, r in ROUTES.items():
        if call.startswith("GET") and not r.where and r.who not in (AUDIT, USER, EVERYBODY):
            text = world.ask(call, world.sam)[1].decode()
            assert not [id for id in theirs if id in text], call
    found = world.sam.search("strawberry", facets=["sender", "month"])
    assert [hit["id"] for hit in found["hits"]] == [world.things["message"]] and found["total"] == 1
    assert found["coverage"]["in_scope"] == 1


def test_who_has_just_the_permission_may(world):
    """The last test: what is allowed is done."""
    for n, permission in enumerate(PERMISSIONS):
        world.give("only-%d" % n)
        for call, r in ROUTES.items():
            if r.who == permission:
                status, text, _ = world.ask(call, world.sam)
                assert status == r.status, (call, status, text)
    world.give()
    for call, r in ROUTES.items():
        if r.who in (SIGNED_IN, EVERYBODY) and not r.ends:
            assert world.ask(call, world.sam)[0] == r.status, call
    assert world.ask("POST " + V + "auth/logout", world.sam)[0] == 204
    assert world.ask("GET " + V + "auth/sessions/", world.sam)[0] == 401
