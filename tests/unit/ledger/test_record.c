/* The record's bytes are what is proved for years: one value has one encoding, and decoding takes nothing else. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/hex.h"
#include "ledger/record.h"

#include <string.h>

static struct ledger_record sample(void)
{
	struct ledger_record r = {
		.kind = CAPTURE_LMTP,
		.capture_point = (char *)(uintptr_t)"lmtp",
		.daemon = (char *)(uintptr_t)"lmtpd@mx1",
		.daemon_seq = 42,
		.received_us = INT64_C(1790000000123456),
		.clock_state = 1,
		.content_length = 4711,
		.locator = { .key = (char *)(uintptr_t)"m/ab/2026/11/22/x.eml", .length = 4711 },
		.lock_mode = (char *)(uintptr_t)"file",
		.retain_until_us = INT64_C(2010000000123456),
		.policy_version = (char *)(uintptr_t)"lock_days=2557",
	};

	memset(r.archive_id.bytes, 0x11, UUID_SIZE);
	memset(r.content_sha256, 0x22, SHA256_SIZE);
	memset(r.envelope_hash, 0x33, SHA256_SIZE);
	memset(r.object_sha256, 0x44, SHA256_SIZE);
	return r;
}

static struct buf encoded(void)
{
	struct buf b = BUF_INIT(LEDGER_RECORD_MAX);
	struct ledger_record r = sample();

	assert_int_equal(ledger_record_encode(&b, &r), 0);
	return b;
}

static void test_round_trip(void **state)
{
	(void)state;
	CLEANUP(buf_deinit) struct buf b = encoded();
	struct ledger_record r;

	assert_int_equal(ledger_record_decode(&r, b.data, b.len), 0);
	assert_string_equal(r.daemon, "lmtpd@mx1");
	assert_string_equal(r.capture_point, "lmtp");
	assert_string_equal(r.locator.key, "m/ab/2026/11/22/x.eml");
	assert_string_equal(r.locator.bucket, "");
	assert_string_equal(r.policy_version, "lock_days=2557");
	assert_int_equal(r.daemon_seq, 42);
	assert_int_equal(r.received_us, INT64_C(1790000000123456));
	assert_int_equal(r.kind, CAPTURE_LMTP);
	assert_int_equal(r.object_sha256[31], 0x44);
	ledger_record_deinit(&r);
}

/* The encoding of version 1, for ever: when this test fails, old records no longer verify. */
static void test_bytes_are_fixed(void **state)
{
	(void)state;
	CLEANUP(buf_deinit) struct buf b = encoded();
	uint8_t digest[SHA256_SIZE], nonce[LEDGER_NONCE_SIZE] = { 7 };
	char hex[SHA256_TEXT_SIZE];

	assert_int_equal(b.len, 259);
	assert_memory_equal(b.data, "\x01\x00\x00\x00\x10\x11\x11", 7);
	sha256_of(b.data, b.len, digest);
	hex_encode(hex, digest, SHA256_SIZE);
	assert_string_equal(hex, "26a2e442120817a5ee8d9272e0f06fb275e5010dfc20e25b00e9a544d9c0bb96");
	ledger_leaf(digest, nonce, b.data, b.len);
	hex_encode(hex, digest, SHA256_SIZE);
	assert_string_equal(hex, "768668104b19a6cd3f6ede43af28547dc6db80175459c0937f4f1d9c2b51b52d");
}

static void test_every_cut_and_addition_is_refused(void **state)
{
	(void)state;
	CLEANUP(buf_deinit) struct buf b = encoded();
	struct ledger_record r;

	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(ledger_record_decode(&r, b.data, n), -1);
	assert_int_equal(buf_add_char(&b, 'x'), 0);
	assert_int_equal(ledger_record_decode(&r, b.data, b.len), -1);
}

static void test_other_version_is_refused(void **state)
{
	(void)state;
	CLEANUP(buf_deinit) struct buf b = encoded();
	struct ledger_record r;

	b.data[0] = 2;
	assert_int_equal(ledger_record_decode(&r, b.data, b.len), -1);
}

/* A NUL inside a string would make two encodings of what reads as one value. */
static void test_nul_in_a_string_is_refused(void **state)
{
	(void)state;
	CLEANUP(buf_deinit) struct buf b = encoded();
	struct ledger_record r;
	char *at = memmem(b.data, b.len, "lmtpd@mx1", 9);

	assert_non_null(at);
	at[5] = '\0';
	assert_int_equal(ledger_record_decode(&r, b.data, b.len), -1);
}

static void test_nonces_differ_and_hide(void **state)
{
	(void)state;
	uint8_t a[LEDGER_NONCE_SIZE], b[LEDGER_NONCE_SIZE], leaf_a[SHA256_SIZE], leaf_b[SHA256_SIZE];

	ledger_nonce(a);
	ledger_nonce(b);
	assert_memory_not_equal(a, b, sizeof(a));
	ledger_leaf(leaf_a, a, "x", 1);
	ledger_leaf(leaf_b, b, "x", 1);
	assert_memory_not_equal(leaf_a, leaf_b, sizeof(leaf_a));
}

static void test_maximum_is_kept(void **state)
{
	(void)state;
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(100);
	struct ledger_record r = sample();

	assert_int_equal(ledger_record_encode(&b, &r), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_bytes_are_fixed),
		cmocka_unit_test(test_every_cut_and_addition_is_refused),
		cmocka_unit_test(test_other_version_is_refused),
		cmocka_unit_test(test_nul_in_a_string_is_refused),
		cmocka_unit_test(test_nonces_differ_and_hide),
		cmocka_unit_test(test_maximum_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
