/* What a server must be set to for a commit to be what the archive takes it for, and whether the schema is whole. */
#include "meta/sql_mysql.h"

#include "base/str.h"
#include "meta/schema.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LAG_MAX_S 60

struct check {
	struct mydb_conn *c;
	const struct sql_place *place;
	struct sql_findings *f;
	struct err *e;
};

/* The first column of the first row as a number; 0 for none. */
static int ask_number(struct check *k, const char *sql, uint64_t *n_r)
{
	MYSQL_RES *result = mydb_ask(k->c, "check", sql, k->e);

	if (!result)
		return -1;
	MYSQL_ROW row = mysql_fetch_row(result);

	*n_r = row && row[0] ? strtoull(row[0], NULL, 10) : 0;
	mysql_free_result(result);
	return 0;
}

/* ---- variables ---- */

/* A variable that a kind of server does not have is passed over. */
struct variable {
	const char *name;
	const char *wanted;  /* NULL: a number of at least `least`, or 0 where zero_is_most */
	uint64_t least;
	bool zero_is_most;
	const char *why;
};

static const struct variable variables[] = {
	{ "log_bin", "ON", 0, false, "without a binary log there is no replica and no recovery to a point in time, and others can see a "
		"commit before it is durable" },
	{ "binlog_format", "ROW", 0, false, "other formats can leave a replica with other rows" },
	{ "sync_binlog", "1", 0, false, "a crash of the machine can lose messages that were acknowledged" },
	{ "innodb_flush_log_at_trx_commit", "1", 0, false, "a crash can lose messages that were acknowledged" },
	{ "innodb_doublewrite", "ON", 0, false, "a crash can leave pages torn" },
	{ "gtid_mode", "ON", 0, false, "a replica can't be put behind another primary safely" },
	{ "enforce_gtid_consistency", "ON", 0, false, "a replica can't be put behind another primary safely" },
	{ "gtid_strict_mode", "ON", 0, false, "a replica can take transactions in another order" },
	{ "binlog_expire_logs_seconds", NULL, 7 * 86400, true, "a backup can be carried on only as long as the binary log is kept: "
		"keep it for a week at least" },
	{ "max_allowed_packet", NULL, 16 * 1024 * 1024, false, "the row of a message with long headers would not fit" },
};

static void judge(struct check *k, const struct variable *v, const char *value)
{
	_free_ char *wanted = v->wanted ? mem_strdup(v->wanted) : mem_printf("%" PRIu64, v->least);
	_free_ char *remedy = mem_printf("set %s = %s in the server's configuration", v->name, wanted);
	uint64_t n = strtoull(value, NULL, 10);
	bool good = v->wanted ? str_ieq(value, v->wanted) : n >= v->least || (v->zero_is_most && n == 0);

	if (!good)
		sql_fault(k->f, remedy, "%s is %s: %s", v->name, value, v->why);
}

static int check_variables(struct check *k)
{
	MYSQL_RES *result = mydb_ask(k->c, "check", "SHOW GLOBAL VARIABLES", k->e);
	MYSQL_ROW row;

	if (!result)
		return -1;
	while ((row = mysql_fetch_row(result)))
		for (size_t i = 0; i < ARRAY_LEN(variables); i++)
			if (row[0] && row[1] && strcmp(row[0], variables[i].name) == 0)
				judge(k, &variables[i], row[1]);
	mysql_free_result(result);
	return 0;
}

static void check_version(struct check *k)
{
	const char *text = mysql_get_server_info(k->c->db);
	unsigned long version = mysql_get_server_version(k->c->db);
	bool is_maria = strstr(text, "MariaDB") != NULL;

	if (version < (is_maria ? 101100UL : 80000UL))
		sql_fault(k->f, "upgrade the server", "the server is version %s: it must be MySQL 8.0 or MariaDB 10.11 at least", text);
}

static void check_encryption(struct check *k)
{
	if (!mysql_get_ssl_cipher(k->c->db) && !*k->place->conf->mysql_socket &&
		strcmp(k->place->conf->mysql_tls, "never") == 0)
		sql_fault(k->f, "set tls = auto in section mysql", "the connection to the server is not encrypted");
}

/* ---- the schema ---- */

/* A kind of thing that migrations make. */
struct made {
	const char *noun;
	const char *statement; /* which is followed by the name */
	const char *counted;   /* in information_schema, where the name stands behind it */
	const char *missing;
};

static int check_thing(struct check *k, const struct made *kind, const char *name)
{
	_free_ char *sql = mem_printf("SELECT count(*) FROM information_schema.%s = '%s'", kind->counted, name);
	uint64_t n;

	if (ask_number(k, sql, &n))
		return -1;
	if (!n)
		sql_fault(k->f, "find out who altered the database; then restore it from a backup", "%s: %s %s %s", k->c->where,
			kind->noun, name, kind->missing);
	return 0;
}

static int check_made(struct check *k, const struct made *kind)
{
	size_t n;
	const struct migration *migrations = schema_migrations(k->place->name, &n);

	for (size_t i = 0; i < n; i++) {
		for (const char *p = migrations[i].sql; (p = strstr(p, kind->statement));) {
			p += strlen(kind->statement);
			_free_ char *name = mem_dup(p, strcspn(p, " (\n"));

			if (check_thing(k, kind, name))
				return -1;
		}
	}
	return 0;
}

static const struct made tables = {
	"table",
	"CREATE TABLE ",
	"tables WHERE table_schema = DATABASE() AND engine = 'InnoDB' AND table_name",
	"is missing, is no InnoDB table, or this account may not see it",
};

static const struct made triggers = {
	"trigger",
	"CREATE TRIGGER ",
	"triggers WHERE trigger_schema = DATABASE() AND action_statement LIKE 'SIGNAL SQLSTATE%' AND trigger_name",
	"is missing or was altered",
};

/* Whoever may see triggers may drop them: only the schema's owner can look. */
static int check_triggers(struct check *k)
{
	uint64_t may_see;

	if (ask_number(k, "SELECT (SELECT count(*) FROM information_schema.schema_privileges WHERE privilege_type = 'TRIGGER'"
			  " AND DATABASE() LIKE table_schema) + (SELECT count(*) FROM information_schema.user_privileges"
			  " WHERE privilege_type = 'TRIGGER')", &may_see))
		return -1;
	if (may_see)
		return check_made(k, &triggers);
	_free_ char *text = mem_printf("%s: whether its triggers are whole the schema's owner alone can see", k->c->where);

	k->f->report(k->f->ctx, text, NULL);
	return 0;
}

static int check_partitions(struct check *k)
{
	uint64_t n;

	if (ask_number(k, "SELECT count(*) FROM information_schema.partitions WHERE table_schema = DATABASE() AND"
			  " table_name = 'message' AND partition_name LIKE 'p2%' AND"
			  " partition_name >= CONCAT('p', DATE_FORMAT(UTC_DATE() + INTERVAL 1 MONTH, '%Y%m'))", &n))
		return -1;
	if (!n)
		sql_fault(k->f, "start strongroom-workerd, or run strongroom migrate", "%s: there is no partition for the next month",
			k->c->where);
	return 0;
}

/* ---- the replica ---- */

/* The field of a row by one of its two names, "" for NULL; NULL when there is no such field. */
static const char *field(MYSQL_RES *result, MYSQL_ROW row, const char *name, const char *old_name)
{
	for (unsigned i = 0; i < mysql_num_fields(result); i++) {
		const char *is = mysql_fetch_field_direct(result, i)->name;

		if (strcmp(is, name) == 0 || strcmp(is, old_name) == 0)
			return row[i] ? row[i] : "";
	}
	return NULL;
}

int mydb_lag(struct sql_conn *base, int64_t *seconds_r, struct err *e)
{
	struct mydb_conn *c = mydb_conn_of(base);
	MYSQL_RES *result = mydb_ask(c, "replica", "SHOW REPLICA STATUS", e);

	if (!result)
		return -1;
	MYSQL_ROW row = mysql_fetch_row(result);
	const char *seconds = row ? field(result, row, "Seconds_Behind_Source", "Seconds_Behind_Master") : NULL;
	int failed = 0;

	if (!row)
		failed = err_permanent(e, "replica(%s) failed: this server is no replica", c->where);
	else if (!seconds || !*seconds)
		failed = err_temporary(e, "replica(%s) failed: it has stopped: %s", c->where,
			field(result, row, "Last_Error", "Last_SQL_Error"));
	else
		*seconds_r = strtoll(seconds, NULL, 10);
	mysql_free_result(result);
	return failed;
}

static void check_replica(struct check *k)
{
	int64_t seconds;
	struct err why;

	switch (sql_replica_lag(k->c->base.db, &seconds, &why)) {
	case 0:
		return;
	case 1:
		break;
	default:
		sql_fault(k->f, "mend the replication, or take the replica out of section mysql", "%s", why.text);
		return;
	}
	_free_ char *text = mem_printf("the replica is %" PRId64 " s behind", seconds);

	if (seconds > LAG_MAX_S)
		sql_fault(k->f, "find out what keeps it busy: search may not find new mail", "%s", text);
	else
		k->f->report(k->f->ctx, text, NULL);
}

/* ---- all of it ---- */

/* Once for both databases. */
static int check_server(struct check *k)
{
	check_version(k);
	check_encryption(k);
	if (check_variables(k) || check_partitions(k))
		return -1;
	check_replica(k);
	return 0;
}

int mydb_check(struct sql_conn *base, const struct sql_place *p, struct sql_findings *f, struct err *e)
{
	struct check k = { .c = mydb_conn_of(base), .place = p, .f = f, .e = e };

	if (check_made(&k, &tables) || check_triggers(&k))
		return -1;
	if (strcmp(p->name, "capture") == 0 && check_server(&k))
		return -1;
	if (f->faults == 0) {
		_free_ char *sound = mem_printf("%s is set up as it should be", k.c->where);

		f->report(f->ctx, sound, NULL);
	}
	return 0;
}
