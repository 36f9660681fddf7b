#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "lmtpd/data.h"

#include <stdbool.h>
#include <string.h>

#define TEXT_MAX 512

struct result {
	char text[TEXT_MAX];
	size_t n, used;
	bool ended;
};

/* Feeds one piece as the session does. */
static void feed(struct data *d, const char *in, size_t n, struct result *r)
{
	size_t used = 0;

	while (used < n && d->state != DATA_END) {
		const char *piece;
		size_t length;

		used += data_next(d, in + used, n - used, &piece, &length);
		memcpy(r->text + r->n, piece, length);
		r->n += length;
	}
	r->used += used;
	r->ended = d->state == DATA_END;
}

static struct result decode(const char *in, size_t n, size_t split)
{
	struct data d = DATA_INIT;
	struct result r = { .n = 0 };

	feed(&d, in, split, &r);
	if (!r.ended)
		feed(&d, in + split, n - split, &r);
	return r;
}

#define BYTES(s) s, sizeof(s) - 1

static const struct {
	const char *wire;
	size_t wire_n;
	const char *message;
	size_t message_n;
} whole[] = {
	{ BYTES(".\r\n"), BYTES("") },
	{ BYTES("\r\n.\r\n"), BYTES("\r\n") },
	{ BYTES("a\r\n.\r\n"), BYTES("a\r\n") },
	{ BYTES("..\r\n.\r\n"), BYTES(".\r\n") },
	{ BYTES("...\r\n.\r\n"), BYTES("..\r\n") },
	{ BYTES(".a\r\n.\r\n"), BYTES("a\r\n") },
	{ BYTES("a.\r\n.\r\n"), BYTES("a.\r\n") },
	{ BYTES("..\r\n..\r\n..\r\n.\r\n"), BYTES(".\r\n.\r\n.\r\n") },
	{ BYTES("\r\n\r\n\r\n.\r\n"), BYTES("\r\n\r\n\r\n") },
	/* none of these ends a message */
	{ BYTES("a\n.\n\r\n.\r\n"), BYTES("a\n.\n\r\n") },
	{ BYTES("a\n.\r\n\r\n.\r\n"), BYTES("a\n.\r\n\r\n") },
	{ BYTES("a\r.\r\r\n.\r\n"), BYTES("a\r.\r\r\n") },
	{ BYTES("a\r.\r\n.\r\n"), BYTES("a\r.\r\n") },
	{ BYTES("a\r\n.\n.\r\n\r\n.\r\n"), BYTES("a\r\n\n.\r\n\r\n") },
	{ BYTES("a\r\n.\rb\r\n.\r\n"), BYTES("a\r\n\rb\r\n") },
	{ BYTES("a\r\n.\r\r\n.\r\n"), BYTES("a\r\n\r\r\n") },
	{ BYTES("a\r\n\0.\r\n.\r\n"), BYTES("a\r\n\0.\r\n") },
	{ BYTES("a\r\n.\0\r\n.\r\n"), BYTES("a\r\n\0\r\n") },
	/* bare line ends and other bytes are kept */
	{ BYTES("\r\r\n\n\r\0\n\xff\r\n.\r\n"), BYTES("\r\r\n\n\r\0\n\xff\r\n") },
	{ BYTES("\n\r\n.\r\n"), BYTES("\n\r\n") },
};

/* Whatever the packets: at every place where the wire can be cut in two. */
static void test_unstuffs_exactly_however_it_is_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		for (size_t split = 0; split <= whole[i].wire_n; split++) {
			struct result r = decode(whole[i].wire, whole[i].wire_n, split);

			assert_true(r.ended);
			assert_int_equal(r.used, whole[i].wire_n);
			assert_int_equal(r.n, whole[i].message_n);
			assert_memory_equal(r.text, whole[i].message, r.n);
		}
	}
}

static void test_stops_behind_the_final_dot(void **state)
{
	const char wire[] = "a\r\n.\r\nRSET\r\n.\r\n";

	(void)state;
	for (size_t split = 0; split <= sizeof(wire) - 1; split++) {
		struct result r = decode(wire, sizeof(wire) - 1, split);

		assert_true(r.ended);
		assert_int_equal(r.used, 6);
		assert_int_equal(r.n, 3);
	}
}

static void test_byte_by_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		struct data d = DATA_INIT;
		struct result r = { .n = 0 };

		for (size_t at = 0; at < whole[i].wire_n; at++)
			feed(&d, whole[i].wire + at, 1, &r);
		assert_true(r.ended);
		assert_int_equal(r.n, whole[i].message_n);
		assert_memory_equal(r.text, whole[i].message, r.n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unstuffs_exactly_however_it_is_cut),
		cmocka_unit_test(test_stops_behind_the_final_dot),
		cmocka_unit_test(test_byte_by_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
