/* strongroom: the operator's command. One file a subcommand. */
#include "base/log.h"
#include "cli/cli.h"
#include "cli/operator.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const struct command *const commands[] = {
	&init_command,	&migrate_command, &user_command,    &department_command, &directory_command,   &case_command, &check_command,
	&import_command, &reindex_command, &copy_command,   &status_command,	 &postfix_log_command, &conf_command, &key_command,
};

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static void print_commands(FILE *out)
{
	fputs("usage: strongroom [-c FILE] COMMAND [ARGUMENT...]\n\n", out);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(out, "  %-12s%s\n", commands[i]->name, commands[i]->summary);
	fputs("  help        Explain a command: strongroom help COMMAND\n\n"
	      "  -c FILE     configuration; default: $STRONGROOM_CONF, else /etc/strongroom/strongroom.conf\n"
	      "  --version   print the version\n",
		out);
}

static int unknown(const char *name)
{
	fprintf(stderr, "strongroom: there is no command %s; see: strongroom help\n", name);
	return CLI_USAGE;
}

static int help(const char *name)
{
	const struct command *cmd = name ? find(name) : NULL;

	if (name && strcmp(name, "help") == 0)
		name = NULL;
	if (name && !cmd)
		return unknown(name);
	if (cmd)
		cli_help(cmd, stdout);
	else
		print_commands(stdout);
	return CLI_OK;
}

static int run(struct cli *cli, int argc, char **argv)
{
	const struct command *cmd = argc ? find(argv[0]) : NULL;

	if (!argc) {
		print_commands(stderr);
		return CLI_USAGE;
	}
	if (strcmp(argv[0], "help") == 0)
		return help(argv[1]);
	if (!cmd)
		return unknown(argv[0]);
	optind = 0; /* glibc: begin anew, with this argv */
	return cmd->run(cli, argc, argv);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	struct cli cli = { 0 };
	int option;

	operator_begin();
	log_init("strongroom", LOG_WARN);
	setlocale(LC_CTYPE, "C.UTF-8");
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	while ((option = getopt_long(argc, argv, "+c:h", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			cli.conf_path = optarg;
			break;
		case 'h':
			return help(NULL);
		case 'V':
			puts("strongroom " STRONGROOM_VERSION);
			return CLI_OK;
		default:
			fputs("see: strongroom help\n", stderr);
			return CLI_USAGE;
		}
	}
	int status = run(&cli, argc - optind, argv + optind);

	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "strongroom: write(standard output) failed\n");
		return CLI_FAILED;
	}
	return status;
}
