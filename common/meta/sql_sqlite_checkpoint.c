#include "meta/sql_sqlite_checkpoint.h"

#include "base/clock.h"
#include "base/log.h"
#include "sys/io.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Pages of the log, 4 KiB each. Every DUE they are moved while writers go on. Writers start the log again from its
 * beginning only when all of it was moved, which never happens while they keep adding; so where it has become LONG they
 * are held back for the moment that the rest takes. */
#define PAGES_DUE 8000
#define PAGES_LONG 64000

/* A reader that stays longer than this keeps the log from starting again; it is tried anew when the next is due. */
#define HOLD_US (CLOCK_SECOND / 10)

/* How long a checkpoint waits for the next commits; see run(). */
#define COMMITS_US CLOCK_SECOND

struct checkpointer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake, resume;
	bool due, stop; /* guarded by lock, as are: */
	bool hold;	/* the writer is to wait after its commit */
	bool counts;	/* the thread waits for commits */
	int moved;	/* pages of the log that are in the database */
	unsigned commits;
	const char *path;
	sqlite3 *db; /* of the thread, as is: */
	int64_t waiting_since;
	int turn; /* a descriptor of the log; who has its lock moves pages */
};

/* Runs in the committing thread, when the commit is durable. */
static int on_commit(void *ctx, sqlite3 *writer, const char *database, int pages)
{
	struct checkpointer *cp = ctx;

	(void)writer;
	(void)database;
	pthread_mutex_lock(&cp->lock);
	if (pages < cp->moved)
		cp->moved = 0; /* it has started again */
	cp->commits++;
	cp->due = cp->due || pages - cp->moved >= PAGES_DUE;
	if (cp->due || cp->counts)
		pthread_cond_signal(&cp->wake);
	while (cp->hold)
		pthread_cond_wait(&cp->resume, &cp->lock);
	pthread_mutex_unlock(&cp->lock);
	return SQLITE_OK;
}

static int wait_for_others(void *ctx, int times)
{
	struct checkpointer *cp = ctx;
	int64_t now = clock_monotonic_us();

	if (times == 0)
		cp->waiting_since = now;
	if (now - cp->waiting_since > HOLD_US)
		return 0;
	usleep(250);
	return 1;
}

/* Failing loses nothing: the log keeps everything. But after a failed fsync the pages it was about are in doubt. */
static void note_failure(struct checkpointer *cp, int code)
{
	if (code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED)
		return;
	if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC)
		log_fatal(NULL, "fsync(%s) failed: %s: the process ends", cp->path,
			sqlite3_errmsg(cp->db));
	log_warn(NULL, "checkpoint(%s) failed: %s; its log grows until this is mended", cp->path,
		sqlite3_errmsg(cp->db));
}

static void set_hold(struct checkpointer *cp, bool hold)
{
	pthread_mutex_lock(&cp->lock);
	cp->hold = hold;
	pthread_cond_broadcast(&cp->resume);
	pthread_mutex_unlock(&cp->lock);
}

/* Moves what is there. Pages of the log come back; 0 when it could not be done. */
static int checkpoint(struct checkpointer *cp, int mode)
{
	int pages = 0, moved = 0;
	int code = sqlite3_wal_checkpoint_v2(cp->db, NULL, mode, &pages, &moved);

	note_failure(cp, code);
	if (code != SQLITE_OK)
		return 0;
	pthread_mutex_lock(&cp->lock);
	cp->moved = moved;
	pthread_mutex_unlock(&cp->lock);
	return pages;
}

static void move_pages(struct checkpointer *cp, int mode)
{
	if (checkpoint(cp, mode) < PAGES_LONG)
		return;
	set_hold(cp, true);
	checkpoint(cp, SQLITE_CHECKPOINT_RESTART);
	set_hold(cp, false);
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

/* false: another process moves pages. SQLite itself locks nothing of this file. */
static bool take_turn(struct checkpointer *cp)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(cp->turn, F_OFD_SETLK, &whole) == 0;
}

static void end_turn(struct checkpointer *cp)
{
	struct flock whole = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	if (fcntl(cp->turn, F_OFD_SETLK, &whole))
		log_fatal(NULL, "fcntl(%s-wal) failed: %s", cp->path, strerror(errno));
}

/* Waits a moment until a commit has begun and ended: the hook of the first may be that of an earlier one. */
static bool wait_for_commit(struct checkpointer *cp)
{
	int64_t until = clock_monotonic_us() + COMMITS_US;
	struct timespec t = {
		.tv_sec = (time_t)(until / CLOCK_SECOND),
		.tv_nsec = (long)(until % CLOCK_SECOND) * 1000,
	};

	pthread_mutex_lock(&cp->lock);
	unsigned start = cp->commits;

	cp->counts = true;
	while (cp->commits - start < 2 && !cp->stop)
		if (pthread_cond_timedwait(&cp->wake, &cp->lock, &t) == ETIMEDOUT)
			break;
	bool came = cp->commits - start >= 2;

	cp->counts = false;
	pthread_mutex_unlock(&cp->lock);
	return came;
}

/* SQLite before 3.51.3 loses commits where a checkpoint begins on a log that is in the database entirely and somebody
 * starts the log again at that instant (sqlite.org/wal.html#walresetbug). So one process at a time moves pages, and only
 * when the log has grown since its turn began, which keeps it from being started again until this checkpoint is
 * through; where no commit comes, nobody minds that writers are locked out meanwhile. */
static void *run(void *arg)
{
	struct checkpointer *cp = arg;

	while (wait_until_due(cp)) {
		if (!take_turn(cp))
			continue;
		move_pages(cp, wait_for_commit(cp) ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_FULL);
		end_turn(cp);
	}
	return NULL;
}

static void release(struct checkpointer *cp)
{
	sqlite3_close(cp->db);
	io_closep(&cp->turn);
	pthread_cond_destroy(&cp->resume);
	pthread_cond_destroy(&cp->wake);
	pthread_mutex_destroy(&cp->lock);
	free(cp);
}

static void init_monotonic(pthread_cond_t *c)
{
	pthread_condattr_t a;

	pthread_condattr_init(&a);
	pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	pthread_cond_init(c, &a);
	pthread_condattr_destroy(&a);
}

/* A connection that never read anything does not know of the log yet, and moves nothing. */
static int open_database(struct checkpointer *cp)
{
	int code = sqlite3_open_v2(cp->path, &cp->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
		NULL);

	if (code == SQLITE_OK)
		code = sqlite3_exec(cp->db, "SELECT count(*) FROM sqlite_master", NULL, NULL, NULL);
	sqlite3_extended_result_codes(cp->db, 1);
	sqlite3_busy_handler(cp->db, wait_for_others, cp);
	return code;
}

static int open_own(struct checkpointer *cp, struct err *e)
{
	_free_ char *log = mem_printf("%s-wal", cp->path);

	if (open_database(cp) != SQLITE_OK)
		return err_temporary(e, "open(%s) failed: %s", cp->path, sqlite3_errmsg(cp->db));
	cp->turn = open(log, O_RDWR | O_CLOEXEC);
	return cp->turn < 0 ? err_errno(e, "open", log) : 0;
}

int checkpointer_start(struct checkpointer **cp_r, const char *path, sqlite3 *writer, struct err *e)
{
	struct checkpointer *cp = MEM_NEW(struct checkpointer);

	cp->path = path;
	cp->turn = -1;
	pthread_mutex_init(&cp->lock, NULL);
	init_monotonic(&cp->wake);
	pthread_cond_init(&cp->resume, NULL);
	if (open_own(cp, e)) {
		release(cp);
		return -1;
	}
	int failed = pthread_create(&cp->thread, NULL, run, cp);

	if (failed) {
		err_temporary(e, "pthread_create(checkpointer of %s) failed: %s", path,
			strerrordesc_np(failed));
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
