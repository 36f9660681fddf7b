/* postfix-log: was everything captured that Postfix accepted, by its logs? */
#include "archive/postfix_log.h"

#include "archive/postfix_line.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/operator.h"
#include "cli/read_rights.h"
#include "sys/io.h"
#include "sys/json.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_MAX 65536 /* in which a line with a time is looked for */
#define PIECE ((size_t)256 * 1024)

/* One log, open. Logs are read in the order of their times, whatever order they were named in. */
struct log_file {
	const char *path;
	int fd;
	int64_t first_us, modified_us;
};

static void print_incident(const struct mta_message *m)
{
	char at[CLOCK_TEXT_SIZE];

	printf("not captured: %s of %s, accepted %s from %s, Message-ID %s\n", m->queue_id, m->host,
		clock_format(at, m->accepted_us), *m->client ? m->client : "unknown", *m->header_id ? m->header_id : "unknown");
}

/* ---- files ---- */

static int64_t first_time(const char *head, size_t n, int64_t reference_us)
{
	struct postfix_line l = { 0 };
	const char *end;

	for (size_t at = 0; at < n && !l.at_us && (end = memchr(head + at, '\n', n - at)); at = (size_t)(end - head) + 1)
		postfix_line_read(&l, head + at, (size_t)(end - (head + at)), reference_us);
	return l.at_us;
}

static int open_log(struct log_file *f, const char *path, struct err *e)
{
	_free_ char *head = MEM_ARRAY(char, HEAD_MAX);
	struct stat st;

	f->path = path;
	f->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (f->fd < 0 || fstat(f->fd, &st))
		return err_errno(e, f->fd < 0 ? "open" : "stat", path);
	f->modified_us = st.st_mtim.tv_sec * CLOCK_SECOND;
	ssize_t n = pread(f->fd, head, HEAD_MAX, 0);

	if (n < 0)
		return err_errno(e, "read", path);
	f->first_us = first_time(head, (size_t)n, f->modified_us);
	return 0;
}

static int by_time(const void *a, const void *b)
{
	const struct log_file *x = a, *y = b;

	return (x->first_us > y->first_us) - (x->first_us < y->first_us);
}

static int read_log(struct postfix_account *a, const struct log_file *f, struct err *e)
{
	uint64_t position = 0;
	int more = 1;

	while (more > 0) {
		more = postfix_log_read(f->fd, f->path, &position, f->modified_us, a, e);
		if (more < 0 || postfix_account_judge(a, postfix_account_last_us(a), false, NULL, e))
			return -1;
	}
	return 0;
}

static int read_files(struct postfix_account *a, char **paths, size_t n, struct err *e)
{
	_free_ struct log_file *files = MEM_ARRAY(struct log_file, n);
	int failed = 0;
	size_t opened = 0;

	while (!failed && opened < n) {
		failed = open_log(&files[opened], paths[opened], e);
		opened++;
	}
	qsort(files, opened, sizeof(*files), by_time);
	for (size_t i = 0; i < opened; i++) {
		failed = failed || read_log(a, &files[i], e) ? -1 : 0;
		io_closep(&files[i].fd);
	}
	return failed;
}

/* What a pipe brings can't be read twice: line by line. */
static int read_input(struct postfix_account *a, struct err *e)
{
	_free_ char *line = NULL;
	size_t room = 0, since = 0;
	ssize_t n;

	while ((n = getline(&line, &room, stdin)) >= 0) {
		postfix_account_line(a, line, (size_t)n - (n > 0 && line[n - 1] == '\n'), clock_now_us());
		since += (size_t)n;
		if (since < PIECE * 64)
			continue;
		since = 0;
		if (postfix_account_judge(a, postfix_account_last_us(a), false, NULL, e))
			return -1;
	}
	return ferror(stdin) ? err_errno(e, "read", "standard input") : 0;
}

/* ---- the command ---- */

static int report(const struct postfix_account *a)
{
	struct postfix_counts n = postfix_account_counts(a);
	char last[CLOCK_TEXT_SIZE];

	if (!n.lines) {
		fprintf(stderr, "strongroom: there is no line of Postfix about a message\n");
		return CLI_ATTENTION;
	}
	printf("%" PRIu64 " accepted, %" PRIu64 " captured, %" PRIu64 " not captured, %" PRIu64 " captured and not accepted, %" PRIu64
	       " not finished by the end of the log (%s)\n", n.accepted, n.captured, n.incidents, n.unaccepted, n.open,
		clock_format(last, postfix_account_last_us(a)));
	return n.incidents ? CLI_ATTENTION : CLI_OK;
}

static int compare(const struct conf *conf, char **paths, size_t n)
{
	CLEANUP(meta_closep) struct meta *m = NULL;
	CLEANUP(postfix_account_freep) struct postfix_account *a = NULL;
	struct err e;

	if (meta_open(&m, conf, &e) < 0)
		return cli_failed(&e);
	a = postfix_account_new(m, conf->workerd_postfix_grace_us, print_incident);
	int failed = n == 1 && strcmp(paths[0], "-") == 0 ? read_input(a, &e) : read_files(a, paths, n, &e);

	if (failed || postfix_account_judge(a, postfix_account_last_us(a), true, NULL, &e))
		return cli_failed(&e);
	return report(a);
}

/* 1 when one of them is no open incident. */
static int settle_all(struct meta *m, const char *note, char **ids, size_t n, struct err *e)
{
	int unknown = 0;
	uint64_t settled;

	for (size_t i = 0; i < n; i++) {
		if (meta_mta_settle(m, ids[i], note, clock_now_us(), &settled, e) < 0)
			return -1;
		if (!settled)
			fprintf(stderr, "strongroom: %s is no open incident\n", ids[i]);
		unknown |= !settled;
	}
	return unknown;
}

/* On the record: what is settled is seen no more. */
static int settle(const struct conf *conf, const char *note, char **ids, size_t n)
{
	CLEANUP(meta_closep) struct meta *m = NULL;
	_json_ cJSON *detail = cJSON_CreateObject();
	cJSON *list = cJSON_AddArrayToObject(detail, "queue_ids");
	struct uuid intent;
	struct err e, late;

	for (size_t i = 0; i < n; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString(ids[i]));
	json_add_str(detail, "note", note);
	if (meta_open(&m, conf, &e) < 0 || operator_intent(m, "incident.settle", detail, &intent, &e) < 0)
		return cli_failed(&e);
	int rc = settle_all(m, note, ids, n, &e);

	if (operator_outcome(m, &intent, rc, &late) < 0)
		return cli_failed(&late);
	return rc < 0 ? cli_failed(&e) : rc ? CLI_ATTENTION : CLI_OK;
}

static int prepare(struct cli *cli, struct conf *conf)
{
	struct err e;

	if (read_rights_keep(&e) < 0)
		return cli_failed(&e);
	int status = cli_prepare(cli, conf);

	if (status != CLI_OK)
		return status;
	return read_rights_limit(&e) < 0 ? cli_failed(&e) : CLI_OK;
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "settle", required_argument, NULL, 's' }, { 0 } };
	struct conf conf CLEANUP(conf_deinit) = { 0 };
	const char *note = NULL;

	while (cli_getopt(cli, &postfix_log_command, argc, argv, "", options) != -1)
		note = optarg;
	if (optind == argc)
		return cli_usage(&postfix_log_command, note ? "which queue ids?" : "which log?");
	if (note && !*note)
		return cli_usage(&postfix_log_command, "--settle needs a note that says why");
	int status = prepare(cli, &conf);

	if (status != CLI_OK)
		return status;
	char **operands = argv + optind;
	size_t n = (size_t)(argc - optind);

	return note ? settle(&conf, note, operands, n) : compare(&conf, operands, n);
}

const struct command postfix_log_command = {
	.name = "postfix-log",
	.arguments = "FILE... | --settle NOTE QUEUE-ID...",
	.summary = "Compare what Postfix accepted, by its logs, with what was captured",
	.help = "Reads logs of Postfix (in the order of their times; - is standard input: zcat mail.log.2.gz | strongroom\n"
		"postfix-log -). Each message that came from a client or a local program and was accepted must have been captured:\n"
		"by the milter, or by a delivery to the archive. One that Postfix is done with and that was not captured is an\n"
		"incident: it is listed, recorded, and stands in `strongroom status` until it is settled; the exit status is 1.\n"
		"Captured messages that were not accepted in the end are marked. strongroom-workerd does the same for a log that it\n"
		"follows ([workerd] postfix_log).\n\n"
		"  --settle NOTE   somebody has seen to the incidents of these queue ids; the note says how\n",
	.run = run,
};
