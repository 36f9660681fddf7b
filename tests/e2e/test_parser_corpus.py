"""Real mail with known contents, read by a parser worker (STRONGROOM_CORPUS, default ../shared/corpus beside the tree)."""
import datetime
import hashlib
import json
import os
import re
import unicodedata

import pytest

from parser_worker import Worker
from stack import Missing
from stack.site import TOP
from test_parser_worker import program

pytestmark = [pytest.mark.embedded("it starts no daemon"), pytest.mark.one_thread]

CORPUS = os.environ.get("STRONGROOM_CORPUS", os.path.join(TOP, "..", "shared", "corpus"))
FIELDS = ("subject", "from", "to", "cc", "message_id", "date", "attachments")
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def messages():
    """(bytes as sent over LMTP, what is known of them, bytes had bare LF)."""
    path = os.path.join(CORPUS, "expected.jsonl")
    if not os.path.exists(path):
        raise Missing("the corpus of known mail is not here")
    with open(path) as f:
        rows = [json.loads(line) for line in f]
    for row in rows:
        with open(os.path.join(CORPUS, row["file"]), "rb") as f:
            raw = f.read()
        if "offset" in row:
            raw = raw[row["offset"]:row["offset"] + row["length"]]
        if row.get("mbox_from_line"):
            raw = raw.split(b"\n", 1)[1]
        wire = re.sub(rb"\r\n|\r|\n", b"\r\n", raw)
        yield wire if wire.endswith(b"\r\n") else wire + b"\r\n", row, b"\r" not in raw


def squeezed(text):
    return " ".join(unicodedata.normalize("NFC", text or "").split())


def normal(address):
    local, at, domain = address.lower().rpartition("@")
    try:
        return local + at + domain.encode("idna").decode()
    except UnicodeError:
        return address.lower()


def same_attachments(worker, wire, expected, got, had_lf):
    hashes = [a.get("sha256") for a in expected]
    if None in hashes:
        return len(expected) == len(got)
    found = []
    for i, a in enumerate(got):
        data = worker.extract(wire, i)
        assert hashlib.sha256(data).hexdigest() == a["sha256"] and len(data) == a["size"]
        if had_lf and a["sha256"] not in hashes:
            data = data.replace(b"\r\n", b"\n")
        found.append(hashlib.sha256(data).hexdigest())
    return sorted(found) == sorted(hashes)


def same(field, expected, got):
    if field in ("from", "to", "cc"):
        people = sorted(normal(p[2]) for p in got["people"] if p[0] == field)
        return people == sorted(normal(p.get("addr") or "") for p in expected)
    if field == "date":
        us = got["date_us"]
        when = None if us is None else (EPOCH + datetime.timedelta(microseconds=us)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return when == expected
    if field == "message_id":
        return (expected or "").strip("<> ") == got["message_id"].strip("<> ")
    return squeezed(expected) == squeezed(got["subject"])


def test_corpus():
    worker = Worker(program())
    fields = lines = 0
    wrong, missing = [], []
    for wire, row, had_lf in messages():
        got = worker.parse(wire)
        want = row["journal"]["original"] if "journal" in row else row
        for field in (f for f in FIELDS if f in want):
            fields += 1
            if not (same_attachments(worker, wire, want[field], got["attachments"], had_lf) if field == "attachments"
                    else same(field, want[field], got)):
                wrong.append((row["file"], field))
        text = squeezed(got["text"])
        for line in row.get("text_contains", []) + row.get("html_contains", []) if "journal" not in row else []:
            lines += 1
            if squeezed(line) not in text:
                missing.append((row["file"], line))
    worker.close()
    print("%d fields, %d wrong: %s" % (fields, len(wrong), wrong))
    print("%d lines of text, %d missing: %s" % (lines, len(missing), missing))
    assert fields and len(wrong) <= 0.001 * fields
    assert lines and len(missing) <= 0.005 * lines
