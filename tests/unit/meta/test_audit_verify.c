/* Whoever can write the file can drop the triggers: what such a hand leaves behind in the audit is found, in every field. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"
#include "meta/audit.h"

static struct uuid write_one(const char *reason, const char *mailboxes)
{
	struct strv set CLEANUP(strv_deinit) = { 0 };
	uint8_t digest[SHA256_SIZE] = { 5 };
	struct audit_intent intent = { .id = uuid_new(clock_now_us()), .at_us = clock_now_us(), .account_id = 3, .actor = "alice",
		.strength = "password+totp", .action = "read.content", .object = "x", .detail = "{\"query\":\"x\"}",
		.client = "192.0.2.1:5", .request_id = "r", .reason = reason, .case_ref = "17", .mailboxes = &set };
	struct audit_outcome outcome = { .at_us = clock_now_us(), .result = "allowed", .status = 200, .count = 3,
		.digest = digest };

	strv_split(&set, mailboxes, " ");
	assert_ok(meta_audit_intent(meta, &intent, &err));
	assert_ok(meta_audit_outcome(meta, &intent.id, &outcome, &err));
	return intent.id;
}

static struct meta_audit_count verified(void)
{
	struct meta_audit_count count;

	assert_ok(meta_audit_verify(meta, count_fault, NULL, &count, &err));
	return count;
}

static void all_adds_up(void **state)
{
	(void)state;
	meta_audit_as(meta, "queryd@test");
	write_one("because", "b@example.org a@example.org b@example.org");
	write_one(NULL, "");
	write_one("because", "a@example.org b@example.org"); /* the same set */
	assert_int_equal(verified().faults, 0);
	assert_int_equal(verified().records, 6);
	assert_int_equal(verified().before, 0);
	assert_int_equal(raw_number("control.db", "SELECT count(*) FROM audit_mailbox"), 2);
	assert_int_equal(raw_number("control.db", "SELECT count(DISTINCT mailboxes) FROM audit_intent"), 1);
	assert_int_equal(raw_number("control.db", "SELECT sum(leaf_count) FROM audit_batch WHERE daemon = 'queryd@test'"), 6);
}

/* In a copy, so that each case begins with a sound one. */
static void verification_finds(const char *tampering)
{
	_free_ char *from = path_of("control.db"), *to = path_of("copy.db"), *kept = path_of("kept.db");
	_free_ char *copy = mem_printf("VACUUM INTO '%s'", to);
	_free_ char *sql = mem_printf("BEGIN; %s; COMMIT", tampering);

	assert_int_equal(raw_sql("control.db", copy), SQLITE_OK);
	meta_closep(&meta);
	assert_int_equal(rename(from, kept), 0);
	assert_int_equal(rename(to, from), 0);
	assert_int_equal(raw_sql("control.db", sql), SQLITE_OK);
	assert_ok(meta_open(&meta, &conf, &err));
	if (verified().faults == 0)
		fail_msg("not found: %s", tampering);
	meta_closep(&meta);
	assert_int_equal(rename(kept, from), 0);
	assert_ok(meta_open(&meta, &conf, &err));
}

/* The field of the second row gets another value. */
static void finds_change(const char *table, const char *column, const char *value)
{
	_free_ char *sql = mem_printf("DROP TRIGGER %s_no_update; UPDATE %s SET %s = %s"
		" WHERE rowid = (SELECT max(rowid) FROM %s)", table, table, column, value, table);

	verification_finds(sql);
}

static void every_field_is_guarded(void **state)
{
	static const struct {
		const char *table, *column, *value;
	} changes[] = {
		{ "audit_intent", "at_us", "at_us + 1" },
		{ "audit_intent", "account_id", "0" },
		{ "audit_intent", "actor", "'bob'" },
		{ "audit_intent", "actor", "NULL" },
		{ "audit_intent", "strength", "'none'" },
		{ "audit_intent", "action", "'search'" },
		{ "audit_intent", "object", "'y'" },
		{ "audit_intent", "detail", "'{}'" },
		{ "audit_intent", "client", "'local'" },
		{ "audit_intent", "request_id", "'s'" },
		{ "audit_intent", "reason", "'another'" },
		{ "audit_intent", "case_ref", "NULL" },
		{ "audit_intent", "mailboxes", "NULL" },
		{ "audit_intent", "mailboxes", "zeroblob(32)" },
		{ "audit_outcome", "at_us", "0" },
		{ "audit_outcome", "result", "'refused'" },
		{ "audit_outcome", "status", "403" },
		{ "audit_outcome", "item_count", "0" },
		{ "audit_outcome", "digest", "NULL" },
		{ "audit_outcome", "digest", "zeroblob(32)" },
		{ "audit_record", "daemon", "'x'" },
		{ "audit_record", "seq", "seq + 9" },
		{ "audit_record", "intent_id", "zeroblob(16)" },
		{ "audit_record", "kind", "7" },
		{ "audit_record", "nonce", "zeroblob(32)" },
		{ "audit_record", "leaf", "zeroblob(32)" },
		{ "audit_record", "record", "x'01'" },
		{ "audit_batch", "daemon", "'x'" },
		{ "audit_batch", "first_seq", "first_seq + 1" },
		{ "audit_batch", "leaf_count", "leaf_count + 1" },
		{ "audit_batch", "leaves", "zeroblob(length(leaves))" },
	};

	(void)state;
	write_one("because", "c@example.org");
	assert_int_equal(verified().faults, 0);
	for (size_t i = 0; i < ARRAY_LEN(changes); i++)
		finds_change(changes[i].table, changes[i].column, changes[i].value);
	verification_finds("DROP TRIGGER audit_mailbox_no_update; UPDATE audit_mailbox SET mailbox = 'd@example.org'"
			   " WHERE mailbox = 'c@example.org'");
	verification_finds("DROP TRIGGER audit_mailbox_no_delete; DELETE FROM audit_mailbox WHERE mailbox = 'a@example.org'");
	verification_finds("DROP TRIGGER audit_mailbox_no_delete; DELETE FROM audit_mailbox WHERE mailbox = 'c@example.org'");
}

static void what_is_missing_is_missed(void **state)
{
	(void)state;
	verification_finds("DROP TRIGGER audit_outcome_no_delete; DELETE FROM audit_outcome WHERE rowid = 2");
	verification_finds("DROP TRIGGER audit_outcome_no_delete; DROP TRIGGER audit_intent_no_delete; PRAGMA foreign_keys = OFF;"
			   " DELETE FROM audit_outcome WHERE rowid = 2; DELETE FROM audit_intent WHERE rowid = 2");
	verification_finds("DROP TRIGGER audit_record_no_delete; DELETE FROM audit_record WHERE rowid = 2");
	verification_finds("DROP TRIGGER audit_batch_no_delete; DELETE FROM audit_batch WHERE rowid = 2");
	verification_finds("DROP TRIGGER audit_batch_no_delete; DELETE FROM audit_batch WHERE rowid = (SELECT max(rowid) FROM"
			   " audit_batch)");
	/* everything of one entry, which leaves a hole */
	verification_finds("DROP TRIGGER audit_record_no_delete; DROP TRIGGER audit_outcome_no_delete;"
			   " DROP TRIGGER audit_intent_no_delete; DROP TRIGGER audit_batch_no_delete;"
			   " CREATE TEMP TABLE x AS SELECT id FROM audit_intent WHERE rowid = 2;"
			   " DELETE FROM audit_batch WHERE first_seq IN (SELECT seq FROM audit_record WHERE intent_id IN x);"
			   " DELETE FROM audit_record WHERE intent_id IN x; DELETE FROM audit_outcome WHERE intent_id IN x;"
			   " DELETE FROM audit_intent WHERE id IN x");
	/* what was made up, as if it were from before there were records */
	verification_finds("INSERT INTO audit_intent SELECT randomblob(16), at_us, account_id, actor, strength, action, object,"
			   " detail, client, request_id, reason, case_ref, mailboxes FROM audit_intent WHERE rowid = 1");
	verification_finds("INSERT INTO audit_before VALUES (zeroblob(16))");
	assert_int_equal(verified().faults, 0);
}

/* Who finds its place taken goes on with a sequence of its own. */
static void processes_may_share_a_name(void **state)
{
	struct meta *mine = meta, *other = NULL;

	(void)state;
	assert_ok(meta_open(&other, &conf, &err));
	meta_audit_as(other, "queryd@test");
	meta_audit_as(meta, "queryd@test");
	for (int i = 0; i < 6; i++) {
		meta = i % 2 ? mine : other;
		write_one(NULL, "*");
	}
	meta = mine;
	meta_closep(&other);
	assert_int_equal(verified().faults, 0);
	assert_int_equal(raw_number("control.db", "SELECT count(DISTINCT daemon) FROM audit_batch WHERE daemon LIKE 'queryd@test%'"),
		2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_adds_up),
		cmocka_unit_test(every_field_is_guarded),
		cmocka_unit_test(what_is_missing_is_missed),
		cmocka_unit_test(processes_may_share_a_name),
	};

	return cmocka_run_group_tests(tests, open_meta, remove_directory);
}
