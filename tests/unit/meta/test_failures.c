/* What can happen to the files of a database, and what becomes of a transaction then. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define PEOPLE "1 a@example.org 2 b@example.org"

static void migrating_again_changes_nothing(void **state)
{
	static const char dump[] = "SELECT count(*) + (SELECT max(applied_us) FROM schema_version) FROM sqlite_master";
	int64_t capture = raw_number("capture.db", dump), control = raw_number("control.db", dump);

	(void)state;
	assert_true(capture > 0 && control > 0);
	assert_ok(meta_migrate(&conf, &err));
	assert_int_equal(raw_number("capture.db", dump), capture);
	assert_int_equal(raw_number("control.db", dump), control);
	assert_ok(meta_ready(meta, &err));
}

static void a_newer_schema_is_refused(void **state)
{
	struct meta *other = NULL;

	(void)state;
	assert_int_equal(raw_sql("control.db", "INSERT INTO schema_version VALUES (99, 0)"),
		SQLITE_OK);
	assert_refused(meta_open(&other, &conf, &err), ERR_PERMANENT, "version 99");
	assert_refused(meta_migrate(&conf, &err), ERR_PERMANENT, "newer program");
	assert_int_equal(raw_sql("control.db", "DELETE FROM schema_version WHERE version = 99"),
		SQLITE_OK);
	assert_ok(meta_open(&other, &conf, &err));
	meta_closep(&other);
}

static void a_missing_database_names_the_remedy(void **state)
{
	_free_ char *url = mem_printf("sqlite:%s/nowhere", directory),
		*empty = mem_printf("sqlite:%s/empty", directory);
	_free_ char *place = path_of("empty"), *file = path_of("empty/capture.db");
	struct conf elsewhere = { .meta = url };
	struct meta *other = NULL;

	(void)state;
	assert_refused(meta_open(&other, &elsewhere, &err), ERR_PERMANENT, "strongroom init");
	elsewhere.meta = empty;
	assert_int_equal(mkdir(place, 0700), 0);
	assert_int_equal(close(open(file, O_CREAT | O_WRONLY, 0600)), 0);
	assert_refused(meta_open(&other, &elsewhere, &err), ERR_PERMANENT, "strongroom init");
	elsewhere.meta = (char *)"postgres:db";
	assert_refused(meta_open(&other, &elsewhere, &err), ERR_PERMANENT, "sqlite:");
	assert_int_equal(unlink(file), 0);
	assert_int_equal(rmdir(place), 0);
}

/* Another process that holds the write lock costs a bounded wait and nothing else; readers don't notice. */
static void a_locked_database_is_temporary(void **state)
{
	_free_ char *path = path_of("capture.db");
	struct uuid id = uuid_new(clock_now_us());
	sqlite3 *db;
	uint64_t before = message_count();

	(void)state;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_refused(put_as(meta, "lmtpd@test", &id, 1, PEOPLE, &err), ERR_TEMPORARY, "locked");
	assert_non_null(strstr(err.text, "capture.db"));
	assert_int_equal(message_count(), before);
	assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_ok(put_as(meta, "lmtpd@test", &id, 1, PEOPLE, &err));
	assert_int_equal(message_count(), before + 1);
}

static void limit_files_to(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A file size limit is to SQLite what a quota or a full disk is. */
static void a_full_disk_is_temporary(void **state)
{
	struct uuid id = uuid_new(clock_now_us()), found;
	_free_ char *wal = path_of("capture.db-wal");
	struct stat st;
	uint8_t key[SHA256_SIZE];

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	put(1, PEOPLE);
	assert_int_equal(stat(wal, &st), 0);
	uint64_t before = message_count();

	for (rlim_t room = 0; room < 20000; room += 3000) {
		limit_files_to((rlim_t)st.st_size + room);
		assert_refused(put_as(meta, "lmtpd@test", &id, 1, PEOPLE, &err), ERR_TEMPORARY,
			"no space");
		limit_files_to(RLIM_INFINITY);
		key_of(&id, key);
		assert_int_equal(meta_capture_find(meta, key, &found, &err), 0);
		assert_int_equal(message_count(), before);
	}
	assert_ok(put_as(meta, "lmtpd@test", &id, 1, PEOPLE, &err));
	reopen_meta();
	assert_int_equal(message_count(), before + 1);
	assert_int_equal(ledger_faults(), 0);
}

/* Writes past the cache spill into the log in the middle of a transaction; SQLite may end it there by itself. */
static void a_disk_that_fills_within_a_transaction_is_temporary(void **state)
{
	_free_ char *wal = path_of("capture.db-wal");
	struct meta_capture *t;
	struct stat st;
	uint8_t leaf[SHA256_SIZE];
	uint64_t before = message_count();
	int failed = 0;

	(void)state;
	put(1, PEOPLE);
	assert_int_equal(stat(wal, &st), 0);
	limit_files_to((rlim_t)st.st_size);
	assert_ok(meta_capture_begin(meta, &t, &err));
	for (int i = 0; i < 200 && !failed; i++) {
		struct uuid id = uuid_new(clock_now_us());
		CLEANUP(message_row_deinit) struct message_row r = make_row(&id, 1, PEOPLE);

		free(r.evidence);
		r.evidence = mem_alloc(200001, 1);
		memset(r.evidence, 'x', 200000);
		failed = add_row_to(t, &r, leaf, &err);
	}
	assert_int_equal(failed, -1);
	assert_int_equal(err.class, ERR_TEMPORARY);
	struct uuid id = uuid_new(clock_now_us());
	CLEANUP(message_row_deinit) struct message_row r = make_row(&id, 1, PEOPLE);

	assert_int_equal(add_row_to(t, &r, leaf, &err), -1); /* nothing goes in one by one behind it */
	assert_int_equal(meta_capture_commit(&t, &err), -1);
	limit_files_to(RLIM_INFINITY);
	assert_int_equal(message_count(), before + 1);
	put(1, PEOPLE);
	assert_int_equal(ledger_faults(), 0);
}

struct findings {
	int faults, sound;
};

static void note_finding(void *ctx, const char *finding, const char *remedy)
{
	struct findings *f = ctx;

	print_message("%s: %s\n", finding, remedy ? remedy : "-");
	f->faults += remedy != NULL;
	f->sound += remedy == NULL;
}

static struct findings check(void)
{
	struct findings f = { 0 };

	assert_ok(meta_check(meta, note_finding, &f, &err));
	return f;
}

static void overwrite(const char *file, long at, size_t n)
{
	_free_ char *path = path_of(file);
	FILE *f = fopen(path, "r+b");

	assert_non_null(f);
	assert_int_equal(fseek(f, at, SEEK_SET), 0);
	for (size_t i = 0; i < n; i++)
		fputc('U', f);
	assert_int_equal(fclose(f), 0);
}

static void damage_is_found(void **state)
{
	struct meta *other = NULL;

	(void)state;
	for (int i = 0; i < 50; i++)
		put(1, PEOPLE);
	struct findings f = check();

	assert_int_equal(f.faults, 0);
	assert_int_equal(f.sound, 2);
	meta_closep(&meta); /* the log goes into the file */
	_free_ char *root = mem_printf("SELECT (rootpage - 1) * 4096 FROM sqlite_master WHERE name = 'participant'");

	overwrite("capture.db", raw_number("capture.db", root), 4096);
	assert_ok(meta_open(&meta, &conf, &err));
	f = check();
	assert_true(f.faults > 0);
	meta_closep(&meta);
	overwrite("capture.db", 0, 100);
	assert_refused(meta_open(&other, &conf, &err), ERR_PERMANENT, "damaged");
}

static void a_dropped_trigger_is_found(void **state)
{
	(void)state;
	assert_int_equal(raw_sql("capture.db", "DROP TRIGGER message_no_update"), SQLITE_OK);
	struct findings f = check();

	assert_int_equal(f.faults, 1);
	assert_int_equal(raw_sql("capture.db",
		"CREATE TRIGGER message_no_update BEFORE UPDATE ON message BEGIN SELECT 1;"
					       " END"),
		SQLITE_OK);
	f = check();
	assert_int_equal(f.faults, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(migrating_again_changes_nothing),
		cmocka_unit_test(a_newer_schema_is_refused),
		cmocka_unit_test(a_missing_database_names_the_remedy),
		cmocka_unit_test(a_locked_database_is_temporary),
		cmocka_unit_test(a_full_disk_is_temporary),
		cmocka_unit_test(a_disk_that_fills_within_a_transaction_is_temporary),
		cmocka_unit_test(damage_is_found),
	};
	const struct CMUnitTest schema_tests[] = {
		cmocka_unit_test(a_dropped_trigger_is_found),
	};
	int failed = cmocka_run_group_tests(tests, open_meta, remove_directory);

	return failed + cmocka_run_group_tests(schema_tests, open_meta, remove_directory);
}
