#include "archive/archive.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>

static int show(void *ctx, const struct archive_progress *p)
{
	progress_show(ctx, "%" PRIu64 " of %" PRIu64 " messages indexed, %" PRIu64 " unreadable", p->done, p->total,
		p->failed);
	return progress_stopped() ? -1 : 0;
}

static int reindex(struct archive *a)
{
	struct progress line = PROGRESS_INIT;
	struct archive_progress done = { 0 };
	int64_t began_us = clock_monotonic_us();
	struct err e;
	int rc = archive_reindex(a, show, &line, &done, &e);

	progress_end(&line);
	if (rc < 0 && progress_stopped()) {
		printf("stopped after %" PRIu64 " of %" PRIu64 " messages; the index is as it was\n", done.done,
			done.total);
		return CLI_ATTENTION;
	}
	if (rc < 0)
		return cli_failed(&e);
	printf("%" PRIu64 " of %" PRIu64 " messages indexed in %.1f s, %" PRIu64 " unreadable\n",
		done.done - done.failed, done.total, (double)(clock_monotonic_us() - began_us) / CLOCK_SECOND,
		done.failed);
	return done.failed ? CLI_ATTENTION : CLI_OK;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct archive *a CLEANUP(archive_closep) = NULL;
	struct conf conf CLEANUP(conf_deinit) = { 0 };
	struct err e;

	while (cli_getopt(cli, &reindex_command, argc, argv, "", NULL) != -1)
		;
	if (optind < argc)
		return cli_usage(&reindex_command, "takes no argument");
	int status = cli_prepare(cli, &conf);

	if (status != CLI_OK)
		return status;
	progress_catch_signals();
	if (archive_open(&a, &conf, "reindex", &e) < 0)
		return cli_failed(&e);
	return reindex(a);
}

const struct command reindex_command = {
	.name = "reindex",
	.arguments = "",
	.summary = "Build the search index anew from the archive",
	.help = "Mail goes on being captured and searched meanwhile; the new index takes the place of the old one when\n"
		"it is complete. Interrupted, it leaves the old index as it was. Messages that can't be read are counted\n"
		"and stay on the outbox, and the exit status is 1.\n",
	.run = run,
};
