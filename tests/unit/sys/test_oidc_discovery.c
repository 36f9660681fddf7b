/* What a provider tells of itself is taken only when it is that of the issuer that was asked for, and leads nowhere but to
 * https. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "sys/https_url.h"
#include "sys/oidc_discovery.h"

#include <string.h>

#define ISSUER "https://id.example.org/realm"
#define ENDPOINTS(authorization, token, keys) "\"authorization_endpoint\":\"" authorization "\",\"token_endpoint\":\"" token "\",\"jwks_uri\":\"" keys "\""
#define GOOD_ENDPOINTS ENDPOINTS("https://id.example.org/auth", "https://id.example.org/token", "https://id.example.org/keys")
#define DOES "\"response_types_supported\":[\"code\"],\"id_token_signing_alg_values_supported\":[\"HS256\",\"ES256\"]"
#define DOCUMENT(more) "{\"issuer\":\"" ISSUER "\"," GOOD_ENDPOINTS "," DOES more "}"

static struct err err;

static int parse(const char *text, struct oidc_discovery *d)
{
	return oidc_discovery_parse(d, text, strlen(text), ISSUER, &err);
}

static void refused(const char *text, const char *why)
{
	struct oidc_discovery d;

	if (parse(text, &d) == 0)
		fail_msg("taken: %s", text);
	assert_int_equal(err.class, ERR_PERMANENT);
	if (!strstr(err.text, why))
		fail_msg("%s, not %s", err.text, why);
}

static void a_good_document_is_taken(void **state)
{
	CLEANUP(oidc_discovery_deinit) struct oidc_discovery d = { 0 };

	(void)state;
	assert_int_equal(parse(DOCUMENT(""), &d), 0);
	assert_string_equal(d.authorization_endpoint, "https://id.example.org/auth");
	assert_string_equal(d.token_endpoint, "https://id.example.org/token");
	assert_string_equal(d.jwks_uri, "https://id.example.org/keys");
	assert_null(d.userinfo_endpoint);
	assert_false(d.names_issuer);
	assert_false(d.secret_in_body);
}

static void its_wishes_are_heard(void **state)
{
	CLEANUP(oidc_discovery_deinit) struct oidc_discovery d = { 0 };

	(void)state;
	assert_int_equal(parse(DOCUMENT(",\"authorization_response_iss_parameter_supported\":true,"
					"\"token_endpoint_auth_methods_supported\":[\"client_secret_post\"],"
					"\"userinfo_endpoint\":\"https://id.example.org/me\","
					"\"code_challenge_methods_supported\":[\"plain\",\"S256\"]"), &d), 0);
	assert_string_equal(d.userinfo_endpoint, "https://id.example.org/me");
	assert_true(d.names_issuer);
	assert_true(d.secret_in_body);
}

static void another_issuer_is_refused(void **state)
{
	(void)state;
	refused("{\"issuer\":\"" ISSUER "/\"," GOOD_ENDPOINTS "," DOES "}", "of the issuer");
	refused("{" GOOD_ENDPOINTS "," DOES "}", "names no issuer");
}

static void only_https_is_taken(void **state)
{
	(void)state;
#define WITH(...) "{\"issuer\":\"" ISSUER "\"," ENDPOINTS(__VA_ARGS__) "," DOES "}"
	refused(WITH("http://id.example.org/auth", "https://x/t", "https://x/k"), "authorization_endpoint");
	refused(WITH("https://id.example.org/auth", "http://x/t", "https://x/k"), "token_endpoint");
	refused(WITH("https://id.example.org/auth", "https://x/t", "file:///etc/passwd"), "jwks_uri");
	refused(WITH("https://id.example.org/auth#x", "https://x/t", "https://x/k"), "authorization_endpoint");
	refused(WITH("https://id.example.org/a\\r\\nX: y", "https://x/t", "https://x/k"), "authorization_endpoint");
	refused(WITH("https:///auth", "https://x/t", "https://x/k"), "authorization_endpoint");
	refused("{\"issuer\":\"" ISSUER "\"," DOES "}", "authorization_endpoint");
	refused(DOCUMENT(",\"userinfo_endpoint\":\"http://id.example.org/me\""), "userinfo_endpoint");
	refused(DOCUMENT(",\"userinfo_endpoint\":7"), "userinfo_endpoint");
}

static void a_provider_must_do_what_is_asked_of_it(void **state)
{
	(void)state;
	refused("{\"issuer\":\"" ISSUER "\"," GOOD_ENDPOINTS "}", "code flow");
	refused(DOCUMENT(",\"code_challenge_methods_supported\":[\"plain\"]"), "PKCE");
	refused(DOCUMENT(",\"token_endpoint_auth_methods_supported\":[\"private_key_jwt\"]"), "secret");
	refused("{\"issuer\":\"" ISSUER "\"," GOOD_ENDPOINTS ",\"response_types_supported\":[\"code\"],"
		"\"id_token_signing_alg_values_supported\":[\"HS256\",\"none\"]}", "signs by none");
}

static void what_is_no_document_is_refused(void **state)
{
	(void)state;
	refused("", "invalid JSON");
	refused("<html>", "invalid JSON");
	refused("[]", "names no issuer");
}

static void addresses_are_https_and_lead_to_a_host(void **state)
{
	(void)state;
	assert_true(https_url_plain("https://id.example.org"));
	assert_true(https_url_plain("https://id.example.org:8443/realms/x"));
	assert_true(https_url_good("https://id.example.org/a@b?x=y"));
	assert_false(https_url_plain("https://id.example.org?x=y"));
	assert_false(https_url_good("http://id.example.org"));
	assert_false(https_url_good("https://"));
	assert_false(https_url_good("https:///x"));
	assert_false(https_url_good("https://user@id.example.org"));
	assert_false(https_url_good("https://id.example.org/#x"));
	assert_false(https_url_good("https://id.example.org/ x"));
	assert_false(https_url_good("id.example.org"));
	assert_false(https_url_good(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_document_is_taken),
		cmocka_unit_test(its_wishes_are_heard),
		cmocka_unit_test(another_issuer_is_refused),
		cmocka_unit_test(only_https_is_taken),
		cmocka_unit_test(a_provider_must_do_what_is_asked_of_it),
		cmocka_unit_test(what_is_no_document_is_refused),
		cmocka_unit_test(addresses_are_https_and_lead_to_a_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
