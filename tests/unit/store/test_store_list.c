/* store_list: what was put is listed, within its range and nowhere else; a store that is gone is not an empty one. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "tests/unit/store/private_store.c"

#include <string.h>
#include <unistd.h>

#define DAY_US (86400 * CLOCK_SECOND)
#define NOON (INT64_C(1790000000) / 86400 * 86400 * CLOCK_SECOND + DAY_US / 2)

/* The id of a time, with this last byte; nth of its time. */
static struct uuid at(int64_t us, uint8_t nth, uint8_t spread)
{
	struct uuid id = { { 0 } };
	uint64_t ms = (uint64_t)(us / 1000);

	for (int i = 5; i >= 0; i--, ms >>= 8)
		id.bytes[i] = (uint8_t)ms;
	id.bytes[6] = 0x70;
	id.bytes[8] = 0x80;
	id.bytes[14] = nth;
	id.bytes[15] = spread;
	return id;
}

static void put(const struct uuid *id, const char *text)
{
	CLEANUP(locator_deinit) struct locator where = { 0 };
	uint8_t sha256[SHA256_SIZE];
	struct err e;

	sha256_of(text, strlen(text), sha256);
	const struct store_object o = { .id = *id, .data = text, .length = strlen(text), .sha256 = sha256 };

	assert_int_equal(store_put(store, &o, &where, &e), 0);
}

struct found {
	size_t n;
	struct uuid ids[8];
	uint64_t lengths[8];
};

static int take(void *ctx, const struct store_listed *object)
{
	struct found *f = ctx;

	_free_ char *key = store_key(&object->id);

	assert_string_equal(object->where->key, key);
	assert_string_equal(object->where->version, "");
	assert_true(object->modified_us > clock_now_us() - 3600 * CLOCK_SECOND);
	assert_true(f->n < ARRAY_LEN(f->ids));
	f->ids[f->n] = object->id;
	f->lengths[f->n++] = object->where->length;
	return 0;
}

static struct found list(int64_t from_us, int64_t until_us, uint8_t spread)
{
	const struct store_range range = { at(from_us, 0, 0), at(until_us, 0, 0), spread };
	struct found f = { 0 };
	struct err e;

	assert_int_equal(store_list(store, &range, take, &f, &e), 0);
	return f;
}

static void test_range(void **state)
{
	(void)state;
	const struct uuid first = at(NOON, 1, 7), second = at(NOON + CLOCK_SECOND, 1, 7), other = at(NOON, 1, 8),
		tomorrow = at(NOON + DAY_US, 1, 7);

	put(&first, "one");
	put(&second, "three");
	put(&other, "another part");
	put(&tomorrow, "tomorrow");
	assert_int_equal(list(NOON - DAY_US / 2, NOON + DAY_US / 2, 7).n, 2);
	struct found f = list(NOON - DAY_US / 2, NOON + CLOCK_SECOND, 7); /* the end does not belong to it */

	assert_int_equal(f.n, 1);
	assert_memory_equal(&f.ids[0], &first, sizeof(first));
	assert_int_equal(f.lengths[0], 3);
	f = list(NOON + CLOCK_SECOND, NOON + 2 * CLOCK_SECOND, 7); /* the beginning does */
	assert_int_equal(f.n, 1);
	assert_memory_equal(&f.ids[0], &second, sizeof(second));
	assert_int_equal(list(NOON, NOON + CLOCK_SECOND, 9).n, 0);
	assert_int_equal(list(NOON - 9 * DAY_US, NOON - 8 * DAY_US, 7).n, 0);
}

static void test_other_files(void **state)
{
	(void)state;
	const struct uuid id = at(NOON - 20 * DAY_US, 1, 7);

	put(&id, "x");
	_free_ char *key = store_key(&id);
	_free_ char *dir = mem_dup(key, (size_t)(strrchr(key, '/') - key));
	_free_ char *alien = mem_printf("%s/store/%s/notes.eml", top, dir);
	_free_ char *link = mem_printf("%s/store/%.*s8.eml", top, (int)(strlen(key) - strlen("8.eml")), key);
	FILE *f = fopen(alien, "w");

	assert_non_null(f);
	fclose(f);
	assert_int_equal(symlink("/etc/passwd", link), 0);
	assert_int_equal(list(NOON - 20 * DAY_US, NOON - 20 * DAY_US + CLOCK_SECOND, 7).n, 1);
}

static int give_up(void *ctx, const struct store_listed *object)
{
	(void)ctx, (void)object;
	return -1;
}

static void test_failures(void **state)
{
	(void)state;
	const struct uuid id = at(NOON - 40 * DAY_US, 1, 7);
	const struct store_range range = { at(NOON - 40 * DAY_US, 0, 0), at(NOON - 39 * DAY_US, 0, 0), 7 },
				 empty = { at(NOON - 41 * DAY_US, 0, 0), at(NOON - 40 * DAY_US, 0, 0), 7 };
	_free_ char *messages = mem_printf("%s/store/m", top), *aside = mem_printf("%s/store/aside", top);
	struct err e;

	put(&id, "x");
	assert_int_equal(store_list(store, &range, give_up, NULL, &e), -1);
	assert_int_equal(rename(messages, aside), 0);
	assert_int_equal(store_list(store, &empty, give_up, NULL, &e), -1);
	assert_int_equal(e.class, ERR_TEMPORARY);
	assert_int_equal(rename(aside, messages), 0);
	assert_int_equal(store_list(store, &empty, give_up, NULL, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_other_files),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
