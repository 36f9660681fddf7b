/* The cache against a Redis of a few lines in a thread of this process: what goes over the wire, what a reply that is late,
 * torn or wrong does, and that nothing waits for a server that is gone. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/strv.h"
#include "cache/cache_redis_private.h"
#include "sys/io.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FOREVER_US (60 * CLOCK_SECOND)

/* ---- the server ---- */

enum mood { WELL, SILENT, HANGS_UP, TALKS_NONSENSE, REFUSES };

static int listener;
static char dir[64], url[128];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of what follows */
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct strv heard; /* commands, their words joined by blanks */
static unsigned connections;
static enum mood mood;
static char counter[24];

static void note(const redisReply *command)
{
	CLEANUP(strv_deinit) struct strv words = { 0 };

	for (size_t i = 0; i < command->elements; i++)
		strv_add(&words, command->element[i]->str);
	_free_ char *line = strv_join(&words, " ");

	pthread_mutex_lock(&lock);
	strv_add(&heard, line);
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

/* One byte at a time: replies come in any pieces. */
static void say(int fd, const char *text)
{
	for (; *text; text++)
		if (send(fd, text, 1, MSG_NOSIGNAL) != 1)
			return;
}

/* false: this connection is over. */
static bool answer(int fd, const redisReply *command)
{
	const char *word = command->element[0]->str;
	char text[64];

	note(command);
	pthread_mutex_lock(&lock);
	enum mood now = mood;

	snprintf(text, sizeof(text), "$%zu\r\n%s\r\n", strlen(counter), counter);
	pthread_mutex_unlock(&lock);
	if (now == SILENT)
		return true;
	if (now == HANGS_UP)
		return false;
	if (strcmp(word, "GET") == 0)
		say(fd, text);
	else if (strcmp(word, "SUBSCRIBE") == 0)
		say(fd, "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n");
	else
		say(fd, now == TALKS_NONSENSE ? "what?\r\n" : now == REFUSES ? "-ERR no\r\n" : "+OK\r\n");
	return true;
}

static void *serve(void *arg)
{
	_close_ int fd = (int)(intptr_t)arg;
	redisReader *reader = redisReaderCreate();
	bool on = true;
	char data[4096];
	ssize_t n;

	while (on && (n = read(fd, data, sizeof(data))) > 0) {
		void *command;

		redisReaderFeed(reader, data, (size_t)n);
		while (on && redisReaderGetReply(reader, &command) == REDIS_OK && command) {
			on = answer(fd, command);
			freeReplyObject(command);
		}
	}
	redisReaderFree(reader);
	return NULL;
}

static void *accept_all(void *unused)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		pthread_t thread;

		pthread_mutex_lock(&lock);
		connections++;
		pthread_mutex_unlock(&lock);
		if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd))
			abort();
		pthread_detach(thread);
	}
	return unused;
}

static void set_mood(enum mood to)
{
	pthread_mutex_lock(&lock);
	mood = to;
	pthread_mutex_unlock(&lock);
}

static unsigned connection_count(void)
{
	pthread_mutex_lock(&lock);
	unsigned n = connections;

	pthread_mutex_unlock(&lock);
	return n;
}

/* How often it has heard exactly this. */
static unsigned times(const char *command)
{
	unsigned n = 0;

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < heard.n; i++)
		n += strcmp(heard.items[i], command) == 0;
	pthread_mutex_unlock(&lock);
	return n;
}

static void wait_for(const char *command)
{
	while (!times(command)) {
		pthread_mutex_lock(&lock);
		pthread_cond_wait(&changed, &lock);
		pthread_mutex_unlock(&lock);
	}
}

/* ---- the cache ---- */

static char none[] = "", kind[] = "redis:", prefix[] = "sr";

static struct conf conf_of(char *where, int64_t timeout_us)
{
	return (struct conf){ .cache = kind, .redis_url = where, .redis_user = none, .redis_password_file = none,
		.redis_ca_file = none, .redis_prefix = prefix, .redis_timeout_us = timeout_us };
}

static struct conf conf;

static struct cache *open_it(int64_t timeout_us)
{
	struct cache *c;
	struct err e;

	conf = conf_of(url, timeout_us);
	assert_int_equal(cache_open(&c, &conf, &e), 0);
	return c;
}

static int reset(void **state)
{
	(void)state;
	pthread_mutex_lock(&lock);
	strv_deinit(&heard);
	connections = 0;
	mood = WELL;
	strcpy(counter, "7");
	pthread_mutex_unlock(&lock);
	return 0;
}

/* ---- what it says ---- */

static void test_counts(void **state)
{
	CLEANUP(cache_closep) struct cache *c = open_it(FOREVER_US);
	uint64_t n = 0;

	(void)state;
	assert_true(cache_count(c, "x", 25 * CLOCK_SECOND, 10 * CLOCK_SECOND, 5, &n));
	assert_int_equal(n, 7);
	assert_int_equal(times("SELECT 0"), 1);
	assert_int_equal(times("INCRBY sr:count:x:2 5"), 1);
	assert_int_equal(times("PEXPIRE sr:count:x:2 20000"), 1);
	assert_int_equal(times("GET sr:count:x:2"), 1);
	assert_true(cache_count(c, "x", 30 * CLOCK_SECOND, 10 * CLOCK_SECOND, 1, &n));
	assert_int_equal(times("INCRBY sr:count:x:3 1"), 1);
	assert_int_equal(connection_count(), 1); /* it is kept */
}

static void test_numbers(void **state)
{
	CLEANUP(cache_closep) struct cache *c = open_it(FOREVER_US);
	uint64_t n = 0;

	(void)state;
	assert_true(cache_get(c, "tokens:1", &n));
	assert_int_equal(n, 7);
	assert_int_equal(times("GET sr:value:tokens:1"), 1);
	cache_raise(c, "tokens:1", UINT64_C(12), 5 * CLOCK_SECOND);
	assert_int_equal(heard.n, 3);
	assert_non_null(strstr(heard.items[2], " 1 sr:value:tokens:1 12 5000"));
}

/* ---- what goes wrong ---- */

static void check_unknown(enum mood how, int64_t timeout_us)
{
	CLEANUP(cache_closep) struct cache *c = open_it(timeout_us);
	struct err e = { 0 };
	uint64_t n;

	set_mood(how);
	assert_false(cache_get(c, "x", &n));
	assert_false(cache_count(c, "x", 0, CLOCK_SECOND, 1, &n));
	assert_int_equal(cache_ready(c, &e), -1);
	assert_int_equal(e.class, how == REFUSES ? ERR_PERMANENT : ERR_TEMPORARY);
	set_mood(WELL);
	redis_of(c)->target.timeout_us = FOREVER_US;
	redis_of(c)->again_us = 0; /* the second is over */
	assert_true(cache_get(c, "x", &n));
	assert_int_equal(cache_ready(c, &e), 1);
}

static void test_failures(void **state)
{
	(void)state;
	check_unknown(SILENT, CLOCK_SECOND / 20);
	check_unknown(HANGS_UP, FOREVER_US);
	check_unknown(TALKS_NONSENSE, FOREVER_US);
	check_unknown(REFUSES, FOREVER_US);
}

/* A server that has failed costs nobody anything until its time comes. */
static void test_leaves_it_alone(void **state)
{
	CLEANUP(cache_closep) struct cache *c = open_it(FOREVER_US);
	uint64_t n;

	(void)state;
	set_mood(HANGS_UP);
	assert_false(cache_get(c, "x", &n));
	redis_of(c)->again_us = INT64_MAX;
	unsigned before = connection_count();

	set_mood(WELL);
	for (int i = 0; i < 10; i++)
		assert_false(cache_get(c, "x", &n));
	assert_int_equal(connection_count(), before);
}

/* The server has closed what was idle, as it does when it is started anew. */
static void test_idle_connection_is_gone(void **state)
{
	CLEANUP(cache_closep) struct cache *c = open_it(FOREVER_US);
	uint64_t n;

	(void)state;
	assert_true(cache_get(c, "x", &n));
	shutdown(redis_of(c)->idle->fd, SHUT_RDWR);
	assert_true(cache_get(c, "x", &n));
	assert_int_equal(connection_count(), 2);
}

static void test_a_name_of_any_length(void **state)
{
	CLEANUP(cache_closep) struct cache *c = open_it(FOREVER_US);
	char name[5000];
	uint64_t n;

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_false(cache_get(c, name, &n));
	redis_of(c)->again_us = 0;
	assert_true(cache_get(c, "x", &n));
}

static void test_urls(void **state)
{
	static const struct {
		const char *url, *address, *host, *database; /* no address: refused */
	} cases[] = {
		{ "redis://a.example", "inet:a.example:6379", "a.example", "0" },
		{ "redis://a.example:1/3", "inet:a.example:1", "a.example", "3" },
		{ "rediss://[::1]:2", "inet:[::1]:2", "::1", "0" },
		{ "redis://[::1]/", "inet:[::1]:6379", "::1", "0" },
		{ "unix:/run/redis", "unix:/run/redis", "", "0" },
		{ "redis://me:secret@a.example", NULL, NULL, NULL },
		{ "redis://a.example/x", NULL, NULL, NULL },
		{ "redis:///1", NULL, NULL, NULL },
		{ "http://a.example", NULL, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_free_ char *text = mem_strdup(cases[i].url);
		const struct conf one = conf_of(text, CLOCK_SECOND);
		struct redis_target t;
		struct err e = { 0 };

		if (!cases[i].address) {
			assert_int_equal(redis_target_init(&t, &one, &e), -1);
			assert_int_equal(e.class, ERR_PERMANENT);
			assert_null(strstr(e.text, "secret"));
			continue;
		}
		assert_int_equal(redis_target_init(&t, &one, &e), 0);
		assert_string_equal(t.address, cases[i].address);
		assert_string_equal(t.host, cases[i].host);
		assert_string_equal(t.database, cases[i].database);
		assert_int_equal(t.tls != NULL, strncmp(cases[i].url, "rediss:", 7) == 0);
		redis_target_deinit(&t);
	}
}

/* ---- wake-ups ---- */

static void hear(void *ctx, const char *name)
{
	(void)ctx, (void)name;
}

static void test_wakes(void **state)
{
	CLEANUP(cache_closep) struct cache *c = open_it(FOREVER_US);

	(void)state;
	cache_wake(c, CACHE_WAKE_OUTBOX);
	wait_for("PUBLISH sr:wake outbox");
}

/* One thread waits for something to say, the other rests until it tries to listen again: both have to hear of the end. */
static void test_ends_while_both_threads_wait(void **state)
{
	struct cache *c = open_it(FOREVER_US);
	struct err e;

	(void)state;
	cache_wake(c, CACHE_WAKE_OUTBOX);
	wait_for("PUBLISH sr:wake outbox");
	set_mood(HANGS_UP);
	assert_int_equal(cache_listen(c, hear, NULL, &e), 0);
	usleep(1500 * 1000); /* the first has rested from speaking by then, and the second rests for two seconds */
	cache_closep(&c);
}

/* ---- the whole ---- */

static int start(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	pthread_t thread;

	(void)state;
	strcpy(dir, "/tmp/test_cache.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(un.sun_path, sizeof(un.sun_path), "%s/redis", dir);
	snprintf(url, sizeof(url), "unix:%s/redis", dir);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&un, sizeof(un)) || listen(listener, 100) ||
		pthread_create(&thread, NULL, accept_all, NULL))
		return -1;
	pthread_detach(thread);
	return 0;
}

static int stop(void **state)
{
	reset(state);
	unlink(url + strlen("unix:"));
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_counts, reset),
		cmocka_unit_test_setup(test_numbers, reset),
		cmocka_unit_test_setup(test_failures, reset),
		cmocka_unit_test_setup(test_leaves_it_alone, reset),
		cmocka_unit_test_setup(test_idle_connection_is_gone, reset),
		cmocka_unit_test_setup(test_a_name_of_any_length, reset),
		cmocka_unit_test(test_urls),
		cmocka_unit_test_setup(test_wakes, reset),
		cmocka_unit_test_setup(test_ends_while_both_threads_wait, reset),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
