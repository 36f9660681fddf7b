#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "milter/transaction.h"

#include <string.h>

#define SIZE_LIMIT 1000000
#define ROOM (UINT64_C(4) << 20)

/* An archive that keeps the last capture's bytes; instead of the library's. */
struct archive {
	bool ready;
	enum err_class outcome; /* of archive_put(); ERR_NONE: durable */
	uint64_t taken;
	int puts;
	char *bytes, *from, *from_args, *second, *second_args, *client, *auth, *queue_id;
};

static void forget(struct archive *a)
{
	free(a->bytes);
	free(a->from);
	free(a->from_args);
	free(a->second);
	free(a->second_args);
	free(a->client);
	free(a->auth);
	free(a->queue_id);
	*a = (struct archive){ .ready = true, .outcome = a->outcome, .taken = a->taken, .puts = a->puts };
}

int archive_put(struct archive *a, const struct capture *c, const struct log_context *ctx, struct archive_receipt *r_r,
	struct err *e)
{
	(void)ctx;
	a->puts++;
	if (a->outcome == ERR_PERMANENT)
		return err_permanent(e, "fake");
	if (a->outcome == ERR_UNKNOWN)
		return err_unknown(e, "fake");
	if (a->outcome == ERR_TEMPORARY)
		return err_temporary(e, "fake");
	assert_int_equal(c->kind, CAPTURE_MILTER);
	assert_true(c->received_us > 0);
	forget(a);
	a->bytes = mem_dup(message_bytes(c->message), (size_t)message_size(c->message));
	a->from = mem_strdup(c->mail_from);
	a->from_args = mem_strdup(c->mail_args);
	if (c->recipient_count > 1) {
		a->second = mem_strdup(c->recipients[1].address);
		a->second_args = mem_strdup(c->recipients[1].args);
	}
	a->client = mem_strdup(c->client);
	a->auth = mem_strdup(c->auth);
	a->queue_id = mem_strdup(c->queue_id);
	*r_r = (struct archive_receipt){ .indexed = true };
	return 0;
}

int archive_ready(struct archive *a, struct err *e)
{
	return a->ready ? 0 : err_temporary(e, "fake");
}

bool archive_admit(struct archive *a, uint64_t bytes)
{
	if (bytes > ROOM - a->taken)
		return false;
	a->taken += bytes;
	return true;
}

void archive_release(struct archive *a, uint64_t bytes)
{
	assert_true(bytes <= a->taken);
	a->taken -= bytes;
}

struct site {
	struct conf conf;
	struct archive archive;
	struct server server;
	struct transaction t;
};

static const struct intake_peer peer = { "192.0.2.1:25", "client.example", "carol", NULL, "session" };

static int setup(void **state)
{
	struct site *s = MEM_NEW(struct site);

	s->conf = (struct conf){ .message_size_max = SIZE_LIMIT, .recipients_max = 3 };
	s->conf.spool_dir = mem_strdup(getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	s->archive.ready = true;
	s->server.door = (struct door){ .conf = &s->conf, .kind = CAPTURE_MILTER, .point = "milter" };
	s->server.gate = GATE_INIT;
	atomic_store(&s->server.door.archive, &s->archive);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct site *s = *state;

	transaction_end(&s->t);
	bool all_given_back = s->archive.taken == 0 && gate_transactions(&s->server.gate) == 0;

	forget(&s->archive);
	free(s->conf.spool_dir);
	free(s);
	return all_given_back ? 0 : -1;
}

static enum intake_outcome mail(struct site *s, const char *path, const char *arg)
{
	char *words[] = { (char *)path, (char *)arg, NULL };

	return transaction_begin(&s->t, &s->server, words, NULL);
}

static enum intake_outcome rcpt(struct site *s, const char *path, const char *arg)
{
	char *words[] = { (char *)path, (char *)arg, NULL };

	return transaction_add_recipient(&s->t, words);
}

static void begin(struct site *s)
{
	assert_int_equal(mail(s, "<a@example.net>", NULL), INTAKE_OPEN);
	assert_int_equal(rcpt(s, "<b@example.org>", NULL), INTAKE_OPEN);
}

static void test_message_and_envelope_are_archived(void **state)
{
	struct site *s = *state;
	struct archive *a = &s->archive;

	assert_int_equal(mail(s, "<a@example.net>", "BODY=8BITMIME"), INTAKE_OPEN);
	assert_int_equal(rcpt(s, "<b@example.org>", NULL), INTAKE_OPEN);
	assert_int_equal(rcpt(s, "<c@example.org>", "NOTIFY=NEVER"), INTAKE_OPEN);
	transaction_header(&s->t, "Subject", " one\n two", true);
	transaction_set_queue_id(&s->t, "Q1");
	transaction_end_of_header(&s->t);
	transaction_body(&s->t, "bo", 2);
	transaction_body(&s->t, "dy\r\n", 4);
	assert_int_equal(transaction_finish(&s->t, &peer), INTAKE_ARCHIVED);
	assert_string_equal(a->bytes, "Subject: one\r\n two\r\n\r\nbody\r\n");
	assert_string_equal(a->from, "a@example.net");
	assert_string_equal(a->from_args, "BODY=8BITMIME");
	assert_string_equal(a->second, "c@example.org");
	assert_string_equal(a->second_args, "NOTIFY=NEVER");
	assert_string_equal(a->client, "192.0.2.1:25");
	assert_string_equal(a->auth, "carol");
	assert_string_equal(a->queue_id, "Q1");
}

static void test_null_sender_is_empty(void **state)
{
	struct site *s = *state;

	assert_int_equal(mail(s, "<>", NULL), INTAKE_OPEN);
	assert_int_equal(rcpt(s, "odd", NULL), INTAKE_OPEN);
	assert_int_equal(rcpt(s, "<", NULL), INTAKE_OPEN);
	assert_int_equal(transaction_finish(&s->t, &peer), INTAKE_ARCHIVED);
	assert_string_equal(s->archive.from, "");
	assert_string_equal(s->archive.second, "<");
}

static void test_every_failure_to_archive_is_no_acceptance(void **state)
{
	static const struct {
		enum err_class outcome;
		enum intake_outcome v;
	} cases[] = { { ERR_TEMPORARY, INTAKE_FAILED }, { ERR_UNKNOWN, INTAKE_FAILED }, { ERR_PERMANENT, INTAKE_TOO_LARGE } };
	struct site *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		s->archive.outcome = cases[i].outcome;
		begin(s);
		assert_int_equal(transaction_finish(&s->t, &peer), cases[i].v);
		transaction_end(&s->t);
	}
}

static void test_archive_down_is_told_at_mail(void **state)
{
	struct site *s = *state;

	s->archive.ready = false;
	assert_int_equal(mail(s, "<a@example.net>", NULL), INTAKE_NOT_READY);
	atomic_store(&s->server.door.archive, NULL);
	assert_int_equal(mail(s, "<a@example.net>", NULL), INTAKE_NOT_READY);
}

static void test_announced_size_is_refused_at_mail(void **state)
{
	struct site *s = *state;

	assert_int_equal(mail(s, "<a@example.net>", "SIZE=1000001"), INTAKE_TOO_LARGE);
	assert_int_equal(mail(s, "<a@example.net>", "SIZE=1000000"), INTAKE_OPEN);
	transaction_end(&s->t);
	assert_int_equal(mail(s, "<a@example.net>", "SIZE=99999999999999999999999"), INTAKE_OPEN);
}

static void test_grown_too_large(void **state)
{
	static const char block[100000];
	struct site *s = *state;

	begin(s);
	for (int i = 0; i < 12; i++)
		transaction_body(&s->t, block, sizeof(block));
	assert_int_equal(s->archive.taken, 0);
	assert_int_equal(transaction_finish(&s->t, &peer), INTAKE_TOO_LARGE);
	assert_int_equal(s->archive.puts, 0);
}

static void test_header_alone_too_large(void **state)
{
	struct site *s = *state;
	_free_ char *value = MEM_ARRAY(char, SIZE_LIMIT + 1);

	memset(value, 'x', SIZE_LIMIT);
	begin(s);
	transaction_header(&s->t, "X", value, true);
	transaction_header(&s->t, "Y", "after the failure", true);
	assert_int_equal(transaction_finish(&s->t, &peer), INTAKE_TOO_LARGE);
}

static void test_no_room_is_a_delay(void **state)
{
	static const char block[100000];
	struct site *s = *state;

	begin(s);
	s->archive.taken += ROOM - s->archive.taken;
	for (int i = 0; i < 5; i++)
		transaction_body(&s->t, block, sizeof(block));
	assert_int_equal(transaction_finish(&s->t, &peer), INTAKE_BUSY);
	s->archive.taken = ROOM;
	transaction_end(&s->t);
	assert_int_equal(mail(s, "<a@example.net>", NULL), INTAKE_BUSY);
	s->archive.taken = 0;
}

static void test_recipients_are_limited_one_by_one(void **state)
{
	struct site *s = *state;

	begin(s);
	assert_int_equal(rcpt(s, "<c@example.org>", NULL), INTAKE_OPEN);
	assert_int_equal(rcpt(s, "<d@example.org>", NULL), INTAKE_OPEN);
	assert_int_equal(rcpt(s, "<e@example.org>", NULL), INTAKE_TOO_MANY_RECIPIENTS);
	assert_int_equal(transaction_finish(&s->t, &peer), INTAKE_ARCHIVED);
}

static void test_stopping_lets_the_begun_finish(void **state)
{
	struct site *s = *state;

	begin(s);
	gate_stop(&s->server.gate);
	assert_int_equal(transaction_finish(&s->t, &peer), INTAKE_ARCHIVED);
	transaction_end(&s->t);
	assert_int_equal(mail(s, "<a@example.net>", NULL), INTAKE_STOPPING);
}

static void test_closed_archives_nothing(void **state)
{
	struct site *s = *state;

	begin(s);
	gate_stop(&s->server.gate);
	gate_close(&s->server.gate);
	assert_int_equal(transaction_finish(&s->t, &peer), INTAKE_STOPPING);
	assert_int_equal(s->archive.puts, 0);
}

static void test_steps_without_a_transaction(void **state)
{
	struct site *s = *state;

	assert_int_equal(rcpt(s, "<b@example.org>", NULL), INTAKE_FAILED);
	transaction_header(&s->t, "Subject", " x", true);
	transaction_end_of_header(&s->t);
	transaction_body(&s->t, "x", 1);
	transaction_set_queue_id(&s->t, "Q1");
	assert_int_equal(transaction_finish(&s->t, &peer), INTAKE_FAILED);
	assert_int_equal(s->archive.puts, 0);
}

static void test_spool_that_is_gone_is_a_delay(void **state)
{
	static const char block[200000];
	struct site *s = *state;

	free(s->conf.spool_dir);
	s->conf.spool_dir = mem_strdup("/nowhere/at/all");
	begin(s);
	transaction_body(&s->t, block, sizeof(block));
	transaction_body(&s->t, block, sizeof(block));
	assert_int_equal(transaction_finish(&s->t, &peer), INTAKE_NO_STORAGE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_message_and_envelope_are_archived),
		TEST(test_null_sender_is_empty),
		TEST(test_every_failure_to_archive_is_no_acceptance),
		TEST(test_archive_down_is_told_at_mail),
		TEST(test_announced_size_is_refused_at_mail),
		TEST(test_grown_too_large),
		TEST(test_header_alone_too_large),
		TEST(test_no_room_is_a_delay),
		TEST(test_recipients_are_limited_one_by_one),
		TEST(test_stopping_lets_the_begun_finish),
		TEST(test_closed_archives_nothing),
		TEST(test_steps_without_a_transaction),
		TEST(test_spool_that_is_gone_is_a_delay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
