#include "cli/operator.h"
#include "cli/otpauth.h"
#include "cli/password.h"
#include "cli/user.h"
#include "sys/secret.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int add_audited(struct meta *m, const struct user_wanted *w, const struct account_new *account, struct err *e)
{
	cJSON *detail _json_ = user_describe(w);
	struct uuid intent;
	struct err later;
	uint64_t id;

	if (operator_intent(m, "account.create", detail, &intent, e) < 0)
		return -1;
	int rc = meta_account_add(m, account, &id, e);

	if (operator_outcome(m, &intent, rc, rc < 0 ? &later : e) < 0)
		return -1;
	return rc;
}

/* password: NULL for who signs in through the provider. */
static int add(struct meta *m, const struct conf *conf, const struct user_wanted *w, const char *password,
	const uint8_t totp[SECRET_TOTP_SIZE], struct err *e)
{
	struct secret_key *key CLEANUP(secret_key_freep) = NULL;
	_free_ uint8_t *sealed = NULL;
	struct account_new account = {
		.username = w->username,
		.roles = &w->roles,
		.scope = user_scope(w),
	};

	if (secret_key_load(&key, conf->key_dir, e) < 0)
		return -1;
	_free_ char *hash = password ? secret_password_hash(password, e) : mem_strdup("");

	if (!hash)
		return -1;
	secret_seal(key, totp, SECRET_TOTP_SIZE, &sealed, &account.totp_secret_length);
	account.password_hash = hash;
	account.totp_secret = sealed;
	return add_audited(m, w, &account, e);
}

static void print_result(const struct user_wanted *w, const uint8_t totp[SECRET_TOTP_SIZE])
{
	char *url CLEANUP(password_freep) = otpauth_url(w->username, totp, SECRET_TOTP_SIZE);
	_free_ char *roles = strv_join(&w->roles, ", ");

	printf("user %s added; roles: %s; scope: %s\n", w->username, roles, user_scope_text(w));
	printf("\nThis is shown once. Give it to the user's authenticator program:\n\n%s\n", url);
	if ((w->qr || isatty(STDOUT_FILENO)) && otpauth_draw(url, stdout) < 0)
		puts("(too long for a QR code)");
}

int user_add(struct meta *m, const struct conf *conf, const struct user_wanted *w)
{
	const struct password_rules rules = { conf->queryd_password_min, conf->queryd_password_deny_file };
	uint8_t totp[SECRET_TOTP_SIZE];
	struct err e;

	if (w->provider && !*conf->oidc_issuer)
		return cli_usage(&user_command, "no sign-in provider is configured (issuer in section [oidc])");
	char *password CLEANUP(password_freep) = w->provider ? NULL : password_ask(&rules, w->username, &e);

	if (!password && !w->provider)
		return cli_usage(&user_command, "%s", e.text);
	secret_random(totp, sizeof(totp));
	if (add(m, conf, w, password, totp, &e) < 0)
		return cli_failed(&e);
	print_result(w, totp);
	explicit_bzero(totp, sizeof(totp));
	return CLI_OK;
}
