/* cli: what the subcommands of `strongroom` share: how they are described, read options, and fail. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/err.h"
#include "conf/conf.h"

#include <getopt.h>

/* What the program exits with; strongroom(1) documents it. */
enum {
	CLI_OK = 0,
	CLI_ATTENTION = 1, /* something needs attention: problems found, a request or some messages refused, stopped early */
	CLI_USAGE = 2,	   /* the command line or the configuration is wrong: nothing was done */
	CLI_FAILED = 70,   /* something of ours does not work: standard error says what */
};

struct cli {
	const char *conf_path; /* -c, or NULL */
};

struct command {
	const char *name;
	const char *arguments; /* "[--json]" */
	const char *summary;   /* one line */
	const char *help;      /* the rest, lines */
	int (*run)(struct cli *cli, int argc, char **argv); /* argv[0] is the command */
};

extern const struct command init_command, user_command, department_command, directory_command, case_command, check_command, import_command,
	reindex_command, copy_command, status_command, postfix_log_command, conf_command,
	migrate_command, key_command;

/* getopt_long() with -c and -h taken care of: the next option of the command's own, or -1 at the end (optind is at the
 * first operand). A wrong option ends the program with CLI_USAGE. `letters` are the command's short options. */
int cli_getopt(struct cli *cli, const struct command *cmd, int argc, char **argv, const char *letters,
	const struct option *options);

void cli_help(const struct command *cmd, FILE *out);

/* "strongroom import: <text>" and where help is, on standard error; CLI_USAGE. */
int cli_usage(const struct command *cmd, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* "strongroom: <text>" on standard error; CLI_ATTENTION for a permanent error, else CLI_FAILED. */
int cli_failed(const struct err *e);

/* 0, or the status to exit with, having said why. cli_load() only loads the settings. cli_load_for_work() refuses whoever
 * is neither root nor the account that the daemons run as: such a one could read nothing, and what it made the daemons
 * could not use. cli_prepare() becomes that account too. */
int cli_load(const struct cli *cli, struct conf *conf_r) MUST_CHECK;
int cli_load_for_work(const struct cli *cli, struct conf *conf_r) MUST_CHECK;
int cli_prepare(const struct cli *cli, struct conf *conf_r) MUST_CHECK;

/* For what looks at everything there is: a database server has an hour for each answer. */
void cli_be_patient(struct conf *conf);

#endif
