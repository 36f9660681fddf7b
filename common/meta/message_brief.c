#include "meta/message_brief.h"

#include "meta/by_ids.h"
#include "meta/catalog.h"
#include "meta/meta_private.h"

/* Whoever sends mail decides how long the lists of a message are: participants of so many bytes are in memory at a time, or those
 * of one message. */
#define WEIGHT_MAX (512u * 1024)

struct entry {
	struct message_brief brief; /* its subject is NULL while there is no such message */
	uint64_t weight;	    /* bytes of its participants, or what they are taken for */
	bool disposed;
};

struct list {
	const struct uuid *ids;
	struct entry *entries;
	size_t n;
};

static void forget_participants(struct entry *e)
{
	participants_free(e->brief.participants, e->brief.participant_count);
	e->brief.participants = NULL;
	e->brief.participant_count = 0;
}

static void list_deinit(struct list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->entries[i].brief.subject);
		forget_participants(&l->entries[i]);
	}
	free(l->entries);
	l->entries = NULL;
	l->n = 0;
}

/* ---- loading ---- */

/* In the order of STMT_MESSAGE_BRIEF, behind the id. */
static void take_message(void *entries, size_t i, struct sql_stmt *st)
{
	struct entry *e = (struct entry *)entries + i;
	struct message_brief *b = &e->brief;

	b->received_us = sql_get_i64(st);
	b->date_us = sql_get_i64(st);
	b->header_date_us = sql_get_i64(st);
	b->size = sql_get_u64(st);
	b->parse_flags = (uint32_t)sql_get_i64(st);
	b->subject = sql_get_text(st);
	b->attachment_count = sql_get_u64(st);
	e->disposed = sql_get_u64(st) != 0;
	e->weight = sql_get_u64(st);
}

static void take_participant(void *entries, size_t i, struct sql_stmt *st)
{
	struct message_brief *b = &((struct entry *)entries + i)->brief;

	message_row_take_participant(&b->participants, &b->participant_count, st);
}

/* Without their participants. 1 when all are there, 0, -1. */
static int load(struct sql_conn *c, const struct uuid *ids, size_t n, struct list *l_r, struct err *e)
{
	bool all = true;

	*l_r = (struct list){ ids, MEM_ARRAY(struct entry, n), n };
	for (size_t from = 0; from < n; from += SQL_IDS_MAX)
		if (by_ids_load(c, STMT_MESSAGE_BRIEF, ids + from, n - from < SQL_IDS_MAX ? n - from : SQL_IDS_MAX, take_message,
			    l_r->entries + from, e))
			return -1;
	for (size_t i = 0; i < n; i++) {
		l_r->entries[i].brief.id = ids[i];
		all &= l_r->entries[i].brief.subject != NULL;
	}
	return all;
}

/* What the replica does not have may be on the primary, which also knows first what was disposed of. */
static int load_behind(struct meta *m, const struct uuid *ids, size_t n, struct sql_conn **c_r, struct list *l_r, struct err *e)
{
	if (sql_reader_behind(m->capture, c_r, e) || sql_begin_reading(*c_r, e))
		return -1;
	int found = load(*c_r, ids, n, l_r, e);

	if (found || !sql_is_behind(*c_r))
		return found < 0 ? -1 : 0;
	list_deinit(l_r);
	sql_releasep(c_r);
	return sql_reader(m->capture, c_r, e) || load(*c_r, ids, n, l_r, e) < 0 ? -1 : 0;
}

static int ask_primary(struct meta *m, struct list *l, struct err *e)
{
	_free_ struct disposed *disposed = MEM_ARRAY(struct disposed, l->n);

	if (meta_disposed_of(m, l->ids, l->n, disposed, e))
		return -1;
	for (size_t i = 0; i < l->n; i++)
		l->entries[i].disposed |= disposed[i].at_us != 0;
	return 0;
}

/* ---- giving ---- */

/* How many from `from` on are read together. */
static size_t group_size(const struct list *l, size_t from)
{
	uint64_t weight = l->entries[from].weight;
	size_t n = 1;

	while (n < SQL_IDS_MAX && from + n < l->n && (weight += l->entries[from + n].weight) <= WEIGHT_MAX)
		n++;
	return n;
}

static void give(const struct entry *entry, size_t i, const struct scope *scope, meta_message_take *take, void *ctx)
{
	const struct message_brief *b = &entry->brief;

	if (b->subject && !entry->disposed && scope_covers(scope, b->date_us, b->participants, b->participant_count))
		take(ctx, i, b);
}

static int give_all(struct sql_conn *c, struct list *l, const struct scope *scope, meta_message_take *take, void *ctx, struct err *e)
{
	for (size_t from = 0, n; from < l->n; from += n) {
		struct entry *entries = l->entries + from;

		n = group_size(l, from);
		if (by_ids_load(c, STMT_PARTICIPANTS_GET, l->ids + from, n, take_participant, entries, e))
			return -1;
		for (size_t i = 0; i < n; i++) {
			give(&entries[i], from + i, scope, take, ctx);
			forget_participants(&entries[i]);
		}
	}
	return 0;
}

int meta_messages_read(struct meta *m, const struct scope *scope, const struct uuid *ids, size_t n, meta_message_take *take, void *ctx,
	struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(list_deinit) struct list l = { 0 };

	if (!n)
		return 0;
	if (load_behind(m, ids, n, &c, &l, e) || (sql_is_behind(c) && ask_primary(m, &l, e)))
		return -1;
	return give_all(c, &l, scope, take, ctx, e);
}
