/* A later fact has one encoding, which nobody can take for that of a capture. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "ledger/fact.h"
#include "ledger/record.h"

#include <string.h>

static struct buf encoded(void)
{
	struct buf b = BUF_INIT(LEDGER_FACT_MAX);
	struct ledger_fact f = {
		.kind = LEDGER_FACT_EXTENDED,
		.daemon = (char *)(uintptr_t)"workerd@mx1",
		.daemon_seq = 3,
		.at_us = INT64_C(1790000000123456),
		.clock_state = 2,
		.retain_until_us = INT64_C(2010000000123456),
		.policy_version = (char *)(uintptr_t)"lock_days=3650 policy=x/2",
	};

	memset(f.archive_id.bytes, 0x11, UUID_SIZE);
	assert_int_equal(ledger_fact_encode(&b, &f), 0);
	return b;
}

static void test_round_trip(void **state)
{
	(void)state;
	CLEANUP(buf_deinit) struct buf b = encoded();
	struct ledger_fact f;

	assert_int_equal(ledger_fact_decode(&f, b.data, b.len), 0);
	assert_int_equal(f.archive_id.bytes[15], 0x11);
	assert_int_equal(f.kind, LEDGER_FACT_EXTENDED);
	assert_string_equal(f.daemon, "workerd@mx1");
	assert_int_equal(f.daemon_seq, 3);
	assert_int_equal(f.at_us, INT64_C(1790000000123456));
	assert_int_equal(f.clock_state, 2);
	assert_int_equal(f.cause.bytes[0], 0);
	assert_int_equal(f.retain_until_us, INT64_C(2010000000123456));
	assert_string_equal(f.policy_version, "lock_days=3650 policy=x/2");
	ledger_fact_deinit(&f);
}

static void test_nothing_else_is_taken(void **state)
{
	(void)state;
	CLEANUP(buf_deinit) struct buf b = encoded();
	struct ledger_record record;
	struct ledger_fact f;

	assert_int_equal(ledger_record_decode(&record, b.data, b.len), -1);
	for (size_t n = 0; n < b.len; n++)
		assert_int_equal(ledger_fact_decode(&f, b.data, n), -1);
	assert_int_equal(buf_add(&b, "", 1), 0);
	assert_int_equal(ledger_fact_decode(&f, b.data, b.len), -1);
	b.len--;
	b.data[b.len - 1] = '\0'; /* a NUL within the last string */
	assert_int_equal(ledger_fact_decode(&f, b.data, b.len), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_nothing_else_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
