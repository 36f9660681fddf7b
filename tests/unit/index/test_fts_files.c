/* The file of the embedded index: damaged, missing, rebuilt under others' hands, used by several processes. */
#include "tests/unit/index/fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void add_numbers(struct index *i, unsigned from, unsigned to)
{
	for (unsigned n = from; n < to; n++) {
		_free_ char *body = mem_printf("number%u common", n);

		add_doc(i, (struct index_doc){ .id = numbered(n), .date_us = n * CLOCK_SECOND, .body = body }, NULL);
	}
}

static uint64_t total(struct index *i, const char *query)
{
	struct scope *all = scope_of_all();
	struct index_page page;

	search(i, all, query, 1, NULL, &page);
	uint64_t n = page.total;

	index_page_deinit(&page);
	scope_freep(&all);
	return n;
}

/* The text names the file. Damage is permanent for whoever could rebuild, temporary for searchers. */
static void assert_refused(int rc, const struct err *e, enum err_class class, const char *says)
{
	assert_int_equal(rc, -1);
	assert_int_equal(e->class, class);
	if (!strstr(e->text, "index.db") || !strstr(e->text, says))
		fail_msg("%s", e->text);
}

static int search_once(struct index *i, struct err *e)
{
	struct scope *all = scope_of_all();
	struct query *q = parsed("common");
	struct index_request r = { .query = q, .limit = 10 };
	struct index_page page;
	int rc = index_search(i, all, &r, &page, e);

	index_page_deinit(&page);
	query_freep(&q);
	scope_freep(&all);
	return rc;
}

static int add_once(struct index *i, unsigned n, struct err *e)
{
	struct index_doc doc = { .id = numbered(n), .body = "late common" };

	return index_add(i, &doc, 1, e);
}

static void overwrite(const char *file, off_t from, off_t to)
{
	int fd = open(file, O_WRONLY);

	assert_true(fd >= 0);
	for (off_t at = from; at < to; at += 8)
		assert_int_equal(pwrite(fd, "garbage!", 8, at), 8);
	close(fd);
}

static void remove_logs(const struct fixture *f)
{
	_free_ char *wal = mem_printf("%s-wal", f->file), *shm = mem_printf("%s-shm", f->file);

	unlink(wal);
	unlink(shm);
}

static void rebuild(struct fixture *f, unsigned from, unsigned to)
{
	struct index *fresh;
	struct err e;

	if (rebuild_begin(&fresh, &f->conf, &e))
		fail_msg("%s", e.text);
	add_numbers(fresh, from, to);
	if (index_rebuild_finish(&fresh, &f->conf, &e))
		fail_msg("%s", e.text);
	assert_null(fresh);
}

static void test_a_missing_file(void **state)
{
	struct fixture f;
	struct index *other;
	struct err e;

	(void)state;
	fixture_init(&f);
	add_numbers(f.index, 0, 3);
	unlink(f.file);
	assert_refused(index_open(&other, &f.conf, INDEX_READ, &e), &e, ERR_PERMANENT, "no such file");
	assert_null(other);
	assert_refused(search_once(f.index, &e), &e, ERR_TEMPORARY, "no such file");
	assert_refused(add_once(f.index, 9, &e), &e, ERR_PERMANENT, "no such file");
	assert_refused(index_ready(f.index, &e), &e, ERR_PERMANENT, "no such file");
	rebuild(&f, 0, 5);
	assert_int_equal(total(f.index, "common"), 5);
	assert_int_equal(add_once(f.index, 9, &e), 0);
	assert_int_equal(total(f.index, "common"), 6);
	fixture_deinit(&f);
}

static void test_a_file_that_is_no_index(void **state)
{
	struct fixture f;
	struct index *other;
	struct err e;

	(void)state;
	fixture_init(&f);
	index_closep(&f.index);
	remove_logs(&f);
	overwrite(f.file, 0, 4096);
	assert_refused(index_open(&other, &f.conf, INDEX_WRITE, &e), &e, ERR_PERMANENT, "reindex");
	assert_int_equal(truncate(f.file, 0), 0);
	assert_refused(index_open(&other, &f.conf, INDEX_WRITE, &e), &e, ERR_PERMANENT, "reindex");
	rebuild(&f, 0, 2);
	fixture_open(&f);
	assert_int_equal(total(f.index, "common"), 2);
	fixture_deinit(&f);
}

/* An index that an older or newer Strongroom made is for workerd to rebuild, not for anybody to read. */
static void test_a_file_of_another_version(void **state)
{
	const uint8_t version[4] = { 0, 0, 0, 1 };
	struct fixture f;
	struct index *other;
	struct err e;

	(void)state;
	fixture_init(&f);
	add_numbers(f.index, 0, 3);
	index_closep(&f.index);
	rebuild(&f, 0, 3); /* empties the log */
	int fd = open(f.file, O_WRONLY);

	assert_int_equal(pwrite(fd, version, sizeof(version), 60), sizeof(version)); /* user_version, in SQLite's header */
	close(fd);
	assert_refused(index_open(&other, &f.conf, INDEX_WRITE, &e), &e, ERR_PERMANENT, "not an index of this version");
	assert_refused(index_open(&other, &f.conf, INDEX_READ, &e), &e, ERR_PERMANENT, "reindex");
	rebuild(&f, 0, 5);
	fixture_open(&f);
	assert_int_equal(total(f.index, "common"), 5);
	fixture_deinit(&f);
}

#ifdef STRONGROOM_FAULTS
/* What the next sync says about it can't be trusted. */
static void test_a_failed_sync_is_damage(void **state)
{
	struct fixture f;
	struct err e;

	(void)state;
	fixture_init(&f);
	add_numbers(f.index, 0, 3);
	assert_int_equal(index_sync(f.index, &e), 0);
	assert_false(index_is_damaged(&f.conf));
	setenv("STRONGROOM_FAULT", "index-sync=fail", 1);
	assert_refused(index_sync(f.index, &e), &e, ERR_PERMANENT, "reindex");
	unsetenv("STRONGROOM_FAULT");
	assert_true(index_is_damaged(&f.conf));
	rebuild(&f, 0, 3);
	assert_false(index_is_damaged(&f.conf));
	assert_int_equal(index_sync(f.index, &e), 0);
	fixture_deinit(&f);
}
#endif

/* Nobody but index_sync() moves what was added from the log into the file, and it keeps the log short. */
static void test_sync_keeps_the_log_short(void **state)
{
	struct fixture f;
	struct stat log, file;
	struct err e;

	(void)state;
	fixture_init(&f);
	_free_ char *log_path = mem_printf("%s-wal", f.file);
	_free_ char *body = mem_alloc(60001, 1);

	memset(body, 'x', 60000);
	for (unsigned n = 0; n < 1200; n++) {
		add_doc(f.index, (struct index_doc){ .id = numbered(n), .date_us = n * CLOCK_SECOND, .body = body }, NULL);
		if (n % 100 == 99)
			assert_int_equal(index_sync(f.index, &e), 0);
	}
	assert_int_equal(stat(log_path, &log), 0);
	assert_int_equal(stat(f.file, &file), 0);
	assert_true(log.st_size < 40 * 1024 * 1024); /* 72 MiB were written */
	assert_true(file.st_size > 40 * 1024 * 1024);
	fixture_deinit(&f);
}

/* Damage in the middle shows when it is read: never a crash, never a wrong answer without an error. */
static void test_damage_inside(void **state)
{
	struct fixture f;
	struct index *other;
	struct stat st;
	struct err e;

	(void)state;
	for (off_t page = 1; page < 40; page += 3) {
		fixture_init(&f);
		add_numbers(f.index, 0, 100);
		index_closep(&f.index);
		rebuild(&f, 0, 100); /* empties the log */
		assert_int_equal(stat(f.file, &st), 0);
		if (page * 4096 + 4096 <= st.st_size)
			overwrite(f.file, page * 4096, page * 4096 + 4096);
		if (index_open(&other, &f.conf, INDEX_WRITE, &e) == 0) {
			if (search_once(other, &e))
				assert_refused(-1, &e, ERR_TEMPORARY, "reindex");
			if (add_once(other, 500, &e))
				assert_refused(-1, &e, ERR_PERMANENT, "reindex");
			index_closep(&other);
		} else {
			assert_refused(-1, &e, ERR_PERMANENT, "reindex");
		}
		fixture_deinit(&f);
	}
}

static void test_a_rebuild_takes_the_place_of_the_old(void **state)
{
	struct index *reader, *fresh, *second;
	struct fixture f;
	struct err e;

	(void)state;
	fixture_init(&f);
	assert_int_equal(index_open(&reader, &f.conf, INDEX_READ, &e), 0);
	add_numbers(f.index, 0, 10);
	assert_int_equal(total(reader, "common"), 10);
	assert_int_equal(rebuild_begin(&fresh, &f.conf, &e), 0);
	assert_int_equal(rebuild_begin(&second, &f.conf, &e), -1);
	assert_int_equal(e.class, ERR_TEMPORARY);
	add_numbers(fresh, 5, 20);
	add_numbers(f.index, 30, 33); /* captured meanwhile: into both */
	assert_int_equal(total(reader, "common"), 13);
	assert_int_equal(total(fresh, "common"), 18);
	add_numbers(fresh, 30, 33); /* the rebuild comes by them too */
	if (index_rebuild_finish(&fresh, &f.conf, &e))
		fail_msg("%s", e.text);
	assert_int_equal(total(reader, "common"), 18);
	assert_int_equal(total(f.index, "common"), 18);
	add_numbers(f.index, 40, 42);
	assert_int_equal(total(reader, "common"), 20);
	assert_int_equal(total(reader, "number2"), 0);
	index_closep(&reader);
	fixture_deinit(&f);
}

static void test_an_abandoned_rebuild_leaves_nothing(void **state)
{
	struct index *fresh;
	struct fixture f;
	struct err e;
	DIR *d;

	(void)state;
	fixture_init(&f);
	add_numbers(f.index, 0, 3);
	assert_int_equal(rebuild_begin(&fresh, &f.conf, &e), 0);
	add_numbers(fresh, 0, 1);
	index_rebuild_abandon(&fresh, &f.conf);
	assert_null(fresh);
	assert_int_equal(total(f.index, "common"), 3);
	d = opendir(f.dir);
	for (struct dirent *entry; (entry = readdir(d));)
		assert_null(strstr(entry->d_name, ".new"));
	closedir(d);
	rebuild(&f, 0, 7);
	assert_int_equal(total(f.index, "common"), 7);
	fixture_deinit(&f);
}

/* A rebuild whose process died holds no lock: its file no longer counts, and the next one begins afresh. */
static void test_a_rebuild_that_died(void **state)
{
	struct fixture f;
	struct err e;
	int status;
	pid_t pid;

	(void)state;
	fixture_init(&f);
	pid = fork();
	if (pid == 0) {
		struct index *fresh;

		if (rebuild_begin(&fresh, &f.conf, &e))
			_exit(1);
		add_numbers(fresh, 0, 4);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	add_numbers(f.index, 10, 12);
	assert_int_equal(total(f.index, "common"), 2);
	rebuild(&f, 0, 5);
	assert_int_equal(total(f.index, "common"), 5);
	fixture_deinit(&f);
}

/* ---- several processes ---- */

#define WRITERS 2
#define EACH 150

static pid_t start_writer(const struct conf *conf, unsigned from)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct index *i;
		struct err e;

		if (index_open(&i, conf, INDEX_WRITE, &e))
			_exit(1);
		add_numbers(i, from, from + EACH);
		index_closep(&i);
		_exit(0);
	}
	return pid;
}

/* Writers in two processes, a reader and rebuilds in a third: whatever was added is there at the end, because a rebuild
 * finds in its source (here: it knows) what was added before it began, and what is added later goes into both. */
static void test_rebuilds_while_processes_write(void **state)
{
	pid_t pids[WRITERS];
	struct fixture f;
	struct err e;

	(void)state;
	fixture_init(&f);
	index_closep(&f.index);
	for (unsigned w = 0; w < WRITERS; w++)
		pids[w] = start_writer(&f.conf, 1000 * w);
	fixture_open(&f);
	for (int round = 0; round < 6; round++) {
		struct index *fresh;
		uint64_t before = total(f.index, "common");

		assert_int_equal(rebuild_begin(&fresh, &f.conf, &e), 0);
		for (unsigned w = 0; w < WRITERS; w++)
			for (unsigned n = 1000 * w; n < 1000 * w + EACH; n++) {
				_free_ char *known = mem_printf("number%u", n);

				if (total(f.index, known))
					add_numbers(fresh, n, n + 1);
			}
		if (index_rebuild_finish(&fresh, &f.conf, &e))
			fail_msg("%s", e.text);
		assert_true(total(f.index, "common") >= before);
	}
	for (unsigned w = 0; w < WRITERS; w++) {
		int status;

		assert_int_equal(waitpid(pids[w], &status, 0), pids[w]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	assert_int_equal(total(f.index, "common"), WRITERS * EACH);
	fixture_deinit(&f);
}

/* What was added is there after the process was killed, synced or not. */
static void test_added_survives_its_process(void **state)
{
	struct fixture f;
	int status, ready[2];
	char byte;
	pid_t pid;

	(void)state;
	fixture_init(&f);
	index_closep(&f.index);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		fixture_open(&f);
		add_numbers(f.index, 0, 20);
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(ready[0]);
	close(ready[1]);
	fixture_open(&f);
	assert_int_equal(total(f.index, "common"), 20);
	fixture_deinit(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_missing_file),
		cmocka_unit_test(test_a_file_that_is_no_index),
		cmocka_unit_test(test_a_file_of_another_version),
		cmocka_unit_test(test_sync_keeps_the_log_short),
#ifdef STRONGROOM_FAULTS
		cmocka_unit_test(test_a_failed_sync_is_damage),
#endif
		cmocka_unit_test(test_damage_inside),
		cmocka_unit_test(test_a_rebuild_takes_the_place_of_the_old),
		cmocka_unit_test(test_an_abandoned_rebuild_leaves_nothing),
		cmocka_unit_test(test_a_rebuild_that_died),
		cmocka_unit_test(test_rebuilds_while_processes_write),
		cmocka_unit_test(test_added_survives_its_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
