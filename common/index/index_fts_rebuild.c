#include "index/index_fts.h"

#include "base/fault.h"
#include "index/index_fts_damage.h"
#include "index/index_fts_gate.h"
#include "sys/io.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <unistd.h>

char *fts_rebuild_path(const char *path)
{
	return mem_printf("%s.new", path);
}

/* Makes FILE.new, with the gate closed so that no writer finds half of it. A file of a rebuild that died goes. */
static int create_beside(struct fts *f, struct err *e)
{
	_close_ int gate = -1;

	if (fts_gate_open(&gate, f->live, e) || fts_gate_exclusive(gate, GATE_NAME, e))
		return -1;
	fts_db_unlink(f->path);
	if (fts_db_create(f->path, e))
		return -1;
	return fts_db_open(&f->writer, f->path, FTS_BUILD, e);
}

int fts_rebuild_begin(struct index **fresh_r, const struct conf *conf, const char *where, struct err *e)
{
	(void)conf;
	_free_ char *path = fts_rebuild_path(where);
	CLEANUP(fts_freep) struct fts *f = fts_new(path, INDEX_WRITE);

	f->live = mem_strdup(where);
	if (fts_gate_open(&f->rebuild, where, e) || fts_gate_exclusive(f->rebuild, GATE_REBUILD, e) || create_beside(f, e))
		return -1;
	*fresh_r = &f->base;
	f = NULL;
	return 0;
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
	if (fts_db_checkpoint(f->writer, e) || settle_live(f->live, e))
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
