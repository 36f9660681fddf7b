#include "cli/copy_object.h"

#include "base/clock.h"
#include "meta/disposed.h"
#include "store/store_fetch.h"

#include <string.h>

/* A lock that would be over already no store takes: such an object is locked for this long. */
#define LOCK_AT_LEAST_US (86400 * CLOCK_SECOND)

/* ---- to the target ---- */

static int add_to_digest(void *ctx, const void *data, size_t n)
{
	sha256_add(ctx, data, n);
	return 0;
}

/* Is what is there now, read back from there, the message? */
static int verify(struct copy *c, const struct message_row *row, const struct locator *where, struct err *e)
{
	CLEANUP(sha256_freep) struct sha256 *h = sha256_new();
	uint8_t digest[SHA256_SIZE];

	if (store_get(c->to.store, where, add_to_digest, h, e))
		return err_prefix(e, "reading back");
	sha256_finish(h, digest);
	if (where->length == row->size && memcmp(digest, row->sha256, SHA256_SIZE) == 0)
		return 0;
	return err_permanent(e, "the target's object %s has other bytes than the message", where->key);
}

/* As long as recorded, or longer. */
static int64_t retain_until(struct copy *c, const struct message_row *row)
{
	int64_t least_us = clock_now_us() + LOCK_AT_LEAST_US;

	if (strcmp(store_lock_mode(c->to.store), "file") == 0 || row->retain_until_us > least_us)
		return row->retain_until_us;
	return least_us;
}

/* An earlier run that was cut off may have put it there. */
static int put(struct copy *c, const struct message_row *row, const struct message *m, int64_t until_us,
	struct locator *where_r, struct err *e)
{
	const struct store_object object = { row->id, message_bytes(m), message_size(m), row->sha256, until_us };
	int found = store_find(c->to.store, &row->id, where_r, e);

	if (found)
		return found < 0 ? -1 : 0;
	if (store_put(c->to.store, &object, where_r, e) == 0)
		return 0;
	if (e->class != ERR_UNKNOWN)
		return -1;
	found = store_find(c->to.store, &row->id, where_r, e);
	if (found < 0)
		return -1;
	return found ? 0 : err_temporary(e, "put(%s) failed: its outcome was not known, and the object is not there",
		row->locator.key);
}

/* ---- the row ---- */

static bool same_place(const struct message_origin *o, const struct locator *l, const char *lock_mode, int64_t until_us)
{
	return strcmp(o->locator.bucket, l->bucket) == 0 && strcmp(o->locator.key, l->key) == 0 &&
		strcmp(o->locator.version, l->version) == 0 && o->locator.offset == l->offset &&
		o->locator.length == l->length && strcmp(o->lock_mode, lock_mode) == 0 && o->retain_until_us == until_us;
}

/* The first place stays known; where the object came back to it, it was never away. Takes over *where. */
static void relocate(struct copy *c, struct message_row *row, struct locator *where, int64_t until_us)
{
	struct message_origin was = { row->locator, row->lock_mode, row->retain_until_us };

	row->locator = *where;
	*where = (struct locator){ 0 };
	row->lock_mode = mem_strdup(store_lock_mode(c->to.store));
	row->retain_until_us = until_us;
	row->moved_us = clock_now_us();
	if (row->origin) {
		locator_deinit(&was.locator);
		free(was.lock_mode);
	} else {
		row->origin = MEM_NEW(struct message_origin);
		*row->origin = was;
	}
	if (same_place(row->origin, &row->locator, row->lock_mode, until_us))
		message_row_forget_origin(row);
}

/* ---- what was disposed of ---- */

/* Nothing of it is copied; what an earlier copy has put there, and got no further, must be found when it is removed. */
static enum copy_object leave_out(struct copy *c, struct message_row *row, struct err *e)
{
	CLEANUP(locator_deinit) struct locator where = { 0 };
	int found = store_find(c->to.store, &row->id, &where, e);

	if (found < 0)
		return COPY_OBJECT_FAILED;
	if (found)
		relocate(c, row, &where, retain_until(c, row));
	return COPY_OBJECT_DISPOSED;
}

/* The source does not have it: is it missed there? */
static enum copy_object judge_lost(struct copy *c, struct message_row *row, struct err *e)
{
	struct disposed d;
	struct err why = *e;
	int disposed = meta_disposed_get(c->from.meta, &row->id, &d, e);

	if (disposed)
		return disposed < 0 ? COPY_OBJECT_FAILED : leave_out(c, row, e);
	*e = why;
	return COPY_OBJECT_LOST;
}

/* ---- all of it ---- */

enum copy_object copy_object(struct copy *c, struct message_row *row, bool disposed, struct err *e)
{
	const struct store_expected expected = { &row->locator, row->size, row->sha256 };
	CLEANUP(message_freep) struct message *m = NULL;
	CLEANUP(locator_deinit) struct locator where = { 0 };
	int64_t until_us = retain_until(c, row);

	if (disposed)
		return leave_out(c, row, e);
	int got = store_fetch(c->from.store, &expected, c->from.conf.spool_dir, &m, e);

	if (got <= 0)
		return got ? COPY_OBJECT_FAILED : judge_lost(c, row, e);
	if (put(c, row, m, until_us, &where, e) || verify(c, row, &where, e))
		return COPY_OBJECT_FAILED;
	relocate(c, row, &where, until_us);
	return COPY_OBJECT_DONE;
}
