/* session: who is signed in. A session begins with a sign-in and ends by itself at until_us, by meta_session_end(), or with
 * all others of its account when the account's token generation moves on or it is disabled (meta/account.h). */
#ifndef META_SESSION_H
#define META_SESSION_H

#include "base/uuid.h"
#include "meta/account.h"
#include "sys/digest.h"

struct session {
	struct uuid id;		/* uuid_new() */
	uint64_t account_id;
	uint64_t generation;	/* of the account when it signed in */
	char *strength;		/* as in audit_intent: "password+totp" */
	int64_t created_us;
	int64_t seen_us;	/* sign-in, refresh or second factor, whichever was last */
	int64_t factor_us;	/* the last second factor */
	int64_t until_us;
	char *client, *agent;	/* where it was seen last */
	uint8_t refresh_family[SHA256_SIZE]; /* of the part of its refresh tokens that stays */
	uint8_t refresh_hash[SHA256_SIZE];   /* of the part that is good now */
	uint8_t refresh_before[SHA256_SIZE]; /* of the one before; zeros when there was none */
	int64_t refreshed_us;	/* when that became the one before */
	int64_t ended_us;	/* 0: it did not */
};

void session_deinit(struct session *s);

/* May it be used? What meta_session_get() gave, or another state of it. */
bool session_lives(const struct session *s, const struct account *a, int64_t now_us);

/* Begins one: all members but refresh_before and ended_us are taken. Forgets those of all accounts whose time is over. */
int meta_session_add(struct meta *m, const struct session *s, struct err *e) MUST_CHECK;

/* The session and its account, with permissions and mailboxes, as one state of the database: 1 with *s_r and *a_r (caller
 * deinits both), 0, -1. It need not live. */
int meta_session_get(struct meta *m, const struct uuid *id, struct session *s_r, struct account *a_r, struct err *e)
	MUST_CHECK;

/* Puts another hash in the place of the one that is good now, which must be `from`; of two who try the same one wins. s has
 * the id and the members that change: refresh_hash, seen_us, client and agent. 1, 0 when another was first or it has
 * ended, -1. */
int meta_session_refresh(struct meta *m, const struct session *s, const uint8_t from[SHA256_SIZE], struct err *e) MUST_CHECK;

/* A second factor was proved now. 1, 0 when it has ended, -1. */
int meta_session_factor(struct meta *m, const struct uuid *id, int64_t now_us, struct err *e) MUST_CHECK;

/* Ends this session of this account. reason: "logout", … 1, 0 when the account has none of this id that has not ended, -1. */
int meta_session_end(struct meta *m, uint64_t account_id, const struct uuid *id, const char *reason, int64_t now_us,
	struct err *e) MUST_CHECK;

/* Those of an account that live, the newest first, older than `before` (NULL: from the newest on), at most max: *n_r in
 * *sessions_r, without hashes. Caller frees with sessions_free(). */
int meta_session_list(struct meta *m, uint64_t account_id, int64_t now_us, const struct uuid *before, size_t max,
	struct session **sessions_r, size_t *n_r, struct err *e) MUST_CHECK;
void sessions_free(struct session *sessions, size_t n);

#endif
