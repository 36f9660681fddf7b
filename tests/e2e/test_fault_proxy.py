"""The fault proxy does what the tests that lean on it believe: each action, at a byte, for the request that was meant."""
import socket
import threading
import time

import pytest
from stack.fault_proxy import FaultProxy, Http, MySql, Opaque, Resp
from stack.process import wait_until


class Echo:
    """A server that answers b"<" + what it got + b">" and keeps what it got."""

    def __init__(self):
        self.got = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def serve(self, s):
        with s:
            try:
                while data := s.recv(65536):
                    self.got.append(data)
                    s.sendall(b"<" + data + b">")
            except OSError:
                pass

    def close(self):
        self.listener.close()


@pytest.fixture
def echo(servers):
    server = Echo()
    servers.append(server)
    return server


@pytest.fixture
def proxy(echo, servers):
    p = FaultProxy(echo.address, Http)
    servers.append(p)
    return p


def ask(proxy, data, timeout=5, connection=None):
    s = connection or socket.create_connection(proxy.address, timeout)
    s.settimeout(timeout)
    s.sendall(data)
    return s.recv(65536), s


PUT = b"PUT /b/m/1 HTTP/1.1\r\nHost: x\r\n\r\n"
GET = b"GET /b/m/1 HTTP/1.1\r\nHost: x\r\n\r\n"


def test_everything_passes(proxy, echo):
    reply, s = ask(proxy, PUT)
    assert reply == b"<" + PUT + b">"
    assert ask(proxy, GET, connection=s)[0] == b"<" + GET + b">"
    assert proxy.labels() == ["PUT /b/m/1", "GET /b/m/1"] and [t.reply for t in proxy.turns] == [len(PUT) + 2] * 2
    s.close()


def test_reply_is_lost_after_the_request_was_served(proxy, echo):
    fault = proxy.arm("^PUT", "reply", "cut")
    reply, s = ask(proxy, PUT)
    assert reply == b"" and echo.got == [PUT] and fault.fired
    assert ask(proxy, PUT)[0] == b"<" + PUT + b">"    # once only
    s.close()


def test_request_is_lost(proxy, echo):
    proxy.arm("^PUT", "request", "cut")
    assert ask(proxy, PUT)[0] == b"" and echo.got == []


def test_cut_at_a_byte(proxy, echo):
    proxy.arm("^PUT", "request", "cut", at=7)
    ask(proxy, PUT)
    wait_until("the server has it", lambda: echo.got == [PUT[:7]])
    proxy.arm("^GET", "reply", "cut", at=3)
    assert ask(proxy, GET)[0] == b"<" + GET[:2]


def test_the_request_that_was_meant(proxy, echo):
    proxy.arm("^PUT", "reply", "cut", nth=2)
    _, s = ask(proxy, PUT)
    assert ask(proxy, GET, connection=s)[0] and ask(proxy, PUT, connection=s)[0] == b""


def test_reset(proxy):
    proxy.arm("^PUT", "reply", "reset")
    with pytest.raises(ConnectionResetError):
        ask(proxy, PUT)


def test_drop_and_heal(proxy, echo):
    proxy.arm("^PUT", "reply", "drop", at=5)
    reply, s = ask(proxy, PUT)
    assert reply == b"<" + PUT[:4] and echo.got == [PUT]
    with pytest.raises(TimeoutError):
        ask(proxy, GET, 0.2, s)
    assert echo.got == [PUT]
    proxy.heal()
    s.settimeout(5)
    assert s.recv(10) == b""


def test_delay(proxy):
    proxy.arm("^PUT", "reply", "delay", seconds=0.3)
    began = time.monotonic()
    assert ask(proxy, PUT)[0] == b"<" + PUT + b">" and time.monotonic() - began >= 0.3


def test_corrupt(proxy, echo):
    proxy.arm("^PUT", "request", "corrupt", at=0.5)
    ask(proxy, PUT)
    wait_until("the server has it", lambda: len(b"".join(echo.got)) == len(PUT))
    assert [i for i, byte in enumerate(b"".join(echo.got)) if byte != PUT[i]] == [len(PUT) // 2]


def test_rewrite(proxy):
    unseen = proxy.arm("^PUT", "reply", "rewrite", change=lambda data: data.replace(b"nowhere", b""))
    fault = proxy.arm("^PUT", "reply", "rewrite", change=lambda data: data.replace(b"Host", b"Guest"))
    assert ask(proxy, PUT)[0] == b"<" + PUT.replace(b"Host", b"Guest") + b">" and fault.fired and not unseen.fired


def test_refuse_and_heal(proxy):
    _, s = ask(proxy, PUT)
    proxy.refuse()
    assert s.recv(10) == b""
    with pytest.raises(ConnectionResetError):
        ask(proxy, PUT)
    proxy.heal()
    assert ask(proxy, PUT)[0]


def packet(number, body):
    return len(body).to_bytes(3, "little") + bytes([number]) + body


def test_labels_of_mysql():
    p = MySql()
    assert p.label(packet(1, b"\x85\xa6\xff\x01")) == "sign-in"
    assert p.label(packet(0, b"\x03COMMIT")) == "COMMIT"
    assert p.label(packet(0, b"\x16SELECT a\n  FROM b")) == "prepare SELECT a FROM b"
    p.reply("prepare SELECT a FROM b", packet(1, b"\0\x07\0\0\0\x01\0\0\0"))
    assert p.label(packet(0, b"\x17\x07\0\0\0\0\x01\0\0\0")) == "SELECT a FROM b"
    assert p.label(packet(0, b"\x19\x07\0\0\0")) is None
    assert p.label(packet(0, b"\x19\x07\0\0\0") + packet(0, b"\x03ROLLBACK")) == "ROLLBACK"


def test_labels_of_redis_and_of_nobody():
    assert Resp().label(b"*2\r\n$3\r\nget\r\n$1\r\na\r\n") == "GET"
    assert Opaque().label(b"\x16\x03\x01") == "?"
