/* sql: what meta needs of a database, whichever it is. Drivers are behind meta/sql_driver.h.
 *
 * A database (sql_db) is one writer behind a mutex and a pool of readers. A thread takes a connection, uses it alone and
 * releases it. Statements come from the table in meta/statements.h; values are bound and columns read in order:
 *
 *	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
 *	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;
 *
 *	if (sql_reader(db, &c, e))
 *		return -1;
 *	st = sql_use(c, STMT_KEY_FIND);
 *	sql_bind_blob(st, key, SHA256_SIZE);
 *	switch (sql_step(st, e)) …
 *
 * Binding never fails on the spot: what is wrong with a value or a statement is told by the step. Classes of failure:
 * temporary (locked, full, read-only, not reachable), permanent (damaged, refused by the schema), unknown (a commit whose
 * answer was lost), conflict (temporary, but the same transaction may work at once: a deadlock, a connection that was lost
 * before the commit; what it did is undone). An I/O error of a commit of our own ends the process. A connection that was
 * lost is never replaced while somebody holds it: its transaction is gone, and every step says so until the release. */
#ifndef META_SQL_H
#define META_SQL_H

#include "base/err.h"
#include "base/uuid.h"
#include "conf/conf.h"
#include "meta/statements.h"

#include <stdbool.h>
#include <stdint.h>

struct sql_db;
struct sql_conn;
struct sql_stmt;

enum sql_result {
	SQL_FAILED = -1,
	SQL_DONE = 0,
	SQL_ROW = 1,
	SQL_DUPLICATE = 2, /* a unique key has the value already; the transaction goes on */
};

enum sql_durability {
	SQL_DURABLE,
	SQL_LAZY, /* a crash may lose the newest of these: for what can be done again */
};

/* ---- databases ---- */

enum sql_access { SQL_MUST_EXIST, SQL_CREATE };

/* conf->meta is "sqlite:DIR" or "mysql:NAME"; `name` ("capture") is the database there. Opens a first reader, so that what
 * can't be reached fails here. With SQL_CREATE a missing directory and database are made. conf outlives the handle. */
int sql_open(struct sql_db **db_r, const struct conf *conf, const char *name, enum sql_access access,
	struct err *e) MUST_CHECK;

/* All connections must have been released. */
void sql_closep(struct sql_db **db);

/* Could something be written now? Cheap; takes no lock. */
int sql_ready(struct sql_db *db, struct err *e) MUST_CHECK;

/* One finding a fault (remedy not NULL), or one that says all is well (remedy NULL). -1 when it could not be checked. */
typedef void sql_report(void *ctx, const char *finding, const char *remedy);
int sql_check(struct sql_db *db, sql_report *report, void *ctx, struct err *e) MUST_CHECK;

/* Where tables are split by month: makes room for the months to come. Repeating it changes nothing. */
int sql_extend(struct sql_db *db, struct err *e) MUST_CHECK;

/* How far the replica is behind: 1 with *seconds_r, 0 when there is none, -1 when it can't be asked or stands still. */
int sql_replica_lag(struct sql_db *db, int64_t *seconds_r, struct err *e) MUST_CHECK;

/* ---- connections ---- */

/* Of a server it is one of a few: waits for it, for a bounded time. */
int sql_reader(struct sql_db *db, struct sql_conn **c_r, struct err *e) MUST_CHECK;

/* A reader that may be behind: of the replica, where there is one and it answers; else of the primary. */
int sql_reader_behind(struct sql_db *db, struct sql_conn **c_r, struct err *e) MUST_CHECK;

/* Is this one of the replica? Then what it does not find may be on the primary. */
bool sql_is_behind(const struct sql_conn *c);

/* Is this one to a server? Then a few large statements are better than many small ones. */
bool sql_is_server(const struct sql_conn *c);

/* Waits for the writer. The caller may hold no other writer. Release it in the same thread. */
int sql_writer(struct sql_db *db, struct sql_conn **c_r, struct err *e) MUST_CHECK;

/* Gives it back, nulls the pointer; a transaction that is still open is rolled back. Fit for CLEANUP(). */
void sql_releasep(struct sql_conn **c);

/* ---- transactions ---- */

/* On a writer: takes the database's write lock, waiting a bounded time (then temporary). */
int sql_begin(struct sql_conn *c, enum sql_durability durability, struct err *e) MUST_CHECK;

/* On a reader: every statement until the end sees one state of the database. End with sql_rollback(). */
int sql_begin_snapshot(struct sql_conn *c, struct err *e) MUST_CHECK;

/* On a reader, for several statements that need no one state: SQLite takes and gives back its locks once then, and not for each;
 * to a server it says nothing. */
int sql_begin_reading(struct sql_conn *c, struct err *e) MUST_CHECK;

/* 0 durable; -1 temporary or permanent: rolled back; -1 unknown. The transaction is over in each case. */
int sql_commit(struct sql_conn *c, struct err *e) MUST_CHECK;
void sql_rollback(struct sql_conn *c);

/* Several statements as text, from schema/: those that take the schema to this version. Where each of them is for good
 * (MySQL) a script that was cut off goes on where it ended. */
int sql_script(struct sql_conn *c, unsigned version, const char *text, struct err *e) MUST_CHECK;

/* ---- statements ---- */

/* Ready for binding; one use at a time of each statement of a connection. Never NULL. */
struct sql_stmt *sql_use(struct sql_conn *c, enum statement s) __attribute__((returns_nonnull));

/* Bytes and text must stay until the last step. NULL text and NULL blobs are SQL's NULL. */
void sql_bind_i64(struct sql_stmt *st, int64_t value);
void sql_bind_u64(struct sql_stmt *st, uint64_t value); /* over INT64_MAX: the step fails, permanent */
void sql_bind_text(struct sql_stmt *st, const char *value);
void sql_bind_blob(struct sql_stmt *st, const void *value, size_t n);
void sql_bind_uuid(struct sql_stmt *st, const struct uuid *value);
void sql_bind_null(struct sql_stmt *st);

/* The one value of a statement with ((?)): its rows are those of all these ids, each given once. What order the ids come in
 * is the database's matter; rows of one id come as the statement says. The ids must stay until the last step. */
#define SQL_IDS_MAX 256
void sql_bind_ids(struct sql_stmt *st, const struct uuid *ids, size_t n);

enum sql_result sql_step(struct sql_stmt *st, struct err *e) MUST_CHECK;

/* Steps a statement that gives no rows, and finishes it: SQL_DONE, SQL_DUPLICATE or SQL_FAILED. */
enum sql_result sql_run(struct sql_stmt *st, struct err *e) MUST_CHECK;

/* The same, for a statement whose last parentheses hold all its values: its row may be kept and sent later with others, at
 * the latest by sql_flush(). What is wrong with a row may so be told to another. */
enum sql_result sql_add(struct sql_stmt *st, struct err *e) MUST_CHECK;

/* Sends what sql_add() kept. After SQL_DUPLICATE some of it is done and some is not. */
enum sql_result sql_flush(struct sql_conn *c, struct err *e) MUST_CHECK;

/* Steps a statement that gives one row or none: 1 with its columns to be taken, 0, -1. */
int sql_find(struct sql_stmt *st, struct err *e) MUST_CHECK;

/* Steps a statement that gives one number (or none: 0), and finishes it. */
int sql_number(struct sql_stmt *st, uint64_t *value_r, struct err *e) MUST_CHECK;

/* Ends its use; a statement with rows left must be finished before its connection is released. Fit for CLEANUP(). */
void sql_finishp(struct sql_stmt **st);

/* Columns of the row, in order. Texts are copies, never NULL, that the caller frees. */
int64_t sql_get_i64(struct sql_stmt *st);
uint64_t sql_get_u64(struct sql_stmt *st);
bool sql_get_null(struct sql_stmt *st);				  /* looks at the next column without taking it */
char *sql_get_text(struct sql_stmt *st) __attribute__((returns_nonnull));
const void *sql_get_bytes(struct sql_stmt *st, size_t *n_r);	  /* valid until the next step */
void sql_get_fixed(struct sql_stmt *st, void *out, size_t n);	  /* a blob of just n bytes; zeros when it is not */
void sql_get_uuid(struct sql_stmt *st, struct uuid *out);

/* Of the last statement run: rows changed, the number given to a new row. */
uint64_t sql_changed(struct sql_conn *c);
uint64_t sql_last_id(struct sql_conn *c);

#endif
