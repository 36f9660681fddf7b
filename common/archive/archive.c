#include "archive/archive_private.h"

#include "archive/capture_metrics.h"
#include "archive/lockfile.h"
#include "archive/stored.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "meta/audit.h"
#include "meta/capture.h"
#include "meta/maintenance.h"
#include "sys/io.h"

#include <string.h>

#define READY_FOR_US (CLOCK_SECOND / 4) /* how long a good answer of archive_ready() is believed */

/* ---- open and close ---- */

static int take_name(struct archive *a, const char *name, struct err *e)
{
	int taken = lockfile_take(a->conf->run_dir, name, &a->lock, e);

	if (taken == 0)
		return err_temporary(e, "archive_open(%s) failed: another process is working under this name", a->daemon);
	return taken < 0 ? -1 : 0;
}

static int open_parts(struct archive *a, const char *name, struct err *e)
{
	if (take_name(a, name, e) || store_open(&a->store, a->conf, e) || store_proved(a->store, e) ||
		meta_open(&a->meta, a->conf, e) || cache_open(&a->cache, a->conf, e) ||
		parser_pool_open(&a->parsers, a->conf, e))
		return -1;
	a->rules = rules_new(a->meta, a->conf);
	meta_audit_as(a->meta, a->daemon);
	a->indexer = indexer_new(a->conf, a->meta);
	a->group = group_new(a->meta, a->indexer, a->daemon);
	return 0;
}

int archive_open(struct archive **a_r, const struct conf *conf, const char *name, struct err *e)
{
	CLEANUP(archive_closep) struct archive *a = MEM_NEW(struct archive);

	a->conf = conf;
	a->lock = -1;
	a->daemon = mem_printf("%s@%s", name, conf->node);
	admission_init(&a->admission, conf->inflight_max);
	underway_init(&a->underway);
	pthread_mutex_init(&a->ready_lock, NULL);
	if (open_parts(a, name, e))
		return -1;
	*a_r = a;
	a = NULL;
	return 0;
}

void archive_closep(struct archive **a)
{
	struct archive *was = *a;

	*a = NULL;
	if (!was)
		return;
	group_freep(&was->group);
	indexer_freep(&was->indexer);
	rules_freep(&was->rules);
	cache_closep(&was->cache);
	if (was->parsers)
		parser_pool_closep(&was->parsers);
	if (was->meta)
		meta_closep(&was->meta);
	store_closep(&was->store);
	io_closep(&was->lock);
	pthread_mutex_destroy(&was->ready_lock);
	underway_deinit(&was->underway);
	setaside_deinit(&was->setaside);
	free(was->daemon);
	free(was);
}

/* ---- the steps of strongroom(7), in their order ---- */

/* A retry of what is archived already? 1 with *id_r, 0, -1. Only a short cut: the transaction decides. */
static int look_up(struct archive *a, const struct entry *entry, struct uuid *id_r, struct err *e)
{
	if (FAULT("archive.look-up"))
		return err_temporary(e, "meta_capture_find() failed: fault");
	return meta_capture_find(a->meta, entry->key, id_r, e);
}

static int add_to_hash(void *ctx, const void *data, size_t n)
{
	sha256_add(ctx, data, n);
	return 0;
}

/* Reads the object back: 1 when it is the message, 0, -1. */
static int is_whole(struct archive *a, const struct message_row *row, struct err *e)
{
	CLEANUP(sha256_freep) struct sha256 *h = sha256_new();
	uint8_t digest[SHA256_SIZE];

	if (row->locator.length != row->size)
		return 0;
	if (store_get(a->store, &row->locator, add_to_hash, h, e))
		return -1;
	sha256_finish(h, digest);
	return memcmp(digest, row->sha256, SHA256_SIZE) == 0;
}

/* After an unknown outcome the store is asked: only an object that is there, whole, counts. */
static int look_up_object(struct archive *a, struct entry *entry, struct err *e)
{
	struct err unknown = *e;
	int found = store_find(a->store, &entry->row.id, &entry->row.locator, e);

	if (found == 1)
		found = is_whole(a, &entry->row, e);
	if (found == 1)
		return 0;
	if (found < 0)
		return err_prefix(e, "the outcome of a put stayed unknown (%s)", unknown.text);
	return err_temporary(e, "%s, and the object is not there", unknown.text);
}

/* For how long: all that counts for it must be known of the row by now. */
static void stamp(const struct rules_snapshot *rules, struct message_row *row)
{
	struct rules_verdict v = rules_judge(rules, row);

	row->retain_until_us = v.retain_until_us;
	row->policy_version = v.version;
}

static int put_object(struct archive *a, struct entry *entry, struct err *e)
{
	const struct message *m = entry->capture->message;
	struct message_row *row = &entry->row;

	row->lock_mode = mem_strdup(store_lock_mode(a->store));
	const struct store_object object = {
		.id = row->id,
		.data = message_bytes(m),
		.length = row->size,
		.sha256 = row->sha256,
		.retain_until_us = row->retain_until_us,
	};

	if (FAULT("archive.put"))
		return err_temporary(e, "store_put() failed: fault");
	if (store_put(a->store, &object, &row->locator, e))
		return e->class == ERR_UNKNOWN ? look_up_object(a, entry, e) : -1;
	return FAULT("archive.stored") ? err_temporary(e, "store_put() failed: fault") : 0;
}

/* A message that can't be parsed is archived all the same, with a flag; only a parser that can't be had is a failure. */
static int describe(struct archive *a, struct entry *entry, struct parser_reading **reading, struct err *e)
{
	CLEANUP(parsed_freep) struct parsed *p = NULL;

	if (parser_pool_finish(a->parsers, reading, &p, e))
		return -1;
	if (FAULT("archive.parsed"))
		return err_temporary(e, "parser_pool_finish() failed: fault");
	entry_describe(entry, p);
	return 0;
}

static void discard(struct archive *a, struct parser_reading **reading)
{
	CLEANUP(parsed_freep) struct parsed *unwanted = NULL;
	struct err unheard;

	if (parser_pool_finish(a->parsers, reading, &unwanted, &unheard))
		unwanted = NULL;
}

static int put_measured(struct archive *a, struct entry *entry, struct err *e)
{
	int64_t began_us = clock_monotonic_us();

	if (put_object(a, entry, e))
		return -1;
	capture_stage(STAGE_PUT, began_us);
	return 0;
}

/* A message on its way through store and parser. */
struct reading {
	struct parser_reading *reading;
	int64_t began_us;
};

static int describe_measured(struct archive *a, struct entry *entry, struct reading *r, const struct rules_snapshot *rules,
	struct err *e)
{
	if (describe(a, entry, &r->reading, e))
		return -1;
	capture_stage(STAGE_PARSE, r->began_us);
	entry->hold_count = rules_holds_on(rules, &entry->row, &entry->holds);
	return 0;
}

/* Without policies a worker reads while the object is written, for neither needs the other. With policies the lock goes by
 * who takes part in the message, which is known when it was read. */
static int store_and_describe(struct archive *a, struct entry *entry, struct reading *r, struct err *e)
{
	CLEANUP(rules_drop) struct rules_snapshot *rules = rules_take(a->rules);

	entry_identify(entry);
	if (rules_matter(rules)) {
		if (describe_measured(a, entry, r, rules, e))
			return -1;
		stamp(rules, &entry->row);
		return put_measured(a, entry, e);
	}
	stamp(rules, &entry->row);
	if (put_measured(a, entry, e)) {
		discard(a, &r->reading);
		return -1;
	}
	return describe_measured(a, entry, r, rules, e);
}

/* No worker to be had: nothing is stored. A worker that was lost meanwhile and can't be replaced may leave an object
 * without a row, as any end before the commit does. */
static int store_and_read(struct archive *a, struct entry *entry, struct err *e)
{
	struct reading r = { .began_us = clock_monotonic_us() };

	if (FAULT("archive.parse"))
		return err_temporary(e, "parser_pool_start() failed: fault");
	if (parser_pool_start(a->parsers, entry->capture->message, &r.reading, e))
		return -1;
	return store_and_describe(a, entry, &r, e);
}

static int commit(struct archive *a, struct entry *entry, struct err *e)
{
	int64_t began_us = clock_monotonic_us();
	const struct log_context *own = log_context_use(NULL); /* it may commit for others, too */
	int failed = group_commit(a->group, entry);

	log_context_use(own);
	if (!failed) {
		capture_stage(STAGE_COMMIT, began_us);
		return 0;
	}
	*e = entry->err;
	return -1;
}

/* What the setting index_required adds to the promise. A retry finds the message known: then it is indexed here, from the
 * store, unless it is by now. */
static int require_index(struct archive *a, const struct archive_receipt *r, struct err *e)
{
	bool done;

	if (!a->conf->index_required || r->indexed)
		return 0;
	if (!r->known)
		return err_temporary(e, "archived, but not searchable in time, and index_required is set");
	if (stored_index(a, &r->id, 1, &done, e))
		return -1;
	return done ? 0 : err_temporary(e, "archived, but it can't be indexed, and index_required is set");
}

static void answer_known(struct archive *a, const struct uuid *id, struct archive_receipt *r)
{
	struct err e = { 0 };

	*r = (struct archive_receipt){ .id = *id, .known = true };
	if (meta_capture_attempt(a->meta, id, clock_now_us(), a->daemon, &e))
		log_debug(NULL, "a repeated delivery was not recorded: %s", e.text); /* losing it loses nothing */
}

static void answer_new(struct archive *a, struct entry *entry, struct archive_receipt *r)
{
	*r = (struct archive_receipt){ .id = entry->row.id };
	if (entry->batch) {
		int64_t began_us = clock_monotonic_us();

		r->indexed = indexer_wait(a->indexer, entry->batch, conf_reply_wait_us(a->conf), NULL);
		capture_stage(STAGE_INDEX, began_us);
	}
	if (!r->indexed)
		cache_wake(a->cache, CACHE_WAKE_OUTBOX);
}

/* Up to the commit: from here on the message is entry->known_as, when entry->known, or the entry's own id. */
static int make_durable(struct archive *a, struct entry *entry, struct err *e)
{
	int found = look_up(a, entry, &entry->known_as, e);

	entry->known = found > 0;
	if (found)
		return found > 0 ? 0 : -1;
	return store_and_read(a, entry, e) || commit(a, entry, e) ? -1 : 0;
}

static int archive_entry(struct archive *a, struct entry *entry, struct archive_receipt *r, struct err *e)
{
	struct underway_key key;

	underway_enter(&a->underway, &key, entry->key);
	int failed = make_durable(a, entry, e);

	underway_leave(&a->underway, &key);
	if (failed)
		return -1;
	if (entry->known)
		answer_known(a, &entry->known_as, r);
	else
		answer_new(a, entry, r);
	return 0;
}

int archive_put(struct archive *a, const struct capture *c, const struct log_context *ctx, struct archive_receipt *r_r,
	struct err *e)
{
	CLEANUP(entry_deinit) struct entry entry = { .capture = c, .row.id = uuid_new(clock_now_us()) };

	if (message_size(c->message) > a->conf->message_size_max)
		return err_permanent(e, "the message is larger than message_size_max");
	capture_key(c, entry.key);
	capture_envelope_hash(c, entry.envelope_hash);
	const struct log_context *before = log_context_use(ctx);
	int failed = archive_entry(a, &entry, r_r, e) || require_index(a, r_r, e) ? -1 : 0;

	log_context_use(before);
	if (!failed && FAULT("archive.reply"))
		failed = err_temporary(e, "archive_put() failed: fault");
	if (failed) {
		e->class = ERR_TEMPORARY; /* whatever it was: it can be mended on our side, and the message is good */
		log_error(ctx, "the message is put off: %s", e->text);
	}
	return failed;
}

/* ---- admission ---- */

static int ask_parts(struct archive *a, struct err *e)
{
	if (store_ready(a->store, e) || meta_ready(a->meta, e))
		return -1;
	return a->conf->index_required ? indexer_ready(a->indexer, e) : 0;
}

int archive_ready(struct archive *a, struct err *e)
{
	int64_t now = clock_monotonic_us();

	pthread_mutex_lock(&a->ready_lock);
	bool believed = now < a->ready_until_us;

	pthread_mutex_unlock(&a->ready_lock);
	if (believed)
		return 0;
	if (ask_parts(a, e))
		return -1;
	pthread_mutex_lock(&a->ready_lock);
	a->ready_until_us = now + READY_FOR_US;
	pthread_mutex_unlock(&a->ready_lock);
	return 0;
}

bool archive_admit(struct archive *a, uint64_t bytes)
{
	return admission_take(&a->admission, bytes);
}

void archive_release(struct archive *a, uint64_t bytes)
{
	admission_give(&a->admission, bytes);
}

int archive_extend(struct archive *a, struct err *e)
{
	return meta_extend(a->meta, e);
}

struct meta *archive_meta(struct archive *a)
{
	return a->meta;
}

struct store *archive_store(struct archive *a)
{
	return a->store;
}

const char *archive_name(const struct archive *a)
{
	return a->daemon;
}
