#include "index/index_fts.h"

#include "base/clock.h"
#include "index/index_fts_damage.h"
#include "index/index_fts_gate.h"
#include "sys/io.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

struct fts *fts_new(const char *path, enum index_mode mode)
{
	struct fts *f = MEM_NEW(struct fts);

	f->base.driver = &index_fts_driver;
	f->base.mode = mode;
	f->path = mem_strdup(path);
	f->gate = f->rebuild = -1;
	atomic_init(&f->waiting, 0);
	pthread_mutex_init(&f->pool_lock, NULL);
	pthread_cond_init(&f->given_back, NULL);
	pthread_mutex_init(&f->write_lock, NULL);
	fts_values_init(&f->values);
	return f;
}

void fts_close_readers(struct fts *f)
{
	pthread_mutex_lock(&f->pool_lock);
	while (f->idle) {
		struct fts_db *db = f->idle;

		f->idle = db->next;
		fts_db_closep(&db);
	}
	pthread_mutex_unlock(&f->pool_lock);
}

void fts_freep(struct fts **f)
{
	if (!*f)
		return;
	fts_close_readers(*f);
	fts_db_closep(&(*f)->writer);
	io_closep(&(*f)->gate);
	io_closep(&(*f)->rebuild);
	pthread_cond_destroy(&(*f)->given_back);
	pthread_mutex_destroy(&(*f)->pool_lock);
	pthread_mutex_destroy(&(*f)->write_lock);
	fts_values_deinit(&(*f)->values);
	free((*f)->path);
	free((*f)->live);
	free(*f);
	*f = NULL;
}

/* ---- readers ---- */

static int open_reader(struct fts_db **db_r, const struct fts *f, struct err *e)
{
	_close_ int gate = -1;

	if (fts_gate_open(&gate, f->live ? f->live : f->path, e) || fts_gate_shared(gate, GATE_NAME, e))
		return -1;
	return fts_db_open(db_r, f->path, FTS_READ, e);
}

/* An idle reader of the file of that name as it is now, or NULL. */
static struct fts_db *take_idle(struct fts *f)
{
	for (;;) {
		pthread_mutex_lock(&f->pool_lock);
		struct fts_db *db = f->idle;

		if (db)
			f->idle = db->next;
		pthread_mutex_unlock(&f->pool_lock);
		if (!db)
			return NULL;
		db->next = NULL;
		if (fts_db_is_current(db))
			return db;
		fts_db_closep(&db); /* rebuilt, restored or removed meanwhile */
	}
}

static void enter(struct fts *f)
{
	pthread_mutex_lock(&f->pool_lock);
	while (f->readers == FTS_READERS_MAX) {
		atomic_fetch_add(&f->waiting, 1);
		pthread_cond_wait(&f->given_back, &f->pool_lock);
		atomic_fetch_sub(&f->waiting, 1);
	}
	f->readers++;
	pthread_mutex_unlock(&f->pool_lock);
}

static void leave(struct fts *f)
{
	pthread_mutex_lock(&f->pool_lock);
	f->readers--;
	pthread_cond_signal(&f->given_back);
	pthread_mutex_unlock(&f->pool_lock);
}

bool fts_is_awaited(const struct fts *f)
{
	return atomic_load(&f->waiting) > 0;
}

int fts_reader_get(struct fts_db **db_r, struct fts *f, struct err *e)
{
	enter(f);
	*db_r = take_idle(f);
	if (*db_r || open_reader(db_r, f, e) == 0)
		return 0;
	leave(f);
	return -1;
}

void fts_reader_put(struct fts *f, struct fts_db *db, bool sound)
{
	if (sound) {
		pthread_mutex_lock(&f->pool_lock);
		db->next = f->idle;
		f->idle = db;
		pthread_mutex_unlock(&f->pool_lock);
	} else {
		fts_db_closep(&db);
	}
	leave(f);
}

/* ---- small answers ---- */

static int read_number(struct index *i, enum fts_sql which, uint64_t *n_r, struct err *e)
{
	struct fts *f = fts_of(i);
	struct fts_db *db;

	if (fts_reader_get(&db, f, e))
		return -1;
	sqlite3_stmt *s = fts_db_statement(db, which, e);
	bool sound = s && sqlite3_step(s) == SQLITE_ROW;

	if (sound) {
		*n_r = (uint64_t)sqlite3_column_int64(s, 0);
		sqlite3_reset(s);
	} else if (s) {
		fts_db_fail(db, "read", e);
	}
	fts_reader_put(f, db, sound);
	return sound ? 0 : -1;
}

static int has_docs(struct index *i, const struct uuid *ids, size_t n, bool *present_r, struct err *e)
{
	struct fts *f = fts_of(i);
	struct fts_db *db;
	bool sound = true;

	if (fts_reader_get(&db, f, e))
		return -1;
	for (size_t at = 0; at < n && sound; at++) {
		sqlite3_stmt *s = fts_db_statement(db, SQL_FIND_ID, e);
		int rc = s ? sqlite3_bind_blob(s, 1, ids[at].bytes, UUID_SIZE, SQLITE_STATIC) : SQLITE_ERROR;

		rc = rc == SQLITE_OK ? sqlite3_step(s) : rc;
		present_r[at] = rc == SQLITE_ROW;
		sound = rc == SQLITE_ROW || rc == SQLITE_DONE;
		if (sound)
			sqlite3_reset(s);
		else if (s)
			fts_db_fail(db, "read", e);
	}
	fts_reader_put(f, db, sound);
	return sound ? 0 : -1;
}

static int count_docs(struct index *i, uint64_t *n_r, struct err *e)
{
	return read_number(i, SQL_COUNT_DOCS, n_r, e);
}

static int count_gone(struct index *i, uint64_t *n_r, struct err *e)
{
	return read_number(i, SQL_COUNT_GONE, n_r, e);
}

static int generation(struct index *i, char text_r[INDEX_GENERATION_SIZE], struct err *e)
{
	uint64_t made_us;

	if (read_number(i, SQL_MADE, &made_us, e))
		return -1;
	time_t seconds = (time_t)(made_us / CLOCK_SECOND);
	char when[32];
	struct tm t;

	gmtime_r(&seconds, &t);
	strftime(when, sizeof(when), "%Y%m%dt%H%M%S", &t);
	snprintf(text_r, INDEX_GENERATION_SIZE, "%d.%s%03d", FTS_SCHEMA_VERSION, when, (int)(made_us / 1000 % 1000));
	return 0;
}

static int ready(struct index *i, struct err *e)
{
	uint64_t any;

	return read_number(i, SQL_ANY_DOC, &any, e);
}

/* ---- opening ---- */

static int create(const struct conf *conf, const char *where, struct err *e)
{
	(void)conf;
	return fts_db_create(where, e);
}

static int open_index(struct index **i_r, const struct conf *conf, const char *where, enum index_mode mode,
	struct err *e)
{
	(void)conf;
	struct fts *f = fts_new(where, mode);

	if (ready(&f->base, e)) {
		fts_freep(&f);
		return -1;
	}
	*i_r = &f->base;
	return 0;
}

static bool is_damaged(const struct conf *conf, const char *where)
{
	(void)conf;
	return fts_damage_is_noted(where);
}

static void close_index(struct index *i)
{
	struct fts *f = fts_of(i);

	fts_freep(&f);
}

const struct index_driver index_fts_driver = {
	.scheme = "fts",
	.create = create,
	.open = open_index,
	.close = close_index,
	.add = fts_add,
	.remove = fts_remove,
	.sync = fts_sync,
	.search = fts_search,
	.generation = generation,
	.has = has_docs,
	.count = count_docs,
	.count_gone = count_gone,
	.ready = ready,
	.is_damaged = is_damaged,
	.rebuild_begin = fts_rebuild_begin,
	.rebuild_note = fts_rebuild_note,
	.rebuild_finish = fts_rebuild_finish,
	.rebuild_suspend = fts_rebuild_suspend,
	.rebuild_abandon = fts_rebuild_abandon,
};
