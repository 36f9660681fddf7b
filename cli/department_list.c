#include "cli/department_list.h"

#include "base/str.h"
#include "mail/address.h"

#include <string.h>

#define NAME_MAX_BYTES 255
#define MAILBOX_MAX_BYTES 512

void department_list_deinit(struct department_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->items[i].name);
		strv_deinit(&l->items[i].mailboxes);
	}
	free(l->items);
	*l = (struct department_list){ 0 };
}

/* Where the department of this name is, or belongs. */
static size_t place_of(const struct department_list *l, const char *name, bool *found_r)
{
	size_t low = 0, high = l->n;

	*found_r = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(l->items[middle].name, name);

		*found_r |= order == 0;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void department_list_add(struct department_list *l, const char *name, const char *mailbox)
{
	bool found;
	size_t at = place_of(l, name, &found);

	if (!found) {
		l->items = mem_realloc(l->items, l->n + 1, sizeof(*l->items));
		memmove(&l->items[at + 1], &l->items[at], (l->n - at) * sizeof(*l->items));
		l->n++;
		l->items[at] = (struct department_wanted){ .name = mem_strdup(name) };
	}
	strv_add(&l->items[at].mailboxes, mailbox);
}

const struct department_wanted *department_list_find(const struct department_list *l, const char *name)
{
	bool found;
	size_t at = place_of(l, name, &found);

	return found ? &l->items[at] : NULL;
}

static bool is_plain_text(const char *s)
{
	for (const char *p = s; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return false;
	return str_utf8_valid(s, strlen(s));
}

bool department_name_good(const char *name)
{
	return *name && strlen(name) <= NAME_MAX_BYTES && is_plain_text(name);
}

bool department_mailbox_good(const char *mailbox)
{
	_free_ char *normal = address_normalize(mailbox);
	const char *at = strrchr(normal, '@');

	return is_plain_text(mailbox) && at && at > normal && at[1] && strlen(normal) <= MAILBOX_MAX_BYTES;
}
