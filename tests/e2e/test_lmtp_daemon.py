"""The daemon's life: start, reload, back-pressure, end."""
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest
from stack.lmtp import Client, archive_id
from stack.process import Failed, wait_until

SMALL = b"Subject: small\r\n\r\nsmall\r\n"
ENVELOPE = b"MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.org>\r\n"


def send_one(site, **kw):
    with site.lmtp(**kw) as c:
        return c.send(SMALL)[0]


def lines(site, text):
    return [line for line in site.log("lmtpd") if text in line["message"]]


def test_says_what_it_did(lmtpd):
    code, text = send_one(lmtpd)
    line = lmtpd.log_line("lmtpd", "archived")
    assert line["archive_id"] == archive_id(text)
    assert line["level"] == "info" and line["size"] == str(len(SMALL)) and line["recipients"] == "1"
    assert line["client"].startswith("127.0.0.1:") and line["helo"] == "client.example" and line["session"]


def test_drops_root(lmtpd):
    with open("/proc/%d/status" % lmtpd.pid("lmtpd")) as f:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in f)
    uid, gid = lmtpd.owner()
    assert status["Uid"].split() == [str(uid)] * 4
    assert status["Gid"].split() == [str(gid)] * 4
    assert status["NoNewPrivs"] == "1"
    if uid != 0:
        assert int(status["CapEff"], 16) == 0


def test_one_at_a_time(lmtpd):
    """A second daemon of the same installation ends at once; the first goes on, its socket too."""
    r = subprocess.run([lmtpd.program("strongroom-lmtpd")], env=lmtpd.env(), stderr=subprocess.PIPE, timeout=30)
    assert r.returncode == 75
    lmtpd_env = lmtpd.env({"STRONGROOM_LMTPD_LISTEN": "inet:127.0.0.1:0"})
    r = subprocess.run([lmtpd.program("strongroom-lmtpd")], env=lmtpd_env, stderr=subprocess.PIPE, timeout=30)
    assert r.returncode == 75 and b"is running already" in r.stderr
    assert send_one(lmtpd, unix=True)[0] == 250


@pytest.mark.parametrize("settings", [{"lmtpd.listen": "inet:nonsense"}, {"lmtpd.tls_cert": "/nowhere", "lmtpd.tls_key": "/nowhere"},
                                      {"lmtpd.nonsense": "1"}, {"user": "no-such-account"}])
def test_bad_configuration_is_permanent(site, settings):
    if "user" in settings and os.geteuid() != 0:
        pytest.skip("only root changes its account")
    site.write_conf(**{k.replace(".", "__"): v for k, v in settings.items()})
    r = subprocess.run([site.program("strongroom-lmtpd")], env=site.env(), stderr=subprocess.PIPE, timeout=30)
    assert r.returncode == 78
    assert b'"level":"error"' in r.stderr


# ---- the archive out of order ----

def test_store_that_can_not_be_written(lmtpd):
    """451 while it lasts, for each recipient the same; afterwards all is well without a restart."""
    assert send_one(lmtpd)[0] == 250
    if lmtpd.owner()[0] == 0:
        pytest.skip("rights mean nothing to root")
    where = lmtpd.settings["store"].partition(":")[2]
    with lmtpd.store.refusing(), lmtpd.lmtp() as c:
        replies = c.send(SMALL.replace(b"small", b"other"), recipients=[b"a@b", b"c@d"])
        assert {code for code, _ in replies} == {451}, replies
        assert all(text.startswith(b"451 4.3.") for _, text in replies)
        assert where.encode() not in b"".join(text for _, text in replies)
    wait_until("the archive takes mail again", lambda: send_one(lmtpd)[0] == 250)
    assert [line for line in lmtpd.log("lmtpd") if line["level"] in ("warn", "error") and where in line["message"]]


def test_spool_that_is_gone(lmtpd):
    """Small messages need no spool; large ones are put off and their rest is read."""
    shutil.rmtree(lmtpd.path("spool"))
    with lmtpd.lmtp() as c:
        code, text = c.send(b"x" * 3000000 + b"\r\n")[0]
        assert (code, text[:9]) == (451, b"451 4.3.1") or text.startswith(b"451 4.3.0")
        c.command(b"RSET")


def test_archive_that_can_not_be_opened_at_the_start(site):
    """451 until it can; or an end with a clear line, for the service manager to try again."""
    with site.store.away():
        try:
            site.start("lmtpd")
        except Failed as e:
            assert "store" in str(e)
            site.daemons.pop("lmtpd")
        else:
            with site.lmtp() as c:
                assert c.command(b"MAIL FROM:<a@b>")[1].startswith(b"451 4.3.0 ")
    if not site.running("lmtpd"):
        site.start("lmtpd")
    wait_until("the archive is open", lambda: send_one(site)[0] == 250)


# ---- reload ----

def test_an_archive_that_stays_closed_is_not_tried_for_each_client(site):
    with site.store.away():
        site.start("lmtpd")
        for _ in range(40):
            assert send_one(site)[0] == 451
        assert len(lines(site, "trying again")) < 20


def test_reload(lmtpd):
    keeps = lmtpd.lmtp()
    lmtpd.write_conf(lmtpd__peers="192.0.2.1", log_level="debug", lmtpd__point="other", message_size_max="5M")
    lmtpd.signal("lmtpd", signal.SIGHUP)
    wait_until("the reload", lambda: lines(lmtpd, "configuration reloaded"))
    with lmtpd.lmtp(hello=b"") as c:
        assert c.banner[1].startswith(b"421 4.7.1 ")
    assert keeps.send(SMALL)[0][0] == 250
    needs_restart = {line["message"].split()[0] for line in lines(lmtpd, "restart")}
    assert needs_restart == {"lmtpd.point", "message_size_max"}
    lmtpd.write_conf(lmtpd__peers="127.0.0.1", lmtpd__point="lmtp")
    lmtpd.signal("lmtpd", signal.SIGHUP)
    wait_until("the reload", lambda: len(lines(lmtpd, "configuration reloaded")) == 2)
    assert send_one(lmtpd)[0] == 250


def test_reload_of_nonsense_changes_nothing(lmtpd):
    lmtpd.write_conf(lmtpd__peers="nonsense")
    lmtpd.signal("lmtpd", signal.SIGHUP)
    wait_until("the complaint", lambda: lines(lmtpd, "reload failed"))
    assert send_one(lmtpd)[0] == 250


# ---- TLS ----

def start_tls(site, context):
    c = site.lmtp()
    assert b"STARTTLS" in c.features
    assert c.command(b"STARTTLS")[0] == 220
    c.s = context.wrap_socket(c.s, server_hostname="localhost")
    c.f = c.s.makefile("rb")
    return c


@pytest.fixture
def tls_site(site):
    site.write_conf(lmtpd__tls_cert=site.settings["queryd.tls_cert"], lmtpd__tls_key=site.settings["queryd.tls_key"])
    return site


def trusting(site):
    return ssl.create_default_context(cafile=site.ca)


def test_starttls(tls_site):
    tls_site.write_conf(lmtpd__tls_required="yes")
    tls_site.start("lmtpd")
    with tls_site.lmtp() as c:
        assert c.command(b"MAIL FROM:<a@b>")[1].startswith(b"530 5.7.0 ")
    with tls_site.lmtp(unix=True) as c:
        assert c.send(SMALL)[0][0] == 250
    c = start_tls(tls_site, trusting(tls_site))
    assert c.command(b"MAIL FROM:<a@b>")[0] == 503  # all that was said in clear is void
    assert b"STARTTLS" not in c.command(b"LHLO again")[1]
    raw = b"Subject: large\r\n\r\n" + b"z" * 3000000 + b"\r\n"
    code, text = c.send(raw)[0]
    assert code == 250
    assert tls_site.object(archive_id(text)) == raw
    line = [x for x in lines(tls_site, "archived") if x["archive_id"] == archive_id(text)][0]
    assert line["tls"].startswith("TLSv1.")
    c.quit()


def test_commands_in_clear_behind_starttls_are_dropped(tls_site):
    tls_site.start("lmtpd")
    c = tls_site.lmtp()
    c.s.sendall(b"STARTTLS\r\nLHLO injected\r\nMAIL FROM:<x@y>\r\n")
    assert c.reply()[0] == 220
    c.s = trusting(tls_site).wrap_socket(c.s, server_hostname="localhost")
    c.f = c.s.makefile("rb")
    assert c.command(b"LHLO me")[0] == 250
    assert c.command(b"RCPT TO:<a@b>")[1].startswith(b"503 5.5.1 MAIL first")
    c.close()


def test_nonsense_instead_of_tls(tls_site):
    tls_site.start("lmtpd")
    with tls_site.lmtp() as c:
        assert c.command(b"STARTTLS")[0] == 220
        c.s.sendall(b"MAIL FROM:<a@b>\r\n" * 100)
        with pytest.raises((ConnectionError, ValueError)):
            c.reply()
    assert send_one(tls_site)[0] == 250


def test_tls_files_are_reloaded(tls_site):
    tls_site.start("lmtpd")
    c = start_tls(tls_site, trusting(tls_site))
    assert c.command(b"LHLO me")[0] == 250
    tls_site.write_conf(lmtpd__tls_cert="", lmtpd__tls_key="")
    tls_site.signal("lmtpd", signal.SIGHUP)
    wait_until("the reload", lambda: lines(tls_site, "configuration reloaded"))
    assert c.send(SMALL)[0][0] == 250
    with tls_site.lmtp() as other:
        assert b"STARTTLS" not in other.features
    assert not lines(tls_site, "restart")


# ---- the end ----

def test_stop_ends_the_idle_and_finishes_what_was_begun(lmtpd):
    idle, busy = lmtpd.lmtp(), lmtpd.lmtp()
    busy.s.sendall(ENVELOPE + b"DATA\r\n" + SMALL)
    assert [busy.reply()[0] for _ in range(3)] == [250, 250, 354]
    lmtpd.signal("lmtpd", signal.SIGTERM)
    assert idle.reply()[1].startswith(b"421 4.3.2 ")
    with pytest.raises(OSError):
        lmtpd.lmtp()
    busy.s.sendall(b"the rest\r\n.\r\n")
    code, text = busy.reply()
    assert code == 250
    assert busy.reply()[1].startswith(b"421 4.3.2 ")
    assert lmtpd.stop("lmtpd") == 0
    assert lmtpd.object(archive_id(text)) == SMALL + b"the rest\r\n"


def test_second_signal_cuts_the_grace(lmtpd):
    busy = lmtpd.lmtp()
    busy.s.sendall(ENVELOPE + b"DATA\r\n" + SMALL)
    assert [busy.reply()[0] for _ in range(3)] == [250, 250, 354]
    lmtpd.signal("lmtpd", signal.SIGTERM)
    wait_until("it is stopping", lambda: lines(lmtpd, "stopping"))
    assert lmtpd.stop("lmtpd") == 0
    assert lmtpd.objects() == []


def test_stop_under_load_loses_nothing(lmtpd):
    """Whatever was answered 250 is there; whoever was not answered tries again after the restart."""
    acknowledged, done = [], threading.Event()

    def client(number):
        n = 0
        while not done.is_set():
            try:
                with lmtpd.lmtp() as c:
                    while not done.is_set():
                        raw = b"Subject: %d of %d\r\n\r\n%s\r\n" % (n, number, b"x" * 2000)
                        code, text = c.send(raw)[0]
                        if code == 250:
                            acknowledged.append((archive_id(text), raw))
                            n += 1
                        elif code == 421:
                            break
            except OSError:
                time.sleep(0.05)

    threads = [threading.Thread(target=client, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for _ in range(3):
        seen = len(acknowledged)
        wait_until("some mail", lambda: len(acknowledged) > seen + 20)
        assert lmtpd.stop("lmtpd") == 0
        lmtpd.start("lmtpd")
    done.set()
    for t in threads:
        t.join()
    for archived, raw in acknowledged:
        assert lmtpd.object(archived) == raw


# ---- service manager ----

def test_socket_activation(site):
    """Sockets that are handed over take the place of the configured ones, and their files are left alone."""
    path = site.path("run", "handed-over.sock")
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    os.chmod(path, 0o666)
    server.listen(16)
    client = socket.socket(socket.AF_UNIX)
    client.connect(path)  # before the daemon is there
    script = 'import os,sys; os.dup2(%d, 3, True); os.environ["LISTEN_PID"] = str(os.getpid()); os.execv(sys.argv[1], sys.argv[1:])' % server.fileno()
    with open(site.log_path("lmtpd"), "wb") as log:
        p = subprocess.Popen(["/usr/bin/python3", "-c", script, site.program("strongroom-lmtpd")], stderr=log,
                             env=site.env({"LISTEN_FDS": "1"}), pass_fds=[server.fileno()])
    try:
        assert client.makefile("rb").readline().startswith(b"220 ")
        with Client(path) as c:
            assert c.send(SMALL)[0][0] == 250
        assert not os.path.exists(site.lmtp_path)
    finally:
        p.terminate()
        assert p.wait(30) == 0
    assert os.path.exists(path)
