/* strongroom case: for the operator, when nobody who is left may bring somebody into a case. */
#include "cli/cli.h"
#include "cli/operator.h"
#include "meta/account.h"
#include "meta/case.h"
#include "sys/json.h"

#include <stdio.h>
#include <string.h>

#define AT_ONCE 500

/* ---- list ---- */

static int print_member(struct meta *m, uint64_t id, struct err *e)
{
	struct account a CLEANUP(account_deinit) = { 0 };
	int found = meta_account_by_id(m, id, &a, e);

	if (found > 0)
		printf(" %s%s", a.username, a.disabled ? " (disabled)" : "");
	return found < 0 ? -1 : 0;
}

static int print_case(struct meta *m, const struct legal_case *k, struct err *e)
{
	_free_ uint64_t *ids = NULL;
	char text[UUID_TEXT_SIZE];
	size_t n;

	if (meta_case_members(m, &k->id, &ids, &n, e) < 0)
		return -1;
	printf("%s %s%s:", uuid_format(text, &k->id), k->name, k->closed.at_us ? " (closed)" : "");
	for (size_t i = 0; i < n; i++)
		if (print_member(m, ids[i], e) < 0)
			return -1;
	putchar('\n');
	return 0;
}

static int list(struct meta *m)
{
	struct legal_cases page CLEANUP(legal_cases_deinit) = { 0 };
	struct uuid after = { 0 };
	struct err e;

	do {
		legal_cases_deinit(&page);
		if (meta_case_list_all(m, &after, AT_ONCE, &page, &e) < 0)
			return cli_failed(&e);
		for (size_t i = 0; i < page.n; i++) {
			after = page.items[i].id;
			if (print_case(m, &page.items[i], &e) < 0)
				return cli_failed(&e);
		}
	} while (page.n == AT_ONCE);
	return CLI_OK;
}

/* ---- admit ---- */

/* 1, 0, -1. */
static int is_there(struct meta *m, const struct uuid *id, struct err *e)
{
	_free_ uint64_t *ids = NULL;
	size_t n;

	if (meta_case_members(m, id, &ids, &n, e) < 0)
		return -1;
	return n > 0; /* one always stays */
}

static int admit_audited(struct meta *m, const struct uuid *id, const struct account *a, struct err *e)
{
	cJSON *detail _json_ = cJSON_CreateObject();
	char text[UUID_TEXT_SIZE];
	struct err later;
	struct uuid intent;

	json_add_str(detail, "case", uuid_format(text, id));
	json_add_str(detail, "member", a->username);
	if (operator_intent(m, "case.admit", detail, &intent, e) < 0)
		return -1;
	int rc = meta_case_admit(m, id, a->id, e);

	if (operator_outcome(m, &intent, rc, rc < 0 ? &later : e) < 0)
		return -1;
	return rc;
}

static int admit(struct meta *m, const struct uuid *id, const char *username)
{
	struct account a CLEANUP(account_deinit) = { 0 };
	struct err e;
	int there = is_there(m, id, &e);
	int found = there > 0 ? meta_account_by_name(m, username, &a, &e) : there;

	if (there == 0)
		err_permanent(&e, "there is no such case; see: strongroom case list");
	else if (found == 0)
		err_permanent(&e, "there is no user %s", username);
	if (found <= 0 || admit_audited(m, id, &a, &e) < 0)
		return cli_failed(&e);
	printf("%s is a member of the case\n", username);
	return CLI_OK;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct conf conf CLEANUP(conf_deinit) = { 0 };
	struct meta *m CLEANUP(meta_closep) = NULL;
	struct uuid id;
	struct err e;

	while (cli_getopt(cli, &case_command, argc, argv, "", NULL) != -1)
		;
	char **words = argv + optind;
	bool listing = argc - optind == 1 && strcmp(words[0], "list") == 0;

	if (!listing && (argc - optind != 3 || strcmp(words[0], "admit") != 0))
		return cli_usage(&case_command, "say: case list, or case admit CASE NAME");
	if (!listing && uuid_parse(&id, words[1]) < 0)
		return cli_usage(&case_command, "%s is no id of a case; see: strongroom case list", words[1]);
	int status = cli_prepare(cli, &conf);

	if (status != CLI_OK)
		return status;
	if (meta_open(&m, &conf, &e) < 0)
		return cli_failed(&e);
	return listing ? list(m) : admit(m, &id, words[2]);
}

const struct command case_command = {
	.name = "case",
	.arguments = "list | admit CASE NAME",
	.summary = "Say who works on which case, or bring somebody into one",
	.help = "Who is a member of a case brings others into it; this is for when nobody is left who can.\n\n"
		"  list     all cases with their ids and members; nothing of what is in them\n"
		"  admit    the user NAME becomes a member of CASE, and sees of its mail what his scope lets him see\n",
	.run = run,
};
