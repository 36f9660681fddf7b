/* identity: an account is linked once, and only one that has no password; an identity is one account's alone. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"
#include "meta/factor.h"
#include "meta/identity.h"
#include "meta/user.h"

static uint64_t added(const char *name, const char *hash)
{
	const struct account_new a = { .username = name, .password_hash = hash, .totp_secret = "", .totp_secret_length = 0,
		.scope = { .from_us = INT64_MIN, .until_us = INT64_MAX } };
	uint64_t id;

	assert_ok(meta_account_add(meta, &a, &id, &err));
	return id;
}

static struct identity who(const char *issuer, const char *subject)
{
	return (struct identity){ (char *)issuer, (char *)subject, 7 };
}

static int link_to(uint64_t account, const char *issuer, const char *subject)
{
	const struct identity i = who(issuer, subject);

	return meta_identity_link(meta, account, &i, &err);
}

/* 0: nobody's. */
static uint64_t owner_of(const char *issuer, const char *subject)
{
	const struct identity i = who(issuer, subject);
	uint64_t id = 0;
	int found = meta_identity_account(meta, &i, &id, &err);

	assert_int_equal(found, id != 0);
	return id;
}

static uint64_t generation(uint64_t id)
{
	CLEANUP(account_deinit) struct account a = { 0 };

	assert_int_equal(meta_account_by_id(meta, id, &a, &err), 1);
	return a.token_generation;
}

static void an_account_is_linked_once(void **state)
{
	CLEANUP(identity_deinit) struct identity i = { 0 };
	uint64_t ann = added("ann", ""), bob = added("bob", "");

	(void)state;
	assert_int_equal(owner_of("https://a", "1"), 0);
	assert_int_equal(meta_identity_get(meta, ann, &i, &err), 0);
	assert_int_equal(link_to(ann, "https://a", "1"), 1);
	assert_int_equal(link_to(ann, "https://a", "1"), 1); /* of two at once both get in */
	assert_int_equal(link_to(ann, "https://a", "2"), 0);
	assert_int_equal(link_to(bob, "https://a", "1"), 0);
	assert_int_equal(owner_of("https://a", "1"), ann);
	assert_int_equal(owner_of("https://a", "2"), 0);
	assert_int_equal(meta_identity_get(meta, ann, &i, &err), 1);
	assert_string_equal(i.issuer, "https://a");
	assert_string_equal(i.subject, "1");
	assert_int_equal(i.linked_us, 7);
}

static void identities_are_alike_byte_for_byte(void **state)
{
	uint64_t cyd = added("cyd", "");

	(void)state;
	assert_int_equal(link_to(cyd, "https://c", "Cyd"), 1);
	assert_int_equal(owner_of("https://c", "cyd"), 0);
	assert_int_equal(owner_of("https://c", "Cyd "), 0);
	assert_int_equal(owner_of("https://cC", "yd"), 0);
	assert_int_equal(owner_of("https://c", "Cyd"), cyd);
}

static void who_has_a_password_is_not_linked(void **state)
{
	uint64_t dan = added("dan", "$argon2id$");

	(void)state;
	assert_int_equal(link_to(dan, "https://d", "1"), 0);
	assert_int_equal(link_to(dan + 1000, "https://d", "1"), 0); /* nor nobody */
	assert_int_equal(owner_of("https://d", "1"), 0);
}

static bool by_provider(uint64_t id)
{
	CLEANUP(user_deinit) struct user u = { 0 };

	assert_int_equal(meta_user_get(meta, id, &u, &err), 1);
	return u.by_provider;
}

static void an_administrator_chooses_the_way_in(void **state)
{
	uint64_t eve = added("eve", "$argon2id$"), before = generation(eve);

	(void)state;
	assert_false(by_provider(eve));
	assert_ok(meta_identity_expect(meta, eve, &err));
	assert_true(by_provider(eve));
	assert_int_equal(generation(eve), before + 1);
	assert_int_equal(link_to(eve, "https://e", "1"), 1);
	assert_ok(meta_identity_expect(meta, eve, &err)); /* somebody else of this name */
	assert_int_equal(owner_of("https://e", "1"), 0);
	assert_int_equal(link_to(eve, "https://e", "2"), 1);
	assert_ok(meta_factor_password(meta, eve, NULL, "$argon2id$", &err));
	assert_false(by_provider(eve));
	assert_int_equal(owner_of("https://e", "2"), 0);
}

static void an_account_may_begin_linked(void **state)
{
	const struct account_new a = { .username = "fay", .password_hash = "", .totp_secret = "",
		.scope = { .from_us = INT64_MIN, .until_us = INT64_MAX } };
	struct account_new same = a;
	const struct identity i = who("https://f", "1"), other = who("https://f", "2");
	CLEANUP(account_deinit) struct account found = { 0 };
	uint64_t id, none;

	(void)state;
	assert_ok(meta_identity_add(meta, &a, &i, &id, &err));
	assert_int_equal(owner_of("https://f", "1"), id);
	same.username = "fay2"; /* the identity is taken: no account is left behind */
	assert_int_equal(meta_identity_add(meta, &same, &i, &none, &err), -1);
	assert_int_equal(err.class, ERR_PERMANENT);
	assert_int_equal(meta_account_by_name(meta, "fay2", &found, &err), 0);
	assert_int_equal(meta_identity_add(meta, &a, &other, &none, &err), -1); /* the name is */
	assert_int_equal(owner_of("https://f", "2"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_account_is_linked_once),
		cmocka_unit_test(identities_are_alike_byte_for_byte),
		cmocka_unit_test(who_has_a_password_is_not_linked),
		cmocka_unit_test(an_administrator_chooses_the_way_in),
		cmocka_unit_test(an_account_may_begin_linked),
	};

	return cmocka_run_group_tests(tests, open_meta, remove_directory);
}
