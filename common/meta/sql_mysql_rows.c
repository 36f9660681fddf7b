/* Rows that wait are sent as statements of 1, 2, 4 … rows, each prepared once: n rows take as many as n has bits. A list of
 * ids is asked for with one of them, in which the last id stands again and again. */
#include "meta/sql_mysql.h"

#include "base/buf.h"

#include <assert.h>
#include <string.h>

#define SIZES 9 /* powers of two */
#define ROWS_MAX ((size_t)1 << (SIZES - 1))
#define BYTES_MAX ((size_t)1024 * 1024) /* of values; with one row more it is far from any max_allowed_packet */

struct mydb_rows {
	size_t n;	       /* rows waiting */
	unsigned row_values;
	struct mydb_value *values; /* of ROWS_MAX rows; `bytes` counts from the beginning of the copies */
	MYSQL_BIND *in;
	char *copies;
	size_t used, room;
	MYSQL_STMT *prepared[SIZES];
};

static struct mydb_rows *rows_of(struct mydb_stmt *st)
{
	if (st->rows)
		return st->rows;
	struct mydb_rows *r = st->rows = MEM_NEW(struct mydb_rows);

	r->row_values = st->parameters;
	r->values = MEM_ARRAY(struct mydb_value, ROWS_MAX * r->row_values);
	r->in = MEM_ARRAY(MYSQL_BIND, ROWS_MAX * r->row_values);
	return r;
}

void mydb_rows_freep(struct mydb_rows **rows)
{
	struct mydb_rows *r = *rows;

	*rows = NULL;
	if (!r)
		return;
	for (size_t i = 0; i < SIZES; i++)
		if (r->prepared[i])
			mysql_stmt_close(r->prepared[i]);
	free(r->copies);
	free(r->in);
	free(r->values);
	free(r);
}

static void forget(struct mydb_rows *r)
{
	r->n = 0;
	r->used = 0;
}

void mydb_rows_forget(struct mydb_conn *c)
{
	for (size_t i = 0; i < STATEMENTS; i++)
		if (c->statements[i].rows)
			forget(c->statements[i].rows);
}

/* ---- sending ---- */

/* The statement with its last parentheses n times: "… VALUES (?, ?), (?, ?)", "… IN ((?), (?))". */
static char *text_of(enum statement which, size_t n)
{
	const char *sql = statement_sql(which), *group = strrchr(sql, '('), *rest = strchr(group, ')') + 1;
	size_t length = (size_t)(rest - group);
	char *text = mem_alloc(strlen(sql) + n * (length + 2) + 1, 1), *to = text;

	to = mempcpy(to, sql, (size_t)(group - sql));
	for (size_t i = 0; i < n; i++) {
		if (i)
			to = mempcpy(to, ", ", 2);
		to = mempcpy(to, group, length);
	}
	strcpy(to, rest);
	return text;
}

static MYSQL_STMT *statement_of_size(struct mydb_conn *c, struct mydb_stmt *st, unsigned power, struct err *e)
{
	struct mydb_rows *r = st->rows;

	if (!r->prepared[power]) {
		_free_ char *sql = text_of(st->which, (size_t)1 << power);

		r->prepared[power] = mydb_prepare_text(c, sql, strlen(sql), statement_name(st->which), e);
	}
	return r->prepared[power];
}

/* The statement of a size with the rows behind `from` bound; NULL with *e. */
static MYSQL_STMT *bind_some(struct mydb_conn *c, struct mydb_stmt *st, size_t from, unsigned power, struct err *e)
{
	struct mydb_rows *r = st->rows;
	MYSQL_STMT *prepared = statement_of_size(c, st, power, e);

	if (!prepared)
		return NULL;
	mydb_bind_values(r->in, r->values + from * r->row_values, ((size_t)1 << power) * r->row_values);
	if (mysql_stmt_bind_param(prepared, r->in) == 0)
		return prepared;
	mydb_stmt_failure(c, prepared, statement_name(st->which), e);
	return NULL;
}

static enum sql_result send_some(struct mydb_conn *c, struct mydb_stmt *st, size_t from, unsigned power, struct err *e)
{
	MYSQL_STMT *bound = bind_some(c, st, from, power, e);

	return bound ? mydb_execute_prepared(c, bound, statement_name(st->which), e) : SQL_FAILED;
}

/* The copies have their final place now. */
static void point_to_copies(struct mydb_rows *r)
{
	for (size_t i = 0; i < r->n * r->row_values; i++)
		r->values[i].bytes = r->copies + (uintptr_t)r->values[i].bytes;
}

static enum sql_result send_rows(struct mydb_conn *c, struct mydb_stmt *st, struct err *e)
{
	struct mydb_rows *r = st->rows;
	enum sql_result result = SQL_DONE;
	size_t sent = 0;

	point_to_copies(r);
	for (unsigned power = SIZES; result == SQL_DONE && power-- > 0;) {
		while (result == SQL_DONE && r->n - sent >= (size_t)1 << power) {
			result = send_some(c, st, sent, power, e);
			sent += (size_t)1 << power;
		}
	}
	forget(r);
	return result;
}

enum sql_result mydb_rows_flush(struct sql_conn *base, struct err *e)
{
	struct mydb_conn *c = mydb_conn_of(base);
	enum sql_result result = SQL_DONE;

	for (size_t i = 0; result == SQL_DONE && i < STATEMENTS; i++) {
		struct mydb_stmt *st = &c->statements[i];

		if (!st->rows || !st->rows->n)
			continue;
		result = mydb_may_run(c, st->which, e) ? SQL_FAILED : send_rows(c, st, e);
	}
	return result;
}

/* ---- waiting ---- */

static size_t copy(struct mydb_rows *r, const void *bytes, size_t n)
{
	size_t at = r->used;

	if (r->room - r->used < n) {
		r->room = 2 * r->room + n;
		r->copies = mem_realloc(r->copies, r->room, 1);
	}
	if (n)
		memcpy(r->copies + at, bytes, n);
	r->used += n;
	return at;
}

enum sql_result mydb_rows_add(struct sql_stmt *base, struct err *e)
{
	struct mydb_conn *c = mydb_conn_of(base->conn);
	struct mydb_stmt *st = mydb_stmt_of(base);

	if (mydb_may_run(c, st->which, e))
		return SQL_FAILED;
	if ((unsigned)base->bound != st->parameters) {
		err_permanent(e, "%s(%s) failed: %d values bound of %u", statement_name(st->which), c->where, base->bound,
			st->parameters);
		return SQL_FAILED;
	}
	struct mydb_rows *r = rows_of(st);
	struct mydb_value *row = r->values + r->n++ * r->row_values;

	for (unsigned i = 0; i < r->row_values; i++) {
		row[i] = st->values[i];
		row[i].bytes = (const void *)(uintptr_t)copy(r, st->values[i].bytes, st->values[i].length);
	}
	return r->n == ROWS_MAX || r->used >= BYTES_MAX ? send_rows(c, st, e) : SQL_DONE;
}

/* ---- lists of ids ---- */

static_assert(SQL_IDS_MAX <= ROWS_MAX, "a list of ids fits into one statement");

void mydb_stmt_bind_ids(struct sql_stmt *base, const struct uuid *ids, size_t n)
{
	struct mydb_stmt *st = mydb_stmt_of(base);
	struct mydb_rows *r = rows_of(st);

	st->ids = n;
	for (size_t i = 0; i < ROWS_MAX; i++)
		r->values[i] = (struct mydb_value){ .type = MYSQL_TYPE_BLOB, .bytes = ids[i < n ? i : n - 1].bytes,
			.length = UUID_SIZE };
}

MYSQL_STMT *mydb_rows_of_ids(struct mydb_conn *c, struct mydb_stmt *st, struct err *e)
{
	unsigned power = 0;

	while ((size_t)1 << power < st->ids)
		power++;
	return bind_some(c, st, 0, power, e);
}
