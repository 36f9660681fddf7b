/* archive_reindex(): a fresh index beside the live one, and then in its place.
 *
 * Messages are read in the order of their ids, several at once, while sets of those read before go into the index, two at a
 * time. How far that came is noted in the new index, so that a rebuild that was stopped, or died, goes on there.
 *
 * Capture goes on meanwhile, into the live index. While the lock is held no daemon of this machine takes a message off the
 * outbox (archive/indexer.h). Those of other machines do: so, when the new index is in place, every message since shortly
 * before the rebuild began is looked up in it, and what is missing goes back to the outbox. */
#include "archive/archive_private.h"
#include "archive/lockfile.h"
#include "archive/stored_reader.h"
#include "base/clock.h"
#include "meta/disposed.h"
#include "meta/maintenance.h"
#include "sys/io.h"

#include <inttypes.h>
#include <string.h>

#define ASK_AT_ONCE 64 /* so that as many are on their way while their rows are read */
#define SET_DOCUMENTS 512
#define SET_BYTES ((size_t)8 * 1024 * 1024)
#define SETS 3			  /* one is filled while the others are being added */
#define NOTE_US (5 * CLOCK_SECOND)	  /* between two notes of how far it came */
#define LATE_US (3600 * CLOCK_SECOND) /* between a message's id and its commit, at the very most */
#define IDS_AT_ONCE 4096
#define LOOK_UP_AT_ONCE 500
#define UNREADABLE_ONE_IN 100 /* over it something is wrong with the store, not with a message */

/* Documents that are added together. */
struct set {
	struct index *index;
	struct document *documents[SET_DOCUMENTS];
	bool refused[SET_DOCUMENTS];
	size_t n, bytes;
	size_t walked;	  /* messages it stands for, those that could not be read included */
	struct uuid last; /* of them */
	bool underway;	  /* `thread` adds it */
	pthread_t thread;
	int failed;
	struct err e;
};

struct rebuild {
	struct archive *a;
	const struct archive_rebuild *what;
	struct index *fresh;
	struct stored_reader *reader;
	struct uuid after; /* the walk has come so far */
	bool walked;	   /* to the end */
	struct set sets[SETS];
	size_t filling;	   /* the sets behind it are older, round the ring */
	bool failed;	   /* nothing that a set brings from now on counts */
	struct uuid added; /* all up to it are in the new index, or on the outbox after the next note */
	int64_t note_due_us;
	struct uuid *missing; /* not in the new index for what they are; not on the outbox yet */
	size_t missing_count;
	struct uuid first_missing;
	struct archive_progress progress;
	int (*report)(void *ctx, const struct archive_progress *p);
	void *ctx;
};

/* ---- ids ---- */

/* The least id of an instant. */
static struct uuid id_at(int64_t us)
{
	uint64_t ms = us > 0 ? (uint64_t)us / 1000 : 0;
	struct uuid id = { 0 };

	for (int i = 0; i < 6; i++)
		id.bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
	return id;
}

/* The greatest id before those of an instant; all zero for none. */
static struct uuid id_before(int64_t us)
{
	struct uuid id = id_at(us);

	for (int i = UUID_SIZE; i-- > 0 && id.bytes[i]-- == 0;)
		;
	return us > 0 ? id : (struct uuid){ 0 };
}

static bool is_covered(const struct rebuild *r, const struct uuid *id)
{
	struct uuid end = id_at(r->what->until_us);

	return r->what->until_us == INT64_MAX || memcmp(id->bytes, end.bytes, UUID_SIZE) < 0;
}

/* The others stay, in their order. */
static int leave_out_disposed(struct rebuild *r, struct uuid *ids, size_t *n, struct err *e)
{
	_free_ struct disposed *disposed = MEM_ARRAY(struct disposed, *n);
	size_t kept = 0;

	if (meta_disposed_of(r->a->meta, ids, *n, disposed, e))
		return -1;
	for (size_t i = 0; i < *n; i++)
		if (!disposed[i].at_us)
			ids[kept++] = ids[i];
	*n = kept;
	return 0;
}

/* Up to max ids of the range behind *after, which moves to the last that was looked at; none at the end. What was disposed of is
 * passed over: it is not counted, not indexed, and not missed afterwards. */
static int walk_ids(struct rebuild *r, struct uuid *after, struct uuid *ids, size_t max, size_t *n_r, struct err *e)
{
	do {
		if (meta_message_walk(r->a->meta, after, ids, max, n_r, e))
			return -1;
		while (*n_r && !is_covered(r, &ids[*n_r - 1]))
			--*n_r;
		if (!*n_r)
			return 0;
		*after = ids[*n_r - 1];
		if (leave_out_disposed(r, ids, n_r, e))
			return -1;
	} while (!*n_r);
	return 0;
}

/* How many messages there are, and how many of them an earlier rebuild has added. */
static int count(struct rebuild *r, const struct uuid *done, struct err *e)
{
	_free_ struct uuid *ids = MEM_ARRAY(struct uuid, IDS_AT_ONCE);
	struct uuid after = id_before(r->what->from_us);
	size_t n;

	do {
		if (walk_ids(r, &after, ids, IDS_AT_ONCE, &n, e))
			return -1;
		r->progress.total += n;
		for (size_t i = 0; i < n; i++)
			r->progress.done += memcmp(ids[i].bytes, done->bytes, UUID_SIZE) <= 0;
	} while (n);
	return 0;
}

/* ---- what can't be indexed ---- */

/* It must not vanish from the count of what is not searchable: it goes back to the outbox. */
static int put_on_outbox(struct rebuild *r, struct err *e)
{
	size_t n = r->missing_count;

	r->missing_count = 0;
	return n ? meta_outbox_add(r->a->meta, r->missing, n, clock_now_us(), e) : 0;
}

static void note_missing(struct rebuild *r, const struct uuid *id)
{
	if ((r->missing_count & (r->missing_count - 1)) == 0)
		r->missing = mem_realloc(r->missing, r->missing_count ? 2 * r->missing_count : 1, sizeof(*r->missing));
	r->missing[r->missing_count++] = *id;
	if (!r->progress.failed++)
		r->first_missing = *id;
}

static int refuse(const struct rebuild *r, struct err *e)
{
	char first[UUID_TEXT_SIZE];

	return err_permanent(e,
		"%" PRIu64 " of the first %" PRIu64 " messages can't be read, %s for one: is the store whole, and all of its "
		"disks mounted? The old index stays",
		r->progress.failed, r->progress.done, uuid_format(first, &r->first_missing));
}

static int judge_missing(const struct rebuild *r, struct err *e)
{
	if (r->what->how == ARCHIVE_REINDEX_ANYHOW || !r->progress.failed)
		return 0;
	return r->progress.failed > r->progress.total / UNREADABLE_ONE_IN ? refuse(r, e) : 0;
}

/* ---- sets ---- */

static void *add_set(void *arg)
{
	struct set *s = arg;
	_free_ struct index_doc *docs = MEM_ARRAY(struct index_doc, s->n);

	for (size_t i = 0; i < s->n; i++) {
		docs[i] = s->documents[i]->doc;
		docs[i].refused = &s->refused[i];
	}
	s->failed = index_add(s->index, docs, s->n, &s->e);
	return NULL;
}

static void empty_set(struct set *s)
{
	for (size_t i = 0; i < s->n; i++)
		document_freep(&s->documents[i]);
	memset(s->refused, 0, sizeof(s->refused));
	s->n = s->bytes = s->walked = 0;
}

/* First the outbox: whoever goes on from here does not look at these messages again. */
static int note(struct rebuild *r, struct err *e)
{
	r->note_due_us = clock_monotonic_us() + NOTE_US;
	return put_on_outbox(r, e) || index_rebuild_note(r->fresh, &r->added, e) ? -1 : 0;
}

static int report(struct rebuild *r, struct err *e)
{
	if (clock_monotonic_us() >= r->note_due_us && note(r, e))
		return -1;
	if (r->report && r->report(r->ctx, &r->progress))
		return err_temporary(e, "the rebuild was stopped; the old index stays");
	return 0;
}

/* Waits for a set; the sets are waited for in the order in which they were begun. */
static int finish_set(struct rebuild *r, struct set *s, struct err *e)
{
	if (!s->underway)
		return 0;
	pthread_join(s->thread, NULL);
	s->underway = false;
	if (s->failed || r->failed) { /* behind one that failed none counts */
		if (s->failed)
			*e = s->e;
		empty_set(s);
		r->failed = true;
		return -1;
	}
	for (size_t i = 0; i < s->n; i++)
		if (s->refused[i])
			note_missing(r, &s->documents[i]->doc.id);
	r->added = s->last;
	r->progress.done += s->walked;
	empty_set(s);
	r->failed = judge_missing(r, e) || report(r, e);
	return r->failed ? -1 : 0;
}

/* Has the set that is filled added, and goes on with the next one when that is free. */
static int send_set(struct rebuild *r, struct err *e)
{
	struct set *s = &r->sets[r->filling];

	s->index = r->fresh;
	s->failed = 0;
	if (pthread_create(&s->thread, NULL, add_set, s))
		return err_temporary(e, "pthread_create(reindex) failed: out of threads");
	s->underway = true;
	r->filling = (r->filling + 1) % SETS;
	return finish_set(r, &r->sets[r->filling], e);
}

static int finish_sets(struct rebuild *r, struct err *e)
{
	struct err ignored;

	for (size_t i = 1; i <= SETS; i++) { /* the oldest first; all of them, whatever happens: they have threads */
		bool before = r->failed;

		(void)!finish_set(r, &r->sets[(r->filling + i) % SETS], before ? &ignored : e);
	}
	return r->failed ? -1 : 0;
}

/* ---- the walk ---- */

/* Keeps the reader busy. */
static int ask_for_more(struct rebuild *r, struct err *e)
{
	struct uuid ids[ASK_AT_ONCE];
	size_t n;

	while (!r->walked && stored_reader_room(r->reader) >= ASK_AT_ONCE) {
		if (walk_ids(r, &r->after, ids, ASK_AT_ONCE, &n, e) || (n && stored_reader_ask(r->reader, ids, n, e)))
			return -1;
		r->walked = n == 0;
	}
	return 0;
}

/* Reads the next message into the set; 1, or 0 at the end. */
static int read_one(struct rebuild *r, struct err *e)
{
	struct set *s = &r->sets[r->filling];
	struct document *d;
	struct uuid id;

	if (ask_for_more(r, e))
		return -1;
	int more = stored_reader_take(r->reader, &id, &d, e);

	if (more <= 0)
		return more;
	s->last = id;
	s->walked++;
	if (d) {
		s->bytes += d->bytes;
		s->documents[s->n++] = d;
	} else if (more == 1) { /* one that was disposed of meanwhile is not missed */
		note_missing(r, &id);
	}
	return 1;
}

static int walk(struct rebuild *r, struct err *e)
{
	int more;

	while ((more = read_one(r, e)) > 0) {
		const struct set *s = &r->sets[r->filling];

		if ((s->bytes >= SET_BYTES || s->walked == SET_DOCUMENTS) && send_set(r, e))
			return -1;
	}
	if (more < 0)
		return -1;
	return r->sets[r->filling].walked ? send_set(r, e) : 0;
}

static int walk_and_finish(struct rebuild *r, struct err *e)
{
	struct err ignored;

	r->reader = stored_reader_new(r->a, STORED_AHEAD);
	r->failed = walk(r, e) || r->failed;
	stored_reader_freep(&r->reader);
	int failed = finish_sets(r, r->failed ? &ignored : e);

	for (size_t i = 0; i < SETS; i++)
		empty_set(&r->sets[i]);
	return failed;
}

/* ---- afterwards ---- */

/* Those of the ids that the index does not hold go to the outbox. */
static int look_up(struct rebuild *r, struct index *live, const struct uuid *ids, size_t n, struct err *e)
{
	bool present[LOOK_UP_AT_ONCE];
	struct uuid lost[LOOK_UP_AT_ONCE];
	size_t count = 0;

	if (index_has(live, ids, n, present, e))
		return -1;
	for (size_t i = 0; i < n; i++)
		if (!present[i])
			lost[count++] = ids[i];
	return count ? meta_outbox_add(r->a->meta, lost, count, clock_now_us(), e) : 0;
}

/* What somebody put into the old index, and took off the outbox, when the walk had passed it. */
static int catch_up(struct rebuild *r, int64_t began_us, struct err *e)
{
	CLEANUP(index_closep) struct index *live = NULL;
	int64_t since_us = began_us - LATE_US;
	struct uuid after = id_before(since_us > r->what->from_us ? since_us : r->what->from_us), ids[LOOK_UP_AT_ONCE];
	size_t n;

	if (index_open(&live, r->a->conf, INDEX_READ, e))
		return -1;
	do
		if (walk_ids(r, &after, ids, LOOK_UP_AT_ONCE, &n, e) || (n && look_up(r, live, ids, n, e)))
			return -1;
	while (n);
	return 0;
}

/* ---- the whole ---- */

/* Where an interrupted rebuild is taken up: what was committed late is walked past again. */
static void set_start(struct rebuild *r, const struct uuid *done)
{
	static const struct uuid none;
	struct uuid start = id_before(r->what->from_us), again = id_before(uuid_time_us(done) - LATE_US);
	bool resumed = memcmp(done->bytes, none.bytes, UUID_SIZE) != 0;

	r->after = resumed && memcmp(again.bytes, start.bytes, UUID_SIZE) > 0 ? again : start;
	r->added = *done;
}

static int begin(struct rebuild *r, struct err *e)
{
	const struct index_rebuild what = { r->what->from_us, r->what->until_us, r->what->afresh };
	struct uuid done;

	if (index_rebuild_begin(&r->fresh, r->a->conf, &what, &done, e))
		return -1;
	set_start(r, &done);
	return count(r, &r->after, e);
}

/* A rebuild that did not come to its end: the next one goes on here, unless there is no sense in that. */
static void leave(struct rebuild *r, bool for_ever)
{
	static const struct uuid none;
	struct err ignored;

	if (for_ever) {
		index_rebuild_abandon(&r->fresh, r->a->conf);
		return;
	}
	if (r->fresh && memcmp(r->added.bytes, none.bytes, UUID_SIZE) != 0)
		(void)!note(r, &ignored);
	index_rebuild_suspend(&r->fresh, r->a->conf);
}

static int rebuild(struct rebuild *r, struct err *e)
{
	int64_t began_us = clock_now_us();

	if (begin(r, e) || walk_and_finish(r, e) || put_on_outbox(r, e) || index_rebuild_finish(&r->fresh, r->a->conf, e)) {
		leave(r, e->class == ERR_PERMANENT);
		return -1;
	}
	return catch_up(r, began_us, e);
}

int archive_reindex(struct archive *a, const struct archive_rebuild *what,
	int (*progress)(void *ctx, const struct archive_progress *p), void *ctx, struct archive_progress *p_r, struct err *e)
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
	r->what = what;
	r->report = progress;
	r->ctx = ctx;
	r->note_due_us = clock_monotonic_us() + NOTE_US;
	int failed = rebuild(r, e);

	*p_r = r->progress;
	free(r->missing);
	free(r);
	return failed;
}
