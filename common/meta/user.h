/* user: accounts as those see them who manage them: people's, and programs' (meta/service.h). */
#ifndef META_USER_H
#define META_USER_H

#include "meta/account.h"

struct user {
	uint64_t id;
	uint64_t version; /* moved on by every change of what is told here */
	char *username;
	bool disabled;
	struct strv roles;
	bool scope_all;
	struct strv mailboxes;	 /* the scope as it was given: not those of the departments */
	struct strv departments; /* names */
	int64_t from_us, until_us; /* INT64_MIN, INT64_MAX: open */
	bool by_provider; /* it has no password: its user signs in through an OpenID provider (meta/identity.h) */
	bool has_factor;  /* a one-time code can be asked for; without, its user enrols with an administrator's token (meta/factor.h) */
};

void user_deinit(struct user *u);

enum user_kind { USER_PERSON, USER_SERVICE };

/* At most limit accounts with an id over `after`, by id: *n_r in *users_r, without mailboxes and departments. Caller deinits
 * each and frees. */
int meta_user_list(struct meta *m, enum user_kind kind, uint64_t after, size_t limit, struct user **users_r, size_t *n_r,
	struct err *e) MUST_CHECK;
void user_list_free(struct user *users, size_t n);

/* 1 with all of it (caller deinits), 0, -1. Of either kind. */
int meta_user_get(struct meta *m, uint64_t id, struct user *u_r, struct err *e) MUST_CHECK;

/* What is to be another; NULL stays as it is. */
struct user_change {
	const struct strv *roles;
	const struct account_scope *scope;
	const uint8_t *certificate; /* of a program: the SHA-256 of the one that its token is bound to */
};

/* All of it or nothing. 1; 0: the account has another version than this; -1 permanent: a role or department does not exist (said which). */
int meta_user_change(struct meta *m, uint64_t id, uint64_t version, const struct user_change *change, struct err *e)
	MUST_CHECK;

#endif
