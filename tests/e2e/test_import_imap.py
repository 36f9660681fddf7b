"""strongroom import from a real Dovecot: every byte, resumed where it stopped, nothing deleted there that is not archived, and
connections that break at every step."""
import hashlib
import http.server
import imaplib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import threading
import urllib.parse

import pytest

from stack.cutter import Cutter
from stack.process import wait_until

ALICE = "alice%40example.org"


def mail(n, body=b"body", head=b""):
    return b"From: bob@example.org\r\nTo: alice@example.org\r\n%sSubject: number %d\r\n\r\n%s\r\n" % (head, n, body)


def secret(path, text, owner=None):
    with open(path, "w") as f:
        f.write(text + "\n")
    os.chmod(path, 0o600)
    if owner and os.geteuid() == 0:
        shutil.chown(path, *owner)
    return path


class Box:
    """Alice's mailbox at a Dovecot, and a Site that imports from it."""

    def __init__(self, dovecot, site):
        self.dovecot, self.site, self.processes = dovecot, site, []
        self.password = secret(site.path("password"), "secret", site.owner())

    def connect(self):
        c = imaplib.IMAP4("127.0.0.1", self.dovecot.imap_port)
        c.login("alice@example.org", "secret")
        return c

    def put(self, *mails, folder="INBOX"):
        c = self.connect()
        c.create(folder)
        for m in mails:
            assert c.append(folder, None, None, m)[0] == "OK"
        c.logout()

    def there(self, folder="INBOX", what="BODY.PEEK[]"):
        """The messages at the server, by UID."""
        c = self.connect()
        status, n = c.select(folder, readonly=True)
        found = {}
        if int(n[0]):
            for item in c.uid("fetch", "1:*", "(UID %s)" % what)[1]:
                if isinstance(item, tuple):
                    found[int(re.search(rb"UID (\d+)", item[0])[1])] = item[1]
                elif item and b"UID" in item:    # flags alone are said of one that is about to go
                    found[int(re.search(rb"UID (\d+)", item)[1])] = item
        c.logout()
        return found

    def url(self, port=None, folder="INBOX", scheme="imap"):
        return "%s://%s@127.0.0.1:%d/%s" % (scheme, ALICE, port or self.dovecot.imap_port, folder)

    def arguments(self, *more, port=None, folder="INBOX", scheme="imap"):
        return ("import", "--password-file", self.password, *more, self.url(port, folder, scheme))

    def run(self, *more, check=True, **kw):
        """(status, (offered, archived, already there, refused), all that was said)."""
        status, out, err = self.site.run(*self.arguments(*more, **kw), check=check)
        return status, account(out), out + err

    def start(self, *more, **kw):
        return self.started(self.arguments(*more, **kw))

    def started(self, arguments):
        """The site's close() ends it, should the test not."""
        log = open(self.site.path("import.log"), "ab")
        p = subprocess.Popen([self.site.program("strongroom"), *arguments], env=self.site.env(), stdout=log, stderr=log,
                             stdin=subprocess.DEVNULL, cwd=self.site.dir)
        log.close()
        self.processes.append(p)
        return p

    def close(self):
        for p in self.processes:
            if p.poll() is None:
                p.kill()
            p.wait()

    def show_logs(self):
        return "==== import ====\n" + self.said()[-4000:]

    def said(self):
        try:
            with open(self.site.path("import.log"), errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def archived(self):
        return sorted(self.site.store.read(name) for name in self.site.objects())

    def rows(self):
        """What is archived, by the database alone."""
        return sorted(bytes(row[0]) for row in self.site.rows("SELECT sha256 FROM message"))


def account(out):
    found = [re.findall(r"^%s +(\d+)$" % name, out, re.M) for name in ("offered", "archived", "already there", "refused")]
    return tuple(int(f[-1]) for f in found) if all(found) else None


def hashes(mails):
    return sorted(hashlib.sha256(m).digest() for m in mails)


@pytest.fixture
def new_box(new_dovecot, site, servers):
    """new_box(…as Dovecot…): a mailbox, and the site's imports of it."""
    def make(dovecot=None, **kw):
        b = Box(dovecot or new_dovecot(**kw).start(), site)
        servers.append(b)
        return b
    return make


@pytest.fixture
def box(new_box):
    return new_box()


def test_every_byte_and_where_it_came_from(box):
    mails = [mail(1), mail(2, b"\xff\xfe \x80 8bit " * 1000), mail(3, b"x" * 300_000), mail(4, b"a\r\n.\r\n)\r\na1 OK\r\n{5}\r\n"),
             mail(5, b"", b"Delivered-To: carol@example.org\r\nReturn-Path: <bob@example.org>\r\n")]
    box.put(*mails)
    status, counts, out = box.run()
    assert counts == (5, 5, 0, 0) and status == 0
    assert box.archived() == sorted(mails)
    row = next(r for r in (box.site.row(os.path.basename(p)[:36]) for p in box.site.objects()) if r["subject"] == "number 5")
    assert row["evidence"]["client"].endswith("/INBOX;UIDVALIDITY=%s/;UID=5" % re.search(r"UIDVALIDITY=(\d+)", row["evidence"]["client"])[1])
    assert row["evidence"]["auth"] == "alice@example.org"
    assert len(box.there()) == 5  # nothing was asked to be deleted
    assert all(b"Seen" not in flags for flags in box.there(what="FLAGS").values())


def test_goes_on_where_it_was(box):
    box.put(mail(1), mail(2))
    assert box.run()[1] == (2, 2, 0, 0)
    assert box.run()[1] == (0, 0, 0, 0)
    box.put(mail(3))
    assert box.run()[1] == (1, 1, 0, 0)
    assert box.run("--again")[1] == (3, 0, 3, 0)


def test_a_folder_that_is_another_one(box):
    """The same name, numbered anew: everything is offered again, and what is there is recognised."""
    box.put(mail(1), mail(2), folder="Sales")
    assert box.run(folder="Sales")[1] == (2, 2, 0, 0)
    c = box.connect()
    c.rename("Sales", "Old")
    c.logout()
    box.put(mail(2), mail(3), folder="Sales")
    status, counts, out = box.run(folder="Sales")
    assert counts == (2, 1, 1, 0) and "numbers its messages anew" in out


def test_folders_by_pattern_and_names_that_are_not_ascii(box):
    names = {"Archive/2025": mail(1), "Archive/2026": mail(2), "Gel\u00f6scht & weg": mail(3)}
    c = box.connect()
    separator = c.list()[1][0].decode().split('"')[1]
    for name, m in names.items():
        wire = name.replace("/", separator).replace("&", "&-").replace("\u00f6", "&APY-")
        c.create('"%s"' % wire)
        assert c.append('"%s"' % wire, None, None, m)[0] == "OK"
    c.logout()
    box.put(mail(4))
    assert box.run(folder="Archive%s%%25" % separator)[1] == (2, 2, 0, 0)
    assert box.run(folder=urllib.parse.quote("Gel\u00f6scht & weg"))[1] == (1, 1, 0, 0)
    assert box.run(folder="*")[1] == (1, 1, 0, 0)  # the others were taken before
    assert box.archived() == sorted([*names.values(), mail(4)])


def test_delete_flag_and_keep(box):
    box.put(mail(1), mail(2))
    assert box.run("--flag", "$Archived")[1] == (2, 2, 0, 0)
    assert all(b"$Archived" in flags for flags in box.there(what="FLAGS").values()) and len(box.there()) == 2
    box.put(mail(3))
    assert box.run("--delete")[1] == (1, 1, 0, 0)
    assert len(box.there()) == 2  # those of the first time are not looked at
    assert box.run("--delete", "--again")[1] == (2, 0, 2, 0)
    assert box.there() == {}


def test_what_others_marked_as_deleted_stays(box):
    """Removing exactly what is archived: somebody else's mark is not this program's."""
    box.put(mail(1), mail(2))
    box.run()
    c = box.connect()
    c.select("INBOX")
    c.store("1", "+FLAGS", "\\Deleted")
    c.logout()
    box.put(mail(3))
    assert box.run("--delete")[1] == (1, 1, 0, 0)
    assert sorted(box.there()) == [1, 2]


def test_a_server_without_uidplus_only_marks(new_box):
    box = new_box(capability="IMAP4rev1 IDLE LITERAL+")
    box.put(mail(1))
    status, counts, out = box.run("--delete")
    assert counts == (1, 1, 0, 0) and "it lacks UIDPLUS" in out
    assert b"Deleted" in box.there(what="FLAGS")[1]


def test_refused_ones_stay_and_are_tried_again(box):
    box.site.write_conf(message_size_max="64K")
    box.put(mail(1), mail(2, b"x" * 100_000), mail(3))
    status, counts, out = box.run("--delete", check=False)
    assert status == 1 and counts == (3, 2, 0, 1) and "UID=2: is larger than message_size_max" in out
    assert list(box.there()) == [2]
    assert box.run("--delete", check=False)[1] == (1, 0, 0, 1)
    box.site.write_conf(message_size_max="1M")
    assert box.run("--delete")[1] == (1, 1, 0, 0)
    assert box.there() == {} and box.run()[1] == (0, 0, 0, 0)


def test_large_messages_in_bounded_memory(box):
    big = [mail(n, (b"%d" % n) * 76 + b"\r\n" + os.urandom(1 << 20).hex().encode() * 20) for n in range(3)]
    box.put(*big)
    p = box.start("--jobs", "2")
    peak = 0
    while p.poll() is None:
        try:
            with open("/proc/%d/status" % p.pid) as f:
                m = re.search(r"RssAnon:\s+(\d+) kB", f.read())
            peak = max(peak, int(m[1]) if m else 0)
        except FileNotFoundError:
            pass
    assert account(box.said()) == (3, 3, 0, 0)
    assert box.archived() == sorted(big) and len(big[0]) > 40_000_000
    assert peak < 60_000, "%d KiB for messages of %d" % (peak, len(big[0]))


# ---- TLS and signing in ----

@pytest.fixture
def secure(new_box):
    return new_box(tls=True)


def test_tls_checks_who_is_there(secure):
    d, site = secure.dovecot, secure.site
    secure.put(mail(1))
    url = "imaps://alice@example.org@%%s:%d/INBOX" % d.imaps_port
    base = ("import", "--password-file", secure.password)
    status, out, err = site.run(*base, url % "localhost", check=False)
    assert status == 1 and "the certificate is not good" in err  # nobody has said to trust it
    with_ca = (*base, "--ca", shutil.copy(d.ca, site.path("ca.crt")))
    status, out, _ = site.run(*with_ca, url % "localhost")
    assert account(out) == (1, 1, 0, 0)
    assert site.row(os.path.basename(site.objects()[0])[:36])["evidence"]["tls"].startswith("TLSv1.")
    assert account(site.run(*with_ca, url % "127.0.0.1")[1]) == (1, 0, 1, 0)
    with Cutter(("127.0.0.1", d.imaps_port), listen="127.0.0.2") as other:
        status, out, err = site.run(*with_ca, "imaps://alice@example.org@127.0.0.2:%d/INBOX" % other.port, check=False)
        assert status == 1 and "IP address mismatch" in err


@pytest.fixture
def address():
    """One of this machine that is not loopback: for all that a client can see, another machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address but loopback")
        return s.getsockname()[0]


def test_starttls_is_not_optional(secure, address):
    with Cutter(("127.0.0.1", secure.dovecot.imap_port), listen=address) as proxy:
        url = "imap://%s@%s:%d/INBOX" % (ALICE, address, proxy.port)
        ca = shutil.copy(secure.dovecot.ca, secure.site.path("ca.crt"))
        status, out, err = secure.site.run("import", "--password-file", secure.password, "--ca", ca, url, check=False)
        assert status == 1 and "certificate is not good: IP address mismatch" in err


def test_without_starttls_no_password_leaves(box, address):
    with Cutter(("127.0.0.1", box.dovecot.imap_port), listen=address) as proxy:
        url = "imap://%s@%s:%d/INBOX" % (ALICE, address, proxy.port)
        status, out, err = box.site.run("import", "--password-file", box.password, url, check=False)
    assert status == 1 and "STARTTLS" in err and "does not offer it" in err


def test_passwords(box):
    box.put(mail(1))
    status, out, err = box.site.run("import", box.url(), input="secret\n")  # asked for
    assert account(out) == (1, 1, 0, 0)
    secret(box.password, "wrong", box.site.owner())
    status, counts, out = box.run(check=False)
    assert status == 1 and "sign-in(127.0.0.1) failed" in out and "wrong" not in out
    os.chmod(box.password, 0o644)
    status, counts, out = box.run(check=False)
    assert status == 1 and "can be read by others" in out
    status, out, err = box.site.run("import", "imap://alice:secret@127.0.0.1/INBOX", check=False)
    assert status == 2 and "password does not belong into the URL" in err


class Tokens(http.server.BaseHTTPRequestHandler):
    good = "first"

    def do_GET(self):
        token = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)["token"][0]
        body = json.dumps({"active": token == Tokens.good, "username": "alice@example.org"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def tokens():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Tokens)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield "http://127.0.0.1:%d/?token=" % server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.mark.embedded("about signing in at the mail server")
@pytest.mark.parametrize("only", ["xoauth2", "oauthbearer"])
def test_oauth2_token_is_read_anew(new_dovecot, new_box, site, tokens, only):
    d = new_dovecot(oauth2=tokens)
    more = d.more
    d.more = lambda v24: more(v24).replace("auth_mechanisms = plain xoauth2 oauthbearer", "auth_mechanisms = plain " + only)
    box = new_box(d.start())
    box.put(mail(1))
    Tokens.good = "first"
    path = secret(site.path("token"), "first", site.owner())
    run = ("import", "--token-file", path)
    assert account(site.run(*run, box.url())[1]) == (1, 1, 0, 0)
    Tokens.good = "second"
    status, out, err = site.run(*run, "--again", box.url(), check=False)
    assert status == 1 and "sign-in with the token" in err and "first" not in err
    # one that follows outlives its token
    secret(path, "second", site.owner())
    p = box.started([*run, "--follow", box.url()])
    box.put(mail(2))
    wait_until("the second message is archived", lambda: len(site.objects()) == 2)
    Tokens.good = "third"
    d.stop()
    secret(path, "third", site.owner())
    d.start()
    box.put(mail(3))
    wait_until("the third message is archived", lambda: len(site.objects()) == 3, seconds=60)
    p.send_signal(signal.SIGTERM)
    assert p.wait(30) == 0


# ---- following ----

def test_follow_empties_a_journal_mailbox(box):
    box.put(mail(1))
    p = box.start("--follow")
    wait_until("the first is gone from the server", lambda: not box.there())
    for n in range(2, 6):
        box.put(mail(n))
    wait_until("all are gone from the server", lambda: not box.there())
    assert box.archived() == sorted(mail(n) for n in range(1, 6))
    p.send_signal(signal.SIGTERM)
    assert p.wait(30) == 0
    assert account(box.said()) == (5, 5, 0, 0)


def test_follow_without_idle(new_box):
    box = new_box(capability="IMAP4rev1 UIDPLUS LITERAL+")
    box.put(mail(1))
    p = box.start("--follow", "--keep")
    wait_until("the first is archived", lambda: len(box.rows()) == 1)
    p.send_signal(signal.SIGTERM)  # in the middle of waiting
    assert p.wait(30) == 0 and len(box.there()) == 1


def test_journal_reports_are_recognised(box):
    """As hosted mail sends them: the report's recipients count, not those of its cover."""
    report = (b"Sender: <journal@hosted.example>\r\nFrom: <journal@hosted.example>\r\nTo: journal@example.org\r\nSubject: FW: deal\r\n"
              b"X-MS-Journal-Report:\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n\r\n"
              b"--b\r\nContent-Type: text/plain; charset=\"us-ascii\"\r\n\r\nSender: dave@example.org\r\nSubject: deal\r\n"
              b"Message-Id: <1@example.org>\r\nTo: erin@example.org\r\nBcc: frank@example.org\r\n\r\n"
              b"--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: dave@example.org\r\nTo: erin@example.org\r\nSubject: deal\r\n\r\nsecret\r\n\r\n--b--\r\n")
    box.put(report)
    box.run("--delete")
    found = [row[0] for row in box.site.rows("SELECT mailbox FROM mailbox_message")]
    assert {"dave@example.org", "erin@example.org", "frank@example.org"} <= {m.decode() if isinstance(m, bytes) else m for m in found}


def test_follow_outlives_the_server_and_the_archive(box):
    p = box.start("--follow")
    box.put(mail(1))
    wait_until("the first is gone", lambda: not box.there())
    box.dovecot.stop()
    wait_until("it says so", lambda: "trying again" in box.said())
    box.dovecot.start()
    box.put(mail(2))
    wait_until("the second is gone", lambda: not box.there(), seconds=60)
    if os.geteuid() != 0 or box.site.user:  # to root no store refuses anything
        with box.site.store.refusing():
            box.put(mail(3))
            wait_until("it says that the store refuses", lambda: "the message is put off" in box.said())
            assert len(box.there()) == 1
    else:
        box.put(mail(3))
    wait_until("the third is gone", lambda: not box.there(), seconds=60)
    p.send_signal(signal.SIGTERM)
    assert p.wait(30) == 0
    assert box.archived() == sorted([mail(1), mail(2), mail(3)])


# ---- connections that break ----

MAILS = [mail(n, bytes([65 + n]) * (40 * n * n)) for n in range(12)]


def transcript(box):
    """How many bytes go either way when nothing breaks."""
    with Cutter(("127.0.0.1", box.dovecot.imap_port)) as c:
        box.run("--delete", port=c.port)
        return c.passed


def holds(box, mails):
    """What is not at the server any more is archived, and nothing is archived twice."""
    there, rows = hashes(box.there().values()), box.rows()
    assert len(set(rows)) == len(rows), "archived twice"
    assert set(hashes(mails)) - set(there) <= set(rows), "deleted and not archived"


@pytest.mark.embedded("about the connection to the mail server; the next ones break it before any engine")
@pytest.mark.parametrize("way", ["down", "up"])
def test_cut_after_any_number_of_bytes(box, way):
    box.put(*MAILS)
    total = transcript(box)[way]
    assert box.there() == {} and box.rows() == hashes(MAILS)
    steps = sorted(random.Random(4).sample(range(total), 45)) + [total - 1, total - 20]
    for n, at in enumerate(steps):
        more = [mail(1000 + n * 10 + i, bytes([65 + i]) * 300 * i) for i in range(4)]
        before = box.rows()
        box.put(*more)
        with Cutter(("127.0.0.1", box.dovecot.imap_port), abrupt=n % 2 == 1, times=1, **{way: at}) as c:
            status, counts, out = box.run("--delete", port=c.port, check=False)
        holds(box, more)
        if status:
            box.run("--delete")
        assert box.there() == {}, (at, out)
        assert sorted(set(before) | set(hashes(more))) == box.rows()
        if counts:
            assert counts[0] == sum(counts[1:]), out


def test_cut_again_and_again(box):
    """A connection that never lives long makes its way all the same, or says that it does not."""
    box.put(*MAILS)
    with Cutter(("127.0.0.1", box.dovecot.imap_port), down=9000) as c:
        for _ in range(20):
            status, counts, out = box.run("--keep", port=c.port, check=False)
            holds(box, MAILS)
            if status == 0:
                break
    assert c.cut > 1
    assert set(box.rows()) == set(hashes(MAILS)) or status != 0


def test_a_message_that_breaks_every_connection(box):
    """It is refused, and does not keep back those behind it."""
    mails = [mail(1), mail(2), mail(3, b"x" * 50_000), mail(4), mail(5)]
    box.put(*mails)
    with Cutter(("127.0.0.1", box.dovecot.imap_port), down=30_000) as c:
        status, counts, out = box.run("--delete", port=c.port, check=False)
    assert status == 1 and counts[3] == 1 and re.search(r"refused imap://\S+;UID=3: UID FETCH", out), out
    assert box.rows() == hashes(m for i, m in enumerate(mails) if i != 2) and list(box.there()) == [3]
    assert counts[0] == sum(counts[1:])


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGKILL])
def test_stopped_anywhere(box, sig):
    mails = [mail(n, b"%d" % n * 500) for n in range(300)]
    box.put(*mails)
    for delay in (30, 60, 90, 120, 150, 180):
        p = box.start("--delete", "--jobs", "4")
        wait_until("some are archived", lambda: len(box.rows()) >= delay or p.poll() is not None)
        p.send_signal(sig)
        p.wait(60)
        holds(box, mails)
    box.run("--delete")
    assert box.there() == {} and box.rows() == hashes(mails)

def test_a_mailbox_beside_a_file(box):
    """One command line, in either order: each message is told of to whoever asked."""
    path = box.site.path("one.eml")
    for first in (True, False):
        with open(path, "wb") as f:
            f.write(mail(10 + first))
        if box.site.owner() and os.geteuid() == 0:
            shutil.chown(path, *box.site.owner())
        box.put(mail(20 + first))
        more = (path, box.url()) if first else (box.url(), path)
        status, out, err = box.site.run("import", "--password-file", box.password, *more, check=False)
        assert status == 0, out + err
        assert account(out) == (2, 2, 0, 0)
