#include "cli/department_import.h"

#include "base/str.h"
#include "cli/csv.h"
#include "cli/operator.h"
#include "mail/address.h"
#include "meta/account.h"
#include "sys/json.h"

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

/* ---- reading ---- */

struct columns {
	size_t department, mailbox;
	size_t n; /* exactly so many, or 0: at least those */
};

static bool find_columns(const struct strv *header, struct columns *c_r)
{
	bool department = false, mailbox = false;

	for (size_t i = 0; i < header->n; i++) {
		if (!department && str_ieq(header->items[i], "department")) {
			c_r->department = i;
			department = true;
		} else if (!mailbox && str_ieq(header->items[i], "mailbox")) {
			c_r->mailbox = i;
			mailbox = true;
		}
	}
	return department && mailbox;
}

/* The department of this name, which is put in its place when it is new. */
static struct department_wanted *find_department(struct department_list *l, const char *name)
{
	size_t low = 0, high = l->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(l->items[middle].name, name);

		if (order == 0)
			return &l->items[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	l->items = mem_realloc(l->items, l->n + 1, sizeof(*l->items));
	memmove(&l->items[low + 1], &l->items[low], (l->n - low) * sizeof(*l->items));
	l->n++;
	l->items[low] = (struct department_wanted){ .name = mem_strdup(name) };
	return &l->items[low];
}

static bool mailbox_good(const char *mailbox)
{
	_free_ char *normal = address_normalize(mailbox);

	return strchr(normal, '@') && strlen(normal) <= MAILBOX_MAX_BYTES;
}

static int take_row(struct department_list *l, const struct csv *csv, const struct columns *c, struct strv *row, struct err *e)
{
	if (c->n ? row->n != c->n : (row->n <= c->department || row->n <= c->mailbox))
		return err_permanent(e, "line %u: it has %zu columns", csv->line, row->n);
	const char *name = str_trim(row->items[c->department]), *mailbox = str_trim(row->items[c->mailbox]);

	if (!*name || strlen(name) > NAME_MAX_BYTES || !str_utf8_valid(name, strlen(name)))
		return err_permanent(e, "line %u: the department's name is empty, too long or no UTF-8", csv->line);
	if (!mailbox_good(mailbox))
		return err_permanent(e, "line %u: \"%s\" is no mailbox", csv->line, mailbox);
	strv_add(&find_department(l, name)->mailboxes, mailbox);
	return 0;
}

static int read_rows(struct department_list *l, struct csv *csv, struct err *e)
{
	struct columns columns = { 0, 1, 2 };

	for (bool first = true;; first = false) {
		CLEANUP(strv_deinit) struct strv row = { 0 };
		int rc = csv_row(csv, &row, e);

		if (rc <= 0)
			return rc;
		if (first && find_columns(&row, &columns))
			columns.n = 0;
		else if (take_row(l, csv, &columns, &row, e) < 0)
			return -1;
	}
}

int department_list_read(struct department_list *l_r, const char *text, size_t n, struct err *e)
{
	struct csv csv;

	*l_r = (struct department_list){ 0 };
	csv_init(&csv, text, n);
	int rc = read_rows(l_r, &csv, e);

	if (rc == 0 && !l_r->n)
		rc = err_permanent(e, "there is no department in it");
	if (rc < 0)
		department_list_deinit(l_r);
	return rc;
}

/* ---- writing ---- */

static int set_audited(struct meta *m, const struct department_wanted *d, struct err *e)
{
	cJSON *detail _json_ = cJSON_CreateObject();
	_free_ char *list = strv_join(&d->mailboxes, " ");
	struct err later;
	struct uuid intent;

	json_add_str(detail, "department", d->name);
	json_add_str(detail, "mailboxes", list);
	if (operator_intent(m, "department.set", detail, &intent, e) < 0)
		return -1;
	int rc = meta_department_change(m, d->name, DEPARTMENT_SET, &d->mailboxes, e);

	if (operator_outcome(m, &intent, rc, rc < 0 ? &later : e) < 0)
		return -1;
	return rc;
}

int department_list_apply(struct meta *m, const struct department_list *l, struct err *e)
{
	for (size_t i = 0; i < l->n; i++)
		if (set_audited(m, &l->items[i], e) < 0)
			return -1;
	return 0;
}
