"""How queryd stands up to clients that don't keep to HTTP, to slow ones, and to the signals of an administrator."""
import hashlib
import os
import re
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest

from stack.https import Raw, context
from stack.process import wait_until
from stack.site import Site

PASSWORD = "correct horse battery staple"
HOST = b"Host: archive.example\r\n"
ALIVE = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
LARGE = b"Subject: large\r\n\r\n" + b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n" * 400000


@pytest.fixture(scope="module")
def shared():
    """A site with queryd running, and patience enough for a slow machine."""
    s = Site()
    try:
        s.init()
        s.start("queryd")
        yield s
    finally:
        s.close()


@pytest.fixture
def raw(shared):
    """Connections to it."""
    opened = []

    def connect():
        opened.append(Raw(shared.address("queryd"), shared.ca))
        return opened[-1]
    yield connect
    for r in opened:
        r.close()


def get(*lines, path=b"/healthz", version=b"HTTP/1.1", host=HOST):
    return b"GET " + path + b" " + version + b"\r\n" + host + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def post(body, *lines, path=b"/api/v1/search/emails/"):
    return b"POST " + path + b" HTTP/1.1\r\n" + HOST + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


# ---- framing: where two readers could disagree ----

SMUGGLED = b"GET /smuggled HTTP/1.1\r\n" + HOST + b"\r\n"


@pytest.mark.parametrize("request_bytes,status", [
    (post(b"0\r\n\r\n" + SMUGGLED, b"Content-Length: 5", b"Transfer-Encoding: chunked"), 400),
    (post(b"0\r\n\r\n" + SMUGGLED, b"Transfer-Encoding: chunked", b"Content-Length: 5"), 400),
    (post(b"{}" + SMUGGLED, b"Content-Length: 2", b"Content-Length: 2"), 400),
    (post(b"{}" + SMUGGLED, b"Content-Length: 2", b"Content-Length: %d" % (2 + len(SMUGGLED))), 400),
    (post(b"{}" + SMUGGLED, b"Content-Length : 2"), 400),
    (post(b"{}" + SMUGGLED, b"Content-Length\t: 2"), 400),
    (post(b"{}" + SMUGGLED, b"Content-Length: +2"), 400),
    (post(b"{}" + SMUGGLED, b"Content-Length: 2, 2"), 400),
    (post(b"{}" + SMUGGLED, b"Content-Length: 0x2"), 400),
    (post(b"{}" + SMUGGLED, b"Content-Length: -2"), 400),
    (post(b"{}" + SMUGGLED, b"Content-Length: 99999999999999999999999"), (400, 413)),
    (post(b"{}" + SMUGGLED, b"Transfer-Encoding: identity"), (400, 501)),
    (post(b"0\r\n\r\n" + SMUGGLED, b"Transfer-Encoding: gzip, chunked"), (400, 501)),
    (post(b"0\r\n\r\n" + SMUGGLED, b"Transfer-Encoding: xchunked"), (400, 501)),
    (post(b"0\r\n\r\n" + SMUGGLED, b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"), 400),
    (post(b"0\r\n\r\n" + SMUGGLED, b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"), (400, 501)),
    (post(b"{}" + SMUGGLED, b"Content-Length:\r\n 2"), 400),
    (post(b"{}" + SMUGGLED, b"Content-Length: 2\r\n 2"), 400),
    (post(b"0\r\n\r\n" + SMUGGLED, b"Transfer-Encoding:\r\n chunked"), 400),
    (post(b"{}" + SMUGGLED, b"Content-Length: 2", b"X-Any: a\rContent-Length: 5"), 400),
    (get(host=b""), 400),
    (get(host=HOST + HOST), 400),
    (get(host=b"Host:\r\n"), 400),
    (get(version=b"HTTP/1.0", host=b""), 400),
    (get(version=b"HTTP/2.0"), (400, 505)),
    (get(path=b"/%00"), 400),
    (get(path=b"/healthz%00"), 400),
    (get(path=b"/healthz%0d%0aX: y"), 400),
    (get(path=b"/%zz"), 400),
    (get(path=b"healthz"), 400),
    (get(b"no colon here"), 400),
    (get(b"Bad Name: x"), 400),
    (get(b"Authorization: Bearer a", b"Authorization: Bearer b"), 400),
])
def test_refused_and_closed(raw, request_bytes, status):
    r = raw()
    r.send(request_bytes)
    got = r.rest()
    # libmicrohttpd 0.9.75 sends the head of its own refusals twice, and hangs up on a space in the target.
    codes = {int(code) for code in re.findall(rb"HTTP/1\.1 (\d+)", got)}
    wanted = set(status if isinstance(status, tuple) else (status,))
    assert codes <= wanted and (codes or b" " in request_bytes.split(b" HTTP/")[0][5:]), "what stood behind it was read as another request: %r" % got


def test_absolute_form(raw):
    r = raw()
    r.send(get(path=b"https://archive.example/healthz"))
    assert r.response()[0] == 200


def test_chunks_that_are_none(raw):
    r = raw()
    r.send(post(b"zz\r\n{}\r\n0\r\n\r\n", b"Transfer-Encoding: chunked"))
    assert r.response()[0] == 400 and r.ended()


# ---- limits ----

@pytest.mark.parametrize("size", [33 * 1024, 60 * 1024])
def test_head_too_large(raw, size):
    r = raw()
    r.send(get(*[b"X-%d: %s" % (i, b"a" * 1000) for i in range(size // 1000)]))
    assert r.response()[0] == 431


def test_head_without_end(raw):
    """The library answers, or hangs up on what it did not read."""
    r = raw()
    with pytest.raises(OSError):
        while True:
            r.send(b"X-A: " + b"a" * 10000 + b"\r\n")
    assert b"HTTP/1.1 2" not in r.rest()


def test_head_just_right(raw):
    r = raw()
    r.send(get(*[b"X-%d: %s" % (i, b"a" * 1000) for i in range(31)]))
    assert r.response()[0] == 200


def test_body_too_large(raw):
    """Told to who waits for it before the body, to others behind it; and at once where nobody would read so much."""
    for body, more in ((b"", b"Content-Length: 1048577\r\nExpect: 100-continue"), (b" " * 8388608, b"Content-Length: 8388608"),
                       (b"", b"Content-Length: 8388609")):
        r = raw()
        r.send(post(body, b"Content-Type: application/json", more))
        assert r.response()[0] == 413 and r.ended()
    r = raw()
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    r.send(post(chunk * 20 + b"0\r\n\r\n", b"Content-Type: application/json", b"Transfer-Encoding: chunked"))
    assert r.response()[0] == 413 and r.ended()


def test_body_before_sign_in(raw):
    r = raw()
    body = b'{"username":"' + b"a" * 16384 + b'","password":"x"}'
    r.send(post(body, b"Content-Type: application/json", b"Content-Length: %d" % len(body), path=b"/api/v1/auth/login"))
    assert r.response()[0] == 413


def test_endless_body(raw):
    """Chunks without end: after a while nobody listens any more."""
    r = raw()
    r.send(post(b"", b"Content-Type: application/json", b"Transfer-Encoding: chunked"))
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with pytest.raises(OSError):
        for _ in range(100000):
            r.send(chunk)


def served(site):
    """A connection that was answered on; None when it was refused."""
    r = None
    try:
        r = Raw(site.address("queryd"), site.ca)
        r.send(ALIVE)
        assert r.response()[0] == 200
        return r
    except OSError:
        if r:
            r.close()
        return None


def refused(site):
    r = served(site)
    if r:
        r.close()
    return r is None


def test_connections_of_one_address(new_site):
    site = new_site(settings={"queryd.connections_per_address_max": "3"})
    site.init()
    site.start("queryd")
    kept = [wait_until("a connection is served", lambda: served(site)) for _ in range(3)]
    assert refused(site)
    kept.pop().close()
    wait_until("the place is free again", lambda: not refused(site))
    for r in kept:
        r.close()


# ---- several requests on a connection ----

def test_pipelining(raw):
    r = raw()
    paths = [b"/healthz", b"/nowhere", b"/readyz", b"/api/v1/openapi.json"] * 5
    r.send(b"".join(get(b"X-Request-ID: n-%d" % i, path=p) for i, p in enumerate(paths)))
    for i, p in enumerate(paths):
        status, headers, _ = r.response()
        assert (status, headers["x-request-id"]) == (404 if p == b"/nowhere" else 200, "n-%d" % i)


def test_pipelined_bodies(raw):
    r = raw()
    sign_in = b'{"username":"nobody","password":"x"}'
    kinds = b"Content-Type: application/json"
    for _ in range(2):
        r.send(post(sign_in, kinds, b"Content-Length: %d" % len(sign_in), path=b"/api/v1/auth/login") + ALIVE +
               post(b"%x\r\n%s\r\n0\r\n\r\n" % (len(sign_in), sign_in), kinds, b"Transfer-Encoding: chunked", path=b"/api/v1/auth/login") + ALIVE)
        assert [r.response()[0] for _ in range(4)] == [401, 200, 401, 200]


def test_a_request_in_pieces(raw):
    r = raw()
    for byte in ALIVE:
        r.send(bytes([byte]))
    assert r.response()[0] == 200


# ---- TLS ----

def handshake(site, c):
    with socket.create_connection(site.address("queryd"), timeout=30) as s:
        with c.wrap_socket(s, server_hostname="127.0.0.1") as t:
            return t.version()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tls_versions(shared):
    for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
        assert handshake(shared, context(shared.ca, minimum_version=version, maximum_version=version)) == name
    old = context(shared.ca, minimum_version=ssl.TLSVersion.TLSv1)
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, OSError)):
        handshake(shared, old)


def test_no_forward_secrecy_no_connection(shared):
    c = context(shared.ca, maximum_version=ssl.TLSVersion.TLSv1_2)
    c.set_ciphers("kRSA:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, OSError)):
        handshake(shared, c)


def test_plain_http_gets_nothing(shared):
    with socket.create_connection(shared.address("queryd"), timeout=30) as s:
        s.sendall(ALIVE)
        try:
            assert not s.recv(1000).startswith(b"HTTP")
        except OSError:
            pass


# ---- slow clients ----

def test_slow_clients_are_ended_and_harm_nobody(new_site):
    site = new_site(settings={"queryd.request_timeout": "2s"})
    site.init()
    site.start("queryd")
    silent = socket.create_connection(site.address("queryd"))           # no TLS either
    slow = [Raw(site.address("queryd"), site.ca) for _ in range(3)]
    done = threading.Event()

    def drip(r, head):
        """A byte now and then, for ever: never silent, never done."""
        try:
            r.send(head)
            while not done.wait(0.2):
                r.send(b"a")
        except OSError:
            pass

    heads = [b"GET /healthz HTTP/1.1\r\nX-A: ", post(b"", b"Content-Type: application/json", b"Content-Length: 1000000"),
             ALIVE + b"GET /healthz HTTP/1.1\r\nX-A: "]
    threads = [threading.Thread(target=drip, args=(r, h)) for r, h in zip(slow, heads)]
    for t in threads:
        t.start()
    try:
        assert served(site)
        assert slow[2].response()[0] == 200
        for r in slow:
            r.s.settimeout(60)
            while not r.ended():
                pass
        silent.settimeout(60)
        while silent.recv(100):      # an alert of TLS, then the end
            pass
        assert served(site)
    finally:
        done.set()
        for t in threads:
            t.join()
        silent.close()
        for r in slow:
            r.close()


# ---- signals ----

def download(site):
    """A download of LARGE that has begun: (connection, how to get the rest)."""
    secret = site.add_user("eve", PASSWORD, "--all")
    with site.lmtp() as c:
        archive_id = c.send(LARGE)[0][1].split()[-1]
    token = site.api("eve", PASSWORD, secret).token
    r = Raw(site.address("queryd"), site.ca)
    r.send(b"GET /api/v1/archive/emails/" + archive_id + b"/content HTTP/1.1\r\n" + HOST + b"Authorization: Bearer " + token.encode() + b"\r\n\r\n")
    for line in iter(r.f.readline, b"\r\n"):
        assert line
    assert r.f.read(1000) == LARGE[:1000]
    return r


def test_stop_finishes_what_it_began(site):
    site.start("lmtpd", "queryd")
    idle = served(site)
    r = download(site)
    site.signal("queryd", signal.SIGTERM)
    assert idle.ended()
    wait_until("no new connections are served", lambda: refused(site))
    assert site.running("queryd")
    rest = LARGE[:1000] + r.f.read(len(LARGE) - 1000)
    assert hashlib.sha256(rest).digest() == hashlib.sha256(LARGE).digest()
    assert r.ended()
    assert site.stop("queryd") == 0
    r.close()
    idle.close()


def test_a_socket_of_systemd(site):
    """It is served on in the place of `listen`, and stays open for the next process."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()

        def start():
            return subprocess.Popen(["bash", "-c", 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" 3<&%d' % listener.fileno(),
                                     site.program("strongroom-queryd")], pass_fds=(listener.fileno(),), env=site.env(), stderr=subprocess.DEVNULL)
        daemon = start()
        try:
            for _ in range(2):
                with Raw(address, site.ca) as r:
                    r.send(ALIVE)
                    assert r.response()[0] == 200
                daemon.terminate()
                assert daemon.wait(60) == 0
                daemon = start()
        finally:
            daemon.terminate()
            daemon.wait(60)


def test_kill_and_start_again(site):
    site.start("lmtpd", "queryd")
    r = download(site)
    site.kill("queryd")
    r.close()
    site.start("queryd")
    assert site.api().json("GET", "/readyz")[0] == 200


def fingerprint(site):
    c = ssl.create_default_context()
    c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(site.address("queryd"), timeout=30) as s:
        with c.wrap_socket(s) as t:
            return hashlib.sha256(t.getpeercert(True)).digest()


def test_reload_shows_another_certificate(site):
    site.start("queryd")
    before = fingerprint(site)
    kept = served(site)
    cert, key = site.settings["queryd.tls_cert"], site.settings["queryd.tls_key"]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=other", "-days", "2",
                    "-keyout", key + ".new", "-out", cert + ".new"], check=True, stderr=subprocess.DEVNULL)
    for path in (cert, key):
        os.chown(path + ".new", *site.owner())
        os.replace(path + ".new", path)
    site.signal("queryd", signal.SIGHUP)
    wait_until("the new certificate is shown", lambda: fingerprint(site) != before)
    after = fingerprint(site)
    kept.send(ALIVE)
    assert kept.response()[0] == 200
    kept.close()
    with open(cert, "w") as f:
        f.write("no certificate\n")
    site.signal("queryd", signal.SIGHUP)
    wait_until("the log says that it can't be used", lambda: any("everything stays as it was" in line["message"] for line in site.log("queryd")))
    assert fingerprint(site) == after


def test_many_at_once(site):
    """Sign-ins, searches and reads side by side."""
    users = {"u%d" % i: site.add_user("u%d" % i, PASSWORD, "--all") for i in range(4)}
    site.start("lmtpd", "queryd")
    raw = b"Subject: together\r\n\r\n" + b"all at once\r\n" * 500
    with site.lmtp() as c:
        archive_id = c.send(raw)[0][1].split()[-1].decode()
    failed = []

    def work(name, secret):
        try:
            api = site.api(name, PASSWORD, secret)
            for _ in range(25):
                assert api.search("together")["total"] in (0, 1)
                assert api.content(archive_id) == (200, raw)
                assert api.meta(archive_id)[0] == 200
        except BaseException as e:      # noqa: B902: whatever it is, the test must fail with it
            failed.append(e)

    threads = [threading.Thread(target=work, args=u) for u in users.items() for _ in range(1)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failed
    assert site.stop("queryd") == 0


def test_starts_only_with_what_it_needs(site):
    """A wrong certificate, a key for all to read, another one running: a line that says so, and the status for systemd."""
    def run():
        r = subprocess.run([site.program("strongroom-queryd")], env=site.env(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        return r.returncode, r.stdout.decode()

    key = site.path("keys", "seal.key")
    os.chmod(key, 0o644)
    status, text = run()
    assert status == 78 and "chmod 600" in text
    os.chmod(key, 0o600)
    cert = site.settings["queryd.tls_cert"]
    os.rename(cert, cert + ".gone")
    status, text = run()
    assert status in (75, 78) and cert in text
    os.rename(cert + ".gone", cert)
    site.start("queryd")
    site.settings["queryd.listen"] = "127.0.0.1:0"
    site.write_conf()
    status, text = run()
    assert status in (75, 78) and "running already" in text
