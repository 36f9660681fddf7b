/* migrate: brings the database up to this program, and nothing else. */
#include "cli/cli.h"
#include "meta/meta.h"

#include <stdio.h>

static int run(struct cli *cli, int argc, char **argv)
{
	struct conf conf CLEANUP(conf_deinit) = { 0 };
	struct err e;

	while (cli_getopt(cli, &migrate_command, argc, argv, "", NULL) != -1)
		;
	if (optind < argc)
		return cli_usage(&migrate_command, "takes no argument");
	int status = cli_prepare(cli, &conf);

	if (status != CLI_OK)
		return status;
	if (meta_migrate(&conf, &e) < 0)
		return cli_failed(&e);
	printf("database ready: %s\n", conf.meta);
	return CLI_OK;
}

const struct command migrate_command = {
	.name = "migrate",
	.arguments = "",
	.summary = "Bring the database up to this version of Strongroom",
	.help = "Makes the databases where they are missing, applies what their schema lacks, step by step and forward only, and\n"
		"where tables are split by month makes room for the months to come. Repeating it changes nothing, and one that was\n"
		"cut off goes on where it ended. A schema newer than this program is refused. With MySQL it is for the account that\n"
		"owns the schema; after an upgrade give the grants of grants.mysql.sql again.\n",
	.run = run,
};
