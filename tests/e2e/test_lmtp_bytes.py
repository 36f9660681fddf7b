"""What stood between DATA and the final dot is what is archived, byte for byte."""
import json
import os
import re

import pytest
from stack.lmtp import archive_id
from stack.site import TOP

CORPUS = os.environ.get("STRONGROOM_CORPUS", os.path.join(TOP, "../shared/corpus"))
CORPUS_MAX = 300

NASTY = {
    "nothing": b"",
    "only a line end": b"\r\n",
    "no header": b"just text\r\n",
    "no body": b"Subject: x\r\n",
    "every byte": b"Subject: x\r\n\r\n" + bytes(range(256)) + b"\r\n",
    "dots": b".\r\n..\r\n...\r\n.a\r\n.\n.\r.\r\n\r\n.\r\n",
    "bare line ends": b"Subject: x\n\n.\n\r\r\n.\r.\n.\r\n\n\r\n",
    "smuggling": b"a\n.\r\nMAIL FROM:<x@y>\r\nb\r.\r\nRSET\r\nc\r\n.\nQUIT\r\nd\n.\nQUIT\r\n",
    "NUL everywhere": b"\0Sub\0ject: x\0\r\n\0\r\n\0\0\r\n",
    "a long line": b"Subject: " + b"x" * 3000000 + b"\r\n\r\n" + b"\xff" * 1000000 + b"\r\n",
    "many short lines": b"\r\n" * 500000,
    "many dots": b".\r\n" * 300000,
    "8 bits": "Subject: Grüße 例え\r\n\r\n😀\r\n".encode() + b"\xff\xfe\r\n",
    "envelope line": b"From a@b Thu Jan  1 00:00:00 1970\r\nSubject: x\r\n\r\nx\r\n",
}


@pytest.fixture(scope="module")
def lmtpd(shared_site):
    shared_site.start("lmtpd")
    return shared_site


def stuffed(raw):
    """In transport form: only CR LF ends a line."""
    assert not raw or raw.endswith(b"\r\n")
    return re.sub(rb"(\A|(?<=\r\n))\.", b"..", raw) + b".\r\n"


def begin(c, sender=b"a@example.net", recipient=b"b@example.org", args=b""):
    assert c.command(b"MAIL FROM:<%s>%s" % (sender, args))[0] == 250
    assert c.command(b"RCPT TO:<%s>" % recipient)[0] == 250


def send_data(c, raw):
    """The archive id."""
    begin(c)
    assert c.command(b"DATA")[0] == 354
    c.s.sendall(stuffed(raw))
    code, text = c.reply()
    assert code == 250, text
    return archive_id(text)


@pytest.mark.parametrize("name", NASTY)
def test_data(lmtpd, name):
    with lmtpd.lmtp() as c:
        archived = send_data(c, NASTY[name])
        c.quit()
    assert lmtpd.object(archived) == NASTY[name]


def test_chunks_need_no_line_end(lmtpd):
    raw = b".\r\n.\r\n" + bytes(range(256)) * 3000 + b"\r\n.\r\nQUIT"
    with lmtpd.lmtp(unix=True) as c:
        begin(c, args=b" BODY=BINARYMIME")
        pieces = [raw[at:at + 100000] for at in range(0, len(raw), 100000)]
        for piece in pieces[:-1]:
            c.s.sendall(b"BDAT %d\r\n" % len(piece) + piece)
            assert c.reply()[0] == 250
        c.s.sendall(b"BDAT %d LAST\r\n" % len(pieces[-1]) + pieces[-1])
        code, text = c.reply()
        assert code == 250, text
    assert lmtpd.object(archive_id(text)) == raw


def test_a_byte_a_packet(lmtpd):
    raw = NASTY["smuggling"]
    with lmtpd.lmtp() as c:
        begin(c, recipient=b"another@example.org")
        assert c.command(b"DATA")[0] == 354
        for byte in stuffed(raw):
            c.s.sendall(bytes([byte]))
        code, text = c.reply()
        assert code == 250, text
    assert lmtpd.object(archive_id(text)) == raw


def corpus():
    """Real messages, spread evenly over the corpus, in the form that a mail server would send."""
    with open(os.path.join(CORPUS, "expected.jsonl")) as f:
        rows = [json.loads(line) for line in f]
    for row in rows[::max(1, len(rows) // CORPUS_MAX)]:
        with open(os.path.join(CORPUS, row["file"]), "rb") as f:
            raw = f.read()
        yield raw[row["offset"]:row["offset"] + row["length"]] if "offset" in row else raw


@pytest.mark.skipif(not os.path.exists(os.path.join(CORPUS, "expected.jsonl")), reason="no corpus (STRONGROOM_CORPUS)")
def test_corpus(lmtpd):
    with lmtpd.lmtp() as c:
        for raw in corpus():
            raw = raw if raw.endswith(b"\r\n") else raw + b"\r\n"
            assert lmtpd.object(send_data(c, raw)) == raw
