"""The database account of each program: enough for its work, and nothing with which to change what is archived."""
import re

import pytest

from stack.mariadb import MariaDB
from stack.mysql import MySQL
from stack.process import wait_until

pytestmark = [pytest.mark.engines, pytest.mark.embedded("it brings its own servers")]

RAW = b"From: a@example.org\r\nTo: b@example.org\r\nSubject: grants %d\r\n\r\nstrawberry\r\n"
DAEMONS = ("lmtpd", "queryd", "workerd")
MTA = {"mta_message": "ud", "mta_log": "ud", "mta_incident": "u", "mta_unaccepted": "u"}
CHANGING = {  # what a program may change, by UPDATE or DELETE; every other table is closed to it
    "milter": {"outbox": "d"}, "lmtpd": {"outbox": "d"},
    "queryd": {"account": "u", "rate_count": "ud", "signin_known": "ud", "export_job": "u", "service_account": "u", "role": "ud",
               "role_permission": "d", "account_role": "d", "account_mailbox": "d", "account_department": "d", "department": "ud",
               "department_mailbox": "d", "session": "ud", "saved_search": "ud", "totp_enrolment": "ud", "recovery_code": "ud"},
    "workerd": {"outbox": "d", "reconcile_walk": "u", "reconcile_alarm": "u", "orphan": "u", "daily_account": "u", "export_job": "u", **MTA},
    "operator": {"outbox": "d", "import_place": "d", **MTA, "account": "u", "totp_enrolment": "d", "recovery_code": "d", "account_role": "d", "account_mailbox": "d",
                 "account_department": "d", "department": "ud", "department_mailbox": "d", "role": "d", "role_permission": "d",
                 "service_account": "d"},
}
WRITE_ONCE = ("message", "participant", "mailbox_message", "attachment", "capture_key", "capture_attempt", "ledger_record",
              "ledger_batch", "relocation", "export_request", "audit_intent", "audit_outcome")
WRITE_ONCE += ("audit_mailbox", "audit_record", "audit_batch", "audit_before")
WRITE_ONCE += ("retention_extension", "ledger_fact", "retention_policy", "message_hold", "legal_hold", "legal_hold_message", "legal_hold_event")
CHANGING["workerd"].update({"audit_forward": "u", "upkeep_walk": "u", "hold_work": "d"})
CHANGING["workerd"]["audit_forward"] = "u"
IN_CONTROL = ("audit", "export", "retention_policy", "legal_hold")
RULES = ("retention_policy", "department", "department_mailbox", "legal_hold", "legal_hold_event")  # what capture daemons keep mail by


@pytest.fixture(params=[MariaDB, MySQL], ids=lambda kind: kind.kind)
def granted(request, servers, new_site):
    """An archive whose daemons run by their own accounts, with a message in it."""
    db = request.param()
    servers.append(db)
    db.start()
    settings = {"mysql." + key: value for key, value in db.settings()["mysql"].items()}
    site = new_site(servers=None, settings={"meta": "mysql:" + db.name, **settings, "workerd.outbox_interval": "200ms"})
    site.init()
    db.grant()
    for name in DAEMONS:
        site.start(name, env=db.environment(name))
    site.start("milter", env=db.environment("milter"))
    site.db = db
    return site


def send(site, n):
    with site.lmtp() as c:
        for i in range(n):
            assert c.send(RAW % i, recipients=[b"b@example.org"])[0][0] == 250
        assert c.send(RAW % 0, recipients=[b"b@example.org"])[0][0] == 250  # a retry


def test_each_program_works_with_its_own_account(granted):
    send(granted, 20)
    operator = granted.db.environment("operator")
    _, out, err = granted.run("user", "add", "alice", "--all", input="a good password\n", env=operator)
    secret = re.search(r"[?&]secret=([A-Z2-7]+)", out + err).group(1)
    wait_until("the outbox is empty", lambda: granted.db.capture("SELECT count(*) FROM outbox") == [["0"]], 60)
    api = granted.api("alice", "a good password", secret)
    assert api.search(query="strawberry")["total"] == 20
    out = granted.run("check", "--ledger", env=operator, check=False)[1]
    assert "all 20 messages agree" in out, out
    assert not [line for name in DAEMONS for line in granted.log(name) if "denied" in line.get("message", "")]


def refused(db, program, statement, database):
    status, _, error = db.execute(statement, db.account(program), database, check=False)
    assert status, "%s could %s" % (program or "the owner", statement)
    return error


def tables(db, database):
    return [row[0] for row in db.rows("SELECT table_name FROM information_schema.tables WHERE table_schema = '%s'" % database)]


def columns(db, database, table):
    return [row[0] for row in db.rows("SELECT column_name FROM information_schema.columns WHERE table_schema = '%s' AND table_name = '%s'"
                                      % (database, table))]


def test_no_account_can_change_what_is_archived(granted):
    db = granted.db
    send(granted, 2)
    tried = 0
    for database in (db.name + "_capture", db.name + "_control"):
        triggers = [row[0] for row in db.rows("SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = '%s'" % database)]
        assert triggers
        for program, changing in CHANGING.items():
            for table in tables(db, database):
                column = columns(db, database, table)[0]
                statements = ["DROP TABLE %s", "TRUNCATE TABLE %s", "ALTER TABLE %s ADD COLUMN x INT", "RENAME TABLE %s TO y",
                              "CREATE INDEX x ON %s (" + column + ")", "LOCK TABLES %s WRITE", "ALTER TABLE %s DROP PARTITION p_rest",
                              "CREATE TRIGGER x BEFORE INSERT ON %s FOR EACH ROW SET @x = 1"]
                if "u" not in changing.get(table, ""):
                    statements.append("UPDATE %s SET " + "%s = %s" % (column, column))
                if "d" not in changing.get(table, ""):
                    statements += ["DELETE FROM %s", "REPLACE INTO %s SELECT * FROM " + table]
                for statement in statements:
                    error = refused(db, program, statement % table, database)
                    assert "denied" in error or "command denied" in error or "SUPER" in error, (statement, error)
                    tried += 1
            for trigger in triggers:
                refused(db, program, "DROP TRIGGER " + trigger, database)
                tried += 1
            for statement in ("DROP DATABASE " + database, "CREATE TABLE x (i INT)", "DROP PROCEDURE extend_partitions",
                              "SET GLOBAL read_only = 1", "SET GLOBAL sync_binlog = 0", "CREATE USER x", "SELECT * FROM mysql.user"):
                refused(db, program, statement, database)
                tried += 1
    assert tried > 1000
    assert db.capture("SELECT count(*) FROM message") == [["2"]]


def test_capture_can_not_read_mail(granted):
    send(granted, 1)
    for program in ("milter", "lmtpd"):
        for table in ("message", "participant", "mailbox_message", "attachment", "ledger_record", "relocation"):
            assert "denied" in refused(granted.db, program, "SELECT * FROM " + table, granted.db.name + "_capture")
        for table in tables(granted.db, granted.db.name + "_control"):
            if table != "schema_version" and table not in RULES:
                assert "denied" in refused(granted.db, program, "SELECT * FROM " + table, granted.db.name + "_control")
    for what in ("* FROM capture_key", "leaves FROM ledger_batch"):
        assert "denied" in refused(granted.db, "queryd", "SELECT " + what, granted.db.name + "_capture")
    for table in ("audit_record",):
        assert "denied" in refused(granted.db, "queryd", "SELECT * FROM " + table, granted.db.name + "_control")
    for column in ("id", "username"):
        refused(granted.db, "queryd", "UPDATE account SET %s = 0" % column, granted.db.name + "_control")
    for column in ("epoch", "expires_us", "built_scope", "object_key"):
        refused(granted.db, "queryd", "UPDATE export_job SET %s = 0" % column, granted.db.name + "_control")
    for column in ("password_hash", "totp_secret"):
        assert "denied" in refused(granted.db, "workerd", "SELECT %s FROM account" % column, granted.db.name + "_control")


def test_triggers_refuse_the_owner_and_the_administrator(granted):
    """Nobody changes what is archived by a statement alone, be it the server's root."""
    db = granted.db
    send(granted, 2)
    db.execute("INSERT INTO relocation VALUES (REPEAT('x', 16), 1, '', 'k', '', 0, 1, 'file', 1)", database=db.name + "_capture")
    db.execute("INSERT INTO retention_extension VALUES (REPEAT('x', 16), 1, 1, 'x');"
               " INSERT INTO ledger_fact VALUES ('x', 1, REPEAT('x', 16), REPEAT('x', 32), REPEAT('x', 32), 'x')",
               database=db.name + "_capture")
    db.execute("INSERT INTO message_hold VALUES (REPEAT('x', 16), REPEAT('x', 16), 1, 1)", database=db.name + "_capture")
    db.execute("INSERT INTO legal_hold VALUES (REPEAT('x', 16), NULL, 'x', 1, '{}', '', 0);"
               " INSERT INTO legal_hold_message VALUES (REPEAT('x', 16), REPEAT('x', 16));"
               " INSERT INTO legal_hold_event VALUES (REPEAT('x', 16), 1, 1, 1, 'x')", database=db.name + "_control")
    db.execute("INSERT INTO retention_policy VALUES (1, REPEAT('x', 16), 1, 1, 1, 1, 'x', 1, '', 1, 0, '')",
               database=db.name + "_control")
    db.execute("INSERT INTO export_request VALUES (REPEAT('x', 16), 1, 1, 'eml', 'zip', 'x', NULL, '{}', '{}', 'x', 'x')",
               database=db.name + "_control")
    db.execute("INSERT INTO audit_intent VALUES (REPEAT('x', 16), 1, 0, NULL, 'none', 'x', NULL, NULL, 'x', 'x', NULL, NULL, NULL);"
               " INSERT INTO audit_outcome VALUES (REPEAT('x', 16), 1, 'allowed', 0, 0, NULL);"
               " INSERT INTO audit_mailbox VALUES (REPEAT('x', 32), '*'); INSERT INTO audit_before VALUES (REPEAT('x', 16));"
               " INSERT INTO audit_record VALUES ('x', 1, REPEAT('x', 16), 1, REPEAT('x', 32), REPEAT('x', 32), 'x');"
               " INSERT INTO audit_batch VALUES ('x', 1, 1, REPEAT('x', 32), 1)", database=db.name + "_control")
    for table in WRITE_ONCE:
        database = db.name + ("_control" if table.startswith(IN_CONTROL) else "_capture")
        if table == "attachment":
            db.execute("INSERT INTO attachment VALUES (REPEAT('x', 16), 0, 'n', 't', 1, REPEAT('x', 32))", database=database)
        assert db.number("SELECT count(*) FROM " + table, database) > 0, table
        for user in ("root", db.account()):
            for column in columns(db, database, table):
                status, _, error = db.execute("UPDATE %s SET %s = %s" % (table, column, column), user, database, check=False)
                assert status and "write-once" in error, (table, column, error)
            status, _, error = db.execute("DELETE FROM " + table, user, database, check=False)
            assert status and "write-once" in error, (table, error)
            status, _, error = db.execute("REPLACE INTO %s SELECT * FROM %s" % (table, table), user, database, check=False)
            assert status and "write-once" in error, (table, error)
