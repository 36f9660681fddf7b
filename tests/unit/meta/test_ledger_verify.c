/* Whoever can write the file can drop the triggers: what such a hand leaves behind is found. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"

#define PEOPLE "1 a@example.org 2 b@example.org"

static void verification_finds(const char *tampering)
{
	CLEANUP(meta_closep) struct meta *aside = meta;
	_free_ char *sql = mem_printf("BEGIN; %s", tampering);
	_free_ char *from = path_of("capture.db"), *to = path_of("copy.db");
	_free_ char *copy = mem_printf("VACUUM INTO '%s'", to);

	/* in a copy, so that each case begins with a sound one */
	assert_int_equal(raw_sql("capture.db", copy), SQLITE_OK);
	meta_closep(&aside);
	_free_ char *kept = path_of("kept.db");

	assert_int_equal(rename(from, kept), 0);
	assert_int_equal(rename(to, from), 0);
	_free_ char *commit = mem_printf("%s; COMMIT", sql);

	assert_int_equal(raw_sql("capture.db", commit), SQLITE_OK);
	assert_ok(meta_open(&meta, &conf, &err));
	if (ledger_faults() == 0)
		fail_msg("not found: %s", tampering);
	meta_closep(&meta);
	assert_int_equal(rename(kept, from), 0);
	assert_ok(meta_open(&meta, &conf, &err));
}

static void verification_finds_tampering(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++)
		put(1, PEOPLE);
	assert_int_equal(ledger_faults(), 0);
	verification_finds("DROP TRIGGER message_no_delete; DELETE FROM message WHERE rowid = 3");
	verification_finds("DROP TRIGGER ledger_record_no_delete; DELETE FROM ledger_record WHERE rowid = 3");
	verification_finds("DROP TRIGGER ledger_record_no_update; UPDATE ledger_record SET leaf = zeroblob(32)"
			   " WHERE rowid = 2");
	verification_finds("DROP TRIGGER ledger_record_no_update; UPDATE ledger_record SET seq = 2 WHERE rowid = 1");
	verification_finds("DROP TRIGGER ledger_record_no_update; UPDATE ledger_record SET daemon = 'x' WHERE rowid = 1");
	verification_finds("DROP TRIGGER ledger_batch_no_delete; DELETE FROM ledger_batch WHERE rowid = 3");
	verification_finds("DROP TRIGGER ledger_batch_no_delete; DELETE FROM ledger_batch WHERE rowid ="
			   " (SELECT max(rowid) FROM ledger_batch)");
	verification_finds("DROP TRIGGER ledger_batch_no_update; UPDATE ledger_batch SET leaf_count = 9 WHERE rowid = 1");
	verification_finds("DROP TRIGGER ledger_batch_no_update; UPDATE ledger_batch SET leaves = zeroblob(32)"
			   " WHERE rowid = 1");
	verification_finds("DROP TRIGGER mailbox_message_no_delete; DELETE FROM mailbox_message WHERE mailbox = 'b@example.org'");
	verification_finds("DROP TRIGGER message_no_update; UPDATE message SET date_us = 2 WHERE rowid = 1");
	verification_finds("INSERT INTO capture_key VALUES (zeroblob(32), zeroblob(16), 0)");
	verification_finds("INSERT INTO outbox VALUES (zeroblob(16), 0)");
	verification_finds("INSERT INTO ledger_record SELECT randomblob(16), daemon, seq, nonce, leaf, record"
			   " FROM ledger_record WHERE rowid = 1");
	assert_int_equal(ledger_faults(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verification_finds_tampering),
	};

	return cmocka_run_group_tests(tests, open_meta, remove_directory);
}
