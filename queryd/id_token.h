/* id_token: what an OpenID provider says of who has signed in there (OpenID Connect Core 1.0, 2 and 3.1.3.7): every claim that
 * says whom the token is for, and when, is checked. That the provider has signed it is checked before (sys/jws.h). What it does
 * not say of the name and the groups may come from elsewhere (queryd/userinfo.h). */
#ifndef QUERYD_ID_TOKEN_H
#define QUERYD_ID_TOKEN_H

#include "base/strv.h"
#include "sys/json.h"

#define ID_TOKEN_SKEW_S 60	/* by how much the provider's clock may differ */
#define ID_TOKEN_AGE_MAX_S 600	/* it is fetched the moment that it is made */
#define ID_TOKEN_SUBJECT_MAX 255

struct id_token_wanted {
	const char *issuer, *client_id, *nonce;
	const char *account_claim, *groups_claim; /* what is read of it; groups_claim "": none are */
};

struct id_token {
	char *subject;
	char *account;	  /* NULL when the claim is missing */
	bool account_verified; /* it is no address of mail, or one that the provider has verified */
	struct strv groups;
	bool groups_said;      /* though there may be none */
	bool groups_elsewhere; /* there are some, which the token does not name (5.6.2) */
	char *acr;	  /* NULL when missing */
	struct strv amr;
	int64_t signed_in_s; /* when, at the provider; 0 when it is not said */
};

void id_token_deinit(struct id_token *t);

/* 0 with the claims; caller deinits. -1 permanent with the reason for the log. */
int id_token_read(struct id_token *t_r, const cJSON *claims, const struct id_token_wanted *w, int64_t now_s, struct err *e)
	MUST_CHECK;

/* Is there all that is wanted of name and groups? */
bool id_token_is_whole(const struct id_token *t, const struct id_token_wanted *w);

/* Takes what is missing of it from other claims of the same subject. */
void id_token_complete(struct id_token *t, const cJSON *claims, const struct id_token_wanted *w);

#endif
