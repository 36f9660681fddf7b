/* deploy_access: who gets in, for how long, and who can watch. D2.. */
#include "base/clock.h"
#include "cli/deploy.h"

#include <inttypes.h>
#include <string.h>

static void queryd_listen(struct deploy *d)
{
	static const char *const from[] = { "this machine", "the network", "all networks of this machine" };

	deploy_say(d, DEPLOY_OK, NULL, "strongroom-queryd can be reached from %s, over TLS alone", from[deploy_reach(d->conf->queryd_listen)]);
}

static void client_listen(struct deploy *d)
{
	const char *revoked = d->conf->queryd_tls_client_crl;

	if (!*d->conf->queryd_client_listen)
		deploy_say(d, DEPLOY_OK, NULL, "there is no listener for programs (client_listen): tokens of service accounts are of no use");
	else
		deploy_say(d, DEPLOY_OK, NULL, "programs need a client certificate beside their token (client_listen); %s%s",
			*revoked ? "revoked are those in " : "none counts as revoked (tls_client_crl)", revoked);
}

/* A duration that should not be over one, and must not be over another. */
static void duration(struct deploy *d, const char *name, int64_t us, int64_t wish_us, int64_t must_us, const char *means)
{
	_free_ char *remedy = mem_printf("set %s in [queryd] to %" PRId64 " minutes or less", name, wish_us / (60 * CLOCK_SECOND));
	enum deploy_verdict v = us > must_us ? DEPLOY_ERROR : us > wish_us ? DEPLOY_WARNING : DEPLOY_OK;

	deploy_say(d, v, remedy, "%s is %" PRId64 " minutes: %s", name, us / (60 * CLOCK_SECOND), means);
}

static void mfa_session(struct deploy *d)
{
	duration(d, "mfa_session", d->conf->queryd_mfa_session_us, 60 * 60 * CLOCK_SECOND, 12 * 3600 * CLOCK_SECOND,
		"so long a screen left alone can search and read");
}

static void token_life(struct deploy *d)
{
	duration(d, "token_life", d->conf->queryd_token_us, 60 * 60 * CLOCK_SECOND, 12 * 3600 * CLOCK_SECOND,
		"so long an access token is good that somebody got hold of, unless its session is ended");
}

static void session_life(struct deploy *d)
{
	duration(d, "session_life", d->conf->queryd_session_us, 24 * 3600 * CLOCK_SECOND, 8 * 86400 * CLOCK_SECOND,
		"after that the password is asked for again");
}

static void password_min(struct deploy *d)
{
	if (d->conf->queryd_password_min < 12)
		deploy_say(d, DEPLOY_WARNING, "set password_min = 12 in [queryd], or more",
			"passwords may have %" PRIu64 " characters", d->conf->queryd_password_min);
	else
		deploy_say(d, DEPLOY_OK, NULL, "passwords have %" PRIu64 " characters at least", d->conf->queryd_password_min);
}

static void password_deny_file(struct deploy *d)
{
	if (*d->conf->queryd_password_deny_file)
		deploy_say(d, DEPLOY_OK, NULL, "passwords in %s are not taken", d->conf->queryd_password_deny_file);
	else
		deploy_say(d, DEPLOY_WARNING, "write them into a file, and name it in password_deny_file of [queryd]",
			"names of your company and products are taken as passwords: only those that come with the program are not");
}

static void signin_limits(struct deploy *d)
{
	const struct conf *conf = d->conf;

	if (conf->queryd_signin_per_user_max > 100 || conf->queryd_signin_per_address_max > 3000)
		deploy_say(d, DEPLOY_WARNING, "lower signin_per_user_max and signin_per_address_max in [queryd]",
			"in five minutes %" PRIu64 " passwords may be tried for a user and %" PRIu64 " from an address",
			conf->queryd_signin_per_user_max, conf->queryd_signin_per_address_max);
	else
		deploy_say(d, DEPLOY_OK, NULL, "in five minutes %" PRIu64 " passwords may be tried for a user, %" PRIu64 " from an address",
			conf->queryd_signin_per_user_max, conf->queryd_signin_per_address_max);
}

static void use_limits(struct deploy *d)
{
	const struct conf *conf = d->conf;

	if (conf->queryd_searches_per_user_max > 1000000 || conf->queryd_reads_per_user_max > 3000000)
		deploy_say(d, DEPLOY_WARNING, "lower searches_per_user_max and reads_per_user_max in [queryd]",
			"what one account may search and read is as good as unlimited");
	else
		deploy_say(d, DEPLOY_OK, NULL, "in five minutes an account may make %" PRIu64 " searches and read %" PRIu64 " messages; %" PRIu64
			" searches run at a time, and %" PRIu64 " of an account may wait", conf->queryd_searches_per_user_max,
			conf->queryd_reads_per_user_max, conf->queryd_searches_at_once, conf->queryd_searches_waiting_max);
}

static void request_limits(struct deploy *d)
{
	const struct conf *conf = d->conf;

	if (conf->queryd_exports_per_user_max > 100000 || conf->queryd_administration_per_user_max > 1000000 ||
		conf->queryd_requests_per_token_max > 4000000)
		deploy_say(d, DEPLOY_WARNING,
			"lower exports_per_user_max, administration_per_user_max and requests_per_token_max in [queryd]",
			"what one account may ask for is as good as unlimited");
	else
		deploy_say(d, DEPLOY_OK, NULL, "in five minutes an account may make %" PRIu64 " requests about exports, %" PRIu64
			" others, and a session %" PRIu64 " in all", conf->queryd_exports_per_user_max,
			conf->queryd_administration_per_user_max, conf->queryd_requests_per_token_max);
}

static void address_limits(struct deploy *d)
{
	const struct conf *conf = d->conf;

	if (conf->queryd_connections_per_address_max >= conf->queryd_connections_max)
		deploy_say(d, DEPLOY_WARNING, "set connections_per_address_max in [queryd] lower than connections_max, unless all come by a proxy",
			"one address can have all %" PRIu64 " connections of strongroom-queryd", conf->queryd_connections_max);
	else
		deploy_say(d, DEPLOY_OK, NULL, "an address can have %" PRIu64 " of %" PRIu64 " connections, and make %" PRIu64
			" requests in five minutes, each within %" PRId64 " seconds (request_timeout)",
			conf->queryd_connections_per_address_max, conf->queryd_connections_max, conf->queryd_requests_per_address_max,
			conf->queryd_request_timeout_us / CLOCK_SECOND);
}

/* ---- the sign-in provider ---- */

static const char *or_none(const char *setting)
{
	return *setting ? setting : "none";
}

static void provider(struct deploy *d)
{
	const struct conf *conf = d->conf;

	if (!*conf->oidc_issuer)
		deploy_say(d, DEPLOY_OK, NULL, "people sign in with a password and a one-time code, and through no OpenID provider");
	else if (strcmp(conf->oidc_second_factor, "provider") == 0)
		deploy_say(d, DEPLOY_WARNING, "set second_factor = totp in [oidc]",
			"whoever gets through the sign-in of %s, as which second factor it may count (acr: %s; amr: %s), gets into the archive",
			conf->oidc_issuer, or_none(conf->oidc_strong_acr), or_none(conf->oidc_strong_amr));
	else
		deploy_say(d, DEPLOY_OK, NULL, "people also sign in through %s, and with a one-time code of here behind it",
			conf->oidc_issuer);
}

static void provision(struct deploy *d)
{
	const struct conf *conf = d->conf;

	if (!*conf->oidc_issuer)
		deploy_say(d, DEPLOY_OK, NULL, "no account is linked to, or made by, an OpenID provider");
	else if (strcmp(conf->oidc_account_claim, "email") != 0)
		deploy_say(d, DEPLOY_WARNING, "set account_claim = email in [oidc], or see that users can't change theirs at the provider",
			"an account is linked by the provider's %s: who can choose that there takes any account that waits for its user",
			conf->oidc_account_claim);
	else
		deploy_say(d, DEPLOY_OK, NULL, "an account is linked by an address that the provider has verified%s; groups give roles: %s",
			conf->oidc_provision ? ", and made where groups give a role" : "; administrators make accounts",
			or_none(conf->oidc_roles));
}

/* ---- metrics ---- */

static void metrics_of(struct deploy *d, const char *section, const char *address)
{
	_free_ char *remedy = mem_printf("set metrics in [%s] to a loopback address or a Unix socket, and let a proxy ask who is there",
		section);

	if (!*address) {
		deploy_say(d, DEPLOY_OK, NULL, "strongroom-%s shows no metrics", section);
		return;
	}
	switch (deploy_reach(address)) {
	case REACH_MACHINE:
		deploy_say(d, DEPLOY_OK, NULL, "strongroom-%s shows its metrics on this machine only", section);
		break;
	case REACH_NETWORK:
		deploy_say(d, DEPLOY_WARNING, remedy, "strongroom-%s shows its metrics to whoever can reach %s", section, address);
		break;
	case REACH_ALL:
		deploy_say(d, DEPLOY_ERROR, remedy, "strongroom-%s shows its metrics to everybody (%s): how busy the archive is, and who "
			"tries to sign in, is nobody's business", section, address);
		break;
	}
}

static void metrics(struct deploy *d)
{
	metrics_of(d, "lmtpd", d->conf->lmtpd_metrics);
	metrics_of(d, "milter", d->conf->milter_metrics);
	metrics_of(d, "queryd", d->conf->queryd_metrics);
	metrics_of(d, "workerd", d->conf->workerd_metrics);
}

/* ---- what is kept, and told ---- */

static void log_level(struct deploy *d)
{
	if (strcmp(d->conf->log_level, "debug") == 0 || strcmp(d->conf->log_level, "info") == 0)
		deploy_say(d, DEPLOY_OK, NULL, "the log has a line for each message and each request (log_level = %s)", d->conf->log_level);
	else
		deploy_say(d, DEPLOY_WARNING, "set log_level = info", "log_level = %s: the log does not tell what was captured and asked",
			d->conf->log_level);
}

static void lock_days(struct deploy *d)
{
	if (d->conf->lock_days < 365)
		deploy_say(d, DEPLOY_WARNING, "set lock_days to what the law asks for; the default is seven years",
			"messages are locked for %" PRIu64 " days only", d->conf->lock_days);
	else if (d->conf->lock_days_max > 10 * d->conf->lock_days)
		deploy_say(d, DEPLOY_WARNING, "set lock_days_max to the longest lock that anybody wants",
			"lock_days_max is %" PRIu64 ": a slip of the pen can lock messages for more than ten times as long as usual",
			d->conf->lock_days_max);
	else
		deploy_say(d, DEPLOY_OK, NULL, "messages are locked for %" PRIu64 " days, and none for more than %" PRIu64,
			d->conf->lock_days, d->conf->lock_days_max);
}

static void reconcile(struct deploy *d)
{
	int64_t days = d->conf->workerd_reconcile_full_us / (86400 * CLOCK_SECOND);

	if (days > 31)
		deploy_say(d, DEPLOY_WARNING, "set reconcile_full_interval = 7d in [workerd]",
			"the whole archive is compared every %" PRId64 " days only: so long nobody sees what is gone", days);
	else
		deploy_say(d, DEPLOY_OK, NULL, "the whole archive is compared every %" PRId64 " days", days);
}

static void audit_copy(struct deploy *d)
{
	const char *syslog = d->conf->workerd_audit_syslog;

	if (!*syslog && !*d->conf->workerd_audit_file)
		deploy_say(d, DEPLOY_WARNING, "set audit_syslog, with audit_syslog_tls, or audit_file in [workerd]",
			"the audit is in the database and nowhere else: what is lost there is lost");
	else if (*syslog && !d->conf->workerd_audit_syslog_tls && deploy_reach(syslog) != REACH_MACHINE)
		deploy_say(d, DEPLOY_ERROR, "set audit_syslog_tls = yes in [workerd]",
			"the audit, with all that is searched for, goes to %s in the clear", syslog);
	else
		deploy_say(d, DEPLOY_OK, NULL, "the audit is also sent to %s", *syslog ? syslog : d->conf->workerd_audit_file);
}

static void export_keep(struct deploy *d)
{
	int64_t hours = d->conf->workerd_export_keep_us / (3600 * CLOCK_SECOND);

	if (hours > 31 * 24)
		deploy_say(d, DEPLOY_WARNING, "set export_keep = 7d in [workerd]",
			"finished exports, whole mailboxes in one file, can be downloaded for %" PRId64 " days", hours / 24);
	else
		deploy_say(d, DEPLOY_OK, NULL, "finished exports can be downloaded for %" PRId64 " hours", hours);
}

const struct deploy_check deploy_access_checks[] = {
	{ "D201", queryd_listen },
	{ "D202", client_listen },
	{ "D203", mfa_session },
	{ "D204", token_life },
	{ "D205", session_life },
	{ "D206", password_min },
	{ "D207", password_deny_file },
	{ "D208", signin_limits },
	{ "D209", use_limits },
	{ "D210", provider },
	{ "D211", provision },
	{ "D212", request_limits },
	{ "D213", address_limits },
	{ "D221", metrics },
	{ "D231", log_level },
	{ "D232", lock_days },
	{ "D233", reconcile },
	{ "D234", audit_copy },
	{ "D235", export_keep },
	{ 0 },
};
