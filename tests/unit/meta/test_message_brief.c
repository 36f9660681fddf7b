/* What a list shows of messages: those of the scope, in order, and bounded. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"
#include "mail/scope_grant.h"
#include "meta/catalog.h"
#include "meta/sql.h"

#define MESSAGES (SQL_IDS_MAX + 44) /* more than one statement asks for */
#define HEAVY 200000		    /* bytes of a name: three of them pass what is read together */

static struct uuid ids[MESSAGES];
static const char *people[] = { "1 ann@example.org 2 bob@example.org", "1 bob@example.org", "", "1 ann@example.org 5 cyd@example.org" };

static void lengthen(struct message_row *r)
{
	struct buf subject = BUF_INIT(1 << 20);
	char *name = mem_alloc(HEAVY + 1, 1);

	for (int i = 0; i < 2 * MESSAGE_BRIEF_SUBJECT; i++)
		assert_int_equal(buf_add_str(&subject, "é"), 0);
	free(r->subject);
	r->subject = buf_take(&subject);
	memset(name, 'n', HEAVY);
	free(r->participants[0].name);
	r->participants[0].name = name;
}

static int fill(void **state)
{
	_free_ uint8_t *leaves = mem_alloc(MESSAGES, SHA256_SIZE);
	struct meta_capture *t;

	if (open_meta(state) || meta_capture_begin(meta, &t, &err))
		return -1;
	for (int i = 0; i < MESSAGES; i++) {
		ids[i] = uuid_new(clock_now_us());
		CLEANUP(message_row_deinit) struct message_row r = make_row(&ids[i], i, people[i % (int)ARRAY_LEN(people)]);

		if (i % 60 == 0)
			lengthen(&r);
		if (add_row_to(t, &r, leaves + i * SHA256_SIZE, &err))
			return -1;
	}
	return meta_capture_batch(t, "lmtpd@test", 1, MESSAGES, leaves, 1, &err) || meta_capture_commit(&t, &err) ? -1 : 0;
}

struct taken {
	const struct uuid *ids;
	size_t n, last;
	bool seen[2 * MESSAGES];
};

static void take(void *ctx, size_t i, const struct message_brief *b)
{
	struct taken *t = ctx;

	assert_true(!t->n || i > t->last);
	t->last = i;
	t->n++;
	t->seen[i] = true;
	assert_memory_equal(&b->id, &t->ids[i], sizeof(b->id));
	assert_int_equal(b->header_date_us, b->date_us + 7);
	assert_int_equal(b->received_us, b->date_us);
	assert_int_equal(b->size, 1234);
	assert_int_equal(b->attachment_count, 1);
	if (b->date_us % 60 == 0) {
		assert_int_equal(strlen(b->subject), MESSAGE_BRIEF_SUBJECT * strlen("é"));
		assert_int_equal(strlen(b->participants[0].name), HEAVY);
	} else {
		assert_string_equal(b->subject, "Grüße");
	}
}

static struct taken read_all(const struct scope *s, const struct uuid *list, size_t n)
{
	struct taken t = { .ids = list };

	assert_ok(meta_messages_read(meta, s, list, n, take, &t, &err));
	return t;
}

static struct scope *scope_of(const char *mailbox, int64_t until_us)
{
	char *one[] = { (char *)(uintptr_t)mailbox };

	return scope_grant(false, &(struct strv){ one, 1 }, INT64_MIN, until_us);
}

/* Backwards, with ids between them that nothing has. */
static void those_in_scope_come_in_order(void **state)
{
	CLEANUP(scope_freep) struct scope *ann = scope_of("ann@example.org", 250);
	CLEANUP(scope_freep) struct scope *nobody = scope_of("nobody@example.org", INT64_MAX);
	CLEANUP(scope_freep) struct scope *all = scope_grant(true, NULL, INT64_MIN, INT64_MAX);
	struct uuid list[2 * MESSAGES];

	(void)state;
	for (int i = 0; i < MESSAGES; i++) {
		list[2 * i] = ids[MESSAGES - 1 - i];
		list[2 * i + 1] = uuid_new(clock_now_us());
	}
	struct taken everything = read_all(all, list, ARRAY_LEN(list)), some = read_all(ann, list, ARRAY_LEN(list));

	assert_int_equal(everything.n, MESSAGES);
	for (int i = 0; i < MESSAGES; i++) {
		int date = MESSAGES - 1 - i;

		assert_true(everything.seen[2 * i]);
		assert_int_equal(some.seen[2 * i], (date % 4 == 0 || date % 4 == 3) && date < 250);
	}
	assert_int_equal(read_all(nobody, list, ARRAY_LEN(list)).n, 0);
	assert_int_equal(read_all(all, list + 1, 1).n, 0);
	assert_int_equal(read_all(all, list, 0).n, 0);
}

static void what_was_disposed_of_is_not_there(void **state)
{
	CLEANUP(scope_freep) struct scope *all = scope_grant(true, NULL, INT64_MIN, INT64_MAX);
	char hex[2 * UUID_SIZE + 1];

	(void)state;
	hex_encode(hex, ids[1].bytes, UUID_SIZE);
	_free_ char *sql = mem_printf("INSERT INTO message_disposed (message_id, disposition_id, at_us) VALUES (x'%s', x'%s', 1)", hex, hex);

	assert_int_equal(raw_sql("capture.db", sql), 0);
	struct taken t = read_all(all, ids, 3);

	assert_int_equal(t.n, 2);
	assert_false(t.seen[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_in_scope_come_in_order),
		cmocka_unit_test(what_was_disposed_of_is_not_there),
	};

	return cmocka_run_group_tests(tests, fill, remove_directory);
}
