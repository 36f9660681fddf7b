/* What a killed process left unsynced is synced before anybody relies on it, and no failed fsync is survived. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "fixture.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define PEOPLE "1 a@example.org 2 b@example.org"

/* ---- the system calls, watched ---- */

static int log_syncs; /* of capture.db-wal */
static bool log_fails;

static bool is_log(int fd)
{
	char link[40], path[256];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof(path) - 1);

	path[n > 0 ? n : 0] = '\0';
	return strstr(path, "/capture.db-wal") != NULL;
}

static int watched(int fd, long call)
{
	if (is_log(fd)) {
		log_syncs++;
		if (log_fails) {
			errno = EIO;
			return -1;
		}
	}
	return (int)syscall(call, fd);
}

int fsync(int fd)
{
	return watched(fd, SYS_fsync);
}

int fdatasync(int fd)
{
	return watched(fd, SYS_fdatasync);
}

/* ---- */

static int wait_for(pid_t child)
{
	int status;

	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void what_a_killed_process_left_is_synced(void **state)
{
	(void)state;
	meta_closep(&meta);
	pid_t child = fork();

	if (child == 0) {
		struct uuid id = uuid_new(clock_now_us());

		_exit(meta_open(&meta, &conf, &err) || put_as(meta, "lmtpd@test", &id, 1, PEOPLE, &err));
	}
	assert_int_equal(wait_for(child), 0);
	log_syncs = 0;
	assert_ok(meta_open(&meta, &conf, &err));
	assert_int_equal(log_syncs, 1);
	assert_int_equal(message_count(), 1);
}

/* More than the cache holds: the log is begun, and its beginning synced, long before the commit. */
static void insert_much(void)
{
	struct meta_capture *t;
	uint8_t leaf[SHA256_SIZE];

	if (meta_open(&meta, &conf, &err) || meta_capture_begin(meta, &t, &err))
		_exit(10);
	log_fails = true;
	for (int i = 0; i < 100; i++) {
		struct uuid id = uuid_new(clock_now_us());
		CLEANUP(message_row_deinit) struct message_row r = make_row(&id, 1, PEOPLE);

		free(r.evidence);
		r.evidence = mem_alloc(200001, 1);
		memset(r.evidence, 'x', 200000);
		if (add_row_to(t, &r, leaf, &err))
			_exit(11);
	}
	_exit(12);
}

static void a_failed_sync_within_a_transaction_ends_the_process(void **state)
{
	(void)state;
	meta_closep(&meta);
	pid_t child = fork();

	if (child == 0)
		insert_much();
	int status = wait_for(child);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 70); /* of log_fatal() */
	assert_ok(meta_open(&meta, &conf, &err));
	assert_int_equal(message_count(), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_killed_process_left_is_synced),
		cmocka_unit_test(a_failed_sync_within_a_transaction_ends_the_process),
	};

	log_set_level(LOG_FATAL);
	return cmocka_run_group_tests(tests, open_meta, remove_directory);
}
