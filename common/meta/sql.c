#include "meta/sql_driver.h"

#include "base/clock.h"
#include "base/log.h"
#include "sys/metrics_backend.h"

#include <assert.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define IDLE_READERS_MAX 16
#define TURN_WAIT_US CLOCK_SECOND /* then a reader too many is opened: who waits may hold the one that is waited for */
#define REPLICA_AGAIN_US (5 * CLOCK_SECOND) /* a replica that could not be reached is left alone for so long */

static const struct sql_driver *const drivers[] = { &sql_sqlite, &sql_mysql };

/* Connections of a role: those that nobody uses, and how many there are in all. */
struct idle {
	struct sql_conn *first;
	size_t n, open;
	pthread_cond_t freed;
};

struct sql_db {
	const struct sql_driver *driver;
	struct sql_place where; /* its texts are ours */
	pthread_mutex_t writing;   /* held by who has the writer */
	struct sql_conn *writer;   /* guarded by writing; NULL until it is first asked for */
	pthread_mutex_t pool;
	struct idle idle[SQL_ROLES]; /* guarded by pool */
	bool has_replica;
	_Atomic int64_t replica_after_us; /* monotonic: when it is to be tried again */
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

static void init_conditions(struct sql_db *db)
{
	pthread_condattr_t monotonic;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	for (size_t role = 0; role < SQL_ROLES; role++)
		pthread_cond_init(&db->idle[role].freed, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

static struct sql_db *new_database(const struct sql_driver *driver, const struct sql_place *p)
{
	struct sql_db *db = MEM_NEW(struct sql_db);

	db->driver = driver;
	db->where = (struct sql_place){ p->conf, mem_strdup(p->place), mem_strdup(p->name), p->access };
	db->has_replica = driver->has_replica && driver->has_replica(p);
	atomic_init(&db->replica_after_us, 0);
	pthread_mutex_init(&db->writing, NULL);
	pthread_mutex_init(&db->pool, NULL);
	init_conditions(db);
	return db;
}

int sql_open(struct sql_db **db_r, const struct conf *conf, const char *name, enum sql_access access,
	struct err *e)
{
	struct sql_place p = { .conf = conf, .name = name, .access = access };
	const struct sql_driver *driver = find_driver(conf->meta, &p.place);

	if (!driver)
		return err_permanent(e,
			"open(%s) failed: the setting meta must be sqlite:DIRECTORY or mysql:NAME", conf->meta);
	if (access == SQL_CREATE && driver->create(&p, e))
		return -1;
	struct sql_db *db = new_database(driver, &p);
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
	for (size_t role = 0; role < SQL_ROLES; role++) {
		while (d->idle[role].first) {
			struct sql_conn *c = d->idle[role].first;

			d->idle[role].first = c->next;
			d->driver->close(c);
		}
		pthread_cond_destroy(&d->idle[role].freed);
	}
	if (d->writer)
		d->driver->close(d->writer);
	pthread_mutex_destroy(&d->pool);
	pthread_mutex_destroy(&d->writing);
	mem_freep(&d->where.name);
	mem_freep(&d->where.place);
	free(d);
	*db = NULL;
}

int sql_ready(struct sql_db *db, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	return sql_reader(db, &c, e) ? -1 : backend_result(BACKEND_META, db->driver->ready(c, e), e);
}

void sql_fault(struct sql_findings *f, const char *remedy, const char *fmt, ...)
{
	char text[480];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	f->report(f->ctx, text, remedy);
	f->faults++;
}

int sql_check(struct sql_db *db, sql_report *report, void *ctx, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	struct sql_findings f = { .report = report, .ctx = ctx };

	return sql_reader(db, &c, e) ? -1 : db->driver->check(c, &db->where, &f, e);
}

int sql_extend(struct sql_db *db, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (!db->driver->extend)
		return 0;
	return sql_writer(db, &c, e) ? -1 : db->driver->extend(c, e);
}

/* ---- connections ---- */

static int connect_as(struct sql_db *db, enum sql_role role, struct sql_conn **c_r, struct err *e)
{
	if (backend_result(BACKEND_META, db->driver->open(c_r, &db->where, role, e), e))
		return -1;
	(*c_r)->driver = db->driver;
	(*c_r)->db = db;
	(*c_r)->role = role;
	return 0;
}

static bool is_usable(struct sql_conn *c)
{
	return !c->driver->usable || c->driver->usable(c);
}

static bool is_full(const struct sql_db *db, const struct idle *idle)
{
	return db->driver->is_server && idle->open >= IDLE_READERS_MAX;
}

/* An idle connection, or NULL: one more may be opened. */
static struct sql_conn *take_turn(struct sql_db *db, enum sql_role role)
{
	struct idle *idle = &db->idle[role];
	int64_t until_us = clock_monotonic_us() + TURN_WAIT_US;
	struct timespec until = { until_us / CLOCK_SECOND, until_us % CLOCK_SECOND * 1000 };

	pthread_mutex_lock(&db->pool);
	while (!idle->first && is_full(db, idle) &&
		pthread_cond_timedwait(&idle->freed, &db->pool, &until) == 0)
		;
	struct sql_conn *c = idle->first;

	if (c) {
		idle->first = c->next;
		idle->n--;
	} else {
		idle->open++;
	}
	pthread_mutex_unlock(&db->pool);
	return c;
}

/* One of a role is no more. */
static void note_closed(struct sql_db *db, enum sql_role role)
{
	pthread_mutex_lock(&db->pool);
	db->idle[role].open--;
	pthread_cond_signal(&db->idle[role].freed);
	pthread_mutex_unlock(&db->pool);
}

static void close_reader(struct sql_conn *c)
{
	struct sql_db *db = c->db;
	enum sql_role role = c->role;

	db->driver->close(c);
	note_closed(db, role);
}

static int take_reader(struct sql_db *db, enum sql_role role, struct sql_conn **c_r, struct err *e)
{
	struct sql_conn *c;

	while ((c = take_turn(db, role)) && !is_usable(c))
		close_reader(c);
	if (c) {
		*c_r = c;
		return 0;
	}
	if (connect_as(db, role, c_r, e) == 0)
		return 0;
	note_closed(db, role);
	return -1;
}

int sql_reader(struct sql_db *db, struct sql_conn **c_r, struct err *e)
{
	return take_reader(db, SQL_ROLE_READER, c_r, e);
}

int sql_reader_behind(struct sql_db *db, struct sql_conn **c_r, struct err *e)
{
	struct err why;

	if (!db->has_replica || clock_monotonic_us() < atomic_load(&db->replica_after_us))
		return sql_reader(db, c_r, e);
	if (take_reader(db, SQL_ROLE_REPLICA, c_r, &why) == 0)
		return 0;
	log_warn(NULL, "the primary is read instead of the replica: %s", why.text);
	atomic_store(&db->replica_after_us, clock_monotonic_us() + REPLICA_AGAIN_US);
	return sql_reader(db, c_r, e);
}

bool sql_is_behind(const struct sql_conn *c)
{
	return c->role == SQL_ROLE_REPLICA;
}

bool sql_is_server(const struct sql_conn *c)
{
	return c->driver->is_server;
}

int sql_replica_lag(struct sql_db *db, int64_t *seconds_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (!db->has_replica)
		return 0;
	return take_reader(db, SQL_ROLE_REPLICA, &c, e) || db->driver->lag(c, seconds_r, e) ? -1 : 1;
}

/* Under the lock `writing`. */
static void drop_unusable_writer(struct sql_db *db)
{
	if (!db->writer || is_usable(db->writer))
		return;
	db->driver->close(db->writer);
	db->writer = NULL;
}

int sql_writer(struct sql_db *db, struct sql_conn **c_r, struct err *e)
{
	pthread_mutex_lock(&db->writing);
	drop_unusable_writer(db);
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
	struct idle *idle = &db->idle[c->role];
	bool keep = is_usable(c);

	pthread_mutex_lock(&db->pool);
	keep = keep && idle->n < IDLE_READERS_MAX;
	if (keep) {
		c->next = idle->first;
		idle->first = c;
		idle->n++;
		pthread_cond_signal(&idle->freed);
	}
	pthread_mutex_unlock(&db->pool);
	if (!keep)
		close_reader(c);
}

void sql_releasep(struct sql_conn **c)
{
	struct sql_conn *was = *c;

	if (!was)
		return;
	*c = NULL;
	sql_rollback(was);
	if (was->role == SQL_ROLE_WRITER) {
		struct sql_db *db = was->db;

		drop_unusable_writer(db);
		pthread_mutex_unlock(&db->writing);
	} else {
		release_reader(was);
	}
}

/* ---- transactions ---- */

int sql_begin(struct sql_conn *c, enum sql_durability durability, struct err *e)
{
	if (backend_result(BACKEND_META, c->driver->begin(c, durability, e), e))
		return -1;
	c->in_transaction = true;
	return 0;
}

int sql_begin_snapshot(struct sql_conn *c, struct err *e)
{
	if (backend_result(BACKEND_META, c->driver->begin_snapshot(c, e), e))
		return -1;
	c->in_transaction = true;
	return 0;
}

int sql_begin_reading(struct sql_conn *c, struct err *e)
{
	return sql_is_server(c) ? 0 : sql_begin_snapshot(c, e);
}

int sql_commit(struct sql_conn *c, struct err *e)
{
	int failed = backend_result(BACKEND_META, c->driver->commit(c, e), e);

	c->in_transaction = false;
	return failed;
}

void sql_rollback(struct sql_conn *c)
{
	if (c->in_transaction)
		c->driver->rollback(c);
	c->in_transaction = false;
}

int sql_script(struct sql_conn *c, unsigned version, const char *text, struct err *e)
{
	return c->driver->script(c, version, text, e);
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

void sql_bind_ids(struct sql_stmt *st, const struct uuid *ids, size_t n)
{
	assert(st->bound == 0 && n > 0 && n <= SQL_IDS_MAX);
	st->bound = 1;
	st->conn->driver->bind_ids(st, ids, n);
}

void sql_bind_null(struct sql_stmt *st)
{
	st->conn->driver->bind_null(st, st->bound++);
}

static enum sql_result refuse_number(const struct sql_stmt *st, struct err *e)
{
	err_permanent(e, "bind(value %d) failed: a number over 2^63 - 1", st->bound);
	return SQL_FAILED;
}

enum sql_result sql_step(struct sql_stmt *st, struct err *e)
{
	if (st->too_large)
		return refuse_number(st, e);
	st->column = 0;
	return (enum sql_result)backend_result(BACKEND_META, st->conn->driver->step(st, e), e);
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

enum sql_result sql_add(struct sql_stmt *st, struct err *e)
{
	if (!st->conn->driver->add)
		return sql_run(st, e);
	if (st->too_large)
		return refuse_number(st, e);
	return (enum sql_result)backend_result(BACKEND_META, st->conn->driver->add(st, e), e);
}

enum sql_result sql_flush(struct sql_conn *c, struct err *e)
{
	if (!c->driver->flush)
		return SQL_DONE;
	return (enum sql_result)backend_result(BACKEND_META, c->driver->flush(c, e), e);
}

int sql_find(struct sql_stmt *st, struct err *e)
{
	enum sql_result r = sql_step(st, e);

	return r == SQL_FAILED ? -1 : r == SQL_ROW;
}

int sql_number(struct sql_stmt *st, uint64_t *value_r, struct err *e)
{
	int found = sql_find(st, e);

	*value_r = found > 0 ? sql_get_u64(st) : 0;
	sql_finishp(&st);
	return found < 0 ? -1 : 0;
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
