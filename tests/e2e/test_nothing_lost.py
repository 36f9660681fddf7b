"""Nothing acknowledged is lost, and nothing is archived twice, whatever happens between the daemons and an engine.

Each boundary of the order of writes (each request that a capture sends to store, database and index, and each that the drain of
the outbox sends) is broken by each action on each side: the request lost whole or in part, the answer lost after the engine did
what was asked. Then the engines themselves are stopped, killed and held under load, and the disks under them fill. Every message
that got no 250 is offered again, as a mail server does. At the end the oracle reads everything behind the daemons' backs.

STRONGROOM_NOTHING_LOST=all runs each boundary with every action; without it with the two that matter most (the request is lost; the
answer is lost). test_the_enumeration_is_complete compares the list here with what daemons really send."""
import contextlib
import hashlib
import itertools
import os
import re
import time

import pytest

from oracle import Load, check_all, outbox, wait_searchable
from stack import Missing, engines
from stack.fault_proxy import MySql
from stack.lmtp import Client
from stack.process import wait_until
from stack.site import Site

pytestmark = pytest.mark.faults

ALL = os.environ.get("STRONGROOM_NOTHING_LOST") == "all"

# (side, action, at): `at` as in Fault.
ACTIONS = [
    ("request", "cut", 0), ("reply", "cut", 0),    # the two that are always run
    ("request", "cut", 0.5), ("request", "reset", 0), ("request", "drop", 0), ("request", "drop", 0.5), ("request", "delay", 0),
    ("reply", "cut", 0.5), ("reply", "reset", 0), ("reply", "drop", 0), ("reply", "drop", 0.5), ("reply", "delay", 0),
]

# What the request is called by its engine's protocol (fault_proxy.py), in the order of writes. A capture's:
CAPTURE = {
    "meta": ["^SELECT @@global.read_only", "^SELECT message_id FROM capture_key", "^START TRANSACTION", "^INSERT INTO capture_key",
             "^INSERT INTO message", "^INSERT INTO participant", "^INSERT INTO mailbox_message", "^INSERT INTO attachment",
             "^INSERT INTO outbox", "^SELECT first_seq", "^INSERT INTO ledger_record", "^INSERT INTO ledger_batch", "^COMMIT",
             "^DELETE FROM outbox"],
    "store": ["^HEAD /[^/]+$", "^PUT /[^/]+/m/"],
    "index": ["^POST /_bulk", "^POST /[^/]+/_refresh"],
}
READINESS = ("^SELECT @@global.read_only", "^HEAD /[^/]+$")    # a good answer is believed for a quarter of a second
AFTERWARDS = ("^DELETE FROM outbox", "^POST /_bulk", "^POST /[^/]+/_refresh")    # the reply may have been given before
# only on a new connection
CONNECT = {
    "meta": ["^sign-in", "^SET SESSION sql_mode", "^SET SESSION TRANSACTION", "^prepare SELECT message_id FROM capture_key",
             "^prepare INSERT INTO capture_key", "^prepare INSERT INTO ledger_batch"],
}
# workerd's, for a message that could not be indexed at once
DRAIN = {
    "meta": ["^SELECT message_id FROM outbox", "^SELECT m.id", "^SELECT role", "^SELECT name", "^START TRANSACTION", "^DELETE FROM outbox", "^COMMIT"],
    "store": ["^GET /[^/]+/m/"],
    "index": ["^POST /_bulk", "^POST /[^/]+/_refresh"],
}
# Statements that come by and belong to neither: looks at what is not part of the order of writes.
BESIDE = re.compile(r"^(ping|prepare |SELECT id FROM message WHERE id < \?|SELECT count|SELECT GET_LOCK|DO RELEASE_LOCK|ROLLBACK|sign-in|SET |GET |HEAD |"
                    r"SELECT .*(relocation|attachment|reconcile|lease|partition|account_day|schema))")

MESSAGE = (b"From: s%d@example.net\r\nTo: alice@example.org\r\nSubject: case %d\r\nMessage-ID: <%d.%d@example.net>\r\nMIME-Version: 1.0\r\n"
           b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nbody\r\n--b\r\nContent-Type: text/csv; name=a.csv\r\n"
           b"Content-Disposition: attachment; filename=a.csv\r\n\r\n1,2,3\r\n--b--\r\n")

SETTINGS = {"workerd.outbox_interval": "200ms", "index_wait": "2s"}
PATIENCE = {"mysql__timeout": "3s", "s3__timeout": "3s", "es__timeout": "3s"}    # so that a silent engine costs a test no half minute


def cases(boundaries):
    found = []
    for part, labels in boundaries.items():
        for label, (side, action, at) in itertools.product(labels, ACTIONS if ALL else ACTIONS[:2]):
            name = "%s-%s-%s-%s@%s" % (part, re.sub(r"\W+", "_", label.strip("^$"))[:40].strip("_"), side, action, at)
            found.append(pytest.param(part, label, side, action, at, id=name))
    return found


class Place:
    """A site on the stack's engines whose lmtpd talks to them through proxies. workerd does so too when asked."""

    def __init__(self, **settings):
        self.site = Site(settings={**SETTINGS, **settings})
        if set(self.site.proxies) < {"store", "meta", "index"}:
            self.site.close()
            raise Missing("STRONGROOM_STACK names no engines: between the daemons and files there is nothing to cut")
        self.make_statements_readable()
        self.site.init()
        self.site.write_conf(**PATIENCE)
        self.load = Load(("127.0.0.1", self.site.lmtp_port))
        self.number = 0

    def make_statements_readable(self):
        """No TLS to the database: the proxy finds statements by their text."""
        site = self.site
        engine = site.servers.parts["meta"]
        for program in (None, "lmtpd", "workerd"):
            engine.execute("ALTER USER '%s'@'%%' REQUIRE NONE" % engine.account(program))
        site.proxies["meta"].protocol = MySql
        site.write_conf(mysql__tls="never", mysql__tls_ca="")

    def direct(self):
        """The environment of a daemon that goes to the engines by itself."""
        ports = {part: engine.port for part, engine in self.site.servers.parts.items()}
        return {"S3_ENDPOINT": "http://127.0.0.1:%d" % ports["store"], "DB_PORT": str(ports["meta"]), "ES_HOSTS": "http://127.0.0.1:%d" % ports["index"]}

    def start(self, drain=True):
        self.site.start("lmtpd")
        if drain:
            self.site.start("workerd", env=self.direct())

    def message(self):
        self.number += 1
        raw = MESSAGE % (1, self.number, self.number, id(self))
        self.load.sent[hashlib.sha256(raw).hexdigest()] = raw
        return raw

    def offer(self, raw, timeout=40):
        """The answer's code; None when none came."""
        try:
            with Client(self.load.address, timeout=timeout) as c:
                reply = c.send(raw)[0]
        except (OSError, ConnectionError, ValueError):
            self.load.unanswered.append(raw)
            return None
        self.load.note(raw, reply)
        return reply[0]

    def until_taken(self):
        """What got no 250 is offered until it has one."""
        def all_taken():
            waiting, self.load.unanswered = self.load.unanswered, []
            for raw in waiting:
                self.offer(raw)
            return not self.load.unanswered
        wait_until("every message is taken in the end", all_taken, 60, 0.1)

    def heal(self):
        for proxy in self.site.proxies.values():
            proxy.heal()

    def one_capture(self, raw):
        """One row, one leaf, one key of these bytes; the object that the row names holds them."""
        digest = hashlib.sha256(raw).digest()
        rows = self.site.rows("SELECT * FROM message WHERE sha256 = ?", (digest,))
        assert len(rows) == 1, "%d rows" % len(rows)
        row = rows[0]
        assert hashlib.sha256(self.site.store.at(row)).digest() == digest
        for table, column in (("ledger_record", "message_id"), ("capture_key", "message_id")):
            assert self.site.rows("SELECT count(*) FROM %s WHERE %s = ?" % (table, column), (row["id"],))[0][0] == 1, table

    def sound(self):
        """The whole account."""
        self.heal()
        self.until_taken()
        if not self.site.running("workerd"):
            self.site.start("workerd", env=self.direct())
        wait_searchable(self.site)
        return check_all(self.site, self.load)

    def close(self):
        self.site.close()


@pytest.fixture(scope="module")
def place():
    p = Place()
    try:
        p.start()
        assert p.offer(p.message()) == 250
        yield p
    finally:
        p.close()


@pytest.fixture(autouse=True)
def logs(request):
    if "place" in request.fixturenames:
        request.node.servers = [request.getfixturevalue("place").site]
    yield


def break_one(place, part, label, side, action, at, fresh):
    proxy = place.site.proxies[part]
    if fresh:
        proxy.break_all()
    if label in READINESS:
        time.sleep(0.3)
    if label in AFTERWARDS:
        wait_until("the outbox is empty", lambda: outbox(place.site) == 0, 60, 0.1)
    fault = proxy.arm(label, side, action, at=at, seconds=0.5)
    raw = place.message()
    code = place.offer(raw)
    if label in AFTERWARDS:
        fault.wait(30)
    assert fault.fired, "no such request came by (the answer is %s); the last ones:\n%s" % (code, "\n".join(proxy.labels()[-20:]))
    place.heal()
    place.until_taken()
    place.one_capture(raw)
    return code


@pytest.mark.parametrize("part, label, side, action, at", cases(CAPTURE))
def test_capture(place, part, label, side, action, at):
    code = break_one(place, part, label, side, action, at, fresh=False)
    assert code in (250, 451), code    # the daemon lives, and a client that asks is answered
    if part == "index":
        assert code == 250    # the index is never in the way


@pytest.mark.parametrize("part, label, side, action, at", cases(CONNECT))
def test_capture_over_new_connections(place, part, label, side, action, at):
    assert break_one(place, part, label, side, action, at, fresh=True) in (250, 451)


# ---- what follows a loss: the look-up is lost as well ----

@pytest.mark.parametrize("side", ["request", "reply"])
@pytest.mark.parametrize("times", [1, 3])
def test_answer_and_look_up_are_lost(place, side, times):
    """The commit happened, its answer is lost, and so is the question whether it happened."""
    proxy = place.site.proxies["meta"]
    commit = proxy.arm("^COMMIT", "reply", "cut")
    raw = place.message()
    look_up = proxy.arm("^(prepare )?SELECT message_id FROM capture_key", side, "cut", nth=2, times=times)
    assert place.offer(raw) in (250, 451) and commit.fired
    place.heal()
    place.until_taken()
    place.one_capture(raw)
    assert look_up.seen


@pytest.mark.parametrize("side", ["request", "reply"])
def test_put_and_look_up_are_lost(place, side):
    """The object is stored, its answer is lost, and so is the question whether it is there."""
    proxy = place.site.proxies["store"]
    put = proxy.arm("^PUT /[^/]+/m/", "reply", "cut")
    look_up = proxy.arm("^(GET|HEAD) /[^/]+[/?]", side, "cut", times=5)
    raw = place.message()
    assert place.offer(raw) in (250, 451) and put.fired and look_up.fired
    place.heal()
    place.until_taken()
    place.one_capture(raw)


@pytest.mark.parametrize("at", [0, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_corrupted_put(place, at):
    """Head and body are signed and hashed: a store takes no byte that was not sent."""
    fault = place.site.proxies["store"].arm("^PUT /[^/]+/m/", "request", "corrupt", at=at)
    raw = place.message()
    assert place.offer(raw) in (250, 451) and fault.fired
    place.heal()
    place.until_taken()
    place.one_capture(raw)


def test_everything_is_there(place):
    """After all of the above, which shared one archive."""
    assert place.sound() == len(place.load.sent)


def covered(label, part, boundaries):
    return any(re.search(pattern, label) for pattern in boundaries.get(part, ())) or BESIDE.match(label)


def test_the_enumeration_is_complete(place):
    """Every request that one capture sends is one of the boundaries above, and each of them is sent."""
    for proxy in place.site.proxies.values():
        proxy.forget()
    assert place.offer(place.message()) == 250
    wait_until("it is indexed", lambda: outbox(place.site) == 0, 30)
    seen = {part: proxy.labels() for part, proxy in place.site.proxies.items() if part in CAPTURE}
    assert [(part, label) for part, labels in seen.items() for label in labels if not covered(label, part, CAPTURE)] == []
    assert [(part, pattern) for part, patterns in CAPTURE.items() for pattern in patterns
            if not any(re.search(pattern, label) for label in seen[part])] == []


# ---- the drain ----

@pytest.fixture(scope="module")
def drain():
    """lmtpd can't reach the index at all; workerd goes through the proxies."""
    p = Place(index_wait="0s")
    try:
        p.site.start("lmtpd", env={"ES_HOSTS": "http://127.0.0.1:1"})
        p.site.start("workerd")
        yield p
    finally:
        p.close()


@pytest.mark.parametrize("part, label, side, action, at", cases(DRAIN))
def test_drain(drain, request, part, label, side, action, at):
    """What the outbox holds reaches the index, once, whatever was lost in between."""
    request.node.servers = [drain.site]
    wait_until("the outbox is empty", lambda: outbox(drain.site) == 0, 60, 0.1)
    fault = drain.site.proxies[part].arm(label, side, action, at=at, seconds=0.5)
    assert drain.offer(drain.message()) in (250, 451)
    fault.wait(60)
    drain.heal()
    drain.until_taken()


def test_everything_is_drained(drain, request):
    request.node.servers = [drain.site]
    drain.heal()
    drain.until_taken()
    wait_searchable(drain.site)
    assert check_all(drain.site, drain.load) == len(drain.load.sent)


# ---- engines that end, and come back ----

@pytest.fixture
def under_load(servers):
    """A place of its own with mail coming in on four connections, and a drain."""
    p = Place()
    servers.append(p.site)
    p.start()
    p.load.pause = 0.01
    p.load.start()
    wait_until("mail is taken", lambda: len(p.load.acked) > 5, 60)
    return p


def outage(engine, how, seconds):
    if how == "pause":
        pids = [engine.pid]
        for pid in pids:
            os.kill(pid, 19)
        time.sleep(seconds)
        for pid in pids:
            os.kill(pid, 18)
        return
    engine.kill() if how == "kill" else engine.stop()
    time.sleep(seconds)
    engine.start()


@pytest.mark.heavy
@pytest.mark.parametrize("part", ["store", "meta", "index"])
@pytest.mark.parametrize("how", ["kill", "stop", "pause"])
def test_engine_ends_under_load(under_load, part, how):
    p = under_load
    for _ in range(2):
        mark = len(p.load.acked)
        outage(p.site.servers.parts[part], how, 1)
        wait_until("mail is taken again", lambda: len(p.load.acked) > mark + 5, 120)
    p.load.stop()
    assert p.sound() == len(p.load.sent)


@pytest.mark.heavy
def test_all_engines_are_killed_at_once(under_load):
    p = under_load
    parts = [p.site.servers.parts[name] for name in ("store", "meta", "index")]
    mark = len(p.load.acked)
    for engine in parts:
        engine.kill()
    for engine in parts:
        engine.start()
    wait_until("mail is taken again", lambda: len(p.load.acked) > mark + 5, 120)
    p.load.stop()
    assert p.sound() == len(p.load.sent)


@pytest.mark.heavy
def test_capture_goes_on_without_the_index(servers):
    """For the whole run; afterwards it catches up by itself."""
    p = Place()
    servers.append(p.site)
    with p.site.index.away():
        p.site.start("lmtpd", "workerd")
        p.load.start()
        wait_until("much mail is taken", lambda: len(p.load.acked) > 300, 120)
        p.load.stop()
        assert p.load.refused == 0 and outbox(p.site) >= len(p.load.acked)
    assert p.sound() == len(p.load.sent)


# ---- disks under the engines ----

@contextlib.contextmanager
def small_disk(mib):
    from test_faults_surroundings import small_disk as mounted
    from stack.process import private_dir
    folder = private_dir("strongroom-disk.")
    with mounted(folder, mib, (0, 0)):
        os.chmod(folder, 0o777)
        yield folder
    os.rmdir(folder)


# Room that the engine needs to start, by its starter; Ceph's only file is sparse and of 8 GiB: its OSD would end, not refuse.
ROOM = {"mariadb.MariaDB": 420, "mysql.MySQL": 520, "minio.Minio": 300, "opensearch.OpenSearch": 300, "elasticsearch.Elasticsearch": 300}


@pytest.mark.heavy
@pytest.mark.parametrize("part", ["meta", "store", "index"])
def test_disk_under_an_engine_fills(servers, part):
    starter = engines.starters(engines.stack_name())[part] if engines.current() else None
    if starter not in ROOM:
        pytest.skip("no disk can be made to fill under %s here" % starter)
    from test_faults_surroundings import fill
    with small_disk(ROOM[starter]) as disk, contextlib.ExitStack() as stack:
        engine = engines.load(starter)(dir=os.path.join(disk, "engine"))
        stack.callback(engine.close)
        os.makedirs(engine.dir, exist_ok=True)
        engine.start()
        whole = engines.Engines(engines.stack_name())
        whole.parts = {**engines.current().parts, part: engine}
        p = place_on(whole)
        stack.callback(p.close)
        p.start()
        assert p.offer(p.message()) == 250
        filler = fill(disk)
        for _ in range(5):
            assert p.offer(p.message()) in (250, 451)
        os.unlink(filler)
        assert p.sound() == len(p.load.sent)


def place_on(servers):
    was = engines.running
    engines.running = servers
    try:
        return Place()
    finally:
        engines.running = was
