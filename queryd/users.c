#include "queryd/users.h"

#include "base/clock.h"
#include "meta/factor.h"
#include "meta/identity.h"
#include "queryd/access.h"
#include "queryd/account.h"
#include "queryd/list.h"
#include "queryd/password.h"
#include "sys/otpauth.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void list(struct call *c)
{
	account_list(c, USER_PERSON);
}

static void get(struct call *c)
{
	account_get(c, USER_PERSON);
}

/* ---- making ---- */

/* Adds what an authenticator program needs, shown this once. */
static void add_totp(cJSON *j, const char *username, const uint8_t secret[SECRET_TOTP_SIZE])
{
	_free_ char *digits = otpauth_base32(secret, SECRET_TOTP_SIZE);
	_free_ char *url = otpauth_url(username, secret, SECRET_TOTP_SIZE);

	json_add_str(j, "totp_secret", digits);
	json_add_str(j, "otpauth_url", url);
	explicit_bzero(digits, strlen(digits));
	explicit_bzero(url, strlen(url));
}

/* password: NULL for who is to sign in through the provider. */
static int check_new(struct call *c, const char *username, const char *password)
{
	if (account_check_name(c, "username", username) < 0)
		return -1;
	if (password)
		return password_accept(c, "password", username, password);
	if (c->service->provider)
		return 0;
	response_problem_at(&c->response, "password", -1,
		"This is needed where no sign-in provider is configured.");
	return -1;
}

static int add(struct call *c, const struct grant *g, const char *username, const char *password,
	const uint8_t secret[SECRET_TOTP_SIZE], uint64_t *id_r, struct err *e)
{
	struct account_new a = { .username = username, .roles = &g->roles, .scope = g->scope };
	_free_ char *hash = password ? secret_password_hash(password, e) : mem_strdup("");
	_free_ uint8_t *sealed = NULL;

	if (!hash)
		return -1;
	secret_seal(c->service->seal, secret, SECRET_TOTP_SIZE, &sealed, &a.totp_secret_length);
	a.password_hash = hash;
	a.totp_secret = sealed;
	return meta_account_add(c->service->meta, &a, id_r, e);
}

static void create_checked(struct call *c, const struct grant *g, const char *username, const char *password)
{
	CLEANUP(user_deinit) struct user u = { 0 };
	uint8_t secret[SECRET_TOTP_SIZE];
	struct err e;
	uint64_t id;

	secret_random(secret, sizeof(secret));
	int rc = add(c, g, username, password, secret, &id, &e);

	if (access_changed(c, rc < 0 ? -1 : 1, &e) < 0)
		return;
	if (meta_user_get(c->service->meta, id, &u, &e) < 1) {
		access_failed(c, &e);
		return;
	}
	cJSON *j = account_present(c, &u, USER_PERSON);
	char location[64];

	if (!j)
		return;
	add_totp(j, username, secret);
	explicit_bzero(secret, sizeof(secret));
	snprintf(location, sizeof(location), ROUTE_V1 "/users/%" PRIu64 "/", id);
	response_created(&c->response, location, j);
}

static void create(struct call *c)
{
	static const struct body_field fields[] = {
		{ .name = "username", .type = BODY_STRING, .required = true, .max = 255 },
		{ .name = "password", .type = BODY_STRING, .max = PASSWORD_BYTES_MAX },
		GRANT_FIELDS,
		{ 0 },
	};
	CLEANUP(grant_deinit) struct grant g = { 0 };
	_json_ cJSON *body = body_read(c, fields);

	if (!body || grant_read(c, body, &g) < 0)
		return;
	const char *username = body_string(body, "username"), *password = body_string(body, "password");
	cJSON *detail = cJSON_CreateObject();

	json_add_str(detail, "username", username);
	if (!password)
		json_add_str(detail, "sign_in", "provider");
	grant_describe(c, &g, detail);
	if (access_intent(c, detail) == 0 && check_new(c, username, password) == 0)
		create_checked(c, &g, username, password);
}

/* ---- changing ---- */

static void patch(struct call *c)
{
	static const struct body_field fields[] = { GRANT_FIELDS, { 0 } };
	CLEANUP(grant_deinit) struct grant g = { 0 };
	CLEANUP(user_deinit) struct user u = { 0 };
	_json_ cJSON *body = body_read(c, fields);
	cJSON *detail = cJSON_CreateObject();

	if (!body || grant_read(c, body, &g) < 0) {
		cJSON_Delete(detail);
		return;
	}
	grant_describe(c, &g, detail);
	if (account_begin(c, USER_PERSON, detail, &u) < 0 || account_check_version(c, &u) < 0 ||
		grant_check_other(c, u.id) < 0 || account_give(c, &u, &g, NULL) < 0)
		return;
	account_answer(c, USER_PERSON, u.id);
}

static void disable(struct call *c)
{
	account_set_disabled(c, USER_PERSON, true);
}

static void enable(struct call *c)
{
	account_set_disabled(c, USER_PERSON, false);
}

static void sign_out(struct call *c)
{
	CLEANUP(user_deinit) struct user u = { 0 };
	struct err e;

	if (account_begin(c, USER_PERSON, cJSON_CreateObject(), &u) < 0)
		return;
	if (meta_account_sign_out(c->service->meta, u.username, &e) < 0) {
		access_failed(c, &e);
		return;
	}
	access_tell_cache(c, u.id);
	response_empty(&c->response, 204);
}

static void reset_mfa(struct call *c)
{
	CLEANUP(user_deinit) struct user u = { 0 };
	char token[FACTOR_TOKEN_SIZE];
	struct err e;

	if (account_begin(c, USER_PERSON, cJSON_CreateObject(), &u) < 0 || grant_check_other(c, u.id) < 0)
		return;
	if (meta_factor_reset(c->service->meta, u.id, clock_now_us(), token, &e) < 0) {
		access_failed(c, &e);
		return;
	}
	access_tell_cache(c, u.id);
	cJSON *j = cJSON_CreateObject();

	json_add_str(j, "enrolment_token", token);
	json_add_u64(j, "expires_in", FACTOR_TOKEN_LIFE_S);
	explicit_bzero(token, sizeof(token));
	response_json(&c->response, j);
}

static void use_provider(struct call *c)
{
	CLEANUP(user_deinit) struct user u = { 0 };
	struct err e;

	if (account_begin(c, USER_PERSON, cJSON_CreateObject(), &u) < 0 || grant_check_other(c, u.id) < 0)
		return;
	if (!c->service->provider) {
		response_problem_named(&c->response, 409, "conflict", "No sign-in provider is configured.");
		return;
	}
	if (meta_identity_expect(c->service->meta, u.id, &e) < 0) {
		access_failed(c, &e);
		return;
	}
	access_tell_cache(c, u.id);
	account_answer(c, USER_PERSON, u.id);
}

/* ---- the table ---- */

#define USERS ROUTE_V1 "/users"
#define MANAGED .permission = "USER_MANAGE", .fresh = true

const struct route user_routes[] = {
	{ .method = METHOD_GET, .pattern = USERS "/", .action = "account.list", .parameters = list_parameters,
		.handle = list, MANAGED },
	{ .method = METHOD_POST, .pattern = USERS "/", .action = "account.create", .body_max = ROUTE_BODY_JSON,
		.handle = create, MANAGED },
	{ .method = METHOD_GET, .pattern = USERS "/{id}/", .action = "account.read", .handle = get, MANAGED },
	{ .method = METHOD_PATCH, .pattern = USERS "/{id}/", .action = "account.change", .body_max = ROUTE_BODY_JSON,
		.handle = patch, MANAGED },
	{ .method = METHOD_POST, .pattern = USERS "/{id}/disable", .action = "account.disable", .handle = disable, MANAGED },
	{ .method = METHOD_POST, .pattern = USERS "/{id}/enable", .action = "account.enable", .handle = enable, MANAGED },
	{ .method = METHOD_POST, .pattern = USERS "/{id}/sign-out", .action = "account.sign-out", .handle = sign_out, MANAGED },
	{ .method = METHOD_POST, .pattern = USERS "/{id}/reset-mfa", .action = "account.reset-mfa", .handle = reset_mfa,
		MANAGED },
	{ .method = METHOD_POST, .pattern = USERS "/{id}/use-provider", .action = "account.use-provider", .handle = use_provider,
		MANAGED },
	{ 0 },
};
