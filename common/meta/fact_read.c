#include "meta/fact_read.h"

#include "meta/meta_private.h"

void meta_facts_deinit(struct meta_facts *list)
{
	for (size_t i = 0; i < list->n; i++)
		meta_record_deinit(&list->items[i].ledger);
	free(list->items);
	*list = (struct meta_facts){ 0 };
}

static void take(struct sql_stmt *st, struct meta_fact *f)
{
	size_t n;

	f->ledger.daemon = sql_get_text(st);
	f->ledger.seq = sql_get_u64(st);
	sql_get_uuid(st, &f->message_id);
	sql_get_fixed(st, f->ledger.nonce, LEDGER_NONCE_SIZE);
	sql_get_fixed(st, f->ledger.leaf, SHA256_SIZE);
	const void *record = sql_get_bytes(st, &n);

	f->ledger.record = mem_dup(record, n);
	f->ledger.record_length = n;
}

/* Adds them to the list; after -1 it is empty. */
static int take_all(struct sql_stmt *st, struct meta_facts *list, struct err *e)
{
	enum sql_result step;

	while ((step = sql_step(st, e)) == SQL_ROW) {
		list->items = mem_realloc(list->items, list->n + 1, sizeof(*list->items));
		list->items[list->n] = (struct meta_fact){ 0 };
		take(st, &list->items[list->n++]);
	}
	if (step != SQL_FAILED)
		return 0;
	meta_facts_deinit(list);
	return -1;
}

static int take_some(struct sql_conn *c, const struct uuid *ids, size_t n, struct meta_facts *list, struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, STMT_FACTS_OF);

	sql_bind_ids(st, ids, n);
	return take_all(st, list, e);
}

int meta_facts_of(struct meta *m, const struct uuid *ids, size_t n, struct meta_facts *list_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	*list_r = (struct meta_facts){ 0 };
	if (sql_reader(m->capture, &c, e))
		return -1;
	for (size_t from = 0; from < n; from += SQL_IDS_MAX)
		if (take_some(c, ids + from, n - from < SQL_IDS_MAX ? n - from : SQL_IDS_MAX, list_r, e))
			return -1;
	return 0;
}

int meta_facts_after(struct meta *m, const char *daemon, uint64_t seq, size_t max, struct meta_facts *list_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;

	*list_r = (struct meta_facts){ 0 };
	if (sql_reader(m->capture, &c, e))
		return -1;
	st = sql_use(c, STMT_FACTS_AFTER);
	sql_bind_text(st, daemon);
	sql_bind_text(st, daemon);
	sql_bind_u64(st, seq);
	sql_bind_u64(st, max);
	return take_all(st, list_r, e);
}
