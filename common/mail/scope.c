#include "mail/scope_grant.h"

#include "mail/address.h"

#include <string.h>

struct scope {
	bool all;
	struct strv mailboxes;
	int64_t from_us, until_us;
};

bool scope_is_all(const struct scope *s)
{
	return s->all;
}

const struct strv *scope_mailboxes(const struct scope *s)
{
	return &s->mailboxes;
}

int64_t scope_from_us(const struct scope *s)
{
	return s->from_us;
}

int64_t scope_until_us(const struct scope *s)
{
	return s->until_us;
}

bool scope_counts_role(enum participant_role role)
{
	return role != ROLE_REPLY_TO;
}

static int compare(const void *key, const void *item)
{
	return strcmp(key, *(char *const *)item);
}

static bool has_mailbox(const struct scope *s, const char *normal)
{
	return s->mailboxes.n &&
		bsearch(normal, s->mailboxes.items, s->mailboxes.n, sizeof(*s->mailboxes.items), compare);
}

bool scope_covers(const struct scope *s, int64_t date_us, const struct participant *list, size_t n)
{
	if (date_us < s->from_us || date_us >= s->until_us)
		return false;
	if (s->all)
		return true;
	for (size_t i = 0; i < n; i++)
		if (scope_counts_role(list[i].role) && has_mailbox(s, list[i].normal))
			return true;
	return false;
}

void scope_freep(struct scope **s)
{
	if (*s)
		strv_deinit(&(*s)->mailboxes);
	free(*s);
	*s = NULL;
}

struct scope *scope_grant(bool all, const struct strv *mailboxes, int64_t from_us, int64_t until_us)
{
	struct scope *s = MEM_NEW(struct scope);

	s->all = all;
	s->from_us = from_us;
	s->until_us = until_us;
	for (size_t i = 0; !all && mailboxes && i < mailboxes->n; i++) {
		_free_ char *normal = address_normalize(mailboxes->items[i]);

		if (*normal)
			strv_add(&s->mailboxes, normal);
	}
	strv_sort(&s->mailboxes);
	return s;
}

struct scope *scope_narrow(const struct scope *s, const struct strv *mailboxes, int64_t from_us, int64_t until_us)
{
	struct scope *wanted = scope_grant(mailboxes == NULL, mailboxes, from_us, until_us);

	if (wanted->from_us < s->from_us)
		wanted->from_us = s->from_us;
	if (wanted->until_us > s->until_us)
		wanted->until_us = s->until_us;
	if (s->all)
		return wanted;
	struct strv common = { 0 };

	for (size_t i = 0; i < s->mailboxes.n; i++)
		if (wanted->all || has_mailbox(wanted, s->mailboxes.items[i]))
			strv_add(&common, s->mailboxes.items[i]);
	strv_deinit(&wanted->mailboxes);
	wanted->mailboxes = common;
	wanted->all = false;
	return wanted;
}
