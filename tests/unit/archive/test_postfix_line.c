/* postfix_line: what is said about messages in logs of several kinds, and that nothing else is taken for it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "archive/postfix_line.h"
#include "base/clock.h"

#include <string.h>
#include <time.h>

#define STAMP "2026-11-23T01:05:45.250000+00:00 mx "
#define ARCHIVED "01a205f0-044b-7000-bfb5-7a0572524d91"

static int64_t reference_us;

static struct postfix_line read_line(const char *text)
{
	struct postfix_line l;

	postfix_line_read(&l, text, strlen(text), reference_us);
	return l;
}

static void test_events(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		enum postfix_event event;
		const char *queue_id;
	} cases[] = {
		{ STAMP "postfix/smtpd[4495]: 81A77A87542: client=unknown[127.0.0.1]", POSTFIX_BEGUN, "81A77A87542" },
		{ STAMP "postfix/smtpd[4495]: 4dFYwL1zbQz3x: client=a.example[192.0.2.1], sasl_method=PLAIN", POSTFIX_BEGUN,
			"4dFYwL1zbQz3x" },
		{ STAMP "postfix/pickup[1]: 2E61DA8652C: uid=0 from=<root>", POSTFIX_BEGUN, "2E61DA8652C" },
		{ STAMP "postfix/cleanup[1]: 81A77A87542: message-id=<1@x>", POSTFIX_HEADER, "81A77A87542" },
		{ STAMP "postfix/qmgr[1]: 81A77A87542: from=<a@b>, size=3, nrcpt=2 (queue active)", POSTFIX_QUEUED,
			"81A77A87542" },
		{ STAMP "postfix/qmgr[1]: 81A77A87542: removed", POSTFIX_REMOVED, "81A77A87542" },
		{ STAMP "postfix/postsuper[1]: 81A77A87542: removed", POSTFIX_REMOVED, "81A77A87542" },
		{ STAMP "postfix/lmtp[1]: 81A77A87542: to=<b@c>, relay=x, delay=1, status=sent (250 ok)", POSTFIX_DELIVERED,
			"81A77A87542" },
		{ STAMP "postfix/cleanup[1]: 81A77A87542: milter-reject: END-OF-MESSAGE from x[1.2.3.4]: 4.7.1 later", POSTFIX_REFUSED,
			"81A77A87542" },
		{ STAMP "postfix/cleanup[1]: 81A77A87542: reject: header Subject: x from a[1.2.3.4]; 5.7.1 no", POSTFIX_REFUSED,
			"81A77A87542" },
		{ STAMP "postfix/cleanup[1]: 81A77A87542: discard: header Subject: x", POSTFIX_DISCARDED, "81A77A87542" },
		{ STAMP "postfix/smtpd[4495]: lost connection after DATA (29 bytes) from unknown[127.0.0.1]", POSTFIX_BROKEN, "" },
		{ STAMP "postfix/smtpd[4495]: timeout after END-OF-MESSAGE from unknown[127.0.0.1]", POSTFIX_BROKEN, "" },
		{ STAMP "postfix/smtpd[4495]: disconnect from unknown[127.0.0.1] ehlo=1 mail=1 rcpt=1 quit=1 commands=4", POSTFIX_BROKEN, "" },
		/* other names of instances and services */
		{ STAMP "postfix-out/smtpd[4495]: 81A77A87542: client=x", POSTFIX_BEGUN, "81A77A87542" },
		{ STAMP "postfix/submission/smtpd[4495]: 81A77A87542: client=x", POSTFIX_BEGUN, "81A77A87542" },
		{ STAMP "mx-in/qmgr[9]: 81A77A87542: removed", POSTFIX_REMOVED, "81A77A87542" },
		/* nothing about a message as a whole */
		{ STAMP "postfix/smtpd[1]: 84747A86FD5: reject: RCPT from x[1.2.3.4]: 550 5.1.2 <c@n>", POSTFIX_OTHER, "84747A86FD5" },
		{ STAMP "postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[1.2.3.4]: 550", POSTFIX_OTHER, "" },
		{ STAMP "postfix/smtpd[1]: connect from x[1.2.3.4]", POSTFIX_OTHER, "" },
		{ STAMP "postfix/smtpd[1]: warning: connect to Milter service inet:127.0.0.1:1: Connection refused", POSTFIX_OTHER, "" },
		{ STAMP "postfix/lmtp[1]: 81A77A87542: to=<b@c>, relay=x, status=deferred (no)", POSTFIX_OTHER, "81A77A87542" },
		{ STAMP "postfix/qmgr[1]: 81A77A87542: from=<a@b>, status=expired, returned to sender", POSTFIX_OTHER, "81A77A87542" },
		{ STAMP "dovecot: lmtp(1): Connect from local", POSTFIX_OTHER, "" },
		{ STAMP "sshd[1]: 81A77A87542: client=x", POSTFIX_OTHER, "" },
		{ STAMP, POSTFIX_OTHER, "" },
		{ "", POSTFIX_OTHER, "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct postfix_line l = read_line(cases[i].line);

		if (l.event != cases[i].event)
			fail_msg("%s: event %d", cases[i].line, l.event);
		if (l.event != POSTFIX_OTHER)
			assert_string_equal(l.queue_id, cases[i].queue_id);
	}
}

static void test_what_goes_with_them(void **state)
{
	(void)state;
	struct postfix_line l = read_line(STAMP "postfix/smtpd[4495]: 81A77A87542: client=a.example[192.0.2.1], sasl_method=PLAIN");

	assert_string_equal(l.client, "a.example[192.0.2.1]");
	assert_string_equal(l.host, "mx");
	assert_true(l.by_client);
	assert_int_equal(l.pid, 4495);
	l = read_line(STAMP "postfix/cleanup[1]: 81A77A87542: message-id=<1@x>");
	assert_string_equal(l.message_id, "1@x");
	l = read_line(STAMP "postfix/lmtp[1]: 81A77A87542: to=<j@a>, relay=127.0.0.1[127.0.0.1]:1, delay=0.03, dsn=2.0.0, "
		      "status=sent (250 2.0.0 <j@a> archived as " ARCHIVED ")");
	assert_true(l.archived);
	char text[UUID_TEXT_SIZE];

	assert_string_equal(uuid_format(text, &l.archive_id), ARCHIVED);
	l = read_line(STAMP "postfix/smtp[1]: 81A77A87542: to=<j@a>, status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): "
		      "250 2.0.0 Ok: queued as 4dFYwL1zbQz3x)");
	assert_false(l.archived);
	assert_string_equal(l.queued_as, "4dFYwL1zbQz3x");
	/* an address is no answer */
	l = read_line(STAMP "postfix/smtp[1]: 81A77A87542: to=<\" archived as " ARCHIVED "\"@x>, status=deferred (no)");
	assert_int_equal(l.event, POSTFIX_OTHER);
	l = read_line(STAMP "postfix/smtp[1]: 81A77A87542: to=<\" archived as " ARCHIVED "\"@x>, status=sent (250 ok)");
	assert_false(l.archived);
	l = read_line(STAMP "postfix/smtp[1]: 81A77A87542: to=<\", status=sent (250 archived as " ARCHIVED "\"@x>, dsn=2.0.0, "
		      "status=sent (250 ok)");
	assert_false(l.archived);
}

static void test_times(void **state)
{
	(void)state;
	static const struct {
		const char *stamp, *utc;
		bool local;
	} cases[] = {
		{ "2026-11-23T01:05:45.250000+00:00", "2026-11-23T01:05:45.25Z", false },
		{ "2026-11-23T02:05:45+0100", "2026-11-23T01:05:45Z", false },
		{ "2026-11-23T01:05:45Z", "2026-11-23T01:05:45Z", false },
		{ "<22>Nov 23 01:05:45", "2026-11-23T00:05:45Z", true },
		{ "Nov  3 01:05:45", "2026-11-03T00:05:45Z", true },
		{ "Jul 23 01:05:45", "2026-07-22T23:05:45Z", true }, /* summer time */
		{ "Dec 31 23:59:59", "2025-12-31T22:59:59Z", true }, /* last year's */
		{ "Nov 24 00:30:00", "2026-11-23T23:30:00Z", true }, /* a clock that is ahead */
		{ "Feb 29 12:00:00", "2024-02-29T11:00:00Z", true },
	};

	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_free_ char *line = mem_printf("%s mx postfix/qmgr[1]: 81A77A87542: removed", cases[i].stamp);
		struct postfix_line l = read_line(line);
		int64_t want_us;

		assert_int_equal(clock_parse(&want_us, cases[i].utc), 0);
		if (l.at_us != want_us || l.local_time != cases[i].local || l.event != POSTFIX_REMOVED)
			fail_msg("%s: %lld", cases[i].stamp, (long long)(l.at_us - want_us));
	}
	static const char *const none[] = { "Nov 23 mx postfix/qmgr[1]: 81A77A87542: removed", "Fob 23 01:05:45 mx x", "Nov 32 01:05:45 mx x",
		"2026-13-23T01:05:45Z mx x", "<22", "Nov 23 01:05:45" };

	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		assert_int_equal(read_line(none[i]).event, POSTFIX_OTHER);
}

/* Whatever a client can write into a log. */
static void test_hostile(void **state)
{
	(void)state;
	char line[20000];
	const char *no_host;
	struct postfix_line l;

	memset(line, 'A', sizeof(line));
	postfix_line_read(&l, line, sizeof(line), reference_us);
	memcpy(line, STAMP "postfix/smtpd[1]: ", sizeof(STAMP "postfix/smtpd[1]: ") - 1);
	postfix_line_read(&l, line, sizeof(line), reference_us); /* a queue id without an end */
	assert_int_equal(l.event, POSTFIX_OTHER);
	memset(line, '\0', 100);
	postfix_line_read(&l, line, sizeof(line), reference_us);
	assert_int_equal(l.event, POSTFIX_OTHER);
	no_host = "2026-11-23T01:05:45+00:00 m\xfc postfix/qmgr[1]: 4FA8B21C3D: removed";
	postfix_line_read(&l, no_host, strlen(no_host), reference_us); /* no name of a host */
	assert_int_equal(l.event, POSTFIX_OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_what_goes_with_them),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_hostile),
	};

	if (clock_parse(&reference_us, "2026-11-23T01:30:00Z"))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
