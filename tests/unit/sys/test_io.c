#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "sys/io.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64];

static char *in_dir(const char *name)
{
	return mem_printf("%s/%s", dir, name);
}

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_io.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int remove_dir(void **state)
{
	(void)state;
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void test_reads_whole_files_up_to_a_limit(void **state)
{
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(0);
	_free_ char *path = in_dir("file"), *missing = in_dir("missing"), *empty = in_dir("empty");
	struct err e;

	(void)state;
	assert_int_equal(io_replace_file(path, "0123456789", 10, 0640, &e), 0);
	assert_int_equal(io_read_file(&b, path, 10, &e), 0);
	assert_int_equal(b.len, 10);
	assert_string_equal(b.data, "0123456789");
	assert_int_equal(io_read_file(&b, path, 9, &e), -1);
	assert_int_equal(e.class, ERR_PERMANENT);
	assert_int_equal(io_replace_file(empty, "", 0, 0600, &e), 0);
	assert_int_equal(io_read_file(&b, empty, 0, &e), 0);
	assert_int_equal(b.len, 0);
	assert_string_equal(b.data, "");
	assert_int_equal(io_read_file(&b, missing, 10, &e), -1);
	assert_non_null(strstr(e.text, "missing) failed: No such file"));
}

static void test_replace_leaves_nothing_else(void **state)
{
	_free_ char *path = in_dir("file"), *below = in_dir("file/x"), *blocked = in_dir("blocked");
	_free_ char *inside = in_dir("blocked/inside");
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(0);
	struct stat st;
	struct err e;

	(void)state;
	assert_int_equal(io_replace_file(path, "old", 3, 0600, &e), 0);
	assert_int_equal(io_replace_file(path, "new", 3, 0644, &e), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(io_read_file(&b, path, 100, &e), 0);
	assert_string_equal(b.data, "new");
	assert_int_equal(io_replace_file(below, "x", 1, 0600, &e), -1);
	/* a rename that fails takes its temporary file along: only the directory is left to
	 * remove */
	assert_int_equal(mkdir(blocked, 0700), 0);
	assert_int_equal(mkdir(inside, 0700), 0);
	assert_int_equal(io_replace_file(inside, "x", 1, 0600, &e), -1);
	assert_int_equal(rmdir(inside), 0);
	assert_int_equal(rmdir(blocked), 0);
}

static void *make_deep(void *arg)
{
	struct err e;

	return io_mkdirs(*(int *)arg, "a/b/c/d", 0700, &e) ? arg : NULL;
}

static void test_mkdirs_from_many_threads(void **state)
{
	_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY);
	pthread_t threads[8];
	struct stat st;
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, make_deep, &fd), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		void *failed;

		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	assert_int_equal(fstatat(fd, "a/b/c/d", &st, 0), 0);
	assert_int_equal(io_mkdirs(fd, "a/b//c/", 0700, &e), 0);
	_close_ int file = openat(fd, "a/file", O_CREAT | O_WRONLY, 0600);

	assert_true(file >= 0);
	assert_int_equal(io_mkdirs(fd, "a/file/x", 0700, &e), -1);
}

static void test_read_exact_tells_the_ends_apart(void **state)
{
	char data[4];
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(io_write_all(p[1], "123456", 6), 0);
	close(p[1]);
	assert_int_equal(io_read_exact(p[0], data, 4), 1);
	assert_int_equal(io_read_exact(p[0], data, 4), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(io_read_exact(p[0], data, 4), 0);
	close(p[0]);
}

static void test_sends_a_descriptor(void **state)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec piece = { &byte, 1 };
	struct msghdr m = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = control,
		.msg_controllen = sizeof(control) };
	int pair[2], p[2], got;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(pipe(p), 0);
	assert_int_equal(io_send_fd(pair[0], "x", 1, p[1]), 0);
	assert_int_equal(recvmsg(pair[1], &m, 0), 1);
	memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(got));
	assert_int_equal(io_write_all(got, "y", 1), 0);
	assert_int_equal(io_read_exact(p[0], &byte, 1), 1);
	assert_int_equal(byte, 'y');
	close(got);
	close(p[0]);
	close(p[1]);
	close(pair[0]);
	close(pair[1]);
}

/* A pipe can't be synced: as good a failure as a broken disk. */
static void test_failed_fsync_ends_the_process(void **state)
{
	int p[2], status;

	(void)state;
	assert_int_equal(pipe(p), 0);
	pid_t child = fork();

	if (child == 0) {
		close(STDERR_FILENO);
		io_fsync_or_die(p[1], "pipe");
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 70);
	close(p[0]);
	close(p[1]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_reads_whole_files_up_to_a_limit),
		TEST(test_replace_leaves_nothing_else),
		TEST(test_mkdirs_from_many_threads),
		cmocka_unit_test(test_read_exact_tells_the_ends_apart),
		cmocka_unit_test(test_sends_a_descriptor),
		cmocka_unit_test(test_failed_fsync_ends_the_process),
	};

	log_init("test_io", LOG_FATAL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
