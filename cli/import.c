#include "archive/archive.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/import_source.h"
#include "cli/progress.h"
#include "cli/read_rights.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define THREADS 32
#define THREADS_MAX 256

struct wanted {
	struct strv recipients;
	bool unquote;
	size_t threads;
};

static void wanted_deinit(struct wanted *w)
{
	strv_deinit(&w->recipients);
}

static int read_arguments(struct cli *cli, int argc, char **argv, struct wanted *w)
{
	static const struct option options[] = {
		{ "rcpt", required_argument, NULL, 'r' },
		{ "mboxrd", no_argument, NULL, 'u' },
		{ "jobs", required_argument, NULL, 'j' },
		{ 0 },
	};
	uint64_t jobs = THREADS;
	int option;

	while ((option = cli_getopt(cli, &import_command, argc, argv, "j:", options)) != -1) {
		if (option == 'r')
			strv_add_unique(&w->recipients, optarg);
		else if (option == 'u')
			w->unquote = true;
		else if (str_parse_u64(&jobs, optarg, THREADS_MAX) < 0 || jobs == 0)
			return cli_usage(&import_command, "--jobs takes a number up to %d", THREADS_MAX);
	}
	w->threads = (size_t)jobs;
	return optind < argc ? CLI_OK : cli_usage(&import_command, "say what to import");
}

static void print_account(const struct import_account *a, const struct import_source *s)
{
	printf("offered        %" PRIu64 "\n", a->offered);
	printf("archived       %" PRIu64 "\n", a->archived);
	printf("already there  %" PRIu64 "\n", a->known);
	printf("refused        %" PRIu64 "\n", a->refused);
	if (s->passed_over)
		printf("%" PRIu64 " files named neither *.eml nor *.mbox were passed over\n", s->passed_over);
}

static int import(const struct conf *conf, struct archive *a, const struct wanted *w, char **paths)
{
	struct import_source source = { .conf = conf, .recipients = &w->recipients, .unquote = w->unquote };
	struct import_account account;
	struct err e = { 0 };
	int rc = 0;

	source.pool = import_pool_new(a, w->threads, conf->inflight_max);
	for (; rc == 0 && *paths && !import_pool_stopped(source.pool); paths++)
		rc = import_source_walk(&source, *paths, &e);
	import_pool_finish(&source.pool, &account);
	print_account(&account, &source);
	if (rc == 0 && account.gave_up) {
		e = account.failure;
		rc = -1;
	}
	if (rc < 0) {
		puts("stopped early: run it again to go on");
		return cli_failed(&e);
	}
	if (progress_stopped())
		puts("stopped early: run it again to go on");
	return account.refused || progress_stopped() ? CLI_ATTENTION : CLI_OK;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct wanted w CLEANUP(wanted_deinit) = { 0 };
	struct conf conf CLEANUP(conf_deinit) = { 0 };
	struct archive *a CLEANUP(archive_closep) = NULL;
	struct err e;
	int status = read_arguments(cli, argc, argv, &w);

	if (status != CLI_OK)
		return status;
	if (read_rights_keep(&e) < 0)
		return cli_failed(&e);
	status = cli_prepare(cli, &conf);
	if (status != CLI_OK)
		return status;
	if (read_rights_limit(&e) < 0)
		return cli_failed(&e);
	progress_catch_signals();
	if (archive_open(&a, &conf, "import", &e) < 0)
		return cli_failed(&e);
	return import(&conf, a, &w, argv + optind);
}

const struct command import_command = {
	.name = "import",
	.arguments = "[--rcpt ADDRESS]... [--mboxrd] [--jobs N] FILE|DIRECTORY|-...",
	.summary = "Archive stored mail: .eml files, mbox mailboxes, Maildirs, directories of these",
	.help = "A file that begins with \"From \" is a mailbox (mbox), any other one message. In a directory the files\n"
		"named *.eml and *.mbox and all Maildirs are taken, directories below it too. - is standard input.\n"
		"The bytes are archived as they are in the file. What is archived already is recognised, so that an\n"
		"import can be stopped (Ctrl-C) and repeated. Each message refused is listed, with the reason, and the\n"
		"exit status is then 1.\n\n"
		"  --rcpt ADDRESS   the envelope recipient of every message; again for more. Default: what Delivered-To\n"
		"                   and X-Original-To say. The sender is that of Return-Path, else of the From_ line\n"
		"  --mboxrd         mailboxes quote lines as mboxrd does: take one '>' off \">From \", \">>From \" …\n"
		"  --jobs N         messages archived at a time; default 32\n",
	.run = run,
};
