#include "meta/sql_mysql.h"

#include <mysqld_error.h>
#include <string.h>

#define ROOM_FIRST 256 /* bytes of a column's buffer, which grows with what comes */
#define ROWS_AT_ONCE 1000UL /* of a result that is too long to be held */

/* ---- values for parameters ---- */

static unsigned count_parameters(const char *sql)
{
	unsigned n = 0;

	for (; *sql; sql++)
		n += *sql == '?';
	return n;
}

struct sql_stmt *mydb_stmt_use(struct sql_conn *base, enum statement which)
{
	struct mydb_stmt *st = &mydb_conn_of(base)->statements[which];

	if (!st->values) {
		st->which = which;
		st->parameters = count_parameters(statement_sql(which));
		st->values = MEM_ARRAY(struct mydb_value, st->parameters);
		st->in = MEM_ARRAY(MYSQL_BIND, st->parameters);
	}
	st->ids = 0;
	return &st->base;
}

/* Of a value too many nothing is kept: the step tells. */
static void keep(struct sql_stmt *base, int at, struct mydb_value value)
{
	struct mydb_stmt *st = mydb_stmt_of(base);

	if (at >= 0 && (unsigned)at < st->parameters)
		st->values[at] = value;
}

void mydb_stmt_bind_i64(struct sql_stmt *st, int at, int64_t value)
{
	keep(st, at, (struct mydb_value){ .type = MYSQL_TYPE_LONGLONG, .number = value });
}

void mydb_stmt_bind_text(struct sql_stmt *st, int at, const char *value, size_t n)
{
	keep(st, at, (struct mydb_value){ .type = MYSQL_TYPE_STRING, .bytes = value, .length = n });
}

void mydb_stmt_bind_blob(struct sql_stmt *st, int at, const void *value, size_t n)
{
	keep(st, at, (struct mydb_value){ .type = MYSQL_TYPE_BLOB, .bytes = value, .length = n });
}

void mydb_stmt_bind_null(struct sql_stmt *st, int at)
{
	keep(st, at, (struct mydb_value){ .type = MYSQL_TYPE_NULL });
}

void mydb_bind_values(MYSQL_BIND *in, struct mydb_value *values, size_t n)
{
	memset(in, 0, n * sizeof(*in));
	for (size_t i = 0; i < n; i++) {
		struct mydb_value *v = &values[i];

		in[i].buffer_type = v->type;
		if (v->type == MYSQL_TYPE_LONGLONG) {
			in[i].buffer = &v->number;
		} else {
			in[i].buffer = (void *)(uintptr_t)v->bytes; /* the library only reads it */
			in[i].buffer_length = v->length;
			in[i].length = &v->length;
		}
	}
}

/* ---- running ---- */

/* Each statement begins with its verb. */
static bool reads_only(enum statement which)
{
	return strncmp(statement_sql(which), "SELECT", 6) == 0;
}

int mydb_may_run(struct mydb_conn *c, enum statement which, struct err *e)
{
	if (c->lost)
		return err_conflict(e, "%s(%s) failed: the connection was lost before", statement_name(which), c->where);
	if (c->rolled_back)
		return err_conflict(e, "%s(%s) failed: the transaction was rolled back before", statement_name(which),
			c->where);
	if (!reads_only(which) && !c->base.in_transaction)
		return err_temporary(e, "%s(%s) failed: there is no transaction", statement_name(which), c->where);
	return 0;
}

MYSQL_STMT *mydb_prepare_text(struct mydb_conn *c, const char *sql, size_t n, const char *operation, struct err *e)
{
	MYSQL_STMT *st = mysql_stmt_init(c->db);

	if (!st) {
		mydb_failure(c, operation, e);
		return NULL;
	}
	if (mysql_stmt_prepare(st, sql, n) == 0)
		return st;
	mydb_stmt_failure(c, st, operation, e);
	mysql_stmt_close(st);
	return NULL;
}

/* A long result stays at the server and comes in pieces: other statements can run between. */
static void ask_for_pieces(MYSQL_STMT *st)
{
	unsigned long cursor = CURSOR_TYPE_READ_ONLY, rows = ROWS_AT_ONCE;

	mysql_stmt_attr_set(st, STMT_ATTR_CURSOR_TYPE, &cursor);
	mysql_stmt_attr_set(st, STMT_ATTR_PREFETCH_ROWS, &rows);
}

static bool is_number(enum enum_field_types type)
{
	switch (type) {
	case MYSQL_TYPE_TINY:
	case MYSQL_TYPE_SHORT:
	case MYSQL_TYPE_INT24:
	case MYSQL_TYPE_LONG:
	case MYSQL_TYPE_LONGLONG:
	case MYSQL_TYPE_DECIMAL:
	case MYSQL_TYPE_NEWDECIMAL:
		return true;
	default:
		return false;
	}
}

static void make_columns(struct mydb_stmt *st)
{
	MYSQL_RES *described = mysql_stmt_result_metadata(st->running);

	if (!described)
		return;
	st->columns = mysql_num_fields(described);
	st->out = MEM_ARRAY(MYSQL_BIND, st->columns);
	st->column = MEM_ARRAY(struct mydb_column, st->columns);
	for (unsigned i = 0; i < st->columns; i++) {
		struct mydb_column *col = &st->column[i];

		col->is_number = is_number(mysql_fetch_field_direct(described, i)->type);
		if (!col->is_number) {
			col->room = ROOM_FIRST;
			col->bytes = mem_alloc(col->room, 1);
		}
	}
	mysql_free_result(described);
}

static int prepare(struct mydb_conn *c, struct mydb_stmt *st, struct err *e)
{
	const char *sql = statement_sql(st->which);

	st->prepared = mydb_prepare_text(c, sql, strlen(sql), statement_name(st->which), e);
	if (!st->prepared)
		return -1;
	if (statement_is_long(st->which))
		ask_for_pieces(st->prepared);
	return 0;
}

/* The statement with its values; NULL with *e. */
static MYSQL_STMT *bind_all(struct mydb_conn *c, struct mydb_stmt *st, struct err *e)
{
	if (st->ids)
		return mydb_rows_of_ids(c, st, e);
	if (!st->prepared && prepare(c, st, e))
		return NULL;
	mydb_bind_values(st->in, st->values, st->parameters);
	if (!st->parameters || mysql_stmt_bind_param(st->prepared, st->in) == 0)
		return st->prepared;
	mydb_stmt_failure(c, st->prepared, statement_name(st->which), e);
	return NULL;
}

enum sql_result mydb_execute_prepared(struct mydb_conn *c, MYSQL_STMT *st, const char *operation, struct err *e)
{
	if (mysql_stmt_execute(st)) {
		if (mydb_is_duplicate(mysql_stmt_errno(st)))
			return SQL_DUPLICATE;
		mydb_stmt_failure(c, st, operation, e);
		return SQL_FAILED;
	}
	c->changed = mysql_stmt_affected_rows(st);
	c->last_id = mysql_stmt_insert_id(st);
	return SQL_DONE;
}

/* ---- rows of a result ---- */

static void bind_columns(struct mydb_stmt *st)
{
	memset(st->out, 0, st->columns * sizeof(*st->out));
	for (unsigned i = 0; i < st->columns; i++) {
		struct mydb_column *col = &st->column[i];
		MYSQL_BIND *out = &st->out[i];

		out->buffer_type = col->is_number ? MYSQL_TYPE_LONGLONG : MYSQL_TYPE_BLOB;
		out->buffer = col->is_number ? (void *)&col->number : col->bytes;
		out->buffer_length = col->room;
		out->length = &col->length;
		out->is_null = &col->is_null;
		out->error = &col->is_cut;
	}
	mysql_stmt_bind_result(st->running, st->out);
	st->has_grown = false;
}

/* Fetches what did not fit into its buffers; they stay as large as that. The library is told of it only before the next row:
 * Connector/C 3.3.19 sets the lengths to 0 then. */
static int fetch_rest(struct mydb_conn *c, struct mydb_stmt *st, struct err *e)
{
	for (unsigned i = 0; i < st->columns; i++) {
		struct mydb_column *col = &st->column[i];

		if (col->is_number || col->is_null || col->length <= col->room)
			continue;
		col->room = col->length + col->length / 2;
		col->bytes = mem_realloc(col->bytes, col->room, 1);
		st->out[i].buffer = col->bytes;
		st->out[i].buffer_length = col->room;
		if (mysql_stmt_fetch_column(st->running, &st->out[i], i, 0))
			return mydb_stmt_failure(c, st->running, statement_name(st->which), e);
	}
	st->has_grown = true;
	return 0;
}

static enum sql_result fetch(struct mydb_conn *c, struct mydb_stmt *st, struct err *e)
{
	if (st->has_grown)
		bind_columns(st);
	switch (mysql_stmt_fetch(st->running)) {
	case 0:
		return SQL_ROW;
	case MYSQL_DATA_TRUNCATED:
		return fetch_rest(c, st, e) ? SQL_FAILED : SQL_ROW;
	case MYSQL_NO_DATA:
		return SQL_DONE;
	default:
		mydb_stmt_failure(c, st->running, statement_name(st->which), e);
		return SQL_FAILED;
	}
}

static enum sql_result first_row(struct mydb_conn *c, struct mydb_stmt *st, struct err *e)
{
	bind_columns(st);
	if (!statement_is_long(st->which) && mysql_stmt_store_result(st->running)) {
		mydb_stmt_failure(c, st->running, statement_name(st->which), e);
		return SQL_FAILED;
	}
	st->has_rows = true;
	return fetch(c, st, e);
}

static enum sql_result run(struct mydb_conn *c, struct mydb_stmt *st, struct err *e)
{
	st->running = bind_all(c, st, e);
	if (!st->running)
		return SQL_FAILED;
	if (!st->columns)
		make_columns(st);
	enum sql_result r = mydb_execute_prepared(c, st->running, statement_name(st->which), e);

	return r == SQL_DONE && st->columns ? first_row(c, st, e) : r;
}

enum sql_result mydb_stmt_step(struct sql_stmt *base, struct err *e)
{
	struct mydb_conn *c = mydb_conn_of(base->conn);
	struct mydb_stmt *st = mydb_stmt_of(base);

	if (mydb_may_run(c, st->which, e))
		return SQL_FAILED;
	if (st->has_rows)
		return fetch(c, st, e);
	if ((unsigned)base->bound != st->parameters) {
		err_permanent(e, "%s(%s) failed: %d values bound of %u", statement_name(st->which), c->where, base->bound,
			st->parameters);
		return SQL_FAILED;
	}
	enum sql_result before = mydb_rows_flush(base->conn, e);

	if (before == SQL_DUPLICATE)
		err_permanent(e, "insert(%s) failed: a row is there already", c->where);
	return before == SQL_DONE ? run(c, st, e) : SQL_FAILED;
}

void mydb_stmt_finish(struct sql_stmt *base)
{
	struct mydb_stmt *st = mydb_stmt_of(base);

	if (st->has_rows)
		mysql_stmt_free_result(st->running);
	st->has_rows = false;
}

bool mydb_stmt_is_null(struct sql_stmt *base, int at)
{
	const struct mydb_stmt *st = mydb_stmt_of(base);

	return (unsigned)at >= st->columns || st->column[at].is_null;
}

int64_t mydb_stmt_get_i64(struct sql_stmt *base, int at)
{
	return mydb_stmt_is_null(base, at) ? 0 : mydb_stmt_of(base)->column[at].number;
}

const void *mydb_stmt_get_bytes(struct sql_stmt *base, int at, size_t *n_r)
{
	const struct mydb_column *col = &mydb_stmt_of(base)->column[at];

	*n_r = mydb_stmt_is_null(base, at) ? 0 : col->length;
	return col->bytes;
}

/* ---- the end of a connection ---- */

static void close_statement(struct mydb_stmt *st)
{
	if (st->prepared)
		mysql_stmt_close(st->prepared);
	for (unsigned i = 0; i < st->columns; i++)
		free(st->column[i].bytes);
	free(st->column);
	free(st->out);
	free(st->in);
	free(st->values);
	mydb_rows_freep(&st->rows);
}

void mydb_stmt_close_all(struct mydb_conn *c)
{
	for (size_t i = 0; i < STATEMENTS; i++)
		close_statement(&c->statements[i]);
}
