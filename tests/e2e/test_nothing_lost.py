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
import threading
import time

import pytest

from oracle import Load, check_all, outbox, wait_searchable
from stack import Missing, engines
from stack.fault_proxy import MySql
from stack.lmtp import Client, archive_id
from stack.process import private_dir, wait_until
from stack.site import Site
from test_faults_surroundings import fill, small_disk

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
    "meta": ["^SELECT @@global.read_only", "^SELECT coalesce.max.change_id", "^SELECT message_id FROM capture_key", "^START TRANSACTION", "^INSERT INTO capture_key",
             "^INSERT INTO message", "^INSERT INTO participant", "^INSERT INTO mailbox_message", "^INSERT INTO attachment",
             "^INSERT INTO outbox", "^SELECT first_seq", "^INSERT INTO ledger_record", "^INSERT INTO ledger_batch", "^COMMIT",
             "^DELETE FROM outbox"],
    "store": ["^HEAD /[^/]+$", "^PUT /[^/]+/m/", "^HEAD /[^/]+/m/"],
    "index": ["^POST /_bulk", "^POST /[^/]+/_refresh"],
}
# for how many seconds an answer is believed: readiness, and the policies of retention
BELIEVED = {"^SELECT @@global.read_only": 0.25, "^HEAD /[^/]+$": 0.25, "^SELECT coalesce.max.change_id": 2}
AFTERWARDS = ("^DELETE FROM outbox", "^POST /_bulk", "^POST /[^/]+/_refresh")    # the reply may have been given before
# only on a new connection
CONNECT = {
    "meta": ["^sign-in", "^SET SESSION sql_mode", "^SET SESSION TRANSACTION", "^prepare SELECT message_id FROM capture_key",
             "^prepare INSERT INTO capture_key", "^prepare INSERT INTO ledger_batch"],
}
# workerd's, for a message that could not be indexed at once
DRAIN = {
    "meta": ["^SELECT message_id FROM outbox", "^SELECT m.id", "^SELECT message_id, role", "^SELECT message_id, name", "^START TRANSACTION", "^DELETE FROM outbox", "^COMMIT"],
    "store": ["^GET /[^/]+/m/"],
    "index": ["^POST /_bulk", "^POST /[^/]+/_refresh"],
    "cache": ["^PUBLISH", "^SUBSCRIBE"],    # lmtpd wakes it
}
# Statements that come by and belong to neither: looks at what is not part of the order of writes.
BESIDE = re.compile(r"^(ping|prepare |SELECT id FROM message WHERE id < \?|SELECT count|SELECT GET_LOCK|DO RELEASE_LOCK|ROLLBACK|sign-in|SET |GET |HEAD |"
                    r"SELECT .*(relocation|attachment|reconcile|lease|partition|account_day|schema))")

MESSAGE = (b"From: s%d@example.net\r\nTo: alice@example.org\r\nSubject: case %d\r\nMessage-ID: <%d.%d@example.net>\r\nMIME-Version: 1.0\r\n"
           b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nbody\r\n--b\r\nContent-Type: text/csv; name=a.csv\r\n"
           b"Content-Disposition: attachment; filename=a.csv\r\n\r\n1,2,3\r\n--b--\r\n")

SETTINGS = {"workerd.outbox_interval": "200ms", "index_wait": "1s"}
# So that a silent engine costs a test no half minute.
PATIENCE = {"mysql__connect_timeout": "1s", "mysql__timeout": "1s", "s3__timeout": "1s", "es__timeout": "1s"}
DELAY = 0.3


def cases(boundaries):
    found = []
    for part, labels in boundaries.items():
        for label, (side, action, at) in itertools.product(labels, ACTIONS if ALL else ACTIONS[:2]):
            name = "%s-%s-%s-%s@%s" % (part, re.sub(r"\W+", "_", label.strip("^$"))[:40].strip("_"), side, action, at)
            found.append(pytest.param(part, label, side, action, at, id=name))
    return found


class Place:
    """A site on the stack's engines whose lmtpd talks to them through proxies. workerd does so too when asked."""

    def __init__(self, readable=True, **settings):
        self.site = Site(settings={**SETTINGS, **settings})
        if set(self.site.proxies) < {"store", "meta", "index"}:
            self.site.close()
            raise Missing("STRONGROOM_STACK names no engines: between the daemons and files there is nothing to cut")
        if readable:
            self.make_statements_readable()
        self.site.init()
        self.site.write_conf(**PATIENCE)
        self.load = Load(("127.0.0.1", self.site.lmtp_port))
        self.number = 0

    def make_statements_readable(self):
        """No TLS to the database: the proxy finds statements by their text."""
        site = self.site
        site.servers.parts["meta"].allow_plain()
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
    time.sleep(BELIEVED.get(label, 0) * 1.2)
    fault = proxy.arm(label, side, action, at=at, seconds=DELAY)
    raw = place.message()
    code = place.offer(raw)
    if label in AFTERWARDS:    # an index that failed just now is left alone for a while
        wait_until("the fault comes to pass", lambda: fault.event.wait(0.1) or place.offer(place.message()) and fault.fired, 60)
    assert fault.fired, "no such request came by (the answer is %s); the last ones:\n%s" % (code, "\n".join(proxy.labels()[-20:]))
    place.heal()
    place.until_taken()
    place.one_capture(raw)
    return code


@pytest.mark.parametrize("part, label, side, action, at", cases(CAPTURE))
def test_capture(place, part, label, side, action, at):
    def answers():
        for _ in range(3):    # on a busy machine another engine may be too slow
            code = break_one(place, part, label, side, action, at, fresh=False)
            assert code in (250, 451), code    # the daemon lives, and a client that asks is answered
            yield code
    if part == "index":
        assert 250 in answers()    # the index is never in the way
    else:
        next(answers())


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


# ---- answers of the store that are not what it said ----

def in_head(name, change):
    """Changes the value of a header."""
    pattern = re.compile(rb"(?im)^(%s: *)([^\r\n]+)" % name)
    return lambda data: pattern.sub(lambda m: m[1] + change(m[2]), data)


def other_digit(value):
    """The same with another digit (hexadecimal, or of base 64) in its middle: as likely as the right one."""
    at = next(i for i in range(len(value) // 2, len(value)) if value[i:i + 1].isalnum())
    return value[:at] + (b"0" if value[at:at + 1] != b"0" else b"1") + value[at + 1:]


def other_body(data):
    """One bit of an object's bytes is another, wherever a word of it comes by."""
    return data.replace(b"body\r\n", b"bo\x64\x78\r\n")


def cut_xml(data):
    """The end of the list is blank: all else of the answer is as it was."""
    return re.sub(rb"(<Version>.*)$", lambda m: m[1][:len(m[1]) // 2] + b" " * (len(m[1]) - len(m[1]) // 2), data, flags=re.S)


def in_xml(name):
    pattern = re.compile(rb"(<%s>)([^<]+)" % name)
    return lambda data: pattern.sub(lambda m: m[1] + other_digit(m[2]), data)


PUT, SEEN, LISTED, READ = "^PUT /[^/]+/m/", "^HEAD /[^/]+/m/", r"^GET /[^/]+/?\?.*versions", "^GET /[^/]+/m/"
ANSWERS = {
    "version": [(PUT, in_head(b"x-amz-version-id", other_digit))],
    "no-version": [(PUT, in_head(b"x-amz-version-id", lambda v: b"\xff" * len(v)))],
    "etag": [(PUT, in_head(b"etag", other_digit))],
    "status": [(PUT, lambda data: data.replace(b"HTTP/1.1 200", b"HTTP/1.1 500"))],
    "seen-length": [(SEEN, in_head(b"content-length", lambda v: b"%d" % (int(v) + 1)))],
    "seen-etag": [(SEEN, in_head(b"etag", other_digit))],
    "seen-status": [(SEEN, lambda data: data.replace(b"HTTP/1.1 200 OK", b"HTTP/1.1 404 Not Found"))],
    "version-and-list": [(PUT, in_head(b"x-amz-version-id", other_digit)), (LISTED, cut_xml)],
    "version-and-listed-version": [(PUT, in_head(b"x-amz-version-id", other_digit)), (LISTED, in_xml(b"VersionId"))],
    "version-and-listed-size": [(PUT, in_head(b"x-amz-version-id", other_digit)), (LISTED, in_xml(b"Size"))],
    "version-and-bytes": [(PUT, in_head(b"x-amz-version-id", other_digit)), (READ, other_body)],
}


@pytest.mark.parametrize("what", ANSWERS)
def test_garbled_answers_of_the_store(place, what):
    """What an answer says is believed when the store says the same of the version itself, or gives its bytes."""
    faults = [place.site.proxies["store"].arm(label, "reply", "rewrite", change=change, times=5) for label, change in ANSWERS[what]]
    raw = place.message()
    assert place.offer(raw) in (250, 451)
    place.heal()
    assert all(fault.fired for fault in faults), place.site.proxies["store"].labels()[-10:]
    place.until_taken()
    place.one_capture(raw)


@pytest.mark.parametrize("at", [0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
@pytest.mark.parametrize("label", [PUT, SEEN])
def test_corrupted_answers_of_the_store(place, label, at):
    fault = place.site.proxies["store"].arm(label, "reply", "corrupt", at=at)
    raw = place.message()
    assert place.offer(raw) in (250, 451) and fault.fired
    place.heal()
    place.until_taken()
    place.one_capture(raw)


# ---- an index and a database that answer nonsense, or get it ----

@pytest.mark.parametrize("at", [0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
@pytest.mark.parametrize("side", ["request", "reply"])
def test_corrupted_bulk(place, side, at):
    fault = place.site.proxies["index"].arm("^POST /_bulk", side, "corrupt", at=at)
    wait_until("the fault comes to pass", lambda: place.offer(place.message()) and fault.event.wait(0.1), 60)
    place.heal()


@pytest.fixture(scope="module")
def sealed():
    """The database under TLS, as it is by default: whatever is turned over on the way ends the connection."""
    p = Place(readable=False)
    try:
        p.start()
        yield p
    finally:
        p.close()


@pytest.mark.parametrize("nth", range(1, 19))
@pytest.mark.parametrize("side", ["request", "reply"])
def test_corrupted_words_with_the_database(sealed, request, side, nth):
    """Each of the exchanges of a capture in its turn."""
    request.node.servers = [sealed.site]
    raw = sealed.message()
    fault = sealed.site.proxies["meta"].arm("", side, "corrupt", at=0.5, nth=nth)
    assert sealed.offer(raw) in (250, 451)
    wait_until("the fault comes to pass", lambda: fault.fired or sealed.offer(sealed.message()) and fault.fired, 60)
    sealed.heal()
    sealed.until_taken()
    sealed.one_capture(raw)


def test_everything_is_there_in_spite_of_nonsense(sealed, request):
    request.node.servers = [sealed.site]
    assert sealed.sound() == len(sealed.load.sent)


# ---- reading ----

@pytest.fixture(scope="module")
def reader(place):
    """read(): (status, bytes) of a message, as somebody who searches gets them."""
    secret = place.site.add_user("alice", "correct horse battery", "--all")
    place.site.start("queryd")
    api = place.site.api("alice", "correct horse battery", secret)
    raw = place.message()
    with Client(place.load.address) as c:
        reply = c.send(raw)[0]
    place.load.note(raw, reply)
    return lambda: api.content(archive_id(reply[1])), raw


@pytest.mark.parametrize("at", [0, 0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.99])
@pytest.mark.parametrize("times", [1, 20])
def test_reading_gives_what_was_archived_or_nothing(place, reader, at, times):
    read, raw = reader
    fault = place.site.proxies["store"].arm(READ, "reply", "corrupt", at=at, times=times)
    status, content = read()
    assert fault.fired and (content == raw if status == 200 else 500 <= status < 600 and b"1,2,3" not in content)
    place.heal()
    assert read() == (200, raw)


def test_bytes_that_come_wrong_once_are_asked_for_again(place, reader):
    read, raw = reader
    fault = place.site.proxies["store"].arm(READ, "reply", "rewrite", change=other_body)
    assert read() == (200, raw) and fault.fired
    place.site.proxies["store"].arm(READ, "reply", "rewrite", change=other_body, times=2)
    status, content = read()
    assert status == 502 and b"1,2,3" not in content
    place.heal()
    assert read() == (200, raw)


def test_everything_is_there(place):
    """After all of the above, which shared one archive."""
    assert place.sound() == len(place.load.sent)


def covered(label, part, boundaries):
    return any(re.search(pattern, label) for pattern in boundaries.get(part, ())) or BESIDE.match(label)


def test_the_enumeration_is_complete(place):
    """Every request that one capture sends is one of the boundaries above, and each of them is sent."""
    time.sleep(max(BELIEVED.values()) * 1.2)
    for proxy in place.site.proxies.values():
        proxy.forget()
    assert place.offer(place.message()) == 250
    wait_until("it is indexed", lambda: outbox(place.site) == 0, 60)
    seen = {part: proxy.labels() for part, proxy in place.site.proxies.items() if part in CAPTURE}
    assert [(part, label) for part, labels in seen.items() for label in labels if not covered(label, part, CAPTURE)] == []
    assert [(part, pattern) for part, patterns in CAPTURE.items() for pattern in patterns
            if not any(re.search(pattern, label) for label in seen[part])] == []


# ---- the drain ----

class Feed(threading.Thread):
    """Mail that never stops coming in: what workerd leaves to the daemons for its first seconds is no matter then."""

    def __init__(self, place):
        super().__init__(daemon=True)
        self.place, self.over = place, threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(0.1):
            self.place.offer(self.place.message())

    def stop(self):
        self.over.set()
        self.join()


@pytest.fixture(scope="module")
def drain():
    """lmtpd can't reach the index at all, and all else by itself; workerd goes through the proxies."""
    p = Place(index_wait="0s")
    try:
        p.site.start("lmtpd", env={**p.direct(), "ES_HOSTS": "http://127.0.0.1:1"})
        p.site.start("workerd")
        feed = p.feed = Feed(p)
        yield p
        feed.stop()
    finally:
        p.close()


def drains(place):
    """It goes on: else the pauses between its turns would grow with each case."""
    place.site.proxies["meta"].arm("^DELETE FROM outbox", "reply", "delay", seconds=0).wait(120)


@pytest.mark.parametrize("part, label, side, action, at", cases(DRAIN))
def test_drain(drain, request, part, label, side, action, at):
    """What the outbox holds reaches the index, once, whatever was lost in between."""
    request.node.servers = [drain.site]
    proxy = drain.site.proxies[part]
    fault = proxy.arm(label, side, action, at=at, seconds=DELAY)
    if label == "^SUBSCRIBE":
        proxy.break_all()
    fault.wait(120)
    drain.heal()
    drains(drain)


def test_drain_of_bytes_that_come_wrong_once(drain, request):
    request.node.servers = [drain.site]
    drain.site.proxies["store"].arm(READ, "reply", "rewrite", change=other_body).wait(120)
    drains(drain)


def test_everything_is_drained(drain, request):
    request.node.servers = [drain.site]
    drain.heal()
    drain.feed.stop()
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
    p.load.pause = 0.1
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


def parts_that_end():
    """A Ceph is three servers."""
    ceph = "ceph.Ceph" in (engines.starters(engines.stack_name()) or {}).values()
    return ["store-mon", "store-osd", "store-rgw"] * ceph + ["store", "meta", "index"]


def engine_of(p, name):
    part, _, daemon = name.partition("-")
    engine = p.site.servers.parts[part]
    return engine.daemon(daemon) if daemon else engine


@pytest.mark.heavy
@pytest.mark.parametrize("name", parts_that_end())
@pytest.mark.parametrize("how", ["kill", "stop", "pause"])
def test_engine_ends_under_load(under_load, name, how):
    p = under_load
    for _ in range(2):
        mark = len(p.load.acked)
        outage(engine_of(p, name), how, 1)
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
    """The engine is down from before the daemons start to after the last message: nobody is refused or kept waiting, and what was
    captured meanwhile is caught up with by itself."""
    p = Place(index_wait="10s")
    servers.append(p.site)
    engine = p.site.servers.parts["index"]
    engine.kill()
    try:
        p.site.start("lmtpd", "workerd")
        p.load.start()
        wait_until("much mail is taken", lambda: len(p.load.acked) > 500, 120)
        p.load.stop()
        assert p.load.refused == 0 and outbox(p.site) >= len(p.load.acked)
    finally:
        engine.start()
    lines = p.site.archived("lmtpd")
    assert {line["indexed"] for line in lines} == {"later"}
    assert sum(int(line["archive_ms"]) >= 10000 for line in lines) < len(lines) / 10, "they wait for an index that is not there"
    assert p.sound() == len(p.load.sent)


# ---- disks under the engines ----

class SmallDisk:
    """An engine whose files are on a disk of so many MiB."""

    def __init__(self, starter, mib):
        self.folder = private_dir("strongroom-disk.")
        self.mounts = contextlib.ExitStack()
        self.mounts.enter_context(small_disk(self.folder, mib, (0, 0)))
        os.chmod(self.folder, 0o777)
        os.mkdir(os.path.join(self.folder, "engine"))
        self.engine = engines.load(starter)(dir=os.path.join(self.folder, "engine"))
        self.filler = None

    def fill(self):
        self.filler = fill(self.folder)

    def make_room(self):
        os.unlink(self.filler)

    def close(self):
        self.engine.close()
        self.mounts.close()
        os.rmdir(self.folder)


class SmallCeph:
    """It keeps its own account of its disk, and lets who writes wait when it is full."""

    def __init__(self, starter, mib):
        self.engine = engines.load(starter)(size=mib << 20)
        self.fill, self.make_room, self.close = self.engine.fill, self.engine.make_room, self.engine.close


# Room that the engine needs to start, by its starter.
ROOM = {
    "mariadb.MariaDB": (SmallDisk, 420), "mysql.MySQL": (SmallDisk, 520), "minio.Minio": (SmallDisk, 300), "ceph.Ceph": (SmallCeph, 1024),
    "opensearch.OpenSearch": (SmallDisk, 300), "elasticsearch.Elasticsearch": (SmallDisk, 300),
}


@pytest.mark.heavy
@pytest.mark.parametrize("part", ["meta", "store", "index"])
def test_disk_under_an_engine_fills(servers, part):
    """Nothing is acknowledged that it can't keep, and when there is room again all goes on by itself."""
    shared = engines.current()
    starter = engines.starters(shared.stack)[part]
    kind, mib = ROOM[starter]
    disk = kind(starter, mib)
    servers.append(disk)
    disk.engine.start()
    whole = engines.Engines(shared.stack)
    whole.parts = {**shared.parts, part: disk.engine}
    p = place_on(whole)
    servers.append(p.site)
    p.start()
    assert p.offer(p.message()) == 250
    disk.fill()
    codes = [p.offer(p.message()) for _ in range(5)]
    assert set(codes) <= {250, 451} and (part != "index" or codes == [250] * 5), codes
    if kind is SmallCeph:
        assert codes == [451] * 5, codes
    disk.make_room()
    assert p.sound() == len(p.load.sent)


def place_on(servers):
    was = engines.running
    engines.running = servers
    try:
        return Place()
    finally:
        engines.running = was
