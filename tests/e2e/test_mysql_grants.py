"""The database account of each program: enough for its work, and nothing with which to change what is archived."""
import re

import pytest

from stack.mariadb import MariaDB
from stack.mysql import MySQL
from stack.process import wait_until
from stack.site import Site

pytestmark = [pytest.mark.engines, pytest.mark.embedded("it brings its own servers")]

RAW = b"From: a@example.org\r\nTo: b@example.org\r\nSubject: grants %d\r\n\r\nstrawberry\r\n"
DAEMONS = ("lmtpd", "queryd", "workerd")
MTA = {"mta_message": "ud", "mta_log": "ud", "mta_incident": "u", "mta_unaccepted": "u"}
CHANGING = {  # what a program may change, by UPDATE or DELETE; every other table is closed to it
    "milter": {"outbox": "d"}, "lmtpd": {"outbox": "d"},
    "queryd": {"account": "u", "rate_count": "ud", "signin_known": "ud", "export_job": "u", "service_account": "u", "role": "ud",
               "role_permission": "d", "account_role": "d", "account_mailbox": "d", "account_department": "d", "department": "ud",
               "department_mailbox": "d", "session": "ud", "saved_search": "ud", "totp_enrolment": "ud", "recovery_code": "ud",
               "account_identity": "d"},
    "workerd": {"outbox": "d", "reconcile_walk": "u", "reconcile_alarm": "u", "orphan": "u", "daily_account": "u", "export_job": "u", **MTA},
    "operator": {"outbox": "d", "import_place": "d", **MTA, "account": "u", "account_identity": "d", "totp_enrolment": "d", "recovery_code": "d", "account_role": "d", "account_mailbox": "d",
                 "account_department": "d", "department": "ud", "department_mailbox": "d", "role": "d", "role_permission": "d",
                 "service_account": "d"},
}
WRITE_ONCE = ("message", "participant", "mailbox_message", "attachment", "capture_key", "capture_attempt", "ledger_record",
              "ledger_batch", "relocation", "export_request", "audit_intent", "audit_outcome")
WRITE_ONCE += ("audit_mailbox", "audit_record", "audit_batch", "audit_before")
WRITE_ONCE += ("retention_extension", "ledger_fact", "retention_policy", "message_hold", "legal_hold", "legal_hold_message", "legal_hold_event",
               "legal_case", "legal_case_event", "legal_case_note", "disposition", "disposition_event", "message_disposed", "message_removed")
for program in ("queryd", "operator"):
    CHANGING[program].update({"case_member": "d", "case_tag": "d"})
CHANGING["workerd"].update({"audit_forward": "u", "upkeep_walk": "u", "retention_reached": "u", "hold_work": "d",
                             "disposal": "u", "removal_work": "ud", "index_removal": "ud"})
CHANGING["operator"]["disposal"] = "d"
for program in ("queryd", "workerd", "operator"):
    CHANGING[program]["keep_gate"] = "u"
IN_CONTROL = ("audit", "export", "retention_policy", "legal_hold", "legal_case", "disposition")
RULES = ("retention_policy", "department", "department_mailbox", "legal_hold", "legal_hold_event")  # what capture daemons keep mail by


@pytest.fixture(scope="module", params=[MariaDB, MySQL], ids=lambda kind: kind.kind)
def shared_site(request):
    """An archive whose daemons run by their own accounts, with 20 messages in it."""
    db = request.param()
    try:
        db.start()
        settings = {"mysql." + key: value for key, value in db.settings()["mysql"].items()}
        site = Site(servers=None, settings={"meta": "mysql:" + db.name, **settings, "workerd.outbox_interval": "200ms"})
        try:
            site.init()
            db.grant()
            for name in (*DAEMONS, "milter"):
                site.start(name, env=db.environment(name))
            site.db = db
            send(site, 20)
            yield site
        finally:
            site.close()
    finally:
        db.close()


def send(site, n):
    with site.lmtp() as c:
        for i in range(n):
            assert c.send(RAW % i, recipients=[b"b@example.org"])[0][0] == 250
        assert c.send(RAW % 0, recipients=[b"b@example.org"])[0][0] == 250  # a retry


def test_each_program_works_with_its_own_account(shared_site):
    operator = shared_site.db.environment("operator")
    _, out, err = shared_site.run("user", "add", "alice", "--all", input="a good password\n", env=operator)
    secret = re.search(r"[?&]secret=([A-Z2-7]+)", out + err).group(1)
    wait_until("the outbox is empty", lambda: shared_site.db.capture("SELECT count(*) FROM outbox") == [["0"]], 60)
    api = shared_site.api("alice", "a good password", secret)
    assert api.search(query="strawberry")["total"] == 20
    out = shared_site.run("check", "--ledger", env=operator, check=False)[1]
    assert "all 20 messages agree" in out, out
    assert not [line for name in DAEMONS for line in shared_site.log(name) if "denied" in line.get("message", "")]


def all_refused(db, program, statements, database):
    """Tries them all; the errors. Without a program: as the owner."""
    errors = db.errors(statements, db.account(program), database)
    for statement, error in zip(statements, errors):
        assert error, "%s could %s" % (program or "the owner", statement)
    return errors


def denied(db, program, statements, database):
    for statement, error in zip(statements, all_refused(db, program, statements, database)):
        assert "denied" in error or "SUPER" in error, (statement, error)


def tables(db, database):
    return [row[0] for row in db.rows("SELECT table_name FROM information_schema.tables WHERE table_schema = '%s'" % database)]


def columns(db, database, table):
    return [row[0] for row in db.rows("SELECT column_name FROM information_schema.columns WHERE table_schema = '%s' AND table_name = '%s'"
                                      % (database, table))]


def attempts(table, column, changing):
    """Statements that change a table, but for those that its program needs."""
    statements = ["DROP TABLE %s", "TRUNCATE TABLE %s", "ALTER TABLE %s ADD COLUMN x INT", "RENAME TABLE %s TO y",
                  "CREATE INDEX x ON %s (" + column + ")", "LOCK TABLES %s WRITE", "ALTER TABLE %s DROP PARTITION p_rest",
                  "CREATE TRIGGER x BEFORE INSERT ON %s FOR EACH ROW SET @x = 1"]
    if "u" not in changing:
        statements.append("UPDATE %s SET " + "%s = %s" % (column, column))
    if "d" not in changing:
        statements += ["DELETE FROM %s", "REPLACE INTO %s SELECT * FROM " + table]
    return [statement % table for statement in statements]


def test_no_account_can_change_what_is_archived(shared_site):
    db = shared_site.db
    tried = 0
    for database in (db.name + "_capture", db.name + "_control"):
        triggers = [row[0] for row in db.rows("SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = '%s'" % database)]
        first = {table: columns(db, database, table)[0] for table in tables(db, database)}
        assert triggers and first
        for program, changing in CHANGING.items():
            statements = [s for table, column in first.items() for s in attempts(table, column, changing.get(table, ""))]
            denied(db, program, statements, database)
            others = ["DROP TRIGGER " + trigger for trigger in triggers]
            others += ["DROP DATABASE " + database, "CREATE TABLE x (i INT)", "DROP PROCEDURE extend_partitions", "SET GLOBAL read_only = 1",
                       "SET GLOBAL sync_binlog = 0", "CREATE USER x", "SELECT * FROM mysql.user"]
            all_refused(db, program, others, database)
            tried += len(statements) + len(others)
    assert tried > 1000
    assert db.capture("SELECT count(*) FROM message") == [["20"]]


def test_capture_can_not_read_mail(shared_site):
    db = shared_site.db
    capture, control = db.name + "_capture", db.name + "_control"
    kept = [table for table in tables(db, control) if table != "schema_version" and table not in RULES]
    for program in ("milter", "lmtpd"):
        denied(db, program, ["SELECT * FROM " + table for table in
                             ("message", "participant", "mailbox_message", "attachment", "ledger_record", "relocation")], capture)
        denied(db, program, ["SELECT * FROM " + table for table in kept], control)
    denied(db, "queryd", ["SELECT * FROM capture_key", "SELECT leaves FROM ledger_batch"], capture)
    denied(db, "queryd", ["SELECT * FROM audit_record"], control)
    all_refused(db, "queryd", ["UPDATE account SET %s = 0" % column for column in ("id", "username")], control)
    all_refused(db, "queryd", ["UPDATE export_job SET %s = 0" % column for column in ("epoch", "expires_us", "built_scope", "object_key")],
                control)
    denied(db, "workerd", ["SELECT %s FROM account" % column for column in ("password_hash", "totp_secret")], control)


def test_triggers_refuse_the_owner_and_the_administrator(shared_site):
    """Nobody changes what is archived by a statement alone, be it the server's root."""
    db = shared_site.db
    db.execute("INSERT INTO relocation VALUES (REPEAT('x', 16), 1, '', 'k', '', 0, 1, 'file', 1)", database=db.name + "_capture")
    db.execute("INSERT INTO retention_extension VALUES (REPEAT('x', 16), 1, 1, 'x');"
               " INSERT INTO ledger_fact VALUES ('x', 1, REPEAT('x', 16), REPEAT('x', 32), REPEAT('x', 32), 'x')",
               database=db.name + "_capture")
    db.execute("INSERT INTO message_disposed VALUES (REPEAT('x', 16), REPEAT('x', 16), 1); INSERT INTO message_removed VALUES (REPEAT('x', 16), 1)",
               database=db.name + "_capture")
    db.execute("INSERT INTO message_hold VALUES (REPEAT('x', 16), REPEAT('x', 16), 1, 1)", database=db.name + "_capture")
    db.execute("INSERT INTO legal_case VALUES (REPEAT('x', 16), 'x', 'x');"
               " INSERT INTO legal_case_event VALUES (REPEAT('x', 16), 1, 1, 1, 'x');"
               " INSERT INTO legal_case_note VALUES (REPEAT('x', 16), REPEAT('x', 16), NULL, 1, 'x');"
               " INSERT INTO disposition VALUES (REPEAT('x', 16), '{}', 1);"
               " INSERT INTO disposition_event VALUES (REPEAT('x', 16), 1, 0, 1, 1, 'x')", database=db.name + "_control")
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
        statements = ["UPDATE %s SET %s = %s" % (table, column, column) for column in columns(db, database, table)]
        statements += ["DELETE FROM " + table, "REPLACE INTO %s SELECT * FROM %s" % (table, table)]
        for user in ("root", db.account()):
            for statement, error in zip(statements, db.errors(statements, user, database)):
                assert error and "write-once" in error, (statement, error)
