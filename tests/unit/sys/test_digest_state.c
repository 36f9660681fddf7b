/* digest_state: a computation that is written down anywhere and gone on with gives the digest of the whole. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "sys/digest_state.h"

#include <string.h>

#define LENGTH 300

static void go_on(struct sha256_state **h)
{
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(1000);

	assert_int_equal(sha256_state_pack(*h, &b), 0);
	sha256_state_freep(h);
	*h = sha256_state_new();
	struct unpack u = UNPACK_INIT(b.data, b.len);

	assert_int_equal(sha256_state_unpack(*h, &u), 0);
	assert_int_equal(unpack_end(&u), 0);
}

/* At every byte of some blocks, and once more at the end. */
static void goes_on_anywhere(void **state)
{
	uint8_t data[LENGTH], expected[SHA256_SIZE], digest[SHA256_SIZE];

	(void)state;
	for (size_t i = 0; i < LENGTH; i++)
		data[i] = (uint8_t)(i * 7);
	sha256_of(data, LENGTH, expected);
	for (size_t at = 0; at <= LENGTH; at++) {
		CLEANUP(sha256_state_freep) struct sha256_state *h = sha256_state_new();

		sha256_state_add(h, data, at);
		go_on(&h);
		sha256_state_add(h, data + at, LENGTH - at);
		go_on(&h);
		sha256_state_finish(h, digest);
		assert_memory_equal(digest, expected, SHA256_SIZE);
	}
}

/* Cut anywhere, or with more bytes of a block than there can be. */
static void refuses_what_is_no_state(void **state)
{
	CLEANUP(sha256_state_freep) struct sha256_state *h = sha256_state_new();
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(1000);

	(void)state;
	sha256_state_add(h, "abc", 3);
	assert_int_equal(sha256_state_pack(h, &b), 0);
	for (size_t n = 0; n < b.len; n++) {
		struct unpack u = UNPACK_INIT(b.data, n);

		assert_int_equal(sha256_state_unpack(h, &u), -1);
	}
	char block[64] = { 0 };

	b.len -= 3 + 4;
	assert_int_equal(pack_bytes(&b, block, sizeof(block)), 0);
	struct unpack u = UNPACK_INIT(b.data, b.len);

	assert_int_equal(sha256_state_unpack(h, &u), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_on_anywhere),
		cmocka_unit_test(refuses_what_is_no_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
