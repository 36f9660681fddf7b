#include "archive/archive.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define DRAIN_AT_ONCE 256
#define DRAIN_PATIENCE_US (5 * CLOCK_SECOND)

static int show(void *ctx, const struct archive_progress *p)
{
	progress_show(ctx, "%" PRIu64 " of %" PRIu64 " messages indexed, %" PRIu64 " unreadable", p->done, p->total,
		p->failed);
	return progress_stopped() ? -1 : 0;
}

/* What is on the outbox is in the new index already, or came during the walk. The archive opens the new index in its own
 * time; what is not done here in a few seconds workerd does. */
static void drain(struct archive *a)
{
	const struct timespec pause = { .tv_nsec = 50 * 1000 * 1000 };
	int64_t until_us = clock_monotonic_us() + DRAIN_PATIENCE_US;
	struct err e;
	size_t done = 1;

	while (done > 0 && !progress_stopped()) {
		if (archive_drain(a, DRAIN_AT_ONCE, 0, &done, &e) == 0)
			continue;
		if (clock_monotonic_us() > until_us) {
			fprintf(stderr, "strongroom: the outbox is left for strongroom-workerd: %s\n", e.text);
			return;
		}
		nanosleep(&pause, NULL);
		done = 1;
	}
}

static int reindex(struct archive *a, enum archive_reindex how)
{
	struct progress line = PROGRESS_INIT;
	struct archive_progress done = { 0 };
	int64_t began_us = clock_monotonic_us();
	struct err e;
	int rc = archive_reindex(a, how, show, &line, &done, &e);

	if (rc == 0)
		drain(a);
	progress_end(&line);
	if (rc < 0 && progress_stopped()) {
		printf("stopped after %" PRIu64 " of %" PRIu64 " messages; the index is as it was\n", done.done,
			done.total);
		return CLI_ATTENTION;
	}
	if (rc < 0 && e.class == ERR_PERMANENT && done.failed)
		err_prefix(&e, "reindex refused (to index what can be read: reindex --incomplete)");
	if (rc < 0)
		return cli_failed(&e);
	printf("%" PRIu64 " of %" PRIu64 " messages indexed in %.1f s, %" PRIu64 " unreadable\n",
		done.done - done.failed, done.total, (double)(clock_monotonic_us() - began_us) / CLOCK_SECOND,
		done.failed);
	return done.failed ? CLI_ATTENTION : CLI_OK;
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "incomplete", no_argument, NULL, 'i' }, { 0 } };
	struct conf conf CLEANUP(conf_deinit) = { 0 };
	struct archive *a CLEANUP(archive_closep) = NULL;
	enum archive_reindex how = ARCHIVE_REINDEX_WHOLE;
	struct err e;

	while (cli_getopt(cli, &reindex_command, argc, argv, "", options) != -1)
		how = ARCHIVE_REINDEX_ANYHOW;
	if (optind < argc)
		return cli_usage(&reindex_command, "takes no argument");
	int status = cli_prepare(cli, &conf);

	if (status != CLI_OK)
		return status;
	progress_catch_signals();
	if (archive_open(&a, &conf, "cli", &e) < 0)
		return cli_failed(&e);
	return reindex(a, how);
}

const struct command reindex_command = {
	.name = "reindex",
	.arguments = "[--incomplete]",
	.summary = "Build the search index anew from the archive",
	.help = "Mail goes on being captured and searched meanwhile; the new index takes the place of the old one when\n"
		"it is complete. Interrupted, it leaves the old index as it was. Messages that can't be read are listed\n"
		"and counted, stay on the outbox, and the exit status is 1; when they are more than one in a hundred the\n"
		"old index stays.\n\n"
		"  --incomplete   put the new index in place however many messages can't be read\n",
	.run = run,
};
