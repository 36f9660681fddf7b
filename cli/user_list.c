#include "base/clock.h"
#include "cli/user.h"

#include <stdio.h>
#include <string.h>

/* "12 mailboxes from 2026-01-01T00:00:00Z"; caller frees. Those of departments are among the mailboxes. */
static char *describe_scope(const struct account *a)
{
	char from[CLOCK_TEXT_SIZE] = "", until[CLOCK_TEXT_SIZE] = "";
	bool begins = a->scope_from_us != INT64_MIN, ends = a->scope_until_us != INT64_MAX;
	_free_ char *mailboxes = a->scope_all ? mem_strdup("all mailboxes") : mem_printf("%zu mailbox%s",
		a->scope_mailboxes.n, a->scope_mailboxes.n == 1 ? "" : "es");

	if (begins)
		clock_format(from, a->scope_from_us);
	if (ends)
		clock_format(until, a->scope_until_us);
	return mem_printf("%s%s%s%s%s", mailboxes, begins ? " from " : "", from, ends ? " before " : "", until);
}

static int print_account(struct meta *m, uint64_t id, struct err *e)
{
	struct account a CLEANUP(account_deinit) = { 0 };
	struct strv roles CLEANUP(strv_deinit) = { 0 };
	int found = meta_account_by_id(m, id, &a, e);

	if (found <= 0)
		return found;
	if (meta_account_roles(m, id, &roles, e) < 0)
		return -1;
	_free_ char *scope = describe_scope(&a), *names = strv_join(&roles, ", ");

	printf("%s: %s; %s%s%s%s\n", a.username, names, scope, *a.password_hash ? "" : "; signs in through the provider",
		a.totp_secret_length ? "" : "; no second factor", a.disabled ? "; disabled" : "");
	return 0;
}

int user_list(struct meta *m)
{
	_free_ uint64_t *ids = NULL;
	struct err e;
	size_t n;

	if (meta_account_ids(m, &ids, &n, &e) < 0)
		return cli_failed(&e);
	for (size_t i = 0; i < n; i++)
		if (print_account(m, ids[i], &e) < 0)
			return cli_failed(&e);
	return CLI_OK;
}
