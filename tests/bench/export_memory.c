/* export_memory: whether the memory of an export grows with it.
 *
 *	export_memory MESSAGES FORMAT CONTAINER DIRECTORY
 *
 * Writes made-up messages through workerd/export_write.c to a store below the directory, and prints the process's memory at
 * each power of ten, and at the end. */
#include "base/clock.h"
#include "base/str.h"
#include "mail/scope_grant.h"
#include "store/store.h"
#include "workerd/export_write.h"

#include <stdio.h>
#include <string.h>

static struct conf conf;

/* Ends the program with what went wrong. */
static void must(int rc, const struct err *e)
{
	if (rc == 0)
		return;
	fprintf(stderr, "%s\n", e->text);
	exit(1);
}

static unsigned long memory_kib(const char *what)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[200];
	unsigned long kib = 0;

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, what, strlen(what)) == 0)
			kib = strtoul(line + strlen(what) + 1, NULL, 10);
	if (f)
		fclose(f);
	return kib;
}

static void tell(uint64_t n, int64_t began_us)
{
	printf("%9llu messages  %6.1f s  memory %5.1f MiB, peak %5.1f MiB\n", (unsigned long long)n,
		(double)(clock_monotonic_us() - began_us) / 1e6, (double)memory_kib("VmRSS:") / 1024, (double)memory_kib("VmHWM:") / 1024);
	fflush(stdout);
}

static void write_one(struct export_write *w, uint64_t n, struct err *e)
{
	CLEANUP(message_freep) struct message *m = message_new(conf.spool_dir, 4096);
	char text[400], subject[40];
	struct participant people[2] = {
		{ ROLE_FROM, (char[]){ "Anne" }, (char[]){ "anne@example.org" }, (char[]){ "anne@example.org" } },
		{ ROLE_TO, (char[]){ "Bob" }, (char[]){ "bob@example.org" }, (char[]){ "bob@example.org" } },
	};
	struct message_row row = { .id = uuid_new(clock_now_us()), .received_us = clock_now_us(), .subject = subject,
		.message_id = (char[]){ "1@example.org" }, .capture_point = (char[]){ "lmtp" }, .participants = people,
		.participant_count = 2 };

	snprintf(subject, sizeof(subject), "number %llu", (unsigned long long)n);
	snprintf(text, sizeof(text), "From: anne@example.org\r\nTo: bob@example.org\r\nSubject: %s\r\n\r\nsome text\r\n", subject);
	must(message_append(m, text, strlen(text), e) || message_finish(m, e), e);
	row.size = message_size(m);
	memcpy(row.sha256, message_sha256(m), SHA256_SIZE);
	must(export_write_message(w, &row, m, e), e);
}

int main(int argc, char **argv)
{
	struct export_job job = { .request = { .id = uuid_new(clock_now_us()), .reason = (char[]){ "bench" },
		.request = (char[]){ "{}" }, .scope = (char[]){ "{}" } }, .epoch = 1 };
	struct scope *all = scope_grant(true, NULL, INT64_MIN, INT64_MAX);
	struct export_write_head head = { .job = &job, .who = "nobody", .builder = "bench", .scope = all };
	struct export_progress p = { 0 };
	struct export_result result = { 0 };
	struct export_write *w = NULL;
	struct store *s = NULL;
	struct err e = { 0 };
	uint64_t total, mark = 10;
	int64_t began_us = clock_monotonic_us();

	if (argc != 5 || str_parse_u64(&total, argv[1], UINT32_MAX) < 0) {
		fprintf(stderr, "usage: export_memory MESSAGES FORMAT CONTAINER DIRECTORY\n");
		return 2;
	}
	job.request.format = argv[2];
	job.request.container = argv[3];
	must(conf_load_defaults(&conf, &e), &e);
	conf.store = mem_printf("fs:%s/export-memory", argv[4]);
	conf.spool_dir = argv[4];
	must(store_create(&conf, &e) || store_open(&s, &conf, &e), &e);
	const struct export_write_place where = { s, "x/bench", clock_now_us(), conf.spool_dir };

	must(export_write_open(&w, &where, &head, &e), &e);
	for (uint64_t n = 1; n <= total; n++) {
		write_one(w, n, &e);
		if (n == mark) {
			tell(n, began_us);
			mark *= 10;
		}
	}
	must(export_write_end(w, &p, &e) || export_write_finish(w, &result, &e), &e);
	printf("%.1f MiB; ", (double)result.where.length / 1048576);
	tell(total, began_us);
	locator_deinit(&result.where);
	export_write_freep(&w);
	store_closep(&s);
	scope_freep(&all);
	return 0;
}
