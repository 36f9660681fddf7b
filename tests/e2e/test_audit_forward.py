"""The audit goes on to a file and to a syslog server: every record, in its order, whatever fails in between."""
import json
import os
import re
import shutil
import socket
import ssl
import tempfile
import threading

import pytest

from stack.process import free_port, wait_until
from stack.site import Site
from stack.tls import Authority

MESSAGE = re.compile(rb"<(\d+)>1 (\S+) (\S+) strongroom-audit - (intent|outcome) - (\{.*\})\Z", re.S)


class Receiver:
    """A syslog server over TCP or TLS (octet counting), or of a datagram socket."""
    def __init__(self, port=None, path=None, context=None):
        self.messages, self.connections = [], []
        if path:
            self.s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self.s.bind(path)
            os.chmod(path, 0o666)
            threading.Thread(target=self.take_datagrams, daemon=True).start()
        else:
            self.s = socket.create_server(("127.0.0.1", port))
            self.context = context
            threading.Thread(target=self.accept, daemon=True).start()

    def take_datagrams(self):
        while True:
            self.messages.append(self.s.recv(65536))

    def accept(self):
        while True:
            try:
                c, _ = self.s.accept()
            except OSError:
                return
            self.connections.append(c)
            threading.Thread(target=self.serve, args=(c,), daemon=True).start()

    def serve(self, c):
        try:
            if self.context:
                c = self.context.wrap_socket(c, server_side=True)
                self.connections.append(c)
            with c.makefile("rb") as f:
                while True:
                    length = b""
                    while not length.endswith(b" "):
                        piece = f.read(1)
                        if not piece:
                            return
                        length += piece
                    message = f.read(int(length))
                    if len(message) == int(length):
                        self.messages.append(message)
        except (OSError, ValueError):
            pass

    def close(self):
        self.s.shutdown(socket.SHUT_RDWR)  # who waits in accept() would keep the port otherwise
        self.s.close()
        for c in self.connections:
            try:
                c.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            c.close()


@pytest.fixture
def place():
    """A directory that the daemons' account may write to."""
    path = tempfile.mkdtemp(prefix="strongroom-audit-")
    os.chmod(path, 0o777)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def make(request):
    sites = []

    def make(**settings):
        site = Site(settings={"workerd.audit_interval": "100ms", **settings})
        sites.append(site)
        site.init()
        return site
    yield make
    for site in sites:
        site.close()


def act(site, n, first=0):
    for i in range(first, first + n):
        site.run("department", "set", "d%d" % i, "a%d@example.org" % i)


def places(records):
    return [(r["daemon"], r["seq"]) for r in records]


def recorded(site):
    return [(r[0], r[1]) for r in site.rows("SELECT daemon, seq FROM audit_record ORDER BY daemon, seq", database="control")]


def decoded(receiver):
    found = []
    for m in list(receiver.messages):
        match = MESSAGE.match(m)
        assert match and int(match[1]) // 8 == 13, m
        found.append(json.loads(match[5]))
    return found


def once(records):
    """Without repeats; what is told again must be what was told before."""
    seen = {}
    for r in records:
        assert seen.setdefault((r["daemon"], r["seq"]), r) == r
    return list(seen)


def test_a_file(make, place):
    path = os.path.join(place, "audit.jsonl")
    site = make(**{"workerd.audit_file": path})
    act(site, 3)
    assert "6 records wait to be sent to the file" in site.run("status", check=False)[1]
    site.start("workerd")
    wait_until("all are in the file", lambda: os.path.exists(path) and len(open(path).readlines()) == 6, 60)
    records = [json.loads(line) for line in open(path)]
    assert places(records) == recorded(site)
    assert [r["record"] for r in records] == ["intent", "outcome"] * 3
    assert records[0]["action"] == "department.set" and len(records[0]["leaf"]) == 64 and records[1]["result"] == "allowed"
    wait_until("nothing waits", lambda: "all sent to the file" in site.run("status", check=False)[1], 60)
    with open(path, "a") as f:
        f.write('{"cut')  # as a crash leaves it
    act(site, 1, 3)
    wait_until("the next are there", lambda: len(open(path).readlines()) == 9, 60)
    lines = open(path).readlines()
    assert lines[6] == '{"cut\n' and places(json.loads(line) for line in lines[7:]) == recorded(site)[6:]
    os.rename(path, path + ".1")
    act(site, 1, 4)
    wait_until("it is made again", lambda: os.path.exists(path) and len(open(path).readlines()) == 2, 60)


def test_a_local_socket(make, place):
    path = os.path.join(place, "log")
    receiver = Receiver(path=path)
    site = make(**{"workerd.audit_syslog": "unix:" + path})
    site.start("workerd")
    act(site, 2)
    wait_until("all have come", lambda: len(receiver.messages) >= 4, 60)
    assert once(decoded(receiver)) == recorded(site)


@pytest.mark.parametrize("tls", [False, True])
def test_a_server_that_comes_and_goes(make, place, tls):
    port = free_port()
    settings = {"workerd.audit_syslog": "inet:127.0.0.1:%d" % port}
    context = None
    if tls:
        authority = Authority(place)
        cert, key = authority.sign("syslog")
        os.chmod(authority.ca, 0o644)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        settings.update({"workerd.audit_syslog_tls": "yes", "workerd.audit_syslog_ca": authority.ca})
    site = make(**settings)
    act(site, 2)
    site.start("workerd")  # nobody listens yet
    act(site, 1, 2)
    receiver = Receiver(port, context=context)
    wait_until("all have come", lambda: len(once(decoded(receiver))) == 6, 90)
    receiver.close()
    first = decoded(receiver)
    act(site, 2, 3)
    site.stop("workerd")
    site.start("workerd")
    again = Receiver(port, context=context)
    act(site, 1, 5)
    wait_until("the rest has come", lambda: len(set(once(first + decoded(again)))) == 12, 90)
    assert once(first + decoded(again)) == recorded(site)
    again.close()
