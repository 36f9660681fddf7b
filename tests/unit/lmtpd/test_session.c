#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "lmtpd/command.h"
#include "lmtpd/session.h"
#include "tests/unit/lmtpd/fake_archive.c"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define SIZE_MAX_TEST 100000
#define REPLIES_MAX ((size_t)4 << 20)

struct site {
	struct conf conf;
	struct archive archive;
	struct server server;
	int client; /* our end of the connection */
	int far;
	pthread_t thread;
};

static int setup(void **state)
{
	struct site *s = MEM_NEW(struct site);
	struct err e;

	if (conf_load_defaults(&s->conf, &e))
		return -1;
	free(s->conf.spool_dir);
	s->conf.spool_dir = mem_strdup("/tmp");
	free(s->conf.node);
	s->conf.node = mem_strdup("node");
	s->conf.message_size_max = SIZE_MAX_TEST;
	s->conf.recipients_max = 3;
	s->archive.ready = true;
	s->archive.room = UINT64_C(1) << 30;
	s->server = (struct server){
		.conf = &s->conf,
		.door = { .conf = &s->conf, .kind = CAPTURE_LMTP, .point = "lmtp" },
		.timeout_us = INT64_C(60) * 1000 * 1000,
		.stop_fd = eventfd(0, EFD_CLOEXEC),
		.tls_lock = PTHREAD_MUTEX_INITIALIZER,
	};
	atomic_store(&s->server.door.archive, &s->archive);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct site *s = *state;

	assert_int_equal(s->archive.taken, 0); /* whatever happened, all room was given back */
	close(s->server.stop_fd);
	conf_deinit(&s->conf);
	fake_deinit(&s->archive);
	free(s);
	return 0;
}

static void *serve(void *arg)
{
	struct site *s = arg;

	session_run(&s->server, s->far, "192.0.2.1:1025", false);
	close(s->far);
	return NULL;
}

/* Records keep the pieces apart that we send: a piece is what one recv() gets. */
static void connect_to(struct site *s)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(fcntl(pair[1], F_SETFL, O_NONBLOCK), 0);
	s->client = pair[0];
	s->far = pair[1];
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

/* Reads until the session ends: all that it said. Caller frees. */
static char *hang_up(struct site *s)
{
	struct buf all = BUF_INIT(REPLIES_MAX);
	char piece[65536];
	ssize_t n;

	shutdown(s->client, SHUT_WR);
	while ((n = recv(s->client, piece, sizeof(piece), 0)) > 0 || (n < 0 && errno == ECONNRESET))
		if (n > 0) /* else it had not read all that we sent, which is told once, before the rest */
			assert_int_equal(buf_add(&all, piece, (size_t)n), 0);
	pthread_join(s->thread, NULL);
	close(s->client);
	return buf_take(&all);
}

static void send_piece(struct site *s, const char *data, size_t n)
{
	if (n)
		assert_true(send(s->client, data, n, MSG_NOSIGNAL) == (ssize_t)n);
}

/* Sends all in pieces of `step`, whatever comes back. */
static char *talk(struct site *s, const char *data, size_t n, size_t step)
{
	connect_to(s);
	for (size_t at = 0; at < n; at += step)
		send_piece(s, data + at, n - at < step ? n - at : step);
	return hang_up(s);
}

#define TALK(s, text) talk(s, text, sizeof(text) - 1, 16384)

#define GREETING "220 LMTP Strongroom mail archive\r\n"
#define FEATURES_WITH(size)                                                              \
	"250-node\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-" size "\r\n" \
	"250-ENHANCEDSTATUSCODES\r\n250-CHUNKING\r\n250 BINARYMIME\r\n"
#define FEATURES FEATURES_WITH("SIZE 100000")
#define HELLO GREETING FEATURES
#define ENVELOPE "LHLO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n"
#define ENVELOPE_OK HELLO "250 2.1.0 Sender OK\r\n250 2.1.5 Recipient OK\r\n"
#define GO "354 Send the message, end with CR LF . CR LF\r\n"
#define BYE "221 2.0.0 Bye\r\n"

static const char dialogue[] =
	"LHLO me\r\nMAIL FROM:<a@b> BODY=8BITMIME\r\nRCPT TO:<c@d>\r\nRCPT TO:<\"x >\"@f>\r\nDATA\r\n"
			       "A: b\r\n\r\n..\0\r\r\n\n.\n.x\r\n.y\r\n.\r\nMAIL FROM:<>\r\nRSET\r\nQUIT\r\n";
static const char dialogue_message[] = "A: b\r\n\r\n.\0\r\r\n\n.\n.x\r\ny\r\n";
static const char dialogue_replies[] =
	HELLO "250 2.1.0 Sender OK\r\n250 2.1.5 Recipient OK\r\n250 2.1.5 Recipient OK\r\n" GO
	"250 2.0.0 <c@d> archived as " FAKE_ID "\r\n250 2.0.0 <\"x >\"@f> archived as " FAKE_ID
	"\r\n250 2.1.0 Sender OK\r\n250 2.0.0 Transaction forgotten\r\n" BYE;

static void check_dialogue(struct site *s)
{
	const struct fake_message *m = &s->archive.messages[0];

	assert_int_equal(s->archive.n, 1);
	assert_int_equal(m->size, sizeof(dialogue_message) - 1);
	assert_memory_equal(m->bytes, dialogue_message, m->size);
	assert_string_equal(m->from, "a@b");
	assert_string_equal(m->from_args, "BODY=8BITMIME");
	assert_string_equal(m->to, "<c@d>,<\"x >\"@f>");
	assert_string_equal(m->helo, "me");
	assert_int_equal(strncmp(m->trace,
		"Received: from me ([192.0.2.1]) by node (Strongroom) with LMTP id ", 66), 0);
}

static void test_pipelined_whole(void **state)
{
	struct site *s = *state;
	_free_ char *replies = talk(s, dialogue, sizeof(dialogue) - 1, sizeof(dialogue));

	assert_string_equal(replies, dialogue_replies);
	check_dialogue(s);
}

static void test_cut_at_every_byte(void **state)
{
	struct site *s = *state;

	for (size_t at = 1; at < sizeof(dialogue) - 1; at++) {
		connect_to(s);
		send_piece(s, dialogue, at);
		send_piece(s, dialogue + at, sizeof(dialogue) - 1 - at);
		_free_ char *replies = hang_up(s);

		assert_string_equal(replies, dialogue_replies);
		check_dialogue(s);
		fake_deinit(&s->archive);
		s->archive.ready = true;
		s->archive.room = UINT64_C(1) << 30;
	}
	_free_ char *replies = talk(s, dialogue, sizeof(dialogue) - 1, 1);

	assert_string_equal(replies, dialogue_replies);
	check_dialogue(s);
}

/* The same code for every recipient, and the reason of the first failure. */
static void test_failure_is_told_to_each_recipient(void **state)
{
	struct site *s = *state;

	s->archive.put = ERR_UNKNOWN;
	_free_ char *replies = TALK(s, ENVELOPE "RCPT TO:<e@f>\r\nDATA\r\nx\r\n.\r\n");

	assert_string_equal(replies, ENVELOPE_OK "250 2.1.5 Recipient OK\r\n" GO
		"451 4.3.0 <c@d> Not archived, try again later\r\n451 4.3.0 <e@f> Not archived, try again later\r\n");
}

static void test_refuses_before_the_body(void **state)
{
	struct site *s = *state;

	s->archive.ready = false;
	_free_ char *down = TALK(s, "LHLO me\r\nMAIL FROM:<a@b>\r\n");

	assert_string_equal(down,
		HELLO "451 4.3.0 The archive can't take mail now, try again later\r\n");
	s->archive.ready = true;
	s->archive.room = 1000;
	_free_ char *busy = TALK(s, "LHLO me\r\nMAIL FROM:<a@b> SIZE=1001\r\nMAIL FROM:<a@b>\r\n");

	assert_string_equal(busy, HELLO "451 4.3.2 Too much mail under way, try again later\r\n"
		"451 4.3.2 Too much mail under way, try again later\r\n");
	_free_ char *large = TALK(s, "LHLO me\r\nMAIL FROM:<a@b> SIZE=100001\r\n");

	assert_string_equal(large,
		HELLO "552 5.3.4 Message too large, the limit in bytes is 100000\r\n");
	atomic_store(&s->server.door.archive, NULL);
	_free_ char *closed = TALK(s, "LHLO me\r\nMAIL FROM:<a@b>\r\n");

	assert_string_equal(closed,
		HELLO "451 4.3.0 The archive can't take mail now, try again later\r\n");
}

/* n bytes of message in all, its last line end included. */
static char *send_sized(struct site *s, size_t n)
{
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 20);
	_free_ char *text = mem_alloc(n, 1);

	memset(text, 'x', n);
	memcpy(text + n - 2, "\r\n", 2);
	assert_int_equal(buf_add_str(&b, ENVELOPE "DATA\r\n") | buf_add(&b, text, n) |
		buf_add_str(&b, ".\r\nNOOP\r\n"), 0);
	return talk(s, b.data, b.len, 16384);
}

static void test_too_large_is_read_to_its_end(void **state)
{
	struct site *s = *state;
	_free_ char *fits = send_sized(s, SIZE_MAX_TEST);

	assert_string_equal(fits,
		ENVELOPE_OK GO "250 2.0.0 <c@d> archived as " FAKE_ID "\r\n250 2.0.0 OK\r\n");
	assert_int_equal(s->archive.messages[0].size, SIZE_MAX_TEST);
	_free_ char *not = send_sized(s, SIZE_MAX_TEST + 1);

	assert_string_equal(not, ENVELOPE_OK GO
		"552 5.3.4 <c@d> Message too large, the limit in bytes is 100000\r\n250 2.0.0 OK\r\n");
	assert_int_equal(s->archive.n, 1);
}

/* The copy of a message that is too large waits at the mail server instead of coming back to its
 * sender; so does one that comes with an address, a parameter or a command that can't be taken. */
static void test_journal_never_answers_5xx(void **state)
{
	struct site *s = *state;

	s->conf.lmtpd_journal = true;
	_free_ char *large = send_sized(s, SIZE_MAX_TEST + 1);

	assert_string_equal(large, GREETING FEATURES_WITH("SIZE") "250 2.1.0 Sender OK\r\n250 2.1.5 Recipient OK\r\n" GO
		"452 4.3.4 <c@d> Message too large, the limit in bytes is 100000\r\n250 2.0.0 OK\r\n");
	_free_ char *before = TALK(s, "LHLO me\r\nMAIL FROM:<a@b> SIZE=100001\r\nRCPT TO:<c@d>\r\nDATA\r\n"
		"MAIL FROM:<a@b> X=y\r\nMAIL FROM:a\r\nMAIL FROM:<>\r\nRCPT TO:<>\r\nRCPT TO:<c@\001>\r\nDATA\r\nEHLO me\r\n");

	assert_string_equal(before, GREETING FEATURES_WITH("SIZE") "452 4.3.4 Message too large, the limit in bytes is 100000\r\n"
		"451 4.5.1 MAIL first\r\n451 4.5.1 MAIL first\r\n455 4.5.4 Unknown parameter\r\n"
		"451 4.1.7 Bad sender address, expected MAIL FROM:<address>\r\n250 2.1.0 Sender OK\r\n"
		"451 4.1.3 Bad recipient address, expected RCPT TO:<address>\r\n"
		"451 4.5.2 A command is one line of text that ends with CR LF\r\n451 4.5.1 No valid recipients\r\n"
		"451 4.5.1 This is LMTP, say LHLO\r\n");
	assert_int_equal(s->archive.n, 0);
}

/* What a client sent along is no nonsense, however much it is. */
static void test_refused_mail_with_many_pipelined_recipients(void **state)
{
	struct site *s = *state;
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 20);

	assert_int_equal(buf_add_str(&b, "LHLO me\r\nMAIL FROM:<a@b> SIZE=100001\r\n"), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(buf_add_str(&b, "RCPT TO:<c@d>\r\n"), 0);
	assert_int_equal(buf_add_str(&b, "DATA\r\nQUIT\r\n"), 0);
	_free_ char *replies = talk(s, b.data, b.len, b.len);

	assert_non_null(strstr(replies, "503 5.5.1 MAIL first\r\n" BYE));
}

/* More than it first took room for, and no more room. */
static void test_no_room_while_it_grows(void **state)
{
	struct site *s = *state;

	s->conf.message_size_max = 1 << 20;
	s->archive.room = 400 * 1024;
	_free_ char *replies = send_sized(s, 500 * 1024);

	assert_non_null(strstr(replies,
		GO "451 4.3.2 <c@d> Too much mail under way, try again later\r\n250 2.0.0 OK\r\n"));
	assert_int_equal(s->archive.n, 0);
	s->archive.room = 1 << 20;
	_free_ char *now = send_sized(s, 500 * 1024);

	assert_non_null(strstr(now, GO "250 2.0.0 <c@d> archived"));
}

static void test_too_many_recipients(void **state)
{
	struct site *s = *state;
	_free_ char *replies =
		TALK(s, ENVELOPE "RCPT TO:<1>\r\nRCPT TO:<>\r\nRCPT TO:<2>\r\nRCPT TO:<3>\r\nDATA\r\n.\r\n");

	assert_string_equal(replies, ENVELOPE_OK "250 2.1.5 Recipient OK\r\n"
		"501 5.1.3 Bad recipient address, expected RCPT TO:<address>\r\n"
		"250 2.1.5 Recipient OK\r\n452 4.5.3 Too many recipients\r\n" GO
		"250 2.0.0 <c@d> archived as " FAKE_ID "\r\n250 2.0.0 <1> archived as " FAKE_ID
		"\r\n250 2.0.0 <2> archived as " FAKE_ID "\r\n");
	assert_int_equal(s->archive.messages[0].size, 0);
}

static void test_chunks(void **state)
{
	struct site *s = *state;
	_free_ char *replies =
		TALK(s, "LHLO me\r\nMAIL FROM:<a@b> BODY=BINARYMIME\r\nRCPT TO:<c@d>\r\nDATA\r\n"
		"BDAT 7\r\n.\r\nab\r\nBDAT 0\r\nDATA\r\nBDAT 3 LAST\r\nc\r.RSET\r\n");

	assert_string_equal(replies,
		ENVELOPE_OK "503 5.5.1 BODY=BINARYMIME needs BDAT\r\n250 2.0.0 Chunk received\r\n"
		"250 2.0.0 Chunk received\r\n503 5.5.1 BDAT was begun: only BDAT or RSET now\r\n"
		"250 2.0.0 <c@d> archived as " FAKE_ID "\r\n250 2.0.0 Transaction forgotten\r\n");
	assert_int_equal(s->archive.messages[0].size, 10);
	assert_memory_equal(s->archive.messages[0].bytes, ".\r\nab\r\nc\r.", 10);
}

/* The bytes of a chunk are never taken for commands, wherever it comes. */
static void test_chunk_out_of_place_is_read(void **state)
{
	struct site *s = *state;
	_free_ char *replies =
		TALK(s, "BDAT 6\r\nQUIT\r\nLHLO me\r\nBDAT 6 LAST\r\nQUIT\r\nMAIL FROM:<a@b>\r\nBDAT 6\r\nQUIT\r\n"
		"BDAT x\r\nNOOP\r\n");

	assert_string_equal(replies, GREETING "503 5.5.1 LHLO first\r\n" FEATURES
		"503 5.5.1 MAIL first\r\n250 2.1.0 Sender OK\r\n503 5.5.1 No valid recipients\r\n"
		"501 5.5.4 Bad chunk size, closing; expected BDAT size [LAST]\r\n");
}

static void test_out_of_place(void **state)
{
	struct site *s = *state;
	_free_ char *replies =
		TALK(s, "MAIL FROM:<a@b>\r\nSTARTTLS\r\nVRFY a\r\nLHLO me\r\nRCPT TO:<c@d>\r\nDATA\r\nSTARTTLS\r\n"
		"MAIL FROM:<a@b>\r\nMAIL FROM:<a@b>\r\nDATA\r\nRSET\r\nRCPT TO:<c@d>\r\nQUIT\r\nNOOP\r\n");

	assert_string_equal(replies,
		GREETING "503 5.5.1 LHLO first\r\n503 5.5.1 LHLO first\r\n252 2.5.2 Every recipient is archived\r\n"
		FEATURES "503 5.5.1 MAIL first\r\n503 5.5.1 MAIL first\r\n502 5.5.1 TLS is not offered\r\n"
		"250 2.1.0 Sender OK\r\n503 5.5.1 A transaction is open already\r\n503 5.5.1 No valid recipients\r\n"
		"250 2.0.0 Transaction forgotten\r\n503 5.5.1 MAIL first\r\n" BYE);
}

static void test_long_and_bad_lines_are_stepped_over(void **state)
{
	struct site *s = *state;
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 20);
	char just[COMMAND_LINE_MAX - 6], much[100000];

	memset(just, 'a', sizeof(just));
	memset(much, 'b', sizeof(much));
	assert_int_equal(buf_add_str(&b, "LHLO me\r\nNOOP ") | buf_add(&b, just, sizeof(just) - 1) |
		buf_add_str(&b, "\r\nNOOP ") |
		buf_add(&b, just, sizeof(just)) | buf_add_str(&b, "\r\nNOOP ") | buf_add(&b, much,
		sizeof(much)) |
		buf_add_str(&b, "\r\nNOOP\nNOOP\r\r\nNOOP\r\n"), 0);
	_free_ char *replies = talk(s, b.data, b.len, 16384);

	assert_string_equal(replies,
		HELLO "250 2.0.0 OK\r\n500 5.5.2 Command line too long\r\n500 5.5.2 Command line too long\r\n"
		"500 5.5.2 A command is one line of text that ends with CR LF\r\n"
		"500 5.5.2 A command is one line of text that ends with CR LF\r\n250 2.0.0 OK\r\n");
}

static void test_hangs_up_on_nonsense(void **state)
{
	struct site *s = *state;
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(1 << 20);

	for (int i = 0; i < 100; i++)
		assert_int_equal(buf_add_str(&b, "GET / HTTP/1.1\r\n"), 0);
	_free_ char *replies = talk(s, b.data, b.len, b.len);
	size_t n = strlen(replies), lines = 0;

	for (size_t i = 0; i < n; i++)
		lines += replies[i] == '\n';
	assert_int_equal(lines, 1 + 21 + 1);
	assert_non_null(strstr(replies,
		"500 5.5.1 Unknown command\r\n421 4.7.0 Too many bad commands, closing\r\n"));
}

static void test_broken_off_archives_nothing(void **state)
{
	struct site *s = *state;
	_free_ char *replies = TALK(s, ENVELOPE "DATA\r\nhalf a message\r\n.");

	assert_string_equal(replies, ENVELOPE_OK GO);
	_free_ char *chunk = TALK(s, ENVELOPE "BDAT 100 LAST\r\nhalf");

	assert_string_equal(chunk, ENVELOPE_OK);
	_free_ char *no_last = TALK(s, ENVELOPE "BDAT 4\r\nhalfQUIT\r\n");

	assert_string_equal(no_last, ENVELOPE_OK "250 2.0.0 Chunk received\r\n" BYE);
	assert_int_equal(s->archive.n, 0);
}

static void test_silence_times_out(void **state)
{
	struct site *s = *state;
	char piece[1024];
	ssize_t n;

	atomic_store(&s->server.timeout_us, 20 * 1000);
	connect_to(s);
	send_piece(s, ENVELOPE "DATA\r\nhalf", sizeof(ENVELOPE "DATA\r\nhalf") - 1);
	CLEANUP(buf_deinit) struct buf all = BUF_INIT(REPLIES_MAX);

	while ((n = recv(s->client, piece, sizeof(piece), 0)) > 0)
		assert_int_equal(buf_add(&all, piece, (size_t)n), 0);
	assert_string_equal(all.data, ENVELOPE_OK GO "421 4.4.2 Idle or too slow for too long, closing\r\n");
	free(hang_up(s));
	assert_int_equal(s->archive.n, 0);
}

/* Sends `piece` again and again, each time after pause_us, until the session has ended or n were
 * sent. Returns how many. */
static size_t trickle(struct site *s, const char *piece, size_t size, size_t n, useconds_t pause_us)
{
	size_t sent = 0;

	while (sent < n && send(s->client, piece, size, MSG_NOSIGNAL) == (ssize_t)size) {
		sent++;
		usleep(pause_us);
	}
	return sent;
}

/* Never idle, and far too slow: a line, a message, a chunk, many chunks. */
static void test_trickling_client_is_hung_up_on(void **state)
{
	static const char *const begins[] = { "NOOP ", ENVELOPE "DATA\r\n", ENVELOPE "BDAT 9999999\r\n" };
	struct site *s = *state;

	atomic_store(&s->server.timeout_us, 100 * 1000);
	for (size_t i = 0; i < ARRAY_LEN(begins); i++) {
		connect_to(s);
		send_piece(s, begins[i], strlen(begins[i]));
		assert_true(trickle(s, "x", 1, 10000, 10 * 1000) < 10000);
		_free_ char *replies = hang_up(s);

		assert_non_null(strstr(replies, "421 4.4.2 Idle or too slow for too long, closing\r\n"));
	}
	connect_to(s);
	send_piece(s, ENVELOPE, strlen(ENVELOPE));
	assert_true(trickle(s, "BDAT 1\r\nx", 9, 10000, 10 * 1000) < 10000);
	_free_ char *replies = hang_up(s);

	assert_non_null(strstr(replies, "421 4.4.2 Idle or too slow for too long, closing\r\n"));
	assert_int_equal(s->archive.n, 0);
}

/* One that takes longer than the time-out in all, but brings enough, is served: in one piece and in
 * chunks that come together with their commands. */
static void test_slow_client_is_waited_for(void **state)
{
	static char piece[8192 + 11] = "BDAT 8192\r\n";
	struct site *s = *state;

	memset(piece + 11, 'x', 8192);
	atomic_store(&s->server.timeout_us, 1000 * 1000);
	connect_to(s);
	send_piece(s, ENVELOPE "DATA\r\n", sizeof(ENVELOPE "DATA\r\n") - 1);
	assert_int_equal(trickle(s, piece + 11, 8192, 12, 100 * 1000), 12);
	send_piece(s, "\r\n.\r\n", 5);
	_free_ char *data = hang_up(s);

	assert_non_null(strstr(data, "250 2.0.0 <c@d> archived as"));
	s->conf.message_size_max = 1 << 20;
	connect_to(s);
	send_piece(s, ENVELOPE, sizeof(ENVELOPE) - 1);
	assert_int_equal(trickle(s, piece, sizeof(piece), 12, 100 * 1000), 12);
	send_piece(s, "BDAT 0 LAST\r\n", 13);
	_free_ char *chunks = hang_up(s);

	assert_non_null(strstr(chunks, "250 2.0.0 <c@d> archived as"));
}

/* Waits until the session has said `text`. */
static void expect(struct site *s, struct buf *all, const char *text)
{
	char piece[1024];

	while (!all->data || !strstr(all->data, text)) {
		ssize_t n = recv(s->client, piece, sizeof(piece), 0);

		assert_true(n > 0);
		assert_int_equal(buf_add(all, piece, (size_t)n), 0);
	}
}

static void test_stop_finishes_what_was_begun(void **state)
{
	struct site *s = *state;
	CLEANUP(buf_deinit) struct buf all = BUF_INIT(REPLIES_MAX);

	connect_to(s);
	send_piece(s, ENVELOPE "DATA\r\nhalf", sizeof(ENVELOPE "DATA\r\nhalf") - 1);
	expect(s, &all, GO);
	atomic_store(&s->server.stopping, true);
	assert_int_equal(eventfd_write(s->server.stop_fd, 1), 0);
	send_piece(s, " and half\r\n.\r\n", 14);
	expect(s, &all, "421 4.3.2 Service is stopping, try again later\r\n");
	assert_non_null(strstr(all.data, "250 2.0.0 <c@d> archived as " FAKE_ID "\r\n421"));
	free(hang_up(s));
	assert_int_equal(s->archive.n, 1);
}

static void test_stop_ends_the_idle(void **state)
{
	struct site *s = *state;
	CLEANUP(buf_deinit) struct buf all = BUF_INIT(REPLIES_MAX);

	connect_to(s);
	send_piece(s, ENVELOPE, sizeof(ENVELOPE) - 1);
	expect(s, &all, "250 2.1.5");
	atomic_store(&s->server.stopping, true);
	assert_int_equal(eventfd_write(s->server.stop_fd, 1), 0);
	expect(s, &all, "421 4.3.2 Service is stopping, try again later\r\n");
	free(hang_up(s));
}

static void test_tls_can_be_demanded(void **state)
{
	struct site *s = *state;

	s->conf.lmtpd_tls_required = true;
	_free_ char *replies = TALK(s, "LHLO me\r\nMAIL FROM:<a@b>\r\n");

	assert_string_equal(replies, HELLO "530 5.7.0 STARTTLS first\r\n");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pipelined_whole),
		TEST(test_cut_at_every_byte),
		TEST(test_failure_is_told_to_each_recipient),
		TEST(test_refuses_before_the_body),
		TEST(test_too_large_is_read_to_its_end),
		TEST(test_journal_never_answers_5xx),
		TEST(test_refused_mail_with_many_pipelined_recipients),
		TEST(test_no_room_while_it_grows),
		TEST(test_too_many_recipients),
		TEST(test_chunks),
		TEST(test_chunk_out_of_place_is_read),
		TEST(test_out_of_place),
		TEST(test_long_and_bad_lines_are_stepped_over),
		TEST(test_hangs_up_on_nonsense),
		TEST(test_broken_off_archives_nothing),
		TEST(test_silence_times_out),
		TEST(test_trickling_client_is_hung_up_on),
		TEST(test_slow_client_is_waited_for),
		TEST(test_stop_finishes_what_was_begun),
		TEST(test_stop_ends_the_idle),
		TEST(test_tls_can_be_demanded),
	};

	log_init("test_session", LOG_FATAL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
