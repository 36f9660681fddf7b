"""Every named fault point: the process is killed there, or what it was about to do fails. Whatever happens, what was
acknowledged is archived once, what was not is taken when it is offered again, and a restart mends the rest.

The points are found by reading the sources, so that a new one is tested without being listed here; those on the way of a
disposition are those of test_disposal.py."""
import hashlib
import os
import re
import signal
import time

import pytest

from oracle import Load, check_all, outbox, wait_searchable
from stack.lmtp import Client
from stack.process import Failed, wait_until
from stack.site import Site, TOP

pytestmark = [pytest.mark.faults, pytest.mark.embedded("many points are in its drivers; test_nothing_lost.py has the boundaries of the others")]

FOLDERS = ("common", "lmtpd", "workerd")
IN_WORKERD = {"archive.index", "archive.indexed", "index-add", "index-commit", "index-sync", "index-replace", "parser-spawn"}
RARE = {"index-sync"}  # passed every half second, not with every message
ONLY_WORKERD = {"index-replace"}  # a rebuild's


def points():
    found = set()
    for folder in FOLDERS:
        for base, _, files in os.walk(os.path.join(TOP, folder)):
            for name in files:
                if name.endswith(".c"):
                    with open(os.path.join(base, name)) as f:
                        found.update(re.findall(r'FAULT\("([^"]+)"\)', f.read()))
    return sorted(p for p in found if not p.startswith(("dispose-", "export.")))    # those have tests of their own


@pytest.fixture(scope="module")
def place():
    """One site for all, so that every restart works on what all the others left."""
    site = Site(settings={"workerd.outbox_interval": "200ms", "index_wait": "500ms"})
    try:
        site.init()
        yield site, Load(("127.0.0.1", site.lmtp_port))
    finally:
        site.close()


@pytest.fixture(autouse=True)
def left_alone(request, place):
    """Each test begins with no daemon running, however the one before it ended."""
    request.node.servers = [place[0]]
    yield
    for name in list(place[0].daemons):
        place[0].kill(name)


def offer(site, load, count):
    """Offers messages, small and large, until the daemon is gone; what got no 250 is to be offered again."""
    for _ in range(count):
        raw = load.make(0, fresh=True)
        if len(load.sent) % 2 == 0:  # through the spool
            raw = raw + b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * 5000
            load.sent[hashlib.sha256(raw).hexdigest()] = raw
        try:
            with Client(load.address, timeout=20) as c:
                load.note(raw, c.send(raw)[0])
        except (OSError, ConnectionError, ValueError):
            load.unanswered.append(raw)
            if not site.running("lmtpd"):
                return


def forget_unsent(load):
    """make() notes a message before it is enlarged: what was never offered is no part of the account."""
    load.sent = {d: raw for d, raw in load.sent.items()
                 if d in load.acked.values() or raw in load.unanswered}


def recover(site, load):
    for name in ("lmtpd", "workerd"):
        if name in site.daemons:
            site.kill(name)
    forget_unsent(load)
    site.start("lmtpd", "workerd")
    load.offer_again()
    make_outbox_old(site)
    wait_searchable(site)
    assert check_all(site, load) == len(load.sent)
    assert site.stop() == 0


def make_outbox_old(site):
    """So that workerd need not wait for daemons that may still be at it."""
    with site.meta.connect(write=True) as db:
        db.execute("UPDATE outbox SET queued_us = 0")


def start_with(site, name, fault):
    """False when it ended in its start."""
    try:
        site.start(name, fault=fault, seconds=20)
        return True
    except Failed:
        return False


def killed(site, name):
    wait_until("%s is killed" % name, lambda: not site.running(name), 60)
    return site.wait_end(name) == -signal.SIGKILL


def second(point, action):
    return "=%s" % action if point in RARE else "=%s@2" % action


@pytest.mark.parametrize("point", [p for p in points() if p not in ONLY_WORKERD])
def test_lmtpd_is_killed(place, point):
    site, load = place
    if start_with(site, "lmtpd", point + second(point, "kill")):
        offer(site, load, 8)
    assert killed(site, "lmtpd"), "the point was not passed"
    recover(site, load)


@pytest.mark.parametrize("point", [p for p in points() if p not in ONLY_WORKERD])
def test_lmtpd_fails_once(place, point):
    site, load = place
    if start_with(site, "lmtpd", point + second(point, "fail")):
        offer(site, load, 8)
    if point.startswith("io.fsync"):
        assert site.wait_end("lmtpd") == 70, "after a failed fsync the process must end"
    recover(site, load)


@pytest.mark.parametrize("point", [p for p in points() if p not in ONLY_WORKERD])
def test_lmtpd_fails_always(place, point):
    site, load = place
    if start_with(site, "lmtpd", point + "=fail"):
        offer(site, load, 3)
    recover(site, load)


def fill_outbox(site, load):
    site.start("lmtpd", fault="archive.index=fail")
    offer(site, load, 6)
    site.stop("lmtpd")
    make_outbox_old(site)
    assert outbox(site) > 0


def prepare_workerd(site, load, point):
    fill_outbox(site, load)
    if point in ONLY_WORKERD:
        with open(site.path("index", "index.db"), "r+b") as f:
            f.truncate(5000)


@pytest.mark.parametrize("point", sorted(IN_WORKERD))
def test_workerd_is_killed(place, point):
    site, load = place
    prepare_workerd(site, load, point)
    start_with(site, "workerd", point + "=kill")
    assert killed(site, "workerd"), "the point was not passed"
    recover(site, load)


@pytest.mark.parametrize("point", sorted(IN_WORKERD))
def test_workerd_fails(place, point):
    site, load = place
    prepare_workerd(site, load, point)
    start_with(site, "workerd", point + "=fail")
    time.sleep(1)
    recover(site, load)
