#include "cli/cli.h"

#include "base/clock.h"
#include "sys/proc.h"

#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_US (3600 * CLOCK_SECOND)

void cli_help(const struct command *cmd, FILE *out)
{
	fprintf(out, "usage: strongroom [-c FILE] %s%s%s\n\n%s.\n", cmd->name, *cmd->arguments ? " " : "",
		cmd->arguments, cmd->summary);
	if (*cmd->help)
		fprintf(out, "\n%s", cmd->help);
}

int cli_usage(const struct command *cmd, const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "strongroom %s: ", cmd->name);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "; see: strongroom help %s\n", cmd->name);
	return CLI_USAGE;
}

int cli_getopt(struct cli *cli, const struct command *cmd, int argc, char **argv, const char *letters,
	const struct option *options)
{
	static const struct option none[] = { { 0 } };
	_free_ char *all = mem_printf(":c:h%s", letters);

	for (;;) {
		int option = getopt_long(argc, argv, all, options ? options : none, NULL);

		switch (option) {
		case 'c':
			cli->conf_path = optarg;
			break;
		case 'h':
			cli_help(cmd, stdout);
			exit(CLI_OK);
		case ':':
			exit(cli_usage(cmd, "%s needs a value", argv[optind - 1]));
		case '?':
			if (strcmp(argv[optind - 1], "--help") == 0) {
				cli_help(cmd, stdout);
				exit(CLI_OK);
			}
			exit(cli_usage(cmd, "there is no option %s", argv[optind - 1]));
		default:
			return option;
		}
	}
}

int cli_failed(const struct err *e)
{
	fprintf(stderr, "strongroom: %s\n", e->text);
	return e->class == ERR_PERMANENT ? CLI_ATTENTION : CLI_FAILED;
}

int cli_load(const struct cli *cli, struct conf *conf_r)
{
	struct err e;

	if (conf_load(conf_r, cli->conf_path, &e) == 0)
		return CLI_OK;
	fprintf(stderr, "strongroom: %s\n", e.text);
	return CLI_USAGE;
}

int cli_load_for_work(const struct cli *cli, struct conf *conf_r)
{
	int status = cli_load(cli, conf_r);
	const struct passwd *p = status == CLI_OK ? getpwnam(conf_r->user) : NULL;

	if (status != CLI_OK || geteuid() == 0 || !*conf_r->user || (p && p->pw_uid == geteuid()))
		return status;
	fprintf(stderr, "strongroom: this is for root and for %s, the account of the daemons: try sudo, or sudo -u %s\n",
		conf_r->user, conf_r->user);
	conf_deinit(conf_r);
	return CLI_USAGE;
}

void cli_be_patient(struct conf *conf)
{
	if (conf->mysql_timeout_us < PATIENCE_US)
		conf->mysql_timeout_us = PATIENCE_US;
}

int cli_prepare(const struct cli *cli, struct conf *conf_r)
{
	struct err e;
	int status = cli_load_for_work(cli, conf_r);

	if (status != CLI_OK)
		return status;
	if (proc_drop(conf_r->user, &e) == 0)
		return CLI_OK;
	conf_deinit(conf_r);
	return cli_failed(&e);
}
