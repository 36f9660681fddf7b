#include "base/buf.h"
#include "cli/cli.h"
#include "cli/department_import.h"
#include "cli/operator.h"
#include "meta/account.h"
#include "sys/io.h"
#include "sys/json.h"

#include <stdio.h>
#include <string.h>

#define FILE_MAX (256u * 1024 * 1024)

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

static int read_list(const char *path, struct department_list *l_r, struct err *e)
{
	CLEANUP(buf_deinit) struct buf text = BUF_INIT(FILE_MAX);
	struct err why;

	if (io_read_file(&text, path, FILE_MAX, e) < 0)
		return -1;
	if (department_list_read(l_r, text.data ? text.data : "", text.len, &why) == 0)
		return 0;
	return err_permanent(e, "import(%s) failed: %s", path, why.text);
}

static int import(struct cli *cli, const char *path)
{
	struct department_list list CLEANUP(department_list_deinit) = { 0 };
	struct conf conf CLEANUP(conf_deinit) = { 0 };
	struct meta *m CLEANUP(meta_closep) = NULL;
	int status = cli_prepare(cli, &conf);
	struct department_count done;
	size_t mailboxes = 0;
	struct err e;

	if (status != CLI_OK)
		return status;
	if (read_list(path, &list, &e) < 0 || meta_open(&m, &conf, &e) < 0 || department_list_apply(m, &list, &done, &e) < 0)
		return cli_failed(&e);
	for (size_t i = 0; i < list.n; i++)
		mailboxes += list.items[i].mailboxes.n;
	printf("%zu department%s of %zu mailbox%s: %zu made, %zu changed, %zu unchanged; %zu mailboxes came, %zu went\n", list.n,
		list.n == 1 ? "" : "s", mailboxes, mailboxes == 1 ? "" : "es", done.made, done.changed, done.unchanged, done.added,
		done.gone);
	return CLI_OK;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct conf conf CLEANUP(conf_deinit) = { 0 };
	struct strv mailboxes CLEANUP(strv_deinit) = { 0 };
	struct meta *m CLEANUP(meta_closep) = NULL;
	struct err e;

	while (cli_getopt(cli, &department_command, argc, argv, "", NULL) != -1)
		;
	if (argc - optind == 2 && strcmp(argv[optind], "import") == 0)
		return import(cli, argv[optind + 1]);
	const struct verb *verb = argc - optind < 3 ? NULL : find_verb(argv[optind]);

	if (!verb || !*argv[optind + 1])
		return cli_usage(&department_command, "say: department set NAME MAILBOX..., or add or remove in the place of set,\n"
			"or department import FILE");
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
	.arguments = "set|add|remove NAME MAILBOX... | import FILE",
	.summary = "Make a department, or change which mailboxes it has",
	.help = "A user with a department in its scope sees the mail of all its mailboxes, as they are when the user looks.\n\n"
		"  set      it has exactly these mailboxes; it is made when there is none of this name\n"
		"  add      it has these mailboxes too; it is made when there is none of this name\n"
		"  remove   it no longer has these mailboxes\n"
		"  import   each department that FILE names has exactly the mailboxes that stand there beside it; others stay\n"
		"           as they are. FILE is comma-separated (RFC 4180): two columns, or among others the columns department\n"
		"           and mailbox of a first line that names them. Nothing is changed when a line of it is wrong.\n",
	.run = run,
};
