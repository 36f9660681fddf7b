"""Second factors: enrolled by their users, counting when they are confirmed, lost and found again."""
import json
import time
import xml.etree.ElementTree

import pytest

from stack.api import totp
from stack.site import Site

PASSWORD = "correct horse battery staple"
OWN = {"password": PASSWORD}
V = "/api/v1/auth/"


class Office:
    """A site with users whose codes may be used again, and an administrator."""
    def __init__(self):
        self.site = Site()
        self.site.init()
        self.secrets = {name: self.site.add_user(name, PASSWORD, "--all") for name in ("ann", "bob", "cyd", "dan", "eve")}
        self.secrets["ada"] = self.site.add_user("ada", PASSWORD, "--role", "administrator")
        self.site.start("queryd")

    def sign_in(self, name):
        self.change("UPDATE account SET totp_last_step = 0, code_tries_us = 0")
        return self.site.api(name, PASSWORD, self.secrets[name])

    def login(self, name):
        status, j = self.site.api().json("POST", V + "login", {"username": name, "password": PASSWORD})
        assert status == 200
        return j

    def second(self, path, name, **more):
        """The answer to the second step of signing in: (status, body, headers)."""
        status, text, headers = self.site.api().call("POST", V + path, {"mfa_token": self.login(name)["mfa_token"], **more})
        return status, json.loads(text), headers

    def change(self, sql, *values):
        with self.site.meta.connect("control", write=True) as db:
            db.execute(sql, values)

    def audit(self, headers):
        return [(r["action"], r["actor"], r["strength"], r["result"]) for r in self.site.rows(
            "SELECT i.*, o.result FROM audit_intent i JOIN audit_outcome o ON o.intent_id = i.id WHERE i.request_id = ?",
            (headers["X-Request-ID"],), "control")]


@pytest.fixture(scope="module")
def office():
    o = Office()
    yield o
    o.site.close()


def search(api):
    return api.call("POST", "/api/v1/search/emails/", {})[0]


def wrong(code):
    return "%06d" % ((int(code) + 500000) % 10 ** 6)


def enrol(api):
    status, j = api.json("POST", V + "totp/enrol", OWN)
    assert status == 200 and j["expires_in"] == 600 and j["totp_secret"] in j["otpauth_url"]
    assert xml.etree.ElementTree.fromstring(j["qr_svg"]).tag == "{http://www.w3.org/2000/svg}svg"
    return j["totp_secret"]


def test_enrolling_another_factor(office):
    api, other = office.sign_in("ann"), office.sign_in("ann")
    enrol(api)
    secret = enrol(api)    # the last one counts
    assert api.json("POST", V + "totp/confirm", {"code": wrong(totp(secret))})[0] == 400
    assert office.second("totp", "ann", code=totp(secret))[0] == 401    # not yet
    status, text, headers = api.call("POST", V + "totp/confirm", {"code": totp(secret)})
    codes = json.loads(text)["recovery_codes"]
    assert status == 200 and len(set(codes)) == 10
    assert office.audit(headers) == [("account.enrol-confirm", "ann", "password+totp", "allowed")]
    assert search(api) == 200 and search(other) == 401
    assert api.json("POST", V + "totp/confirm", {"code": totp(secret, time.time() + 30)})[0] == 400    # once
    assert office.second("totp", "ann", code=totp(secret))[0] == 401    # its code is used up
    office.change("UPDATE account SET totp_last_step = 0")
    assert office.second("totp", "ann", code=totp(office.secrets["ann"]))[0] == 401
    assert office.second("totp", "ann", code=totp(secret))[0] == 200
    office.secrets["ann"] = secret


def test_an_open_session_is_not_enough(office):
    """Who finds one open could stay for good with another second factor, or with recovery codes."""
    api = office.sign_in("bob")
    for path in ("totp/enrol", "recovery-codes"):
        for body in ({}, {"password": "wrong " + PASSWORD}):
            status, text, headers = api.call("POST", V + path, body)
            assert status == 400
        assert office.audit(headers)[0][3] == "refused"


def test_what_was_begun_has_an_end(office):
    api = office.sign_in("bob")
    assert api.json("POST", V + "totp/confirm", {"code": "123456"})[0] == 400
    secret = enrol(api)
    office.change("UPDATE totp_enrolment SET until_us = until_us - 600000000")
    assert api.json("POST", V + "totp/confirm", {"code": totp(secret)})[0] == 400
    office.change("UPDATE session SET factor_us = 0")
    for path, body in (("totp/enrol", OWN), ("totp/confirm", {"code": "123456"}), ("recovery-codes", OWN)):
        assert api.json("POST", V + path, body)[1]["type"] == "urn:strongroom:problem:step-up"
        assert office.site.api().json("POST", V + path, body)[0] == 401


def test_recovery_codes(office):
    api = office.sign_in("cyd")
    old = api.json("POST", V + "recovery-codes", OWN)[1]["recovery_codes"]
    codes = api.json("POST", V + "recovery-codes", OWN)[1]["recovery_codes"]
    assert len(codes) == 10 and not set(codes) & set(old)
    assert office.second("recovery", "cyd", code=old[0])[0] == 401
    status, j, headers = office.second("recovery", "cyd", code=codes[0].lower().replace("-", " "))
    assert status == 200 and office.audit(headers) == [("sign-in.recovery", "cyd", "password", "allowed")]
    lost = office.site.api()
    lost.token = j["access_token"]
    assert search(lost) == 200
    assert lost.json("GET", V + "sessions/")[1]["items"][0]["strength"] == "password+recovery"
    for code in (codes[0], "ABCD-EFGH-IJKL-MNOP", "", "123456"):    # used, and none
        status, j, headers = office.second("recovery", "cyd", code=code)
        assert status == 401 and office.audit(headers)[0][3] == "refused"
    assert office.second("recovery", "ann", code=codes[1])[0] == 401    # somebody else's
    assert office.second("recovery", "cyd", code=codes[1])[0] == 200
    with open(office.site.log_path("queryd")) as f:
        log = f.read()
    assert not any(code in log for code in codes)
    assert all(len(r["code_hash"]) == 32 for r in office.site.rows("SELECT code_hash FROM recovery_code", (), "control"))


def test_guessing_recovery_codes_leads_nowhere(office):
    """They share the tries of one-time codes."""
    office.sign_in("eve")
    for _ in range(10):
        assert office.second("recovery", "eve", code="ABCD-EFGH-IJKL-MNOP")[0] == 401
    office.change("UPDATE account SET totp_last_step = 0")
    assert office.second("totp", "eve", code=totp(office.secrets["eve"]))[0] == 401


def test_an_administrator_takes_the_factor_away(office):
    dan, ada = office.sign_in("dan"), office.sign_in("ada")
    codes = dan.json("POST", V + "recovery-codes", OWN)[1]["recovery_codes"]
    [user] = [u for u in ada.json("GET", "/api/v1/users/")[1]["items"] if u["username"] == "dan"]
    sessions = "/api/v1/users/%s/sessions/" % user["id"]
    assert [s["strength"] for s in ada.json("GET", sessions)[1]["items"]] == ["password+totp"]
    assert dan.json("GET", sessions)[0] == 403 and dan.json("DELETE", sessions)[0] == 403
    assert user["second_factor"] is True
    status, reset = ada.json("POST", "/api/v1/users/%s/reset-mfa" % user["id"])
    assert status == 200 and reset["expires_in"] == 3 * 86400
    assert ada.json("GET", "/api/v1/users/%s/" % user["id"])[1]["second_factor"] is False
    assert search(dan) == 401 and ada.json("GET", sessions)[1]["items"] == []
    assert office.login("dan")["enrolment_required"] is True
    assert office.second("totp", "dan", code=totp(office.secrets["dan"]))[0] == 401
    assert office.second("recovery", "dan", code=codes[0])[0] == 401
    assert office.second("enrolment/confirm", "dan", code="123456")[0] == 401    # nothing was begun
    assert office.second("enrolment", "dan", enrolment_token="0" * 64)[0] == 401
    assert office.second("enrolment", "ann", enrolment_token=reset["enrolment_token"])[0] == 401    # who has a factor keeps it
    mfa_token = office.login("dan")["mfa_token"]
    status, begun = office.site.api().json("POST", V + "enrolment", {"mfa_token": mfa_token, "enrolment_token": reset["enrolment_token"]})
    assert status == 200
    secret = begun["totp_secret"]
    confirm = {"mfa_token": mfa_token, "code": wrong(totp(secret))}
    assert office.site.api().json("POST", V + "enrolment/confirm", confirm)[0] == 401
    status, text, headers = office.site.api().call("POST", V + "enrolment/confirm", {"mfa_token": mfa_token, "code": totp(secret)})
    tokens = json.loads(text)
    assert status == 200 and len(tokens["recovery_codes"]) == 10
    assert office.audit(headers) == [("sign-in.enrol-confirm", "dan", "password", "allowed")]
    dan.token = tokens["access_token"]
    assert search(dan) == 200
    assert "enrolment_required" not in office.login("dan")
    assert office.second("enrolment", "dan", enrolment_token=reset["enrolment_token"])[0] == 401    # good once
    assert ada.call("DELETE", sessions)[0] == 204
    assert search(dan) == 401
    for path in ("/api/v1/users/0/sessions/", "/api/v1/users/999999/sessions/", "/api/v1/users/x/sessions/"):
        assert ada.json("GET", path)[0] == 404 and ada.json("DELETE", path)[0] == 404


def test_at_the_command_line(office):
    """For the only administrator who has lost both."""
    ada = office.sign_in("ada")
    assert office.site.run("user", "password", "ada", input="short\n", check=False)[0] == 2
    assert office.site.run("user", "reset-mfa", "nobody", check=False)[0] == 1
    assert ada.json("GET", "/api/v1/users/")[0] == 200
    new = "another one that is long enough"
    office.site.run("user", "password", "ada", input=new + "\n")
    assert ada.json("GET", "/api/v1/users/")[0] == 401
    token = office.site.run("user", "reset-mfa", "ada")[1].split()[-1]
    api = office.site.api()
    assert api.json("POST", V + "login", {"username": "ada", "password": PASSWORD})[0] == 401
    mfa_token = api.json("POST", V + "login", {"username": "ada", "password": new})[1]["mfa_token"]
    status, begun = api.json("POST", V + "enrolment", {"mfa_token": mfa_token, "enrolment_token": token})
    assert status == 200
    status, tokens = api.json("POST", V + "enrolment/confirm", {"mfa_token": mfa_token, "code": totp(begun["totp_secret"])})
    api.token = tokens["access_token"]
    assert status == 200 and api.json("GET", "/api/v1/users/")[0] == 200
    rows = [dict(r) for r in office.site.rows("SELECT * FROM audit_intent WHERE strength = 'operator' AND action IN ('account.password', 'account.reset-mfa')",
                                              (), "control")]
    assert sorted(r["action"] for r in rows) == ["account.password", "account.reset-mfa"]
    assert all(token not in str(r) and new not in str(r) for r in rows)
