#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "mail/parsed.h"

#include <string.h>

static struct parsed *sample(void)
{
	static const uint8_t hash[SHA256_SIZE] = { 1, 2, 3 };
	struct parsed *p = parsed_new();

	p->flags = PARSE_CHARSET | PARSE_NO_DATE;
	free(p->subject);
	p->subject = mem_strdup("Grüße");
	p->has_date = true;
	p->date_us = -1;
	parsed_add_participant(p, ROLE_FROM, "Jörg", "Joerg@Example.org");
	parsed_add_participant(p, ROLE_TO, "", "");
	parsed_add_attachment(p, "a.pdf", "application/pdf", UINT64_MAX, hash);
	strv_add(&p->references, "root@example.org");
	strv_add(&p->references, "Grüße@example.org");
	free(p->text);
	p->text = mem_strdup("text\n");
	return p;
}

static struct buf encode(const struct parsed *p)
{
	struct buf out = BUF_INIT(1u << 20);

	assert_int_equal(parsed_encode(&out, p), 0);
	return out;
}

static int decodes(const struct buf *b)
{
	CLEANUP(parsed_freep) struct parsed *p = NULL;

	return parsed_decode(&p, b->data, b->len);
}

static void test_round_trip(void **state)
{
	CLEANUP(parsed_freep) struct parsed *p = sample();
	CLEANUP(parsed_freep) struct parsed *q = NULL;
	CLEANUP(buf_deinit) struct buf b = encode(p);

	(void)state;
	assert_int_equal(parsed_decode(&q, b.data, b.len), 0);
	assert_int_equal(q->flags, p->flags);
	assert_string_equal(q->subject, "Grüße");
	assert_string_equal(q->message_id, "");
	assert_true(q->has_date);
	assert_int_equal(q->date_us, -1);
	assert_int_equal(q->references.n, 2);
	assert_string_equal(q->references.items[1], "Grüße@example.org");
	assert_int_equal(q->participant_count, 2);
	assert_int_equal(q->participants[0].role, ROLE_FROM);
	assert_string_equal(q->participants[0].name, "Jörg");
	assert_string_equal(q->participants[0].address, "Joerg@Example.org");
	assert_string_equal(q->participants[0].normal, "joerg@example.org");
	assert_int_equal(q->attachment_count, 1);
	assert_string_equal(q->attachments[0].name, "a.pdf");
	assert_true(q->attachments[0].size == UINT64_MAX);
	assert_memory_equal(q->attachments[0].sha256, p->attachments[0].sha256, SHA256_SIZE);
	assert_string_equal(q->text, "text\n");
}

static void test_every_cut_is_refused_or_whole(void **state)
{
	CLEANUP(parsed_freep) struct parsed *p = sample();
	CLEANUP(buf_deinit) struct buf b = encode(p);
	size_t whole = 0;

	(void)state;
	for (size_t n = 0; n <= b.len; n++) {
		struct buf cut = { .data = mem_dup(b.data, n), .len = n };

		whole += decodes(&cut) == 0;
		free(cut.data);
	}
	assert_int_equal(whole, 11); /* after each of the values, and before the first */
}

static void add(struct buf *b, uint32_t tag, const void *value, size_t n)
{
	assert_int_equal(pack_u32(b, tag), 0);
	assert_int_equal(pack_bytes(b, value, n), 0);
}

static void test_unknown_tags_are_skipped(void **state)
{
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(1000);

	(void)state;
	add(&b, 4711, "whatever\0\xff", 10);
	add(&b, 2, "subject", 7);
	assert_int_equal(decodes(&b), 0);
}

static void refused(uint32_t tag, const void *value, size_t n)
{
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(1000);

	add(&b, tag, value, n);
	assert_int_equal(decodes(&b), -1);
}

static void test_lies_are_refused(void **state)
{
	static const uint8_t envelope_role[] = {
		ROLE_ENVELOPE_FROM, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	static const uint8_t no_role[] = { 99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	static const uint8_t cut[] = { ROLE_FROM, 0, 0, 0, 0, 0, 0, 0, 9, 'x' };
	static const uint8_t short_hash[] = {
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2 };
	static const uint8_t far[] = { 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	(void)state;
	refused(2, "a\0b", 3);
	refused(2, "\xff", 1);
	refused(7, "\xed\xa0\x80", 3);
	refused(1, "abc", 3);
	refused(4, "abc", 3);
	refused(4, far, sizeof(far));
	refused(5, envelope_role, sizeof(envelope_role));
	refused(5, no_role, sizeof(no_role));
	refused(5, cut, sizeof(cut));
	refused(6, short_hash, sizeof(short_hash));
}

static void test_unknown_flags_are_dropped(void **state)
{
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(1000);
	CLEANUP(parsed_freep) struct parsed *p = NULL;

	(void)state;
	add(&b, 1, "\xff\xff\xff\xff", 4);
	assert_int_equal(parsed_decode(&p, b.data, b.len), 0);
	assert_int_equal(p->flags, (1u << PARSE_FLAGS) - 1);
	for (unsigned bit = 0; bit < PARSE_FLAGS; bit++)
		assert_non_null(parsed_flag_name(bit));
	assert_null(parsed_flag_name(PARSE_FLAGS));
}

static void test_full_buffer(void **state)
{
	CLEANUP(parsed_freep) struct parsed *p = sample();
	CLEANUP(buf_deinit) struct buf b = encode(p);

	(void)state;
	for (size_t max = 0; max < b.len; max++) {
		CLEANUP(buf_deinit) struct buf small = BUF_INIT(max);

		assert_int_equal(parsed_encode(&small, p), -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_every_cut_is_refused_or_whole),
		cmocka_unit_test(test_unknown_tags_are_skipped),
		cmocka_unit_test(test_lies_are_refused),
		cmocka_unit_test(test_unknown_flags_are_dropped),
		cmocka_unit_test(test_full_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
