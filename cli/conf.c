#include "cli/cli.h"

static const struct option options[] = {
	{ "help-keys", no_argument, NULL, 'k' },
	{ 0 },
};

static int run(struct cli *cli, int argc, char **argv)
{
	struct conf conf;
	bool help = false;

	while (cli_getopt(cli, &conf_command, argc, argv, "", options) != -1)
		help = true;
	if (optind < argc)
		return cli_usage(&conf_command, "takes no argument");
	int status = cli_load(cli, &conf);

	if (status != CLI_OK)
		return status;
	conf_print(&conf, stdout, help);
	conf_deinit(&conf);
	return CLI_OK;
}

const struct command conf_command = {
	.name = "conf",
	.arguments = "[--help-keys]",
	.summary = "Print the settings in effect",
	.help = "The settings of the file, the environment and the defaults, as a file that loads again.\n\n"
		"  --help-keys   each setting behind its explanation, type, default and limits\n",
	.run = run,
};
