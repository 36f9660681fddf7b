"""Dispositions made behind the daemons' backs: proposed, approved and carried out, as the daemons write it down, of messages
whose time is not over yet; and messages whose time is."""
import hashlib
import os
import struct
import time
import uuid

YEAR = 365 * 86400 * 10**6
DISPOSED = 4  # kind of a later fact
LEAF_LABEL = b"strongroom/leaf/v1"


def now_us():
    return int(time.time() * 10**6)


def packed(data):
    return struct.pack(">I", len(data)) + data


def fact_of(message, kind, daemon, seq, cause):
    """The canonical bytes of a later fact (common/ledger/fact.h)."""
    return (bytes([129]) + packed(message.bytes) + bytes([kind]) + packed(daemon.encode()) + struct.pack(">QqB", seq, now_us(), 0) +
            packed(cause.bytes) + struct.pack(">q", 0) + packed(b""))


def age(site, message, years=8):
    """As if it had been archived so long ago: its row, its record, its leaf and its batch."""
    received, until = site.rows("SELECT received_us, retain_until_us FROM message WHERE id = ?", (message.bytes,))[0]
    nonce, leaf, record = (bytes(v) for v in site.rows("SELECT nonce, leaf, record FROM ledger_record WHERE message_id = ?", (message.bytes,))[0])
    for us in (received, until):
        assert record.count(struct.pack(">q", us)) == 1
        record = record.replace(struct.pack(">q", us), struct.pack(">q", us - years * YEAR))
    aged = hashlib.sha256(LEAF_LABEL + nonce + record).digest()
    with site.meta.unguarded() as db:
        db.execute("UPDATE message SET received_us = ?, retain_until_us = ? WHERE id = ?", (received - years * YEAR, until - years * YEAR, message.bytes))
        db.execute("UPDATE ledger_record SET record = ?, leaf = ? WHERE message_id = ?", (record, aged, message.bytes))
        for daemon, seq, leaves in [tuple(r) for r in db.execute("SELECT daemon, first_seq, leaves FROM ledger_batch").fetchall()]:
            if leaf in bytes(leaves):
                db.execute("UPDATE ledger_batch SET leaves = ? WHERE daemon = ? AND first_seq = ?", (bytes(leaves).replace(leaf, aged), daemon, seq))


def approve(site, approved=True, decided=True, expired_by_us=None, scope='{"all_mailboxes":true}'):
    """A disposition, of everything that has expired ten years from now where nothing else is said."""
    disposition = uuid.uuid4()
    with site.meta.connect("control", write=True) as db:
        db.execute("INSERT INTO disposition (id, scope, expired_by_us) VALUES (?, ?, ?)",
                   (disposition.bytes, scope, expired_by_us or now_us() + 10 * YEAR))
        for step in (1, 2) if decided else (1,):
            db.execute("INSERT INTO disposition_event (disposition_id, step, approved, at_us, account_id, reason) VALUES (?, ?, ?, ?, ?, ?)",
                       (disposition.bytes, step, int(approved and step == 2), now_us(), step, "over"))
    return disposition


def write_fact(site, message, disposition, daemon="workerd-test"):
    seq = site.rows("SELECT coalesce(max(seq), 0) FROM ledger_fact WHERE daemon = ?", (daemon,))[0][0] + 1
    record, nonce = fact_of(message, DISPOSED, daemon, seq, disposition), os.urandom(32)
    leaf = hashlib.sha256(LEAF_LABEL + nonce + record).digest()
    with site.meta.connect("capture", write=True) as db:
        db.execute("INSERT INTO ledger_fact (daemon, seq, message_id, nonce, leaf, record) VALUES (?, ?, ?, ?, ?, ?)",
                   (daemon, seq, message.bytes, nonce, leaf, record))


def write_tombstone(site, message, disposition, removed=True):
    with site.meta.connect("capture", write=True) as db:
        db.execute("INSERT INTO message_disposed (message_id, disposition_id, at_us) VALUES (?, ?, ?)", (message.bytes, disposition.bytes, now_us()))
        db.execute("INSERT INTO index_removal (message_id, queued_us, removed_us) VALUES (?, ?, 0)", (message.bytes, now_us()))
        db.execute("DELETE FROM outbox WHERE message_id = ?", (message.bytes,))
        if removed:
            db.execute("INSERT INTO message_removed (message_id, at_us) VALUES (?, ?)", (message.bytes, now_us()))


def queue(site, message, disposition):
    """Its object is to be removed."""
    with site.meta.connect("capture", write=True) as db:
        db.execute("INSERT INTO removal_work (message_id, disposition_id, due_us, tries) VALUES (?, ?, 0, 0)", (message.bytes, disposition.bytes))


def count(site, disposition):
    """One message more; to strongroom-workerd the disposition is carried out."""
    with site.meta.connect("capture", write=True) as db:
        if not db.execute("UPDATE disposal SET looked = looked + 1, disposed = disposed + 1 WHERE disposition_id = ?", (disposition.bytes,)).rowcount:
            db.execute("INSERT INTO disposal (disposition_id, message_id, looked, disposed, held, kept, began_us, walked_us, finished_us)"
                       " VALUES (?, ?, 1, 1, 0, 0, 1, 1, 1)", (disposition.bytes, bytes(16)))


def dispose(site, message, disposition=None, removed=True):
    """Carries it out: the message (a UUID) is disposed of, its object gone and said to be so unless removed is False."""
    disposition = disposition or approve(site)
    count(site, disposition)
    write_fact(site, message, disposition)
    write_tombstone(site, message, disposition, removed)
    if removed:
        site.store.lose(*[name for name in site.objects() if str(message) in name])
    return disposition
