"""Redis beside queryd: what several replicas count and know together, and that nothing depends on it."""
import json

import pytest

from stack.api import one_window
from stack.process import wait_until
from stack.redis import Redis
from stack.replica import Replica

PASSWORD = "correct horse battery staple"


@pytest.fixture
def new_redis(servers):
    def make(**kw):
        redis = Redis(**{"password": "redis-secret", **kw})
        servers.append(redis)
        return redis.start()
    return make


def with_redis(redis, **more):
    flat = {(section + "." if section else "") + key: value for section, keys in redis.settings().items() for key, value in keys.items()}
    return {**flat, "redis.prefix": "strongroom", "redis.timeout": "10s", "queryd.signin_per_user_max": "3", "queryd.signin_per_address_max": "1000", **more}


@pytest.fixture
def site_of(new_site):
    """site_of(settings): with a user `ann` and queryd running, at a moment from which on a test can count."""
    def make(settings):
        site = new_site(settings=settings)
        site.init()
        site.secret = site.add_user("ann", PASSWORD, "--all")
        site.start("queryd")
        one_window()
        return site
    return make


@pytest.fixture
def replica(servers):
    """replica(site): a second queryd of the same archive; its Api."""
    def make(site):
        servers.append(Replica(site))
        return servers[-1].api()
    return make


def attempt(api, username="ann", password="wrong"):
    """(status, body, headers)."""
    status, text, headers = api.call("POST", "/api/v1/auth/login", {"username": username, "password": password})
    return status, json.loads(text), headers


def statuses(api, n, **kw):
    return [attempt(api, **kw)[0] for _ in range(n)]


def search(api):
    return api.call("POST", "/api/v1/search/emails/", {})[0]


def test_tries_are_counted_over_replicas(new_redis, site_of, replica):
    redis = new_redis()
    site = site_of(with_redis(redis))
    one, two = site.api(), replica(site)
    assert statuses(one, 2) + statuses(two, 3) == [401, 401, 401, 429, 429]
    assert statuses(one, 2, username="nobody") + statuses(two, 3, username="nobody") == [401, 401, 401, 429, 429]
    status, body, headers = attempt(two)
    assert status == 429 and body["status"] == 429 and body["title"] == "Too Many Requests"
    assert 1 <= int(headers["Retry-After"]) <= 301 and headers["Content-Type"] == "application/problem+json"
    keys = redis.command("KEYS", "strongroom:count:signin:*").split()
    assert len(keys) == 3 and all(0 < int(redis.command("PTTL", key)) <= 600000 for key in keys)
    assert "ann" not in " ".join(keys)


def test_without_redis_the_database_counts(site_of, replica):
    site = site_of({"cache": "meta:", "queryd.signin_per_user_max": "3", "queryd.signin_per_address_max": "1000"})
    one, two = site.api(), replica(site)
    assert statuses(one, 2) + statuses(two, 3) == [401, 401, 401, 429, 429]
    site.stop("queryd")
    site.start("queryd")
    assert statuses(site.api(), 1) == [429]
    assert attempt(site.api(), "carol", PASSWORD)[0] == 401  # others are not kept out


def test_addresses(site_of):
    site = site_of({"queryd.signin_per_user_max": "1000", "queryd.signin_per_address_max": "3"})
    assert [attempt(site.api(), "user%d" % i)[0] for i in range(5)] == [401, 401, 401, 429, 429]


def attempt_from(site, address, username="ann", password="wrong"):
    """From another address of this machine."""
    api = site.api()
    api.c.source_address = (address, 0)
    return attempt(api, username, password)[0]


def test_strangers_keep_nobody_out(site_of):
    """They use up the tries of a name; from where the user has signed in before, there are others."""
    site = site_of({"queryd.signin_per_user_max": "3", "queryd.signin_per_address_max": "1000"})
    site.api("ann", PASSWORD, site.secret)
    assert [attempt_from(site, "127.0.0.2") for _ in range(5)][-2:] == [429, 429]
    assert attempt_from(site, "127.0.0.3", password=PASSWORD) == 429  # nor from anywhere else that is new
    assert attempt_from(site, "127.0.0.1", password=PASSWORD) == 200
    assert [attempt_from(site, "127.0.0.1") for _ in range(4)] == [401, 401, 429, 429]  # there they have an end too
    assert attempt_from(site, "127.0.0.1", "bob") == 401


def test_a_name_is_one_name(site_of):
    """Not found under others, each with tries of its own."""
    site = site_of({"queryd.signin_per_user_max": "1000"})
    for name in ("ann ", " ann", "Ann", "ann\0"):
        assert attempt(site.api(), name, PASSWORD)[0] in (400, 401)
    assert attempt(site.api(), "ann", PASSWORD)[0] == 200


def test_redis_killed_and_back(new_redis, site_of):
    """Nobody gets in, and nobody is kept out; it is said once each time."""
    redis = new_redis()
    site = site_of(with_redis(redis, **{"queryd.signin_per_user_max": "5"}))
    assert statuses(site.api(), 1) == [401]
    redis.kill()
    api = site.api("ann", PASSWORD, site.secret)
    assert search(api) == 200
    assert 429 in statuses(site.api(), 10)  # counted in the database
    assert sum("does not work" in line["message"] for line in site.log("queryd")) == 1
    redis.start()

    def back():
        search(api)
        return any("works again" in line["message"] for line in site.log("queryd"))
    wait_until("Redis is used again", back)
    assert 429 in statuses(site.api(), 12, username="dan")
    assert redis.command("KEYS", "strongroom:count:signin:user:*")


def test_slow_redis(new_redis, site_of):
    """It accepts connections and says nothing."""
    redis = new_redis()
    site = site_of(with_redis(redis, **{"redis.timeout": "100ms"}))
    redis.pause()
    api = site.api("ann", PASSWORD, site.secret)
    for _ in range(20):
        assert search(api) == 200
    assert "did not answer in time" in site.log_line("queryd", "does not work")["message"]
    redis.pause(False)


def test_wrong_password_for_redis(new_redis, site_of):
    redis = new_redis()
    site = site_of(with_redis(redis))
    site.stop("queryd")
    redis.write_password("another")
    site.start("queryd")
    assert statuses(site.api(), 4) == [401, 401, 401, 429]
    assert "WRONGPASS" in site.log_line("queryd", "does not work")["message"]
    assert "another" not in str(site.log("queryd"))
    code, out, _ = site.run("check", check=False)
    assert code == 1 and "cache: redis(" in out and "WRONGPASS" in out


@pytest.mark.parametrize("trusted", [True, False])
def test_tls(new_redis, site_of, trusted):
    redis = new_redis(tls=True)
    site = site_of(with_redis(redis, **({} if trusted else {"redis.ca_file": ""})))
    assert statuses(site.api(), 4) == [401, 401, 401, 429]
    out = site.run("check", check=False)[1]
    assert ("ok:      cache answers" in out) == trusted
    assert bool(redis.command("KEYS", "*")) == trusted
    if not trusted:
        assert "certificate" in site.log_line("queryd", "does not work")["message"]


def test_sessions_that_have_ended(new_redis, site_of):
    """Redis knows of them too, and can only end them: what it has forgotten is in the database."""
    redis = new_redis()
    site = site_of(with_redis(redis))
    api = site.api("ann", PASSWORD, site.secret)
    assert search(api) == 200
    key = "strongroom:value:tokens:1"
    assert redis.command("SET", key, "99") == "OK"  # as if the database that queryd reads from were behind
    assert search(api) == 401
    assert redis.command("SET", key, "0") == "OK"
    assert search(api) == 200
    site.run("user", "sign-out", "ann")
    assert int(redis.command("GET", key)) > 0 and 0 < int(redis.command("PTTL", key)) <= 3600000
    assert redis.command("FLUSHALL") == "OK"
    assert search(api) == 401


def test_wrong_settings(new_site):
    for url, why in (("http://127.0.0.1", "none of redis://"), ("redis://me:secret@127.0.0.1", "redis.password_file"), ("redis://127.0.0.1/x", "NUMBER")):
        site = new_site(settings={"cache": "redis:", "redis.url": url})
        site.init()
        with pytest.raises(Exception) as e:
            site.start("queryd")
        assert why in str(e.value) and "secret" not in str(e.value)


def test_capture_wakes_the_outbox(new_redis, new_site):
    """Long before its time comes: a daemon whose index is out of its reach leaves everything to workerd."""
    redis = new_redis()
    site = new_site(settings=with_redis(redis, **{"workerd.outbox_interval": "1h", "index_wait": "0s"}))
    site.init()
    site.start("workerd")
    wait_until("workerd listens", lambda: redis.command("PUBSUB", "NUMSUB", "strongroom:wake").split()[-1] == "1")
    site.start("lmtpd", env={"STRONGROOM_INDEX": "fts:/nowhere/index.db"})
    raw = b"From: a@example.net\r\nTo: b@example.org\r\nSubject: x\r\n\r\ntext\r\n"
    with site.lmtp() as c:
        assert c.send(raw)[0][0] == 250
    site.log_line("workerd", "indexed 1 messages of the outbox", 60)
    redis.kill()
    site.log_line("workerd", "does not work")
    redis.start()
    site.log_line("workerd", "works again", 60)
    with site.lmtp() as c:
        assert c.send(raw.replace(b"text", b"another"))[0][0] == 250
    wait_until("the second is indexed too", lambda: sum("of the outbox" in line["message"] for line in site.log("workerd")) == 2, 60)
    assert site.stop("workerd") == 0 and site.stop("lmtpd") == 0
