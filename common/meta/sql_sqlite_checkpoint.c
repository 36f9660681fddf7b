#include "meta/sql_sqlite_checkpoint.h"

#include "base/log.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

/* Pages of the log (4 KiB each). From DUE on they are moved while writers go on. A log never starts again from its
 * beginning while writers keep adding, so beyond LONG the writers are held back for the moment that the rest takes. */
#define PAGES_DUE 4000
#define PAGES_LONG 32000
#define HOLD_WRITERS_MS 1000

struct checkpointer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool due, stop; /* guarded by lock */
	const char *path;
	sqlite3 *db; /* of the thread */
};

/* Runs in the committing thread. */
static int on_commit(void *ctx, sqlite3 *writer, const char *database, int pages)
{
	struct checkpointer *cp = ctx;

	(void)writer;
	(void)database;
	if (pages >= PAGES_DUE) {
		pthread_mutex_lock(&cp->lock);
		cp->due = true;
		pthread_cond_signal(&cp->wake);
		pthread_mutex_unlock(&cp->lock);
	}
	return SQLITE_OK;
}

/* Failing loses nothing: the log keeps everything. But after a failed fsync the pages it was about are in doubt. */
static void note_failure(struct checkpointer *cp, int code)
{
	if (code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED)
		return;
	if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC)
		log_fatal(NULL, "fsync(%s) failed: %s: the process ends", cp->path, sqlite3_errmsg(cp->db));
	log_warn(NULL, "checkpoint(%s) failed: %s; its log grows until this is mended", cp->path,
		sqlite3_errmsg(cp->db));
}

static void checkpoint(struct checkpointer *cp)
{
	int pages = 0, moved = 0;
	int code = sqlite3_wal_checkpoint_v2(cp->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &moved);

	if (code == SQLITE_OK && pages >= PAGES_LONG)
		code = sqlite3_wal_checkpoint_v2(cp->db, NULL, SQLITE_CHECKPOINT_RESTART, NULL, NULL);
	note_failure(cp, code);
}

static bool wait_until_due(struct checkpointer *cp)
{
	pthread_mutex_lock(&cp->lock);
	while (!cp->due && !cp->stop)
		pthread_cond_wait(&cp->wake, &cp->lock);
	bool go_on = !cp->stop;

	cp->due = false;
	pthread_mutex_unlock(&cp->lock);
	return go_on;
}

static void *run(void *arg)
{
	struct checkpointer *cp = arg;

	while (wait_until_due(cp))
		checkpoint(cp);
	return NULL;
}

static void release(struct checkpointer *cp)
{
	sqlite3_close(cp->db);
	pthread_cond_destroy(&cp->wake);
	pthread_mutex_destroy(&cp->lock);
	free(cp);
}

int checkpointer_start(struct checkpointer **cp_r, const char *path, sqlite3 *writer, struct err *e)
{
	struct checkpointer *cp = MEM_NEW(struct checkpointer);

	cp->path = path;
	pthread_mutex_init(&cp->lock, NULL);
	pthread_cond_init(&cp->wake, NULL);
	if (sqlite3_open_v2(path, &cp->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
		err_temporary(e, "open(%s) failed: %s", path, sqlite3_errmsg(cp->db));
		release(cp);
		return -1;
	}
	sqlite3_extended_result_codes(cp->db, 1);
	sqlite3_busy_timeout(cp->db, HOLD_WRITERS_MS);
	int failed = pthread_create(&cp->thread, NULL, run, cp);

	if (failed) {
		err_temporary(e, "pthread_create(checkpointer of %s) failed: %s", path, strerror(failed));
		release(cp);
		return -1;
	}
	sqlite3_wal_hook(writer, on_commit, cp);
	*cp_r = cp;
	return 0;
}

void checkpointer_stopp(struct checkpointer **cp)
{
	struct checkpointer *c = *cp;

	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	c->stop = true;
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	release(c);
	*cp = NULL;
}
