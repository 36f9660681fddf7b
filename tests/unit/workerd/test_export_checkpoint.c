/* export_checkpoint, export_place: what was saved is read back, or nothing is; and of several only one is at a place. */
#include "tests/unit/workerd/fixture.h"

#include "base/log.h"
#include "sys/io.h"
#include "workerd/export_checkpoint.h"

#include <sys/stat.h>

static struct uuid id;

static int set_up(void **state)
{
	(void)state;
	log_set_level(LOG_FATAL);
	id = uuid_new(clock_now_us());
	return private_dir_make();
}

static int tear_down(void **state)
{
	(void)state;
	return private_dir_remove();
}

static bool is_there(uint64_t epoch)
{
	char text[UUID_TEXT_SIZE];
	_free_ char *path = mem_printf("%s/exports/%s-%llu", top, uuid_format(text, &id), (unsigned long long)epoch);

	return access(path, F_OK) == 0;
}

static struct export_place *make(uint64_t epoch)
{
	struct export_place *p = NULL;

	must(export_place_make(&p, top, &id, epoch, &e));
	assert_int_equal(p->epoch, epoch);
	return p;
}

static void write_one(const struct export_place *p, uint64_t done)
{
	CLEANUP(export_checkpoint_deinit)
	struct export_checkpoint c = { .id = id, .key = mem_strdup("x/1"), .scope = mem_strdup("{}"),
		.progress = { 10, true, done, 2, 3 }, .coverage = { 4, 5 }, .list = BUF_INIT(100), .write = BUF_INIT(100) };

	assert_int_equal(buf_add_str(&c.write, "some state"), 0);
	must(export_checkpoint_write(p, &c, &e));
}

static void what_was_written_is_read(void **state)
{
	CLEANUP(export_place_leavep) struct export_place *p = make(1);
	CLEANUP(export_checkpoint_deinit) struct export_checkpoint c = { 0 };

	(void)state;
	assert_int_equal(export_checkpoint_read(p, &c, &e), 0);
	write_one(p, 6);
	write_one(p, 7);
	assert_int_equal(export_checkpoint_read(p, &c, &e), 1);
	assert_memory_equal(&c.id, &id, sizeof(id));
	assert_string_equal(c.key, "x/1");
	assert_string_equal(c.scope, "{}");
	assert_int_equal(c.progress.total, 10);
	assert_true(c.progress.total_known);
	assert_int_equal(c.progress.done, 7);
	assert_int_equal(c.progress.missing, 2);
	assert_int_equal(c.progress.size, 3);
	assert_int_equal(c.coverage.in_scope, 4);
	assert_int_equal(c.coverage.not_indexed, 5);
	assert_int_equal(c.list.len, 0);
	assert_string_equal(c.write.data, "some state");
}

/* Each byte altered, and cut at each. */
static void what_is_damaged_is_refused(void **state)
{
	CLEANUP(export_place_leavep) struct export_place *p = make(1);
	CLEANUP(buf_deinit) struct buf whole = BUF_INIT(100000);
	_free_ char *path = mem_printf("%s/checkpoint", p->dir);
	struct export_checkpoint c = { 0 };

	(void)state;
	write_one(p, 1);
	must(io_read_file(&whole, path, 100000, &e));
	for (size_t i = 0; i < whole.len; i++) {
		whole.data[i] ^= 1;
		must(io_replace_file(path, whole.data, whole.len, 0600, &e));
		assert_int_equal(export_checkpoint_read(p, &c, &e), -1);
		assert_int_equal(e.class, ERR_PERMANENT);
		whole.data[i] ^= 1;
		must(io_replace_file(path, whole.data, i, 0600, &e));
		assert_int_equal(export_checkpoint_read(p, &c, &e), -1);
		assert_int_equal(e.class, ERR_PERMANENT);
	}
}

/* The last one that nobody else is at. */
static void one_at_a_time(void **state)
{
	struct export_place *first = make(1), *second = make(3), *third = NULL;

	(void)state;
	assert_int_equal(export_place_find(&third, top, &id, &e), 0);
	assert_int_equal(export_place_make(&third, top, &id, 3, &e), -1);
	export_place_leavep(&first);
	assert_int_equal(export_place_find(&first, top, &id, &e), 1);
	assert_int_equal(first->epoch, 1);
	export_place_leavep(&first);
	export_place_leavep(&second);
	assert_int_equal(export_place_find(&second, top, &id, &e), 1);
	assert_int_equal(second->epoch, 3);
	write_one(second, 1);
	export_place_removep(&second);
	assert_null(second);
	assert_false(is_there(3));
	assert_true(is_there(1));
}

static int wants(void *answer, const struct uuid *of, struct err *unused)
{
	(void)unused;
	assert_memory_equal(of, &id, sizeof(id));
	return *(int *)answer;
}

static void nobody_needs_it(void **state)
{
	struct export_place *held = make(1), *left = make(2);
	int wanted = 1;

	(void)state;
	export_place_leavep(&left);
	must(export_places_sweep(top, wants, &wanted, &e));
	assert_true(is_there(2));
	wanted = -1;
	assert_int_equal(export_places_sweep(top, wants, &wanted, &e), -1);
	wanted = 0;
	must(export_places_sweep(top, wants, &wanted, &e));
	assert_false(is_there(2));
	assert_true(is_there(1));
	export_place_removep(&held);
	must(export_places_sweep("/nowhere/at/all", wants, &wanted, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_written_is_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_damaged_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_at_a_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nobody_needs_it, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
