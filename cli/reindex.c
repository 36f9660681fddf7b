#include "archive/archive.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
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

static int reindex(struct archive *a, const struct archive_rebuild *what)
{
	struct progress line = PROGRESS_INIT;
	struct archive_progress done = { 0 };
	int64_t began_us = clock_monotonic_us();
	struct err e;
	int rc = archive_reindex(a, what, show, &line, &done, &e);

	if (rc == 0)
		drain(a);
	progress_end(&line);
	if (rc < 0 && progress_stopped()) {
		printf("stopped after %" PRIu64 " of %" PRIu64 " messages; the index is as it was, and the next reindex goes on "
		       "from here\n", done.done, done.total);
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

/* The first instant of a month, "2026-11", or of the one `later` months after it. -1: that is none. */
static int parse_month(int64_t *us_r, const char *text, int later)
{
	_free_ char *day = mem_printf("%s-01", text);
	int64_t first;
	int year, month;

	if (strlen(text) != 7 || clock_parse(&first, day) || sscanf(text, "%4d-%2d", &year, &month) != 2)
		return -1;
	month += later;
	*us_r = clock_day_us(month > 12 ? year + 1 : year, month > 12 ? 1 : month, 1);
	return 0;
}

/* Takes one option; CLI_OK or the exit status. */
static int take_option(int option, struct archive_rebuild *what)
{
	switch (option) {
	case 'i':
		what->how = ARCHIVE_REINDEX_ANYHOW;
		break;
	case 'a':
		what->afresh = true;
		break;
	case 'f':
		if (parse_month(&what->from_us, optarg, 0))
			return cli_usage(&reindex_command, "--from takes a month, as 2026-11");
		break;
	case 'u':
		if (parse_month(&what->until_us, optarg, 1))
			return cli_usage(&reindex_command, "--until takes a month, as 2026-11");
		break;
	}
	return CLI_OK;
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "incomplete", no_argument, NULL, 'i' }, { "afresh", no_argument, NULL, 'a' },
		{ "from", required_argument, NULL, 'f' }, { "until", required_argument, NULL, 'u' }, { 0 } };
	struct conf conf CLEANUP(conf_deinit) = { 0 };
	struct archive *a CLEANUP(archive_closep) = NULL;
	struct archive_rebuild what = { .how = ARCHIVE_REINDEX_WHOLE, .from_us = INT64_MIN, .until_us = INT64_MAX };
	int status = CLI_OK, option;
	struct err e;

	while (status == CLI_OK && (option = cli_getopt(cli, &reindex_command, argc, argv, "", options)) != -1)
		status = take_option(option, &what);
	if (status == CLI_OK && optind < argc)
		status = cli_usage(&reindex_command, "takes no argument");
	if (status == CLI_OK && what.from_us >= what.until_us)
		status = cli_usage(&reindex_command, "--until must not be before --from");
	if (status == CLI_OK)
		status = cli_prepare(cli, &conf);
	if (status != CLI_OK)
		return status;
	progress_catch_signals();
	if (archive_open(&a, &conf, "cli", &e) < 0)
		return cli_failed(&e);
	return reindex(a, &what);
}

const struct command reindex_command = {
	.name = "reindex",
	.arguments = "[--afresh] [--from MONTH] [--incomplete] [--until MONTH]",
	.summary = "Build the search index anew from the archive",
	.help = "Mail goes on being captured and searched meanwhile; the new index takes the place of the old one when\n"
		"it is complete. Interrupted, it leaves the old index as it was, and the next one of the same range goes\n"
		"on from there. Messages that can't be read are listed and counted, stay on the outbox, and the exit\n"
		"status is 1; when they are more than one in a hundred the old index stays.\n\n"
		"  --afresh       don't go on with an interrupted one\n"
		"  --from MONTH   only messages archived in that month (2026-11, UTC) or later; not in an index fts:FILE\n"
		"  --incomplete   put the new index in place however many messages can't be read\n"
		"  --until MONTH  only messages archived in that month or before\n",
	.run = run,
};
