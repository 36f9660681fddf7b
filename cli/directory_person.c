#include "cli/directory_person.h"

#include "base/str.h"
#include "cli/directory_dn.h"

#include <ctype.h>
#include <string.h>

#define SHOWN_MAX 80

void directory_values_add(struct directory_values *v, const void *bytes, size_t n)
{
	if ((v->n & (v->n - 1)) == 0)
		v->items = mem_realloc(v->items, v->n ? 2 * v->n : 1, sizeof(*v->items));
	v->items[v->n++] = (struct directory_value){ mem_dup(bytes, n < DIRECTORY_VALUE_MAX ? n : DIRECTORY_VALUE_MAX), n };
}

void directory_values_deinit(struct directory_values *v)
{
	for (size_t i = 0; i < v->n; i++)
		free(v->items[i].bytes);
	free(v->items);
	*v = (struct directory_values){ 0 };
}

bool directory_value_is_text(const struct directory_value *value)
{
	return value->n <= DIRECTORY_VALUE_MAX && strlen(value->bytes) == value->n;
}

void directory_person_deinit(struct directory_person *p)
{
	free(p->dn);
	directory_values_deinit(&p->addresses);
	directory_values_deinit(&p->departments);
	*p = (struct directory_person){ 0 };
}

void directory_people_deinit(struct directory_people *p)
{
	department_list_deinit(&p->departments);
	strv_deinit(&p->keep);
}

char *directory_printable(const char *bytes, size_t n)
{
	bool whole = n <= SHOWN_MAX, text = whole && str_utf8_valid(bytes, n);
	char *shown = mem_printf("%.*s%s", whole ? (int)n : SHOWN_MAX, bytes, whole ? "" : "...");

	for (char *p = shown; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f || (!text && (unsigned char)*p >= 0x80))
			*p = '?';
	return shown;
}

/* ---- one value ---- */

/* Of "SMTP:a@example.org" the length of "SMTP"; 0 when there is no such prefix. */
static size_t kind_of(const char *value)
{
	size_t n = 0;

	while (isalnum((unsigned char)value[n]) || (n && (value[n] == '-' || value[n] == '_')))
		n++;
	return value[n] == ':' ? n : 0;
}

int directory_address(const struct directory_value *v, char **mailbox_r)
{
	size_t kind = kind_of(v->bytes);

	if (kind && !str_istarts(v->bytes, "smtp:"))
		return 0;
	if (!directory_value_is_text(v))
		return -1;
	_free_ char *copy = mem_strdup(kind ? v->bytes + kind + 1 : v->bytes);
	const char *mailbox = str_trim(copy);

	if (!department_mailbox_good(mailbox))
		return -1;
	*mailbox_r = mem_strdup(mailbox);
	return 1;
}

/* As directory_address(): 0 for a group that is elsewhere. */
static int department_of(const struct directory_value *v, const char *group_base, char **name_r)
{
	if (!directory_value_is_text(v))
		return -1;
	_free_ char *name = NULL;
	int rc = *group_base ? directory_dn_below(v->bytes, group_base, &name) : 1;

	if (rc <= 0)
		return rc;
	if (!name)
		name = mem_strdup(v->bytes);
	const char *trimmed = str_trim(name);

	if (!department_name_good(trimmed))
		return -1;
	*name_r = mem_strdup(trimmed);
	return 1;
}

/* ---- a person ---- */

static void refuse(struct directory_people *p, const struct directory_person *person, const struct directory_value *v,
	const char *what)
{
	_free_ char *shown = v ? directory_printable(v->bytes, v->n) : mem_strdup("");
	_free_ char *dn = directory_printable(person->dn, strlen(person->dn));
	_free_ char *why = v ? mem_printf("\"%s\" is no %s", shown, what) : mem_strdup(what);

	p->refused++;
	p->refuse(dn, why);
}

static void read_addresses(struct directory_people *p, const struct directory_person *person, struct strv *mailboxes)
{
	for (size_t i = 0; i < person->addresses.n; i++) {
		_free_ char *mailbox = NULL;
		int rc = directory_address(&person->addresses.items[i], &mailbox);

		if (rc < 0)
			refuse(p, person, &person->addresses.items[i], "mailbox");
		else if (rc)
			strv_add_unique(mailboxes, mailbox);
	}
}

/* False: some can't be read. */
static bool read_departments(struct directory_people *p, const struct directory_person *person, const char *group_base,
	struct strv *names)
{
	bool all = !person->cut;

	if (person->cut)
		refuse(p, person, NULL, "the server gives a part of its values only");
	for (size_t i = 0; i < person->departments.n; i++) {
		_free_ char *name = NULL;
		int rc = department_of(&person->departments.items[i], group_base, &name);

		if (rc < 0)
			refuse(p, person, &person->departments.items[i], *group_base ? "group" : "name of a department");
		else if (rc)
			strv_add_unique(names, name);
		all &= rc >= 0;
	}
	return all;
}

void directory_people_add(struct directory_people *p, const struct directory_person *person, const char *group_base)
{
	CLEANUP(strv_deinit) struct strv mailboxes = { 0 }, names = { 0 };

	p->people++;
	read_addresses(p, person, &mailboxes);
	bool all = read_departments(p, person, group_base, &names);

	for (size_t i = 0; i < mailboxes.n; i++) {
		for (size_t k = 0; k < names.n; k++)
			department_list_add(&p->departments, names.items[k], mailboxes.items[i]);
		if (!all)
			strv_add(&p->keep, mailboxes.items[i]);
	}
	p->without_mailbox += !mailboxes.n;
	p->without_department += mailboxes.n && !names.n;
}
