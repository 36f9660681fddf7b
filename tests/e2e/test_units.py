"""The daemons under the accounts and system call filters of their units: a message comes in, is parsed, found and read."""
import os
import shlex
import shutil
import subprocess

import pytest
from stack import Missing
from stack.lmtp import archive_id
from stack.milter import Milter
from stack.process import private_dir, wait_until
from stack.site import TOP, Site

DAEMONS = ("lmtpd", "milter", "queryd", "workerd")
FILTER = os.path.join(TOP, "tests/stack/unit_filter.py")
PASSWORD = "correct horse battery staple"
HTML = (b"Date: Sun, 22 Nov 2026 08:00:00 +0000\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: text/html\r\n\r\n<b>kingfisher</b>\r\n")


def filtered(build):
    """A folder like build/release whose daemons run as systemd would run them."""
    folder = private_dir("strongroom-units.")
    os.chmod(folder, 0o755)
    for name in os.listdir(build):
        real, place = os.path.join(build, name), os.path.join(folder, name)
        if name[len("strongroom-"):] not in DAEMONS:
            os.symlink(real, place)
            continue
        unit = os.path.join(TOP, "etc/systemd", name + ".service")
        with open(place, "w") as f:
            f.write('#!/bin/sh\nexec /usr/bin/python3 %s "$@"\n' % shlex.join([FILTER, unit, "nobody", real]))
        os.chmod(place, 0o755)
    return folder


@pytest.fixture
def site(servers):
    if not shutil.which("systemd-analyze") or subprocess.run(
            ["systemd-analyze", "syscall-filter", "@system-service"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
        raise Missing("systemd-analyze syscall-filter does not run here")
    folder = filtered(os.path.join(TOP, os.environ.get("STRONGROOM_BUILD", "build/release")))
    s = Site(folder)
    servers.append(s)
    s.init()
    yield s
    shutil.rmtree(folder)


def is_filtered(site, name):
    with open("/proc/%d/status" % site.pid(name)) as f:
        return "\nSeccomp:\t2\n" in f.read()


def test_capture_search_and_reading(site):
    secret = site.add_user("eve", PASSWORD, "--all")
    site.start(*DAEMONS)
    assert all(is_filtered(site, name) for name in DAEMONS)
    with site.lmtp() as c:
        code, text = c.send(HTML)[0]
        assert code == 250
    with Milter(site.address("milter")) as m:
        m.connect()
        m.helo()
        assert m.message(((b"Subject", b" kingfisher too"),), b"body\r\n") == ("a", b"")
    eve = site.api("eve", PASSWORD, secret)
    wait_until("both are found", lambda: eve.search("kingfisher")["total"] == 2)
    status, found = eve.meta(archive_id(text))
    assert status == 200 and found["subject"] == "Grüße" and found["parse_flags"] == []
    assert eve.content(archive_id(text)) == (200, HTML)
    eve.close()
