"""Oracle: what was acknowledged, and whether the archive keeps its promises about it.

It reads the store, the databases and the index behind the daemons' backs, with nothing of Strongroom's own code: a bug
there can't hide itself here."""
import contextlib
import hashlib
import os
import threading
import time

from stack.lmtp import Client, archive_id
from stack.process import Failed, wait_until

LEAF_LABEL = b"strongroom/leaf/v1"


class Load:
    """Connections that each send messages of their own, one after the other, until stop(). An answer that never came
    leaves the message unanswered: it is offered again, unchanged, as a mail server would."""
    def __init__(self, address, connections=4, size=2000, pause=0.0):
        self.address, self.size, self.pause = address, size, pause
        self.lock = threading.Lock()
        self.acked = {}       # archive id -> SHA-256 of the bytes
        self.sent = {}        # SHA-256 -> bytes, of everything ever offered
        self.unanswered = []  # bytes to offer again
        self.refused = 0
        self.number = 0
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(i,), daemon=True) for i in range(connections)]

    def start(self):
        for t in self.threads:
            t.start()
        return self

    def stop(self):
        self.over.set()
        for t in self.threads:
            t.join(60)
            if t.is_alive():
                raise Failed("a connection got no answer for a minute")

    def make(self, sender, fresh=False):
        """The next message to send: one that got no answer, unless a fresh one is asked for."""
        with self.lock:
            if self.unanswered and not fresh:
                return self.unanswered.pop()
            self.number += 1
            number = self.number
        head = ("From: s%d@example.net\r\nTo: alice@example.org\r\nSubject: number%d\r\n"
                "Message-ID: <%d.%d@example.net>\r\n\r\n" % (sender, number, number, id(self))).encode()
        size = self.size if number % 50 else 400_000  # some go through the spool
        raw = head + (b"word%d " % number) * (size // 10) + b"\r\n"
        with self.lock:
            self.sent[hashlib.sha256(raw).hexdigest()] = raw
        return raw

    def run(self, sender):
        client = None
        while not self.over.is_set():
            raw = self.make(sender)
            try:
                client = client or Client(self.address, timeout=30)
                self.note(raw, client.send(raw)[0])
            except (OSError, ConnectionError, ValueError):
                with contextlib.suppress(Exception):
                    client.close()
                client = None
                with self.lock:
                    self.unanswered.append(raw)
                time.sleep(0.01)
            time.sleep(self.pause)
        if client:
            client.close()

    def note(self, raw, reply):
        code, text = reply
        with self.lock:
            if code == 250:
                self.acked[archive_id(text)] = hashlib.sha256(raw).hexdigest()
            else:
                if not 400 <= code < 500:
                    raise Failed("the answer is %r" % text)
                self.refused += 1
                self.unanswered.append(raw)

    def offer_again(self):
        """Offers all that got no answer once more; each must be acknowledged now."""
        while self.unanswered:
            raw = self.unanswered.pop()
            with Client(self.address) as c:
                code, text = c.send(raw)[0]
            if code != 250:
                raise Failed("offered again, the answer is %r" % text)
            self.acked[archive_id(text)] = hashlib.sha256(raw).hexdigest()


def text(blob):
    h = blob.hex()
    return "-".join((h[:8], h[8:12], h[12:16], h[16:20], h[20:]))


def outbox(site):
    return site.rows("SELECT count(*) FROM outbox")[0][0]


def wait_searchable(site):
    """Until nothing is on the outbox any more: that may take its time, but not stand still."""
    left = outbox(site)
    while left:
        before = left
        wait_until("some of %d messages leave the outbox" % before, lambda: outbox(site) < before, 120, 0.1)
        left = outbox(site)


def check_objects(site, acked):
    """Each acknowledged message is where its row says, with the bytes that were sent, and locked."""
    where = {}
    for name in site.objects():
        where.setdefault(os.path.basename(name)[:-4], []).append(name)
    for id, digest in acked.items():
        # One; S3 keeps another version of the same bytes where a PUT was repeated because its answer was lost.
        assert where.get(id) and (site.servers or len(where[id]) == 1), "%s has %d objects" % (id, len(where.get(id, [])))
        for name in where[id]:
            assert hashlib.sha256(site.store.read(name)).hexdigest() == digest, "%s: the object is not what was acknowledged" % id
            site.store.locked(name)
    rows = {text(row["id"]): row for row in site.rows("SELECT id, bucket, object_key, version_id FROM message")}
    for id, digest in acked.items():
        assert hashlib.sha256(site.store.at(rows[id])).hexdigest() == digest, "%s: its row leads to other bytes" % id


def check_rows(db, acked, sent):
    """One row a message, acknowledged or not, and no row of what was never sent."""
    by_digest = {}
    for id, digest in db.execute("SELECT id, sha256 FROM message"):
        by_digest.setdefault(digest.hex(), []).append(text(id))
    for id, digest in acked.items():
        assert by_digest.get(digest) == [id], "%s: the rows of its bytes are %s" % (id, by_digest.get(digest))
    for digest, ids in by_digest.items():
        assert digest in sent, "%s: nobody sent this" % ids
        assert len(ids) == 1, "archived more than once: %s" % ids
    keys = db.execute("SELECT count(*) FROM capture_key").fetchone()[0]
    assert keys == sum(map(len, by_digest.values()))
    return [id for ids in by_digest.values() for id in ids]


def check_ledger(db, ids):
    """Each message has a record whose leaf follows from it, in its batch at its place; no sequence has a gap."""
    records = {}
    for id, daemon, seq, nonce, leaf, record in db.execute(
            "SELECT message_id, daemon, seq, nonce, leaf, record FROM ledger_record"):
        assert hashlib.sha256(LEAF_LABEL + nonce + record).digest() == leaf, text(id)
        assert id in record, "%s: the record is of another message" % text(id)
        assert (daemon, seq) not in records, "%s %d twice" % (daemon, seq)
        records[daemon, seq] = (text(id), leaf)
    assert sorted(ids) == sorted(id for id, _ in records.values())
    last = {}
    for daemon, first, count, leaves in db.execute(
            "SELECT daemon, first_seq, leaf_count, leaves FROM ledger_batch ORDER BY daemon, first_seq"):
        assert first == last.get(daemon, 0) + 1, "%s: %d follows %d" % (daemon, first, last.get(daemon, 0))
        assert len(leaves) == 32 * count
        for i in range(count):
            assert records[daemon, first + i][1] == leaves[32 * i:32 * i + 32]
        last[daemon] = first + count - 1
    assert sum(last.values()) == len(records)


def check_index(site, ids):
    assert sorted(site.index.ids()) == sorted(ids)


def check_all(site, load):
    """Everything, with the outbox empty."""
    check_objects(site, load.acked)
    with site.meta.connect() as db:
        db.execute("BEGIN")
        ids = check_rows(db, load.acked, load.sent)
        check_ledger(db, ids)
    check_index(site, ids)
    return len(ids)
