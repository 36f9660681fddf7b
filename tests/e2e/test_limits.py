"""What one account, session or address may use up: the same over two replicas of queryd behind a real HAProxy, which hands each
request to the other one; and ending a session ends it at both."""
import concurrent.futures
import hashlib
import http.client
import json
import ssl
import time

import pytest

from stack import metrics
from stack.api import Api
from stack.haproxy import Balancer
from stack.process import free_port
from stack.replica import Replica
from stack.tls import Authority

PASSWORD = "correct horse battery staple"
NEW = "01a20740-db5c-7000-804d-f94d4c6e10fe"


def one_window():
    """Windows begin at multiples of five minutes: what is counted from here on belongs to one, also on a machine that is busy."""
    left = 300 - time.time() % 300
    if left < 45:
        time.sleep(left + 0.1)


@pytest.fixture
def behind(new_site, servers):
    """behind(**settings): users ann and bob, two replicas, and a proxy before them; .api(user) signs in through it."""
    def make(**settings):
        site = new_site(settings={"queryd." + k: str(v) for k, v in settings.items()})
        site.init()
        secrets = {name: site.add_user(name, PASSWORD, "--all") for name in ("ann", "bob")}
        site.start("queryd")
        replica = Replica(site)
        servers.append(replica)
        balancer = Balancer(site, [site.https_port, replica.port])
        servers.append(balancer)
        balancer.start()
        site.balancer = balancer
        one_window()
        site.user = lambda name: site.api(name, PASSWORD, secrets[name])
        site.secrets = secrets
        return site
    return make


def through(site, api):
    """Whoever is signed in at `api`, on a connection to the proxy."""
    proxied = Api(site.balancer.url, site.ca)
    proxied.token = api.token
    return proxied


def search(api):
    return api.call("POST", "/api/v1/search/emails/", {"query": "x"})


def read(api):
    return api.call("GET", "/api/v1/archive/emails/%s/" % NEW)


def test_limits_of_a_user_hold_over_both_replicas(behind):
    site = behind(searches_per_user_max=6, reads_per_user_max=3)
    ann, bob = (through(site, site.user(name)) for name in ("ann", "bob"))
    assert [search(ann)[0] for _ in range(8)] == [200] * 6 + [429] * 2
    status, text, headers = search(ann)
    problem = json.loads(text)
    assert (status, problem["type"], headers["Content-Type"]) == (429, "urn:strongroom:problem:limit", "application/problem+json")
    assert 1 <= int(headers["Retry-After"]) <= 301
    assert [read(ann)[0] for _ in range(4)] == [404] * 3 + [429]    # another kind
    assert search(bob)[0] == 200    # another user


def test_limits_of_a_session_and_an_address(behind):
    site = behind(requests_per_token_max=5)
    ann = through(site, site.user("ann"))
    assert [search(ann)[0] for _ in range(4)] + [read(ann)[0] for _ in range(3)] == [200] * 4 + [404, 429, 429]
    assert search(through(site, site.user("bob")))[0] == 200
    site = behind(requests_per_address_max=9)    # four of them for signing in
    ann, bob = (through(site, site.user(name)) for name in ("ann", "bob"))
    assert [search(ann)[0] for _ in range(3)] + [search(bob)[0] for _ in range(3)] == [200] * 5 + [429]
    stranger = Api(site.balancer.url, site.ca)
    assert stranger.call("POST", "/api/v1/auth/refresh", {"refresh_token": "x"})[0] == 429    # this would be audited
    stranger.token = "srs_" + "0" * 64
    assert search(stranger)[0] == 429    # guesses of tokens come to an end, too
    assert stranger.call("GET", "/api/v1/auth/jwks.json")[0] != 429


def test_parts_taken_in_advance_are_never_too_much(behind):
    """With a limit that is taken in parts each replica has some in advance; together they don't give more."""
    site = behind(searches_per_user_max=200)
    api = site.user("ann")

    def many(_):
        mine = through(site, api)
        return [search(mine)[0] for _ in range(60)]

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        found = [status for statuses in pool.map(many, range(4)) for status in statuses]
    assert set(found) == {200, 429} and 190 <= found.count(200) <= 200


def test_one_sign_in_goes_through_both(behind):
    """The password at one replica, the code at the other, whichever comes first."""
    site = behind()
    for name in ("ann", "bob"):
        api = Api(site.balancer.url, site.ca).login(name, PASSWORD, site.secrets[name])
        assert search(api)[0] == 200
        search(api)    # so that the next one begins at the other


def test_a_session_that_ended_has_ended_at_both(behind):
    site = behind()
    api = site.user("ann")
    ann = through(site, api)
    assert [search(ann)[0] for _ in range(4)] == [200] * 4
    assert api.call("POST", "/api/v1/auth/logout")[0] == 204
    assert [search(ann)[0] for _ in range(4)] == [401] * 4


def test_what_is_taken_away_at_one_is_gone_at_both(behind):
    """Roles, accounts and sessions, at whichever replica they are used next."""
    site = behind()
    secret = site.add_user("ada", PASSWORD, "--role", "administrator")
    ada = site.api("ada", PASSWORD, secret)
    users = {u["username"]: "/api/v1/users/%s/" % u["id"] for u in ada.json("GET", "/api/v1/users/")[1]["items"]}
    ann, bob = (through(site, site.user(name)) for name in ("ann", "bob"))

    def found(api):
        return {search(api)[0] for _ in range(4)}

    assert found(ann) == found(bob) == {200}
    assert ada.json("PATCH", users["ann"], {"roles": []})[0] == 200
    assert found(ann) == {403}
    assert ada.json("PATCH", users["ann"], {"roles": ["investigator"]})[0] == 200
    assert found(ann) == {200}
    assert ada.json("POST", users["ann"] + "disable")[0] == 200
    assert found(ann) == {401}
    assert ada.json("POST", users["ann"] + "enable")[0] == 200
    assert found(ann) == {401}    # the session stays ended
    assert ada.call("DELETE", users["bob"] + "sessions/")[0] == 204
    assert found(bob) == {401}


def test_a_token_of_a_program_is_dead_at_both(new_site, servers):
    """Replaced or out of use at one replica, and shown at the other."""
    ports = [free_port(), free_port()]
    site = new_site()
    authority = Authority(site.path("clients"))
    site.write_conf(**{"queryd.client_listen": "127.0.0.1:%d" % ports[0], "queryd.tls_client_ca": authority.ca})
    site.init()
    secret = site.add_user("ada", PASSWORD, "--role", "administrator")
    site.start("queryd")
    servers.append(Replica(site, {"queryd.client_listen": "127.0.0.1:%d" % ports[1]}))
    certificate = authority.sign("robot")
    with open(certificate[0]) as f:
        digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(f.read())).hexdigest()
    ada = site.api("ada", PASSWORD, secret)
    status, robot = ada.json("POST", "/api/v1/service-accounts/", {"name": "robot", "certificate_sha256": digest, "roles": ["investigator"],
                                                                   "scope": {"all": True}})
    assert status == 201, robot
    path = "/api/v1/service-accounts/%s/" % robot["id"]

    def found(token):
        statuses = []
        for port in ports:
            api = Api("https://127.0.0.1:%d" % port, site.ca)
            context = ssl.create_default_context(cafile=site.ca)
            context.load_cert_chain(*certificate)
            api.c, api.token = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=60), token
            statuses.append(search(api)[0])
        return statuses

    assert found(robot["token"]) == [200, 200]
    status, other = ada.json("POST", path + "rotate")
    assert status == 200
    assert found(robot["token"]) == [401, 401] and found(other["token"]) == [200, 200]
    assert ada.json("PATCH", path, {"roles": []})[0] == 200
    assert found(other["token"]) == [403, 403]
    assert ada.json("POST", path + "disable")[0] == 200
    assert found(other["token"]) == [401, 401]


def test_no_limit_is_met_by_default(site):
    """Somebody who works, or measures: thousands of requests in a minute."""
    site.secret = site.add_user("eve", PASSWORD, "--all")
    site.start("queryd")
    api = site.api("eve", PASSWORD, site.secret)
    assert {search(api)[0] for _ in range(300)} == {200}


def test_limited_requests_are_counted_and_not_audited(site):
    ports = metrics.listen(site, "queryd")
    site.write_conf(queryd__searches_per_user_max="1")
    site.secret = site.add_user("eve", PASSWORD, "--all")
    site.start("queryd")
    one_window()
    api = site.api("eve", PASSWORD, site.secret)
    assert [search(api)[0] for _ in range(3)] == [200, 429, 429]
    assert metrics.read(ports["queryd"])['strongroom_queryd_limited_total{limit="search"}'] == 2
    assert len([line for line in site.log("queryd") if "no more requests are taken" in line["message"]]) == 1


def test_many_searches_of_one_hold_up_nobody_else(site):
    """Few turns: somebody who asks a lot at once gets them all in the end, and another one gets his at once."""
    site.write_conf(queryd__searches_at_once="2", queryd__searches_waiting_max="100")
    secrets = {name: site.add_user(name, PASSWORD, "--all") for name in ("ann", "bob")}
    site.start("queryd")
    ann, bob = (site.api(name, PASSWORD, secret) for name, secret in secrets.items())
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        crowd = [pool.submit(lambda: [search(a)[0] for a in [ann.another()] for _ in range(10)]) for _ in range(20)]
        assert [search(bob)[0] for _ in range(10)] == [200] * 10
        assert {status for f in crowd for status in f.result()} == {200}


def test_the_queue_has_an_end(site):
    site.write_conf(queryd__searches_at_once="2", queryd__searches_waiting_max="1")
    site.secret = site.add_user("ann", PASSWORD, "--all")
    site.start("queryd")
    ann = site.api("ann", PASSWORD, site.secret)
    answers = []

    def many(_):
        mine = ann.another()
        for _ in range(20):
            status, text, headers = search(mine)
            answers.append(status)
            if status == 429:
                assert json.loads(text)["type"] == "urn:strongroom:problem:limit" and int(headers["Retry-After"]) > 0

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(many, range(16)))
    assert set(answers) <= {200, 429} and 200 in answers
