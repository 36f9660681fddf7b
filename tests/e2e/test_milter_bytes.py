"""Which bytes of a message captured by the milter can differ from those that the client sent: every difference that is known
is a line of this table; milter/reconstruct.h and strongroom-milter(8) tell them in words."""
import pytest

HEAD = (b"From: bob@example.net\r\nTo: alice@example.org\r\nDate: Sun, 22 Nov 2026 18:17:53 +0000\r\n"
        b"Message-ID: <1@example.net>\r\nSubject: bytes\r\n")
BODY = b"\r\nbody\r\n"

# What arrives as it was sent, through both.
SAME = {
    "spacing": HEAD + b"X-A: \t b\r\nNoSpace:v\r\nX-Trailing: tail \t \r\nX-Empty:\r\nX-Blank: \r\n" + BODY,
    "folding": HEAD + b"X-A: b\r\n c\r\n\td  \r\nX-B:\r\n folded at once\r\nX-C: \r\n \r\n x\r\n" + BODY,
    "order, case and repetition": HEAD + b"received: one\r\nX-A: 1\r\nReceived: two\r\nx-a: 2\r\nX-A: 1\r\n" + BODY,
    "8-bit in header and body": HEAD + "X-A: café 東京\r\n".encode() + b"X-B: \xe9\xff\r\n" + BODY + bytes(range(128, 256)) + b"\r\n",
    "control characters": HEAD + b"X-A: a\x01\x0b\x7f\tb\r\n" + BODY + b"\x01\x02\x0b\x0c\x1b\x7f\r\n",
    "long lines": HEAD + b"X-Long: " + b"x" * 20000 + b"\r\n" + BODY + b"y" * 200000 + b"\r\n",
    "NUL in the body": HEAD + BODY + b"a\0b\r\n",
    "dots": HEAD + BODY + b".\r\n..\r\n.x\r\n",
    "empty lines": HEAD + b"\r\n\r\n\r\ntwo before, two behind\r\n\r\n\r\n",
    "no body": HEAD + b"\r\n",
    "From in the body": HEAD + BODY + b"From here on\r\n>From there\r\n",
    "nested message": HEAD + b"Content-Type: message/rfc822\r\n\r\nBcc: x@y\r\nSubject:  inner\r\n\tfolded \r\n\r\nFrom inner\r\n",
    "multipart without an end": HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nX-A:b\r\n\r\nbody\r\n--b\r\n",
}


def sent(text):
    return HEAD + text + BODY


# name: (sent, by Postfix, by Sendmail); None: the message is refused.
DIFFERENT = {
    "white space before the colon": (sent(b"X-A : b\r\nX-B\t: c\r\n"), sent(b"X-A: b\r\nX-B: c\r\n"), sent(b"X-A: b\r\nX-B: c\r\n")),
    "a line that is no field": (sent(b"no field\r\nX-Later: 1\r\n"), sent(b"\r\nno field\r\nX-Later: 1\r\n"),
                                sent(b"\r\nno field\r\nX-Later: 1\r\n")),
    "a name with a blank": (sent(b"X A: b\r\n"), sent(b"\r\nX A: b\r\n"), sent(b"\r\nX A: b\r\n")),
    "an empty name": (sent(b": b\r\n"), sent(b"\r\n: b\r\n"), sent(b"\r\n: b\r\n")),
    "white space before the colon in a nested message": (
        HEAD + b"Content-Type: message/rfc822\r\n\r\nSubject : inner\r\n\r\ninner\r\n",
        HEAD + b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninner\r\n",
        HEAD + b"Content-Type: message/rfc822\r\n\r\nSubject : inner\r\n\r\ninner\r\n"),
    "no empty line at the end": (HEAD, HEAD + b"\r\n", HEAD + b"\r\n"),
    "NUL in the header": (sent(b"X-A: a\0b\r\nX-B: c\r\n"), sent(b"X-A: a\r\nX-B: c\r\n"), sent(b"X-A: ab\r\nX-B: c\r\n")),
    "bare CR in the header": (sent(b"X-A: a\rb\r\n"), sent(b"X-A: a b\r\n"), None),
    "bare CR in the body": (HEAD + BODY + b"a\rb\r\n", HEAD + BODY + b"a b\r\n", None),
    "bare LF in the header": (sent(b"X-A: a\nX-B: b\r\n"), sent(b"X-A: a\r\nX-B: b\r\n"), None),
    "bare LF in the body": (HEAD + BODY + b"a\nb\r\n", HEAD + BODY + b"a\r\nb\r\n", None),
    "fields that Postfix drops": (sent(b"Bcc: x@example.net\r\nReturn-Path: <y@z>\r\nContent-Length: 6\r\nResent-Bcc: x@y\r\n"),
                                  HEAD + BODY,
                                  sent(b"Bcc: x@example.net\r\nReturn-Path: <y@z>\r\nContent-Length: 6\r\nResent-Bcc: x@y\r\n")),
    "From line of an mbox": (b"From bob Sun Nov 22 18:17:53 2026\r\n" + HEAD + BODY,
                             b"X-Mailbox-Line: From bob Sun Nov 22 18:17:53 2026\r\n" + HEAD + BODY, HEAD + BODY),
    "quoted From line": (b">From bob Sun Nov 22\r\n" + HEAD + BODY, b"X-Mailbox-Line: >From bob Sun Nov 22\r\n" + HEAD + BODY,
                         b"\r\n>From bob Sun Nov 22\r\n" + HEAD + BODY),
}

# Messages without a header: name: (sent, by both).
HEADLESS = {
    "a continuation first of all": (b" continued\r\nSubject: x\r\n\r\nbody\r\n", b"\r\n continued\r\nSubject: x\r\n\r\nbody\r\n"),
    "text without any header": (b"just text\r\nmore text\r\n", b"\r\njust text\r\nmore text\r\n"),
    "an empty line first of all": (b"\r\njust text\r\n", b"\r\njust text\r\n"),
    "nothing": (b"", b"\r\n"),
}


@pytest.fixture(params=["postfix", "sendmail"])
def door(request, new_door):
    """Header rewriting is off, as it is for clients on other machines."""
    mta = {"settings": {"local_header_rewrite_clients": ""}} if request.param == "postfix" else {}
    d = new_door(request.param, "unix", mta=mta)
    d.column = 1 if request.param == "postfix" else 2
    return d


def capture(door, raw):
    """The archived bytes; None when the mail server refused the message."""
    before = len(door.site.archived())
    try:
        code, text = door.send(raw, args=b" BODY=8BITMIME")
    except OSError:                                 # hung up in the middle
        code, text = 421, b""
    lines = door.site.archived()[before:]
    if code != 250:
        assert not lines, "refused, yet archived"
        return None
    assert len(lines) == 1, (code, text)
    return door.site.object(lines[0]["archive_id"])


def first_difference(a, b):
    """The surroundings of the first byte in which two messages differ; None when they are the same."""
    if a == b:
        return None
    if a is None or b is None:
        return "archived: %r" % a if a else "refused"
    at = next((i for i, pair in enumerate(zip(a, b)) if pair[0] != pair[1]), min(len(a), len(b)))
    return at, a[max(0, at - 20):at + 40], b[max(0, at - 20):at + 40]


def unexpected(door, cases):
    """{name: where the archived bytes differ from the expected ones} of [(name, sent, expected)]."""
    found = {name: first_difference(capture(door, raw), expected) for name, raw, expected in cases}
    return {name: difference for name, difference in found.items() if difference}


def test_what_survives(door):
    assert not unexpected(door, [(name, raw, raw) for name, raw in SAME.items()])


def test_what_differs(door):
    assert not unexpected(door, [(name, case[0], case[door.column]) for name, case in DIFFERENT.items()])


def test_without_a_header(door):
    assert not unexpected(door, [(name, raw, expected) for name, (raw, expected) in HEADLESS.items()])


def test_header_over_postfix_limit_is_cut(new_door):
    door = new_door("postfix", "unix", mta={"settings": {"header_size_limit": "1000"}})
    got = capture(door, sent(b"X-A: " + b"v" * 5000 + b"\r\nX-B: after\r\n"))
    assert got.startswith(HEAD + b"X-A: vvv") and len(got) < 3000


def test_fields_that_postfix_adds_for_its_own_clients(new_door):
    door = new_door("postfix", "unix", mta={"settings": {"always_add_missing_headers": "yes"}})
    got = capture(door, b"Subject: bare\r\n\r\nbody\r\n")
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"Subject: bare\r\n") and body == b"body\r\n"
    assert sorted(line.split(b":")[0] for line in head.split(b"\r\n")) == [b"Date", b"From", b"Message-Id", b"Subject"]
