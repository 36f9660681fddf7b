#include "archive/holdings.h"

#include "mail/scope_grant.h"

#define AT_ONCE 100

void holding_deinit(struct holding *h)
{
	scope_freep(&h->scope);
	query_freep(&h->query);
}

void holdings_deinit(struct holdings *h)
{
	for (size_t i = 0; i < h->n; i++)
		holding_deinit(&h->items[i]);
	free(h->items);
	*h = (struct holdings){ 0 };
}

/* What was checked when it was placed is read again. */
int holding_read(const struct hold *h, struct holding *r, struct err *e)
{
	struct query_error error;
	char id[UUID_TEXT_SIZE];

	*r = (struct holding){ .id = h->id, .kind = h->kind, .standing = h->standing, .scope = scope_parse(h->scope, e) };
	if (!r->scope)
		return err_prefix(e, "hold(%s)", uuid_format(id, &h->id));
	if (h->kind != HOLD_QUERY || query_parse(&r->query, h->query, &error) == 0)
		return 0;
	holding_deinit(r);
	return err_permanent(e, "hold(%s) failed: its query can't be read: %s", uuid_format(id, &h->id), error.text);
}

static int add(struct holdings *h, const struct hold *hold, struct err *e)
{
	if (hold->lifted.at_us)
		return 0;
	h->items = mem_realloc(h->items, h->n + 1, sizeof(*h->items));
	if (holding_read(hold, &h->items[h->n], e))
		return -1;
	h->n++;
	return 0;
}

/* How many more there were; -1. */
static int load_some(struct meta *m, struct holdings *h, struct uuid *after, struct err *e)
{
	CLEANUP(holds_deinit) struct holds list = { 0 };

	if (meta_hold_list(m, after, AT_ONCE, &list, e))
		return -1;
	for (size_t i = 0; i < list.n; i++) {
		if (add(h, &list.items[i], e))
			return -1;
		*after = list.items[i].id;
	}
	return (int)list.n;
}

int holdings_load(struct meta *m, struct holdings *h_r, struct err *e)
{
	struct uuid after = { 0 };
	int some;

	*h_r = (struct holdings){ 0 };
	do
		some = load_some(m, h_r, &after, e);
	while (some == AT_ONCE);
	if (some >= 0)
		return 0;
	holdings_deinit(h_r);
	return -1;
}

size_t holdings_on(const struct holdings *h, const struct message_row *row, struct uuid **ids_r)
{
	size_t n = 0;

	*ids_r = NULL;
	for (size_t i = 0; i < h->n; i++) {
		const struct holding *one = &h->items[i];

		if (!one->standing || one->kind != HOLD_CUSTODIANS ||
			!scope_covers(one->scope, row->date_us, row->participants, row->participant_count))
			continue;
		*ids_r = mem_realloc(*ids_r, n + 1, sizeof(**ids_r));
		(*ids_r)[n++] = one->id;
	}
	return n;
}
