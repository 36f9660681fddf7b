/* store_fs: in which order things are made durable. This program's own fsync(), linkat(), unlinkat() and mkdirat() stand in for those
 * of the C library and keep a journal: killing a process shows nothing of what a power failure would take. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "sys/io.h"
#include "tests/unit/store/private_store.c"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum deed { WROTE, SYNCED, LINKED, UNLINKED, MADE_DIRECTORY };

/* ino is the file's, or for MADE_DIRECTORY, LINKED and UNLINKED the directory's that got or lost an entry. */
static struct {
	enum deed deed;
	ino_t ino;
} journal[256];
static size_t entries;

static ino_t inode(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

static void note(enum deed deed, ino_t ino)
{
	assert_true(entries < ARRAY_LEN(journal));
	journal[entries].deed = deed;
	journal[entries++].ino = ino;
}

int fsync(int fd)
{
	note(SYNCED, inode(fd));
	return (int)syscall(SYS_fsync, fd);
}

ssize_t write(int fd, const void *data, size_t n)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		note(WROTE, st.st_ino);
	return syscall(SYS_write, fd, data, n);
}

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	note(LINKED, inode(to_dir));
	return (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
}

int unlinkat(int dir, const char *name, int flags)
{
	note(UNLINKED, inode(dir));
	return (int)syscall(SYS_unlinkat, dir, name, flags);
}

int mkdirat(int dir, const char *path, mode_t mode)
{
	int rc = (int)syscall(SYS_mkdirat, dir, path, mode);

	if (rc == 0)
		note(MADE_DIRECTORY, inode(dir));
	return rc;
}

/* The first deed of this kind on this inode at or after `from`; entries when there is none. */
static size_t find(enum deed deed, ino_t ino, size_t from)
{
	while (from < entries && (journal[from].deed != deed || (ino && journal[from].ino != ino)))
		from++;
	return from;
}

/* ---- the store ---- */

static void put(struct uuid id)
{
	CLEANUP(locator_deinit) struct locator where = { 0 };
	uint8_t sha256[SHA256_SIZE] = { 0 };
	struct store_object o = { .id = id, .data = "x", .length = 1, .sha256 = sha256 };
	struct err e;

	entries = 0;
	if (store_put(store, &o, &where, &e))
		fail_msg("%s", e.text);
}

static struct uuid id_in(uint8_t spread)
{
	struct uuid id = uuid_new(clock_now_us());

	id.bytes[UUID_SIZE - 1] = spread;
	return id;
}

/* ---- tests ---- */

static void test_bytes_before_name_before_answer(void **state)
{
	(void)state;
	put(id_in(1));
	put(id_in(1)); /* its directory is there by now */
	size_t wrote = find(WROTE, 0, 0);

	assert_true(wrote < entries);
	size_t synced = find(SYNCED, journal[wrote].ino, wrote + 1);
	size_t linked = find(LINKED, 0, 0);

	assert_true(synced < linked);
	assert_true(linked < entries);
	assert_true(find(SYNCED, journal[linked].ino, linked + 1) < entries);
	assert_int_equal(find(WROTE, 0, linked), entries); /* nothing is written to what has its name */
}

static void test_new_directories_are_durable_in_their_parents(void **state)
{
	(void)state;
	put(id_in(2));
	size_t linked = find(LINKED, 0, 0);
	int made = 0;

	for (size_t i = 0; i < entries; i++) {
		if (journal[i].deed != MADE_DIRECTORY)
			continue;
		made++;
		assert_true(find(SYNCED, journal[i].ino, i + 1) < linked);
	}
	assert_int_equal(made, 4); /* 02, year, month, day */
}

/* A process that was killed may have made them and got no further. */
static void test_directories_that_others_made_are_durable_too(void **state)
{
	(void)state;
	struct err e;
	struct stat parent;
	struct uuid id = id_in(4);
	_free_ char *key = store_key(&id), *day = mem_printf("%s/store/%s", top, key);

	*strrchr(day, '/') = '\0';
	assert_int_equal(io_mkdirs(AT_FDCWD, day, 0750, &e), 0);
	put(id);
	size_t linked = find(LINKED, 0, 0);

	for (int i = 0; i < 4; i++) {
		*strrchr(day, '/') = '\0';
		assert_int_equal(stat(day, &parent), 0);
		assert_true(find(SYNCED, parent.st_ino, 0) < linked);
	}
}

static void test_what_was_found_is_durable(void **state)
{
	(void)state;
	CLEANUP(locator_deinit) struct locator where = { 0 };
	struct uuid id = id_in(3);
	struct err e;

	put(id);
	ino_t directory = journal[find(LINKED, 0, 0)].ino;

	entries = 0;
	assert_int_equal(store_find(store, &id, &where, &e), 1);
	assert_true(find(SYNCED, directory, 0) < entries);
}

/* Also when it was another process that removed it, and died. */
static void test_what_was_removed_is_gone_for_good(void **state)
{
	CLEANUP(locator_deinit) struct locator where = { 0 };
	struct uuid id = id_in(5);
	struct err e;

	(void)state;
	put(id);
	assert_int_equal(store_find(store, &id, &where, &e), 1);
	entries = 0;
	assert_int_equal(store_remove(store, &where, &e), 0);
	size_t unlinked = find(UNLINKED, 0, 0);

	assert_true(unlinked < entries);
	assert_true(find(SYNCED, journal[unlinked].ino, unlinked + 1) < entries);
	ino_t directory = journal[unlinked].ino;

	entries = 0;
	assert_int_equal(store_remove(store, &where, &e), 0);
	assert_true(find(SYNCED, directory, 0) < entries);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_before_name_before_answer),
		cmocka_unit_test(test_new_directories_are_durable_in_their_parents),
		cmocka_unit_test(test_directories_that_others_made_are_durable_too),
		cmocka_unit_test(test_what_was_found_is_durable),
		cmocka_unit_test(test_what_was_removed_is_gone_for_good),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
