/* The audit's records are proved for years as well: one value has one encoding, and decoding takes nothing else. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/hex.h"
#include "ledger/audit_record.h"

#include <string.h>

#define TEXT(literal) ((char *)(uintptr_t)(literal))

static struct ledger_audit_record intent(void)
{
	struct ledger_audit_record r = {
		.kind = LEDGER_AUDIT_INTENT,
		.daemon = TEXT("queryd@mx1"),
		.seq = 42,
		.at_us = INT64_C(1790000000123456),
		.account_id = 7,
		.actor = TEXT("alice"),
		.strength = TEXT("password+totp"),
		.action = TEXT("search"),
		.detail = TEXT("{\"query\":\"x\"}"),
		.reason = TEXT("complaint 4711"),
		.case_ref = TEXT("2026-17"),
		.client = TEXT("192.0.2.1:5"),
		.request_id = TEXT("r-1"),
		.has_mailboxes = true,
	};

	memset(r.id.bytes, 0x11, UUID_SIZE);
	memset(r.mailboxes, 0x22, SHA256_SIZE);
	return r;
}

static struct ledger_audit_record outcome(void)
{
	struct ledger_audit_record r = {
		.kind = LEDGER_AUDIT_OUTCOME,
		.daemon = TEXT("queryd@mx1"),
		.seq = 43,
		.at_us = INT64_C(1790000000123999),
		.result = TEXT("allowed"),
		.status = 200,
		.count = 9,
		.has_digest = true,
	};

	memset(r.id.bytes, 0x11, UUID_SIZE);
	memset(r.digest, 0x33, SHA256_SIZE);
	return r;
}

static struct buf encoded(const struct ledger_audit_record *r)
{
	struct buf b = BUF_INIT(LEDGER_AUDIT_MAX);

	assert_int_equal(ledger_audit_encode(&b, r), 0);
	return b;
}

static void an_intent_comes_back(void **state)
{
	struct ledger_audit_record r = intent(), back;
	struct buf b CLEANUP(buf_deinit) = encoded(&r);

	(void)state;
	assert_int_equal(ledger_audit_decode(&back, b.data, b.len), 0);
	assert_int_equal(back.kind, LEDGER_AUDIT_INTENT);
	assert_string_equal(back.daemon, "queryd@mx1");
	assert_int_equal(back.seq, 42);
	assert_int_equal(back.account_id, 7);
	assert_string_equal(back.actor, "alice");
	assert_string_equal(back.object, "");
	assert_string_equal(back.reason, "complaint 4711");
	assert_string_equal(back.case_ref, "2026-17");
	assert_string_equal(back.request_id, "r-1");
	assert_true(back.has_mailboxes);
	assert_memory_equal(back.mailboxes, r.mailboxes, SHA256_SIZE);
	ledger_audit_deinit(&back);
}

static void an_outcome_comes_back(void **state)
{
	struct ledger_audit_record r = outcome(), back;
	struct buf b CLEANUP(buf_deinit) = encoded(&r);

	(void)state;
	assert_int_equal(ledger_audit_decode(&back, b.data, b.len), 0);
	assert_int_equal(back.kind, LEDGER_AUDIT_OUTCOME);
	assert_string_equal(back.result, "allowed");
	assert_int_equal(back.status, 200);
	assert_int_equal(back.count, 9);
	assert_true(back.has_digest);
	assert_null(back.actor);
	ledger_audit_deinit(&back);
	r.has_digest = false;
	buf_reset(&b);
	assert_int_equal(ledger_audit_encode(&b, &r), 0);
	assert_int_equal(ledger_audit_decode(&back, b.data, b.len), 0);
	assert_false(back.has_digest);
	ledger_audit_deinit(&back);
}

static void is_digest(const struct buf *b, const char *expected)
{
	uint8_t digest[SHA256_SIZE];
	char hex[SHA256_TEXT_SIZE];

	sha256_of(b->data, b->len, digest);
	hex_encode(hex, digest, SHA256_SIZE);
	assert_string_equal(hex, expected);
}

/* The encoding of version 1, for ever: when this test fails, old records no longer verify. */
static void the_bytes_are_fixed(void **state)
{
	struct ledger_audit_record i = intent(), o = outcome();
	struct buf a CLEANUP(buf_deinit) = encoded(&i), b CLEANUP(buf_deinit) = encoded(&o);
	uint8_t leaf[SHA256_SIZE], nonce[LEDGER_NONCE_SIZE] = { 7 };
	struct strv mailboxes CLEANUP(strv_deinit) = { 0 };
	struct buf digests CLEANUP(buf_deinit) = BUF_INIT(SHA256_SIZE);

	(void)state;
	assert_memory_equal(a.data, "\x01\x01\x00\x00\x00\x0aqueryd@mx1", 16);
	is_digest(&a, "a65bb95e2649b3c0fe7ba7ce7677bd7941cdedf015e8df827a5753494a9825d7");
	is_digest(&b, "803033264a9e5cb679efbdffb7a0975a757dcca9d6122d7f86666524c821b03b");
	ledger_audit_leaf(leaf, nonce, a.data, a.len);
	assert_int_equal(buf_add(&digests, leaf, SHA256_SIZE), 0);
	is_digest(&digests, "4006dc20c55cd80ab3cffe6311910fa3983ca8bf287e7dcbabea208d4fa9df7e");
	strv_add(&mailboxes, "a@example.org");
	strv_add(&mailboxes, "b@example.org");
	ledger_mailboxes(leaf, &mailboxes);
	buf_reset(&digests);
	assert_int_equal(buf_add(&digests, leaf, SHA256_SIZE), 0);
	is_digest(&digests, "96ac62c9833f76ed56929341f75c09affe59860593b46fddc735353b15127658");
}

static void nothing_else_is_taken(const struct ledger_audit_record *r)
{
	struct buf b CLEANUP(buf_deinit) = encoded(r);
	struct ledger_audit_record back;

	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(ledger_audit_decode(&back, b.data, n), -1);
	b.data[1] = 3; /* no such kind */
	assert_int_equal(ledger_audit_decode(&back, b.data, b.len), -1);
	b.data[1] = (char)r->kind;
	b.data[0] = 2; /* no such version */
	assert_int_equal(ledger_audit_decode(&back, b.data, b.len), -1);
	b.data[0] = LEDGER_AUDIT_VERSION;
	b.data[6] = '\0'; /* inside of the daemon's name */
	assert_int_equal(ledger_audit_decode(&back, b.data, b.len), -1);
	b.data[6] = 'q';
	assert_int_equal(buf_add_char(&b, 'x'), 0);
	assert_int_equal(ledger_audit_decode(&back, b.data, b.len), -1);
}

static void only_its_own_bytes_are_taken(void **state)
{
	struct ledger_audit_record i = intent(), o = outcome();

	(void)state;
	nothing_else_is_taken(&i);
	nothing_else_is_taken(&o);
}

/* Two lists must not give the same digest by where their names are cut. */
static void sets_differ(void **state)
{
	struct strv one CLEANUP(strv_deinit) = { 0 }, two CLEANUP(strv_deinit) = { 0 };
	uint8_t a[SHA256_SIZE], b[SHA256_SIZE];

	(void)state;
	strv_add(&one, "ab");
	strv_add(&one, "c");
	strv_add(&two, "a");
	strv_add(&two, "bc");
	ledger_mailboxes(a, &one);
	ledger_mailboxes(b, &two);
	assert_memory_not_equal(a, b, SHA256_SIZE);
}

/* A leaf of the one log must never be one of the other. */
static void the_logs_are_apart(void **state)
{
	uint8_t nonce[LEDGER_NONCE_SIZE] = { 1 }, a[SHA256_SIZE], b[SHA256_SIZE];

	(void)state;
	ledger_leaf(a, nonce, "x", 1);
	ledger_audit_leaf(b, nonce, "x", 1);
	assert_memory_not_equal(a, b, SHA256_SIZE);
}

static void the_maximum_is_kept(void **state)
{
	struct buf b CLEANUP(buf_deinit) = BUF_INIT(100);
	struct ledger_audit_record r = intent();

	(void)state;
	assert_int_equal(ledger_audit_encode(&b, &r), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_intent_comes_back),
		cmocka_unit_test(an_outcome_comes_back),
		cmocka_unit_test(the_bytes_are_fixed),
		cmocka_unit_test(only_its_own_bytes_are_taken),
		cmocka_unit_test(sets_differ),
		cmocka_unit_test(the_logs_are_apart),
		cmocka_unit_test(the_maximum_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
