"""The mail systems that people deliver with: Postfix as transport and as journal, Sendmail, fetchmail."""
import os
import shutil
import smtplib
import subprocess

from stack import Missing
from stack.process import find_program, wait_until
from stack.sink import without_trace
from stack.site import TOP

MESSAGE = (b"From: Alice <alice@example.net>\r\nTo: Bob <bob@example.org>\r\nSubject: to be kept\r\nMessage-ID: <1@example.net>\r\n"
           b"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
           b"..a line that begins with a dot\r\n.\xc3\xa9\r\n\r\n")


def submit(address, raw, sender="alice@example.net", recipients=("bob@example.org",), options=()):
    with smtplib.SMTP(*address, timeout=60) as s:
        s.ehlo("client.example")
        s.mail(sender, options)
        for r in recipients:
            code, text = s.rcpt(r)
            assert code == 250, text
        code, text = s.data(raw)
        assert code == 250, text


def archived(site, n=1, seconds=60):
    """The bytes of all n archived messages, without the trace lines on top."""
    wait_until("%d messages in the archive" % n, lambda: len(site.objects()) >= n, seconds)
    found = [without_trace(site.store.read(name)) for name in site.objects()]
    assert len(found) == n
    return found


def test_postfix_transport(lmtpd, new_postfix):
    p = new_postfix(relay="lmtp:inet:127.0.0.1:%d" % lmtpd.lmtp_port).start()
    submit(p.address, MESSAGE, recipients=["bob@example.org", "carol@example.org", "dan@example.org"])
    assert archived(lmtpd) == [MESSAGE]
    p.wait_empty()
    sent = [line for line in p.log().splitlines() if "status=sent" in line]
    assert len(sent) == 3 and all("archived as" in line for line in sent)
    assert len({line.partition("archived as ")[2] for line in sent}) == 1
    assert lmtpd.log_line("lmtpd", "archived")["recipients"] == "3"


def test_postfix_over_a_unix_socket(new_site, new_postfix):
    p = new_postfix()
    socket = p.socket_dir("nobody") + "/lmtp.sock"
    site = new_site(settings={"lmtpd.listen": "unix:" + socket, "user": "nobody"})
    site.lmtp_path = socket
    site.address = lambda name: socket
    site.init()
    site.start("lmtpd")
    p.relay = "lmtp:unix:" + socket
    p.start()
    submit(p.address, MESSAGE)
    assert archived(site) == [MESSAGE]
    p.wait_empty()


def test_postfix_journal(lmtpd, new_postfix):
    """always_bcc: the copy goes to the archive, the message to its recipients, and neither waits for the other."""
    p = new_postfix(settings={"always_bcc": "journal@archive.invalid",
                              "transport_maps": "inline:{ archive.invalid=strongroom:inet:127.0.0.1:%d }" % lmtpd.lmtp_port},
                    services="strongroom unix - - n - - lmtp\n").start()
    for i in range(20):
        submit(p.address, MESSAGE.replace(b"to be kept", b"to be kept %d" % i))
    found = archived(lmtpd, 20)
    assert sorted(found) == sorted(MESSAGE.replace(b"to be kept", b"to be kept %d" % i) for i in range(20))
    p.wait_empty()


def test_postfix_journal_is_never_returned(new_site, new_postfix):
    """A copy that the archive can't take waits at Postfix, and the archive's log says what for; the sender gets no bounce."""
    site = new_site(settings={"message_size_max": "64K", "lmtpd.journal": "yes"})
    site.init()
    site.start("lmtpd")
    p = new_postfix(settings={"always_bcc": "journal@archive.invalid",
                              "transport_maps": "inline:{ archive.invalid=strongroom:inet:127.0.0.1:%d }" % site.lmtp_port},
                    services="strongroom unix - - n - - lmtp\n  -o lmtp_line_length_limit=0\n").start()
    large = MESSAGE + b"x" * 100000 + b"\r\n"  # one line
    submit(p.address, large)
    wait_until("the copy is deferred", lambda: "452 4.3.4" in p.log())
    line = site.log_line("lmtpd", "the journal waits")
    assert line["level"] == "error" and "message_size_max" in line["message"]
    assert "status=bounced" not in p.log()
    site.stop("lmtpd")
    site.write_conf(message_size_max="1M")
    site.start("lmtpd")
    assert archived(site) == [large]
    p.wait_empty()
    assert "status=bounced" not in p.log()


def test_postfix_keeps_what_the_archive_puts_off(site, new_postfix):
    """Down, up, and nothing lost."""
    p = new_postfix(relay="lmtp:inet:127.0.0.1:%d" % site.lmtp_port).start()
    submit(p.address, MESSAGE)
    wait_until("the message is deferred", lambda: "status=deferred" in p.log())
    site.start("lmtpd")
    assert archived(site) == [MESSAGE]
    p.wait_empty()


def test_postfix_international(lmtpd, new_postfix):
    p = new_postfix(relay="lmtp:inet:127.0.0.1:%d" % lmtpd.lmtp_port, settings={"smtputf8_enable": "yes"}).start()
    with smtplib.SMTP(*p.address, timeout=60) as s:
        s.ehlo("client.example")
        assert s.docmd("MAIL", "FROM:<alice@example.net> SMTPUTF8")[0] == 250
        s.command_encoding = "utf-8"
        assert s.docmd("RCPT", "TO:<josé@example.org>")[0] == 250
        assert s.data(MESSAGE)[0] == 250
    assert archived(lmtpd) == [MESSAGE]


def test_postfix_starttls(new_site, new_postfix):
    site = new_site()
    site.init()
    site.write_conf(lmtpd__tls_cert=site.settings["queryd.tls_cert"], lmtpd__tls_key=site.settings["queryd.tls_key"],
                    lmtpd__tls_required="yes")
    site.start("lmtpd")
    p = new_postfix(relay="lmtp:inet:127.0.0.1:%d" % site.lmtp_port, settings={"lmtp_tls_security_level": "encrypt"}).start()
    submit(p.address, MESSAGE)
    assert archived(site) == [MESSAGE]
    assert site.log_line("lmtpd", "archived")["tls"].startswith("TLSv1.3 ")


def test_sendmail_relay(lmtpd, new_sendmail):
    s = new_sendmail(relay_port=lmtpd.lmtp_port).start()
    submit(s.address, MESSAGE, recipients=["bob@example.org", "carol@example.org"])
    assert archived(lmtpd) == [MESSAGE]


def test_sendmail_mailer(lmtpd, new_sendmail):
    """The mailer of the snippet, chosen by a rule as the mailertable would."""
    with open(os.path.join(TOP, "etc/sendmail/lmtp.mc")) as f:
        snippet = f.read().replace("TCP $h 2424", "TCP $h %d" % lmtpd.lmtp_port)
    rule = "R$* < @ journal.example.org. > $*\t$#strongroom $@ [127.0.0.1] $: $1 < @ journal.example.org. > $2"
    s = new_sendmail(relay_port=1, more="LOCAL_RULE_0\n%s\n%s" % (rule, snippet)).start()
    submit(s.address, MESSAGE, recipients=["a@journal.example.org", "b@journal.example.org"])
    assert archived(lmtpd) == [MESSAGE]


FETCHMAIL = """\
set no bouncemail
poll 127.0.0.1 protocol IMAP service {port} auth password
  user "alice@example.org" there with password "secret" is "archive@example.org" here
  smtphost {smtphost} lmtp
  options fetchall no keep no rewrite
  sslproto ''
"""


def test_fetchmail_empties_a_mailbox(lmtpd, dovecot):
    program = find_program("fetchmail")
    if not program:
        raise Missing("fetchmail: the package fetchmail is not installed")
    messages = [MESSAGE.replace(b"to be kept", b"fetched %d" % i) for i in range(10)]
    for raw in messages:
        dovecot.deliver(raw)
    rc = dovecot.path("fetchmailrc")
    with open(rc, "w") as f:
        f.write(FETCHMAIL.format(port=dovecot.imap_port, smtphost="127.0.0.1/%d" % lmtpd.lmtp_port))
    os.chmod(rc, 0o600)
    shutil.chown(rc, os.geteuid())
    r = subprocess.run([program, "-f", rc, "--nosyslog", "-v", "--pidfile", dovecot.path("fetchmail.pid"), "--idfile", dovecot.path("ids")],
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, env={"HOME": dovecot.dir, "PATH": os.environ["PATH"]})
    assert r.returncode == 0, r.stdout.decode("utf-8", "replace")
    found = archived(lmtpd, 10)
    for raw in messages:
        assert any(raw.partition(b"\r\n\r\n")[2] == other.partition(b"\r\n\r\n")[2] for other in found)
        subject = [line for line in raw.split(b"\r\n") if line.startswith(b"Subject")][0]
        assert any(subject in other for other in found)
    again = subprocess.run([program, "-f", rc, "--check", "--pidfile", dovecot.path("fetchmail.pid"), "--idfile", dovecot.path("ids")],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, env={"HOME": dovecot.dir, "PATH": os.environ["PATH"]})
    assert again.returncode == 1, again.stdout  # no mail
