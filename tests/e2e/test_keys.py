"""Keys of access tokens: two live at a time, everybody can check their tokens, and those of a retired key are refused."""
import base64
import json
import os
import time

from stack.process import wait_until

PASSWORD = "correct horse battery staple"


def part(token, i):
    text = token.split(".")[i]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def kids(site):
    status, j = site.api().json("GET", "/api/v1/auth/jwks.json")
    assert status == 200
    assert all(set(k) == {"kty", "crv", "use", "alg", "kid", "x", "y"} and len(k["x"]) == len(k["y"]) == 43 for k in j["keys"])
    return [k["kid"] for k in j["keys"]]


def rotate(site):
    """The kids after another rotation, when queryd has taken them up."""
    names = site.run("key", "rotate")[1].split()
    assert all(os.stat(site.path("keys", name)).st_mode & 0o777 == 0o600 for name in names)
    wanted = [name[len("token-"):-len(".pem")] for name in names]
    wait_until("queryd has the keys", lambda: kids(site) == wanted)
    assert site.run("key", "list")[1].split() == names
    return wanted


def search(api):
    return api.call("POST", "/api/v1/search/emails/", {})[0]


def refresh(site, api):
    status, t = site.api().json("POST", "/api/v1/auth/refresh", {"refresh_token": api.refresh_token})
    assert status == 200
    api.token, api.refresh_token = t["access_token"], t["refresh_token"]
    return part(api.token, 0)["kid"]


def test_rotation(site):
    secret = site.add_user("ann", PASSWORD, "--all")
    site.start("queryd")
    api = site.api("ann", PASSWORD, secret)
    first = kids(site)
    assert first == [part(api.token, 0)["kid"]] and part(api.token, 0)["alg"] == "ES256"
    two = rotate(site)
    assert two[0] == first[0] and len(two) == 2
    old = api.token
    assert refresh(site, api) == first[0]    # the new one is not everywhere yet
    three = rotate(site)
    assert three[0] == two[1] and len(three) == 2 and first[0] not in three
    assert search(api) == 401                # of a retired key
    assert refresh(site, api) == three[0]    # the session goes on
    assert search(api) == 200
    api.token = old
    assert search(api) == 401
    actions = [(r["action"], r["strength"]) for r in site.rows("SELECT * FROM audit_intent WHERE action LIKE 'key%'", (), "control")]
    assert actions == [("key.rotate", "operator")] * 2


def test_a_key_signs_in_its_time(site):
    """Five minutes after it was made, as its name tells."""
    secret = site.add_user("ann", PASSWORD, "--all")
    made = "%012x" % int((time.time() - 300) * 1000)
    kid = "%s-%s-7000-8000-000000000000" % (made[:8], made[8:])
    site.start("queryd")
    [first] = kids(site)
    os.rename(site.path("keys", "token-%s.pem" % first), site.path("keys", "token-00000000-0000-7000-8000-000000000000.pem"))
    site.run("key", "rotate")
    new = site.run("key", "list")[1].split()[1]
    os.rename(site.path("keys", new), site.path("keys", "token-%s.pem" % kid))
    wait_until("queryd has the keys", lambda: kids(site)[-1] == kid)
    api = site.api("ann", PASSWORD, secret)
    assert part(api.token, 0)["kid"] == kid and search(api) == 200


def test_keys_that_can_not_be_used(site):
    """What was there stays until it can be used."""
    secret = site.add_user("ann", PASSWORD, "--all")
    site.start("queryd")
    api = site.api("ann", PASSWORD, secret)
    before = kids(site)
    with open(site.path("keys", "token-zzz.pem"), "w") as f:
        f.write("-----BEGIN")
    os.chmod(site.path("keys", "token-zzz.pem"), 0o600)

    def told():
        search(api)
        return any("the keys stay as they were" in line["message"] for line in site.log("queryd"))
    wait_until("it is said", told)
    assert kids(site) == before and search(api) == 200
    os.unlink(site.path("keys", "token-zzz.pem"))
    assert rotate(site)[0] == before[0]
