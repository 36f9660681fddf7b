/* The write-ahead log goes into its database while the process goes on, not only when it ends. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

#define ROW_BYTES 1000000
#define MIB (1024 * 1024)

static void put_large(void)
{
	struct uuid id = uuid_new(clock_now_us());
	CLEANUP(message_row_deinit) struct message_row r = make_row(&id, 1, "1 a@example.org");
	struct meta_capture *t;
	uint8_t leaf[SHA256_SIZE];
	uint64_t seq;

	free(r.evidence);
	r.evidence = mem_alloc(ROW_BYTES + 1, 1);
	memset(r.evidence, 'x', ROW_BYTES);
	assert_ok(meta_capture_last_seq(meta, "lmtpd@test", &seq, &err));
	assert_ok(meta_capture_begin(meta, &t, &err));
	assert_ok(add_row_to(t, &r, leaf, &err));
	assert_ok(meta_capture_batch(t, "lmtpd@test", seq + 1, 1, leaf, 1, &err));
	assert_ok(meta_capture_commit(&t, &err));
}

static off_t size_of(const char *file)
{
	_free_ char *path = path_of(file);
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static void the_log_goes_into_the_file(void **state)
{
	(void)state;
	for (int i = 0; i < 40; i++)
		put_large();
	for (int i = 0; i < 600 && size_of("capture.db") < 20 * MIB; i++)
		usleep(100000);
	assert_true(size_of("capture.db") > 20 * MIB);
	assert_int_equal(message_count(), 40);
}

/* Who moves pages has the lock of the log: SQLite's own guard is not enough (sql_sqlite_checkpoint.c). */
static void one_process_at_a_time_moves_pages(void **state)
{
	_free_ char *log = path_of("capture.db-wal");
	const struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	(void)state;
	reopen_meta();
	put_large();
	int fd = open(log, O_RDWR | O_CLOEXEC);
	off_t before = size_of("capture.db");

	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &whole), 0);
	for (int i = 0; i < 70; i++) {
		put_large();
		assert_int_equal(size_of("capture.db"), before);
	}
	close(fd);
	put_large();
	for (int i = 0; i < 600 && size_of("capture.db") < before + 20 * MIB; i++)
		usleep(100000);
	assert_true(size_of("capture.db") > before + 20 * MIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_log_goes_into_the_file),
		cmocka_unit_test(one_process_at_a_time_moves_pages),
	};

	return cmocka_run_group_tests(tests, open_meta, remove_directory);
}
