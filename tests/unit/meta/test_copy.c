/* Taking over another archive's database: batches whole and in order, keys, moved objects, and what stays out. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"

#include "meta/audit.h"
#include "meta/copy.h"
#include "meta/identity.h"
#include "meta/service.h"

#define PEOPLE "1 a@example.org 2 b@example.org 3 a@example.org"

static void batches_come_in_order_with_their_messages(void **state)
{
	struct uuid first = uuid_new(clock_now_us()), second = uuid_new(clock_now_us());
	CLEANUP(strv_deinit) struct strv daemons = { 0 };
	CLEANUP(meta_batch_deinit) struct meta_batch b = { 0 };

	(void)state;
	assert_ok(put_as(meta, "a@test", &second, 2, PEOPLE, &err)); /* the later id first: order is the sequence's */
	assert_ok(put_as(meta, "a@test", &first, 1, PEOPLE, &err));
	assert_ok(meta_copy_daemons(meta, &daemons, &err));
	assert_true(strv_has(&daemons, "a@test"));
	assert_int_equal(meta_copy_batch(meta, "a@test", 0, &b, &err), 1);
	assert_int_equal(b.first_seq, 1);
	assert_int_equal(b.count, 1);
	assert_int_equal(b.committed_us, 2);
	assert_memory_equal(&b.ids[0], &second, sizeof(second));
	meta_batch_deinit(&b);
	assert_int_equal(meta_copy_batch(meta, "a@test", 1, &b, &err), 1);
	assert_memory_equal(&b.ids[0], &first, sizeof(first));
	meta_batch_deinit(&b);
	assert_int_equal(meta_copy_batch(meta, "a@test", 2, &b, &err), 0);
	assert_int_equal(meta_copy_batch(meta, "nobody@test", 0, &b, &err), 0);
}

static void a_key_that_can_not_be_made_again_is_searched(void **state)
{
	struct uuid id = put(1000, "1 a\xef\xbf\xbd@example.org 2 b@example.org"), lost = put(1000, PEOPLE);
	CLEANUP(message_row_deinit) struct message_row r = { 0 }, other = { 0 };
	uint8_t key[SHA256_SIZE], expected[SHA256_SIZE];
	int64_t taken = 0;

	(void)state;
	key_of(&id, expected); /* the fixture's keys are not those of the envelope */
	assert_int_equal(meta_message_load(meta, &id, &r, &err), 1);
	assert_int_equal(meta_copy_key(meta, &r, key, &taken, &err), 1);
	assert_memory_equal(key, expected, SHA256_SIZE);
	assert_int_equal(taken, r.received_us);
	memset(r.id.bytes, 1, sizeof(r.id.bytes));
	assert_int_equal(meta_copy_key(meta, &r, key, &taken, &err), 0);
	assert_int_equal(meta_message_load(meta, &lost, &other, &err), 1);
	assert_int_equal(meta_copy_key(meta, &other, key, &taken, &err), 0); /* it could be made, and is not there */
}

static void a_moved_message_remembers_where_it_was(void **state)
{
	struct uuid id = uuid_new(clock_now_us());
	CLEANUP(message_row_deinit) struct message_row r = make_row(&id, 1000, PEOPLE), back = { 0 };

	(void)state;
	r.origin = MEM_NEW(struct message_origin);
	*r.origin = (struct message_origin){ r.locator, r.lock_mode, r.retain_until_us };
	r.locator = (struct locator){ mem_strdup("bucket"), mem_strdup("m/00/key"), mem_strdup("v1"), 0, 1234 };
	r.lock_mode = mem_strdup("COMPLIANCE");
	r.retain_until_us++;
	r.moved_us = 5;
	assert_ok(put_row_as(meta, "lmtpd@test", &r, 1, &err));
	assert_int_equal(meta_message_load(meta, &id, &back, &err), 1);
	assert_string_equal(back.locator.bucket, "bucket");
	assert_string_equal(back.locator.version, "v1");
	assert_string_equal(back.lock_mode, "COMPLIANCE");
	assert_int_equal(back.moved_us, 5);
	assert_non_null(back.origin);
	assert_string_equal(back.origin->locator.bucket, "");
	assert_string_equal(back.origin->lock_mode, "file");
	assert_int_equal(back.origin->retain_until_us, back.retain_until_us - 1);
	assert_int_equal(raw_number("capture.db", "SELECT count(*) FROM message WHERE bucket = 'bucket'"), 0);
	message_row_forget_origin(&back);
	assert_null(back.origin);
	assert_int_equal(raw_sql("capture.db", "UPDATE relocation SET moved_us = 6"), SQLITE_CONSTRAINT);
	assert_int_equal(raw_sql("capture.db", "DELETE FROM relocation"), SQLITE_CONSTRAINT);
}

/* Another database, with messages of its own. */
static struct meta *open_another(char place[160])
{
	struct conf other = { .meta = place };
	struct meta *m = NULL;

	snprintf(place, 160, "sqlite:%s-other", directory);
	assert_ok(meta_migrate(&other, &err));
	assert_ok(meta_open(&m, &other, &err));
	return m;
}

static void remove_another(const char *place, struct meta **m)
{
	char command[256];

	meta_closep(m);
	snprintf(command, sizeof(command), "rm -r '%s'", place + strlen("sqlite:"));
	assert_int_equal(system(command), 0);
}

static int keep(void *ctx, const void *sealed, size_t n, uint8_t **sealed_r, size_t *n_r, struct err *e)
{
	(void)ctx;
	(void)e;
	*sealed_r = mem_dup(sealed, n);
	*n_r = n;
	return 0;
}

static uint64_t audit_faults(struct meta *m)
{
	struct meta_audit_count count;

	assert_ok(meta_audit_verify(m, count_fault, NULL, &count, &err));
	return count.faults;
}

static void audit(struct meta *m)
{
	char *set[] = { (char[]){ "a@example.org" } };
	struct audit_intent intent = { .id = uuid_new(clock_now_us()), .strength = "none", .action = "search", .client = "x",
		.request_id = "x", .reason = "because", .mailboxes = &(struct strv){ set, 1 } };
	struct audit_outcome outcome = { .result = "allowed" };

	assert_ok(meta_audit_intent(m, &intent, &err));
	assert_ok(meta_audit_outcome(m, &intent.id, &outcome, &err));
}

/* The audit goes with its records, and goes on where it stands. */
static void the_audit_is_taken_over_with_its_records(void **state)
{
	char place[160];
	struct meta *other = open_another(place);
	struct meta_copied done;
	uint64_t added = 0;

	(void)state;
	audit(meta);
	assert_ok(meta_copy_rest(meta, other, keep, NULL, &done, &err));
	assert_int_equal(done.audit, 2);
	assert_int_equal(audit_faults(other), 0);
	audit(meta);
	assert_ok(meta_copy_allowed(meta, other, &err));
	assert_ok(meta_copy_audit(meta, other, &added, &err));
	assert_int_equal(added, 2);
	assert_int_equal(audit_faults(other), 0);
	audit(other); /* it has taken over */
	assert_int_equal(audit_faults(other), 0);
	audit(meta);
	assert_refused(meta_copy_allowed(meta, other, &err), ERR_PERMANENT, "audit has records of its own");
	remove_another(place, &other);
}

static void a_target_with_something_of_its_own_is_refused(void **state)
{
	char place[160];
	struct meta *other = open_another(place);
	struct uuid id = uuid_new(clock_now_us());
	struct meta_copied done;

	(void)state;
	put(1000, PEOPLE);
	assert_ok(meta_copy_allowed(meta, other, &err)); /* empty */
	assert_ok(meta_copy_rest(meta, other, keep, NULL, &done, &err));
	assert_ok(put_as(other, "lmtpd@test", &id, 1, PEOPLE, &err));
	assert_refused(meta_copy_allowed(meta, other, &err), ERR_PERMANENT, "messages of its own");
	remove_another(place, &other);
}

/* What proves who somebody is, besides passwords. */
static void programs_and_users_of_a_provider_come_along(void **state)
{
	const struct account_new program = { .username = "scanner", .password_hash = "x", .totp_secret = "x", .totp_secret_length = 1,
		.scope = { .from_us = INT64_MIN, .until_us = INT64_MAX } };
	struct account_new person = program;
	const struct service_identity token = { { 1 }, { 2 }, 3 };
	const struct identity there = { (char *)"https://id.example.org", (char *)"7", 5 };
	CLEANUP(account_deinit) struct account found = { 0 };
	uint8_t certificate[SHA256_SIZE];
	struct meta_copied done;
	uint64_t id, owner;
	char place[160];
	struct meta *other = open_another(place);

	(void)state;
	person.username = "ann";
	person.password_hash = "";
	assert_ok(meta_service_add(meta, &program, &token, &id, &err));
	assert_ok(meta_identity_add(meta, &person, &there, &id, &err));
	assert_ok(meta_copy_rest(meta, other, keep, NULL, &done, &err));
	assert_ok(meta_copy_rest(meta, other, keep, NULL, &done, &err)); /* as often as one likes */
	assert_int_equal(meta_service_by_token(other, token.token, &found, certificate, &err), 1);
	assert_int_equal(certificate[0], 2);
	assert_int_equal(meta_identity_account(other, &there, &owner, &err), 1);
	assert_int_equal(owner, id);
	remove_another(place, &other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batches_come_in_order_with_their_messages),
		cmocka_unit_test(a_key_that_can_not_be_made_again_is_searched),
		cmocka_unit_test(a_moved_message_remembers_where_it_was),
		cmocka_unit_test(the_audit_is_taken_over_with_its_records),
		cmocka_unit_test(programs_and_users_of_a_provider_come_along),
		cmocka_unit_test(a_target_with_something_of_its_own_is_refused),
	};

	return cmocka_run_group_tests(tests, open_meta, remove_directory);
}
