/* What a provider has signed is not for us, or not for this sign-in, unless every claim says so. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "queryd/id_token.h"

#include <string.h>

#define NOW INT64_C(1800000000)

static const struct id_token_wanted wanted = { "https://id.example.org", "strongroom", "n-1", "email", "groups" };
static struct err err;

/* A good token, with one member in the place of what it has, or gone where that is NULL. */
static cJSON *claims_with(const char *name, const char *json)
{
	static const char good[] = "{\"iss\":\"https://id.example.org\",\"aud\":\"strongroom\",\"nonce\":\"n-1\",\"sub\":\"7\","
		"\"iat\":1800000000,\"exp\":1800000300,\"email\":\"ann@example.org\",\"email_verified\":true,"
		"\"groups\":[\"legal\",\"all\",\"legal\",7],\"acr\":\"high\",\"amr\":[\"pwd\",\"mfa\"]}";
	cJSON *j = json_parse(good, strlen(good), &err);

	assert_non_null(j);
	if (!name)
		return j;
	cJSON_DeleteItemFromObjectCaseSensitive(j, name);
	if (json)
		cJSON_AddItemToObject(j, name, cJSON_Parse(json));
	return j;
}

static int read_at(const char *name, const char *json, const struct id_token_wanted *w, struct id_token *t_r)
{
	_json_ cJSON *j = claims_with(name, json);

	return id_token_read(t_r, j, w, NOW, &err);
}

static void refused(const char *name, const char *json)
{
	struct id_token t;

	if (read_at(name, json, &wanted, &t) == 0)
		fail_msg("taken with %s: %s", name, json ? json : "(nothing)");
	assert_int_equal(err.class, ERR_PERMANENT);
}

static void taken(const char *name, const char *json)
{
	CLEANUP(id_token_deinit) struct id_token t = { 0 };

	if (read_at(name, json, &wanted, &t) < 0)
		fail_msg("refused with %s: %s: %s", name, json, err.text);
}

static void who_it_is_is_read(void **state)
{
	CLEANUP(id_token_deinit) struct id_token t = { 0 };

	(void)state;
	assert_int_equal(read_at(NULL, NULL, &wanted, &t), 0);
	assert_string_equal(t.subject, "7");
	assert_string_equal(t.account, "ann@example.org");
	assert_true(t.account_verified);
	assert_int_equal(t.groups.n, 2);
	assert_string_equal(t.groups.items[0], "legal");
	assert_string_equal(t.groups.items[1], "all");
	assert_string_equal(t.acr, "high");
	assert_int_equal(t.amr.n, 2);
	assert_int_equal(t.signed_in_s, 0);
}

static void the_parties_must_be_these(void **state)
{
	(void)state;
	refused("iss", "\"https://id.example.org/\"");
	refused("iss", NULL);
	refused("aud", "\"other\"");
	refused("aud", "[\"other\"]");
	refused("aud", "[\"strongroom\",\"other\"]");
	refused("aud", "[]");
	refused("aud", "{\"x\":\"strongroom\"}");
	refused("aud", NULL);
	refused("azp", "\"other\"");
	refused("azp", "7");
	refused("nonce", "\"n-2\"");
	refused("nonce", NULL);
	taken("aud", "[\"strongroom\"]");
	taken("azp", "\"strongroom\"");
}

static void it_must_be_of_now(void **state)
{
	(void)state;
	refused("exp", "1799999940");
	refused("exp", NULL);
	refused("exp", "\"1800000300\"");
	refused("iat", "1800000061");
	refused("iat", "1799999399");
	refused("iat", NULL);
	refused("nbf", "1800000061");
	refused("nbf", "\"now\"");
	refused("auth_time", "\"now\"");
	taken("exp", "1799999941");
	taken("iat", "1799999400");
	taken("nbf", "1800000060");
}

static void somebody_must_be_named(void **state)
{
	char longest[ID_TOKEN_SUBJECT_MAX + 3] = "\"";

	(void)state;
	refused("sub", NULL);
	refused("sub", "\"\"");
	refused("sub", "7");
	memset(longest + 1, 'x', ID_TOKEN_SUBJECT_MAX);
	strcat(longest, "\"");
	taken("sub", longest);
}

static void an_address_counts_when_it_is_verified(void **state)
{
	static const char *const no[] = { "false", "\"true\"", NULL };
	struct id_token_wanted by_name = wanted;

	(void)state;
	by_name.account_claim = "preferred_username";
	for (size_t i = 0; i < ARRAY_LEN(no); i++) {
		CLEANUP(id_token_deinit) struct id_token t = { 0 };

		assert_int_equal(read_at("email_verified", no[i], &wanted, &t), 0);
		assert_false(t.account_verified);
	}
	CLEANUP(id_token_deinit) struct id_token t = { 0 };

	assert_int_equal(read_at("email_verified", NULL, &by_name, &t), 0);
	assert_true(t.account_verified);
	assert_null(t.account);
}

static void groups_come_in_more_than_one_form(void **state)
{
	CLEANUP(id_token_deinit) struct id_token one = { 0 }, none = { 0 }, object = { 0 };

	(void)state;
	assert_int_equal(read_at("groups", "\"legal\"", &wanted, &one), 0);
	assert_int_equal(one.groups.n, 1);
	assert_int_equal(read_at("groups", NULL, &wanted, &none), 0);
	assert_int_equal(none.groups.n, 0);
	assert_int_equal(read_at("groups", "{\"x\":\"legal\"}", &wanted, &object), 0);
	assert_int_equal(object.groups.n, 0);
}

static void complete(struct id_token *t, const char *more)
{
	_json_ cJSON *j = cJSON_Parse(more);

	id_token_complete(t, j, &wanted);
}

static void what_is_missing_comes_from_elsewhere(void **state)
{
	CLEANUP(id_token_deinit) struct id_token whole = { 0 }, nameless = { 0 }, groupless = { 0 };

	(void)state;
	assert_int_equal(read_at(NULL, NULL, &wanted, &whole), 0);
	assert_true(id_token_is_whole(&whole, &wanted));
	assert_int_equal(read_at("email", NULL, &wanted, &nameless), 0);
	assert_false(id_token_is_whole(&nameless, &wanted));
	complete(&nameless, "{\"email\":\"bob@example.org\",\"groups\":[\"audit\"]}");
	assert_string_equal(nameless.account, "bob@example.org");
	assert_false(nameless.account_verified); /* what the token says of another address does not count */
	assert_string_equal(nameless.groups.items[0], "legal");
	assert_int_equal(read_at("groups", "null", &wanted, &groupless), 0);
	assert_false(id_token_is_whole(&groupless, &wanted));
	complete(&groupless, "{\"email\":\"bob@example.org\",\"groups\":\"audit\"}");
	assert_string_equal(groupless.account, "ann@example.org");
	assert_true(groupless.account_verified);
	assert_int_equal(groupless.groups.n, 1);
	assert_true(id_token_is_whole(&groupless, &wanted));
}

static void nothing_is_missing_that_nobody_wants(void **state)
{
	const struct id_token_wanted no_groups = { "https://id.example.org", "strongroom", "n-1", "email", "" };
	CLEANUP(id_token_deinit) struct id_token t = { 0 }, empty = { 0 };

	(void)state;
	assert_int_equal(read_at("groups", NULL, &no_groups, &t), 0);
	assert_true(id_token_is_whole(&t, &no_groups));
	assert_int_equal(read_at("groups", "[]", &wanted, &empty), 0);
	assert_true(id_token_is_whole(&empty, &wanted));
}

static void groups_may_be_elsewhere(void **state)
{
	CLEANUP(id_token_deinit) struct id_token t = { 0 }, others = { 0 };

	(void)state;
	assert_int_equal(read_at("_claim_names", "{\"address\":\"src1\"}", &wanted, &others), 0);
	assert_false(others.groups_elsewhere);
	_json_ cJSON *j = claims_with("groups", NULL);

	cJSON_AddItemToObject(j, "_claim_names", cJSON_Parse("{\"groups\":\"src1\"}"));
	assert_int_equal(id_token_read(&t, j, &wanted, NOW, &err), 0);
	assert_true(t.groups_elsewhere && !t.groups_said);
	complete(&t, "{\"groups\":[\"audit\"]}");
	assert_true(t.groups_said);
}

static void the_time_of_the_sign_in_there_is_read(void **state)
{
	CLEANUP(id_token_deinit) struct id_token before = { 0 }, ahead = { 0 };

	(void)state;
	assert_int_equal(read_at("auth_time", "1799996340", &wanted, &before), 0);
	assert_int_equal(before.signed_in_s, 1799996340);
	assert_int_equal(read_at("auth_time", "1800000030", &wanted, &ahead), 0);
	assert_int_equal(ahead.signed_in_s, NOW); /* never in the future */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_it_is_is_read),
		cmocka_unit_test(the_parties_must_be_these),
		cmocka_unit_test(it_must_be_of_now),
		cmocka_unit_test(somebody_must_be_named),
		cmocka_unit_test(an_address_counts_when_it_is_verified),
		cmocka_unit_test(groups_come_in_more_than_one_form),
		cmocka_unit_test(what_is_missing_comes_from_elsewhere),
		cmocka_unit_test(nothing_is_missing_that_nobody_wants),
		cmocka_unit_test(groups_may_be_elsewhere),
		cmocka_unit_test(the_time_of_the_sign_in_there_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
