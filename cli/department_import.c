#include "cli/department_import.h"

#include "base/str.h"
#include "cli/csv.h"
#include "cli/operator.h"
#include "meta/account.h"
#include "sys/json.h"

#include <string.h>

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

static int take_row(struct department_list *l, const struct csv *csv, const struct columns *c, struct strv *row, struct err *e)
{
	if (c->n ? row->n != c->n : (row->n <= c->department || row->n <= c->mailbox))
		return err_permanent(e, "line %u: it has %zu columns", csv->line, row->n);
	const char *name = str_trim(row->items[c->department]), *mailbox = str_trim(row->items[c->mailbox]);

	if (!department_name_good(name))
		return err_permanent(e, "line %u: the department's name is empty, too long or no UTF-8", csv->line);
	if (!department_mailbox_good(mailbox))
		return err_permanent(e, "line %u: \"%s\" is no mailbox", csv->line, mailbox);
	department_list_add(l, name, mailbox);
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

int department_list_apply(struct meta *m, const struct department_list *l, struct department_count *done_r, struct err *e)
{
	CLEANUP(department_plan_deinit) struct department_plan plan = { 0 };

	if (department_plan_make(&plan, m, l, false, NULL, e) < 0)
		return -1;
	for (size_t i = 0; i < plan.n; i++)
		if (!department_is_unchanged(&plan.items[i], true) &&
			set_audited(m, department_list_find(l, plan.items[i].name), e) < 0)
			return -1;
	*done_r = department_plan_count(&plan, true);
	return 0;
}
