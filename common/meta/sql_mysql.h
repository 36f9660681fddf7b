/* sql_mysql: the inside of the MySQL driver: connections, statements and rows that wait. For the sql_mysql files only.
 *
 * sql_mysql.c has transactions and the table of the driver, sql_mysql_connect.c makes connections, sql_mysql_error.c says
 * what went wrong, sql_mysql_statement.c runs prepared statements, sql_mysql_rows.c sends many rows at a time,
 * sql_mysql_script.c applies the schema, sql_mysql_check.c looks at the server. */
#ifndef META_SQL_MYSQL_H
#define META_SQL_MYSQL_H

#include "meta/sql_driver.h"
#include "meta/sql_mysql_api.h"

#define MYDB_TABLE_PATIENCE_S 5 /* a lock of a table is waited for so long */

struct mydb_rows;

/* A value for a parameter. What it points to is the caller's, or of the rows that wait. */
struct mydb_value {
	enum enum_field_types type;
	int64_t number;
	const void *bytes;
	unsigned long length;
};

struct mydb_column {
	bool is_number;
	mydb_flag is_null, is_cut;
	int64_t number;
	char *bytes;
	unsigned long length, room;
};

struct mydb_stmt {
	struct sql_stmt base;
	enum statement which;
	MYSQL_STMT *prepared; /* NULL until its first step */
	MYSQL_STMT *running;  /* the one whose rows are read: `prepared`, or of a list's size */
	unsigned parameters, columns;
	struct mydb_value *values;
	MYSQL_BIND *in, *out;
	struct mydb_column *column;
	bool has_rows; /* its result is open */
	bool has_grown; /* a buffer of a column, since the library was told */
	struct mydb_rows *rows; /* waiting; NULL before the first */
	size_t ids;		/* bound as a list */
};

struct mydb_conn {
	struct sql_conn base;
	MYSQL *db;
	char *where;	  /* "NAME_capture at host:port", for error texts */
	bool lost;	  /* the connection is gone */
	bool rolled_back; /* the server has ended the transaction */
	uint64_t changed, last_id;
	struct mydb_stmt statements[STATEMENTS];
};

static inline struct mydb_conn *mydb_conn_of(struct sql_conn *c)
{
	return CONTAINER_OF(c, struct mydb_conn, base);
}

static inline struct mydb_stmt *mydb_stmt_of(struct sql_stmt *st)
{
	return CONTAINER_OF(st, struct mydb_stmt, base);
}

/* ---- sql_mysql_connect.c ---- */

/* "NAME_capture"; caller frees. -1 permanent when the name can't be one of a database. */
int mydb_database_name(char **name_r, const struct sql_place *p, struct err *e) MUST_CHECK;

/* database NULL: none is chosen. c->db is to be closed in either case. */
int mydb_connect_to(struct mydb_conn *c, const struct sql_place *p, enum sql_role role, const char *database,
	struct err *e) MUST_CHECK;

/* How long a statement waits for a lock of a table. */
int mydb_set_table_patience(struct mydb_conn *c, unsigned seconds, struct err *e) MUST_CHECK;

/* ---- sql_mysql_error.c ---- */

/* -1: *e for what the library says of the connection's or the statement's last operation. Notes in c what else is over. */
int mydb_failure(struct mydb_conn *c, const char *operation, struct err *e);
int mydb_stmt_failure(struct mydb_conn *c, MYSQL_STMT *st, const char *operation, struct err *e);
bool mydb_is_duplicate(unsigned code);

/* The same for a commit: unknown unless the server said that it was undone. */
int mydb_commit_failure(struct mydb_conn *c, struct err *e);

/* One statement as text, which gives no rows. */
int mydb_execute(struct mydb_conn *c, const char *operation, const char *sql, struct err *e) MUST_CHECK;

/* The rows of one as text: caller frees the result. NULL with *e. */
MYSQL_RES *mydb_ask(struct mydb_conn *c, const char *operation, const char *sql, struct err *e) MUST_CHECK;

/* ---- sql_mysql_statement.c ---- */

/* Can a statement be run in the connection's present state? */
int mydb_may_run(struct mydb_conn *c, enum statement which, struct err *e) MUST_CHECK;
MYSQL_STMT *mydb_prepare_text(struct mydb_conn *c, const char *sql, size_t n, const char *operation, struct err *e);

/* Points the library's parameters at values. */
void mydb_bind_values(MYSQL_BIND *in, struct mydb_value *values, size_t n);
enum sql_result mydb_execute_prepared(struct mydb_conn *c, MYSQL_STMT *st, const char *operation, struct err *e) MUST_CHECK;
void mydb_stmt_close_all(struct mydb_conn *c);

struct sql_stmt *mydb_stmt_use(struct sql_conn *c, enum statement which);
void mydb_stmt_bind_i64(struct sql_stmt *st, int at, int64_t value);
void mydb_stmt_bind_text(struct sql_stmt *st, int at, const char *value, size_t n);
void mydb_stmt_bind_blob(struct sql_stmt *st, int at, const void *value, size_t n);
void mydb_stmt_bind_null(struct sql_stmt *st, int at);
enum sql_result mydb_stmt_step(struct sql_stmt *st, struct err *e) MUST_CHECK;
void mydb_stmt_finish(struct sql_stmt *st);
bool mydb_stmt_is_null(struct sql_stmt *st, int at);
int64_t mydb_stmt_get_i64(struct sql_stmt *st, int at);
const void *mydb_stmt_get_bytes(struct sql_stmt *st, int at, size_t *n_r);

/* ---- sql_mysql_rows.c ---- */

void mydb_stmt_bind_ids(struct sql_stmt *st, const struct uuid *ids, size_t n);

/* The statement for the ids that are bound, ready to be executed; NULL with *e. It belongs to st. */
MYSQL_STMT *mydb_rows_of_ids(struct mydb_conn *c, struct mydb_stmt *st, struct err *e);
enum sql_result mydb_rows_add(struct sql_stmt *st, struct err *e) MUST_CHECK;
enum sql_result mydb_rows_flush(struct sql_conn *c, struct err *e) MUST_CHECK;
void mydb_rows_forget(struct mydb_conn *c); /* of a transaction that is over */
void mydb_rows_freep(struct mydb_rows **rows);

/* ---- sql_mysql_script.c, sql_mysql_check.c ---- */

/* Who changes tables does it alone. The lock ends with the connection, whatever becomes of us. -1 temporary. */
int mydb_take_turn(struct mydb_conn *c, struct err *e) MUST_CHECK;
void mydb_end_turn(struct mydb_conn *c);

int mydb_script(struct sql_conn *c, unsigned version, const char *text, struct err *e) MUST_CHECK;
int mydb_lag(struct sql_conn *c, int64_t *seconds_r, struct err *e) MUST_CHECK;
int mydb_check(struct sql_conn *c, const struct sql_place *p, struct sql_findings *f, struct err *e) MUST_CHECK;

#endif
