/* postfix_account: which messages of a log are incidents, which are marked, and which are neither. Over a real database,
 * with rows of captured messages that hold no more than what is looked at. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/private_dir.h"

#include "archive/postfix_account.h"
#include "base/clock.h"
#include "base/log.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define GRACE_US (60 * CLOCK_SECOND)

static struct conf conf;
static struct meta *meta;
static struct postfix_account *account;
static struct err err;
static int64_t start_us; /* an hour ago: all graces are over by now */

static int set_up(void **state)
{
	(void)state;
	log_set_level(LOG_FATAL);
	assert_int_equal(private_dir_make(), 0);
	assert_int_equal(conf_load_defaults(&conf, &err), 0);
	free(conf.meta);
	conf.meta = mem_printf("sqlite:%s/meta", top);
	if (meta_migrate(&conf, &err) || meta_open(&meta, &conf, &err))
		fail_msg("%s", err.text);
	account = postfix_account_new(meta, GRACE_US, NULL);
	start_us = clock_now_us() - 3600 * CLOCK_SECOND;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	postfix_account_freep(&account);
	meta_closep(&meta);
	conf_deinit(&conf);
	return private_dir_remove();
}

/* ---- what happens ---- */

/* A captured message, so many seconds after the start. */
static struct uuid captured(int second, const char *queue_id)
{
	static const char text[] =
		"INSERT INTO message VALUES (?, 1, 1, 1, 1, zeroblob(32), 1, 'p', '', '', 0, ?, '{}', '', 'k', '', 0, 1, 'file', 1, '')";
	_free_ char *path = mem_printf("%s/meta/capture.db", top);
	struct uuid id = uuid_floor(start_us + second * CLOCK_SECOND);
	sqlite3_stmt *st;
	sqlite3 *db;

	memcpy(id.bytes + 8, queue_id, strlen(queue_id) < 8 ? strlen(queue_id) : 8);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 10000);
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &st, NULL), SQLITE_OK);
	sqlite3_bind_blob(st, 1, id.bytes, UUID_SIZE, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, queue_id, -1, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(st), SQLITE_DONE);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return id;
}

static void PRINTF_LIKE(3, 4) line(int second, const char *daemon, const char *fmt, ...)
{
	char text[500], at[CLOCK_TEXT_SIZE];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	_free_ char *all = mem_printf("%s mx postfix/%s[7]: %s", clock_format(at, start_us + second * CLOCK_SECOND), daemon, text);

	postfix_account_line(account, all, strlen(all), clock_now_us());
}

/* From a client, up to its acceptance. */
static void accepted(int second, const char *queue_id)
{
	line(second, "smtpd", "%s: client=x[192.0.2.1]", queue_id);
	line(second, "cleanup", "%s: message-id=<%s@x>", queue_id, queue_id);
	line(second, "qmgr", "%s: from=<a@b>, size=1, nrcpt=1 (queue active)", queue_id);
}

static void judge(int second)
{
	if (postfix_account_judge(account, start_us + second * CLOCK_SECOND, false, NULL, &err))
		fail_msg("%s", err.text);
}

static struct postfix_counts counts(void)
{
	return postfix_account_counts(account);
}

/* As a follower does: what is open is kept, and another account goes on with it. */
static void restart(int second)
{
	const struct mta_place place = { .path = "/log", .read_us = 1 };

	if (postfix_account_judge(account, start_us + second * CLOCK_SECOND, false, &place, &err))
		fail_msg("%s", err.text);
	postfix_account_freep(&account);
	account = postfix_account_new(meta, GRACE_US, NULL);
	assert_int_equal(postfix_account_resume(account, &err), 0);
}

static uint64_t unaccepted(void)
{
	struct mta_counts c;

	assert_int_equal(meta_mta_counts(meta, &c, &err), 0);
	return c.unaccepted;
}

/* ---- tests ---- */

static void test_captured_or_not(void **state)
{
	(void)state;
	accepted(0, "AAAAAA1");
	captured(0, "AAAAAA1");
	accepted(1, "AAAAAA2");
	line(2, "qmgr", "AAAAAA1: removed");
	line(2, "qmgr", "AAAAAA2: removed");
	judge(30);
	assert_int_equal(counts().incidents, 0); /* not yet: the grace */
	assert_int_equal(counts().open, 1);
	judge(63);
	assert_int_equal(counts().accepted, 2);
	assert_int_equal(counts().captured, 1);
	assert_int_equal(counts().incidents, 1);
	judge(600);
	assert_int_equal(counts().incidents, 1);
	assert_int_equal(counts().open, 0);
	struct mta_found found[2];
	size_t n;

	assert_int_equal(meta_mta_incidents(meta, found, 2, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_string_equal(found[0].queue_id, "AAAAAA2");
	assert_string_equal(found[0].header_id, "AAAAAA2@x");
	assert_string_equal(found[0].client, "x[192.0.2.1]");
	mta_found_deinit(&found[0]);
}

/* A queue id that was given twice: that of another day does not count. */
static void test_a_queue_id_of_another_time(void **state)
{
	(void)state;
	captured(-3000, "AAAAAA1");
	accepted(0, "AAAAAA1");
	line(2, "qmgr", "AAAAAA1: removed");
	judge(600);
	assert_int_equal(counts().incidents, 1);
}

static void test_what_is_not_judged(void **state)
{
	(void)state;
	line(0, "cleanup", "AAAAAA1: message-id=<bounce@x>"); /* of Postfix itself */
	line(0, "qmgr", "AAAAAA1: from=<>, size=1, nrcpt=1 (queue active)");
	line(1, "qmgr", "AAAAAA1: removed");
	line(1, "smtpd", "AAAAAA2: client=x"); /* refused at its end, and not captured */
	line(1, "cleanup", "AAAAAA2: milter-reject: END-OF-MESSAGE from x: 5.7.1 no");
	line(1, "qmgr", "AAAAAA3: from=<>, size=1, nrcpt=1 (queue active)"); /* begun before the log */
	line(1, "qmgr", "AAAAAA3: removed");
	accepted(1, "AAAAAA4"); /* in the queue */
	judge(3600);
	assert_int_equal(counts().incidents, 0);
	assert_int_equal(counts().accepted, 1);
	assert_int_equal(counts().open, 1);
	judge(7 * 86400);
	assert_int_equal(counts().incidents, 1); /* for too long */
}

static void test_marked_and_released(void **state)
{
	(void)state;
	line(0, "smtpd", "AAAAAA1: client=x");
	line(0, "cleanup", "AAAAAA1: message-id=<1@x>");
	line(1, "smtpd", "lost connection after END-OF-MESSAGE from x[192.0.2.1]");
	captured(1, "AAAAAA1");
	judge(30);
	assert_int_equal(counts().unaccepted, 0);
	judge(120);
	assert_int_equal(counts().unaccepted, 1);
	assert_int_equal(unaccepted(), 1);
	/* it had been held, and is released */
	line(1000, "qmgr", "AAAAAA1: from=<a@b>, size=1, nrcpt=1 (queue active)");
	line(1001, "qmgr", "AAAAAA1: removed");
	judge(1200);
	assert_int_equal(unaccepted(), 0);
	assert_int_equal(counts().incidents, 0);
}

/* A message may take its client longer than any grace, and turns of a follower come in between. */
static void test_a_slow_client(void **state)
{
	(void)state;
	line(0, "smtpd", "AAAAAA1: client=x");
	line(0, "smtpd", "AAAAAA2: client=y"); /* gave it up before its message */
	restart(1000);
	line(1500, "smtpd", "disconnect from y[192.0.2.2] ehlo=1 mail=1 rcpt=1 quit=1 commands=4");
	line(1501, "cleanup", "AAAAAA1: message-id=<1@x>"); /* of this smtpd too: that its client is gone was told too early */
	line(1501, "qmgr", "AAAAAA1: from=<a@b>, size=1, nrcpt=1 (queue active)");
	line(1502, "qmgr", "AAAAAA1: removed");
	restart(1503);
	restart(1700);
	struct mta_counts c;

	assert_int_equal(meta_mta_counts(meta, &c, &err), 0);
	assert_int_equal(c.incidents, 1);
	assert_int_equal(c.undecided, 0);
}

static void test_handed_on(void **state)
{
	(void)state;
	accepted(0, "AAAAAA1"); /* captured at its first queue id */
	captured(0, "AAAAAA1");
	accepted(1, "BBBBBB1");
	line(1, "smtp", "AAAAAA1: to=<b@c>, relay=f, status=sent (250 2.0.0 Ok: queued as BBBBBB1)");
	line(1, "qmgr", "AAAAAA1: removed");
	line(1, "qmgr", "BBBBBB1: removed");
	accepted(2, "AAAAAA2"); /* captured at its last of three */
	accepted(3, "BBBBBB2");
	line(3, "smtp", "AAAAAA2: to=<b@c>, relay=f, status=sent (250 2.0.0 Ok: queued as BBBBBB2)");
	accepted(4, "CCCCCC2");
	captured(4, "CCCCCC2");
	line(4, "smtp", "BBBBBB2: to=<b@c>, relay=f, status=sent (250 2.0.0 Ok: queued as CCCCCC2)");
	line(4, "qmgr", "AAAAAA2: removed");
	line(4, "qmgr", "BBBBBB2: removed");
	line(4, "qmgr", "CCCCCC2: removed");
	judge(600);
	assert_int_equal(counts().accepted, 5);
	assert_int_equal(counts().captured, 5);
	assert_int_equal(counts().incidents, 0);
}

static void test_answers_of_an_archive(void **state)
{
	(void)state;
	char ours[UUID_TEXT_SIZE], old[UUID_TEXT_SIZE];
	const struct uuid id = captured(100, ""), long_ago = captured(-3500, "");

	accepted(0, "AAAAAA1");
	line(101, "lmtp", "AAAAAA1: to=<b@c>, relay=a, status=sent (250 2.0.0 <b@c> archived as %s)", uuid_format(ours, &id));
	line(101, "qmgr", "AAAAAA1: removed");
	accepted(0, "AAAAAA2"); /* another message's */
	line(101, "lmtp", "AAAAAA2: to=<b@c>, relay=a, status=sent (250 2.0.0 <b@c> archived as %s)", uuid_format(old, &long_ago));
	line(101, "qmgr", "AAAAAA2: removed");
	judge(600);
	assert_int_equal(counts().captured, 1);
	assert_int_equal(counts().incidents, 1);
}

static void test_goes_on_after_a_restart(void **state)
{
	(void)state;
	accepted(0, "AAAAAA1");
	captured(0, "AAAAAA1");
	restart(1);
	accepted(2, "AAAAAA2");
	restart(3);
	line(4, "qmgr", "AAAAAA1: removed");
	line(4, "qmgr", "AAAAAA2: removed");
	restart(5);
	assert_int_equal(counts().incidents, 0);
	restart(90);
	struct mta_counts c;

	assert_int_equal(meta_mta_counts(meta, &c, &err), 0);
	assert_int_equal(c.incidents, 1);
	assert_int_equal(c.undecided, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_captured_or_not, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_queue_id_of_another_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_not_judged, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_marked_and_released, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_slow_client, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_handed_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_answers_of_an_archive, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_goes_on_after_a_restart, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
