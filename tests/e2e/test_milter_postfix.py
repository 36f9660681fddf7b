"""What Postfix may do to a message on its way to strongroom-milter: what must be archived all the same, and what can't be."""
import os

import pytest
from stack.lmtp import Client
from stack.process import free_port, wait_until

# As for clients on other machines: their header is not completed.
STRANGERS = {"local_header_rewrite_clients": ""}


def message(subject=b"odd", body=b"hello\r\n"):
    return (b"From: a@example.net\r\nTo: b@example.org\r\nSubject: " + subject + b"\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n"
            b"Message-ID: <odd@example.net>\r\n\r\n" + body)


@pytest.fixture
def door(new_door):
    return new_door("postfix", "inet", mta={"settings": dict(STRANGERS)})


def envelope(door, archive_id):
    """[(role, address as given)] of one message."""
    return [tuple(r) for r in door.site.rows("SELECT role, address FROM participant WHERE role < 3 ORDER BY position")]


def test_restart_in_the_middle_of_a_message(door):
    """Nothing of the first half stays, and what comes afterwards is archived."""
    with door.connect() as c:
        c.command(b"MAIL FROM:<a@example.net>")
        c.command(b"RCPT TO:<b@example.org>")
        assert c.command(b"DATA")[0] == 354
        c.s.sendall(message(b"half", b"x" * 70 + b"\r\n") + b"and so on\r\n" * 50000)
        door.mta.stop()
    door.mta.start()
    assert door.send(message(b"whole"))[0] == 250
    assert [raw for _, raw in door.archived()] == [message(b"whole")]
    assert door.site.stop("milter") == 0


def test_chunks(door):
    """BDAT: Postfix ends the last line, and the header where there is none."""
    whole = message(b"chunks", b"first\r\nsecond without an end")
    with door.connect() as c:
        for raw in (whole, b"", b"no header"):
            assert c.command(b"MAIL FROM:<>")[0] == 250
            assert c.command(b"RCPT TO:<b@example.org>")[0] == 250
            if raw:
                c.s.sendall(b"BDAT 7\r\n" + raw[:7])
                assert c.reply()[0] == 250
            c.s.sendall(b"BDAT %d LAST\r\n" % len(raw[7:]) + raw[7:])
            assert c.reply()[0] == 250
    assert [raw for _, raw in door.archived()] == [whole + b"\r\n", b"\r\n", b"\r\nno header\r\n"]


def test_odd_addresses(door):
    door.mta.reconfigure(smtputf8_enable="yes")
    given = ["jürgen@example.org", '"q >\\" x"@example.org', "b+tag@example.org"]
    assert door.send(message(), sender="josé@example.net".encode(), recipients=[a.encode() for a in given], args=b" SMTPUTF8")[0] == 250
    (line, raw), = door.archived()
    assert raw == message()
    assert [address for _, address in envelope(door, line["archive_id"])] == ["josé@example.net"] + given


def test_a_thousand_recipients(door):
    """The most that Postfix takes: one message, one commit."""
    given = ["r%d@example.org" % i for i in range(1000)]
    assert door.send(message(), recipients=[a.encode() for a in given])[0] == 250
    (line, raw), = door.archived()
    assert raw == message() and line["recipients"] == "1000"
    assert [address for role, address in envelope(door, line["archive_id"]) if role == 2] == given


@pytest.mark.parametrize("action", ["REDIRECT x@example.org", "HOLD", "FILTER discard:", "PREPEND X-Seen: yes"])
def test_access_tables_keep_nothing_from_the_archive(new_door, action):
    table = "check_recipient_access inline:{ {b@example.org = %s} }, permit_mynetworks, reject" % action
    d = new_door("postfix", "inet", mta={"settings": {**STRANGERS, "smtpd_recipient_restrictions": table}})
    assert d.send(message(), recipients=[b"b@example.org"])[0] == 250
    (_, raw), = d.archived()
    assert raw.endswith(message())


def test_body_checks_that_redirect_go_past_the_archive(door):
    """What the manual warns of, and `strongroom check` says."""
    table = os.path.join(door.mta.etc, "body")
    with open(table, "w") as f:
        f.write("/hello/ REDIRECT x@example.org\n")
    door.mta.reconfigure(body_checks="regexp:" + table)
    assert door.send(message())[0] == 250
    door.mta.wait_empty()
    assert door.archived() == []
    out = door.site.run("check", "--postfix", door.mta.etc, check=False)[1]
    assert "body_checks is regexp:%s" % table in out


@pytest.mark.parametrize("behind", [True, False], ids=["milter_behind", "milter_in_front_only"])
def test_filter_before_the_queue(new_site, new_postfix, sink, behind):
    """smtpd_proxy_filter, with a filter that hands all on: the smtpd behind it must have the milter, which `strongroom check`
    looks at."""
    site = new_site(milter="inet")
    site.init()
    site.start("milter")
    port = free_port()
    p = new_postfix(relay="lmtp:inet:127.0.0.1:%d" % sink.port, milter=site.milter_address,
                    settings={**STRANGERS, "smtpd_proxy_filter": "127.0.0.1:%d" % port},
                    services="127.0.0.1:%d inet n - n - - smtpd\n  -o smtpd_proxy_filter=\n%s" % (port, "" if behind else "  -o smtpd_milters=\n")
                    ).start()
    with Client(p.address, b"EHLO client.example") as c:
        assert c.send(message())[0][0] == 250
    wait_until("the message is delivered", lambda: sink.deliveries)
    assert len(site.archived()) == (1 if behind else 0)
    out = site.run("check", "--postfix", p.etc, check=False)[1]
    assert ("smtpd_proxy_filter" in out) == (not behind), out
