#include "mail/scope_grant.h"

#include "base/clock.h"
#include "mail/address.h"
#include "sys/json.h"

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

bool scope_is_within(const struct scope *inner, const struct scope *outer)
{
	if (inner->from_us < outer->from_us || inner->until_us > outer->until_us)
		return false;
	if (outer->all || inner->all)
		return outer->all;
	for (size_t i = 0; i < inner->mailboxes.n; i++)
		if (!has_mailbox(outer, inner->mailboxes.items[i]))
			return false;
	return true;
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

struct scope *scope_meet(const struct scope *a, const struct scope *b)
{
	return scope_narrow(a, b->all ? NULL : &b->mailboxes, b->from_us, b->until_us);
}

/* ---- as text ---- */

static void print_time(cJSON *j, const char *name, int64_t us, int64_t open)
{
	char text[CLOCK_TEXT_SIZE];

	if (us != open)
		json_add_str(j, name, clock_format(text, us));
}

char *scope_print(const struct scope *s)
{
	_json_ cJSON *j = cJSON_CreateObject();
	cJSON *list = s->all ? NULL : cJSON_CreateArray();

	if (s->all)
		json_add_bool(j, "all_mailboxes", true);
	else
		json_add_item(j, "mailboxes", list);
	for (size_t i = 0; i < s->mailboxes.n; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString(s->mailboxes.items[i]));
	print_time(j, "from", s->from_us, INT64_MIN);
	print_time(j, "until", s->until_us, INT64_MAX);
	return json_print(j);
}

static int parse_time(const cJSON *j, const char *name, int64_t *us)
{
	const char *text;
	int there = json_get_str(j, name, &text);

	return there > 0 ? clock_parse(us, text) : there;
}

static int parse_mailboxes(const cJSON *j, struct strv *list)
{
	const cJSON *array = cJSON_GetObjectItemCaseSensitive(j, "mailboxes"), *item;

	if (!cJSON_IsArray(array))
		return -1;
	cJSON_ArrayForEach(item, array)
	{
		if (!cJSON_IsString(item))
			return -1;
		strv_add(list, item->valuestring);
	}
	return 0;
}

struct scope *scope_parse(const char *text, struct err *e)
{
	_json_ cJSON *j = json_parse(text, strlen(text), e);
	CLEANUP(strv_deinit) struct strv mailboxes = { 0 };
	int64_t from_us = INT64_MIN, until_us = INT64_MAX;

	if (!j)
		return NULL;
	bool all = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(j, "all_mailboxes"));

	if (parse_time(j, "from", &from_us) || parse_time(j, "until", &until_us) || (!all && parse_mailboxes(j, &mailboxes))) {
		err_permanent(e, "scope_parse failed: it is no scope");
		return NULL;
	}
	return scope_grant(all, &mailboxes, from_us, until_us);
}
