#include "archive/keeping.h"

#include "meta/maintenance.h"
#include "meta/retention.h"

#include <string.h>

void keeping_freep(struct keeping **kp)
{
	struct keeping *k = *kp;

	if (!k)
		return;
	for (size_t i = 0; i < k->n; i++)
		message_row_deinit(&k->rows[i]);
	free(k->holds.items);
	free(k);
	*kp = NULL;
}

int keeping_load(struct keeping *k, struct meta *m, const struct uuid *ids, size_t n, struct err *e)
{
	if (meta_messages_load(m, ids, n, k->rows, e))
		return -1;
	k->n = n;
	return meta_retention_extended(m, ids, n, k->extended_us, e) || meta_disposed_of(m, ids, n, k->disposed, e) ||
		meta_message_holds(m, ids, n, &k->holds, e) ? -1 : 0;
}

bool keeping_is_held(const struct keeping *k, size_t i)
{
	for (size_t h = 0; h < k->holds.n; h++)
		if (memcmp(&k->holds.items[h].message, &k->rows[i].id, UUID_SIZE) == 0)
			return true;
	return false;
}

int64_t keeping_first_us(const struct keeping *k, size_t i)
{
	const struct message_row *row = &k->rows[i];

	return row->origin ? row->origin->retain_until_us : row->retain_until_us;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

int64_t keeping_until_us(const struct keeping *k, size_t i)
{
	return later(later(keeping_first_us(k, i), k->rows[i].retain_until_us), k->extended_us[i]);
}
