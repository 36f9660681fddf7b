"""What can go wrong around the daemons: full and read-only disks, permissions, locks, a missing parser, a damaged index.
Each gives a log line that names it and a 451 (or, where only the index is at fault, a 250); when the cause is gone,
everything goes on by itself and nothing was lost."""
import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import time

import pytest

from oracle import Load, check_all, outbox, wait_searchable
from stack import Missing
from stack.lmtp import Client, archive_id
from stack.process import children, wait_until

pytestmark = pytest.mark.faults

SETTINGS = {"workerd.outbox_interval": "300ms", "index_wait": "1s"}
LARGE = 800_000  # over what is kept in memory


class Place:
    """A site with an account of what was sent to it."""
    def __init__(self, site):
        self.site = site
        self.load = Load(("127.0.0.1", site.lmtp_port))

    def offer(self, size=1000):
        """One message: (code, text)."""
        self.load.size = size
        raw = self.load.make(0, fresh=True)
        with Client(self.load.address, timeout=60) as c:
            reply = c.send(raw)[0]
        self.load.note(raw, reply)
        return reply

    def accepted(self, size=1000):
        code, text = self.offer(size)
        assert code == 250, text
        return archive_id(text)

    def refused(self, daemon_says, size=1000):
        """The answer is 451, and a line of the log says why."""
        code, text = self.offer(size)
        assert code in (451, 452), text
        assert text[4:6] == b"4.", text
        said = [line for line in self.site.log("lmtpd") if line["level"] in ("error", "warn")]
        assert any(all(word in line["message"] for word in daemon_says) for line in said), (daemon_says, said[-5:])

    def accepted_again(self):
        """By itself, soon."""
        wait_until("a message is taken again", lambda: self.offer()[0] == 250, 60, 0.2)

    def all_is_well(self):
        """Nothing was lost, nothing doubled, and everything is searchable."""
        if not self.site.running("workerd"):
            self.site.start("workerd")
        self.load.offer_again()
        wait_searchable(self.site)
        assert check_all(self.site, self.load) == len(self.load.sent)
        assert self.site.stop() == 0


@pytest.fixture
def place(new_site):
    """Set up, nothing started."""
    site = new_site(settings=SETTINGS)
    site.init()
    return Place(site)


@pytest.fixture
def started(place):
    place.site.start("lmtpd")
    place.accepted()
    return place


# ---- file systems of their own ----

@contextlib.contextmanager
def small_disk(path, mib, owner):
    os.makedirs(path, exist_ok=True)
    options = "size=%dm,mode=0750,uid=%d,gid=%d" % (mib, *owner)
    r = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if r.returncode:
        raise Missing("a file system of its own needs the right to mount: " + r.stdout.decode().strip())
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", path], check=True)


@pytest.fixture
def place_on(new_site):
    """place_on("meta", 16): a site whose folder of that name is a file system of so many MiB."""
    with contextlib.ExitStack() as mounts:
        def make(folder, mib, settings=None):
            site = new_site(settings={**SETTINGS, **(settings or {})})
            mounts.enter_context(small_disk(site.path(folder), mib, site.owner()))
            site.init()
            site.start("lmtpd")
            return Place(site)
        yield make


def fill(path, leave=0):
    """Takes all the room on a file system but `leave` bytes."""
    name = os.path.join(path, "filler")
    with open(name, "wb", buffering=0) as f, contextlib.suppress(OSError):
        while f.write(bytes(65536)):
            pass
    with open(name, "r+b") as f:
        f.truncate(max(0, os.path.getsize(name) - leave))
    return name


@pytest.mark.embedded("about its files: disks, modes and locks")
def test_store_full(place_on):
    place = place_on("store", 80)
    place.accepted()
    filler = fill(place.site.path("store"))
    time.sleep(0.3)  # a good answer of the readiness check is believed for a moment
    place.refused(["store", "disk full"])
    os.unlink(filler)
    place.accepted_again()
    place.all_is_well()


@pytest.mark.embedded("about its files: disks, modes and locks")
def test_store_fills_while_writing(place_on):
    """The reserve was there at MAIL and is gone when the object is written."""
    place = place_on("store", 80)
    with Client(place.load.address) as c:
        raw = place.load.make(0, fresh=True)
        assert c.command(b"MAIL FROM:<a@example.net>")[0] == 250
        assert c.command(b"RCPT TO:<alice@example.org>")[0] == 250
        assert c.command(b"DATA")[0] == 354
        filler = fill(place.site.path("store"))
        c.s.sendall(raw + b".\r\n")
        code, text = c.reply()
        assert code == 451, text
        place.load.note(raw, (code, text))
    assert place.site.objects() == []
    os.unlink(filler)
    place.accepted_again()
    place.all_is_well()


@pytest.mark.embedded("about its files: disks, modes and locks")
def test_store_read_only(place_on):
    place = place_on("store", 80)
    place.accepted()
    subprocess.run(["mount", "-o", "remount,ro", place.site.path("store")], check=True)
    time.sleep(0.3)
    place.refused(["store", "read-only"])
    subprocess.run(["mount", "-o", "remount,rw", place.site.path("store")], check=True)
    place.accepted_again()
    place.all_is_well()


@pytest.mark.embedded("about its files: disks, modes and locks")
def test_database_full(place_on):
    place = place_on("meta", 16)
    place.accepted()
    filler = fill(place.site.path("meta"))
    time.sleep(0.3)
    place.refused(["capture.db"])
    os.unlink(filler)
    place.accepted_again()
    place.all_is_well()


@pytest.mark.embedded("about its files: disks, modes and locks")
def test_database_fills_at_the_commit(place_on):
    """Room for the readiness check (4 MiB), none for the log of a large transaction of many recipients."""
    place = place_on("meta", 16)
    place.accepted()
    filler = fill(place.site.path("meta"), 5 << 20)
    recipients = [b"r%d@example.org" % i + b"x" * 200 for i in range(9000)]
    with Client(place.load.address) as c:
        raw = place.load.make(0, fresh=True)
        replies = c.send(raw, recipients=recipients)
    assert {code for code, _ in replies} == {451}, replies[0]
    del place.load.sent[max(place.load.sent, key=lambda d: place.load.sent[d] == raw)]
    os.unlink(filler)
    place.accepted_again()
    place.all_is_well()


def test_spool_full(place_on):
    place = place_on("spool", 1)
    fill(place.site.path("spool"))
    place.refused(["spool"], LARGE)
    place.accepted()  # what fits into memory needs no spool
    os.unlink(place.site.path("spool", "filler"))
    place.accepted(LARGE)
    place.all_is_well()


@pytest.mark.embedded("about its files: damages the index")
def test_index_full(place_on):
    """Only the index is at fault: taken, and searchable once there is room."""
    place = place_on("index", 100)
    place.accepted()
    filler = fill(place.site.path("index"))
    for _ in range(10):
        place.accepted(LARGE)
    assert outbox(place.site) > 0
    os.unlink(filler)
    place.all_is_well()


# ---- permissions ----

@pytest.mark.embedded("about its files: disks, modes and locks")
@pytest.mark.parametrize("folder, size", [("store/m", 1000), ("spool", LARGE)])
def test_wrong_permissions(started, folder, size):
    path = started.site.path(*folder.split("/"))
    mode = os.stat(path).st_mode & 0o777
    os.chmod(path, 0)
    time.sleep(0.3)
    started.refused([path], size)
    os.chmod(path, mode)
    started.accepted_again()
    started.accepted(size)
    started.all_is_well()


@pytest.mark.embedded("about its files: disks, modes and locks")
@pytest.mark.parametrize("path", ["store", "meta/capture.db", "meta"])
def test_wrong_permissions_at_the_start(place, path):
    """The daemon starts, says what is wrong and goes on trying."""
    full = place.site.path(*path.split("/"))
    mode = os.stat(full).st_mode & 0o777
    os.chmod(full, 0)
    place.site.start("lmtpd")
    place.refused([full])
    os.chmod(full, mode)
    place.accepted_again()
    place.all_is_well()


# ---- locks ----

@contextlib.contextmanager
def locked(path):
    db = sqlite3.connect(path, isolation_level=None, timeout=20)
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        db.execute("ROLLBACK")
        db.close()


@pytest.mark.embedded("about its files: disks, modes and locks")
def test_database_locked(started):
    with locked(started.site.path("meta", "capture.db")):
        started.refused(["capture.db", "locked"])
    started.accepted_again()
    started.all_is_well()


@pytest.mark.embedded("about its files: damages the index")
def test_index_locked(started):
    with locked(started.site.path("index", "index.db")):
        started.accepted()
        assert outbox(started.site) > 0
    started.accepted()
    started.all_is_well()


# ---- the parser ----

@pytest.fixture
def own_parser(new_site):
    """A place whose parser program can be taken away."""
    site = new_site(settings=SETTINGS)
    program = site.path("parser")
    shutil.copy(site.program("strongroom-parser"), program)
    os.chmod(program, 0o755)
    site.write_conf(parser__program=program)
    site.init()
    return Place(site), program


def test_parser_goes_missing(own_parser):
    place, program = own_parser
    place.site.start("lmtpd")
    place.accepted()
    os.rename(program, program + ".away")
    for pid in children(place.site.pid("lmtpd")):
        os.kill(pid, signal.SIGKILL)
    place.refused([program])
    os.rename(program + ".away", program)
    place.accepted_again()
    place.all_is_well()


def test_parser_missing_at_the_start(own_parser):
    place, program = own_parser
    os.rename(program, program + ".away")
    place.site.start("lmtpd")
    place.refused([program])
    os.rename(program + ".away", program)
    place.accepted_again()
    place.all_is_well()


# ---- the index ----

def move_log(path):
    """What is in the log only would not be damaged."""
    db = sqlite3.connect(path, timeout=20)
    assert db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    db.close()


def damage_header(path):
    with open(path, "r+b") as f:
        f.write(b"this is no database any more")


def damage_middle(path):
    size = os.path.getsize(path)
    with open(path, "r+b") as f:
        f.seek(4096)
        f.write(os.urandom(size - 4096))


def cut(path):
    with open(path, "r+b") as f:
        f.truncate(4096)


def remove(path):
    os.unlink(path)


def empty(path):
    db = sqlite3.connect(path)
    with db:
        db.execute("DELETE FROM doc")
    db.close()


@pytest.mark.embedded("about its files: damages the index")
@pytest.mark.parametrize("running", [True, False], ids=["running", "stopped"])
@pytest.mark.parametrize("damage", [damage_header, damage_middle, cut, remove, empty])
def test_damaged_index(started, damage, running):
    """workerd builds a new one, whether it notices at its start or because indexing fails."""
    site = started.site
    for _ in range(20):
        started.accepted()
    wait_searchable(site)  # what is not in it yet would not be damaged
    if not running:
        site.stop("lmtpd")
    move_log(site.path("index", "index.db"))
    damage(site.path("index", "index.db"))
    if not running:
        site.start("lmtpd")
    for _ in range(5):
        started.accepted()
    site.start("workerd")
    wait_until("the index is built anew", lambda: any("whole again" in line["message"] for line in site.log("workerd")), 60, 0.2)
    started.all_is_well()


@pytest.mark.embedded("about its files: damages the index")
def test_search_goes_on_beside_a_rebuild(started):
    for _ in range(50):
        started.accepted()
    wait_searchable(started.site)
    move_log(started.site.path("index", "index.db"))
    cut(started.site.path("index", "index.db"))
    started.site.start("workerd")
    for _ in range(20):
        started.accepted()
    started.all_is_well()
    with contextlib.closing(sqlite3.connect("file:%s?mode=ro" % started.site.path("index", "index.db"), uri=True)) as db:
        # Table by table: from SQLite 3.44 on the whole would include FTS5's, which asks for the daemons' own tokenizer.
        for (table,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%'").fetchall():
            assert db.execute("PRAGMA integrity_check('%s')" % table).fetchone()[0] == "ok"
