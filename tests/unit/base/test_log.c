/* Whose lines are whose: those without a context have the one that the thread has in use. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What `say` writes to standard error; valid until the next call. */
static const char *written_by(void (*say)(void))
{
	static char text[8192];
	int ends[2], kept = dup(STDERR_FILENO);

	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	say();
	dup2(kept, STDERR_FILENO);
	close(kept);
	close(ends[1]);
	ssize_t n = read(ends[0], text, sizeof(text) - 1);

	close(ends[0]);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static struct log_context request, other;

static void say_without(void)
{
	log_warn(NULL, "below");
}

static void say_with(void)
{
	log_warn(&other, "below");
}

static void *say_in_a_thread(void *unused)
{
	log_warn(NULL, "elsewhere");
	return unused;
}

static void say_elsewhere(void)
{
	pthread_t t;

	assert_int_equal(pthread_create(&t, NULL, say_in_a_thread, NULL), 0);
	pthread_join(t, NULL);
}

static void test_context_in_use(void **state)
{
	(void)state;
	log_context_set(&request, "request_id", "abc");
	log_context_set(&other, "session", "xyz");
	assert_null(strstr(written_by(say_without), "request_id"));
	assert_null(log_context_use(&request));
	assert_non_null(strstr(written_by(say_without), "\"request_id\":\"abc\",\"message\":\"below\""));
	assert_non_null(strstr(written_by(say_with), "\"session\":\"xyz\""));
	assert_null(strstr(written_by(say_with), "request_id"));
	assert_null(strstr(written_by(say_elsewhere), "request_id"));
	assert_ptr_equal(log_context_use(NULL), &request);
	assert_null(strstr(written_by(say_without), "request_id"));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_context_in_use) };

	log_init("test", LOG_DEBUG);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
