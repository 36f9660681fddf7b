"""strongroom-milter and the milter protocol itself, spoken by a mail server that does what it likes. Needs no root."""
import os
import random
import socket
import struct
import subprocess

import pytest

from stack.milter import EVERYTHING, LEADING_SPACE, NO_REPLY, RECIPIENTS_REJECTED, Milter
from stack.process import wait_until

ACCEPT = ("a", b"")
CONTINUE = ("c", b"")


@pytest.fixture(params=["inet", "unix"])
def site(request, new_site):
    s = new_site(milter=request.param)
    s.init()
    s.start("milter")
    return s


def archived_bytes(site):
    return [site.object(line["archive_id"]) for line in site.archived()]


def test_negotiation(site):
    with Milter(site.address("milter")) as m:
        assert m.actions & ~0x100 == 0, "it asks for the right to change messages"
        assert m.flags & LEADING_SPACE and not m.flags & RECIPIENTS_REJECTED
        unanswered = {letter for letter, flag in NO_REPLY.items() if m.flags & flag}
        assert unanswered == (set("CHTLNB") if site.milter_kind == "unix" else set())
        assert b"{auth_authen}" in m.macros and b"{tls_version}" in m.macros


def test_what_is_known_of_the_client_is_recorded(site):
    with Milter(site.address("milter")) as m:
        m.connect()
        m.helo(b"mail.example.net")
        m.define("M", auth_authen="carol", tls_version="TLSv1.3", cipher="TLS_AES_256_GCM_SHA384")
        assert m.mail(b"<>", b"BODY=8BITMIME", b"RET=HDRS") == CONTINUE
        assert m.rcpt(b"<alice@example.org>", b"NOTIFY=NEVER", b"ORCPT=rfc822;a@b") == CONTINUE
        m.define("E", i="4ABC")
        m.end_of_header()
        assert m.end_of_message()[0] == ACCEPT
    row = site.row(site.archived()[0]["archive_id"])
    text = str(row["evidence"])
    for part in ("carol", "TLSv1.3 TLS_AES_256_GCM_SHA384", "192.0.2.1:2525", "mail.example.net", "BODY=8BITMIME RET=HDRS",
                 "NOTIFY=NEVER ORCPT=rfc822;a@b"):
        assert part in text, part
    assert row["queue_id"] == "4ABC"


def test_server_that_hides_leading_space(site):
    with Milter(site.address("milter"), offers=EVERYTHING & ~LEADING_SPACE) as m:
        assert m.message([(b"Subject", b"x\n  folded"), (b"X-Empty", b"")]) == ACCEPT
    assert archived_bytes(site) == [b"Subject: x\r\n  folded\r\nX-Empty: \r\n\r\nbody\r\n"]


def test_server_of_an_old_protocol(site):
    with Milter(site.address("milter"), offers=0x7F, actions=0x3F) as m:
        assert m.flags & ~0x7F == 0
        m.flags, m.data = 0, lambda: None           # it knows nothing of steps without an answer, nor of DATA
        assert m.message([(b"Subject", b"x")]) == ACCEPT
    assert archived_bytes(site) == [b"Subject: x\r\n\r\nbody\r\n"]


def test_aborted_messages_leave_nothing(site):
    with Milter(site.address("milter")) as m:
        m.connect()
        for _ in range(3):
            m.mail()
            m.rcpt(b"<nobody@example.org>")
            m.header(b"Subject", b" given up")
            m.end_of_header()
            m.body(b"x" * 60000)
            m.abort()
        assert m.message() == ACCEPT
        m.mail()
        m.rcpt()
        m.header(b"Subject", b" cut off")
    assert archived_bytes(site) == [b"Subject: x\r\n\r\nbody\r\n"]
    assert site.archived()[0]["recipients"] == "1"


def test_hundreds_of_messages_on_a_connection(site):
    with Milter(site.address("milter")) as m:
        m.connect()
        m.helo()
        for i in range(200):
            assert m.message([(b"Subject", b" %d" % i)]) == ACCEPT
    assert len(site.archived()) == 200


def test_connections_side_by_side(site):
    many = [Milter(site.address("milter")) for _ in range(100)]
    for i, m in enumerate(many):
        m.connect()
        m.mail(b"<%d@example.net>" % i)
        m.rcpt()
        m.header(b"Subject", b" %d" % i)
    for m in many:
        m.end_of_header()
        m.send("E")                                 # all at once, then the answers
    assert [m.receive() for m in many] == [ACCEPT] * 100
    assert sorted(archived_bytes(site)) == sorted(b"Subject: %d\r\n\r\n" % i for i in range(100))
    for m in many:
        m.close()


def test_room_is_given_back(new_site):
    site = new_site(milter="unix", settings={"message_size_max": "1M", "inflight_max": "4M"})
    site.init()
    site.start("milter")
    with Milter(site.address("milter")) as m:
        for _ in range(30):
            reply = m.message(body=b"x" * 1500000)
            assert (reply[0], reply[1][:9]) == ("y", b"552 5.3.4")
    held = [Milter(site.address("milter")) for _ in range(4)]
    assert [m.mail(b"<a@b>", b"SIZE=1000000") for m in held] == [CONTINUE] * 4
    with Milter(site.address("milter")) as m:
        reply = m.mail(b"<a@b>", b"SIZE=1000000")
        assert (reply[0], reply[1][:9]) == ("y", b"451 4.3.2")
        held[0].abort()
        wait_until("room", lambda: m.mail(b"<a@b>", b"SIZE=1000000") == CONTINUE)
    for h in held:
        h.close()


def test_garbage_harms_nobody(site):
    rng = random.Random(7)
    for i in range(200):
        s = socket.socket(socket.AF_UNIX if site.milter_kind == "unix" else socket.AF_INET)
        s.connect(site.address("milter"))
        if i % 2:
            s.sendall(struct.pack(">I", 13) + b"O" + struct.pack(">III", 6, 0x1FF, EVERYTHING))
        letters = [bytes([rng.choice(b"ABCDEHKLMNOQRTU\0\xff")]) + rng.randbytes(rng.randrange(40)) for _ in range(6)]
        try:
            for packet in letters:
                s.sendall(struct.pack(">I", len(packet)) + packet)
        except OSError:
            pass
        s.close()
    with Milter(site.address("milter")) as m:
        assert m.message() == ACCEPT
    assert site.running("milter")


def test_socket_from_systemd(new_site):
    site = new_site(milter="unix")
    site.init()
    path = site.path("activated.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        p = subprocess.Popen(["sh", "-c", 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$1"', "-", site.program("strongroom-milter")],
                             preexec_fn=lambda: os.dup2(listener.fileno(), 3), pass_fds=[3], env=site.env(),
                             stderr=subprocess.DEVNULL)
        try:
            with Milter(path) as m:
                assert m.message() == ACCEPT
            assert not os.path.exists(site.milter_path)
        finally:
            p.terminate()
            assert p.wait(30) == 0
    assert os.path.exists(path) and len(site.objects()) == 1


@pytest.mark.faults
def test_progress_is_told_while_the_archive_takes_its_time(new_site):
    site = new_site(milter="inet")
    site.init()
    site.start("milter", fault="archive.put=stall@1")
    with Milter(site.address("milter"), timeout=15) as m:   # 30 s of stalling would be too long without a word
        assert m.mail() == CONTINUE and m.rcpt() == CONTINUE
        m.end_of_header()
        verdict, progress = m.end_of_message()
    assert verdict == ACCEPT and progress >= 2
    assert len(site.archived()) == 1
