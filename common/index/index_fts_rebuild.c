#include "index/index_fts.h"

#include "base/fault.h"
#include "index/index_fts_damage.h"
#include "index/index_fts_gate.h"
#include "sys/io.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

char *fts_rebuild_path(const char *path)
{
	return mem_printf("%s.new", path);
}

/* Makes FILE.new. What is left of a rebuild that died goes. */
static int create_beside(struct fts *f, struct err *e)
{
	fts_db_closep(&f->writer);
	fts_db_unlink(f->path);
	if (fts_db_create(f->path, e) || fts_db_open(&f->writer, f->path, FTS_BUILD, e))
		return -1;
	return fts_db_run(f->writer, SQL_REBUILD_BEGIN, e);
}

/* Is FILE.new there, sound, and what this version left of a rebuild? */
static bool take_up(struct fts *f, struct uuid *done_r)
{
	struct err ignored;

	if (access(f->path, F_OK) || fts_db_open(&f->writer, f->path, FTS_BUILD, &ignored))
		return false;
	sqlite3_stmt *s = fts_db_statement(f->writer, SQL_REBUILD_DONE, &ignored);

	if (!s)
		return false;
	sqlite3_bind_text(s, 1, STRONGROOM_VERSION, -1, SQLITE_STATIC);
	bool found = sqlite3_step(s) == SQLITE_ROW && sqlite3_column_bytes(s, 0) == UUID_SIZE;

	if (found)
		memcpy(done_r->bytes, sqlite3_column_blob(s, 0), UUID_SIZE);
	sqlite3_reset(s);
	return found;
}

/* With the gate closed, so that no writer finds half of it. */
static int open_beside(struct fts *f, bool afresh, struct uuid *done_r, struct err *e)
{
	_close_ int gate = -1;

	if (fts_gate_open(&gate, f->live, e) || fts_gate_exclusive(gate, GATE_NAME, e))
		return -1;
	return !afresh && take_up(f, done_r) ? 0 : create_beside(f, e);
}

int fts_rebuild_begin(struct index **fresh_r, const struct conf *conf, const char *where, const struct index_rebuild *what,
	struct uuid *done_r, struct err *e)
{
	_free_ char *path = fts_rebuild_path(where);
	CLEANUP(fts_freep) struct fts *f = fts_new(path, INDEX_WRITE);

	(void)conf;
	if (what->from_us != INT64_MIN || what->until_us != INT64_MAX)
		return err_permanent(e, "rebuild(%s) failed: the embedded index is one file, it can only be rebuilt as a whole", where);
	f->live = mem_strdup(where);
	if (fts_gate_open(&f->rebuild, where, e) || fts_gate_exclusive(f->rebuild, GATE_REBUILD, e) ||
		open_beside(f, what->afresh, done_r, e))
		return -1;
	*fresh_r = &f->base;
	f = NULL;
	return 0;
}

int fts_rebuild_note(struct index *fresh, const struct uuid *done, struct err *e)
{
	struct fts *f = fts_of(fresh);
	int rc = -1;

	pthread_mutex_lock(&f->write_lock);
	sqlite3_stmt *s = f->writer ? fts_db_statement(f->writer, SQL_REBUILD_NOTE, e) : NULL;

	if (!f->writer)
		err_temporary(e, "rebuild(%s) failed: finishing it failed before", f->path);
	if (s) {
		sqlite3_bind_blob(s, 1, done->bytes, UUID_SIZE, SQLITE_STATIC);
		sqlite3_bind_text(s, 2, STRONGROOM_VERSION, -1, SQLITE_STATIC);
		rc = sqlite3_step(s) == SQLITE_DONE ? 0 : fts_db_fail(f->writer, "rebuild", e);
		sqlite3_reset(s);
	}
	pthread_mutex_unlock(&f->write_lock);
	return rc;
}

static int sync_directory(const char *path, struct err *e)
{
	_free_ char *copy = mem_strdup(path);
	_close_ int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(e, "open", copy);
	io_fsync_dir_or_die(fd, copy);
	return 0;
}

/* Empties the live file's log into it, so that it is whole without its log until the very moment it is replaced. There
 * is nothing to keep of a file that is damaged or gone. */
static int settle_live(const char *path, struct err *e)
{
	CLEANUP(fts_db_closep) struct fts_db *db = NULL;

	if (fts_db_open(&db, path, FTS_WRITE, e))
		return e->class == ERR_PERMANENT ? 0 : -1;
	return fts_db_checkpoint(db, e);
}

/* With the gate closed nobody opens or writes either file. Processes that still read the old one keep its log open. */
static int replace(struct fts *f, struct err *e)
{
	fts_close_readers(f);
	if (fts_db_run(f->writer, SQL_REBUILD_END, e) || fts_db_checkpoint(f->writer, e) || settle_live(f->live, e))
		return -1;
	fts_db_closep(&f->writer);
	fts_db_unlink_logs(f->path);
	fts_db_unlink_logs(f->live);
	if (FAULT("index-replace"))
		return err_temporary(e, "rename(%s) failed: as the test asked", f->path);
	if (rename(f->path, f->live))
		return err_errno(e, "rename", f->path);
	fts_damage_forget(f->live);
	return sync_directory(f->live, e);
}

int fts_rebuild_finish(struct index *fresh, struct err *e)
{
	struct fts *f = fts_of(fresh);
	_close_ int gate = -1;

	if (fts_gate_open(&gate, f->live, e) || fts_gate_exclusive(gate, GATE_NAME, e))
		return -1;
	if (replace(f, e)) {
		/* Nothing was replaced: the caller abandons or tries again. */
		struct err ignored;

		if (!f->writer && fts_db_open(&f->writer, f->path, FTS_BUILD, &ignored))
			f->writer = NULL;
		return -1;
	}
	fts_freep(&f);
	return 0;
}

void fts_rebuild_suspend(struct index *fresh)
{
	struct fts *f = fts_of(fresh);

	fts_freep(&f);
}

void fts_rebuild_abandon(struct index *fresh)
{
	struct fts *f = fts_of(fresh);
	_close_ int gate = -1;
	struct err ignored;

	/* A writer that holds the gate may be adding to the file: unlinking it under him is harmless, he only loses what
	 * nobody wants any more. */
	if (fts_gate_open(&gate, f->live, &ignored) == 0)
		(void)!fts_gate_exclusive(gate, GATE_NAME, &ignored);
	fts_db_closep(&f->writer);
	fts_db_unlink(f->path);
	fts_freep(&f);
}
