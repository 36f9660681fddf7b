"""strongroom-milter between a real Postfix or Sendmail and its clients."""
import os
import signal
import smtplib
import ssl
import subprocess
import threading

import pytest

from stack.lmtp import Client
from stack.process import find_program, wait_until
from stack.sink import without_trace

DOORS = [("postfix", "inet"), ("postfix", "unix"), ("sendmail", "inet"), ("sendmail", "unix")]
HEAD = (b"From: Bob <bob@example.net>\r\nTo: alice@example.org\r\nDate: Sun, 22 Nov 2026 18:17:53 +0000\r\n"
        b"Message-ID: <%s@example.net>\r\nSubject: crane\r\n")


def message(name=b"1", body=b"The crane costs 1.2 million.\r\n.\r\n..dots\r\n", more=b""):
    return HEAD % name + more + b"\r\n" + body


def archived_bytes(door):
    return [raw for _, raw in door.archived()]


@pytest.fixture(params=DOORS, ids="-".join)
def door(request, new_door):
    return new_door(*request.param)


def test_accepted_is_archived_byte_for_byte(door):
    raw = message(more=b"X-Folded:  two\r\n\tlines \r\n and three\r\nX-Tight:value\r\nX-Empty:\r\n")
    code, text = door.send(raw)
    assert code == 250, text
    assert archived_bytes(door) == [raw]
    assert without_trace(door.sink.find(b"crane").raw) == raw


def test_envelope_and_origin_are_recorded(door):
    code, text = door.send(message(), sender=b"bob@example.net", recipients=[b"alice@example.org", b"carol@example.org"],
                           args=b" BODY=8BITMIME", recipient_args=b" NOTIFY=NEVER")
    assert code == 250, text
    (line, _), = door.archived()
    row = door.site.row(line["archive_id"])
    assert row["queue_id"] == line["queue_id"] and row["queue_id"].encode() in text
    evidence = row["evidence"]
    assert "BODY=8BITMIME" in str(evidence) and "NOTIFY=NEVER" in str(evidence) and "carol@example.org" in str(evidence)
    assert "127.0.0.1:" in str(evidence) and "client.example" in str(evidence)
    assert line["recipients"] == "2" and line["session"] in str(evidence)


def test_several_messages_on_a_connection(door):
    sent = [message(b"%d" % i) for i in range(5)]
    with door.connect() as c:
        for i, raw in enumerate(sent):
            assert c.send(raw)[0][0] == 250
            if i == 2:                              # begun and given up: nothing of it may get into the next one
                c.command(b"MAIL FROM:<nobody@example.net>")
                c.command(b"RCPT TO:<nobody@example.org>")
                assert c.command(b"RSET")[0] == 250
    assert archived_bytes(door) == sent
    assert all(line["recipients"] == "1" for line, _ in door.archived())


def test_archive_down_is_a_delay(door):
    with door.site.store.refusing():
        code, text = door.send(message())
        assert (code, text[:9]) == (451, b"451 4.3.0"), text
    assert door.send(message())[0] == 250
    assert archived_bytes(door) == [message()]


def test_dead_milter_is_a_delay(door):
    door.site.kill("milter")
    assert door.send(message())[0] == 451
    door.site.start("milter")
    assert door.send(message())[0] == 250
    assert archived_bytes(door) == [message()]


def test_large_header_and_large_message(door):
    many = message(more=b"".join(b"X-Field-%d: %s\r\n" % (i, b"v" * 60) for i in range(300)))
    large = message(b"2", b"".join(b"%07d %s\r\n" % (i, b"x" * 60) for i in range(20 * 1024 * 1024 // 70)))
    for raw in (many, large):
        code, text = door.send(raw)
        assert code == 250, text
    assert archived_bytes(door) == [many, large]


@pytest.mark.parametrize("server", ["postfix", "sendmail"])
def test_too_large_is_refused_for_good(server, new_door):
    door = new_door(server, "unix", settings={"message_size_max": "100K"})
    code, text = door.send(message(body=b"x" * 78 + b"\r\n"), args=b" SIZE=200000")
    assert (code, text[:9]) == (552, b"552 5.3.4"), text
    code, text = door.send(message(body=(b"x" * 78 + b"\r\n") * 2000))
    assert (code, text[:9]) == (552, b"552 5.3.4"), text
    assert door.send(message())[0] == 250
    assert archived_bytes(door) == [message()]


@pytest.mark.parametrize("server", ["postfix", "sendmail"])
def test_recipients_over_the_limit_wait_for_the_next_transaction(server, new_door):
    door = new_door(server, "unix", settings={"recipients_max": "100"})
    with door.connect() as c:
        assert c.command(b"MAIL FROM:<bob@example.net>")[0] == 250
        replies = [c.command(b"RCPT TO:<r%d@example.org>" % i) for i in range(102)]
    assert [code for code, _ in replies] == [250] * 100 + [452] * 2
    assert b"4.5.3" in replies[100][1]


@pytest.mark.parametrize("server,kind", DOORS)
def test_many_connections_at_once(server, kind, new_door):
    program = find_program("smtp-source")
    if not program:
        pytest.skip("smtp-source is not installed (package postfix)")
    door = new_door(server, kind)
    subprocess.run([program, "-d", "-s", "8", "-m", "80", "-l", "6000", "-f", "bob@example.net", "-t", "alice@example.org",
                    "127.0.0.1:%d" % door.mta.port], check=True, timeout=120)
    lines = door.site.archived()
    assert len(lines) == 80
    assert len({line["queue_id"] for line in lines}) == len({line["archive_id"] for line in lines}) == 80


def test_client_keeps_the_mail_until_the_archive_is_back(new_door, new_postfix):
    door = new_door("postfix", "unix")
    first = new_postfix(relay="smtp:[127.0.0.1]:%d" % door.mta.port).start()
    with door.site.store.refusing():
        with Client(first.address, b"EHLO client.example") as c:
            assert c.send(message())[0][0] == 250
        wait_until("the message to be deferred", lambda: "451 4.3.0" in first.log(), 60)
        assert len(first.queue()) == 1 and not door.archived()
    first.flush()
    first.wait_empty()
    assert [without_trace(raw) for raw in archived_bytes(door)] == [message()]


def test_mail_from_programs_on_the_machine(new_door):
    door = new_door("postfix", "unix", mta={"settings": {"non_smtpd_milters": "unix:strongroom/milter.sock"}})
    subprocess.run([find_program("sendmail"), "-C", door.mta.etc, "-f", "root@example.net", "alice@example.org"],
                   input=b"Subject: from cron\n\nline\n", check=True, timeout=30)
    door.sink.find(b"from cron")
    (_, raw), = door.archived()
    assert b"Subject: from cron\r\n" in raw and raw.endswith(b"\r\n\r\nline\r\n")


def test_sign_in_and_tls_are_recorded(new_door, dovecot):
    """Certificate of the site's own authority; Postfix reads it before it gives up root."""
    door = new_door("postfix", "unix", mta={"settings": {"smtpd_sasl_type": "dovecot", "smtpd_sasl_auth_enable": "yes",
                                                         "smtpd_sasl_path": "inet:127.0.0.1:%d" % dovecot.auth_port}})
    door.mta.reconfigure(smtpd_tls_cert_file=door.site.settings["queryd.tls_cert"], smtpd_tls_security_level="may",
                         smtpd_tls_key_file=door.site.settings["queryd.tls_key"])
    context = ssl.create_default_context(cafile=door.site.ca)

    def send():
        with smtplib.SMTP("localhost", door.mta.port, timeout=30) as c:
            c.starttls(context=context)
            c.login("alice@example.org", "secret")
            c.sendmail("bob@example.net", ["alice@example.org"], message())

    wait_until("Postfix to offer TLS", lambda: b"STARTTLS" in door.connect().features)
    send()
    evidence = str(door.site.row(door.archived()[0][0]["archive_id"])["evidence"])
    assert "alice@example.org" in evidence and "TLSv1." in evidence and "AES" in evidence


def test_what_was_accepted_survives_kills(new_door):
    """Four clients send without a pause while the milter is killed and started again, six times."""
    door = new_door("postfix", "unix")
    accepted, refused, stop = [], [], threading.Event()

    def client(n):
        i = 0
        while not stop.is_set():
            i += 1
            raw = message(b"%d.%d" % (n, i), b"x" * 3000 + b"\r\n")
            code, _ = door.send(raw)
            (accepted if code == 250 else refused).append(raw)

    threads = [threading.Thread(target=client, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    try:
        for _ in range(6):
            mark = len(accepted)
            wait_until("mail to be accepted again", lambda: len(accepted) > mark + 5, 60)
            door.site.kill("milter")
            door.site.start("milter")
    finally:
        stop.set()
        for t in threads:
            t.join()
    stored = {door.site.store.read(name) for name in door.site.objects()}
    assert len(accepted) > 30 and not [raw for raw in accepted if raw not in stored]


def test_reload_keeps_serving(new_door):
    door = new_door("postfix", "inet")
    with door.connect() as c:
        assert c.send(message(b"1"))[0][0] == 250
        door.site.write_conf(log_level="debug")
        door.site.signal("milter", signal.SIGHUP)
        wait_until("the reload", lambda: any(line.get("message") == "configuration reloaded" for line in door.site.log("milter")))
        assert c.send(message(b"2"))[0][0] == 250
    door.site.write_conf(log_level="loud")
    door.site.signal("milter", signal.SIGHUP)
    wait_until("the refusal", lambda: any("reload failed" in line.get("message", "") for line in door.site.log("milter")))
    assert door.send(message(b"3"))[0] == 250


def test_stop_finishes_what_was_begun(new_door):
    door = new_door("postfix", "unix")
    with door.connect() as begun, door.connect() as idle:
        assert idle.send(message(b"0"))[0][0] == 250
        assert begun.command(b"MAIL FROM:<bob@example.net>")[0] == 250
        assert begun.command(b"RCPT TO:<alice@example.org>")[0] == 250
        assert begun.command(b"DATA")[0] == 354
        door.site.signal("milter", signal.SIGTERM)
        wait_until("stopping", lambda: any(line.get("message") == "stopping" for line in door.site.log("milter")))
        code, text = idle.send(message(b"2"))[0]
        assert code == 451 and b"4.3.2" in text, text
        begun.s.sendall(message(b"1").replace(b"\r\n.", b"\r\n..") + b".\r\n")
        code, text = begun.reply()
        assert code == 250, text
    assert door.site.wait_end("milter") == 0
    assert archived_bytes(door) == [message(b"0"), message(b"1")]
