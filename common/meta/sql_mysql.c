#include "meta/sql_mysql.h"

#include "base/log.h"

#include <poll.h>
#include <pthread.h>
#include <string.h>

/* ---- threads ---- */

static pthread_key_t thread_key;

static void end_thread(void *started)
{
	(void)started;
	mysql_thread_end();
}

static void start_library(void)
{
	if (mysql_library_init(0, NULL, NULL))
		log_fatal(NULL, "mysql_library_init() failed");
	if (pthread_key_create(&thread_key, end_thread))
		log_fatal(NULL, "pthread_key_create() failed");
}

/* The library wants to know each thread that uses it. */
static void enter_thread(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	static char started;

	pthread_once(&once, start_library);
	if (pthread_getspecific(thread_key))
		return;
	mysql_thread_init();
	pthread_setspecific(thread_key, &started);
}

/* ---- connections ---- */

static void driver_close(struct sql_conn *base)
{
	struct mydb_conn *c = mydb_conn_of(base);

	mydb_stmt_close_all(c);
	if (c->db)
		mysql_close(c->db);
	free(c->where);
	free(c);
}

static int driver_open(struct sql_conn **c_r, const struct sql_place *p, enum sql_role role, struct err *e)
{
	_free_ char *database = NULL;

	enter_thread();
	if (mydb_database_name(&database, p, e))
		return -1;
	struct mydb_conn *c = MEM_NEW(struct mydb_conn);

	if (mydb_connect_to(c, p, role, database, e)) {
		driver_close(&c->base);
		return -1;
	}
	*c_r = &c->base;
	return 0;
}

static int driver_create(const struct sql_place *p, struct err *e)
{
	_free_ char *database = NULL;

	enter_thread();
	if (mydb_database_name(&database, p, e))
		return -1;
	_free_ char *sql = mem_printf("CREATE DATABASE IF NOT EXISTS `%s` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", database);
	struct mydb_conn *c = MEM_NEW(struct mydb_conn);
	int failed = mydb_connect_to(c, p, SQL_ROLE_WRITER, NULL, e) || mydb_execute(c, "create", sql, e) ? -1 : 0;

	driver_close(&c->base);
	return failed;
}

static bool driver_has_replica(const struct sql_place *p)
{
	return *p->conf->mysql_replica != '\0';
}

/* A server that ends a connection says so in it: between two uses there is nothing to be read otherwise. */
static bool driver_usable(struct sql_conn *base)
{
	struct mydb_conn *c = mydb_conn_of(base);

	enter_thread();
	if (c->lost)
		return false;
	struct pollfd p = { .fd = (int)mysql_get_socket(c->db), .events = POLLIN };

	return poll(&p, 1, 0) == 0;
}

/* What another connection can see is durable where strongroom check finds nothing to complain about: the binary log is
 * synced before a commit can be seen. */
static int driver_settle(struct sql_conn *base, struct err *e)
{
	(void)base;
	(void)e;
	return 0;
}

static int driver_ready(struct sql_conn *base, struct err *e)
{
	struct mydb_conn *c = mydb_conn_of(base);
	MYSQL_RES *result = mydb_ask(c, "ready", "SELECT @@global.read_only", e);

	if (!result)
		return -1;
	MYSQL_ROW row = mysql_fetch_row(result);
	bool read_only = row && row[0] && strcmp(row[0], "0") != 0 && strcmp(row[0], "OFF") != 0; /* a word in MariaDB 12 */

	mysql_free_result(result);
	return read_only ? err_temporary(e, "ready(%s) failed: the server is read-only", c->where) : 0;
}

/* While an ALTER waits for a table that somebody reads, all others wait behind it: it gives up soon, and is tried again
 * later. */
static int call_extend(struct mydb_conn *c, struct err *e)
{
	struct err ignored;

	if (mydb_set_table_patience(c, 1, e))
		return -1;
	int failed = mydb_execute(c, "extend", "CALL extend_partitions()", e);

	if (mydb_set_table_patience(c, MYDB_TABLE_PATIENCE_S, &ignored))
		c->lost = true;
	return failed;
}

/* By the procedure of schema/0004_capture_partitions.sql, which two at a time would have fail. */
static int driver_extend(struct sql_conn *base, struct err *e)
{
	struct mydb_conn *c = mydb_conn_of(base);

	if (mydb_take_turn(c, e))
		return -1;
	int failed = call_extend(c, e);

	mydb_end_turn(c);
	return failed;
}

/* ---- transactions ---- */

static int driver_begin(struct sql_conn *base, enum sql_durability durability, struct err *e)
{
	struct mydb_conn *c = mydb_conn_of(base);

	(void)durability; /* it is the server's to choose */
	c->rolled_back = false;
	mydb_rows_forget(c);
	return mydb_execute(c, "begin", "START TRANSACTION", e);
}

static int driver_begin_snapshot(struct sql_conn *base, struct err *e)
{
	struct mydb_conn *c = mydb_conn_of(base);

	c->rolled_back = false;
	return mydb_execute(c, "begin", "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY", e);
}

/* What the server can't be told to undo it undoes when the connection ends. */
static void driver_rollback(struct sql_conn *base)
{
	struct mydb_conn *c = mydb_conn_of(base);

	mydb_rows_forget(c);
	if (!c->lost && mysql_real_query(c->db, "ROLLBACK", 8))
		c->lost = true;
}

static int driver_commit(struct sql_conn *base, struct err *e)
{
	struct mydb_conn *c = mydb_conn_of(base);
	enum sql_result sent = c->rolled_back ? SQL_FAILED : mydb_rows_flush(base, e);

	if (c->rolled_back)
		err_conflict(e, "commit(%s) failed: the transaction was rolled back before", c->where);
	else if (sent == SQL_DUPLICATE)
		err_permanent(e, "commit(%s) failed: a row is there already", c->where);
	if (sent != SQL_DONE) {
		driver_rollback(base);
		return -1;
	}
	if (mysql_real_query(c->db, "COMMIT", 6) == 0)
		return 0;
	mydb_commit_failure(c, e);
	driver_rollback(base);
	return -1;
}

static uint64_t driver_changed(struct sql_conn *base)
{
	return mydb_conn_of(base)->changed;
}

static uint64_t driver_last_id(struct sql_conn *base)
{
	return mydb_conn_of(base)->last_id;
}

const struct sql_driver sql_mysql = {
	.scheme = "mysql",
	.is_server = true,
	.create = driver_create,
	.has_replica = driver_has_replica,
	.open = driver_open,
	.close = driver_close,
	.usable = driver_usable,
	.settle = driver_settle,
	.ready = driver_ready,
	.check = mydb_check,
	.extend = driver_extend,
	.lag = mydb_lag,
	.begin = driver_begin,
	.begin_snapshot = driver_begin_snapshot,
	.commit = driver_commit,
	.rollback = driver_rollback,
	.script = mydb_script,
	.use = mydb_stmt_use,
	.bind_i64 = mydb_stmt_bind_i64,
	.bind_text = mydb_stmt_bind_text,
	.bind_blob = mydb_stmt_bind_blob,
	.bind_null = mydb_stmt_bind_null,
	.bind_ids = mydb_stmt_bind_ids,
	.step = mydb_stmt_step,
	.finish = mydb_stmt_finish,
	.add = mydb_rows_add,
	.flush = mydb_rows_flush,
	.is_null = mydb_stmt_is_null,
	.get_i64 = mydb_stmt_get_i64,
	.get_bytes = mydb_stmt_get_bytes,
	.changed = driver_changed,
	.last_id = driver_last_id,
};
