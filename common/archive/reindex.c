/* archive_reindex(): a fresh index of everything, beside the live one, and then in its place.
 *
 * Capture goes on meanwhile, into the live index. While the lock is held no daemon takes a message off the outbox
 * (archive/indexer.h), so whatever is committed after the walk went past it is still there afterwards and is drained
 * into the new index. A rebuild that dies leaves the old index as it was, and the lock is gone with the process. */
#include "archive/archive_private.h"
#include "archive/lockfile.h"
#include "archive/stored.h"
#include "base/clock.h"
#include "meta/maintenance.h"
#include "sys/io.h"

#include <inttypes.h>
#include <string.h>

#define WALK_AT_ONCE 64
#define UNREADABLE_ONE_IN 100 /* over it something is wrong with the store, not with a message */

/* A batch of documents being read while the one before it is being indexed. */
struct batch {
	struct archive *a;
	struct uuid ids[WALK_AT_ONCE];
	size_t n;
	struct document *documents[WALK_AT_ONCE];
	int failed;
	struct err e;
};

struct rebuild {
	struct archive *a;
	struct index *fresh;
	struct uuid after; /* the walk has come so far */
	struct batch batches[2];
	enum archive_reindex how;
	struct uuid *missing; /* could not be read; not on the outbox yet */
	size_t missing_count;
	struct archive_progress progress;
	int (*report)(void *ctx, const struct archive_progress *p);
	void *ctx;
};

static void *read_batch(void *arg)
{
	struct batch *b = arg;

	b->failed = stored_documents(b->a, b->ids, b->n, b->documents, &b->e);
	return NULL;
}

static int next_ids(struct rebuild *r, struct batch *b, struct err *e)
{
	if (meta_message_walk(r->a->meta, &r->after, b->ids, WALK_AT_ONCE, &b->n, e))
		return -1;
	if (b->n)
		r->after = b->ids[b->n - 1];
	return 0;
}

/* What can't be read must not vanish from the count of what is not searchable: it goes back to the outbox, once it is
 * certain that the old index, which may hold it, goes. */
static int put_on_outbox(struct rebuild *r, struct err *e)
{
	size_t n = r->missing_count;

	r->missing_count = 0;
	return n ? meta_outbox_add(r->a->meta, r->missing, n, clock_now_us(), e) : 0;
}

static int refuse(const struct rebuild *r, struct err *e)
{
	char first[UUID_TEXT_SIZE];

	return err_permanent(e,
		"%" PRIu64 " of the first %" PRIu64 " messages can't be read, %s for one: is the store whole, and all of its "
		"disks mounted? The old index stays",
		r->progress.failed, r->progress.done, uuid_format(first, &r->missing[0]));
}

static int note_unreadable(struct rebuild *r, const struct batch *b, struct err *e)
{
	size_t before = r->missing_count;

	for (size_t i = 0; i < b->n; i++) {
		if (b->documents[i])
			continue;
		if ((r->missing_count & (r->missing_count - 1)) == 0)
			r->missing = mem_realloc(r->missing, r->missing_count ? 2 * r->missing_count : 1, sizeof(*r->missing));
		r->missing[r->missing_count++] = b->ids[i];
	}
	r->progress.failed += r->missing_count - before;
	r->progress.done += b->n;
	if (r->how == ARCHIVE_REINDEX_ANYHOW)
		return put_on_outbox(r, e);
	return r->progress.failed > r->progress.total / UNREADABLE_ONE_IN ? refuse(r, e) : 0;
}

static int add_batch(struct rebuild *r, struct batch *b, struct err *e)
{
	struct index_doc docs[WALK_AT_ONCE];
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		if (b->documents[i])
			docs[n++] = b->documents[i]->doc;
	int failed = (n && index_add(r->fresh, docs, n, e)) || note_unreadable(r, b, e) ? -1 : 0;

	for (size_t i = 0; i < b->n; i++)
		document_freep(&b->documents[i]);
	if (failed)
		return -1;
	if (r->report && r->report(r->ctx, &r->progress))
		return err_temporary(e, "the rebuild was stopped; the old index stays");
	return 0;
}

/* Indexes `now` while `next` is being read. */
static int step(struct rebuild *r, struct batch *now, struct batch *next, struct err *e)
{
	pthread_t reader;
	struct err own = { 0 };

	if (next_ids(r, next, e))
		return -1;
	bool threaded = next->n && pthread_create(&reader, NULL, read_batch, next) == 0;
	int failed = now->n ? add_batch(r, now, &own) : 0;

	if (threaded)
		pthread_join(reader, NULL);
	else if (next->n)
		read_batch(next);
	if (failed) {
		*e = own;
		return -1;
	}
	if (next->n && next->failed)
		*e = next->e;
	return next->n ? next->failed : 0;
}

static int walk(struct rebuild *r, struct err *e)
{
	struct batch *now = &r->batches[0], *next = &r->batches[1];

	now->a = next->a = r->a;
	do {
		if (step(r, now, next, e))
			return -1;
		struct batch *was = now;

		now = next;
		next = was;
	} while (now->n);
	return 0;
}

static void free_batches(struct rebuild *r)
{
	for (size_t k = 0; k < ARRAY_LEN(r->batches); k++)
		for (size_t i = 0; i < WALK_AT_ONCE; i++)
			document_freep(&r->batches[k].documents[i]);
}

static int rebuild(struct rebuild *r, struct err *e)
{
	if (meta_message_count(r->a->meta, &r->progress.total, e) || index_rebuild_begin(&r->fresh, r->a->conf, e))
		return -1;
	if (walk(r, e) || put_on_outbox(r, e)) {
		free_batches(r);
		index_rebuild_abandon(&r->fresh, r->a->conf);
		return -1;
	}
	return index_rebuild_finish(&r->fresh, r->a->conf, e);
}

int archive_reindex(struct archive *a, enum archive_reindex how, int (*progress)(void *ctx, const struct archive_progress *p), void *ctx,
	struct archive_progress *p_r, struct err *e)
{
	_close_ int lock = -1;
	struct rebuild *r = NULL;
	int taken = lockfile_take(a->conf->run_dir, INDEXER_REBUILD_LOCK, &lock, e);

	if (taken == 0)
		return err_temporary(e, "the index is being rebuilt by another process");
	if (taken < 0)
		return -1;
	r = MEM_NEW(struct rebuild);
	r->a = a;
	r->how = how;
	r->report = progress;
	r->ctx = ctx;
	int failed = rebuild(r, e);

	*p_r = r->progress;
	free(r->missing);
	free(r);
	return failed;
}
