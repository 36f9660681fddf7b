#include "queryd/users.h"

#include "meta/service.h"
#include "queryd/access.h"
#include "queryd/audit.h"
#include "queryd/etag.h"
#include "queryd/grant.h"
#include "queryd/list.h"
#include "sys/otpauth.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PASSWORD_MAX 1024

/* ---- telling ---- */

static cJSON *present_brief(const struct user *u)
{
	cJSON *j = cJSON_CreateObject();
	_free_ char *id = mem_printf("%" PRIu64, u->id);

	json_add_str(j, "id", id);
	json_add_str(j, "username", u->username);
	json_add_bool(j, "disabled", u->disabled);
	return j;
}

static cJSON *present(const struct user *u)
{
	cJSON *j = present_brief(u);

	grant_present(j, u);
	return j;
}

static void list(struct call *c)
{
	CLEANUP(list_deinit) struct list l = { 0 };
	struct user *users = NULL;
	uint64_t after;
	struct err e;
	size_t n;

	if (list_read(c, &l) < 0 || list_after_u64(c, &l, &after) < 0 || audit_intent_signed_in(c, NULL) < 0)
		return;
	if (meta_user_list(c->service->meta, USER_PERSON, after, l.limit + 1, &users, &n, &e) < 0) {
		access_failed(c, &e);
		return;
	}
	cJSON *items = cJSON_CreateArray();
	size_t given = n > l.limit ? l.limit : n;

	for (size_t i = 0; i < given; i++) {
		cJSON *item = present_brief(&users[i]);

		grant_present_list(item, "roles", &users[i].roles);
		cJSON_AddItemToArray(items, item);
	}
	_free_ char *last = n > given ? mem_printf("%" PRIu64, users[given - 1].id) : NULL;

	list_answer(c, items, last);
	user_list_free(users, n);
}

/* The user in the path: 1, 0 when there is none (or it is a program's account), -1. */
static int find(struct call *c, struct user *u_r, struct err *e)
{
	struct service_identity s;
	uint64_t id = access_id(c);
	int is_service = id ? meta_service_get(c->service->meta, id, &s, e) : 0;

	if (!id || is_service)
		return is_service < 0 ? -1 : 0;
	return meta_user_get(c->service->meta, id, u_r, e);
}

/* Finds the user, after the intent with this detail. -1: the response is set. */
static int begin(struct call *c, cJSON *detail, struct user *u_r)
{
	struct err e;
	int found = find(c, u_r, &e);

	if (found == 1)
		json_add_str(detail, "username", u_r->username);
	if (access_intent(c, detail) < 0)
		return -1;
	if (found < 0)
		return access_failed(c, &e);
	return found ? 0 : access_not_found(c);
}

/* The user as it is now, with the tag. */
static void answer(struct call *c, uint64_t id)
{
	CLEANUP(user_deinit) struct user u = { 0 };
	char tag[ETAG_SIZE];
	struct err e;
	int found = meta_user_get(c->service->meta, id, &u, &e);

	if (found < 0) {
		access_failed(c, &e);
		return;
	}
	response_json(&c->response, present(&u));
	etag_of_version(tag, u.version);
	etag_answer(c, tag);
}

static void get(struct call *c)
{
	CLEANUP(user_deinit) struct user u = { 0 };

	if (begin(c, cJSON_CreateObject(), &u) == 0)
		answer(c, u.id);
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

static int check_new(struct call *c, const char *username, const char *password)
{
	CLEANUP(account_deinit) struct account taken = { 0 };
	struct err e;

	if (!account_name_good(username)) {
		response_problem_at(&c->response, "username", -1, "This has up to 128 bytes, no blanks and none of \"'<>\\:,;.");
		return -1;
	}
	if (strlen(password) < USERS_PASSWORD_MIN) {
		response_problem_at(&c->response, "password", -1, "A password has at least %d characters.", USERS_PASSWORD_MIN);
		return -1;
	}
	int found = meta_account_by_name(c->service->meta, username, &taken, &e);

	if (found < 0)
		return access_failed(c, &e);
	if (found)
		response_problem_named(&c->response, 409, "conflict", "There is an account of this name.");
	return found ? -1 : 0;
}

static int add(struct call *c, const struct grant *g, const char *username, const char *password,
	const uint8_t secret[SECRET_TOTP_SIZE], uint64_t *id_r, struct err *e)
{
	struct account_new a = { .username = username, .roles = &g->roles, .scope = g->scope };
	_free_ char *hash = secret_password_hash(password, e);
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
	cJSON *j = present(&u);
	char location[64];

	add_totp(j, username, secret);
	explicit_bzero(secret, sizeof(secret));
	snprintf(location, sizeof(location), ROUTE_V1 "/users/%" PRIu64 "/", id);
	response_created(&c->response, location, j);
}

static void create(struct call *c)
{
	static const struct body_field fields[] = {
		{ .name = "username", .type = BODY_STRING, .required = true, .max = 255 },
		{ .name = "password", .type = BODY_STRING, .required = true, .max = PASSWORD_MAX },
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
	grant_describe(c, &g, detail);
	if (access_intent(c, detail) == 0 && check_new(c, username, password) == 0)
		create_checked(c, &g, username, password);
}

/* ---- changing ---- */

static int check_version(struct call *c, const struct user *u)
{
	char tag[ETAG_SIZE];

	etag_of_version(tag, u->version);
	return etag_check(c, tag);
}

static void patch(struct call *c)
{
	static const struct body_field fields[] = { GRANT_FIELDS, { 0 } };
	CLEANUP(grant_deinit) struct grant g = { 0 };
	CLEANUP(user_deinit) struct user u = { 0 };
	_json_ cJSON *body = body_read(c, fields);
	cJSON *detail = cJSON_CreateObject();
	struct err e;

	if (!body || grant_read(c, body, &g) < 0) {
		cJSON_Delete(detail);
		return;
	}
	grant_describe(c, &g, detail);
	if (begin(c, detail, &u) < 0 || check_version(c, &u) < 0 || grant_check_other(c, u.id) < 0)
		return;
	const struct user_change change = { g.has_roles ? &g.roles : NULL, g.has_scope ? &g.scope : NULL };
	int rc = meta_user_change(c->service->meta, u.id, u.version, &change, &e);

	if (access_changed(c, rc, &e) == 0)
		answer(c, u.id);
}

static void set_disabled(struct call *c, bool disabled)
{
	CLEANUP(user_deinit) struct user u = { 0 };
	struct err e;

	if (begin(c, cJSON_CreateObject(), &u) < 0 || check_version(c, &u) < 0 || grant_check_other(c, u.id) < 0)
		return;
	if (meta_account_disable(c->service->meta, u.username, disabled, &e) < 0) {
		access_failed(c, &e);
		return;
	}
	access_tell_cache(c, u.id);
	answer(c, u.id);
}

static void disable(struct call *c)
{
	set_disabled(c, true);
}

static void enable(struct call *c)
{
	set_disabled(c, false);
}

static void sign_out(struct call *c)
{
	CLEANUP(user_deinit) struct user u = { 0 };
	struct err e;

	if (begin(c, cJSON_CreateObject(), &u) < 0)
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
	uint8_t secret[SECRET_TOTP_SIZE];
	_free_ uint8_t *sealed = NULL;
	struct err e;
	size_t n;

	if (begin(c, cJSON_CreateObject(), &u) < 0 || grant_check_other(c, u.id) < 0)
		return;
	secret_random(secret, sizeof(secret));
	secret_seal(c->service->seal, secret, sizeof(secret), &sealed, &n);
	if (meta_user_totp_set(c->service->meta, u.id, sealed, n, &e) < 0) {
		access_failed(c, &e);
		return;
	}
	access_tell_cache(c, u.id);
	cJSON *j = cJSON_CreateObject();

	add_totp(j, u.username, secret);
	explicit_bzero(secret, sizeof(secret));
	response_json(&c->response, j);
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
	{ 0 },
};
