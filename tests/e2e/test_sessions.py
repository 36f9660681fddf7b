"""Sessions over two replicas of queryd: how they go on, how a second factor is asked for again, and that one that has ended is dead
everywhere at once, with Redis and without."""
import base64
import concurrent.futures
import hashlib
import json
import uuid

import pytest

from stack.api import totp
from stack.redis import Redis
from stack.replica import Replica
from stack.site import Site

PASSWORD = "correct horse battery staple"
SECOND = 10 ** 6


class Pair:
    """A site with two queryds and some users."""
    def __init__(self, cache):
        self.servers, settings = [], {"queryd.token_life": "10m", "queryd.session_life": "12h", "queryd.mfa_session": "1h", "cache": "meta:"}
        if cache == "redis":
            self.servers.append(Redis(password="redis-secret").start())
            sections = self.servers[0].settings().items()
            settings.update({(section + "." if section else "") + key: value for section, keys in sections for key, value in keys.items()})
        self.site = Site(settings=settings)
        self.servers.append(self.site)
        self.site.init()
        self.secrets = {name: self.site.add_user(name, PASSWORD, "--all") for name in ("ann", "bob")}
        self.site.start("queryd")
        self.servers.append(Replica(self.site))

    def sign_in(self, name="ann"):
        """Api at the first queryd; a code may be used again for it."""
        self.change("UPDATE account SET totp_last_step = 0, code_tries_us = 0")
        return self.site.api(name, PASSWORD, self.secrets[name])

    def other(self, api):
        """The same session at the second queryd."""
        other = self.servers[-1].api()
        other.token, other.refresh_token = api.token, api.refresh_token
        return other

    def change(self, sql, *values):
        with self.site.meta.connect("control", write=True) as db:
            db.execute(sql, values)

    def audit(self, headers):
        return [(r["action"], r["actor"], r["strength"], r["result"], json.loads(r["detail"]) if r["detail"] else None) for r in self.site.rows(
            "SELECT i.*, o.result FROM audit_intent i JOIN audit_outcome o ON o.intent_id = i.id WHERE i.request_id = ?",
            (headers["X-Request-ID"],), "control")]

    def close(self):
        for server in reversed(self.servers):
            server.close()


@pytest.fixture(scope="module", params=["meta", "redis"])
def pair(request):
    p = Pair(request.param)
    yield p
    p.close()


def search(api):
    return api.call("POST", "/api/v1/search/emails/", {})[0]


def refresh(api, token=None):
    status, text, headers = api.another().call("POST", "/api/v1/auth/refresh", {"refresh_token": token or api.refresh_token})
    return status, json.loads(text), headers


def sessions(api, query=""):
    status, j = api.json("GET", "/api/v1/auth/sessions/" + query)
    assert status == 200, j
    return j


def claims(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def session_id(api):
    return claims(api.token)["sid"]


def test_a_session_goes_on(pair):
    api = pair.sign_in()
    first = claims(api.token)
    assert first["exp"] - first["iat"] == 600 and abs(first["auth_time"] - first["iat"]) < 60
    status, t, headers = refresh(pair.other(api))
    assert status == 200 and t["token_type"] == "Bearer" and t["expires_in"] == 600 and 0 < t["refresh_expires_in"] <= 12 * 3600
    assert t["refresh_token"] != api.refresh_token and claims(t["access_token"])["sid"] == first["sid"]
    assert pair.audit(headers) == [("session.refresh", "ann", "refresh token", "allowed", {"session": first["sid"]})]
    assert search(api) == 200    # the access token before it has its own life
    api.token, api.refresh_token = t["access_token"], t["refresh_token"]
    assert search(pair.other(api)) == 200
    assert refresh(api)[0] == 200


def test_an_old_refresh_token_ends_the_session(pair):
    api = pair.sign_in()
    stolen = api.refresh_token
    for _ in range(2):
        status, t, _ = refresh(api)
        assert status == 200
        api.token, api.refresh_token = t["access_token"], t["refresh_token"]
    bystander = pair.sign_in()
    status, j, headers = refresh(pair.other(api), stolen)
    assert status == 401 and headers["WWW-Authenticate"]
    assert pair.audit(headers) == [("session.refresh", "ann", "refresh token", "refused", {"session": session_id(api), "reused": True})]
    assert search(api) == search(pair.other(api)) == 401
    assert refresh(api)[0] == 401
    assert search(bystander) == 200


def test_requests_that_meet_do_no_harm(pair):
    api = pair.sign_in()
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        got = list(pool.map(lambda i: refresh(pair.other(api) if i % 2 else api), range(6)))
    assert sorted(status for status, _, _ in got) == [200] + [409] * 5
    assert {j["type"] for status, j, _ in got if status == 409} == {"urn:strongroom:problem:refreshed"}
    used, api.refresh_token = api.refresh_token, next(j["refresh_token"] for status, j, _ in got if status == 200)
    assert search(api) == 200
    pair.change("UPDATE session SET refreshed_us = refreshed_us - ?", 11 * SECOND)
    assert refresh(api, used)[0] == 401 and search(api) == 401    # that is no meeting


@pytest.mark.parametrize("token", ["", "x", "0" * 128, "g" * 128, "0" * 127])
def test_refresh_tokens_that_are_none(pair, token):
    api = pair.site.api()
    status, j, headers = refresh(api, token or " ")
    assert status == 401 and pair.audit(headers) == [("session.refresh", None, "none", "refused", None)]


def test_whoever_knows_the_session_can_not_end_it(pair):
    """The id is in access tokens; it takes a refresh token that was given out."""
    api = pair.sign_in()
    status, _, headers = refresh(api, uuid.UUID(session_id(api)).hex + "0" * 96)
    assert status == 401 and pair.audit(headers)[0][1] is None
    half = api.refresh_token[:64] + "0" * 64    # the part that stays, and an invented one
    assert search(api) == 200
    assert refresh(api, half)[0] == 401 and search(api) == 401


def test_logout(pair):
    api, stays = pair.sign_in(), pair.sign_in()
    status, text, headers = pair.other(api).call("POST", "/api/v1/auth/logout")
    assert (status, text) == (204, b"") and pair.audit(headers)[0][:4] == ("session.logout", "ann", "password+totp", "allowed")
    assert search(api) == search(pair.other(api)) == 401
    assert refresh(api)[0] == 401
    assert search(stays) == search(pair.other(stays)) == 200


def test_sessions_are_listed_and_ended(pair):
    pair.change("UPDATE session SET ended_us = 1")
    one, two, bob = pair.sign_in(), pair.sign_in(), pair.sign_in("bob")
    two.c.close()
    status, text, _ = two.call("GET", "/api/v1/auth/sessions/", headers={"User-Agent": "x"})
    listed = json.loads(text)
    assert [s["id"] for s in listed["items"]] == [session_id(two), session_id(one)] and listed["next_cursor"] is None
    assert [s["current"] for s in listed["items"]] == [True, False]
    assert all(s["client"].startswith("127.0.0.1:") and s["strength"] == "password+totp" for s in listed["items"])
    page = sessions(one, "?limit=1")
    assert [s["id"] for s in page["items"]] == [session_id(two)]
    assert [s["id"] for s in sessions(one, "?limit=1&cursor=" + page["next_cursor"])["items"]] == [session_id(one)]
    assert bob.call("DELETE", "/api/v1/auth/sessions/" + session_id(one))[0] == 404    # somebody else's
    assert search(one) == 200
    assert pair.other(two).call("DELETE", "/api/v1/auth/sessions/" + session_id(one))[0] == 204
    assert search(one) == search(pair.other(one)) == 401
    for gone in (session_id(one), str(uuid.uuid4()), "x"):
        assert two.call("DELETE", "/api/v1/auth/sessions/" + gone)[0] == 404
    assert [s["id"] for s in sessions(two)["items"]] == [session_id(two)]


def test_all_sessions_of_a_user_end(pair):
    one, two, bob = pair.sign_in(), pair.other(pair.sign_in()), pair.sign_in("bob")
    pair.site.run("user", "sign-out", "ann")
    assert search(one) == search(two) == 401 and refresh(one)[0] == 401
    assert search(bob) == 200
    again = pair.sign_in()
    pair.site.run("user", "disable", "ann")
    assert search(again) == search(pair.other(again)) == 401 and refresh(again)[0] == 401
    pair.site.run("user", "enable", "ann")
    assert search(again) == 401
    assert search(pair.sign_in()) == 200


def test_a_session_is_over_in_its_time(pair):
    api = pair.sign_in()
    pair.change("UPDATE session SET until_us = until_us - ? WHERE ended_us IS NULL", (12 * 3600 - 60) * SECOND)
    status, t, _ = refresh(api)
    assert status == 200 and t["expires_in"] <= 60 and t["refresh_expires_in"] <= 60    # an access token does not outlive it
    pair.change("UPDATE session SET until_us = until_us - ? WHERE ended_us IS NULL", 60 * SECOND)
    api.refresh_token = t["refresh_token"]
    assert search(api) == 401 and refresh(api)[0] == 401


def test_the_second_factor_is_asked_for_again(pair):
    api = pair.sign_in()
    other = pair.other(api)
    message = "/api/v1/archive/emails/%s/" % uuid.uuid4()
    pair.change("UPDATE session SET factor_us = factor_us - ?", 3601 * SECOND)
    for method, path, body in (("POST", "/api/v1/search/emails/", {}), ("GET", message, None), ("GET", message + "content", None),
                               ("GET", message + "attachments/0", None)):
        status, text, headers = other.call(method, path, body)
        assert status == 401 and json.loads(text)["type"] == "urn:strongroom:problem:step-up"
        assert 'error="insufficient_user_authentication", max_age="3600"' in headers["WWW-Authenticate"]
        assert pair.audit(headers)[0][3] == "refused"
    assert len(sessions(api)["items"]) >= 1    # that needs none
    status, t, _ = refresh(api)
    assert status == 200
    api.token = t["access_token"]
    assert search(api) == 401    # a refresh is no second factor
    pair.change("UPDATE account SET totp_last_step = 0")
    code = totp(pair.secrets["ann"])
    status, text, headers = api.call("POST", "/api/v1/auth/step-up", {"code": "%06d" % ((int(code) + 500000) % 10 ** 6)})
    assert status == 401 and json.loads(text)["type"] == "urn:strongroom:problem:step-up"
    assert api.json("POST", "/api/v1/auth/step-up", {"code": code}) == (200, {"expires_in": 3600})
    assert search(api) == search(other) == 200    # all tokens of the session, at once
    assert api.json("POST", "/api/v1/auth/step-up", {"code": code})[0] == 401    # good once
    assert pair.site.api().call("POST", "/api/v1/auth/step-up", {"code": code})[0] == 401


def test_no_token_is_kept_or_logged(pair):
    api = pair.sign_in()
    secret = bytes.fromhex(api.refresh_token)[32:]
    row = [dict(r) for r in pair.site.rows("SELECT refresh_hash FROM session WHERE ended_us IS NULL ORDER BY id DESC", (), "control")][0]
    assert bytes(row["refresh_hash"]) == hashlib.sha256(secret).digest()
    assert refresh(api)[0] == 200
    with open(pair.site.log_path("queryd")) as f:
        log = f.read()
    assert api.refresh_token not in log and api.token not in log
