#include "meta/sql_driver.h"

#include <pthread.h>
#include <string.h>

#define IDLE_READERS_MAX 16

static const struct sql_driver *const drivers[] = { &sql_sqlite };

struct sql_db {
	const struct sql_driver *driver;
	char *place; /* the URL without its scheme */
	char *name;
	pthread_mutex_t writing;   /* held by who has the writer */
	struct sql_conn *writer;   /* guarded by writing; NULL until it is first asked for */
	pthread_mutex_t pool;
	struct sql_conn *idle; /* guarded by pool */
	size_t idle_count;
};

/* ---- databases ---- */

static const struct sql_driver *find_driver(const char *url, const char **place_r)
{
	const char *colon = strchr(url, ':');

	for (size_t i = 0; colon && i < ARRAY_LEN(drivers); i++) {
		size_t n = (size_t)(colon - url);

		if (strlen(drivers[i]->scheme) == n && memcmp(drivers[i]->scheme, url, n) == 0 &&
			colon[1]) {
			*place_r = colon + 1;
			return drivers[i];
		}
	}
	return NULL;
}

int sql_open(struct sql_db **db_r, const char *url, const char *name, enum sql_access access,
	struct err *e)
{
	const char *place;
	const struct sql_driver *driver = find_driver(url, &place);

	if (!driver)
		return err_permanent(e,
			"open(%s) failed: the setting meta must be sqlite:DIRECTORY", url);
	if (access == SQL_CREATE && driver->create(place, name, e))
		return -1;
	struct sql_db *db = MEM_NEW(struct sql_db);

	db->driver = driver;
	db->place = mem_strdup(place);
	db->name = mem_strdup(name);
	pthread_mutex_init(&db->writing, NULL);
	pthread_mutex_init(&db->pool, NULL);
	CLEANUP(sql_releasep) struct sql_conn *first = NULL;

	if (sql_reader(db, &first, e) || driver->settle(first, e)) {
		sql_releasep(&first);
		sql_closep(&db);
		return -1;
	}
	*db_r = db;
	return 0;
}

void sql_closep(struct sql_db **db)
{
	struct sql_db *d = *db;

	if (!d)
		return;
	while (d->idle) {
		struct sql_conn *c = d->idle;

		d->idle = c->next;
		d->driver->close(c);
	}
	if (d->writer)
		d->driver->close(d->writer);
	pthread_mutex_destroy(&d->pool);
	pthread_mutex_destroy(&d->writing);
	free(d->name);
	free(d->place);
	free(d);
	*db = NULL;
}

int sql_ready(struct sql_db *db, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	return sql_reader(db, &c, e) ? -1 : db->driver->ready(c, e);
}

int sql_check(struct sql_db *db, sql_report *report, void *ctx, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	return sql_reader(db, &c, e) ? -1 : db->driver->check(c, db->name, report, ctx, e);
}

/* ---- connections ---- */

static int connect_as(struct sql_db *db, enum sql_role role, struct sql_conn **c_r, struct err *e)
{
	if (db->driver->open(c_r, db->place, db->name, role, e))
		return -1;
	(*c_r)->driver = db->driver;
	(*c_r)->db = db;
	(*c_r)->role = role;
	return 0;
}

int sql_reader(struct sql_db *db, struct sql_conn **c_r, struct err *e)
{
	pthread_mutex_lock(&db->pool);
	struct sql_conn *c = db->idle;

	if (c) {
		db->idle = c->next;
		db->idle_count--;
	}
	pthread_mutex_unlock(&db->pool);
	if (!c)
		return connect_as(db, SQL_ROLE_READER, c_r, e);
	*c_r = c;
	return 0;
}

int sql_writer(struct sql_db *db, struct sql_conn **c_r, struct err *e)
{
	pthread_mutex_lock(&db->writing);
	if (!db->writer && connect_as(db, SQL_ROLE_WRITER, &db->writer, e)) {
		pthread_mutex_unlock(&db->writing);
		return -1;
	}
	*c_r = db->writer;
	return 0;
}

static void release_reader(struct sql_conn *c)
{
	struct sql_db *db = c->db;

	pthread_mutex_lock(&db->pool);
	bool keep = db->idle_count < IDLE_READERS_MAX;

	if (keep) {
		c->next = db->idle;
		db->idle = c;
		db->idle_count++;
	}
	pthread_mutex_unlock(&db->pool);
	if (!keep)
		db->driver->close(c);
}

void sql_releasep(struct sql_conn **c)
{
	struct sql_conn *was = *c;

	if (!was)
		return;
	*c = NULL;
	sql_rollback(was);
	if (was->role == SQL_ROLE_WRITER)
		pthread_mutex_unlock(&was->db->writing);
	else
		release_reader(was);
}

/* ---- transactions ---- */

int sql_begin(struct sql_conn *c, enum sql_durability durability, struct err *e)
{
	if (c->driver->begin(c, durability, e))
		return -1;
	c->in_transaction = true;
	return 0;
}

int sql_begin_snapshot(struct sql_conn *c, struct err *e)
{
	if (c->driver->begin_snapshot(c, e))
		return -1;
	c->in_transaction = true;
	return 0;
}

int sql_commit(struct sql_conn *c, struct err *e)
{
	c->in_transaction = false;
	return c->driver->commit(c, e);
}

void sql_rollback(struct sql_conn *c)
{
	if (c->in_transaction)
		c->driver->rollback(c);
	c->in_transaction = false;
}

int sql_script(struct sql_conn *c, const char *text, struct err *e)
{
	return c->driver->script(c, text, e);
}

uint64_t sql_changed(struct sql_conn *c)
{
	return c->driver->changed(c);
}

uint64_t sql_last_id(struct sql_conn *c)
{
	return c->driver->last_id(c);
}

/* ---- statements ---- */

struct sql_stmt *sql_use(struct sql_conn *c, enum statement s)
{
	struct sql_stmt *st = c->driver->use(c, s);

	st->conn = c;
	st->bound = st->column = 0;
	st->too_large = false;
	return st;
}

void sql_bind_i64(struct sql_stmt *st, int64_t value)
{
	st->conn->driver->bind_i64(st, st->bound++, value);
}

void sql_bind_u64(struct sql_stmt *st, uint64_t value)
{
	if (value > INT64_MAX)
		st->too_large = true;
	sql_bind_i64(st, (int64_t)value);
}

void sql_bind_text(struct sql_stmt *st, const char *value)
{
	if (value)
		st->conn->driver->bind_text(st, st->bound++, value, strlen(value));
	else
		sql_bind_null(st);
}

void sql_bind_blob(struct sql_stmt *st, const void *value, size_t n)
{
	if (value)
		st->conn->driver->bind_blob(st, st->bound++, value, n);
	else
		sql_bind_null(st);
}

void sql_bind_uuid(struct sql_stmt *st, const struct uuid *value)
{
	sql_bind_blob(st, value->bytes, UUID_SIZE);
}

void sql_bind_null(struct sql_stmt *st)
{
	st->conn->driver->bind_null(st, st->bound++);
}

enum sql_result sql_step(struct sql_stmt *st, struct err *e)
{
	if (st->too_large) {
		err_permanent(e, "bind(value %d) failed: a number over 2^63 - 1", st->bound);
		return SQL_FAILED;
	}
	st->column = 0;
	return st->conn->driver->step(st, e);
}

void sql_finishp(struct sql_stmt **st)
{
	if (*st)
		(*st)->conn->driver->finish(*st);
	*st = NULL;
}

enum sql_result sql_run(struct sql_stmt *st, struct err *e)
{
	enum sql_result r = sql_step(st, e);

	sql_finishp(&st);
	return r;
}

int sql_number(struct sql_stmt *st, uint64_t *value_r, struct err *e)
{
	enum sql_result r = sql_step(st, e);

	*value_r = r == SQL_ROW ? sql_get_u64(st) : 0;
	sql_finishp(&st);
	return r == SQL_FAILED ? -1 : 0;
}

int64_t sql_get_i64(struct sql_stmt *st)
{
	return st->conn->driver->get_i64(st, st->column++);
}

uint64_t sql_get_u64(struct sql_stmt *st)
{
	int64_t value = sql_get_i64(st);

	return value < 0 ? 0 : (uint64_t)value;
}

bool sql_get_null(struct sql_stmt *st)
{
	return st->conn->driver->is_null(st, st->column);
}

const void *sql_get_bytes(struct sql_stmt *st, size_t *n_r)
{
	return st->conn->driver->get_bytes(st, st->column++, n_r);
}

char *sql_get_text(struct sql_stmt *st)
{
	size_t n;
	const void *bytes = sql_get_bytes(st, &n);

	return mem_dup(bytes, n);
}

void sql_get_fixed(struct sql_stmt *st, void *out, size_t n)
{
	size_t length;
	const void *bytes = sql_get_bytes(st, &length);

	if (length == n)
		memcpy(out, bytes, n);
	else
		memset(out, 0, n);
}

void sql_get_uuid(struct sql_stmt *st, struct uuid *out)
{
	sql_get_fixed(st, out->bytes, UUID_SIZE);
}
