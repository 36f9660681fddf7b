"""The parser worker as a process: what it may do, what ends it, and what hostile messages do to it."""
import base64
import hashlib
import os
import re
import socket
import struct

import pytest
from parser_worker import REFUSED, WINDOW, Died, Worker, value
from stack import Missing
from stack.site import TOP

pytestmark = [pytest.mark.embedded("it starts no daemon"), pytest.mark.one_thread]

HEAD = b"From: alice@example.org\r\nSubject: s\r\nMIME-Version: 1.0\r\n"
MIXED = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"


def program():
    path = os.path.join(TOP, os.environ.get("STRONGROOM_BUILD", "build/release"), "strongroom-parser")
    if not os.access(path, os.X_OK):
        raise Missing("strongroom-parser is not built")
    return path


@pytest.fixture
def worker():
    w = Worker(program())
    yield w
    w.close()


def sanitized():
    with open(program(), "rb") as f:
        return re.search(rb"__[at]san_", f.read()) is not None


def test_is_shut_in(worker):
    with open("/proc/%d/status" % worker.pid) as f:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in f)
    assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1" and int(status["CapEff"], 16) == 0
    with open("/proc/%d/limits" % worker.pid) as f:
        limits = {line[:26].strip(): line[26:].split()[0] for line in f}
    assert limits["Max core file size"] == "0" and limits["Max file size"] == "0"
    assert int(limits["Max open files"]) < 10
    if not sanitized():
        assert limits["Max address space"] != "unlimited"
    if os.geteuid() == 0:
        assert sorted(os.listdir("/proc/%d/fd" % worker.pid), key=int) == ["0", "1", "2", "3"]


def test_ends_with_its_daemon(worker):
    worker.s.shutdown(2)
    assert worker.wait() == 0


def test_message_in_the_window_or_by_descriptor(worker):
    raw = HEAD + b"\r\nneedle\r\n"
    read = worker.parse(raw)
    assert "needle" in read["text"] and worker.parse(raw, by_window=False) == read
    for _ in range(300):  # descriptors are closed again
        worker.parse(raw, by_window=False)
    assert worker.parse(b"")["text"] == ""  # nothing of what is left in the window
    assert worker.parse(raw[:-4])["text"] == "need"


def test_window_overrun(worker):
    """More than the window holds, and no descriptor: that is no message."""
    with pytest.raises(Died) as death:
        worker.parse(b"", more=value(4, struct.pack(">Q", WINDOW + 1)))
    assert death.value.args[0] == 0


def test_daemon_of_version_1():
    """It gives no window, and is told which version it started."""
    ours, theirs = socket.socketpair()
    pid = os.posix_spawn(program(), ["strongroom-parser", "536870912"], {}, file_actions=[
        (os.POSIX_SPAWN_DUP2, theirs.fileno(), 103), (os.POSIX_SPAWN_DUP2, 103, 3), (os.POSIX_SPAWN_CLOSE, 103)] +
        ([(os.POSIX_SPAWN_CLOSE, 4)] if os.path.exists("/proc/self/fd/4") else []))
    theirs.close()
    assert ours.recv(100) == b"\0\0\0\x05\x01\0\0\0\x02"
    os.waitpid(pid, 0)
    ours.close()


def test_has_room_for_later_requests(worker):
    raw = HEAD + b"\r\nneedle\r\n"
    unknown = b"\0\0\x12\x34\0\0\0\x03abc"
    assert "needle" in worker.parse(raw, more=unknown)["text"]
    worker.ask(77, raw)
    assert worker.frame() == (REFUSED, b"")
    assert "needle" in worker.parse(raw)["text"]


def test_extracts_what_it_lists(worker):
    data = os.urandom(1) * 300000 + b"end"
    raw = (MIXED + b"--b\r\nContent-Type: application/x; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
           base64.encodebytes(data).replace(b"\n", b"\r\n") +
           b"--b\r\nContent-Type: application/x; name=empty\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nx\r\n--b--\r\n")
    listed = worker.parse(raw)["attachments"]
    assert [a["name"] for a in listed] == ["a", "empty", ""]
    for i, expected in enumerate((data, b"", b"Subject: in\r\n\r\nx")):
        got = worker.extract(raw, i)
        assert got == expected
        assert listed[i]["size"] == len(got) and listed[i]["sha256"] == hashlib.sha256(got).hexdigest()
    assert worker.extract(raw, 3) is None and worker.extract(raw, 2 ** 32 - 1) is None


def test_memory_limit():
    if sanitized():
        pytest.skip("a sanitizer needs all the address space there is")
    w = Worker(program(), memory=32 << 20)
    assert "needle" in w.parse(HEAD + b"\r\nneedle\r\n")["text"]
    with pytest.raises(Died):
        w.parse(HEAD + b"\r\n" + b"x" * (48 << 20))
    w.close()


def nested(levels):
    return HEAD + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) for i in range(levels)) + \
        b"\r\nneedle\r\n"


HOSTILE = {
    "boundary is a quote": HEAD + b'Content-Type: multipart/mixed; boundary="\\""\r\n\r\n--"\r\n\r\nneedle\r\n--"--\r\n',
    "10,000 comments": b"From: " + b"(" * 10000 + b" a@example.org\r\n\r\nneedle\r\n",
    "groups in groups": b"To: " + b"g:" * 400000 + b"\r\n\r\nneedle\r\n",
    "1,025 levels": nested(1025),
    "8,000 levels": nested(8000),
    "8,000 messages": HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 8000 + b"\r\nneedle\r\n",
    "no closing boundary": MIXED + b"--b\r\n\r\nneedle\r\n--b\r\nContent-Type: a/b\r\n\r\nx",
    "text with NUL": HEAD + b"\r\nnee\0dle\r\n",
    "100,000 parts": MIXED + b"--b\r\n\r\nneedle\r\n" * 100000,
    "millions of parts": MIXED + b"--b\r\n\r\nneedle\r\n" + b"--b\n\n" * (4 << 20),
    "a million addresses": b"To: " + b"a@b," * 250000 + b"\r\n\r\nneedle\r\n",
    "a million fields": b"a:\r\n" * 250000 + b"\r\nneedle\r\n",
    "lines that almost are boundaries": nested(99) + b"--b9x\n" * (4 << 20),
    "every quote open": HEAD + b"Content-Type: text/html\r\n\r\nneedle" + b"<a b='" * (1 << 20),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(worker, name):
    """Read to the end, within the time that a daemon allows, and the worker goes on."""
    assert "needle" in worker.parse(HOSTILE[name])["text"]
    assert worker.parse(HEAD + b"\r\nnext\r\n")["text"] == "next\r\n"
