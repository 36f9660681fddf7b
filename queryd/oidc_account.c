#include "queryd/oidc_account.h"

#include "base/clock.h"
#include "conf/role_map.h"
#include "meta/role.h"
#include "meta/user.h"
#include "queryd/grant.h"

#include <string.h>

#define ROLES_TRIES 3 /* while somebody else changes the account at the same time */

void oidc_account_deinit(struct oidc_account *a)
{
	free(a->name);
	identity_deinit(&a->identity);
	strv_deinit(&a->roles);
	strv_deinit(&a->roles_before);
	*a = (struct oidc_account){ 0 };
}

/* ---- finding ---- */

/* The roles that the groups give, those that there are. */
static int find_roles(struct call *c, const struct id_token *t, struct strv *roles, struct err *e)
{
	CLEANUP(strv_deinit) struct strv named = { 0 };

	role_map_roles(c->service->conf->oidc_roles, &t->groups, &named);
	for (size_t i = 0; i < named.n; i++) {
		CLEANUP(role_deinit) struct role role = { 0 };
		int found = meta_role_get(c->service->meta, named.items[i], &role, e);

		if (found < 0)
			return -1;
		if (found)
			strv_add(roles, named.items[i]);
		else
			log_error(&c->log, "oidc.roles names the role %s, which does not exist", named.items[i]);
	}
	return 0;
}

/* The account that has the name which the token says. */
static int find_by_name(struct call *c, const struct id_token *t, struct oidc_account *a, struct err *e)
{
	CLEANUP(account_deinit) struct account found = { 0 };

	if (!t->account || !account_name_good(t->account)) {
		log_info(&c->log, "the provider says no name that an account can have");
		return 0;
	}
	a->name = mem_strdup(t->account);
	if (!t->account_verified) {
		log_info(&c->log, "the provider has not verified the address %s", t->account);
		return 0;
	}
	int rc = meta_account_by_name(c->service->meta, t->account, &found, e);

	if (rc < 0)
		return -1;
	if (rc && *found.password_hash) {
		log_warn(&c->log, "the account %s has a password: it is not left to the provider", t->account);
	} else if (rc) {
		a->state = OIDC_NAMED;
		a->id = found.id;
	} else if (c->service->conf->oidc_provision && a->roles.n) {
		a->state = OIDC_NEW;
	} else {
		log_info(&c->log, "there is no account %s, and none is made", t->account);
	}
	return 0;
}

static int load_account(struct call *c, struct oidc_account *a, struct err *e)
{
	int rc = meta_account_by_id(c->service->meta, a->id, &c->account, e);

	if (rc < 0)
		return -1;
	if (!rc || c->account.disabled)
		a->state = OIDC_NOBODY;
	free(a->name);
	a->name = mem_strdup(c->account.username);
	return a->sets_roles ? meta_account_roles(c->service->meta, a->id, &a->roles_before, e) : 0;
}

int oidc_account_find(struct call *c, const struct id_token *t, struct oidc_account *a_r, struct err *e)
{
	const struct conf *conf = c->service->conf;

	a_r->identity = (struct identity){ mem_strdup(conf->oidc_issuer), mem_strdup(t->subject), clock_now_us() };
	a_r->sets_roles = *conf->oidc_roles;
	if (find_roles(c, t, &a_r->roles, e) < 0)
		return -1;
	int linked = meta_identity_account(c->service->meta, &a_r->identity, &a_r->id, e);

	if (linked < 0)
		return -1;
	if (linked)
		a_r->state = OIDC_LINKED;
	else if (find_by_name(c, t, a_r, e) < 0)
		return -1;
	return a_r->id ? load_account(c, a_r, e) : 0;
}

/* ---- telling ---- */

static bool same_roles(const struct strv *a, const struct strv *b)
{
	for (size_t i = 0; i < a->n; i++)
		if (!strv_has(b, a->items[i]))
			return false;
	return a->n == b->n;
}

cJSON *oidc_account_describe(const struct oidc_account *a)
{
	cJSON *j = cJSON_CreateObject();

	json_add_str(j, "issuer", a->identity.issuer);
	json_add_str(j, "subject", a->identity.subject);
	if (a->state == OIDC_NAMED)
		json_add_bool(j, "links", true);
	if (a->state == OIDC_NEW)
		json_add_bool(j, "creates", true);
	if (a->state != OIDC_NOBODY && a->sets_roles && !same_roles(&a->roles, &a->roles_before)) {
		grant_present_list(j, "roles", &a->roles);
		grant_present_list(j, "roles_before", &a->roles_before);
	}
	return j;
}

/* ---- doing ---- */

static int make(struct call *c, struct oidc_account *a, struct err *e)
{
	const struct account_new fresh = { .username = a->name, .password_hash = "", .totp_secret = "", .roles = &a->roles,
		.scope = { .from_us = INT64_MIN, .until_us = INT64_MAX } };

	if (meta_identity_add(c->service->meta, &fresh, &a->identity, &a->id, e) < 0)
		return -1;
	log_info(&c->log, "the account %s is made; `strongroom user reset-mfa` gives the token for its second factor", a->name);
	return 1;
}

static int link_named(struct call *c, const struct oidc_account *a, struct err *e)
{
	int rc = meta_identity_link(c->service->meta, a->id, &a->identity, e);

	if (rc == 0)
		log_warn(&c->log, "the account %s is linked to somebody else at the provider", a->name);
	return rc;
}

/* 1; 0: another change was first; -1. */
static int try_roles(struct call *c, const struct oidc_account *a, struct err *e)
{
	CLEANUP(user_deinit) struct user u = { 0 };
	const struct user_change change = { .roles = &a->roles };
	int rc = meta_user_get(c->service->meta, a->id, &u, e);

	if (rc == 1 && !same_roles(&a->roles, &u.roles))
		rc = meta_user_change(c->service->meta, a->id, u.version, &change, e);
	return rc;
}

static int set_roles(struct call *c, const struct oidc_account *a, struct err *e)
{
	int rc = 0;

	for (int i = 0; i < ROLES_TRIES && rc == 0; i++)
		rc = try_roles(c, a, e);
	return rc ? rc : err_temporary(e, "change(%s) failed: somebody else changes it all the time", a->name);
}

int oidc_account_settle(struct call *c, struct oidc_account *a, struct err *e)
{
	int rc = a->state == OIDC_NEW ? make(c, a, e) : a->state == OIDC_NAMED ? link_named(c, a, e) : a->state == OIDC_LINKED;

	if (rc == 1 && a->sets_roles)
		rc = set_roles(c, a, e);
	if (rc != 1)
		return rc;
	account_deinit(&c->account);
	rc = meta_account_by_id(c->service->meta, a->id, &c->account, e);
	return rc ? rc : err_temporary(e, "find(%s) failed: the database is behind", a->name);
}
