"""Signing in through a real OpenID provider, and who gets in so."""
import base64
import json
import os
import re
import time
import urllib.parse

import pytest

from stack.api import one_window, totp
from stack.oidc import CLIENT, SECRET, Browser, Provider, jwk
from stack.process import free_port, wait_until
from stack.replica import Replica
from stack.site import Site

pytestmark = pytest.mark.embedded("asks nothing of the engines")

START, CALLBACK = "/api/v1/auth/oidc/start", "/api/v1/auth/oidc/callback"
PASSWORD = "correct horse battery"
MAP = "legal:Legal%20Team auditor:audit nothing-of-this-name:audit"


class Archive:
    def __init__(self, site, provider):
        self.site, self.provider, self.ada = site, provider, None

    def browser(self, person=None):
        return Browser(self.site.ca, self.provider.ca, person=person)

    def begin(self, browser):
        """Signs in at the provider: the address that it sends the browser back to."""
        where = browser.follow(self.site.https + START, until=self.site.https + CALLBACK)
        assert isinstance(where, str), where
        return where

    def sign_in(self, person, browser=None):
        """(status, decoded answer) of the whole way."""
        browser = browser or self.browser(person)
        status, _, body = browser.get(self.begin(browser))
        return status, json.loads(body)

    def audit(self):
        """[(actor, strength, detail)] of sign-ins through the provider, the last ones last."""
        rows = self.site.rows("SELECT actor, strength, detail FROM audit_intent WHERE action = 'sign-in.oidc' ORDER BY id", database="control")
        return [(r["actor"], r["strength"], json.loads(r["detail"]) if r["detail"] else None) for r in rows]

    def outcomes(self):
        return [r[0] for r in self.site.rows("SELECT o.status FROM audit_intent i JOIN audit_outcome o ON o.intent_id = i.id"
                                             " WHERE i.action = 'sign-in.oidc' ORDER BY i.id", database="control")]

    def account(self, name):
        users = {u["username"]: u for u in self.ada.json("GET", "/api/v1/users/")[1]["items"]}
        return self.ada.json("GET", "/api/v1/users/%s/" % users[name]["id"])[1]

    def configure(self, **settings):
        self.site.write_conf(**settings)
        assert self.site.stop("queryd") == 0
        self.site.start("queryd")
        self.ada = self.ada.another()    # connection

    def finish(self, answer, secret):
        """The second step: an Api that is signed in."""
        api = self.site.api()
        status, tokens = api.json("POST", "/api/v1/auth/totp", {"mfa_token": answer["mfa_token"], "code": totp(secret)})
        assert status == 200, tokens
        api.token, api.refresh_token = tokens["access_token"], tokens["refresh_token"]
        return api


@pytest.fixture(scope="module")
def made():
    site, provider = Site(), None
    try:
        provider = Provider(site.https + CALLBACK)
        secret = site.path("client-secret")
        with open(secret, "w") as f:
            f.write(SECRET + "\n")
        os.chmod(secret, 0o600)
        os.chown(secret, *site.owner())
        site.settings.update(provider.settings(secret))
        site.write_conf()
        site.init()
        admin = site.add_user("ada", PASSWORD, "--role", "administrator")
        for name in ("ann", "bob", "cyd", "eve"):
            provider.person(name)
        provider.start()
        site.start("queryd")
        archive = Archive(site, provider)
        archive.ada = site.api("ada", PASSWORD, admin)
        yield archive
    finally:
        site.close()
        if provider:
            provider.close()


@pytest.fixture
def archive(made, request):
    """One archive and one provider for all tests, set back to where they began."""
    request.node.servers = [made.site, made.provider]
    before = dict(made.site.settings)
    yield made
    if made.site.settings != before:
        made.site.settings = before
        made.configure()


def new_user(archive, name, **more):
    """An account that is left to the provider: its second factor's secret."""
    status, made = archive.ada.json("POST", "/api/v1/users/", {"username": name + "@example.org", **more})
    assert status == 201 and made["sign_in"] == "provider" and made["identity"] is None, made
    return made["totp_secret"]


def test_the_whole_way_to_a_session(archive):
    secret = new_user(archive, "ann", roles=["investigator"], scope={"all": True})
    browser = archive.browser("ann")
    status, headers, body = browser.get(archive.site.https + START)
    sent = urllib.parse.parse_qs(urllib.parse.urlsplit(headers["Location"]).query)
    assert (status, body) == (302, b"") and headers["Location"].startswith(archive.provider.issuer + "/")
    assert headers["Cache-Control"] == "no-store" and headers["Referrer-Policy"] == "no-referrer"
    cookie = headers["Set-Cookie"]
    assert cookie.startswith("__Host-strongroom-oidc=") and cookie.endswith("; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax")
    assert sent["code_challenge_method"] == ["S256"] and sent["response_type"] == ["code"] and sent["client_id"] == [CLIENT]
    # what is sent to the provider can't be made out of the cookie, nor the other way round
    assert not any(sent[name][0] in cookie for name in ("state", "nonce", "code_challenge"))
    status, headers, body = browser.get(browser.follow(headers["Location"], until=archive.site.https + CALLBACK))
    answer = json.loads(body)
    assert status == 200 and set(answer) == {"mfa_token", "expires_in"} and headers["Cache-Control"] == "no-store"
    assert headers["Set-Cookie"].startswith("__Host-strongroom-oidc=; Path=/; Max-Age=0;")
    api = archive.finish(answer, secret)
    assert [s["strength"] for s in api.json("GET", "/api/v1/auth/sessions/")[1]["items"]] == ["oidc+totp"]
    for path, field, more in (("password", "current_password", {"new_password": PASSWORD}), ("totp/enrol", "password", {})):
        status, problem = api.json("POST", "/api/v1/auth/" + path, {field: "x", **more})
        assert status == 400 and problem["field"] == field and "has none" in problem["detail"]
    assert archive.audit()[-1] == ("ann@example.org", "oidc", {"issuer": archive.provider.issuer, "subject": "id-of-ann", "links": True})
    identity = archive.account("ann@example.org")["identity"]
    assert (identity["issuer"], identity["subject"]) == (archive.provider.issuer, "id-of-ann")
    # linked: the name does not matter any more, and is not said again
    archive.provider.person("ann", email="ann.married@example.org", email_verified=False)
    assert archive.sign_in("ann")[0] == 200
    assert archive.audit()[-1] == ("ann@example.org", "oidc", {"issuer": archive.provider.issuer, "subject": "id-of-ann"})
    assert archive.outcomes()[-2:] == [200, 200]


def test_there_is_no_password(archive):
    new_user(archive, "pia")
    for password in ("", PASSWORD):
        status, _ = archive.site.api().json("POST", "/api/v1/auth/login", {"username": "pia@example.org", "password": password})
        assert status == 401


def refused(archive, person, why):
    status, problem = archive.sign_in(person)
    assert status == 401 and "no account here" in problem["detail"], problem
    archive.site.log_line("queryd", why)
    assert archive.outcomes()[-1] == 401


def test_who_has_no_account_left_to_the_provider_stays_out(archive):
    refused(archive, "bob", "there is no account bob@example.org")
    archive.site.add_user("bob@example.org", PASSWORD)
    refused(archive, "bob", "bob@example.org has a password")
    new_user(archive, "cyd")
    archive.provider.person("cyd", email_verified=False)
    refused(archive, "cyd", "has not verified the address cyd@example.org")
    archive.provider.person("cyd", email="cyd smith@example.org")
    refused(archive, "cyd", "no name that an account can have")
    # another person of the same name: somebody was here first
    archive.provider.person("cyd")
    assert archive.sign_in("cyd")[0] == 200
    archive.provider.person("cyd", sub="somebody else")
    refused(archive, "cyd", "is linked to somebody else")
    # disabled
    archive.provider.person("cyd")
    user = archive.account("cyd@example.org")["id"]
    assert archive.ada.json("POST", "/api/v1/users/%s/disable" % user)[0] == 200
    status, problem = archive.sign_in("cyd")
    assert status == 401 and "disabled" in problem["detail"] and archive.audit()[-1][0] == "cyd@example.org"
    assert archive.ada.json("POST", "/api/v1/users/%s/enable" % user)[0] == 200
    assert archive.sign_in("cyd")[0] == 200


def test_an_administrator_hands_an_account_over(archive):
    archive.site.add_user("gil@example.org", PASSWORD)
    user = archive.account("gil@example.org")
    assert (user["sign_in"], user["identity"]) == ("password", None)
    path = "/api/v1/users/%s/use-provider" % user["id"]
    status, user = archive.ada.json("POST", path)
    assert (status, user["sign_in"], user["identity"]) == (200, "provider", None)
    assert archive.site.api().json("POST", "/api/v1/auth/login", {"username": "gil@example.org", "password": PASSWORD})[0] == 401
    archive.provider.person("gil")
    assert archive.sign_in("gil")[0] == 200
    archive.provider.person("gil", sub="hired again")
    assert archive.sign_in("gil")[0] == 401
    assert archive.ada.json("POST", path)[0] == 200
    assert archive.sign_in("gil")[0] == 200 and archive.account("gil@example.org")["identity"]["subject"] == "hired again"
    # and takes it back
    archive.site.run("user", "password", "gil@example.org", input=PASSWORD + "\n")
    user = archive.account("gil@example.org")
    assert (user["sign_in"], user["identity"]) == ("password", None)
    assert archive.sign_in("gil")[0] == 401
    me = next(u["id"] for u in archive.ada.json("GET", "/api/v1/users/")[1]["items"] if u["username"] == "ada")
    assert archive.ada.json("POST", "/api/v1/users/%s/use-provider" % me)[0] == 403


def test_groups_give_roles_and_take_them_away(archive):
    new_user(archive, "hal", roles=["administrator"])
    archive.configure(oidc__roles=MAP)
    archive.provider.person("hal", groups=["Legal Team", "audit", "administrator"])
    assert archive.sign_in("hal")[0] == 200
    assert archive.account("hal@example.org")["roles"] == ["auditor", "legal"]
    detail = archive.audit()[-1][2]
    assert (detail["roles"], detail["roles_before"], detail["links"]) == (["auditor", "legal"], ["administrator"], True)
    archive.site.log_line("queryd", "the role nothing-of-this-name, which does not exist")
    archive.provider.person("hal", groups=["Legal Team"])
    assert archive.sign_in("hal")[0] == 200 and archive.account("hal@example.org")["roles"] == ["legal"]
    archive.provider.person("hal")
    assert archive.sign_in("hal")[0] == 200 and archive.account("hal@example.org")["roles"] == []
    assert archive.sign_in("hal")[0] == 200 and "roles" not in archive.audit()[-1][2]


def test_accounts_are_made_only_where_that_is_configured(archive):
    archive.provider.person("ivy", groups=["audit"])
    archive.configure(oidc__roles=MAP)
    refused(archive, "ivy", "there is no account ivy@example.org, and none is made")
    archive.configure(oidc__provision="yes")
    status, answer = archive.sign_in("ivy")
    assert status == 200 and answer["enrolment_required"] is True
    user = archive.account("ivy@example.org")
    assert (user["roles"], user["sign_in"], user["scope"]["all"]) == (["auditor"], "provider", False)
    assert archive.audit()[-1][2]["creates"] is True
    # the second factor comes from an administrator, by one call
    assert user["second_factor"] is False
    assert "ivy@example.org: auditor; 0 mailboxes; signs in through the provider; no second factor\n" in archive.site.run("user", "list")[1]
    archive.site.log_line("queryd", "the account ivy@example.org is made; `strongroom user reset-mfa` gives the token")
    out = archive.site.run("user", "reset-mfa", "ivy@example.org")[1]
    assert "behind the sign-in through the provider, the user enrols" in out
    token = out.split()[-1]
    api, answer = archive.site.api(), archive.sign_in("ivy")[1]
    status, begun = api.json("POST", "/api/v1/auth/enrolment", {"mfa_token": answer["mfa_token"], "enrolment_token": token})
    assert status == 200
    status, tokens = api.json("POST", "/api/v1/auth/enrolment/confirm", {"mfa_token": answer["mfa_token"], "code": totp(begun["totp_secret"])})
    assert status == 200 and tokens["access_token"]
    assert archive.account("ivy@example.org")["second_factor"] is True
    archive.provider.person("jon", groups=["none of these"])
    refused(archive, "jon", "there is no account jon@example.org, and none is made")


@pytest.fixture
def light(archive):
    """The provider says more of people than `sub` only to who asks."""
    archive.provider.stop()
    archive.provider.light = True
    archive.provider.start()
    yield archive
    archive.provider.stop()
    archive.provider.light = False
    archive.provider.start()


def test_what_the_id_token_leaves_out_is_asked_for(light):
    light.configure(oidc__roles=MAP)
    new_user(light, "rae")
    light.provider.person("rae", groups=["audit"])
    assert light.sign_in("rae")[0] == 200
    assert light.account("rae@example.org")["roles"] == ["auditor"] and light.audit()[-1][2]["links"] is True
    light.provider.person("rae", email_verified=False)    # linked, and in no group any more
    assert light.sign_in("rae")[0] == 200 and light.account("rae@example.org")["roles"] == []
    new_user(light, "sam")
    light.provider.person("sam", email_verified=False)
    refused(light, "sam", "has not verified the address sam@example.org")


def test_what_the_provider_must_say_of_somebody(light):
    """Who it is and what roles he has is then not known: nobody gets in, and no role is taken away."""
    light.configure(oidc__roles=MAP)
    new_user(light, "tom")
    light.provider.person("tom", groups=["audit"])
    assert light.sign_in("tom")[0] == 200
    good = {"sub": "id-of-tom", "email": "tom@example.org", "email_verified": True}
    for status, body, more, said in ((500, json.dumps(good), {}, "answered 500"), (401, "{}", {}, "answered 401"),
                                     (302, "{}", {}, "answered 302"),
                                     (200, "who knows", {}, "is no JSON object"), (200, "[]", {}, "is no JSON object"),
                                     (200, "", {}, "is no JSON object"), (200, json.dumps(good), {"type": "application/jwt"}, "is no JSON object"),
                                     (200, json.dumps({**good, "x": "x" * 600000}), {}, "the answer is too long")):
        with light.provider.saying(status, body, **more):
            answered, problem = light.sign_in("tom")
        assert answered == 503 and "provider" in problem["detail"], (body[:40], problem)
        assert light.site.log_line("queryd", said)["level"] == "error"
    for claims in ({**good, "sub": "id-of-ann", "groups": ["Legal Team"]}, {"groups": ["Legal Team"]}):
        with light.provider.saying(200, json.dumps(claims)):
            answered, problem = light.sign_in("tom")
        assert answered == 401 and "not good" in problem["detail"]
        assert light.audit()[-1] == (None, "none", None) and light.outcomes()[-1] == 401
        assert light.site.log_line("queryd", "of another subject")["level"] == "warn"
    with light.provider.saying(200, json.dumps({**good, "_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://x"}}})):
        assert light.sign_in("tom")[0] == 401
    light.site.log_line("queryd", "(_claim_names)")
    assert light.account("tom@example.org")["roles"] == ["auditor"]
    with light.provider.saying(200, json.dumps({**good, "groups": ["Legal Team"]}), type="application/json; charset=utf-8"):
        assert light.sign_in("tom")[0] == 200
    assert light.account("tom@example.org")["roles"] == ["legal"]


def test_the_factor_of_the_provider_counts_only_where_that_is_configured(archive):
    new_user(archive, "kim")
    archive.provider.person("kim", amr=["pwd", "mfa"], acr="high")
    assert "mfa_token" in archive.sign_in("kim")[1]
    archive.configure(oidc__second_factor="provider", oidc__strong_acr="higher highest")
    begun = int(time.time())
    status, tokens = archive.sign_in("kim")
    assert status == 200 and set(tokens) == {"access_token", "token_type", "expires_in", "refresh_token", "refresh_expires_in"}
    api = archive.site.api()
    api.token = tokens["access_token"]
    assert [s["strength"] for s in api.json("GET", "/api/v1/auth/sessions/")[1]["items"]] == ["oidc+mfa"]
    claims = json.loads(base64.urlsafe_b64decode(tokens["access_token"].split(".")[1] + "==="))
    assert begun - 1 <= claims["auth_time"] <= time.time()
    archive.provider.person("kim", amr=["pwd"], acr="high")
    assert "mfa_token" in archive.sign_in("kim")[1]
    archive.provider.person("kim", acr="highest")
    assert "access_token" in archive.sign_in("kim")[1]


def test_what_somebody_else_began_is_refused(archive):
    new_user(archive, "lea")
    archive.provider.person("lea")
    browser, other = archive.browser("lea"), archive.browser("eve")
    where = archive.begin(browser)
    stranger = archive.begin(other)
    count = len(archive.audit())
    for b, url in ((archive.browser(), where), (other, where), (browser, stranger), (browser, where.replace("state=", "state=x")),
                   (browser, archive.site.https + CALLBACK), (browser, archive.site.https + CALLBACK + "?code=x&state=")):
        status, _, body = b.get(url)
        assert status == 400 and json.loads(body)["field"] == "state", (url, body)
    # another issuer, or none where the provider always says it
    for url in (where.replace("iss=https", "iss=http"), where.replace("iss=", "issuer=")):
        b = archive.browser()
        b.cookies = {k: dict(v) for k, v in browser.cookies.items()}
        assert b.get(url)[0] == 401
    archive.site.log_line("queryd", "the answer is of another issuer")
    cookies = {k: dict(v) for k, v in browser.cookies.items()}
    assert browser.get(where)[0] == 200
    # once more, with the same cookie: the provider takes a code once
    browser.cookies = cookies
    status, _, body = browser.get(where)
    assert status == 401 and "used before" in json.loads(body)["detail"]
    archive.site.log_line("queryd", "invalid_grant")
    assert [row[1] for row in archive.audit()[count:]] == ["none", "none", "oidc", "none"]


def test_another_replica_goes_on_with_it(archive):
    secret = new_user(archive, "pat")
    archive.provider.person("pat")
    browser = archive.browser("pat")
    where = urllib.parse.urlsplit(archive.begin(browser))
    replica = Replica(archive.site)
    try:
        there = where._replace(netloc="127.0.0.1:%d" % replica.port)
        browser.cookies[there.netloc] = browser.cookies[where.netloc]
        status, _, body = browser.get(there.geturl())
        assert status == 200
        status, tokens = replica.api().json("POST", "/api/v1/auth/totp", {"mfa_token": json.loads(body)["mfa_token"], "code": totp(secret)})
        api = archive.site.api()
        api.token = tokens["access_token"]
        assert api.json("GET", "/api/v1/auth/sessions/")[0] == 200
    finally:
        replica.close()


def test_a_cookie_that_was_altered_is_none(archive):
    browser = archive.browser("lea")
    where = archive.begin(browser)
    jar = browser.cookies[urllib.parse.urlsplit(archive.site.https).netloc]
    good = jar["__Host-strongroom-oidc"]
    for bad in ("", "x", good[:-1], good + "A", ("A" if good[0] != "A" else "B") + good[1:], good[:45] + ("A" if good[45] != "A" else "B") + good[46:]):
        jar["__Host-strongroom-oidc"] = bad
        assert browser.get(where)[0] == 400, bad


def test_sign_ins_are_counted_apart_from_passwords(archive):
    new_user(archive, "quin")
    archive.provider.person("quin")
    archive.configure(queryd__signin_per_user_max="2")
    one_window()
    login = {"username": "quin@example.org", "password": PASSWORD}
    assert [archive.site.api().json("POST", "/api/v1/auth/login", login)[0] for _ in range(3)] == [401, 401, 429]
    assert [archive.sign_in("quin")[0] for _ in range(3)] == [200, 200, 429]


def test_whom_the_provider_refuses(archive):
    status, problem = archive.sign_in("nobody")
    assert status == 401 and "has not signed you in" in problem["detail"]
    assert archive.audit()[-1] == (None, "none", {"error": "access_denied"})


@pytest.mark.parametrize("client", [{"id_token_signed_response_alg": "ES256"}, {"id_token_signed_response_alg": "PS256"},
                                    {"token_endpoint_auth_method": "client_secret_post"}, {"id_token_signed_response_alg": "HS256"}])
def test_the_ways_to_sign_and_to_prove(archive, client):
    """A provider that is asked anew, since it has begun anew: with other keys of the same names."""
    if archive.provider.people.get("mia") is None:
        new_user(archive, "mia")
        archive.provider.person("mia")
    archive.provider.stop()
    before = dict(archive.provider.client)
    archive.provider.start(**client)
    try:
        archive.configure()
        status, answer = archive.sign_in("mia")
        if "HS256" in client.values():
            assert status == 401
            archive.site.log_line("queryd", "none of RS256, PS256 and ES256")
        else:
            assert status == 200, (answer, archive.site.show_logs())
    finally:
        archive.provider.stop()
        archive.provider.client = before
        archive.provider.start()


def test_a_new_key_is_fetched(archive):
    new_user(archive, "ned")
    archive.provider.person("ned")
    assert archive.sign_in("ned")[0] == 200
    archive.provider.stop()
    archive.provider.keys = [jwk("rsa", "r2"), *archive.provider.keys[1:]]
    archive.provider.start()
    assert archive.sign_in("ned")[0] == 200


def test_a_secret_that_is_wrong_is_ours_to_mend(archive):
    path = archive.site.settings["oidc.client_secret_file"]
    for text, said in (("another\n", "invalid_client"), ("", path)):
        with open(path, "w") as f:    # it is read each time
            f.write(text)
        status, problem = archive.sign_in("ann")
        assert status == 503 and "provider" in problem["detail"]
        assert archive.site.log_line("queryd", said)["level"] == "error"
    with open(path, "w") as f:
        f.write(SECRET + "\n")


def test_while_the_provider_is_away(archive):
    api = archive.site.api()
    browser = archive.browser("ann")
    where = archive.begin(browser)
    archive.provider.stop()
    try:
        status, headers, body = browser.get(where)
        assert status == 503 and headers["Retry-After"] and "provider" in json.loads(body)["detail"]
        archive.configure()    # forgets what it knew
        for _ in range(2):
            status, _, headers = api.call("GET", START)
            assert status == 503 and headers["Retry-After"] == "5"
    finally:
        archive.provider.start()
    wait_until("the provider is asked again", lambda: archive.site.api().call("GET", START)[0] == 302)


def test_the_operator_adds_users_of_the_provider(archive):
    _, out, _ = archive.site.run("user", "add", "olga@example.org", "--provider", "--all")
    assert "otpauth://totp/" in out
    assert "olga@example.org: investigator; all mailboxes; signs in through the provider\n" in archive.site.run("user", "list")[1]
    archive.provider.person("olga")
    assert archive.sign_in("olga")[0] == 200


def found(archive, **settings):
    """{level: what `strongroom check` says of the provider}, remedies included."""
    archive.site.write_conf(**settings)
    out = archive.site.run("check", check=False)[1]
    lines = re.findall(r"(?m)^(ok|note|problem): +(sign-in provider.*(?:\n +remedy: .*)?)", out)
    return {level: "\n".join(text for other, text in lines if other == level) for level, _ in lines}


def test_check_tells_what_is_wrong(archive, made):
    provider, site = archive.provider, archive.site
    assert found(archive) == {"ok": "sign-in provider %s answers; it has 2 keys that can be used" % provider.issuer}
    said = found(archive, oidc__roles=MAP, oidc__redirect_url="https://archive.example.org/signed-in")
    assert "nothing-of-this-name, which does not exist" in said["problem"] and "roles in [oidc]" in said["problem"]
    assert "come back to https://archive.example.org/signed-in" in said["note"]
    assert "it is of the issuer \"%s\"" % provider.issuer in found(archive, oidc__issuer=provider.issuer + "/")["problem"]
    assert "can be reached from here" in found(archive, oidc__issuer="https://localhost:%d" % free_port())["problem"]
    said = found(archive, oidc__issuer=provider.issuer, oidc__ca_file=site.ca, oidc__client_secret_file=site.path("nowhere"))
    assert "certificate" in said["problem"] and "nowhere" in said["problem"]


def test_where_no_provider_is_configured(site):
    status, _, err = site.run("user", "add", "ann", "--provider", check=False)
    assert status == 2 and "no sign-in provider is configured" in err
    site.start("queryd")
    api = site.api()
    assert api.call("GET", START)[0] == 404 and api.call("GET", CALLBACK + "?code=x&state=y")[0] == 404
    assert api.call("GET", START + "?x=y")[0] == 400
    secret = site.add_user("ada", PASSWORD, "--role", "administrator")
    api = site.api("ada", PASSWORD, secret)
    status, problem = api.json("POST", "/api/v1/users/", {"username": "ann"})
    assert status == 400 and problem["field"] == "password"
    site.add_user("ann", PASSWORD)
    user = next(u["id"] for u in api.json("GET", "/api/v1/users/")[1]["items"] if u["username"] == "ann")
    assert api.json("POST", "/api/v1/users/%s/use-provider" % user)[0] == 409
