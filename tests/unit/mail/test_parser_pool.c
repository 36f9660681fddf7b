/* The pool against a worker that does what the message tells it to: this very program, started once
 * more. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "mail/parser_pool.h"
#include "mail/parser_protocol.h"
#include "sys/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the worker ---- */

static void say(enum parser_answer kind, const void *data, size_t n)
{
	struct buf out = BUF_INIT(n + 5);

	if (pack_u32(&out, (uint32_t)n + 1) || pack_u8(&out, (uint8_t)kind) ||
		buf_add(&out, data, n) || io_write_all(PARSER_FD, out.data, out.len))
		_exit(1);
	buf_deinit(&out);
}

static void say_parsed(const char *subject)
{
	struct parsed *p = parsed_new();
	struct buf out = BUF_INIT(10000);

	free(p->subject);
	p->subject = mem_strdup(subject);
	if (parsed_encode(&out, p))
		_exit(1);
	say(PARSER_PARSED, out.data, out.len);
}

static const char *window;

static bool window_is_ours(void)
{
	return mmap(NULL, PARSER_WINDOW, PROT_READ | PROT_WRITE, MAP_SHARED, PARSER_WINDOW_FD, 0) != MAP_FAILED ||
	       mprotect((void *)(uintptr_t)window, PARSER_WINDOW, PROT_READ | PROT_WRITE) == 0 ||
	       pwrite(PARSER_WINDOW_FD, "x", 1, 0) == 1 || ftruncate(PARSER_WINDOW_FD, 1) == 0;
}

/* Is anything in the window behind the message? */
static bool sees_more(const char *text)
{
	for (size_t i = strlen(text); i < PARSER_WINDOW; i++)
		if (window[i])
			return true;
	return false;
}

/* "once FILE WHAT" does WHAT only when FILE is there, and removes it. */
static void obey(const char *text)
{
	static const char *const fine = "fine";

	if (strncmp(text, "once ", 5) == 0) {
		const char *what = strchr(text + 5, ' ');
		_free_ char *file = mem_dup(text + 5, (size_t)(what - text - 5));

		text = unlink(file) == 0 ? what + 1 : fine;
	}
	if (strcmp(text, "die") == 0)
		raise(SIGKILL);
	if (strcmp(text, "exit") == 0)
		_exit(0);
	if (strcmp(text, "hang") == 0)
		pause();
	if (strcmp(text, "hold") == 0)
		text = window_is_ours() ? "ours" : fine;
	if (strcmp(text, "look") == 0)
		text = sees_more(text) ? "more" : fine;
	if (strncmp(text, "slow", 4) == 0)
		usleep(20000);
	if (strcmp(text, "nonsense") == 0)
		say(PARSER_PARSED, "nonsense", 8);
	else if (strcmp(text, "kind") == 0)
		say(PARSER_READY, "", 0);
	else if (strcmp(text, "huge") == 0)
		_exit(write(PARSER_FD, "\xff\xff\xff\xff\x02", 5) == 5);
	else if (strcmp(text, "half") == 0 && write(PARSER_FD, "\0\0\0\x64\x02half", 9) == 9)
		_exit(0);
	else if (strncmp(text, "data", 4) == 0) {
		char *chunk = mem_alloc(PARSER_CHUNK, 1);

		for (int i = atoi(text + 4); i > 0; i--)
			say(PARSER_DATA, memset(chunk, i, PARSER_CHUNK), PARSER_CHUNK);
		say(PARSER_END, "", 0);
	} else if (strcmp(text, "none") == 0) {
		say(PARSER_NONE, "", 0);
	} else {
		say_parsed(text);
	}
	if (strcmp(text, "then die") == 0)
		raise(SIGKILL);
}

/* The message of a request, in the window or by descriptor; false when the pool is gone. */
static bool hear(char text[8192])
{
	static uint8_t body[PARSER_REQUEST_MAX];
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec part = { body, sizeof(body) };
	struct msghdr m = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(PARSER_FD, &m, 0);
	int fd;

	if (n <= 0)
		return false;
	memset(text, 0, 8192);
	if (CMSG_FIRSTHDR(&m)) {
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
		if (pread(fd, text, 100, 0) != 100)
			_exit(1);
		close(fd);
		return true;
	}
	struct unpack u = UNPACK_INIT(body + 5 + 12 + 8, 8);
	uint64_t size = unpack_u64(&u);

	if (n != 5 + 12 + 16 || size > PARSER_WINDOW)
		_exit(1);
	memcpy(text, window, size < 8191 ? (size_t)size : 8191);
	return true;
}

#define MEMORY_OF_A_STRANGER "77" /* with this limit the worker speaks a later version */

static int worker(const char *memory)
{
	bool stranger = strcmp(memory, MEMORY_OF_A_STRANGER) == 0;
	const char version[] = { 0, 0, 0, (char)(PARSER_PROTOCOL_VERSION + stranger) };
	char text[8192];

	window = mmap(NULL, PARSER_WINDOW, PROT_READ, MAP_SHARED, PARSER_WINDOW_FD, 0);
	if (window == MAP_FAILED)
		_exit(1);
	say(PARSER_READY, version, sizeof(version));
	while (hear(text))
		obey(text);
	return 0;
}

/* ---- the tests ---- */

static struct conf conf = {
	.parser_program = (char[]){ "/proc/self/exe" },
	.spool_dir = (char[]){ "/tmp" },
	.parser_workers = 2,
	.parser_timeout_us = 300 * 1000,
	.parser_memory_max = 1,
};

static struct parser_pool *open_pool(void)
{
	struct parser_pool *pool;
	struct err e;

	assert_int_equal(parser_pool_open(&pool, &conf, &e), 0);
	return pool;
}

static struct message *message_of(const char *text)
{
	struct message *m = message_new("/tmp", 4 * PARSER_WINDOW);
	struct err e;

	assert_int_equal(message_append(m, text, strlen(text), &e), 0);
	assert_int_equal(message_finish(m, &e), 0);
	return m;
}

static struct parsed *parse(struct parser_pool *pool, const char *text)
{
	CLEANUP(message_freep) struct message *m = message_of(text);
	struct parsed *p = NULL;
	struct err e = { 0 };

	if (parser_pool_parse(pool, m, &p, &e))
		fail_msg("%s", e.text);
	return p;
}

static void expect(struct parser_pool *pool, const char *text, const char *subject, uint32_t flags)
{
	CLEANUP(parsed_freep) struct parsed *p = parse(pool, text);

	assert_string_equal(p->subject, subject);
	assert_int_equal(p->flags, flags);
}

/* Messages too long for the window come by descriptor. */
static void test_large(void **state)
{
	CLEANUP(parser_pool_closep) struct parser_pool *pool = open_pool();
	_free_ char *text = mem_alloc(3 * PARSER_WINDOW, 1);

	(void)state;
	memset(text, 'x', 3 * PARSER_WINDOW - 1);
	for (size_t n = PARSER_WINDOW - 1; n <= PARSER_WINDOW + 1; n++) {
		CLEANUP(parsed_freep) struct parsed *p = NULL;

		text[n] = '\0';
		p = parse(pool, text);
		assert_int_equal(strspn(p->subject, "x"), n <= PARSER_WINDOW ? 8191 : 100);
		text[n] = 'x';
	}
}

static void test_window(void **state)
{
	struct conf own = conf;
	CLEANUP(parser_pool_closep) struct parser_pool *pool = NULL;
	struct err e;

	(void)state;
	own.parser_workers = 1;
	assert_int_equal(parser_pool_open(&pool, &own, &e), 0);
	expect(pool, "hold", "fine", 0);
	expect(pool, "a long message that another worker was given", "a long message that another worker was given", 0);
	expect(pool, "look", "more", 0); /* its own past */
	expect(pool, "die", "", PARSE_FAILED);
	expect(pool, "look", "fine", 0); /* nobody else's */
}

static void test_good(void **state)
{
	CLEANUP(parser_pool_closep) struct parser_pool *pool = open_pool();

	(void)state;
	for (int i = 0; i < 5000; i++) /* several lives of each worker */
		expect(pool, "good", "good", 0);
}

static void test_bad_messages_are_flagged(void **state)
{
	static const char *const bad[] = { "die", "exit", "nonsense", "kind", "half" };
	CLEANUP(parser_pool_closep) struct parser_pool *pool = open_pool();

	(void)state;
	for (int round = 0; round < 3; round++)
		for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
			expect(pool, bad[i], "", PARSE_FAILED);
			expect(pool, "good", "good", 0);
		}
	expect(pool, "huge", "", PARSE_FAILED);
	expect(pool, "hang", "", PARSE_FAILED | PARSE_TIMEOUT);
	expect(pool, "good", "good", 0);
}

static void touch(const char *path)
{
	close(open(path, O_CREAT | O_WRONLY, 0600));
}

static void test_one_death_is_no_failure(void **state)
{
	CLEANUP(parser_pool_closep) struct parser_pool *pool = open_pool();
	char path[] = "/tmp/test_parser_pool.XXXXXX";
	_free_ char *die = NULL, *hang = NULL;

	(void)state;
	close(mkstemp(path));
	die = mem_printf("once %s die", path);
	hang = mem_printf("once %s hang", path);
	expect(pool, die, "fine", 0);
	touch(path);
	expect(pool, hang, "fine", 0);
	assert_int_equal(access(path, F_OK), -1);
}

/* Workers that end while nobody needs them (the kernel's OOM killer, an operator) cost nobody's
 * message anything. */
static void test_idle_death(void **state)
{
	CLEANUP(parser_pool_closep) struct parser_pool *pool = open_pool();

	(void)state;
	for (int i = 0; i < 6; i++) {
		expect(pool, "then die", "then die", 0);
		usleep(50000);
	}
	expect(pool, "good", "good", 0);
}

static int collect(void *ctx, const void *data, size_t n)
{
	(void)data;
	*(size_t *)ctx += n;
	return 0;
}

static int refuse(void *ctx, const void *data, size_t n)
{
	(void)ctx;
	(void)data;
	(void)n;
	return -1;
}

static void test_extract(void **state)
{
	CLEANUP(parser_pool_closep) struct parser_pool *pool = open_pool();
	CLEANUP(message_freep)
	struct message *data = message_of("data20"),
		       *empty = message_of("data0");
	CLEANUP(message_freep) struct message *none = message_of("none"), *die = message_of("die");
	size_t got = 0;
	struct err e;

	(void)state;
	assert_int_equal(parser_pool_extract(pool, data, 0, collect, &got, &e), 1);
	assert_int_equal(got, 20 * PARSER_CHUNK);
	got = 0;
	assert_int_equal(parser_pool_extract(pool, empty, 0, collect, &got, &e), 1);
	assert_int_equal(got, 0);
	assert_int_equal(parser_pool_extract(pool, none, 0, collect, &got, &e), 0);
	assert_int_equal(parser_pool_extract(pool, die, 0, collect, &got, &e), -1);
	assert_int_equal(parser_pool_extract(pool, data, 0, refuse, NULL, &e), -1);
	expect(pool, "good", "good", 0);
}

static void *hammer(void *arg)
{
	static const char *const texts[] = { "good", "die", "good", "nonsense", "good" };
	struct parser_pool *pool = arg;

	for (size_t i = 0; i < 100; i++) {
		CLEANUP(parsed_freep) struct parsed *p = parse(pool, texts[i % ARRAY_LEN(texts)]);

		if (strcmp(texts[i % ARRAY_LEN(texts)], "good") == 0
				? strcmp(p->subject, "good") != 0
				: p->flags != PARSE_FAILED)
			return arg;
	}
	return NULL;
}

static void test_threads(void **state)
{
	CLEANUP(parser_pool_closep) struct parser_pool *pool = open_pool();
	pthread_t threads[6];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hammer, pool), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		void *result;

		pthread_join(threads[i], &result);
		assert_null(result);
	}
}

/* ---- in two steps ---- */

struct two_steps {
	struct message *message;
	struct parser_reading *reading;
};

static struct two_steps begin(struct parser_pool *pool, const char *text)
{
	struct two_steps s = { .message = message_of(text) };
	struct err e;

	if (parser_pool_start(pool, s.message, &s.reading, &e))
		fail_msg("%s", e.text);
	return s;
}

static bool ends(struct parser_pool *pool, struct two_steps *s, const char *subject, uint32_t flags)
{
	struct parsed *p = NULL;
	struct err e;
	bool right = parser_pool_finish(pool, &s->reading, &p, &e) == 0 && !s->reading &&
		strcmp(p->subject, subject) == 0 && p->flags == flags;

	parsed_freep(&p);
	message_freep(&s->message);
	return right;
}

/* More than there are workers, finished in another order than started: everyone gets his own. */
static void test_two_steps(void **state)
{
	static const struct {
		const char *text, *subject;
		uint32_t flags;
	} all[] = { { "one", "one", 0 }, { "die", "", PARSE_FAILED }, { "slow two", "slow two", 0 },
		{ "nonsense", "", PARSE_FAILED }, { "three", "three", 0 }, { "hang", "", PARSE_FAILED | PARSE_TIMEOUT },
		{ "four", "four", 0 } };
	CLEANUP(parser_pool_closep) struct parser_pool *pool = open_pool();
	struct two_steps steps[ARRAY_LEN(all)];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		steps[i] = begin(pool, all[i].text);
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		size_t k = i * 3 % ARRAY_LEN(all);

		assert_true(ends(pool, &steps[k], all[k].subject, all[k].flags));
	}
	expect(pool, "good", "good", 0);
}

/* A caller that takes long to come back holds nobody up, and finds its answer whatever the time limit says. */
static void test_late_finish(void **state)
{
	CLEANUP(parser_pool_closep) struct parser_pool *pool = open_pool();
	struct two_steps late[] = { begin(pool, "late"), begin(pool, "later") };

	(void)state;
	for (int i = 0; i < 10; i++)
		expect(pool, "good", "good", 0);
	assert_true(ends(pool, &late[0], "late", 0));
	struct two_steps latest = begin(pool, "latest");

	usleep((useconds_t)conf.parser_timeout_us + 50000);
	assert_true(ends(pool, &latest, "latest", 0));
	assert_true(ends(pool, &late[1], "later", 0));
}

static void *hammer_in_steps(void *arg)
{
	struct parser_pool *pool = arg;

	for (int i = 0; i < 60; i++) {
		_free_ char *mine = mem_printf("%s %d of %p", i % 7 ? "message" : "slow", i, (void *)&mine);
		struct two_steps s = begin(pool, mine), bad = begin(pool, i % 20 ? "fine" : "die");

		usleep((useconds_t)(i % 5) * 1000);
		if (!ends(pool, &bad, i % 20 ? "fine" : "", i % 20 ? 0 : PARSE_FAILED) || !ends(pool, &s, mine, 0))
			return arg;
	}
	return NULL;
}

static void test_threads_in_steps(void **state)
{
	CLEANUP(parser_pool_closep) struct parser_pool *pool = open_pool();
	pthread_t threads[6];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hammer_in_steps, pool), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		void *result;

		pthread_join(threads[i], &result);
		assert_null(result);
	}
}

static void test_no_program(void **state)
{
	struct conf broken = conf;
	struct parser_pool *pool = NULL;
	struct err e = { 0 };

	(void)state;
	broken.parser_program = (char[]){ "/nonexistent/parser" };
	assert_int_equal(parser_pool_open(&pool, &broken, &e), -1);
	assert_int_equal(e.class, ERR_TEMPORARY);
	assert_non_null(strstr(e.text, "/nonexistent/parser"));
	broken.parser_program = (char[]){ "/bin/true" };
	assert_int_equal(parser_pool_open(&pool, &broken, &e), -1);
	assert_null(pool);
}

static void test_other_version(void **state)
{
	struct conf other = conf;
	struct parser_pool *pool = NULL;
	struct err e = { 0 };

	(void)state;
	other.parser_memory_max = (uint64_t)atoi(MEMORY_OF_A_STRANGER);
	assert_int_equal(parser_pool_open(&pool, &other, &e), -1);
	assert_int_equal(e.class, ERR_TEMPORARY);
	assert_non_null(strstr(e.text, "restart the daemons"));
	assert_null(pool);
}

/* The program vanishes while we run (an upgrade gone wrong): ours to answer for, not the message's.
 * Then it is back. */
static void test_program_vanishes(void **state)
{
	char path[] = "/tmp/test_parser_pool.XXXXXX/parser", *slash = strrchr(path, '/');
	struct conf own = conf;
	struct parser_pool *pool = NULL;
	CLEANUP(message_freep) struct message *die = message_of("die"), *good = message_of("good");
	struct parsed *p = NULL;
	struct err e = { 0 };
	char self[4096] = { 0 };

	(void)state;
	*slash = '\0';
	assert_non_null(mkdtemp(path));
	*slash = '/';
	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	assert_int_equal(symlink(self, path), 0);
	own.parser_program = path;
	own.parser_workers = 1;
	assert_int_equal(parser_pool_open(&pool, &own, &e), 0);
	struct two_steps lost = begin(pool, "die");

	unlink(path);
	assert_int_equal(parser_pool_parse(pool, good, &p, &e), -1); /* collects for the other */
	assert_int_equal(e.class, ERR_TEMPORARY);
	assert_int_equal(parser_pool_finish(pool, &lost.reading, &p, &e), -1);
	assert_int_equal(e.class, ERR_TEMPORARY);
	message_freep(&lost.message);
	assert_int_equal(parser_pool_parse(pool, die, &p, &e), -1);
	assert_int_equal(e.class, ERR_TEMPORARY);
	assert_int_equal(parser_pool_parse(pool, good, &p, &e), -1);
	assert_int_equal(symlink(self, path), 0);
	assert_int_equal(parser_pool_parse(pool, good, &p, &e), 0);
	assert_string_equal(p->subject, "good");
	parsed_freep(&p);
	parser_pool_closep(&pool);
	unlink(path);
	*slash = '\0';
	rmdir(path);
}

static int count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void test_nothing_leaks(void **state)
{
	int before = count_fds();

	for (int i = 0; i < 3; i++) {
		test_bad_messages_are_flagged(state);
		test_extract(state);
		test_two_steps(state);
		test_no_program(state);
	}
	assert_int_equal(count_fds(), before);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child, dead or alive */
	assert_int_equal(errno, ECHILD);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_bad_messages_are_flagged),
		cmocka_unit_test(test_one_death_is_no_failure),
		cmocka_unit_test(test_idle_death),
		cmocka_unit_test(test_extract),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_two_steps),
		cmocka_unit_test(test_late_finish),
		cmocka_unit_test(test_threads_in_steps),
		cmocka_unit_test(test_no_program),
		cmocka_unit_test(test_other_version),
		cmocka_unit_test(test_program_vanishes),
		cmocka_unit_test(test_nothing_leaks),
	};

	if (argc > 0 && strcmp(argv[0], "strongroom-parser") == 0)
		return worker(argv[1]);
	log_init("test", LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
