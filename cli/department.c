#include "cli/cli.h"
#include "cli/operator.h"
#include "meta/account.h"
#include "sys/json.h"

#include <stdio.h>
#include <string.h>

static int set_audited(struct meta *m, const char *name, const struct strv *mailboxes, struct err *e)
{
	cJSON *detail _json_ = cJSON_CreateObject();
	_free_ char *list = strv_join(mailboxes, " ");
	struct err later;
	struct uuid intent;

	json_add_str(detail, "department", name);
	json_add_str(detail, "mailboxes", list);
	if (operator_intent(m, "department.set", detail, &intent, e) < 0)
		return -1;
	int rc = meta_department_set(m, name, mailboxes, e);

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
	if (argc - optind < 3 || strcmp(argv[optind], "set") != 0)
		return cli_usage(&department_command, "say: department set NAME MAILBOX...");
	for (int i = optind + 2; i < argc; i++) {
		if (!strchr(argv[i], '@'))
			return cli_usage(&department_command, "%s is no mailbox", argv[i]);
		strv_add(&mailboxes, argv[i]);
	}
	int status = cli_prepare(cli, &conf);

	if (status != CLI_OK)
		return status;
	if (meta_open(&m, &conf, &e) < 0 || set_audited(m, argv[optind + 1], &mailboxes, &e) < 0)
		return cli_failed(&e);
	printf("department %s now has %zu more mailboxes, or had them already\n", argv[optind + 1], mailboxes.n);
	return CLI_OK;
}

const struct command department_command = {
	.name = "department",
	.arguments = "set NAME MAILBOX...",
	.summary = "Make a department, or give it more mailboxes",
	.help = "A user with a department in its scope sees the mail of all its mailboxes.\n",
	.run = run,
};
