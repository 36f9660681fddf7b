#include "archive/setaside.h"

#include <string.h>

/* Linear: there are none, or a disk was lost and searching a list is the least of it. */
static size_t find(const struct setaside *s, const struct uuid *id)
{
	size_t i = 0;

	while (i < s->n && memcmp(&s->items[i].id, id, sizeof(*id)) != 0)
		i++;
	return i;
}

bool setaside_has(const struct setaside *s, const struct uuid *id, int64_t now_us)
{
	size_t i = find(s, id);

	return i < s->n && now_us < s->items[i].until_us;
}

bool setaside_add(struct setaside *s, const struct uuid *id, int64_t until_us)
{
	size_t i = find(s, id);

	if (i == SETASIDE_MAX)
		return false;
	if (i == s->n) {
		if ((s->n & (s->n - 1)) == 0) /* full at every power of two */
			s->items = mem_realloc(s->items, s->n ? s->n * 2 : 1, sizeof(*s->items));
		s->items[s->n++].id = *id;
	}
	s->items[i].until_us = until_us;
	return true;
}

void setaside_deinit(struct setaside *s)
{
	free(s->items);
	*s = (struct setaside){ 0 };
}
