"""The index at a server, Elasticsearch and OpenSearch: whatever becomes of the server, mail is taken, and becomes searchable by
itself when the server is well again; whoever searches gets all that there is, or is told that it can't be had."""
import base64
import contextlib
import json
import os
import signal
import subprocess
import time

import pytest

from oracle import Load, outbox, wait_searchable
from stack import engines
from stack.haproxy import EngineDoor
from stack.http_double import HttpDouble
from stack.process import free_port, wait_until
from stack.site import Site

PASSWORD = "correct horse battery staple"

pytestmark = [pytest.mark.engines, pytest.mark.embedded("it brings its own servers")]


@pytest.fixture(scope="module", params=["opensearch.OpenSearch", "elasticsearch.Elasticsearch"])
def engine(request):
    with contextlib.closing(engines.load(request.param)()) as e:
        yield e.start()


@pytest.fixture
def double(engine):
    """Between the daemons and the engine."""
    d = HttpDouble(engine.port)
    yield d
    d.close()


@pytest.fixture
def make_site(engine, new_site):
    """make_site(hosts, …): set up, with an index of its own; an investigator `eve` who may see everything."""
    made = []

    def make(hosts=None, init=True, **settings):
        name = "t" + os.urandom(6).hex()
        site = new_site(settings={"index": "es:" + name, "es.hosts": hosts or engine.url, "es.shards": "2", "es.replicas": "0",
                                  "workerd.outbox_interval": "200ms", **{k.replace("__", "."): v for k, v in settings.items()}})
        site.alias = name
        made.append(name)
        if init:
            site.init()
            site.secret = site.add_user("eve", PASSWORD, "--all")
        return site

    yield make
    if not engine.running():
        engine.start()
    for name in made:
        for index in indices(engine, name):
            engine.call("DELETE", "/" + index)
        engine.call("DELETE", "/_index_template/" + name)


def indices(engine, alias):
    status, answer = engine.call("GET", "/_cat/indices/%s*?format=json&h=index" % alias)
    return [row["index"] for row in answer] if status == 200 else []


def mail(number, word="word"):
    return (b"From: a@example.org\r\nTo: b@example.net\r\nSubject: number%d\r\nDate: Mon, 15 Jun 2020 12:00:00 +0000\r\n\r\n"
            b"%s body%d\r\n" % (number, word.encode(), number))


def send(site, numbers, word="word"):
    with site.lmtp() as c:
        for n in numbers:
            code, text = c.send(mail(n, word))[0]
            assert code == 250, text


def eve(site):
    return site.api("eve", PASSWORD, site.secret)


def wait_found(site, count, query="word"):
    """Until so many are found, and search says that none is missing."""
    with contextlib.closing(eve(site)) as api:
        def whole():
            status, answer = api.json("POST", "/api/v1/search/emails/", {"query": query})
            return status == 200 and answer["total"] == count and answer["coverage"]["not_indexed"] == 0
        wait_until("%d messages are found" % count, whole, 90, 0.2)


def status_of(site):
    return json.loads(site.run("status", "--json", check=False)[1])


# ---- the server goes away ----

@pytest.mark.parametrize("how", ["stopped", "killed", "paused"])
def test_mail_is_taken_while_the_server_is_away(engine, make_site, how):
    site = make_site(es__timeout="2s")
    site.start("lmtpd", "queryd", "workerd")
    send(site, range(5))
    wait_found(site, 5)
    {"stopped": engine.stop, "killed": engine.kill, "paused": engine.pause}[how]()
    try:
        send(site, range(5, 60))
        assert outbox(site) >= 55
        with contextlib.closing(eve(site)) as api:
            status, _ = api.json("POST", "/api/v1/search/emails/", {"query": "word"})
        assert status == 503
    finally:
        if how == "paused":
            engine.pause(False)
        else:
            engine.start()
    wait_found(site, 60)
    assert outbox(site) == 0


def test_it_is_away_when_the_daemons_start(engine, make_site):
    site = make_site(es__timeout="2s")
    engine.stop()
    try:
        site.start("lmtpd", "workerd")
        send(site, range(10))
        assert outbox(site) == 10
    finally:
        engine.start()
    site.start("queryd")
    wait_found(site, 10)


def test_it_is_killed_under_load(engine, make_site):
    """Every message is found in the end, once, though bulk requests were cut in the middle."""
    site = make_site(es__timeout="5s")
    site.start("lmtpd", "queryd", "workerd")
    load = Load(("127.0.0.1", site.lmtp_port), connections=3, pause=0.05).start()
    for _ in range(2):
        before = len(load.acked)
        wait_until("mail is taken", lambda: len(load.acked) > before + 100, 60)
        engine.kill()
        wait_until("mail is taken without it", lambda: len(load.acked) > before + 200, 60)
        engine.start()
    load.stop()
    load.offer_again()
    wait_searchable(site)
    engine.call("POST", "/%s/_refresh" % site.alias)
    status, answer = engine.call("POST", "/%s/_search" % site.alias, {"size": 10000, "_source": False, "sort": [{"id": "asc"}]})
    found = [hit["_id"] for hit in answer["hits"]["hits"]]
    assert len(found) == len(set(found)) and set(load.acked) <= set(found)


# ---- it answers, but not what one would like ----

BUSY = {"error": {"type": "es_rejected_execution_exception", "reason": "rejected execution of coordinating operation"}, "status": 429}


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_gets_it_later(double, make_site, status):
    site = make_site(double.url)
    rule = double.answer("POST /_bulk", status, {**BUSY, "status": status}, times=3)
    site.start("lmtpd", "queryd", "workerd")
    send(site, range(20))
    wait_found(site, 20)
    assert rule.used == 3


def test_single_documents_that_are_put_off(double, make_site):
    """A shard was busy: the bulk request succeeded, some of its documents did not."""
    site = make_site(double.url)

    def put_off(status, answer):
        for item in answer["items"][::2]:
            item["create"] = {"status": 429, "error": {"type": "es_rejected_execution_exception", "reason": "queue capacity"}}
        return status, {**answer, "errors": True}
    rule = double.change_answer("POST /_bulk", put_off, times=4)
    site.start("lmtpd", "queryd", "workerd")
    send(site, range(20))
    wait_found(site, 20)
    assert rule.used == 4


def test_a_document_that_does_not_fit_is_alone_with_it(double, make_site):
    """The others of its batch are indexed; it stays on the outbox, search says so, and a log line says which and why."""
    site = make_site(double.url)
    spoilt = double.change_request("POST /_bulk", lambda body: b"\n".join(
        line.replace(b'"size":', b'"size":"no number","unknown":') if b"body7" in line else line for line in body.split(b"\n")))
    site.start("lmtpd", "queryd", "workerd")
    send(site, range(30))
    wait_until("one is left", lambda: outbox(site) == 1, 60)
    with contextlib.closing(eve(site)) as api:
        answer = api.search("word")
        assert answer["total"] == 29 and answer["coverage"]["not_indexed"] == 1
    site.log_line("workerd", "the index refuses this message")
    assert outbox(site) == 1 and spoilt.used
    double.heal()
    site.stop("workerd")    # what was refused is left alone for a while
    site.start("workerd")
    wait_found(site, 30)


def test_a_request_that_is_too_large_is_cut(double, make_site):
    """A proxy before the cluster takes less than the cluster."""
    site = make_site(double.url)
    site.start("lmtpd")
    send(site, range(3))
    site.stop("lmtpd")
    rule = double.answer("POST /_bulk", 413, times=1)
    site.run("reindex")
    assert rule.used == 1 and status_of(site)["indexed"] == 3


def shard_failed(status, answer):
    answer["_shards"].update(failed=1, successful=answer["_shards"]["total"] - 1)
    return status, answer


SPOILT = {
    "a shard failed": shard_failed,
    "it took too long": lambda status, answer: (status, {**answer, "timed_out": True}),
    "an error": lambda status, answer: (503, {"error": {"type": "search_phase_execution_exception", "reason": "all shards failed"}}),
    "half an answer": lambda status, answer: (status, {"took": 1}),
    "no total": lambda status, answer: (status, {**answer, "hits": {"hits": []}}),
}


def test_never_silently_fewer(double, make_site):
    site = make_site(double.url)
    site.start("lmtpd", "queryd")
    send(site, range(3))
    wait_found(site, 3)
    with contextlib.closing(eve(site)) as api:
        for what, change in SPOILT.items():
            rule = double.change_answer("POST /%s/_search" % site.alias, change)
            status, problem = api.json("POST", "/api/v1/search/emails/", {"query": "word"})
            assert (status, rule.used) == (503, 1), what
            assert "shards" not in json.dumps(problem), "%s: it is nothing of the searcher's" % what
            double.heal()
        double.answer("POST /%s/_search" % site.alias, 200, b"{\"hits\":", times=1)
        assert api.json("POST", "/api/v1/search/emails/", {"query": "word"})[0] == 503
        assert api.search("word")["total"] == 3


# ---- what answers there ----

@pytest.mark.parametrize("answer, header, says", [
    ({"version": {"number": "1.3.20", "distribution": "opensearch"}}, None, "OpenSearch 1.3.20 is too old"),
    ({"version": {"number": "7.10.2"}}, None, "neither Elasticsearch nor OpenSearch"),
    (b"<html>It works!</html>", None, "neither Elasticsearch nor OpenSearch")])
def test_another_product_is_refused(make_site, answer, header, says):
    with contextlib.closing(HttpDouble()) as d:
        d.answer("GET /$", 200, answer)
        site = make_site(d.url, init=False)
        status, out, err = site.run("init", "--trial-tls", "localhost", check=False)
        assert status and says in err
        assert [line for line in d.seen if not line.startswith("GET ")] == []    # and nothing is written to it


def test_without_hosts_it_says_so(make_site):
    site = make_site(init=False)
    site.write_conf(es__hosts="")
    status, out, err = site.run("init", "--trial-tls", "localhost", check=False)
    assert status and "[es] hosts is empty" in err


# ---- TLS and who one is ----

@pytest.fixture
def tls(engine, servers):
    p = EngineDoor(engine.port)
    servers.append(p)
    return p.start()


def secret_file(site, name, text, mode=0o600):
    path = site.path(name)
    with open(path, "w") as f:
        f.write(text + "\n")
    os.chmod(path, mode)
    if os.geteuid() == 0:
        os.chown(path, *site.owner())
    return path


@pytest.mark.parametrize("how", ["password", "API key", "encoded API key"])
def test_signs_in_over_tls(tls, make_site, how):
    site = make_site(tls.url, init=False, es__ca_file=tls.ca)
    if how == "password":
        site.write_conf(es__user=EngineDoor.USER, es__password_file=secret_file(site, "es-password", EngineDoor.PASSWORD))
    else:
        key = EngineDoor.API_KEY if how == "API key" else base64.b64encode(EngineDoor.API_KEY.encode()).decode()
        site.write_conf(es__api_key_file=secret_file(site, "es-key", key))
    site.init()
    site.secret = site.add_user("eve", PASSWORD, "--all")
    site.start("lmtpd", "queryd")
    send(site, range(3))
    wait_found(site, 3)
    for name in ("lmtpd", "queryd"):
        assert EngineDoor.PASSWORD not in open(site.log_path(name)).read()


@pytest.mark.parametrize("wrong, says", [
    ("password", "401"), ("no password", "401"), ("certificate", "certificate"), ("name", "127.0.0.1"), ("open file", "every account"),
    ("in the clear", "use https")])
def test_does_not_sign_in_where_it_should_not(tls, make_site, wrong, says):
    site = make_site(tls.url, init=False, es__ca_file=tls.ca)
    if wrong == "certificate":
        site.write_conf(es__ca_file="")
    elif wrong == "name":
        site.write_conf(es__hosts="https://127.0.0.1:%d" % tls.port)
    elif wrong == "in the clear":
        site.write_conf(es__hosts="http://192.0.2.1:9200")
    if wrong != "no password":
        password = "guessed" if wrong == "password" else EngineDoor.PASSWORD
        site.write_conf(es__user=EngineDoor.USER, es__password_file=secret_file(site, "es-password", password, 0o644 if wrong == "open file" else 0o600))
    status, out, err = site.run("init", "--trial-tls", "localhost", check=False)
    assert status and says in err
    assert EngineDoor.PASSWORD not in err


# ---- several hosts ----

def test_another_host_takes_over(engine, make_site, servers):
    doubles = [HttpDouble(engine.port) for _ in range(2)]
    servers += doubles
    dead = "http://127.0.0.1:%d" % free_port()
    site = make_site(" ".join([dead] + [d.url for d in doubles]))
    site.start("lmtpd", "queryd", "workerd")
    send(site, range(5))
    wait_found(site, 5)
    assert doubles[0].seen and not doubles[1].seen    # the one that answers is stayed with
    doubles[0].close()
    send(site, range(5, 15))
    wait_found(site, 15)
    assert doubles[1].seen


def test_a_proxy_without_its_server_is_no_answer(engine, make_site, servers):
    """502 from the first: the second is asked, and the first left alone for a while."""
    first, second = HttpDouble(free_port()), HttpDouble(engine.port)
    servers += [first, second]
    site = make_site(first.url + " " + second.url)
    site.start("lmtpd", "queryd")
    send(site, range(5))
    wait_found(site, 5)
    assert len(second.seen) > len(first.seen)


# ---- rebuilding ----

def test_the_alias_moves_while_mail_comes_in(engine, make_site):
    site = make_site()
    site.start("lmtpd", "queryd", "workerd")
    load = Load(("127.0.0.1", site.lmtp_port), connections=3, pause=0.05).start()
    for _ in range(3):
        before = len(load.acked)
        wait_until("mail is taken", lambda: len(load.acked) > before + 50, 60)
        site.run("reindex")
    load.stop()
    load.offer_again()
    wait_searchable(site)
    assert len(indices(engine, site.alias)) == 1    # nothing of the others is left
    state = status_of(site)
    assert state["indexed"] == state["messages"] == len(load.acked)


def test_a_rebuild_that_was_killed_goes_on(engine, double, make_site):
    site = make_site(double.url)
    site.start("lmtpd", "workerd")
    send(site, range(1200))
    wait_searchable(site)
    bulks = []

    def kill_at_the_second(body):
        bulks.append(body)
        if len(bulks) == 2:
            p.send_signal(signal.SIGTERM)
        return body
    double.change_request("POST /_bulk", kill_at_the_second)
    p = subprocess.Popen([site.program("strongroom"), "reindex"], env=site.env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = p.communicate(timeout=60)
    assert b"goes on from here" in out, (out, err)
    assert status_of(site)["indexed"] == 1200 and len(indices(engine, site.alias)) == 2
    double.heal()
    _, out, _ = site.run("reindex")
    assert "1200 of 1200" in out
    assert status_of(site)["indexed"] == 1200 and len(indices(engine, site.alias)) == 1


def test_a_rebuild_whose_last_answer_is_lost_is_done(engine, double, make_site):
    """The alias has moved; asking for it again finds the old indices gone."""
    site = make_site(double.url)
    site.start("lmtpd", "workerd")
    send(site, range(10))
    wait_searchable(site)
    before = indices(engine, site.alias)
    rule = double.change_answer("POST /_aliases", lambda status, answer: (503, {"error": {"type": "a proxy", "reason": "gave up"}}))
    site.run("reindex")
    assert rule.used
    after = indices(engine, site.alias)
    assert len(after) == 1 and set(after).isdisjoint(before)
    assert status_of(site)["indexed"] == 10


def test_a_range_of_months(engine, make_site):
    site = make_site()
    site.start("lmtpd", "workerd")
    send(site, range(20))
    wait_searchable(site)
    names = indices(engine, site.alias)
    this = time.strftime("%Y-%m", time.gmtime())
    _, out, _ = site.run("reindex", "--until", "2020-06")
    assert out.startswith("0 of 0 ") and set(names) <= set(indices(engine, site.alias))
    _, out, _ = site.run("reindex", "--from", this, "--until", this)
    assert out.startswith("20 of 20 ") and not set(names) & set(indices(engine, site.alias))
    assert status_of(site)["indexed"] == 20
    for args in (("--from", "2020"), ("--from", "2020-13"), ("--from", "2021-01", "--until", "2020-12")):
        status, _, err = site.run("reindex", *args, check=False)
        assert status == 2 and "month" in err or "before" in err


def test_a_lost_index_is_built_anew_by_itself(engine, make_site):
    site = make_site()
    site.start("lmtpd", "queryd", "workerd")
    send(site, range(30))
    wait_found(site, 30)
    for name in indices(engine, site.alias):
        engine.call("DELETE", "/" + name)
    send(site, range(30, 40))
    site.stop("workerd")    # counts when it starts
    site.start("workerd")
    wait_found(site, 40)


# ---- the unit tests of the index, at a server ----

@pytest.mark.parametrize("name", ["search", "scope", "paging", "prefix", "es_rebuild", "facets", "conversation", "remove"])
def test_unit(engine, name):
    program = os.path.join(Site.program(type("Build", (), {"build": os.environ.get("STRONGROOM_BUILD", "build/release")}), ""),
                           "tests/unit/index/test_" + name)
    if not os.path.exists(program):
        pytest.skip("%s is not built" % program)
    r = subprocess.run([program], env={**os.environ, "STRONGROOM_TEST_ES": engine.url}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       timeout=300)
    assert r.returncode == 0, r.stdout.decode("utf-8", "replace")[-3000:]
    assert b"PASSED" in r.stdout
