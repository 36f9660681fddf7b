"""Clients that are slow, huge, hanging, malformed or in a hurry: each gets its reply and costs bounded memory."""
import os
import re
import socket
import struct
import threading

import pytest
from stack.lmtp import Client, archive_id
from stack.process import wait_until

SMALL = b"Subject: small\r\n\r\nsmall\r\n"
ENVELOPE = b"MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.org>\r\n"


def resident_kib(pid):
    """0 for a build with a sanitizer, whose memory says nothing."""
    with open("/proc/%d/maps" % pid) as f:
        if "san.so" in f.read():
            return 0
    with open("/proc/%d/status" % pid) as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])


def archives(site):
    """A healthy client is served."""
    with site.lmtp() as c:
        code, text = c.send(SMALL)[0]
        assert code == 250, text
    return archive_id(text)


def restart(site, **settings):
    site.write_conf(**settings)
    site.start("lmtpd")


def test_pipelined(lmtpd):
    """Commands in one packet, many transactions in a row, answers in order."""
    with lmtpd.lmtp() as c:
        for _ in range(50):
            c.s.sendall(ENVELOPE + b"RCPT TO:<c@example.org>\r\nDATA\r\n" + SMALL + b".\r\n")
        c.s.sendall(b"QUIT\r\n")
        codes = [c.reply()[0] for _ in range(50 * 6 + 1)]
    assert codes == [250, 250, 250, 354, 250, 250] * 50 + [221]


def test_transactions_of_many_recipients(lmtpd):
    """10,000 are taken, one commit for all; the next is refused for now."""
    n = 10000
    with lmtpd.lmtp() as c:
        reader = []
        t = threading.Thread(target=lambda: reader.extend(c.reply() for _ in range(n + 3)))
        t.start()
        c.s.sendall(b"MAIL FROM:<a@example.net>\r\n" + b"".join(b"RCPT TO:<r%d@example.org>\r\n" % i for i in range(n + 1)) + b"DATA\r\n")
        t.join()
        assert [code for code, _ in reader] == [250] * (n + 1) + [452, 354]
        assert reader[n + 1][1].startswith(b"452 4.5.3 ")
        c.s.sendall(SMALL + b".\r\n")
        replies = [c.reply() for _ in range(n)]
    assert {code for code, _ in replies} == {250}
    assert len({archive_id(text) for _, text in replies}) == 1
    assert replies[n - 1][1].startswith(b"250 2.0.0 <r%d@example.org> archived as " % (n - 1))
    assert len(lmtpd.objects()) == 1


def test_too_large(site):
    restart(site, message_size_max="1M")
    with site.lmtp() as c:
        code, text = c.command(b"MAIL FROM:<a@example.net> SIZE=1048577")
        assert (code, text[:9]) == (552, b"552 5.3.4")
        code, text = c.send(b"x" * (20 << 20) + b"\r\n", recipients=[b"a@b", b"c@d"])[1]
        assert (code, text[:9]) == (552, b"552 5.3.4")
        assert c.command(b"NOOP")[0] == 250
    assert site.objects() == []
    assert resident_kib(site.pid("lmtpd")) < 64 * 1024
    archives(site)


def test_many_large_messages_cost_bounded_memory(site):
    """20 clients with 10 MiB each: most of it is in the spool, and inflight_max puts some of them off."""
    restart(site, inflight_max="64M")
    raw = b"Subject: large\r\n\r\n" + b"0123456789abcdef" * 65536 * 10 + b"\r\n"
    codes = []

    def one():
        with site.lmtp() as c:
            codes.append(c.send(raw)[0][0])

    threads = [threading.Thread(target=one) for _ in range(20)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert set(codes) <= {250, 451} and codes.count(250) >= 3
    archives(site)


def test_memory_at_100_connections(lmtpd):
    """Under 64 MiB, with a message of 100 KiB under way in each."""
    clients = [lmtpd.lmtp() for _ in range(100)]
    for i, c in enumerate(clients):
        c.s.sendall(ENVELOPE + b"DATA\r\n" + b"Subject: %d\r\n\r\n" % i + b"some words " * 9000 + b"\r\n")
    for c in clients:
        assert [c.reply()[0] for _ in range(3)] == [250, 250, 354]
    for c in clients:
        c.s.sendall(b".\r\n")
    for c in clients:
        assert c.reply()[0] == 250
    peak = resident_kib(lmtpd.pid("lmtpd"))
    for c in clients:
        c.quit()
    assert peak < 64 * 1024


def test_too_many_connections(site):
    restart(site, lmtpd__connections_max="3")

    def connect():
        c = site.lmtp(hello=b"")
        return c if c.banner[0] == 220 else None

    clients = [wait_until("a connection", connect) for _ in range(3)]  # whoever looked if the daemon is up may be gone late
    with site.lmtp(hello=b"") as refused:
        assert refused.banner[1].startswith(b"421 4.3.2 ")
        with pytest.raises(ConnectionError):
            refused.reply()
    clients.pop().quit()
    wait_until("room for another", connect)


def test_peers(site):
    restart(site, lmtpd__peers="192.0.2.0/24")
    with site.lmtp(hello=b"") as c:
        assert c.banner[1].startswith(b"421 4.7.1 ")
    with site.lmtp(unix=True) as c:
        assert c.send(SMALL)[0][0] == 250


def test_hanging(site):
    """In the middle of a command, of the envelope, of a message: 421, and nothing archived."""
    restart(site, lmtpd__timeout="1s")
    starts = [b"", b"MAIL FR", ENVELOPE, ENVELOPE + b"DATA\r\n" + SMALL, ENVELOPE + b"DATA\r\n" + SMALL + b".", ENVELOPE + b"BDAT 1000 LAST\r\nx"]
    clients = [site.lmtp() for _ in starts]
    for c, start in zip(clients, starts):
        c.s.sendall(start)
    for c in clients:
        text = b""
        while not text.startswith(b"421"):
            text = c.reply()[1]
        assert text.startswith(b"421 4.4.2 ")
        with pytest.raises(ConnectionError):
            c.reply()
    assert site.objects() == []
    archives(site)


def test_client_that_reads_nothing(site):
    """Sends commands and never reads: the daemon's side fills up, and it hangs up after a while."""
    restart(site, lmtpd__timeout="1s")
    c = site.lmtp()
    c.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    c.s.settimeout(30)
    with pytest.raises(OSError):
        while True:
            c.s.sendall(b"NOOP\r\n" * 10000)
    archives(site)


@pytest.mark.parametrize("start", [b"", ENVELOPE, ENVELOPE + b"DATA\r\n" + SMALL, ENVELOPE + b"BDAT 1000 LAST\r\nx",
                                   ENVELOPE + b"DATA\r\n" + b"x" * 1000000],
                         ids=["nothing", "envelope", "message", "chunk", "large"])
@pytest.mark.parametrize("reset", [False, True])
def test_broken_off(lmtpd, start, reset):
    c = lmtpd.lmtp()
    c.s.sendall(start)
    if reset:
        c.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    c.close()
    archives(lmtpd)
    assert len(lmtpd.objects()) == 1
    wait_until("the spool is empty", lambda: os.listdir(lmtpd.path("spool")) == [])


def test_malformed(lmtpd):
    """Each is answered on its own, and the session stays in step."""
    cases = [(b"", 500), (b"\0\0", 500), (b"\xff\xfe", 500), (b"MAIL FROM:" + b"<" * 3000, 501), (b"MAIL FROM:<a@b> X=Y", 555),
             (b"NOOP " + b"x" * 5000, 500), (b"NOOP " + b"x" * 1000000, 500), (b"EHLO x", 500), (b"RCPT TO:<a@b>", 503), (b"DATA", 503)]
    with lmtpd.lmtp() as c:
        for line, code in cases:
            assert c.command(line)[0] == code, line[:40]
        c.s.sendall(b"NOOP\n")
        assert c.reply()[0] == 500
        assert c.send(SMALL)[0][0] == 250
    with lmtpd.lmtp() as c:
        for _ in range(20):
            assert c.command(b"GET / HTTP/1.1")[0] == 500
        assert c.command(b"Host: x")[0] == 500
        assert c.reply()[1].startswith(b"421 4.7.0 ")
    archives(lmtpd)


def test_random_bytes(lmtpd):
    for _ in range(20):
        c = Client(lmtpd.address("lmtpd"), hello=b"")
        try:
            c.s.sendall(os.urandom(100000))
            c.s.shutdown(socket.SHUT_WR)
            while True:
                c.reply()
        except (OSError, ValueError):
            c.close()
    archives(lmtpd)
