#include "meta/sql_driver.h"

#include "base/clock.h"
#include "base/log.h"
#include "meta/sql_sqlite_check.h"
#include "meta/sql_sqlite_checkpoint.h"
#include "meta/sql_sqlite_script.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define LOCK_WAIT_US (5 * CLOCK_SECOND)
#define FREE_BYTES_MIN (4u * 1024 * 1024)

struct sqlite_stmt {
	struct sql_stmt base;
	sqlite3_stmt *prepared; /* NULL until its first use */
	enum statement which;
	int bind_code;		/* of the first value that could not be bound */
	const struct uuid *ids; /* still to come, see sqlite_bind_ids() */
	size_t ids_left;
};

struct sqlite_conn {
	struct sql_conn base;
	sqlite3 *db;
	char *path;
	int64_t waiting_since; /* for the write lock */
	bool lazy;	       /* how the connection is set now */
	struct checkpointer *checkpointer; /* writer only */
	struct sqlite_stmt statements[STATEMENTS];
};

static struct sqlite_conn *conn_of(struct sql_conn *c)
{
	return CONTAINER_OF(c, struct sqlite_conn, base);
}

static struct sqlite_stmt *stmt_of(struct sql_stmt *st)
{
	return CONTAINER_OF(st, struct sqlite_stmt, base);
}

/* ---- what went wrong ---- */

/* The errno of the last operation that failed on the log or the file; 0 for none. */
static int system_error(const struct sqlite_conn *c)
{
	sqlite3_file *log = NULL;
	int number = 0;

	if (sqlite3_file_control(c->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) == SQLITE_OK &&
		log && log->pMethods)
		log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &number);
	return number ? number : sqlite3_system_errno(c->db);
}

/* SQLite tells only ENOSPC apart; a quota or a file size limit is the same thing to an operator. */
static bool is_full(const struct sqlite_conn *c, int code)
{
	int number = code == SQLITE_IOERR_WRITE ? system_error(c) : 0;

	return (code & 0xff) == SQLITE_FULL || number == EDQUOT || number == EFBIG;
}

/* *e for a result code; -1. After a failed fsync, be it in the middle of a transaction, the pages it was about are in
 * doubt, and the next one would succeed for nothing. */
static int failure(const struct sqlite_conn *c, const char *operation, int code, struct err *e)
{
	const char *why = sqlite3_errmsg(c->db);

	if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC)
		log_fatal(NULL, "%s(%s) failed: fsync: %s: what is durable is not known, the process ends",
			operation, c->path, strerrordesc_np(system_error(c)));
	if (is_full(c, code))
		return err_temporary(e, "%s(%s) failed: no space is left for the file", operation,
			c->path);
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_temporary(e, "%s(%s) failed: the database is locked: another process has held "
			"its write lock for over %d s", operation, c->path,
			(int)(LOCK_WAIT_US / CLOCK_SECOND));
	case SQLITE_READONLY:
		return err_temporary(e, "%s(%s) failed: the file or its directory is read-only",
			operation, c->path);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return err_permanent(e, "%s(%s) failed: the file is damaged (%s): stop the daemons and "
			"restore it from a backup", operation, c->path, why);
	case SQLITE_CANTOPEN:
	case SQLITE_IOERR:
	case SQLITE_NOMEM:
	case SQLITE_PERM:
	case SQLITE_AUTH:
	case SQLITE_INTERRUPT:
	case SQLITE_PROTOCOL:
		return err_temporary(e, "%s(%s) failed: %s (%d: %s)", operation, c->path, why, code,
			strerrordesc_np(system_error(c)));
	default:
		return err_permanent(e, "%s(%s) failed: %s (%d)", operation, c->path, why, code);
	}
}

static int execute(struct sqlite_conn *c, const char *operation, const char *sql, struct err *e)
{
	int code = sqlite3_exec(c->db, sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? 0 : failure(c, operation, code, e);
}

/* ---- connections ---- */

/* SQLite's own waiting backs off to 100 ms, which a commit of 1 ms does not deserve. */
static int wait_for_lock(void *ctx, int times)
{
	struct sqlite_conn *c = ctx;
	int64_t now = clock_monotonic_us();

	if (times == 0)
		c->waiting_since = now;
	if (now - c->waiting_since > LOCK_WAIT_US)
		return 0;
	usleep(times < 20 ? 250 : 2000);
	return 1;
}

static void sqlite_close(struct sql_conn *base)
{
	struct sqlite_conn *c = conn_of(base);

	checkpointer_stopp(&c->checkpointer);
	for (size_t i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(c->statements[i].prepared);
	if (sqlite3_close(c->db) != SQLITE_OK) /* the last one out moves the log into the file */
		log_error(NULL, "close(%s) failed: %s", c->path, sqlite3_errmsg(c->db));
	free(c->path);
	free(c);
}

/* SQLite counts its memory under one lock for the whole process, which the threads of capture and of the index would meet
 * at hundreds of times for each message. Where SQLite is in use already it stays as it is. */
static void count_no_memory(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* *c_r is to be closed in either case. */
static int open_file(struct sqlite_conn **c_r, const struct sql_place *p, int flags, struct err *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct sqlite_conn *c = *c_r = MEM_NEW(struct sqlite_conn);

	pthread_once(&once, count_no_memory);
	c->path = mem_printf("%s/%s.db", p->place, p->name);
	int code = sqlite3_open_v2(c->path, &c->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | flags, NULL);

	if (code == SQLITE_CANTOPEN && sqlite3_system_errno(c->db) == ENOENT)
		return err_permanent(e, "open(%s) failed: there is no such file; `strongroom init` makes "
			"it", c->path);
	if (code != SQLITE_OK)
		return failure(c, "open", code, e);
	sqlite3_extended_result_codes(c->db, 1);
	sqlite3_busy_handler(c->db, wait_for_lock, c);
	/* recursive_triggers: without it a REPLACE would get past the triggers that refuse DELETE */
	return execute(c, "open", "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL;"
		" PRAGMA trusted_schema = OFF; PRAGMA recursive_triggers = ON", e);
}

/* The log keeps its blocks when it starts again: overwriting costs an fsync less than growing does. The cache is small
 * because a commit that has balanced a tree looks at all of it, and the kernel's has the rest. */
static int set_up_writer(struct sqlite_conn *c, struct err *e)
{
	if (sqlite3_db_readonly(c->db, "main") == 1)
		return failure(c, "open", SQLITE_READONLY, e);
	if (execute(c, "open", "PRAGMA cache_size = -4096;"
		" PRAGMA journal_size_limit = 268435456", e))
		return -1;
	return checkpointer_start(&c->checkpointer, c->path, c->db, e);
}

static int sqlite_open(struct sql_conn **c_r, const struct sql_place *p, enum sql_role role,
	struct err *e)
{
	struct sqlite_conn *c;
	int failed = open_file(&c, p, 0, e);

	if (!failed && role == SQL_ROLE_WRITER)
		failed = set_up_writer(c, e);
	else if (!failed)
		failed = execute(c, "open", "PRAGMA query_only = ON; PRAGMA cache_size = -8192", e);
	if (failed) {
		sqlite_close(&c->base);
		return -1;
	}
	*c_r = &c->base;
	return 0;
}

/* Who opens the database after all its processes were killed takes every commit that is whole in the log for done, the one
 * that was not synced yet too. A retry of that message would be acknowledged on its word. */
static int sqlite_settle(struct sql_conn *base, struct err *e)
{
	struct sqlite_conn *c = conn_of(base);
	sqlite3_file *log = NULL;

	if (execute(c, "open", "SELECT count(*) FROM sqlite_master", e)) /* opens the log */
		return -1;
	int code = sqlite3_file_control(c->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);

	if (code == SQLITE_OK && log && log->pMethods)
		code = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
	return code == SQLITE_OK ? 0 : failure(c, "open", code, e);
}

/* The answer of a statement that gives one text; caller frees; NULL on failure. */
static char *ask(struct sqlite_conn *c, const char *sql, struct err *e)
{
	sqlite3_stmt *st = NULL;
	char *answer = NULL;
	int code = sqlite3_prepare_v2(c->db, sql, -1, &st, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(st);
	if (code == SQLITE_ROW)
		answer = mem_strdup((const char *)sqlite3_column_text(st, 0));
	else
		failure(c, sql, code, e);
	sqlite3_finalize(st);
	return answer;
}

static int make_directory(const char *path, struct err *e)
{
	if (mkdir(path, 0750) && errno != EEXIST)
		return err_errno(e, "mkdir", path);
	return 0;
}

static int sqlite_create(const struct sql_place *p, struct err *e)
{
	struct sqlite_conn *c;

	if (make_directory(p->place, e))
		return -1;
	int failed = open_file(&c, p, SQLITE_OPEN_CREATE, e);
	_free_ char *mode = failed ? NULL : ask(c, "PRAGMA journal_mode = WAL", e);

	if (mode && strcmp(mode, "wal") != 0)
		err_permanent(e, "journal_mode(%s) failed: the file system has no shared memory for a "
			"write-ahead log (a network file system?)", c->path);
	failed = !mode || strcmp(mode, "wal") != 0;
	sqlite_close(&c->base);
	return failed ? -1 : 0;
}

static int sqlite_ready(struct sql_conn *base, struct err *e)
{
	const struct sqlite_conn *c = conn_of(base);
	struct statvfs fs;

	if (access(c->path, R_OK | W_OK))
		return err_errno(e, "access", c->path);
	if (statvfs(c->path, &fs))
		return err_errno(e, "statvfs", c->path);
	if (fs.f_bavail < FREE_BYTES_MIN / (fs.f_frsize ? fs.f_frsize : 1))
		return err_temporary(e, "ready(%s) failed: less than %u bytes are free", c->path,
			FREE_BYTES_MIN);
	return 0;
}

static int sqlite_check(struct sql_conn *base, const struct sql_place *p, struct sql_findings *f, struct err *e)
{
	struct sqlite_conn *c = conn_of(base);
	int code = sqlite_check_file(c->db, c->path, p->name, f);

	return code == SQLITE_OK ? 0 : failure(c, "check", code, e);
}

/* ---- transactions ---- */

static int sqlite_begin(struct sql_conn *base, enum sql_durability durability, struct err *e)
{
	struct sqlite_conn *c = conn_of(base);
	bool lazy = durability == SQL_LAZY;

	if (lazy != c->lazy) {
		const char *how = lazy ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL";

		if (execute(c, "begin", how, e))
			return -1;
		c->lazy = lazy;
	}
	return execute(c, "begin", "BEGIN IMMEDIATE", e);
}

static int sqlite_begin_snapshot(struct sql_conn *base, struct err *e)
{
	return execute(conn_of(base), "begin", "BEGIN", e);
}

static void sqlite_rollback(struct sql_conn *base)
{
	struct sqlite_conn *c = conn_of(base);
	struct err e;

	if (!sqlite3_get_autocommit(c->db) && execute(c, "rollback", "ROLLBACK", &e))
		log_fatal(NULL, "%s: the process ends", e.text);
}

/* The log is written and synced in here. When that fails but for lack of space nobody knows what the disk holds. */
static int sqlite_commit(struct sql_conn *base, struct err *e)
{
	struct sqlite_conn *c = conn_of(base);

	if (sqlite3_get_autocommit(c->db))
		return err_temporary(e, "commit(%s) failed: the transaction was rolled back before",
			c->path);
	int code = sqlite3_exec(c->db, "COMMIT", NULL, NULL, NULL);

	if (code == SQLITE_OK)
		return 0;
	failure(c, "commit", code, e);
	if ((code & 0xff) == SQLITE_IOERR && !is_full(c, code))
		log_fatal(NULL, "%s: what is durable is not known, the process ends", e->text);
	sqlite_rollback(base);
	return -1;
}

/* In its transaction: nothing of a script that was cut off is there. */
static int sqlite_run_script(struct sql_conn *base, unsigned version, const char *text,
	struct err *e)
{
	(void)version;
	struct sqlite_conn *c = conn_of(base);
	int code = sqlite_script(c->db, text);

	return code == SQLITE_OK ? 0 : failure(c, "script", code, e);
}

/* ---- statements ---- */

static int prepare(struct sqlite_conn *c, struct sqlite_stmt *st)
{
	return sqlite3_prepare_v3(c->db, statement_sqlite(st->which), -1, SQLITE_PREPARE_PERSISTENT,
		&st->prepared, NULL);
}

static struct sql_stmt *sqlite_use(struct sql_conn *base, enum statement which)
{
	struct sqlite_conn *c = conn_of(base);
	struct sqlite_stmt *st = &c->statements[which];

	st->which = which;
	st->bind_code = SQLITE_OK;
	st->ids_left = 0;
	if (!st->prepared)
		(void)prepare(c, st); /* tried again, and told, by the step */
	return &st->base;
}

static void note_bind(struct sqlite_stmt *st, int code)
{
	if (st->bind_code == SQLITE_OK)
		st->bind_code = code;
}

static void sqlite_bind_i64(struct sql_stmt *base, int at, int64_t value)
{
	struct sqlite_stmt *st = stmt_of(base);

	if (st->prepared)
		note_bind(st, sqlite3_bind_int64(st->prepared, at + 1, value));
}

static void sqlite_bind_text(struct sql_stmt *base, int at, const char *value, size_t n)
{
	struct sqlite_stmt *st = stmt_of(base);

	if (st->prepared)
		note_bind(st, sqlite3_bind_text64(st->prepared, at + 1, value, n, SQLITE_STATIC,
			SQLITE_UTF8));
}

static void sqlite_bind_blob(struct sql_stmt *base, int at, const void *value, size_t n)
{
	struct sqlite_stmt *st = stmt_of(base);

	if (st->prepared)
		note_bind(st, sqlite3_bind_blob64(st->prepared, at + 1, value, n, SQLITE_STATIC));
}

static void sqlite_bind_null(struct sql_stmt *base, int at)
{
	struct sqlite_stmt *st = stmt_of(base);

	if (st->prepared)
		note_bind(st, sqlite3_bind_null(st->prepared, at + 1));
}

static void bind_next_id(struct sqlite_stmt *st)
{
	st->ids_left--;
	sqlite_bind_blob(&st->base, 0, st->ids++->bytes, UUID_SIZE);
}

/* The statement is run for one after the other: nothing is gained by a list where nothing is sent. */
static void sqlite_bind_ids(struct sql_stmt *base, const struct uuid *ids, size_t n)
{
	struct sqlite_stmt *st = stmt_of(base);

	st->ids = ids;
	st->ids_left = n;
	bind_next_id(st);
}

/* May this statement run now? Writing happens in transactions only: SQLite ends one by itself when it runs out of space,
 * and what came after it would be committed row by row. */
static int may_run(struct sqlite_conn *c, struct sqlite_stmt *st, struct err *e)
{
	int code = st->prepared ? st->bind_code : prepare(c, st);

	if (code != SQLITE_OK)
		return failure(c, statement_name(st->which), code, e);
	if (st->base.bound != sqlite3_bind_parameter_count(st->prepared))
		return err_permanent(e, "%s(%s) failed: %d values bound of %d",
			statement_name(st->which), c->path, st->base.bound,
			sqlite3_bind_parameter_count(st->prepared));
	if (!sqlite3_stmt_readonly(st->prepared) && sqlite3_get_autocommit(c->db))
		return err_temporary(e,
			"%s(%s) failed: there is no transaction, or it was rolled back",
			statement_name(st->which), c->path);
	return 0;
}

static enum sql_result sqlite_step(struct sql_stmt *base, struct err *e)
{
	struct sqlite_conn *c = conn_of(base->conn);
	struct sqlite_stmt *st = stmt_of(base);

	if (may_run(c, st, e))
		return SQL_FAILED;
	int code = sqlite3_step(st->prepared);

	while (code == SQLITE_DONE && st->ids_left) {
		sqlite3_reset(st->prepared);
		bind_next_id(st);
		code = sqlite3_step(st->prepared);
	}
	switch (code) {
	case SQLITE_ROW:
		return SQL_ROW;
	case SQLITE_DONE:
		return SQL_DONE;
	case SQLITE_CONSTRAINT_UNIQUE:
	case SQLITE_CONSTRAINT_PRIMARYKEY:
		return SQL_DUPLICATE;
	default:
		failure(c, statement_name(st->which), code, e);
		return SQL_FAILED;
	}
}

static void sqlite_finish(struct sql_stmt *base)
{
	struct sqlite_stmt *st = stmt_of(base);

	sqlite3_reset(st->prepared); /* repeats the step's result, which was told */
}

static bool sqlite_is_null(struct sql_stmt *base, int at)
{
	return sqlite3_column_type(stmt_of(base)->prepared, at) == SQLITE_NULL;
}

static int64_t sqlite_get_i64(struct sql_stmt *base, int at)
{
	return sqlite3_column_int64(stmt_of(base)->prepared, at);
}

static const void *sqlite_get_bytes(struct sql_stmt *base, int at, size_t *n_r)
{
	sqlite3_stmt *st = stmt_of(base)->prepared;
	const void *bytes = sqlite3_column_blob(st, at);

	*n_r = (size_t)sqlite3_column_bytes(st, at);
	return bytes;
}

static uint64_t sqlite_changed(struct sql_conn *base)
{
	return (uint64_t)sqlite3_changes64(conn_of(base)->db);
}

static uint64_t sqlite_last_id(struct sql_conn *base)
{
	return (uint64_t)sqlite3_last_insert_rowid(conn_of(base)->db);
}

const struct sql_driver sql_sqlite = {
	.scheme = "sqlite",
	.create = sqlite_create,
	.open = sqlite_open,
	.close = sqlite_close,
	.settle = sqlite_settle,
	.ready = sqlite_ready,
	.check = sqlite_check,
	.begin = sqlite_begin,
	.begin_snapshot = sqlite_begin_snapshot,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.script = sqlite_run_script,
	.use = sqlite_use,
	.bind_i64 = sqlite_bind_i64,
	.bind_text = sqlite_bind_text,
	.bind_blob = sqlite_bind_blob,
	.bind_null = sqlite_bind_null,
	.bind_ids = sqlite_bind_ids,
	.step = sqlite_step,
	.finish = sqlite_finish,
	.is_null = sqlite_is_null,
	.get_i64 = sqlite_get_i64,
	.get_bytes = sqlite_get_bytes,
	.changed = sqlite_changed,
	.last_id = sqlite_last_id,
};
