"""Who manages accounts, roles, departments and mailboxes over HTTPS, what nobody may do to himself, and what is on record of it."""
import hashlib
import http.client
import json
import signal
import ssl
import textwrap
import urllib.parse

import pytest

from stack.api import Api, totp
from stack.process import free_port, wait_until
from stack.site import Site
from stack.tls import Authority

PASSWORD = "correct horse battery staple"
V = "/api/v1"


class Access:
    def __init__(self):
        self.site = Site()
        self.site.init()
        self.site.run("department", "set", "Sales", "bob@example.org", "Sam@Example.org")
        self.secrets = {"ada": self.site.add_user("ada", PASSWORD, "--role", "administrator", "--department", "Sales"),
                        "ivy": self.site.add_user("ivy", PASSWORD, "--mailbox", "alice@example.org")}
        self.site.start("queryd")
        self.ada = self.site.api("ada", PASSWORD, self.secrets["ada"])
        self.ivy = self.site.api("ivy", PASSWORD, self.secrets["ivy"])

    def audit(self, action):
        """The last record of this action."""
        return dict(self.site.rows("SELECT i.*, o.result, o.status FROM audit_intent i LEFT JOIN audit_outcome o ON o.intent_id = i.id "
                                   "WHERE i.action = ? ORDER BY i.at_us DESC, i.id DESC LIMIT 1", (action,), "control")[0])

    def user(self, name):
        return next(u for u in everything(self.ada, "/users/") if u["username"] == name)


@pytest.fixture(scope="module")
def access():
    a = None
    try:
        a = Access()
        yield a
    finally:
        if a:
            a.site.close()


def call(api, method, path, body=None, **headers):
    """(status, decoded body, headers)."""
    status, text, h = api.call(method, V + path, body, {k.replace("_", "-"): v for k, v in headers.items()})
    return status, json.loads(text) if text else None, h


def everything(api, path, limit=2):
    items, cursor = [], None
    while True:
        status, page, _ = call(api, "GET", "%s?limit=%d%s" % (path, limit, "&cursor=" + cursor if cursor else ""))
        assert status == 200 and len(page["items"]) <= limit, page
        items += page["items"]
        cursor = page["next_cursor"]
        if not cursor:
            return items


def create(access, name, **more):
    status, u, h = call(access.ada, "POST", "/users/", {"username": name, "password": PASSWORD, **more})
    assert status == 201, u
    assert h["Location"] == "%s/users/%s/" % (V, u["id"])
    return u


def test_only_who_may_manages(access):
    ids = {"users": access.user("ivy")["id"], "roles": "auditor", "departments": "Sales", "mailboxes": "bob@example.org"}
    for name, one in ids.items():
        for method, path, body in (("GET", "/%s/" % name, None), ("GET", "/%s/%s/" % (name, one), None)):
            status, j, _ = call(access.ivy, method, path, body)
            assert status == 403 and "USER_MANAGE" in j["detail"], path
            assert call(access.site.api(), method, path, body)[0] == 401
            assert call(access.ada, method, path, body)[0] == 200, path
    assert access.audit("account.read")["status"] == 200


def test_an_account_is_made_changed_and_kept_out(access):
    u = create(access, "zoe", roles=["investigator"], scope={"mailboxes": ["BOB@example.org"], "departments": ["Sales"], "from": "2020-01-01"})
    assert u["scope"] == {"all": False, "mailboxes": ["bob@example.org"], "departments": ["Sales"], "from": "2020-01-01T00:00:00Z", "until": None}
    record = access.audit("account.create")
    assert json.loads(record["detail"])["beyond_own"] == ["ARCHIVE_READ", "ARCHIVE_SEARCH", "scope"] and record["actor"] == "ada"
    assert PASSWORD not in record["detail"] and u["totp_secret"] not in record["detail"]
    zoe = access.site.api("zoe", PASSWORD, u["totp_secret"])
    assert zoe.search()["total"] == 0
    path = "/users/%s/" % u["id"]
    status, j, h = call(access.ada, "GET", path)
    assert status == 200 and j["roles"] == ["investigator"] and h["ETag"].startswith('"')
    assert call(access.ada, "GET", path, If_None_Match=h["ETag"])[:2] == (304, None)
    assert call(access.ada, "PATCH", path, {"roles": ["auditor"]}, If_Match='"v999"')[0] == 412
    status, j, after = call(access.ada, "PATCH", path, {"roles": ["auditor"]}, If_Match=h["ETag"])
    assert status == 200 and j["roles"] == ["auditor"] and j["scope"] == u["scope"] and after["ETag"] != h["ETag"]
    assert call(access.ada, "PATCH", path, {"roles": []}, If_Match=h["ETag"])[0] == 412
    assert zoe.json("POST", V + "/search/emails/", {})[0] == 403     # at the next request
    assert call(access.ada, "POST", path + "disable")[1]["disabled"] is True
    assert zoe.json("POST", V + "/search/emails/", {})[0] == 401
    assert access.site.api().json("POST", V + "/auth/login", {"username": "zoe", "password": PASSWORD})[0] == 401
    assert call(access.ada, "POST", path + "enable")[1]["disabled"] is False
    status, fresh, _ = call(access.ada, "POST", path + "reset-mfa")
    assert status == 200 and set(fresh) == {"enrolment_token", "expires_in"}
    zoe, api = access.site.api(), access.site.api()
    login = api.json("POST", V + "/auth/login", {"username": "zoe", "password": PASSWORD})[1]
    assert login["enrolment_required"] is True
    status, begun = api.json("POST", V + "/auth/enrolment", {"mfa_token": login["mfa_token"], "enrolment_token": fresh["enrolment_token"]})
    assert status == 200 and begun["totp_secret"] != u["totp_secret"] and begun["totp_secret"] in begun["otpauth_url"]
    zoe.token = api.json("POST", V + "/auth/enrolment/confirm", {"mfa_token": login["mfa_token"], "code": totp(begun["totp_secret"])})[1]["access_token"]
    assert zoe.json("POST", V + "/search/emails/", {})[0] == 403
    assert call(access.ada, "POST", path + "sign-out")[:2] == (204, None)
    assert zoe.json("POST", V + "/search/emails/", {})[0] == 401


@pytest.mark.parametrize("body,status,field", [
    ({"username": "x"}, 400, "password"), ({"username": "x", "password": "short"}, 400, "password"),
    ({"username": "a b", "password": PASSWORD}, 400, "username"), ({"username": "", "password": PASSWORD}, 400, "username"),
    ({"username": "x", "password": PASSWORD, "roles": ["nobody"]}, 400, "roles"), ({"username": "x", "password": PASSWORD, "roles": "auditor"}, 400, "roles"),
    ({"username": "x", "password": PASSWORD, "scope": {"departments": ["None"]}}, 400, "scope"),
    ({"username": "x", "password": PASSWORD, "scope": {"mailboxes": ["nobody"]}}, 400, "scope"),
    ({"username": "x", "password": PASSWORD, "scope": {"from": "2021-01-01", "until": "2020-01-01"}}, 400, "scope"),
    ({"username": "x", "password": PASSWORD, "scope": {"everything": True}}, 400, "everything"),
    ({"username": "ivy", "password": PASSWORD}, 409, None)])
def test_accounts_that_are_refused(access, body, status, field):
    got, j, _ = call(access.ada, "POST", "/users/", body)
    assert (got, j.get("field")) == (status, field), j
    assert not [u for u in everything(access.ada, "/users/", 50) if u["username"] == "x"]


def test_nobody_gives_himself_anything(access):
    me = "/users/%s/" % access.user("ada")["id"]
    for method, path, body in (("PATCH", me, {"roles": ["administrator", "investigator"]}), ("PATCH", me, {"scope": {"all": True}}),
                               ("POST", me + "disable", None), ("POST", me + "reset-mfa", None),
                               ("PUT", "/departments/Sales/", {"mailboxes": ["eve@example.org"]}), ("PUT", "/departments/Sales/mailboxes/eve@example.org", None),
                               ("PUT", "/mailboxes/eve@example.org/", {"departments": ["Sales"]})):
        status, j, _ = call(access.ada, method, path, body)
        assert status == 403 and j["type"] == "urn:strongroom:problem:own-account", (method, path, j)
    assert access.audit("account.change")["result"] == "refused"
    assert call(access.ada, "POST", "/roles/", {"name": "helpers", "permissions": []})[0] == 201
    other = create(access, "otto", roles=["administrator"])
    otto = access.site.api("otto", PASSWORD, other["totp_secret"])
    assert call(otto, "PATCH", me, {"roles": ["administrator", "helpers"]})[0] == 200        # by somebody else it is allowed, and seen
    status, j, _ = call(access.ada, "PATCH", "/roles/helpers/", {"permissions": ["ARCHIVE_READ"]})
    assert status == 403 and j["type"] == "urn:strongroom:problem:own-account"
    assert call(otto, "PATCH", "/roles/helpers/", {"permissions": ["ARCHIVE_READ"]})[0] == 200
    assert json.loads(access.audit("role.change")["detail"])["beyond_own"] == ["ARCHIVE_READ"]
    assert call(otto, "PATCH", me, {"roles": ["administrator"]})[0] == 200
    assert call(access.ada, "DELETE", "/roles/helpers/")[0] == 204


def test_roles(access):
    seeded = {r["name"]: r for r in everything(access.ada, "/roles/")}
    assert {"investigator", "exporter", "legal", "auditor", "administrator", "service"} <= set(seeded)
    assert seeded["auditor"]["custom"] is False and seeded["auditor"]["permissions"] == ["AUDIT_READ", "SYSTEM_STATUS"]
    for method, body in (("PATCH", {"permissions": []}), ("DELETE", None)):
        status, j, _ = call(access.ada, method, "/roles/auditor/", body)
        assert status == 409 and j["type"] == "urn:strongroom:problem:read-only"
    status, j, h = call(access.ada, "POST", "/roles/", {"name": "reader", "meaning": "reads", "permissions": ["ARCHIVE_READ"]})
    assert status == 201 and j == {"name": "reader", "meaning": "reads", "permissions": ["ARCHIVE_READ"], "custom": True, "accounts": 0}
    assert call(access.ada, "POST", "/roles/", {"name": "reader", "permissions": []})[0] == 409
    assert call(access.ada, "POST", "/roles/", {"name": "a b", "permissions": []})[1]["field"] == "name"
    assert call(access.ada, "POST", "/roles/", {"name": "c", "permissions": ["FLY"]})[1]["field"] == "permissions"
    u = create(access, "rita", roles=["reader"])
    assert call(access.ada, "PATCH", "/roles/reader/", {"permissions": ["ARCHIVE_SEARCH"]}, If_Match=h["ETag"])[1]["permissions"] == ["ARCHIVE_SEARCH"]
    rita = access.site.api("rita", PASSWORD, u["totp_secret"])
    assert rita.search()["total"] == 0
    assert call(access.ada, "DELETE", "/roles/reader/")[1]["type"] == "urn:strongroom:problem:in-use"
    assert call(access.ada, "PATCH", "/users/%s/" % u["id"], {"roles": []})[0] == 200
    assert call(access.ada, "DELETE", "/roles/reader/")[0] == 204
    assert call(access.ada, "GET", "/roles/reader/")[0] == 404


def test_departments_and_mailboxes(access):
    name = "Research & R\u00e9sum\u00e9s/1"
    path = "/departments/%s/" % urllib.parse.quote(name, safe="")
    status, j, h = call(access.ada, "PUT", path, {"mailboxes": ["R1@example.org", "r1@EXAMPLE.org", "r2@example.org", "r3@example.org"]})
    assert (status, j) == (201, {"name": name, "mailbox_count": 3, "accounts": 0})
    assert everything(access.ada, path + "mailboxes/") == ["r1@example.org", "r2@example.org", "r3@example.org"]
    assert call(access.ada, "PUT", path, {"mailboxes": ["r1@example.org"]}, If_Match='"v77"')[0] == 412
    status, j, _ = call(access.ada, "PUT", path, {"mailboxes": ["r1@example.org"]}, If_Match=h["ETag"])
    assert (status, j["mailbox_count"]) == (200, 1)
    assert call(access.ada, "PUT", path + "mailboxes/r9@example.org")[0] == 204
    assert call(access.ada, "DELETE", path + "mailboxes/r1@example.org")[0] == 204
    assert call(access.ada, "DELETE", path + "mailboxes/r1@example.org")[0] == 404
    assert call(access.ada, "PUT", path, {"mailboxes": ["nobody"]})[1]["field"] == "mailboxes"
    assert call(access.ada, "PUT", "/departments/%20/", {"mailboxes": []})[0] == 400
    assert call(access.ada, "PUT", "/mailboxes/R9@Example.org/", {"departments": [name]})[1] == {"mailbox": "r9@example.org", "departments": [name]}
    assert call(access.ada, "PUT", "/mailboxes/r9@example.org/", {"departments": ["None"]})[1]["field"] == "departments"
    assert "r9@example.org" in everything(access.ada, "/mailboxes/")
    assert call(access.ada, "DELETE", "/mailboxes/r9@example.org/")[0] == 204
    assert call(access.ada, "GET", "/mailboxes/r9@example.org/")[0] == 404
    u = create(access, "dan", scope={"departments": [name]})
    assert call(access.ada, "DELETE", path)[1]["type"] == "urn:strongroom:problem:in-use"
    assert call(access.ada, "PATCH", "/users/%s/" % u["id"], {"scope": {}})[0] == 200
    assert call(access.ada, "DELETE", path)[0] == 204
    assert call(access.ada, "GET", path)[0] == 404
    assert [d["name"] for d in everything(access.ada, "/departments/")] == ["Sales"]


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "limit=1&limit=2", "cursor=zz", "cursor=", "cursor=00", "q=1", "limit"])
def test_queries_that_are_refused(access, query):
    assert call(access.ada, "GET", "/users/?" + query)[0] == 400


def test_methods_and_ids_that_there_are_not(access):
    status, _, h = call(access.ada, "PUT", "/users/")
    assert status == 405 and h["Allow"] == "GET, POST"
    assert call(access.ada, "PUT", "/departments/Sales/mailboxes/")[2]["Allow"] == "GET"
    assert call(access.ada, "POST", "/users/1/disable", {})[0] == 400                     # takes no body
    for path in ("/users/0/", "/users/x/", "/users/99999999999999999999/", "/users/4711/", "/roles/none/", "/departments/none/", "/mailboxes/none/"):
        assert call(access.ada, "GET", path)[0] == 404, path


# ---- programs ----

class Programs:
    """A site that asks programs for certificates, and one program with a certificate and a token."""
    def __init__(self, **settings):
        self.port = free_port()
        self.site = Site()
        self.authority = Authority(self.site.path("clients"))
        self.site.write_conf(**{"queryd.client_listen": "127.0.0.1:%d" % self.port, "queryd.tls_client_ca": self.authority.ca, **settings})
        self.site.init()
        secret = self.site.add_user("ada", PASSWORD, "--role", "administrator")
        self.site.start("queryd")
        self.ada = self.site.api("ada", PASSWORD, secret)
        self.robot, self.other = (self.authority.sign(name) for name in ("robot", "other"))
        status, self.account, _ = call(self.ada, "POST", "/service-accounts/", {"name": "robot", "certificate_sha256": fingerprint(self.robot[0]),
                                                                                "roles": ["investigator"], "scope": {"all": True}})
        assert status == 201, self.account
        self.path = "/service-accounts/%s/" % self.account["id"]

    def api(self, certificate=None, token=None, door="clients"):
        api = self.site.api() if door == "people" else Api("https://127.0.0.1:%d" % self.port, self.site.ca)
        if certificate:
            context = ssl.create_default_context(cafile=self.site.ca)
            context.load_cert_chain(*certificate)
            api.c = http.client.HTTPSConnection("127.0.0.1", self.port if door == "clients" else self.site.https_port, context=context, timeout=60)
        api.token = token
        return api

    def search(self, *args, **kw):
        return self.api(*args, **kw).json("POST", V + "/search/emails/", {})[0]


def fingerprint(path):
    with open(path) as f:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(f.read())).hexdigest()


@pytest.fixture(scope="module")
def programs():
    p = None
    try:
        p = Programs()
        yield p
    finally:
        if p:
            p.site.close()


def test_a_token_is_nothing_without_its_certificate(programs):
    token = programs.account["token"]
    assert programs.search(programs.robot, token) == 200
    assert programs.search(programs.other, token) == 401
    assert programs.search(programs.robot, token[:-1] + ("0" if token[-1] != "0" else "1")) == 401
    assert programs.search(programs.robot) == 401
    assert programs.search(None, token, door="people") == 401
    assert programs.search(programs.robot, token, door="people") == 401       # nobody asked for it there
    assert programs.search(None, token) == 403
    assert programs.api().json("GET", "/healthz")[0] == 403
    row = programs.site.rows("SELECT i.strength, i.actor, o.status FROM audit_intent i JOIN audit_outcome o ON o.intent_id = i.id "
                             "WHERE i.action = 'search'", (), "control")
    assert sorted(tuple(r) for r in row) == [("token", "robot", 401)] * 3 + [("token+certificate", "robot", 200)]   # whose token went astray
    for name in ("queryd",):
        with open(programs.site.log_path(name)) as f:
            assert token not in f.read()


def test_a_certificate_of_another_authority_is_none(programs):
    stranger = Authority(programs.site.path("strangers"))
    mine = stranger.sign("robot")
    assert programs.search(mine, programs.account["token"]) == 403
    with open(stranger.ca) as more, open(programs.authority.ca, "a") as f:
        f.write(more.read())
    programs.site.signal("queryd", signal.SIGHUP)
    wait_until("the authorities are read again", lambda: programs.search(mine, programs.account["token"]) == 401)
    status, j, _ = call(programs.ada, "PATCH", programs.path, {"certificate_sha256": ":".join(textwrap.wrap(fingerprint(mine[0]).upper(), 2))})
    assert status == 200 and j["certificate_sha256"] == fingerprint(mine[0]) and j["roles"] == ["investigator"]
    assert programs.search(mine, programs.account["token"]) == 200
    assert programs.search(programs.robot, programs.account["token"]) == 401
    assert call(programs.ada, "PATCH", programs.path, {"certificate_sha256": fingerprint(programs.robot[0])})[0] == 200


def test_tokens_are_replaced_and_refused(programs):
    before = call(programs.ada, "GET", programs.path)[2]["ETag"]
    status, j, headers = call(programs.ada, "POST", programs.path + "rotate", If_Match=before)
    assert status == 200 and headers["ETag"] not in (None, before)
    assert headers["ETag"] == call(programs.ada, "GET", programs.path)[2]["ETag"]
    assert call(programs.ada, "POST", programs.path + "rotate", If_Match=before)[0] == 412
    assert programs.search(programs.robot, programs.account["token"]) == 401
    assert programs.search(programs.robot, j["token"]) == 200
    assert call(programs.ada, "POST", programs.path + "disable")[1]["disabled"] is True
    assert programs.search(programs.robot, j["token"]) == 401
    assert call(programs.ada, "POST", programs.path + "enable")[1]["disabled"] is False
    assert programs.search(programs.robot, j["token"]) == 200
    assert "token" not in call(programs.ada, "GET", programs.path)[1]


def test_a_revoked_certificate_is_none():
    programs = Programs()
    try:
        token = programs.account["token"]
        kept = programs.api(programs.robot, token)
        assert kept.json("POST", V + "/search/emails/", {})[0] == 200
        programs.site.write_conf(queryd__tls_client_crl=programs.authority.revoke(programs.robot[0]))
        programs.site.signal("queryd", signal.SIGHUP)
        wait_until("the list is read", lambda: programs.search(programs.robot, token) == 403)
        assert kept.json("POST", V + "/search/emails/", {})[0] == 403    # on a connection that was there before, too
        assert programs.search(programs.other, token) == 401
        # A list of another authority is not taken, and what was there stays.
        programs.site.write_conf(queryd__tls_client_crl=Authority(programs.site.path("strangers")).revoke())
        programs.site.signal("queryd", signal.SIGHUP)
        programs.site.log_line("queryd", "it holds no list")
        assert programs.search(programs.robot, token) == 403
        programs.site.write_conf(queryd__tls_client_crl=programs.authority.revoke())
        programs.site.signal("queryd", signal.SIGHUP)
        wait_until("the list is read", lambda: programs.search(programs.robot, token) == 200)
    finally:
        programs.site.close()


def test_programs_do_nothing_to_their_own_account(programs):
    token = call(programs.ada, "POST", programs.path + "rotate")[1]["token"]
    api = programs.api(programs.robot, token)
    for method, path, body in (("GET", "/auth/sessions/", None), ("DELETE", "/auth/sessions/0192f0c0-0000-7000-8000-000000000000", None),
                               ("POST", "/auth/logout", None), ("POST", "/auth/step-up", {"code": "000000"}),
                               ("POST", "/auth/password", {"current": PASSWORD, "new": PASSWORD + "!"}),
                               ("POST", "/auth/totp/enrol", {"password": PASSWORD}), ("POST", "/auth/totp/confirm", {"code": "000000"}),
                               ("POST", "/auth/recovery-codes", {"password": PASSWORD})):
        assert api.json(method, V + path, body)[0] == 403, path
    assert api.json("POST", V + "/search/emails/", {})[0] == 200


def test_programs_and_people_are_kept_apart(programs):
    assert [u["username"] for u in everything(programs.ada, "/users/")] == ["ada"]
    assert [u["name"] for u in everything(programs.ada, "/service-accounts/")] == ["robot"]
    assert call(programs.ada, "POST", "/users/%s/reset-mfa" % programs.account["id"])[0] == 404
    assert call(programs.ada, "GET", "/service-accounts/1/")[0] == 404
    assert programs.site.api().json("POST", V + "/auth/login", {"username": "robot", "password": PASSWORD})[0] == 401
    for body, field in (({"name": "x", "certificate_sha256": "zz"}, "certificate_sha256"), ({"name": "x"}, "certificate_sha256"),
                        ({"name": "a b", "certificate_sha256": "0" * 64}, "name")):
        assert call(programs.ada, "POST", "/service-accounts/", body)[1]["field"] == field


def test_a_program_does_not_use_up_what_another_may_do():
    programs = Programs(queryd__requests_per_token_max="3")
    try:
        status, other, _ = call(programs.ada, "POST", "/service-accounts/", {"name": "other", "certificate_sha256": fingerprint(programs.other[0]),
                                                                             "roles": ["investigator"], "scope": {"all": True}})
        assert status == 201
        for _ in range(10):
            if programs.search(programs.robot, programs.account["token"]) == 429:
                break
        else:
            pytest.fail("there is no limit")
        assert programs.search(programs.other, other["token"]) == 200
    finally:
        programs.site.close()
