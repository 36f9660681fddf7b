#include "base/clock.h"
#include "cli/copy_object.h"
#include "meta/capture.h"
#include "meta/copy.h"
#include "meta/disposed.h"
#include "meta/maintenance.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define GROUP_MESSAGES 256 /* batches are gathered until there are so many, for one commit */
#define GROUP_BATCHES 256
#define ATTEMPTS 6 /* waiting 0.2, 0.4 … 3.2 s in between: longer than a restart of a server takes */
#define FIRST_WAIT_US (CLOCK_SECOND / 5)

struct item {
	struct message_row row;
	struct meta_record ledger;
	uint8_t key[SHA256_SIZE];
	int64_t taken_us;
	bool disposed;
};

/* Batches of one daemon that follow each other, and their messages. */
struct group {
	struct copy *copy;
	const char *daemon;
	struct meta_batch batches[GROUP_BATCHES];
	size_t batch_count;
	struct item *items; /* of all batches, one behind the other */
	struct uuid *ids;
	size_t n;
	/* while threads work */
	atomic_size_t next;
	atomic_bool failed;
	pthread_mutex_t lock;
	struct err e; /* of the first failure; under the lock */
};

static void group_deinit(struct group *g)
{
	for (size_t i = 0; i < g->batch_count; i++)
		meta_batch_deinit(&g->batches[i]);
	for (size_t i = 0; g->items && i < g->n; i++) {
		message_row_deinit(&g->items[i].row);
		meta_record_deinit(&g->items[i].ledger);
	}
	free(g->items);
	free(g->ids);
	pthread_mutex_destroy(&g->lock);
}

/* ---- gathering ---- */

static void add_batch(struct group *g, struct meta_batch *b)
{
	g->ids = mem_realloc(g->ids, g->n + b->count, sizeof(*g->ids));
	memcpy(g->ids + g->n, b->ids, b->count * sizeof(*g->ids));
	g->n += b->count;
	g->batches[g->batch_count++] = *b;
}

static int load_rows(struct group *g, struct err *e)
{
	_free_ struct message_row *rows = MEM_ARRAY(struct message_row, g->n);
	_free_ struct disposed *disposed = MEM_ARRAY(struct disposed, g->n);

	g->items = MEM_ARRAY(struct item, g->n);
	if (meta_disposed_of(g->copy->from.meta, g->ids, g->n, disposed, e) ||
		meta_messages_load(g->copy->from.meta, g->ids, g->n, rows, e))
		return -1;
	for (size_t i = 0; i < g->n; i++) {
		g->items[i].row = rows[i];
		g->items[i].disposed = disposed[i].at_us != 0;
	}
	return 0;
}

/* The batches behind *seq, which becomes the last number in them, and the rows of their messages. 0 with none at the end. */
static int gather(struct group *g, uint64_t *seq, struct err *e)
{
	while (g->n < GROUP_MESSAGES && g->batch_count < GROUP_BATCHES) {
		struct meta_batch b = { 0 };
		int found = meta_copy_batch(g->copy->from.meta, g->daemon, *seq, &b, e);

		if (found < 0)
			return -1;
		if (!found)
			break;
		if (b.first_seq != *seq + 1) {
			meta_batch_deinit(&b);
			return err_permanent(e, "ledger(%s) failed: number %" PRIu64 " is missing: see `strongroom check "
				"--ledger`", g->daemon, *seq + 1);
		}
		*seq = b.first_seq + b.count - 1;
		add_batch(g, &b);
	}
	return load_rows(g, e);
}

/* ---- objects ---- */

/* What there is of a message beside its row. */
static int load(struct copy *c, const struct uuid *id, struct item *item, struct err *e)
{
	char text[UUID_TEXT_SIZE];
	int found = message_row_is_there(&item->row);

	if (found)
		found = meta_record_get(c->from.meta, id, &item->ledger, e);
	if (found < 0)
		return -1;
	if (!found)
		return err_permanent(e, "the message %s of the ledger has no row: see `strongroom check --ledger`",
			uuid_format(text, id));
	found = meta_copy_key(c->from.meta, &item->row, item->key, &item->taken_us, e);
	if (found == 0)
		item->taken_us = item->row.received_us; /* lost: the one made again serves as well */
	return found < 0 ? -1 : 0;
}

/* Under the lock. */
static int note_lost(struct copy *c, const struct message_row *row, struct err *e)
{
	char text[UUID_TEXT_SIZE];

	progress_end(&c->line);
	printf("without its object: message %s: %s\n", uuid_format(text, &row->id), e->text);
	c->lost++;
	return c->incomplete ? 0 : err_prefix(e, "copy stopped (to take over what there is: copy --incomplete)");
}

static void note_failure(struct group *g, const struct err *e)
{
	if (!atomic_exchange(&g->failed, true))
		g->e = *e;
}

static void copy_one(struct group *g, struct item *item)
{
	struct copy *c = g->copy;
	struct err e = { 0 };
	enum copy_object result = copy_object(c, &item->row, item->disposed, &e);

	pthread_mutex_lock(&g->lock);
	if (result == COPY_OBJECT_FAILED || (result == COPY_OBJECT_LOST && note_lost(c, &item->row, &e) < 0))
		note_failure(g, &e);
	else if (result == COPY_OBJECT_DONE)
		c->bytes += item->row.size;
	c->disposed += result == COPY_OBJECT_DISPOSED;
	pthread_mutex_unlock(&g->lock);
}

static void *work(void *ctx)
{
	struct group *g = ctx;

	while (!atomic_load(&g->failed) && !progress_stopped()) {
		size_t i = atomic_fetch_add(&g->next, 1);
		struct err e = { 0 };

		if (i >= g->n)
			break;
		if (load(g->copy, &g->ids[i], &g->items[i], &e) == 0) {
			copy_one(g, &g->items[i]);
			continue;
		}
		pthread_mutex_lock(&g->lock);
		note_failure(g, &e);
		pthread_mutex_unlock(&g->lock);
	}
	return NULL;
}

static int copy_objects(struct group *g, struct err *e)
{
	_free_ pthread_t *threads = MEM_ARRAY(pthread_t, g->copy->threads);
	size_t started = 0;

	while (started < g->copy->threads && started < g->n &&
		pthread_create(&threads[started], NULL, work, g) == 0)
		started++;
	if (!started)
		work(g);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	if (!atomic_load(&g->failed))
		return 0;
	*e = g->e;
	return -1;
}

/* ---- rows ---- */

static int claim(struct meta_capture *t, const struct item *items, size_t n, struct err *e)
{
	_free_ struct meta_claim *claims = MEM_ARRAY(struct meta_claim, n);
	char text[UUID_TEXT_SIZE];

	for (size_t i = 0; i < n; i++)
		claims[i] = (struct meta_claim){ .key = items[i].key, .id = items[i].row.id, .now_us = items[i].taken_us };
	if (meta_capture_claim(t, claims, n, e))
		return -1;
	for (size_t i = 0; i < n; i++)
		if (!claims[i].taken)
			return err_permanent(e, "copy refused: the target has the message %s already, apart from the ledger",
				uuid_format(text, &claims[i].existing));
	return 0;
}

static int insert(struct meta_capture *t, const struct item *item, struct err *e)
{
	return meta_capture_insert(t, &item->row, item->ledger.nonce, item->ledger.record, item->ledger.record_length,
		item->ledger.leaf, e);
}

static int write_batches(struct group *g, struct meta_capture *t, struct err *e)
{
	const struct item *item = g->items;

	for (size_t i = 0; i < g->batch_count; i++) {
		const struct meta_batch *b = &g->batches[i];

		if (claim(t, item, b->count, e))
			return -1;
		for (size_t k = 0; k < b->count; k++)
			if (insert(t, item++, e))
				return -1;
		if (meta_capture_batch(t, g->daemon, b->first_seq, b->count, b->leaves, b->committed_us, e))
			return -1;
	}
	return 0;
}

static int commit(struct group *g, struct err *e)
{
	struct meta_capture *t;

	if (meta_capture_begin(g->copy->to.meta, &t, e))
		return -1;
	if (write_batches(g, t, e) == 0)
		return meta_capture_commit(&t, e);
	meta_capture_rollback(&t);
	return -1;
}

/* Was it a commit whose answer was lost? 1, 0, -1. */
static int is_there(struct group *g, struct err *e)
{
	uint64_t seq;

	if (meta_capture_last_seq(g->copy->to.meta, g->daemon, &seq, e))
		return -1;
	return seq >= g->batches[0].first_seq;
}

static void wait_us(int64_t us)
{
	const struct timespec t = { .tv_sec = us / CLOCK_SECOND, .tv_nsec = us % CLOCK_SECOND * 1000 };

	nanosleep(&t, NULL);
}

static int write_group(struct group *g, struct err *e)
{
	int64_t wait = FIRST_WAIT_US;

	for (int i = 1;; i++) {
		struct err lookup;

		if (commit(g, e) == 0 || is_there(g, &lookup) > 0)
			return 0;
		if (e->class == ERR_PERMANENT || i == ATTEMPTS || progress_stopped())
			return -1;
		wait_us(wait);
		wait *= 2;
	}
}

/* ---- all of it ---- */

static void show(struct copy *c)
{
	progress_show(&c->line, "%" PRIu64 " of %" PRIu64 " messages, %" PRIu64 " MiB copied", c->before + c->copied, c->total,
		c->bytes >> 20);
}

/* One group. 1; 0 at the end, or stopped before it was written. */
static int copy_group(struct copy *c, const char *daemon, uint64_t *seq, struct err *e)
{
	CLEANUP(group_deinit) struct group g = { .copy = c, .daemon = daemon, .lock = PTHREAD_MUTEX_INITIALIZER };

	if (gather(&g, seq, e))
		return -1;
	if (!g.n)
		return 0;
	if (copy_objects(&g, e))
		return -1;
	if (progress_stopped())
		return 0;
	if (write_group(&g, e))
		return -1;
	c->copied += g.n;
	for (size_t i = 0; i < g.n; i++)
		c->moved += g.items[i].row.origin != NULL;
	show(c);
	return 1;
}

/* A failure that may be over soon is waited out: what a group has done already is found again. */
static int copy_group_patiently(struct copy *c, const char *daemon, uint64_t *seq, struct err *e)
{
	int64_t wait = FIRST_WAIT_US;

	for (int i = 1;; i++) {
		uint64_t at = *seq, lost = c->lost, disposed = c->disposed;
		int more = copy_group(c, daemon, &at, e);

		if (more >= 0) {
			*seq = at;
			return more;
		}
		if (e->class == ERR_PERMANENT || i == ATTEMPTS || progress_stopped())
			return -1;
		c->lost = lost;
		c->disposed = disposed;
		wait_us(wait);
		wait *= 2;
	}
}

static int copy_daemon(struct copy *c, const char *daemon, struct err *e)
{
	uint64_t seq;
	int more = 1;

	if (meta_capture_last_seq(c->to.meta, daemon, &seq, e))
		return -1;
	while (more > 0 && !progress_stopped())
		more = copy_group_patiently(c, daemon, &seq, e);
	return more;
}

int copy_messages(struct copy *c, struct err *e)
{
	CLEANUP(strv_deinit) struct strv daemons = { 0 };

	if (meta_message_count(c->from.meta, &c->total, e) || meta_message_count(c->to.meta, &c->before, e) ||
		meta_copy_daemons(c->from.meta, &daemons, e))
		return -1;
	for (size_t i = 0; i < daemons.n; i++)
		if (copy_daemon(c, daemons.items[i], e))
			return -1;
	return 0;
}
