/* Several processes on one database: each waits for the others, and one that is killed takes nothing along. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#define GROUPS 60
#define KILLS 12

/* A daemon of its own: commits `groups` messages, telling each id once it is durable. Never returns. */
static _Noreturn void write_messages(const char *daemon, int groups, int tell)
{
	struct meta *own;
	struct err e;

	if (meta_open(&own, &conf, &e))
		_exit(2);
	for (int i = 0; i < groups; i++) {
		struct uuid id = uuid_new(clock_now_us());

		if (put_as(own, daemon, &id, 1, "1 a@example.org 2 b@example.org", &e)) {
			fprintf(stderr, "%s\n", e.text);
			_exit(3);
		}
		if (tell >= 0 && write(tell, &id, sizeof(id)) != (ssize_t)sizeof(id))
			_exit(4);
	}
	meta_closep(&own);
	_exit(0);
}

static void two_processes_write_at_once(void **state)
{
	pid_t children[2];
	int status;

	(void)state;
	for (int i = 0; i < 2; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i] == 0)
			write_messages(i ? "milter@test" : "lmtpd@test", GROUPS, -1);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	assert_ok(meta_open(&meta, &conf, &err));
	assert_int_equal(message_count(), 2 * GROUPS);
	assert_int_equal(ledger_faults(), 0);
	meta_closep(&meta);
}

/* The ids that a child told before it was killed: soon after its start, or after it told one, however slow the machine is. */
static size_t told_before_the_kill(struct uuid *ids, size_t max, bool at_work)
{
	int pipe_fds[2];
	size_t n = 0;

	assert_int_equal(pipe(pipe_fds), 0);
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		write_messages("lmtpd@test", 1000000, pipe_fds[1]);
	close(pipe_fds[1]);
	if (at_work)
		assert_int_equal(poll(&(struct pollfd){ .fd = pipe_fds[0], .events = POLLIN }, 1, -1), 1);
	usleep((useconds_t)(2000 + rand() % 60000));
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	while (n < max && read(pipe_fds[0], &ids[n], sizeof(*ids)) == (ssize_t)sizeof(*ids))
		n++;
	close(pipe_fds[0]);
	return n;
}

static void what_was_told_survives_a_kill(void **state)
{
	static struct uuid ids[4096];
	size_t told = 0;

	(void)state;
	srand(1);
	for (int i = 0; i < KILLS; i++) {
		size_t n = told_before_the_kill(ids, ARRAY_LEN(ids), i % 2);

		assert_ok(meta_open(&meta, &conf, &err));
		for (size_t at = 0; at < n; at++) {
			struct message_row r = { 0 };

			assert_int_equal(meta_message_load(meta, &ids[at], &r, &err), 1);
			message_row_deinit(&r);
		}
		assert_int_equal(ledger_faults(), 0);
		meta_closep(&meta);
		told += n;
	}
	print_message("%zu messages were told\n", told);
	assert_true(told > 0);
}

static int migrate(void **state)
{
	return make_directory(state) || meta_migrate(&conf, &err) ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_processes_write_at_once),
		cmocka_unit_test(what_was_told_survives_a_kill),
	};

	return cmocka_run_group_tests(tests, migrate, remove_directory);
}
