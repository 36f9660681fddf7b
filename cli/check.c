#include "cli/check.h"

#include "cli/cli.h"
#include "cli/deploy.h"
#include "cli/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

struct checking {
	struct check check; /* first: see report() */
	unsigned problems, notes;
};

void check_report(struct check *c, enum check_level level, const char *remedy, const char *fmt, ...)
{
	char what[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	c->report(c, level, what, remedy);
}

static void report(struct check *c, enum check_level level, const char *what, const char *remedy)
{
	static const char *const names[] = { "ok:      ", "note:    ", "problem: " };
	struct checking *all = CONTAINER_OF(c, struct checking, check);

	all->problems += level == CHECK_PROBLEM;
	all->notes += level == CHECK_NOTE;
	printf("%s%s\n", names[level], what);
	if (remedy)
		printf("         remedy: %s\n", remedy);
}

static int finish(const struct checking *all)
{
	if (all->problems)
		printf("%u problem%s", all->problems, all->problems == 1 ? "" : "s");
	else
		printf("no problem");
	printf(", %u note%s\n", all->notes, all->notes == 1 ? "" : "s");
	return all->problems ? CLI_ATTENTION : CLI_OK;
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "quick", no_argument, NULL, 'q' },
		{ "postfix", optional_argument, NULL, 'p' },
		{ "ledger", no_argument, NULL, 'l' },
		{ "deep", no_argument, NULL, 'd' },
		{ "deploy", no_argument, NULL, 'D' },
		{ 0 },
	};
	struct conf conf CLEANUP(conf_deinit) = { 0 };
	struct checking all = { .check = { .conf = &conf, .report = report } };
	const char *directory = NULL;
	bool postfix = false, deploy = false;
	int option;

	while ((option = cli_getopt(cli, &check_command, argc, argv, "", options)) != -1) {
		if (option == 'd')
			all.check.depth = CHECK_BYTES;
		else if (option == 'D')
			deploy = true;
		else if (option == 'q')
			all.check.quick = true;
		else if (option == 'l' && all.check.depth == CHECK_NEWEST)
			all.check.depth = CHECK_ALL;
		else if (option == 'p') {
			postfix = true;
			directory = optarg;
		}
	}
	if (postfix && !directory && optind < argc)
		directory = argv[optind++];
	if (optind < argc)
		return cli_usage(&check_command, "takes no argument but the directory of --postfix");
	if (deploy && (postfix || all.check.quick || all.check.depth != CHECK_NEWEST))
		return cli_usage(&check_command, "--deploy looks at nothing else");
	int status = deploy ? cli_load(cli, &conf) : cli_prepare(cli, &conf);

	if (status != CLI_OK)
		return status;
	if (deploy)
		return deploy_run(&conf);
	if (all.check.depth != CHECK_NEWEST)
		cli_be_patient(&conf);
	progress_catch_signals();
	check_report(&all.check, CHECK_OK, NULL, "configuration");
	check_files(&all.check);
	check_backends(&all.check);
	check_certificates(&all.check);
	check_ldap(&all.check);
	check_provider(&all.check);
	if (postfix)
		check_postfix(&all.check, directory);
	return finish(&all);
}

const struct command check_command = {
	.name = "check",
	.arguments = "[--quick] [--ledger | --deep] [--postfix [DIRECTORY]] | --deploy",
	.summary = "Tell what is wrong with this installation, and how to mend it",
	.help = "Looks at the configuration, directories, keys, store, database, index, parser, directory, sign-in provider\n"
		"and certificates, with the rights that the daemons have; at the ledger; and at each message: whether its rows\n"
		"agree with its ledger record, and its object is there, of the right length. Of an archive with more than\n"
		"100,000 messages only the newest are looked at, unless --ledger is given. Each problem comes with its remedy;\n"
		"with any, the exit status is 1. Run it as root or as the account of the daemons.\n\n"
		"  --quick                 do not try the locks of a store at a server, which takes seconds and writes to it:\n"
		"                          that they were seen to hold before is enough\n"
		"  --ledger                look so at all messages\n"
		"  --deep                  look at all messages and read every byte: whether each object has the SHA-256\n"
		"                          that was recorded\n"
		"  --postfix [DIRECTORY]   look at Postfix too: at settings by which mail would bypass the archive or\n"
		"                          be lost to it; DIRECTORY is that of its main.cf\n"
		"  --deploy                instead, tell of every setting that security depends on: with its id, whether it\n"
		"                          is ok, what it means, and what mends it\n",
	.run = run,
};
