#include "cli/cli.h"
#include "cli/operator.h"
#include "meta/account.h"
#include "sys/json.h"

#include <stdio.h>
#include <string.h>

static const struct verb {
	const char *name;
	enum department_change change;
	const char *action; /* in the audit */
	const char *done;
} verbs[] = {
	{ "set", DEPARTMENT_SET, "department.set", "has exactly these mailboxes now" },
	{ "add", DEPARTMENT_ADD, "department.add", "has these mailboxes too" },
	{ "remove", DEPARTMENT_REMOVE, "department.remove", "no longer has these mailboxes" },
};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static int change_audited(struct meta *m, const struct verb *v, const char *name, const struct strv *mailboxes,
	struct err *e)
{
	cJSON *detail _json_ = cJSON_CreateObject();
	_free_ char *list = strv_join(mailboxes, " ");
	struct err later;
	struct uuid intent;

	json_add_str(detail, "department", name);
	json_add_str(detail, "mailboxes", list);
	if (operator_intent(m, v->action, detail, &intent, e) < 0)
		return -1;
	int rc = meta_department_change(m, name, v->change, mailboxes, e);

	if (operator_outcome(m, &intent, rc, rc < 0 ? &later : e) < 0)
		return -1;
	return rc;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct conf conf CLEANUP(conf_deinit) = { 0 };
	struct strv mailboxes CLEANUP(strv_deinit) = { 0 };
	struct meta *m CLEANUP(meta_closep) = NULL;
	struct err e;

	while (cli_getopt(cli, &department_command, argc, argv, "", NULL) != -1)
		;
	const struct verb *verb = argc - optind < 3 ? NULL : find_verb(argv[optind]);

	if (!verb || !*argv[optind + 1])
		return cli_usage(&department_command, "say: department set NAME MAILBOX..., or add or remove in the place of set");
	for (int i = optind + 2; i < argc; i++) {
		if (!strchr(argv[i], '@'))
			return cli_usage(&department_command, "%s is no mailbox", argv[i]);
		strv_add(&mailboxes, argv[i]);
	}
	int status = cli_prepare(cli, &conf);

	if (status != CLI_OK)
		return status;
	if (meta_open(&m, &conf, &e) < 0 || change_audited(m, verb, argv[optind + 1], &mailboxes, &e) < 0)
		return cli_failed(&e);
	printf("department %s %s\n", argv[optind + 1], verb->done);
	return CLI_OK;
}

const struct command department_command = {
	.name = "department",
	.arguments = "set|add|remove NAME MAILBOX...",
	.summary = "Make a department, or change which mailboxes it has",
	.help = "A user with a department in its scope sees the mail of all its mailboxes, as they are when the user looks.\n\n"
		"  set      it has exactly these mailboxes; it is made when there is none of this name\n"
		"  add      it has these mailboxes too; it is made when there is none of this name\n"
		"  remove   it no longer has these mailboxes\n",
	.run = run,
};
