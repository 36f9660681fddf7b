#include "meta/verify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void verify_fault(struct verification *v, const char *fmt, ...)
{
	char text[480];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	v->report(v->ctx, text);
	v->faults++;
}

/* ---- batches against records ---- */

/* A batch as read, and how many of its places were met. */
struct batch {
	char *daemon; /* NULL before the first and behind the last */
	uint64_t first_seq, count;
	uint8_t *leaves;
	uint64_t met;
	bool ended; /* there is no further one */
};

static void batch_deinit(struct batch *b)
{
	free(b->daemon);
	free(b->leaves);
	*b = (struct batch){ 0 };
}

/* Checks the shape of a batch and that it goes on where the one before ended. */
static void check_order(struct verification *v, const struct batch *b, const struct batch *before,
	size_t length)
{
	bool same = before->daemon && strcmp(before->daemon, b->daemon) == 0;
	uint64_t expected = same ? before->first_seq + before->count : 1;

	if (b->first_seq != expected)
		verify_fault(v, "daemon %s: the batch at %" PRIu64 " should start at %" PRIu64, b->daemon,
			b->first_seq, expected);
	if (b->count == 0 || length != b->count * SHA256_SIZE)
		verify_fault(v, "daemon %s: the batch at %" PRIu64 " has %zu bytes of leaves for %" PRIu64
			" records", b->daemon, b->first_seq, length, b->count);
}

static void check_met(struct verification *v, const struct batch *b)
{
	if (b->daemon && b->met < b->count)
		verify_fault(v, "daemon %s: %" PRIu64 " leaves of the batch at %" PRIu64 " have no record",
			b->daemon, b->count - b->met, b->first_seq);
}

/* Goes on to the next batch. 1, 0 behind the last, -1. */
static int next_batch(struct verification *v, struct sql_stmt *st, struct batch *b)
{
	struct batch before = *b;
	size_t length;

	check_met(v, b);
	*b = (struct batch){ 0 };
	enum sql_result step = sql_step(st, v->e);

	if (step == SQL_ROW) {
		b->daemon = sql_get_text(st);
		b->first_seq = sql_get_u64(st);
		b->count = sql_get_u64(st);
		const void *leaves = sql_get_bytes(st, &length);

		b->leaves = mem_dup(leaves, length);
		check_order(v, b, &before, length);
		if (b->count > length / SHA256_SIZE)
			b->count = length / SHA256_SIZE;
	}
	b->ended = step != SQL_ROW;
	batch_deinit(&before);
	return step == SQL_ROW ? 1 : step == SQL_DONE ? 0 : -1;
}

/* Does the batch lie before the record's place? */
static bool is_before(const struct batch *b, const struct verify_record *r)
{
	int order = b->daemon ? strcmp(b->daemon, r->daemon) : 1;

	return order < 0 || (order == 0 && b->first_seq + b->count <= r->seq);
}

static void check_place(struct verification *v, const struct verify_sequence *s, const struct verify_record *r, struct batch *b)
{
	char id[UUID_TEXT_SIZE];
	bool inside = b->daemon && strcmp(b->daemon, r->daemon) == 0 && r->seq >= b->first_seq;

	uuid_format(id, &r->id);
	if (!inside)
		verify_fault(v, "%s %s: no batch of daemon %s holds its place %" PRIu64, s->noun, id, r->daemon, r->seq);
	else if (memcmp(b->leaves + (r->seq - b->first_seq) * SHA256_SIZE, r->leaf, SHA256_SIZE))
		verify_fault(v, "%s %s: its leaf is not the one at %" PRIu64 " of daemon %s", s->noun, id, r->seq, r->daemon);
	b->met += inside;
}

static int verify_record(struct verification *v, const struct verify_sequence *s, struct sql_stmt *records,
	struct sql_stmt *batches, struct batch *b, uint64_t *last_seq)
{
	_free_ char *daemon = sql_get_text(records);
	struct verify_record r = { .daemon = daemon, .seq = sql_get_u64(records) };
	int more = 1;

	sql_get_fixed(records, r.leaf, SHA256_SIZE);
	sql_get_uuid(records, &r.id);
	while (more > 0 && !b->ended && is_before(b, &r))
		more = next_batch(v, batches, b);
	if (more < 0)
		return -1;
	if (b->met && r.seq == *last_seq)
		verify_fault(v, "daemon %s: two records have place %" PRIu64, r.daemon, r.seq);
	*last_seq = r.seq;
	check_place(v, s, &r, b);
	if (s->look)
		s->look(v, &r, records);
	return 0;
}

int verify_sequence(struct verification *v, const struct verify_sequence *s)
{
	CLEANUP(sql_finishp) struct sql_stmt *batches = sql_use(v->c, s->batches);
	CLEANUP(sql_finishp) struct sql_stmt *records = sql_use(v->c, s->records);
	CLEANUP(batch_deinit) struct batch b = { 0 };
	enum sql_result step;
	uint64_t last_seq = 0;
	int more = next_batch(v, batches, &b);

	while (more >= 0 && (step = sql_step(records, v->e)) == SQL_ROW)
		more = verify_record(v, s, records, batches, &b, &last_seq);
	if (more < 0 || step == SQL_FAILED)
		return -1;
	while (!b.ended && more >= 0)
		more = next_batch(v, batches, &b);
	return more < 0 ? -1 : 0;
}

/* ---- rows that must have each other ---- */

int verify_none(struct verification *v, enum statement s, const char *noun, const char *what)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(v->c, s);
	enum sql_result step;
	struct uuid id;
	char text[UUID_TEXT_SIZE];

	while ((step = sql_step(st, v->e)) == SQL_ROW) {
		sql_get_uuid(st, &id);
		verify_fault(v, "%s %s: %s", noun, uuid_format(text, &id), what);
	}
	return step == SQL_FAILED ? -1 : 0;
}
