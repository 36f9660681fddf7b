/* signin: from a first step, a password or an OpenID provider (queryd/oidc.h), and a one-time code to a session. */
#ifndef QUERYD_SIGNIN_H
#define QUERYD_SIGNIN_H

#include "queryd/route.h"

#define SIGNIN_USERNAME_MAX 256
#define SIGNIN_PASSWORD_MAX 1024

/* POST auth/login: {"username","password"} → {"mfa_token","expires_in"}, and "enrolment_required" where the account has no second
 * factor yet (queryd/enrolment.h). Of an unknown user, a disabled one and a wrong
 * password the answers are the same and take as long.
 *
 * POST auth/totp: {"mfa_token","code"} → the tokens of a session (queryd/session_begin.h). A code is good once, and few may
 * be tried (meta/account.h): an account without tries left gets the answer of a wrong code. */
extern const struct route signin_routes[];

struct signin_proof;

/* Is it good? Of c->account. 1, 0, -1. */
typedef int signin_check(struct call *c, const struct signin_proof *proof, struct err *e);

/* What is shown in the second step, besides the token of the first. */
struct signin_proof {
	signin_check *check;
	const char *strength; /* what a session's says of it behind the first step's, "totp"; NULL: it does not end the sign-in */
	const char *code;     /* as sent */
	void *ctx;	      /* check's own */
};

/* The first step is done: the response is {"mfa_token",…}. */
void signin_answer_first(struct call *c, const struct account *a, const char *proved);

/* Finds the account behind the token that the first step gave, writes the intent and checks the proof. By what it was proved in
 * the first step, or NULL: the response is set, and the same whatever was wrong. */
const char *signin_second_step(struct call *c, const char *mfa_token, const struct signin_proof *proof) MUST_CHECK;

/* The same, and then begins the session: session_tokens(). NULL: the response is set. */
cJSON *signin_finish(struct call *c, const char *mfa_token, const struct signin_proof *proof) MUST_CHECK;

/* The handler of a second step whose request is {"mfa_token","code"}. */
void signin_by_code(struct call *c, signin_check *check, const char *strength);

#endif
