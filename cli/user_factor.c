/* user password, user reset-mfa: for who has lost what proves them, the only administrator among them. */
#include "base/clock.h"
#include "cli/operator.h"
#include "cli/password.h"
#include "cli/user.h"
#include "meta/factor.h"
#include "sys/secret.h"

#include <stdio.h>
#include <string.h>

static int find(struct meta *m, const struct user_wanted *w, struct account *a_r, struct err *e)
{
	int found = meta_account_by_name(m, w->username, a_r, e);

	return found == 0 ? err_permanent(e, "change(%s) failed: there is no account of this name", w->username) : found < 0 ? -1 : 0;
}

static int set_password(struct meta *m, const struct user_wanted *w, const char *password, struct err *e)
{
	CLEANUP(account_deinit) struct account a = { 0 };
	cJSON *detail _json_ = user_describe(w);
	struct uuid intent;
	struct err later;

	if (find(m, w, &a, e) < 0)
		return -1;
	_free_ char *hash = secret_password_hash(password, e);

	if (!hash || operator_intent(m, "account.password", detail, &intent, e) < 0)
		return -1;
	int rc = meta_factor_password(m, a.id, NULL, hash, e);

	if (operator_outcome(m, &intent, rc, rc < 0 ? &later : e) < 0)
		return -1;
	return rc;
}

int user_password(struct meta *m, const struct conf *conf, const struct user_wanted *w)
{
	const struct password_rules rules = { conf->queryd_password_min, conf->queryd_password_deny_file };
	struct err e;
	char *password CLEANUP(password_freep) = password_ask(&rules, w->username, &e);

	if (!password)
		return cli_usage(&user_command, "%s", e.text);
	if (set_password(m, w, password, &e) < 0)
		return cli_failed(&e);
	user_tell_cache(conf, m, w->username);
	printf("user %s has another password and is signed out everywhere\n", w->username);
	return CLI_OK;
}

static int reset(struct meta *m, const struct user_wanted *w, char token_r[FACTOR_TOKEN_SIZE], bool *by_provider_r, struct err *e)
{
	CLEANUP(account_deinit) struct account a = { 0 };
	cJSON *detail _json_ = user_describe(w);
	struct uuid intent;
	struct err later;

	if (find(m, w, &a, e) < 0 || operator_intent(m, "account.reset-mfa", detail, &intent, e) < 0)
		return -1;
	*by_provider_r = !*a.password_hash;
	int rc = meta_factor_reset(m, a.id, clock_now_us(), token_r, e);

	if (operator_outcome(m, &intent, rc, rc < 0 ? &later : e) < 0)
		return -1;
	return rc;
}

int user_reset_mfa(struct meta *m, const struct conf *conf, const struct user_wanted *w)
{
	char token[FACTOR_TOKEN_SIZE];
	bool by_provider;
	struct err e;

	if (reset(m, w, token, &by_provider, &e) < 0)
		return cli_failed(&e);
	user_tell_cache(conf, m, w->username);
	printf("user %s has no second factor and is signed out everywhere\n", w->username);
	printf("\nThis is shown once. With it, behind the %s, the user enrols within %d days:\n\n%s\n",
		by_provider ? "sign-in through the provider" : "password", FACTOR_TOKEN_LIFE_S / 86400, token);
	explicit_bzero(token, sizeof(token));
	return CLI_OK;
}
