#include "queryd/service_accounts.h"

#include "base/clock.h"
#include "base/hex.h"
#include "queryd/access.h"
#include "queryd/account.h"
#include "queryd/etag.h"
#include "queryd/list.h"
#include "sys/digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TOKEN_BYTES 32
#define FINGERPRINT_MAX 96 /* 32 bytes with colons between them */

static void list(struct call *c)
{
	account_list(c, USER_SERVICE);
}

static void get(struct call *c)
{
	account_get(c, USER_SERVICE);
}

/* ---- what a program shows ---- */

static void make_token(char token[SERVICE_TOKEN_SIZE], uint8_t hash[SHA256_SIZE])
{
	uint8_t bytes[TOKEN_BYTES];

	secret_random(bytes, sizeof(bytes));
	memcpy(token, SERVICE_TOKEN_PREFIX, strlen(SERVICE_TOKEN_PREFIX));
	hex_encode(token + strlen(SERVICE_TOKEN_PREFIX), bytes, sizeof(bytes));
	explicit_bzero(bytes, sizeof(bytes));
	sha256_of(token, strlen(token), hash);
}

/* As `openssl x509 -fingerprint -sha256` prints it, with or without colons. NULL: it stays as it is. */
static int read_certificate(struct call *c, const char *text, uint8_t digest[SHA256_SIZE])
{
	char digits[FINGERPRINT_MAX + 1];
	size_t n = 0;

	for (; text && *text && n < FINGERPRINT_MAX; text++)
		if (*text != ':')
			digits[n++] = *text;
	digits[n] = '\0';
	if (!text || hex_decode(digest, SHA256_SIZE, digits) == 0)
		return 0;
	response_problem_at(&c->response, "certificate_sha256", -1,
		"This is the SHA-256 of the client certificate (DER): 64 hexadecimal digits.");
	return -1;
}

/* ---- making ---- */

/* Nobody can sign in with a password: it is known to nobody. So is the second factor. */
static int add(struct call *c, const struct grant *g, const char *name, const struct service_identity *s, uint64_t *id_r,
	struct err *e)
{
	struct account_new a = { .username = name, .roles = &g->roles, .scope = g->scope };
	char password[SERVICE_TOKEN_SIZE];
	uint8_t nobodys[SHA256_SIZE];
	_free_ uint8_t *sealed = NULL;

	make_token(password, nobodys);
	_free_ char *hash = secret_password_hash(password, e);

	if (!hash)
		return -1;
	secret_seal(c->service->seal, nobodys, SECRET_TOTP_SIZE, &sealed, &a.totp_secret_length);
	a.password_hash = hash;
	a.totp_secret = sealed;
	return meta_service_add(c->service->meta, &a, s, id_r, e);
}

static void create_checked(struct call *c, const struct grant *g, const char *name, struct service_identity *s)
{
	CLEANUP(user_deinit) struct user u = { 0 };
	char token[SERVICE_TOKEN_SIZE], location[64];
	struct err e;
	uint64_t id;

	make_token(token, s->token);
	s->token_us = clock_now_us();
	int rc = add(c, g, name, s, &id, &e);

	if (access_changed(c, rc < 0 ? -1 : 1, &e) < 0)
		return;
	if (meta_user_get(c->service->meta, id, &u, &e) < 1) {
		access_failed(c, &e);
		return;
	}
	cJSON *j = account_present(c, &u, USER_SERVICE);

	if (!j)
		return;
	json_add_str(j, "token", token);
	snprintf(location, sizeof(location), ROUTE_V1 "/service-accounts/%" PRIu64 "/", id);
	response_created(&c->response, location, j);
}

static void create(struct call *c)
{
	static const struct body_field fields[] = {
		{ .name = "name", .type = BODY_STRING, .required = true, .max = 255 },
		{ .name = "certificate_sha256", .type = BODY_STRING, .required = true, .max = FINGERPRINT_MAX },
		GRANT_FIELDS,
		{ 0 },
	};
	CLEANUP(grant_deinit) struct grant g = { 0 };
	_json_ cJSON *body = body_read(c, fields);
	struct service_identity s = { 0 };

	if (!body || grant_read(c, body, &g) < 0 ||
		read_certificate(c, body_string(body, "certificate_sha256"), s.certificate) < 0)
		return;
	cJSON *detail = cJSON_CreateObject();

	json_add_str(detail, "name", body_string(body, "name"));
	json_add_str(detail, "certificate_sha256", body_string(body, "certificate_sha256"));
	grant_describe(c, &g, detail);
	if (access_intent(c, detail) == 0 && account_check_name(c, "name", body_string(body, "name")) == 0)
		create_checked(c, &g, body_string(body, "name"), &s);
}

/* ---- changing ---- */

static void patch(struct call *c)
{
	static const struct body_field fields[] = {
		{ .name = "certificate_sha256", .type = BODY_STRING, .max = FINGERPRINT_MAX },
		GRANT_FIELDS,
		{ 0 },
	};
	CLEANUP(grant_deinit) struct grant g = { 0 };
	CLEANUP(user_deinit) struct user u = { 0 };
	_json_ cJSON *body = body_read(c, fields);
	uint8_t certificate[SHA256_SIZE];
	const char *text = body ? body_string(body, "certificate_sha256") : NULL;

	if (!body || grant_read(c, body, &g) < 0 || read_certificate(c, text, certificate) < 0)
		return;
	cJSON *detail = cJSON_CreateObject();

	if (text)
		json_add_str(detail, "certificate_sha256", text);
	grant_describe(c, &g, detail);
	if (account_begin(c, USER_SERVICE, detail, &u) == 0 && account_check_version(c, &u) == 0 &&
		grant_check_other(c, u.id) == 0 && account_give(c, &u, &g, text ? certificate : NULL) == 0)
		account_answer(c, USER_SERVICE, u.id);
}

/* The token, with the tag that the account has now. */
static void answer_rotated(struct call *c, uint64_t id, const char *token)
{
	CLEANUP(user_deinit) struct user u = { 0 };
	cJSON *j = cJSON_CreateObject();
	char tag[ETAG_SIZE];
	struct err e;

	json_add_str(j, "token", token);
	response_json(&c->response, j);
	if (meta_user_get(c->service->meta, id, &u, &e) < 1)
		return;
	etag_of_version(tag, u.version);
	etag_answer(c, tag);
}

static void rotate(struct call *c)
{
	CLEANUP(user_deinit) struct user u = { 0 };
	char token[SERVICE_TOKEN_SIZE];
	uint8_t hash[SHA256_SIZE];
	struct err e;

	if (account_begin(c, USER_SERVICE, cJSON_CreateObject(), &u) < 0 || account_check_version(c, &u) < 0)
		return;
	make_token(token, hash);
	if (access_changed(c, meta_service_set_token(c->service->meta, u.id, u.version, hash, clock_now_us(), &e), &e) < 0)
		return;
	access_tell_cache(c, u.id);
	answer_rotated(c, u.id, token);
}

static void disable(struct call *c)
{
	account_set_disabled(c, USER_SERVICE, true);
}

static void enable(struct call *c)
{
	account_set_disabled(c, USER_SERVICE, false);
}

/* ---- the table ---- */

#define SERVICES ROUTE_V1 "/service-accounts"
#define MANAGED .permission = "USER_MANAGE", .fresh = true

const struct route service_account_routes[] = {
	{ .method = METHOD_GET, .pattern = SERVICES "/", .action = "service-account.list", .parameters = list_parameters,
		.handle = list, MANAGED },
	{ .method = METHOD_POST, .pattern = SERVICES "/", .action = "service-account.create", .body_max = ROUTE_BODY_JSON,
		.handle = create, MANAGED },
	{ .method = METHOD_GET, .pattern = SERVICES "/{id}/", .action = "service-account.read", .handle = get, MANAGED },
	{ .method = METHOD_PATCH, .pattern = SERVICES "/{id}/", .action = "service-account.change",
		.body_max = ROUTE_BODY_JSON, .handle = patch, MANAGED },
	{ .method = METHOD_POST, .pattern = SERVICES "/{id}/rotate", .action = "service-account.rotate", .handle = rotate,
		MANAGED },
	{ .method = METHOD_POST, .pattern = SERVICES "/{id}/disable", .action = "service-account.disable",
		.handle = disable, MANAGED },
	{ .method = METHOD_POST, .pattern = SERVICES "/{id}/enable", .action = "service-account.enable", .handle = enable,
		MANAGED },
	{ 0 },
};
