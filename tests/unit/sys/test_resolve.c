/* Names that nobody answers for: whoever connects gives up in the time that it has, whatever the C library does. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "sys/http_client.h"
#include "sys/net.h"
#include "sys/resolve.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#define HANGING "hanging.example"
#define SHORT_US (CLOCK_SECOND / 20)

/* ---- the C library's, but for one name ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool released;
static unsigned hanging, asked;

static int hang(void)
{
	pthread_mutex_lock(&lock);
	hanging++;
	asked++;
	pthread_cond_broadcast(&changed);
	while (!released)
		pthread_cond_wait(&changed, &lock);
	hanging--;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return EAI_AGAIN;
}

int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **found_r)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

	if (strcmp(host, HANGING) == 0 && !(hints->ai_flags & AI_NUMERICHOST))
		return hang();
	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	return real(host, port, hints, found_r);
}

/* The name servers answer again, once all threads of the test have asked: nothing is left of what was given up. */
static void release(unsigned threads)
{
	pthread_mutex_lock(&lock);
	while (asked < threads)
		pthread_cond_wait(&changed, &lock);
	released = true;
	pthread_cond_broadcast(&changed);
	while (hanging)
		pthread_cond_wait(&changed, &lock);
	released = false;
	asked = 0;
	pthread_mutex_unlock(&lock);
}

/* ---- tests ---- */

static void test_gives_up(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_int_equal(net_connect("inet:" HANGING ":6379", SHORT_US, &e), -1);
	assert_int_equal(e.class, ERR_TEMPORARY);
	assert_non_null(strstr(e.text, HANGING));
	assert_non_null(strstr(e.text, "in time"));
	release(1);
}

static void test_bounds_what_it_leaves_behind(void **state)
{
	struct addrinfo *found;
	struct err e = { 0 };

	(void)state;
	for (int i = 0; i < RESOLVE_AT_ONCE_MAX; i++)
		assert_int_equal(resolve_host(&found, HANGING, "1", 0, &e), -1);
	assert_int_equal(resolve_host(&found, HANGING, "1", INT64_MAX, &e), -1); /* at once: it would wait for ever */
	assert_int_equal(e.class, ERR_TEMPORARY);
	assert_non_null(strstr(e.text, "too many"));
	release(RESOLVE_AT_ONCE_MAX);
}

static void test_numbers_need_nobody(void **state)
{
	struct addrinfo *found = NULL;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(resolve_host(&found, "127.0.0.1", "25", 0, &e), 0);
	assert_int_equal(found->ai_family, AF_INET);
	freeaddrinfo(found);
	assert_int_equal(resolve_host(&found, "::1", "25", 0, &e), 0);
	assert_int_equal(found->ai_family, AF_INET6);
	freeaddrinfo(found);
}

static void test_http_gives_up(void **state)
{
	const struct http_settings settings = { .connect_us = SHORT_US, .stall_us = CLOCK_SECOND, .answer_max = 1000 };
	const struct http_request r = { .method = "PUT", .url = "http://" HANGING "/" };
	CLEANUP(http_client_freep) struct http_client *c = http_client_new(&settings);
	struct http_answer a;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(http_call(c, &r, &a, &e), -1);
	assert_int_equal(e.class, ERR_TEMPORARY);
	release(1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounds_what_it_leaves_behind), /* first: nothing else may be under way */
		cmocka_unit_test(test_gives_up),
		cmocka_unit_test(test_numbers_need_nobody),
		cmocka_unit_test(test_http_gives_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
