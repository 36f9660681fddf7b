#include "archive/group.h"

#include "archive/capture_metrics.h"
#include "archive/policy.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "ledger/record.h"
#include "meta/capture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define GROUP_MESSAGES 256
#define GROUP_BYTES ((size_t)8 * 1024 * 1024) /* of rows and documents */
#define CLEAR_WITH_A_GROUP 512
#define TRANSACT_TIMES 4

/* The entries of one transaction. Whoever comes first leads: it commits for all that have come when it is its turn. The
 * others are woken all at once and without the lock, which each of them would meet at otherwise. */
struct round {
	struct round *next;
	struct entry *entries[GROUP_MESSAGES];
	size_t n, bytes;
	bool closed, done; /* under the lock, as are entries, n and bytes until it is closed */
	atomic_size_t users;
	pthread_cond_t turn, over; /* of its leader; of the others */
};

struct group {
	struct meta *meta;
	struct indexer *indexer;
	char *daemon;
	pthread_mutex_t lock;
	struct round *first, *last; /* the first has its turn; under the lock */
	/* the leader's: */
	bool seq_known;
	uint64_t last_seq; /* of this daemon, committed */
};

struct group *group_new(struct meta *meta, struct indexer *indexer, const char *daemon)
{
	struct group *g = MEM_NEW(struct group);

	g->meta = meta;
	g->indexer = indexer;
	g->daemon = mem_strdup(daemon);
	pthread_mutex_init(&g->lock, NULL);
	return g;
}

void group_freep(struct group **g)
{
	if (!*g)
		return;
	pthread_mutex_destroy(&(*g)->lock);
	free((*g)->daemon);
	free(*g);
	*g = NULL;
}

/* ---- one transaction ---- */

/* A set of entries on its way into one transaction, and what it needs of memory. */
struct run {
	struct group *g;
	struct entry **entries;
	size_t n;
	size_t fresh; /* entries that are new to the archive */
	uint8_t clock_state;
	uint8_t leaves[GROUP_MESSAGES * SHA256_SIZE];
	struct buf record;
	bool entry_failed; /* it was a message that could not be inserted, not the database that failed */
};

static int encode_record(struct run *r, const struct entry *e, struct err *err)
{
	const struct message_row *row = &e->row;
	struct ledger_record record = {
		.archive_id = row->id,
		.kind = row->kind,
		.capture_point = row->capture_point,
		.daemon = r->g->daemon,
		.daemon_seq = r->g->last_seq + 1 + r->fresh,
		.received_us = row->received_us,
		.clock_state = r->clock_state,
		.content_length = row->size,
		.locator = row->locator,
		.lock_mode = row->lock_mode,
		.retain_until_us = row->retain_until_us,
		.policy_version = row->policy_version,
	};

	memcpy(record.content_sha256, row->sha256, SHA256_SIZE);
	memcpy(record.envelope_hash, e->envelope_hash, SHA256_SIZE);
	memcpy(record.object_sha256, row->sha256, SHA256_SIZE);
	buf_reset(&r->record);
	if (ledger_record_encode(&r->record, &record))
		return err_permanent(err, "ledger_record_encode() failed: the record is over %d bytes", LEDGER_RECORD_MAX);
	return 0;
}

static int insert(struct run *r, struct meta_capture *t, struct entry *e, struct err *err)
{
	uint8_t nonce[LEDGER_NONCE_SIZE];
	uint8_t *leaf = r->leaves + r->fresh * SHA256_SIZE;

	if (encode_record(r, e, err))
		return -1;
	ledger_nonce(nonce);
	ledger_leaf(leaf, nonce, r->record.data, r->record.len);
	if (meta_capture_insert(t, &e->row, nonce, r->record.data, r->record.len, leaf, err) ||
		meta_capture_hold(t, &e->row.id, e->holds, e->hold_count, err))
		return -1;
	r->fresh++;
	return 0;
}

static int claim_all(struct run *r, struct meta_capture *t, struct err *err)
{
	struct meta_claim claims[GROUP_MESSAGES];

	for (size_t i = 0; i < r->n; i++) {
		const struct entry *e = r->entries[i];

		claims[i] = (struct meta_claim){ .key = e->key, .id = e->row.id, .now_us = e->row.received_us };
	}
	if (meta_capture_claim(t, claims, r->n, err))
		return -1;
	for (size_t i = 0; i < r->n; i++) {
		r->entries[i]->known = !claims[i].taken;
		r->entries[i]->known_as = claims[i].existing;
	}
	return 0;
}

static int insert_new(struct run *r, struct meta_capture *t, struct err *err)
{
	r->fresh = 0;
	for (size_t i = 0; i < r->n; i++)
		if (!r->entries[i]->known && insert(r, t, r->entries[i], err))
			return -1;
	if (FAULT("archive.inserted"))
		return err_temporary(err, "meta_capture_insert() failed: fault");
	if (r->fresh == 0)
		return 0;
	return meta_capture_batch(t, r->g->daemon, r->g->last_seq + 1, r->fresh, r->leaves, clock_now_us(), err);
}

static int insert_all(struct run *r, struct meta_capture *t, struct err *err)
{
	if (claim_all(r, t, err) == 0 && insert_new(r, t, err) == 0)
		return 0;
	r->entry_failed = err->class == ERR_PERMANENT;
	return -1;
}

/* What the index took in meanwhile comes off the outbox on the way. */
static int clear_outbox(const struct group *g, struct meta_capture *t, struct err *err)
{
	struct uuid done[CLEAR_WITH_A_GROUP];
	size_t n = g->indexer ? indexer_take_done(g->indexer, done, CLEAR_WITH_A_GROUP) : 0;

	return n ? meta_capture_indexed(t, done, n, err) : 0;
}

static int fill_transaction(struct run *r, struct meta_capture *t, struct err *err)
{
	if (insert_all(r, t, err) || clear_outbox(r->g, t, err))
		return -1;
	return FAULT("archive.commit") ? err_temporary(err, "meta_capture_commit() failed: fault") : 0;
}

static int commit(struct meta_capture **t, struct err *err)
{
	if (meta_capture_commit(t, err))
		return -1;
	return FAULT("archive.committed") ? err_unknown(err, "meta_capture_commit() failed: fault") : 0;
}

/* Nobody knows whether the transaction was done: one of its keys tells for all of them. */
static int look_up_outcome(const struct run *r, struct err *err)
{
	struct err lookup = { 0 };

	for (size_t i = 0; i < r->n; i++) {
		const struct entry *e = r->entries[i];
		struct uuid id;

		if (e->known)
			continue;
		int found = meta_capture_find(r->g->meta, e->key, &id, &lookup);

		if (found < 0)
			return err_temporary(err, "the outcome of a commit stayed unknown: %s", lookup.text);
		if (found && memcmp(&id, &e->row.id, sizeof(id)) == 0)
			return 0;
		return err_temporary(err, "a commit of unknown outcome was not done");
	}
	return 0; /* nothing of it was new */
}

static int know_seq(struct group *g, struct err *err)
{
	if (g->seq_known)
		return 0;
	if (meta_capture_last_seq(g->meta, g->daemon, &g->last_seq, err))
		return -1;
	g->seq_known = true;
	return 0;
}

static int transact_once(struct run *r, struct err *err)
{
	struct group *g = r->g;
	struct meta_capture *t = NULL;

	if (FAULT("archive.begin"))
		return err_temporary(err, "meta_capture_begin() failed: fault");
	if (know_seq(g, err) || meta_capture_begin(g->meta, &t, err))
		return -1;
	g->seq_known = false; /* whatever fails: ask the database before the next one */
	if (fill_transaction(r, t, err)) {
		meta_capture_rollback(&t);
		return -1;
	}
	if (commit(&t, err)) {
		if (err->class != ERR_UNKNOWN || look_up_outcome(r, err))
			return -1;
		return 0;
	}
	g->seq_known = true;
	g->last_seq += r->fresh;
	metric_add(&capture_commits, 0, r->fresh > 0);
	return 0;
}

/* Again after a conflict with somebody else's transaction, of which nothing is left. */
static int transact(struct run *r, struct err *err)
{
	int failed;

	for (unsigned times = 1; (failed = transact_once(r, err)) && err->class == ERR_CONFLICT && times < TRANSACT_TIMES;
		times++)
		log_warn(NULL, "a group of %zu messages is committed again: %s", r->n, err->text);
	return failed;
}

/* ---- the group ---- */

static void offer_to_index(struct group *g, struct entry **entries, size_t n)
{
	struct document *documents[GROUP_MESSAGES];
	size_t fresh = 0;

	if (!g->indexer)
		return;
	for (size_t i = 0; i < n; i++) {
		if (entries[i]->known || !entries[i]->document)
			continue;
		documents[fresh++] = entries[i]->document;
		entries[i]->document = NULL;
	}
	struct index_batch *b = fresh ? indexer_offer(g->indexer, documents, fresh, fresh, INDEXER_MAY) : NULL;

	for (size_t i = 0; i < n; i++)
		entries[i]->batch = entries[i]->known ? NULL : b;
}

static void conclude(struct entry **entries, size_t n, int result, const struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		entries[i]->result = result;
		entries[i]->err = *err;
	}
}

/* One message that the database won't take must not keep the others out: after such a failure each is tried alone. */
static void commit_entries(struct group *g, struct entry **entries, size_t n)
{
	struct run r = {
		.g = g,
		.entries = entries,
		.n = n,
		.clock_state = policy_clock_state(),
		.record = BUF_INIT(LEDGER_RECORD_MAX),
	};
	struct err err = { 0 };
	int failed = transact(&r, &err);

	buf_deinit(&r.record);
	if (failed && r.entry_failed && n > 1) {
		log_warn(NULL, "a group of %zu messages could not be committed, each is tried alone: %s", n, err.text);
		for (size_t i = 0; i < n; i++)
			commit_entries(g, entries + i, 1);
		return;
	}
	if (!failed)
		offer_to_index(g, entries, n);
	conclude(entries, n, failed, &err);
}

static struct round *round_new(void)
{
	struct round *r = MEM_NEW(struct round);

	atomic_init(&r->users, 0);
	pthread_cond_init(&r->turn, NULL);
	pthread_cond_init(&r->over, NULL);
	return r;
}

/* The last one out frees it. */
static void round_leave(struct round *r)
{
	if (atomic_fetch_sub(&r->users, 1) > 1)
		return;
	pthread_cond_destroy(&r->over);
	pthread_cond_destroy(&r->turn);
	free(r);
}

static bool has_room(const struct round *r, size_t bytes)
{
	return !r->closed && r->n < GROUP_MESSAGES && r->bytes + bytes <= GROUP_BYTES;
}

/* The lock is held. */
static struct round *join(struct group *g, struct entry *e)
{
	struct round *r = g->last;

	if (!r || !has_room(r, e->document->bytes)) {
		r = round_new();
		*(g->last ? &g->last->next : &g->first) = r;
		g->last = r;
	}
	r->entries[r->n++] = e;
	r->bytes += e->document->bytes;
	atomic_fetch_add(&r->users, 1);
	return r;
}

/* The lock is held on entry, and not on return. */
static void lead(struct group *g, struct round *r)
{
	while (g->first != r)
		pthread_cond_wait(&r->turn, &g->lock);
	r->closed = true;
	pthread_mutex_unlock(&g->lock);
	commit_entries(g, r->entries, r->n);
	pthread_mutex_lock(&g->lock);
	r->done = true;
	g->first = r->next;
	if (g->first)
		pthread_cond_signal(&g->first->turn);
	else
		g->last = NULL;
	pthread_mutex_unlock(&g->lock);
	pthread_cond_broadcast(&r->over);
}

int group_commit(struct group *g, struct entry *e)
{
	pthread_mutex_lock(&g->lock);
	struct round *r = join(g, e);

	if (r->entries[0] == e) {
		lead(g, r);
	} else {
		while (!r->done)
			pthread_cond_wait(&r->over, &g->lock);
		pthread_mutex_unlock(&g->lock);
	}
	round_leave(r);
	return e->result;
}
