"""The database of record at a real MariaDB and a real MySQL: nothing acknowledged is lost or doubled, whatever becomes of the
server or of what passes between; and what check, status and TLS are there for."""
import itertools
import os
import re
import time
import types

import pytest

from oracle import Load, check_all, outbox, wait_searchable
from stack.fault_proxy import FaultProxy, MySql
from stack.lmtp import archive_id
from stack.mariadb import MariaDB
from stack.mysql import MySQL
from stack.process import wait_until
from stack.tls import Authority

pytestmark = [pytest.mark.engines, pytest.mark.embedded("it brings its own servers")]

RAW = b"From: a@example.org\r\nTo: b@example.org\r\nSubject: number %d\r\n\r\nstrawberry %d\r\n"
QUICK = {"workerd.outbox_interval": "200ms", "index_wait": "50ms"}

# Each statement of a capture, in its order.
BOUNDARIES = ["^SELECT message_id FROM capture_key", "^SELECT first_seq", "^START TRANSACTION$", "^INSERT INTO capture_key",
              "^INSERT INTO message ", "^INSERT INTO participant", "^INSERT INTO mailbox_message", "^INSERT INTO outbox",
              "^INSERT INTO ledger_record", "^INSERT INTO ledger_batch", "^COMMIT$"]


@pytest.fixture(params=[MariaDB, MySQL], ids=lambda kind: kind.kind)
def kind(request):
    return request.param


@pytest.fixture
def new_server(servers):
    def make(kind, **kw):
        db = kind(**kw)
        servers.append(db)
        return db.start()
    return make


@pytest.fixture
def new_archive(new_site):
    def make(db, **settings):
        site = new_site(servers=types.SimpleNamespace(parts={"meta": db}), proxied=False, settings={**QUICK, **settings})
        site.meta.allow()
        site.init()
        return site
    return make


def send(site, number):
    """(code, archive id or None)."""
    with site.lmtp() as c:
        code, text = c.send(RAW % (number, number), recipients=[b"b@example.org"])[0]
    return code, archive_id(text) if code == 250 else None


def test_the_server_is_killed_and_restarted_under_load(kind, new_server, new_archive):
    db = new_server(kind)
    site = new_archive(db)
    site.start("lmtpd", "workerd")
    load = Load(("127.0.0.1", site.lmtp_port), connections=6).start()
    for way in (db.kill, db.stop, db.kill):
        time.sleep(2)
        way()
        time.sleep(0.5)
        db.run()
    time.sleep(2)
    load.stop()
    load.offer_again()
    assert len(load.acked) > 50
    wait_searchable(site)
    assert check_all(site, load) == len(load.sent)
    assert site.stop() == 0


def test_whatever_is_lost_between_nothing_is_lost(kind, new_server, new_archive):
    """Each statement of a capture × its request or its answer × how the connection breaks."""
    db = new_server(kind)
    db.allow_plain()
    proxy = FaultProxy(("127.0.0.1", db.port), MySql)
    site = new_archive(db, **{"mysql.port": str(proxy.port), "mysql.tls": "never", "mysql.timeout": "1s"})
    load = Load(None, connections=0)
    cases, refused = 0, 0
    try:
        site.start("lmtpd")
        for boundary, side, action in itertools.product(BOUNDARIES, ("request", "reply"), ("cut", "reset", "drop")):
            raw = load.make(0)
            fault = proxy.arm(boundary, side, action)
            for attempt in range(4):
                with site.lmtp() as c:
                    code, text = c.send(raw)[0]
                load.note(raw, (code, text))
                proxy.heal()
                if code == 250:
                    break
                refused += 1
                load.unanswered.clear()
            assert code == 250, (boundary, side, action, text)
            assert fault.fired, (boundary, side, action)
            cases += 1
        site.start("workerd")
        wait_searchable(site)
        assert check_all(site, load) == cases
    finally:
        proxy.close()
    print("%d cases, %d put off" % (cases, refused))


def test_a_commit_whose_answer_is_lost_is_found_done(kind, new_server, new_archive):
    """The answer is 250 at once, and the retry of a client that did not see it gets the same id."""
    db = new_server(kind)
    db.allow_plain()
    proxy = FaultProxy(("127.0.0.1", db.port), MySql)
    site = new_archive(db, **{"mysql.port": str(proxy.port), "mysql.tls": "never"})
    try:
        site.start("lmtpd")
        fault = proxy.arm("^COMMIT$", "reply", "cut")
        code, id = send(site, 1)
        assert fault.fired and code == 250
        assert send(site, 1) == (250, id)
        assert site.rows("SELECT count(*) FROM message")[0][0] == 1
        wait_until("the first is off the outbox: nothing else commits now", lambda: outbox(site) == 0)
        fault = proxy.arm("^COMMIT$", "request", "cut")  # not done
        assert send(site, 2)[0] == 451
        assert fault.fired
        assert send(site, 2)[0] == 250
        assert site.rows("SELECT count(*) FROM message")[0][0] == 2
    finally:
        proxy.close()


def test_the_server_is_down_read_only_and_back(kind, new_server, new_archive):
    db = new_server(kind)
    site = new_archive(db)
    site.start("lmtpd")
    assert send(site, 1)[0] == 250
    db.execute("SET GLOBAL read_only = ON")
    if kind is MySQL:
        db.execute("SET GLOBAL super_read_only = ON")
    time.sleep(0.3)  # a good answer is believed for a moment
    assert send(site, 2)[0] == 451
    db.execute("SET GLOBAL read_only = OFF")
    time.sleep(0.3)
    assert send(site, 2)[0] == 250
    db.stop()
    time.sleep(0.3)
    assert send(site, 3)[0] == 451
    db.run()
    assert send(site, 3)[0] == 250
    assert site.rows("SELECT count(*) FROM message")[0][0] == 3


def test_connections_are_encrypted_and_the_server_is_who_it_says(kind, new_server, new_archive, tmp_path):
    db = new_server(kind)
    site = new_archive(db)
    site.start("lmtpd")
    assert send(site, 1)[0] == 250
    others = Authority(str(tmp_path))
    site.write_conf(mysql__tls_ca=others.ca)
    status, out, _ = site.run("status", check=False)
    assert status and re.search("(?i)tls|ssl|certificate", out), out
    site.write_conf(mysql__tls_ca=db.ca)
    assert site.run("status")[0] == 0
    site.write_conf(mysql__tls="never")  # the accounts demand it
    assert site.run("status", check=False)[0]
    site.write_conf(mysql__tls="always")
    assert site.run("status")[0] == 0
    db.stop()
    db.host = "127.0.0.2"  # not 127.0.0.1, where MariaDB's connector asks for no name from 3.4 on; the certificate names that only
    db.write_conf()
    db.run()
    site.write_conf(mysql__host=db.host)
    status, out, _ = site.run("status", check=False)
    assert status and re.search("(?i)tls|ssl|certificate|host", out), out
    Authority(db.path("tls")).sign("server", san="IP:" + db.host)
    db.own(db.path("tls", "server.key"))
    db.stop()
    db.run()
    assert site.run("status")[0] == 0


def test_a_password_file_that_others_can_read_is_refused(new_server, new_archive):
    db = new_server(MariaDB)
    site = new_archive(db)
    os.chmod(db.password_file(), 0o444)
    status, out, err = site.run("status", check=False)
    assert status and "password_file" in out + err
    os.chmod(db.password_file(), 0o400)
    assert site.run("status")[0] == 0
    site.write_conf(mysql__password_file="")
    assert site.run("status", check=False)[0]
    assert site.run("status", env={"DB_PASSWORD": db.password(db.account())})[0] == 0


def test_check_says_what_falls_short(kind, new_server, new_archive):
    db = new_server(kind)
    site = new_archive(db)
    status, out, _ = site.run("check")
    assert "problem: database" not in out and "set up as it should be" in out
    for setting, bad, good in (("sync_binlog", "0", "1"), ("innodb_flush_log_at_trx_commit", "2", "1"),
                               ("binlog_expire_logs_seconds", "3600", "1209600")):
        db.execute("SET GLOBAL %s = %s" % (setting, bad))
        status, out, _ = site.run("check", check=False)
        assert status == 1 and "%s is %s" % (setting, bad) in out and "set %s = " % setting in out, out
        db.execute("SET GLOBAL %s = %s" % (setting, good))
    with site.meta.connect() as c:
        text = c.execute("SHOW CREATE TRIGGER message_no_delete").fetchone()["SQL Original Statement"]
        c.execute("DROP TRIGGER message_no_delete")
        status, out, _ = site.run("check", check=False)
        assert status == 1 and "trigger message_no_delete is missing or was altered" in out
        c.execute(text.replace("SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'message is write-once'", "SET @x = 1"))
        assert "trigger message_no_delete is missing or was altered" in site.run("check", check=False)[1]
        c.execute("DROP TRIGGER message_no_delete")
        c.execute(text)
        assert site.run("check")[0] == 0


def test_migrate_brings_the_schema_up(new_server, new_archive):
    db = new_server(MariaDB)
    site = new_archive(db)
    assert "database ready: mysql:" in site.run("migrate")[1]
    site.meta.drop()
    status, out, _ = site.run("status", check=False)
    assert status and "strongroom init" in out
    assert "database ready: mysql:" in site.run("migrate")[1]
    site.start("lmtpd")
    assert send(site, 1)[0] == 250


def replicate(primary, replica):
    primary.execute("CREATE USER 'replica'@'%%' IDENTIFIED BY 'replica'; GRANT REPLICATION SLAVE ON *.* TO 'replica'@'%%';"
                    " GRANT REPLICA MONITOR ON *.* TO '%s'@'%%'" % primary.account())
    replica.execute("CHANGE MASTER TO master_host='127.0.0.1', master_port=%d, master_user='replica', master_password='replica',"
                    " master_use_gtid=slave_pos, master_ssl=1, master_ssl_ca='%s'; START SLAVE" % (primary.port, primary.ca))


def test_search_and_reading_go_to_the_replica(new_server, new_archive):
    primary = new_server(MariaDB, accounts=True)
    replica = new_server(MariaDB, accounts=False, server_id=2, authority=primary.path("tls"))
    replicate(primary, replica)
    site = new_archive(primary, **{"mysql.replica": "127.0.0.1:%d" % replica.port})
    user = site.add_user("alice", "a good password", "--all")
    site.start("lmtpd", "queryd", "workerd")
    ids = [send(site, i)[1] for i in range(5)]
    caught_up = lambda: replica.number("SELECT count(*) FROM message", site.name + "_capture") == 5  # noqa: E731
    wait_until("the replica has all messages", caught_up, 60)
    wait_until("status shows the lag", lambda: "replica   0 s behind" in site.run("status", check=False)[1], 60)
    assert "the replica is 0 s behind" in site.run("check", check=False)[1]
    api = site.api("alice", "a good password", user)
    wait_searchable(site)

    def asked(db):
        return db.number("SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'Com_stmt_execute'")
    before = asked(replica)
    assert api.search("strawberry")["coverage"]["in_scope"] == 5
    assert api.meta(ids[0])[0] == 200
    assert asked(replica) > before
    replica.execute("STOP SLAVE")  # what it does not have the primary has
    id = send(site, 6)[1]
    assert api.meta(id)[0] == 200
    status, out, _ = site.run("status", check=False)
    assert "replica(" in out and "stopped" in out, out
    assert "mend the replication" in site.run("check", check=False)[1]
    replica.stop()  # and all of it when the replica is gone
    assert api.search("strawberry")["coverage"]["in_scope"] == 6
    assert api.meta(ids[0])[0] == 200
