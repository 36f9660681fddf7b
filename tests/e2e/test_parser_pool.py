"""A daemon's parser workers: killed, stopped and fed hostile mail under load, they cost no message anything."""
import itertools
import os
import signal
import threading
import time

import pytest
from stack.lmtp import archive_id
from stack.process import wait_until

PARSE_FAILED, PARSE_TIMEOUT, PARSE_PARTS = 1, 2, 8


@pytest.fixture
def lmtpd(site):
    site.write_conf(parser__workers="2", parser__timeout="2s")
    site.start("lmtpd")
    return site


def workers(site):
    """Processes whose parent is the daemon: (pid, state)."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % pid) as f:
                state, parent = f.read().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(parent) == site.pid("lmtpd"):
            found.append((int(pid), state))
    return found


def kill(pid, sig):
    try:
        os.kill(pid, sig)
    except ProcessLookupError:
        pass


NUMBERS = itertools.count()


def send(site, n, results, tries=1):
    """No two messages are the same: what is known already is not read again. One that is put off is sent again, as often as `tries` says."""
    with site.lmtp() as c:
        for _ in range(n):
            raw = b"Subject: message %d\r\n\r\ntext\r\n" % next(NUMBERS)
            for _ in range(tries):
                code, text = c.send(raw)[0]
                if code != 451:
                    break
            results.append((code, archive_id(text)))


def send_by_three(site, n, results, tries=1):
    senders = [threading.Thread(target=send, args=(site, n, results, tries)) for _ in range(3)]
    for s in senders:
        s.start()
    for s in senders:
        s.join()


def test_killed_while_working(lmtpd):
    """Workers are killed all the time: everything is archived, and read but for what lost two workers in a row. Whose worker is killed
    before it has begun is put off."""
    results, stop = [], threading.Event()

    def hunt():
        while not stop.is_set():
            for pid, _ in workers(lmtpd):
                kill(pid, signal.SIGKILL)
            time.sleep(0.3)

    hunter = threading.Thread(target=hunt)
    hunter.start()
    send_by_three(lmtpd, 60, results, tries=10)
    stop.set()
    hunter.join()
    assert len(results) == 180 and all(code == 250 for code, _ in results)
    failed = sum(lmtpd.row(i)["parse_flags"] & PARSE_FAILED for _, i in results)
    assert failed <= 4
    send(lmtpd, 10, results)
    assert not any(lmtpd.row(i)["parse_flags"] & PARSE_FAILED for _, i in results[-10:])

    def replaced():
        """A worker that died idle is missed when its turn comes, which is when the other is busy."""
        send_by_three(lmtpd, 5, [])
        return [state != "Z" for _, state in workers(lmtpd)] == [True, True]

    wait_until("all workers are replaced", replaced)


def test_stopped_for_ever(lmtpd):
    """A worker that hangs is replaced; the message goes to a fresh one."""
    for pid, _ in workers(lmtpd):
        kill(pid, signal.SIGSTOP)
    results = []
    send(lmtpd, 3, results)
    assert all(code == 250 for code, _ in results)
    assert not any(lmtpd.row(i)["parse_flags"] & PARSE_FAILED for _, i in results)
    assert any("took too long" in line["message"] for line in lmtpd.log("lmtpd"))


def test_hostile_message(lmtpd):
    with lmtpd.lmtp() as c:
        code, text = c.send(b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" +
                            b"--b\r\n\r\nx\r\n" * 100000)[0]
        assert code == 250
        assert lmtpd.row(archive_id(text))["parse_flags"] & (PARSE_PARTS | PARSE_FAILED) == PARSE_PARTS
        assert c.send(b"Subject: next\r\n\r\n")[0][0] == 250


def test_daemon_killed(lmtpd):
    """Workers do not outlive their daemon."""
    mine = [pid for pid, _ in workers(lmtpd)]
    assert len(mine) == 2
    lmtpd.kill("lmtpd")
    wait_until("workers ended", lambda: not any(os.path.exists("/proc/%d" % pid) for pid in mine))
