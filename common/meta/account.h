/* account: users, roles, permissions, departments, and what scopes are made from. */
#ifndef META_ACCOUNT_H
#define META_ACCOUNT_H

#include "base/strv.h"
#include "meta/meta.h"

#include <stdbool.h>
#include <stdint.h>

/* A user as sign-in and authorisation need it. */
struct account {
	uint64_t id;
	char *username;
	char *password_hash;	    /* crypto_pwhash_str form; "": none (meta/identity.h) */
	uint8_t *totp_secret;	    /* sealed with the installation's key (queryd/secret): meta never sees it plain */
	size_t totp_secret_length;
	bool disabled;
	uint64_t token_generation;  /* tokens that carry an older one are dead */
	struct strv permissions;    /* of all the user's roles: "ARCHIVE_SEARCH", "ARCHIVE_READ", … */
	bool scope_all;
	struct strv scope_mailboxes; /* the mailboxes of its departments included */
	int64_t scope_from_us;	     /* INT64_MIN when open */
	int64_t scope_until_us;	     /* INT64_MAX when open */
};

void account_deinit(struct account *a);

/* May a new account have this name? Up to 128 bytes of UTF-8 without blanks, control characters and quotes. */
bool account_name_good(const char *name);

/* 1 with *a_r (caller deinits), 0, -1. By name for signing in: without permissions and mailboxes, so that looking up a name
 * takes no longer when there is a user with a thousand of them. */
int meta_account_by_name(struct meta *m, const char *username, struct account *a_r, struct err *e) MUST_CHECK;
int meta_account_by_id(struct meta *m, uint64_t id, struct account *a_r, struct err *e) MUST_CHECK;

/* What one may do and see, and who it is: without what proves that, for a program that acts in its name. As
 * meta_account_by_id(). */
int meta_account_rights(struct meta *m, uint64_t id, struct account *a_r, struct err *e) MUST_CHECK;

/* All accounts, by name: *n_r ids in *ids_r (caller frees). The roles of one; caller deinits. */
int meta_account_ids(struct meta *m, uint64_t **ids_r, size_t *n_r, struct err *e) MUST_CHECK;
int meta_account_roles(struct meta *m, uint64_t id, struct strv *roles_r, struct err *e) MUST_CHECK;

/* What an account may see. */
struct account_scope {
	bool all;
	const struct strv *mailboxes;	/* may be NULL */
	const struct strv *departments; /* names; each must exist; may be NULL */
	int64_t from_us, until_us;	/* INT64_MIN, INT64_MAX: open */
};

struct account_new {
	const char *username;
	const char *password_hash;
	const void *totp_secret;
	size_t totp_secret_length;
	const struct strv *roles; /* names; each must exist */
	struct account_scope scope;
};

/* -1 permanent: the name is taken, or a role or department does not exist (said which). */
int meta_account_add(struct meta *m, const struct account_new *a, uint64_t *id_r, struct err *e) MUST_CHECK;

/* Of an account that exists already, at its user's next request. -1 permanent: there is none of this name, or what the
 * scope names does not exist. */
int meta_account_scope_set(struct meta *m, const char *username, const struct account_scope *scope, struct err *e)
	MUST_CHECK;
int meta_account_sign_out(struct meta *m, const char *username, struct err *e) MUST_CHECK; /* ends all its sessions */
int meta_account_disable(struct meta *m, const char *username, bool disabled, struct err *e) MUST_CHECK; /* and so does this */

/* How many one-time codes may be tried in a row, and how long a spent try takes to come back: whoever has the password has
 * the wrong code nearly always (three of a million are right), and a tenth of a percent of a chance in a day. Its user
 * is kept out for one try's time at most. */
#define ACCOUNT_CODE_TRIES 10
#define ACCOUNT_CODE_TRY_US (5 * 60 * INT64_C(1000000))

/* Takes a try, before the code is looked at: 1, or 0 when none is left. Durable and atomic: neither a restart nor many
 * connections give more. A code that is used gives all tries back. */
int meta_account_code_try(struct meta *m, uint64_t id, int64_t now_us, struct err *e) MUST_CHECK;

/* Uses up a TOTP step: 1 when `step` is later than every step this user used before, 0 when not (a replay); one atomic
 * statement, so that of two sign-ins with one code one fails. */
int meta_account_totp_use(struct meta *m, uint64_t id, uint64_t step, struct err *e) MUST_CHECK;

/* A department's mailboxes: 1 with *mailboxes_r (caller deinits), 0 when there is none of that name, -1. */
int meta_department_mailboxes(struct meta *m, const char *name, struct strv *mailboxes_r, struct err *e) MUST_CHECK;

enum department_change {
	DEPARTMENT_SET,	   /* to these mailboxes; made when there is none of that name */
	DEPARTMENT_ADD,	   /* these; made when there is none of that name */
	DEPARTMENT_REMOVE, /* these: -1 permanent when there is no such department, or one of them is not in it */
};

/* All of it or nothing. */
int meta_department_change(struct meta *m, const char *name, enum department_change change, const struct strv *mailboxes,
	struct err *e) MUST_CHECK;

#endif
