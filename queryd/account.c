#include "queryd/account.h"

#include "base/hex.h"
#include "meta/identity.h"
#include "queryd/access.h"
#include "queryd/audit.h"
#include "queryd/etag.h"
#include "queryd/list.h"
#include "queryd/present.h"

#include <inttypes.h>

/* ---- telling ---- */

static cJSON *present_brief(const struct user *u, enum user_kind kind)
{
	cJSON *j = cJSON_CreateObject();
	_free_ char *id = mem_printf("%" PRIu64, u->id);

	json_add_str(j, "id", id);
	json_add_str(j, kind == USER_PERSON ? "username" : "name", u->username);
	json_add_bool(j, "disabled", u->disabled);
	if (kind == USER_PERSON) {
		json_add_str(j, "sign_in", u->by_provider ? "provider" : "password");
		json_add_bool(j, "second_factor", u->has_factor);
	}
	grant_present_list(j, "roles", &u->roles);
	return j;
}

/* Who it is at the provider; null for nobody yet. */
static int add_person(struct call *c, cJSON *j, uint64_t id)
{
	CLEANUP(identity_deinit) struct identity i = { 0 };
	struct err e;
	int found = meta_identity_get(c->service->meta, id, &i, &e);

	if (found < 0)
		return access_failed(c, &e);
	cJSON *identity = found ? cJSON_CreateObject() : cJSON_CreateNull();

	if (found) {
		json_add_str(identity, "issuer", i.issuer);
		json_add_str(identity, "subject", i.subject);
		present_time(identity, "linked_at", i.linked_us);
	}
	json_add_item(j, "identity", identity);
	return 0;
}

static int add_program(struct call *c, cJSON *j, uint64_t id)
{
	char certificate[SHA256_TEXT_SIZE];
	struct service_identity s;
	struct err e;

	if (meta_service_get(c->service->meta, id, &s, &e) != 1)
		return access_failed(c, &e);
	hex_encode(certificate, s.certificate, sizeof(s.certificate));
	json_add_str(j, "certificate_sha256", certificate);
	present_time(j, "token_created_at", s.token_us);
	return 0;
}

cJSON *account_present(struct call *c, const struct user *u, enum user_kind kind)
{
	_json_ cJSON *j = present_brief(u, kind);

	grant_present_scope(j, u);
	if ((kind == USER_SERVICE ? add_program : add_person)(c, j, u->id) < 0)
		return NULL;
	cJSON *whole = j;

	j = NULL;
	return whole;
}

void account_list(struct call *c, enum user_kind kind)
{
	CLEANUP(list_deinit) struct list l = { 0 };
	struct user *users = NULL;
	uint64_t after;
	struct err e;
	size_t n;

	if (list_read(c, &l) < 0 || list_after_u64(c, &l, &after) < 0 || audit_intent_signed_in(c, NULL) < 0)
		return;
	if (meta_user_list(c->service->meta, kind, after, l.limit + 1, &users, &n, &e) < 0) {
		access_failed(c, &e);
		return;
	}
	cJSON *items = cJSON_CreateArray();
	size_t given = n > l.limit ? l.limit : n;

	for (size_t i = 0; i < given; i++)
		cJSON_AddItemToArray(items, present_brief(&users[i], kind));
	_free_ char *last = n > given ? mem_printf("%" PRIu64, users[given - 1].id) : NULL;

	list_answer(c, items, last);
	user_list_free(users, n);
}

/* 1, 0 when there is none of this kind, -1. */
static int find(struct call *c, enum user_kind kind, struct user *u_r, struct err *e)
{
	struct service_identity s;
	uint64_t id = access_id(c);
	int is_service = id ? meta_service_get(c->service->meta, id, &s, e) : 0;

	if (!id || is_service < 0 || is_service != (kind == USER_SERVICE))
		return is_service < 0 ? -1 : 0;
	return meta_user_get(c->service->meta, id, u_r, e);
}

int account_begin(struct call *c, enum user_kind kind, cJSON *detail, struct user *u_r)
{
	struct err e;
	int found = find(c, kind, u_r, &e);

	if (found == 1)
		json_add_str(detail, "username", u_r->username);
	if (access_intent(c, detail) < 0)
		return -1;
	if (found < 0)
		return access_failed(c, &e);
	return found ? 0 : access_not_found(c);
}

void account_answer(struct call *c, enum user_kind kind, uint64_t id)
{
	CLEANUP(user_deinit) struct user u = { 0 };
	char tag[ETAG_SIZE];
	struct err e;

	if (meta_user_get(c->service->meta, id, &u, &e) < 0) {
		access_failed(c, &e);
		return;
	}
	cJSON *j = account_present(c, &u, kind);

	if (!j)
		return;
	response_json(&c->response, j);
	etag_of_version(tag, u.version);
	etag_answer(c, tag);
}

void account_get(struct call *c, enum user_kind kind)
{
	CLEANUP(user_deinit) struct user u = { 0 };

	if (account_begin(c, kind, cJSON_CreateObject(), &u) == 0)
		account_answer(c, kind, u.id);
}

/* ---- changing ---- */

int account_check_name(struct call *c, const char *field, const char *name)
{
	CLEANUP(account_deinit) struct account taken = { 0 };
	struct err e;

	if (!account_name_good(name)) {
		response_problem_at(&c->response, field, -1, "This has up to 128 bytes, no blanks and none of \"'<>\\:,;.");
		return -1;
	}
	int found = meta_account_by_name(c->service->meta, name, &taken, &e);

	if (found < 0)
		return access_failed(c, &e);
	if (found)
		response_problem_named(&c->response, 409, "conflict", "There is an account of this name.");
	return found ? -1 : 0;
}

int account_check_version(struct call *c, const struct user *u)
{
	char tag[ETAG_SIZE];

	etag_of_version(tag, u->version);
	return etag_check(c, tag);
}

int account_give(struct call *c, const struct user *u, const struct grant *g, const uint8_t *certificate)
{
	const struct user_change change = { g->has_roles ? &g->roles : NULL, g->has_scope ? &g->scope : NULL, certificate };
	struct err e;
	int rc = meta_user_change(c->service->meta, u->id, u->version, &change, &e);

	return access_changed(c, rc, &e);
}

void account_set_disabled(struct call *c, enum user_kind kind, bool disabled)
{
	CLEANUP(user_deinit) struct user u = { 0 };
	struct err e;

	if (account_begin(c, kind, cJSON_CreateObject(), &u) < 0 || account_check_version(c, &u) < 0 ||
		grant_check_other(c, u.id) < 0)
		return;
	if (meta_account_disable(c->service->meta, u.username, disabled, &e) < 0) {
		access_failed(c, &e);
		return;
	}
	access_tell_cache(c, u.id);
	account_answer(c, kind, u.id);
}
