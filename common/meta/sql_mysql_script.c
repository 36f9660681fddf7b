/* The schema, statement by statement. MySQL commits each change of a table at once, so how far a version has come is
 * written down after each: whoever goes on where another was cut off knows all of it but whether the very next statement
 * was done already. */
#include "meta/sql_mysql.h"

#include <inttypes.h>
#include <mysqld_error.h>
#include <stdlib.h>
#include <string.h>

/* The next statement of the text: up to a ';' that ends a line, outside of comments between marks. NULL at the end. */
static const char *next_statement(const char **text, size_t *n_r)
{
	const char *begin = *text, *p = begin;
	bool marked = false;

	for (; *p; p++) {
		if (strncmp(p, "/*", 2) == 0)
			marked = true;
		else if (strncmp(p, "*/", 2) == 0)
			marked = false;
		else if (!marked && *p == ';' && (p[1] == '\n' || !p[1]))
			break;
	}
	if (!*p)
		return NULL;
	*n_r = (size_t)(p - begin);
	*text = p + 1;
	return begin;
}

/* Is it of anything but white space, "-- …" and what only SQLite reads? */
static bool says_something(const char *sql, size_t n)
{
	for (const char *p = sql, *end = sql + n; p < end; p++) {
		const char *skip = NULL;

		if (strncmp(p, "--", 2) == 0)
			skip = memchr(p, '\n', (size_t)(end - p));
		else if (strncmp(p, "/*sqlite", 8) == 0)
			skip = memmem(p, (size_t)(end - p), "*/", 2);
		else if (!strchr(" \t\n", *p))
			return true;
		else
			continue;
		if (!skip || skip >= end)
			return false;
		p = *skip == '*' ? skip + 1 : skip;
	}
	return false;
}

/* Does the server refuse because it is as the statement would have it? */
static bool is_done_already(unsigned code)
{
	switch (code) {
	case ER_TABLE_EXISTS_ERROR:
	case ER_DUP_KEYNAME:
	case ER_DUP_FIELDNAME:
	case ER_TRG_ALREADY_EXISTS:
	case ER_SP_ALREADY_EXISTS:
	case ER_CANT_DROP_FIELD_OR_KEY:
		return true;
	default:
		return mydb_is_duplicate(code);
	}
}

/* ---- progress ---- */

static int read_progress(struct mydb_conn *c, unsigned version, bool *begun_r, unsigned long *done_r, struct err *e)
{
	_free_ char *sql = mem_printf("SELECT statements FROM schema_progress WHERE version = %u", version);
	MYSQL_RES *result = mydb_ask(c, "schema_progress", sql, e);

	if (!result)
		return -1;
	MYSQL_ROW row = mysql_fetch_row(result);

	*begun_r = row != NULL;
	*done_r = row && row[0] ? strtoul(row[0], NULL, 10) : 0;
	mysql_free_result(result);
	return 0;
}

static int write_progress(struct mydb_conn *c, unsigned version, unsigned long done, struct err *e)
{
	_free_ char *sql = mem_printf("REPLACE INTO schema_progress (version, statements) VALUES (%u, %lu)", version, done);

	if (mydb_execute(c, "schema_progress", sql, e) || mydb_execute(c, "schema_progress", "COMMIT", e))
		return -1;
	return mydb_execute(c, "schema_progress", "START TRANSACTION", e);
}

static int open_progress(struct mydb_conn *c, unsigned version, bool *begun_r, unsigned long *done_r, struct err *e)
{
	static const char table[] = "CREATE TABLE IF NOT EXISTS schema_progress (version INTEGER NOT NULL PRIMARY KEY,"
				    " statements INTEGER NOT NULL) ENGINE=InnoDB";

	if (mydb_execute(c, "schema_progress", table, e) || read_progress(c, version, begun_r, done_r, e))
		return -1;
	return *begun_r ? 0 : write_progress(c, version, 0, e);
}

/* ---- the script ---- */

static int run_statement(struct mydb_conn *c, const char *sql, size_t n, bool may_be_done, struct err *e)
{
	if (mysql_real_query(c->db, sql, n) == 0 || (may_be_done && is_done_already(mysql_errno(c->db))))
		return 0;
	return mydb_failure(c, "script", e);
}

static int run_all(struct mydb_conn *c, unsigned version, const char *text, struct err *e)
{
	unsigned long at = 0, done;
	const char *sql;
	bool begun;
	size_t n;

	if (open_progress(c, version, &begun, &done, e))
		return -1;
	while ((sql = next_statement(&text, &n))) {
		if (!says_something(sql, n))
			continue;
		if (++at <= done)
			continue;
		if (run_statement(c, sql, n, begun && at == done + 1, e) || write_progress(c, version, at, e))
			return -1;
	}
	return 0;
}

int mydb_take_turn(struct mydb_conn *c, struct err *e)
{
	MYSQL_RES *result = mydb_ask(c, "get_lock", "SELECT GET_LOCK(DATABASE(), 10)", e);

	if (!result)
		return -1;
	MYSQL_ROW row = mysql_fetch_row(result);
	bool mine = row && row[0] && row[0][0] == '1';

	mysql_free_result(result);
	return mine ? 0 : err_temporary(e, "get_lock(%s) failed: somebody else changes the schema at this moment", c->where);
}

void mydb_end_turn(struct mydb_conn *c)
{
	if (!c->lost && mysql_real_query(c->db, "DO RELEASE_ALL_LOCKS()", 22))
		c->lost = true;
}

int mydb_script(struct sql_conn *base, unsigned version, const char *text, struct err *e)
{
	struct mydb_conn *c = mydb_conn_of(base);

	if (mydb_take_turn(c, e))
		return -1;
	int failed = run_all(c, version, text, e);

	mydb_end_turn(c);
	return failed;
}
