/* The objects of a slice against its rows, both in one pass over the store's listing. */
#include "archive/reconcile_slice.h"
#include "base/clock.h"
#include "base/log.h"

#include <inttypes.h>
#include <string.h>

/* An object that no row of the slice names. */
struct stranger {
	struct uuid id;
	struct locator where;
	int64_t stored_us;
};

struct comparing {
	struct slice *slice;
	bool *listed; /* of each row: its object is in the listing, whole */
	struct stranger *strangers;
	size_t stranger_count;
};

static void comparing_deinit(struct comparing *c)
{
	for (size_t i = 0; i < c->stranger_count; i++)
		locator_deinit(&c->strangers[i].where);
	free(c->strangers);
	free(c->listed);
}

static int compare_id(const void *id, const void *row)
{
	return memcmp(id, &((const struct reconcile_row *)row)->id, UUID_SIZE);
}

static bool same_place(const struct locator *a, const struct locator *b)
{
	return strcmp(a->key, b->key) == 0 && strcmp(a->version, b->version) == 0;
}

static int take_object(void *ctx, const struct store_listed *o)
{
	struct comparing *c = ctx;
	const struct reconcile_rows *rows = &c->slice->rows;
	const struct reconcile_row *row = rows->n ?
		bsearch(&o->id, rows->items, rows->n, sizeof(*rows->items), compare_id) : NULL;

	if (row && !row->removed_us && same_place(&row->locator, o->where)) {
		if (o->where->length == row->locator.offset + row->locator.length)
			c->listed[row - rows->items] = true;
		return 0;
	}
	c->strangers = mem_realloc(c->strangers, c->stranger_count + 1, sizeof(*c->strangers));
	c->strangers[c->stranger_count++] = (struct stranger){
		.id = o->id,
		.where = { mem_strdup(o->where->bucket), mem_strdup(o->where->key), mem_strdup(o->where->version), 0,
			o->where->length },
		.stored_us = o->modified_us,
	};
	return 0;
}

static enum slice_result list_objects(struct comparing *c, struct err *e)
{
	struct slice *s = c->slice;
	struct store_range range = { .from = s->from, .until = s->until };

	for (unsigned spread = 0; spread < STORE_SPREAD; spread++) {
		range.spread = (uint8_t)spread;
		if (atomic_load(s->stop))
			return SLICE_LATER;
		if (store_list(s->archive->store, &range, take_object, c, e))
			return SLICE_FAILED;
	}
	return SLICE_DONE;
}

/* What the listing lacks is asked for by itself before anybody is alarmed; of the rest as many as is bearable, for their
 * locks. */
static int check_rows(struct comparing *c, struct err *e)
{
	struct slice *s = c->slice;
	size_t step = s->rows.n / RECONCILE_LOOKED_AT + 1;

	for (size_t i = 0; i < s->rows.n; i++) {
		const struct reconcile_row *row = &s->rows.items[i];
		enum slice_object object = row->disposed_us ? SLICE_OBJECT_DISPOSED :
			c->listed[i] ? SLICE_OBJECT_WHOLE : SLICE_OBJECT_FAULTY;

		slice_check_row(s, row);
		if (!row->disposed_us && (!c->listed[i] || i % step == 0) && slice_check_object(s, row, &object, e))
			return -1;
		s->tally.stored += object == SLICE_OBJECT_WHOLE;
		s->tally.missing += object == SLICE_OBJECT_FAULTY;
		s->tally.removed += object == SLICE_OBJECT_DISPOSED;
	}
	return 0;
}

static int add_to_digest(void *ctx, const void *data, size_t n)
{
	sha256_add(ctx, data, n);
	return 0;
}

/* An object of a message that was disposed of is told of when it is there, which listings alone don't prove. */
static int look_at_returned(struct slice *s, const struct stranger *o, struct err *e)
{
	struct store_state unused;
	int there = store_stat(s->archive->store, &o->where, &unused, e);

	if (there > 0)
		slice_tell_returned(s, &o->where, &o->id);
	return there < 0 ? -1 : 0;
}

/* Its row may have come meanwhile, or name another version of it. 1 an orphan, 0, -1. */
static int is_orphan(struct slice *s, const struct stranger *o, struct err *e)
{
	CLEANUP(reconcile_row_deinit) struct reconcile_row row = { 0 };
	int found = meta_reconcile_row(s->archive->meta, &o->id, &row, e);

	if (found > 0 && row.removed_us)
		return look_at_returned(s, o, e);
	return found < 0 ? -1 : !found || !same_place(&row.locator, &o->where);
}

/* One object that can't be read must not hold up the walk; the next one over everything tries again. */
static int pass_over(const struct slice *s, const struct log_context *ctx, struct err *e)
{
	struct err why = *e;

	if (e->class != ERR_PERMANENT && store_ready(s->archive->store, e))
		return -1;
	log_warn(ctx, "an object that belongs to no message can't be read: %s", why.text);
	return 0;
}

static int record_orphan(struct slice *s, const struct stranger *o, struct err *e)
{
	CLEANUP(sha256_freep) struct sha256 *h = sha256_new();
	struct reconcile_orphan orphan = { .id = o->id, .stored_us = o->stored_us, .found_us = s->now_us };
	struct log_context ctx = { 0 };
	char text[UUID_TEXT_SIZE];

	log_context_set(&ctx, "archive_id", uuid_format(text, &o->id));
	if (store_get(s->archive->store, &o->where, add_to_digest, h, e))
		return pass_over(s, &ctx, e);
	sha256_finish(h, orphan.sha256);
	orphan.where = (struct locator){ mem_strdup(o->where.bucket), mem_strdup(o->where.key),
		mem_strdup(o->where.version), 0, o->where.length };
	s->orphans = mem_realloc(s->orphans, s->orphan_count + 1, sizeof(*s->orphans));
	s->orphans[s->orphan_count++] = orphan;
	log_warn(&ctx, "the object %s belongs to no message: it was never acknowledged, and is recorded as an orphan",
		o->where.key);
	return 0;
}

static enum slice_result look_at_strangers(struct comparing *c, struct err *e)
{
	struct slice *s = c->slice;

	for (size_t i = 0; i < c->stranger_count; i++) {
		const struct stranger *o = &c->strangers[i];
		int orphan = is_orphan(s, o, e);

		if (atomic_load(s->stop))
			return SLICE_LATER;
		if (orphan < 0)
			return SLICE_FAILED;
		if (!orphan)
			continue;
		int known = meta_reconcile_is_orphan(s->archive->meta, &o->id, o->where.version, e);

		if (known < 0 || (!known && record_orphan(s, o, e)))
			return SLICE_FAILED;
		s->tally.orphans++;
	}
	return SLICE_DONE;
}

enum slice_result slice_look_at_store(struct slice *s, struct err *e)
{
	CLEANUP(comparing_deinit) struct comparing c = { .slice = s, .listed = MEM_ARRAY(bool, s->rows.n) };

	enum slice_result approved = slice_check_disposed(s, e);

	if (approved != SLICE_DONE)
		return approved;
	if (meta_reconcile_captured(s->archive->meta, &s->from, &s->until, &s->tally.captured, e))
		return SLICE_FAILED;
	enum slice_result listed = list_objects(&c, e);

	if (listed != SLICE_DONE)
		return listed;
	return check_rows(&c, e) ? SLICE_FAILED : look_at_strangers(&c, e);
}
