"""What a real Postfix accepted, by its own log, against what was captured: through the milter, as a transport, by
always_bcc, and past all of them."""
import contextlib
import json
import os
import socket
import struct
import subprocess
import threading
import time

import pytest

from stack.lmtp import Client
from stack.process import free_port, wait_until

MESSAGE = (b"From: a@example.net\r\nTo: b@example.org\r\nSubject: x\r\nMessage-ID: <%s@example.net>\r\n"
           b"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\n\r\ntext\r\n")
GRACE = {"workerd.postfix_grace": "100ms", "workerd.postfix_interval": "200ms", "workerd.reconcile_interval": "1h"}


def send(address, name):
    """The queue id."""
    with Client(address, b"EHLO client.example") as c:
        code, text = c.send(MESSAGE % name.encode())[0]
        assert code == 250, text
    return text.split()[-1].decode()


def bypass(port):
    """A second smtpd without the milter, as people add one for a content filter or for submission."""
    return "127.0.0.1:%d inet n - n - - smtpd\n  -o receive_override_options=no_milters\n" % port


def compare(site, *logs, check=False, **kw):
    """After the grace, and after a line that says that it is over."""
    time.sleep(0.3)
    code, out, err = site.run("postfix-log", *logs, check=check, **kw)
    return code, out + err


def status(site):
    return json.loads(site.run("status", "--json", check=False)[1])["postfix"]


@pytest.fixture
def site(new_site):
    s = new_site(settings=GRACE)
    s.init()
    return s


@pytest.fixture
def milter_that_refuses():
    """Behind ours, as a virus scanner may be: it refuses each message at its end."""
    def exactly(s, n):
        data = b""
        while len(data) < n:
            more = s.recv(n - len(data))
            if not more:
                raise ConnectionError
            data += more
        return data

    def serve(s):
        with s, contextlib.suppress(ConnectionError):
            while True:
                n, = struct.unpack(">I", exactly(s, 4))
                letter = exactly(s, n)[:1]
                if letter == b"O":  # nothing but the end of messages
                    s.sendall(struct.pack(">IcIII", 13, b"O", 6, 0, 0x37F))
                elif letter == b"E":
                    s.sendall(struct.pack(">Ic", 1, b"r"))

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield "inet:127.0.0.1:%d" % listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("long_ids", ["yes", "no"])
def test_milter_and_a_way_past_it(site, new_postfix, long_ids):
    site.start("milter")
    port = free_port()
    p = new_postfix(milter=site.milter_address, services=bypass(port), settings={"enable_long_queue_ids": long_ids}).start()
    for i in range(3):
        send(p.address, "good%d" % i)
    p.wait_empty()
    code, out = compare(site, p.log_file)
    assert code == 0 and out.startswith("3 accepted, 3 captured, 0 not captured"), out
    missed = send(("127.0.0.1", port), "missed")
    p.wait_empty()
    code, out = compare(site, p.log_file)
    assert code == 1 and "4 accepted, 3 captured, 1 not captured" in out, out
    assert "not captured: %s of mx" % missed in out and "Message-ID missed@example.net" in out
    compare(site, p.log_file)
    assert status(site)["incidents"] == 1  # read twice, it is one
    code, text, _ = site.run("status", check=False)
    assert code == 1 and "INCIDENT  1 accepted by Postfix and not captured" in text
    assert missed in site.run("check", check=False)[1]
    assert site.run("postfix-log", "--settle", "smtpd on port %d was removed" % port, missed)[0] == 0
    assert status(site)["incidents"] == 0
    assert site.run("postfix-log", "--settle", "again", missed, check=False)[0] == 1


def test_transport(site, new_postfix):
    """What waits for the archive is no incident."""
    p = new_postfix(relay="lmtp:inet:127.0.0.1:%d" % site.lmtp_port).start()
    send(p.address, "one")
    wait_until("the message is deferred", lambda: "status=deferred" in p.log())
    code, out = compare(site, p.log_file)
    assert code == 0 and "1 accepted, 0 captured, 0 not captured" in out and "1 not finished" in out, out
    site.start("lmtpd")
    p.flush()
    p.wait_empty()
    code, out = compare(site, p.log_file)
    assert code == 0 and "1 accepted, 1 captured, 0 not captured" in out, out


def test_journal_and_what_it_misses(site, new_postfix):
    site.start("lmtpd")
    p = new_postfix(settings={"always_bcc": "journal@archive.invalid",
                              "transport_maps": "inline:{ archive.invalid=lmtp:inet:127.0.0.1:%d }" % site.lmtp_port}).start()
    send(p.address, "one")
    subprocess.run(["sendmail", "-C", p.etc, "b@example.org"], input=b"Subject: local\n\nx\n", check=True,
                   env={**os.environ, "MAIL_CONFIG": p.etc})
    wait_until("both are delivered", lambda: p.log().count(": removed") == 2)
    code, out = compare(site, p.log_file)
    assert code == 0 and "2 accepted, 2 captured" in out, out
    p.reconfigure(always_bcc="")
    wait_until("Postfix has its new settings", lambda: "reload" in p.log())
    time.sleep(1)
    missed = send(p.address, "two")
    p.wait_empty()
    code, out = compare(site, p.log_file)
    assert code == 1 and "not captured: " + missed in out, out


def test_an_answer_of_another_archive_is_none(site, new_site, new_postfix):
    other = new_site()
    other.init()
    other.start("lmtpd")
    p = new_postfix(relay="lmtp:inet:127.0.0.1:%d" % other.lmtp_port).start()
    missed = send(p.address, "one")
    p.wait_empty()
    code, out = compare(site, p.log_file)
    assert code == 1 and "not captured: " + missed in out, out
    assert compare(other, p.log_file)[0] == 0


def test_content_filter(site, new_postfix):
    """Handed to a filter and back, a message has two queue ids: one of them with the milter is enough."""
    site.start("milter")
    behind = free_port()
    p = new_postfix(milter=site.milter_address, services=bypass(behind) + "  -o content_filter=\n",
                    settings={"content_filter": "smtp:[127.0.0.1]:%d" % behind}).start()
    send(p.address, "one")
    p.wait_empty()
    wait_until("both are delivered", lambda: p.log().count(": removed") == 2)
    code, out = compare(site, p.log_file)
    assert code == 0 and "2 accepted, 2 captured, 0 not captured" in out, out


def test_captured_and_not_accepted(site, new_postfix, milter_that_refuses):
    site.start("milter")
    p = new_postfix(milter="%s, %s" % (site.milter_address, milter_that_refuses)).start()
    with Client(p.address, b"EHLO client.example") as c:
        assert c.send(MESSAGE % b"refused")[0][0] != 250
    wait_until("it is captured", lambda: site.archived())
    p.reconfigure(smtpd_milters=site.milter_address)
    time.sleep(2.5)  # the log has whole seconds
    send(p.address, "later")  # and goes on
    p.wait_empty()
    code, out = compare(site, p.log_file)
    assert code == 0 and "1 accepted, 1 captured, 0 not captured, 1 captured and not accepted" in out, out
    assert status(site)["unaccepted"] == 1


def test_workerd_follows_the_log(site, new_postfix):
    """Over a rotation and a restart; what was there before it began is not its affair."""
    site.start("milter")
    port = free_port()
    p = new_postfix(milter=site.milter_address, services=bypass(port)).start()
    os.chmod(os.path.dirname(p.log_file), 0o755)
    send(("127.0.0.1", port), "before")
    p.wait_empty()
    os.chmod(p.log_file, 0o644)
    site.write_conf(workerd__postfix_log=p.log_file)
    site.start("workerd")
    wait_until("the log is followed", lambda: status(site)["read"])
    send(p.address, "good")
    first = send(("127.0.0.1", port), "first")
    line = site.log_line("workerd", "not captured", 60)
    assert line["level"] == "error" and line["queue_id"] == first and "first@example.net" in line["message"]
    site.stop("workerd")
    second = send(("127.0.0.1", port), "second")
    p.wait_empty()
    os.rename(p.log_file, p.log_file + ".1")
    p.reconfigure()  # opens the log anew
    third = send(("127.0.0.1", port), "third")
    p.wait_empty()
    os.chmod(p.log_file, 0o644)
    site.start("workerd")
    wait_until("all are found", lambda: status(site)["incidents"] == 3, 60)
    assert [line["queue_id"] for line in site.log("workerd") if "not captured" in line["message"]] == [first, second, third]
    wait_until("nothing is open", lambda: status(site)["undecided"] == 0)


def test_no_log_of_postfix(site):
    with open(site.path("log.txt"), "w") as f:
        f.write("this is no log\n")
    assert "no line of Postfix" in compare(site, site.path("log.txt"))[1]
    assert site.run("postfix-log", check=False)[0] == 2
    assert site.run("postfix-log", site.path("missing"), check=False)[0] != 0
