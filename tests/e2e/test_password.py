"""Changing one's password, and which ones are not taken."""
import json

import pytest

from stack.api import one_window

PASSWORD, NEW = "correct horse battery staple", "a new one, and long enough"


@pytest.fixture
def signed_in(site):
    """(site, two sessions of one user)."""
    secret = site.add_user("margaret", PASSWORD, "--all")
    site.start("queryd")

    def sign_in(password=PASSWORD):
        with site.meta.connect("control", write=True) as db:
            db.execute("UPDATE account SET totp_last_step = 0")
        return site.api("margaret", password, secret)
    return site, sign_in


def change(api, current, new):
    status, text, _ = api.call("POST", "/api/v1/auth/password", {"current_password": current, "new_password": new})
    return status, json.loads(text) if text else None


def search(api):
    return api.call("POST", "/api/v1/search/emails/", {})[0]


def login(site, password):
    return site.api().json("POST", "/api/v1/auth/login", {"username": "margaret", "password": password})


def test_change(signed_in):
    site, sign_in = signed_in
    api, other = sign_in(), sign_in()
    half_way = login(site, PASSWORD)[1]["mfa_token"]
    assert change(api, PASSWORD, NEW) == (204, None)
    assert search(api) == 200 and search(other) == 401
    assert site.api().json("POST", "/api/v1/auth/refresh", {"refresh_token": other.refresh_token})[0] == 401
    assert site.api().json("POST", "/api/v1/auth/totp", {"mfa_token": half_way, "code": "123456"})[0] == 401
    assert login(site, PASSWORD)[0] == 401
    assert search(sign_in(NEW)) == 200
    rows = [dict(r) for r in site.rows("SELECT * FROM audit_intent WHERE action = 'account.password'", (), "control")]
    assert [(r["actor"], r["strength"], r["detail"]) for r in rows] == [("margaret", "password+totp", None)]
    with open(site.log_path("queryd")) as f:
        log = f.read()
    assert PASSWORD not in log and NEW not in log


def test_refused(signed_in):
    site, sign_in = signed_in
    api = sign_in()
    for new, why in (("short", "fewer than 12"), ("Password1234", "tried first"), ("aaaaaaaaaaaaaaaaaaa", "different"),
                     ("margaret2026", "name of the user"), ("strongroom!1", "Strongroom"), (PASSWORD, "current")):
        status, j = change(api, PASSWORD, new)
        assert status == 400 and j["field"] == "new_password" and why in j["detail"], (new, j)
    status, j = change(api, NEW, NEW)
    assert status == 400 and j["field"] == "current_password"
    assert change(site.api(), PASSWORD, NEW)[0] == 401
    with site.meta.connect("control", write=True) as db:
        db.execute("UPDATE session SET factor_us = 0")
    assert change(api, PASSWORD, NEW)[0] == 401    # without a second factor of late
    assert login(site, PASSWORD)[0] == 200


def test_guesses_are_counted(new_site):
    site = new_site(settings={"queryd.signin_per_user_max": "4"})
    site.init()
    secret = site.add_user("margaret", PASSWORD, "--all")
    site.start("queryd")
    one_window()
    api = site.api("margaret", PASSWORD, secret)
    got = [change(api, "wrong %d" % i, NEW)[0] for i in range(6)]
    assert got[0] == 400 and got[-1] == 429 and set(got) == {400, 429}
    assert change(api, PASSWORD, NEW)[0] == 429


def test_at_the_command_line(site):
    for password, why in (("short", "fewer than"), ("qwertyuiopasdf", "tried first"), ("strongroom12", "Strongroom")):
        status, _, err = site.run("user", "add", "ann", "--all", input=password + "\n", check=False)
        assert status == 2 and why in err
