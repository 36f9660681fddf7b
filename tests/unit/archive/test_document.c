/* From a capture to its row and its document: dates, participants, mailboxes, and bytes that are no UTF-8. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "archive/entry.h"
#include "archive/evidence.h"
#include "archive/policy.h"
#include "archive/utf8.h"
#include "base/clock.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

#define NOW INT64_C(1790000000000000)
#define DAY (86400 * CLOCK_SECOND)

/* A capture of "text", received at NOW, from ann to bob. */
static void make_capture(struct capture *c)
{
	struct err e;

	*c = (struct capture){ .kind = CAPTURE_LMTP, .point = "lmtp", .received_us = NOW };
	c->message = message_new("/tmp", 1000);
	assert_int_equal(message_append(c->message, "text", 4, &e), 0);
	assert_int_equal(message_finish(c->message, &e), 0);
	c->mail_from = mem_strdup("ann@example.org");
	capture_add_recipient(c, "Bob@Example.org", "");
}

static int64_t date_of(bool has_date, int64_t date_us)
{
	CLEANUP(capture_deinit) struct capture c;
	CLEANUP(entry_deinit) struct entry entry = { .capture = &c };
	CLEANUP(parsed_freep) struct parsed *p = parsed_new();

	make_capture(&c);
	p->has_date = has_date;
	p->date_us = date_us;
	entry_identify(&entry);
	entry_describe(&entry, p);
	assert_int_equal(entry.document->doc.date_us, entry.row.date_us);
	return entry.row.date_us;
}

static void test_the_senders_date_counts_while_it_is_believable(void **state)
{
	(void)state;
	assert_int_equal(date_of(true, NOW - 400 * DAY), NOW - 400 * DAY);
	assert_int_equal(date_of(true, NOW + DAY), NOW + DAY);
	assert_int_equal(date_of(true, NOW + DAY + 1), NOW);
	assert_int_equal(date_of(false, 0), NOW);
}

static void test_row_and_document(void **state)
{
	(void)state;
	CLEANUP(capture_deinit) struct capture c;
	CLEANUP(entry_deinit) struct entry entry = { .capture = &c };
	CLEANUP(parsed_freep) struct parsed *p = parsed_new();
	const uint8_t sha256[SHA256_SIZE] = { 0 };

	make_capture(&c);
	parsed_add_participant(p, ROLE_FROM, "Ann", "ann@example.org");
	parsed_add_participant(p, ROLE_REPLY_TO, "", "desk@example.org");
	parsed_add_participant(p, ROLE_REPLY_TO, "", "ann@example.org");
	parsed_add_participant(p, ROLE_TO, "Böb", "BOB@example.org");
	parsed_add_participant(p, ROLE_JOURNAL_RECIPIENT, "", "hidden@example.org");
	parsed_add_attachment(p, "a.pdf", "application/pdf", 1, sha256);
	parsed_add_attachment(p, "", "text/plain", 1, sha256);
	parsed_add_attachment(p, "b.txt", "text/plain", 1, sha256);
	free(p->message_id);
	p->message_id = mem_strdup("own@example.org");
	strv_add(&p->references, "root@example.org");
	strv_add(&p->references, "own@example.org");
	p->flags = PARSE_TEXT_TRUNCATED | PARSE_CHARSET;
	entry_identify(&entry);
	entry_describe(&entry, p);
	const struct index_doc *d = &entry.document->doc;

	assert_int_equal(entry.row.participant_count, 7);
	assert_int_equal(entry.row.participants[0].role, ROLE_ENVELOPE_FROM);
	assert_int_equal(entry.row.participants[1].role, ROLE_ENVELOPE_TO);
	assert_string_equal(d->from, "Ann <ann@example.org>");
	assert_string_equal(d->to, "Böb <BOB@example.org> bob@example.org");
	assert_string_equal(d->bcc, "<hidden@example.org>");
	assert_string_equal(d->cc, "");
	assert_string_equal(d->envelope, "<ann@example.org>, <Bob@Example.org> bob@example.org");
	assert_string_equal(d->attachment_names, "a.pdf\nb.txt");
	assert_string_equal(d->body, "\nReply-To: <desk@example.org>");
	assert_true(d->has_attachment);
	assert_int_equal(d->size, 4);
	assert_int_equal(d->senders->n, 1);
	assert_string_equal(d->senders->items[0], "ann@example.org");
	assert_int_equal(d->attachment_types->n, 2);
	assert_string_equal(d->attachment_types->items[0], "application/pdf");
	assert_string_equal(d->attachment_types->items[1], "text/plain");
	assert_int_equal(d->ids->n, 2);
	assert_string_equal(d->ids->items[0], "own@example.org");
	assert_string_equal(d->ids->items[1], "root@example.org");
	assert_int_equal(d->marks, MARK_TRUNCATED);
	/* sorted, each once; a Reply-To makes nothing visible */
	assert_int_equal(d->mailboxes->n, 3);
	assert_string_equal(d->mailboxes->items[0], "ann@example.org");
	assert_string_equal(d->mailboxes->items[1], "bob@example.org");
	assert_string_equal(d->mailboxes->items[2], "hidden@example.org");
}

/* Of whom nothing can be read it is the envelope that says who sent it. */
static void test_what_could_not_be_read(void **state)
{
	(void)state;
	CLEANUP(capture_deinit) struct capture c;
	CLEANUP(entry_deinit) struct entry entry = { .capture = &c };
	CLEANUP(parsed_freep) struct parsed *p = parsed_new();

	make_capture(&c);
	p->flags = PARSE_FAILED | PARSE_TIMEOUT;
	entry_identify(&entry);
	entry_describe(&entry, p);
	const struct index_doc *d = &entry.document->doc;

	assert_int_equal(d->marks, MARK_UNREADABLE);
	assert_int_equal(d->senders->n, 1);
	assert_string_equal(d->senders->items[0], "ann@example.org");
	assert_int_equal(d->ids->n, 0);
}

static void test_null_reverse_path(void **state)
{
	(void)state;
	CLEANUP(capture_deinit) struct capture c;
	CLEANUP(entry_deinit) struct entry entry = { .capture = &c };
	CLEANUP(parsed_freep) struct parsed *p = parsed_new();

	make_capture(&c);
	c.mail_from[0] = '\0';
	entry_identify(&entry);
	entry_describe(&entry, p);
	assert_int_equal(entry.row.participant_count, 2);
	assert_string_equal(entry.row.participants[0].address, "");
	assert_string_equal(entry.document->doc.envelope, "<Bob@Example.org> bob@example.org");
	assert_int_equal(entry.document->doc.mailboxes->n, 1);
}

static void test_thousands_of_recipients(void **state)
{
	(void)state;
	CLEANUP(capture_deinit) struct capture c;
	CLEANUP(entry_deinit) struct entry entry = { .capture = &c };
	CLEANUP(parsed_freep) struct parsed *p = parsed_new();

	make_capture(&c);
	for (int i = 0; i < 20000; i++) {
		char address[64];

		snprintf(address, sizeof(address), "r%d@example.org", i % 10000);
		capture_add_recipient(&c, address, "");
	}
	entry_identify(&entry);
	entry_describe(&entry, p);
	assert_int_equal(entry.row.participant_count, 20002);
	assert_int_equal(entry.document->doc.mailboxes->n, 10002);
}

static void test_utf8_clean(void **state)
{
	(void)state;
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ NULL, "" }, { "", "" }, { "plain", "plain" }, { "straße", "straße" }, { "a\xff" "b", "a\xef\xbf\xbd" "b" },
		{ "\xc3", "\xef\xbf\xbd" }, { "\xc3(", "\xef\xbf\xbd(" }, { "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_free_ char *out = utf8_clean(cases[i].in);

		assert_string_equal(out, cases[i].out);
		assert_true(str_utf8_valid(out, strlen(out)));
	}
}

static void test_evidence(void **state)
{
	(void)state;
	CLEANUP(capture_deinit) struct capture c;

	make_capture(&c);
	c.helo = mem_strdup("bad\xff\"quote");
	c.client = mem_strdup("192.0.2.1:25");
	capture_add_recipient(&c, "carol@example.org", "NOTIFY=NEVER");
	_free_ char *json = evidence_json(&c);

	assert_string_equal(json, "{\"client\":\"192.0.2.1:25\",\"helo\":\"bad\xef\xbf\xbd\\\"quote\","
				  "\"rcpt_args\":[{\"address\":\"carol@example.org\",\"args\":\"NOTIFY=NEVER\"}]}");
}

static void test_policy(void **state)
{
	(void)state;
	struct conf conf = { .lock_days = 10, .lock_days_max = 20 };
	int64_t until_us;

	assert_int_equal(policy_days(&conf, 0), 10);
	assert_int_equal(policy_days(&conf, 15), 15);
	assert_int_equal(policy_days(&conf, 25), 20);
	conf.lock_days_max = 5; /* never more than this, whatever asks for it */
	assert_int_equal(policy_days(&conf, 0), 5);
	assert_int_equal(policy_promised("lock_days=5", NOW, &until_us), 0);
	assert_int_equal(until_us, NOW + 5 * DAY);
	assert_true(policy_clock_state() <= 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_senders_date_counts_while_it_is_believable),
		cmocka_unit_test(test_row_and_document),
		cmocka_unit_test(test_what_could_not_be_read),
		cmocka_unit_test(test_null_reverse_path),
		cmocka_unit_test(test_thousands_of_recipients),
		cmocka_unit_test(test_utf8_clean),
		cmocka_unit_test(test_evidence),
		cmocka_unit_test(test_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
