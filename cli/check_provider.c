/* check_provider: the OpenID provider that people sign in through, and what the configuration says of it. */
#include "base/strv.h"
#include "cli/check.h"
#include "conf/role_map.h"
#include "meta/role.h"
#include "sys/oidc_discovery.h"
#include "sys/secret_file.h"

#include <string.h>

#define CALLBACK "/api/v1/auth/oidc/callback"

static void check_secret(struct check *c)
{
	_free_ char *secret = NULL;
	struct err e;

	if (secret_file_line(&secret, c->conf->oidc_client_secret_file, &e) < 0)
		check_report(c, CHECK_PROBLEM, "put the client's secret there, readable by the account of the daemons alone",
			"sign-in provider: %s", e.text);
	else
		explicit_bzero(secret, strlen(secret));
}

static void check_redirect(struct check *c)
{
	const char *url = c->conf->oidc_redirect_url;
	size_t n = strlen(url), end = strlen(CALLBACK);

	if (n < end || strcmp(url + n - end, CALLBACK) != 0)
		check_report(c, CHECK_NOTE, NULL,
			"sign-in provider: browsers come back to %s: what is there must pass the query on to " CALLBACK, url);
}

/* Whether they answer, and as they should. */
static void check_documents(struct check *c)
{
	CLEANUP(http_client_freep) struct http_client *h = oidc_client_new(c->conf->oidc_ca_file);
	CLEANUP(oidc_discovery_deinit) struct oidc_discovery d = { 0 };
	CLEANUP(jwk_set_freep) struct jwk_set *keys = NULL;
	struct err e;

	if (oidc_discover(&d, h, c->conf->oidc_issuer, &e) < 0)
		check_report(c, CHECK_PROBLEM,
			"see that issuer and ca_file of [oidc] are right, and that the provider can be reached from here",
			"sign-in provider: %s", e.text);
	else if (oidc_fetch_keys(&keys, h, &d, &e) < 0)
		check_report(c, CHECK_PROBLEM, "see that the provider's keys can be reached from here, at its jwks_uri",
			"sign-in provider: %s", e.text);
	else
		check_report(c, CHECK_OK, NULL, "sign-in provider %s answers; it has %zu keys that can be used", c->conf->oidc_issuer,
			jwk_set_size(keys));
}

void check_provider_roles(struct check *c, struct meta *m)
{
	CLEANUP(strv_deinit) struct strv roles = { 0 };

	if (!*c->conf->oidc_issuer)
		return;
	role_map_roles(c->conf->oidc_roles, NULL, &roles);
	for (size_t i = 0; i < roles.n; i++) {
		CLEANUP(role_deinit) struct role role = { 0 };
		struct err e;
		int found = meta_role_get(m, roles.items[i], &role, &e);

		if (found < 0)
			check_report(c, CHECK_PROBLEM, NULL, "sign-in provider: %s", e.text);
		else if (!found)
			check_report(c, CHECK_PROBLEM, "mend roles in [oidc], or make a role of this name (/api/v1/roles/)",
				"sign-in provider: roles names the role %s, which does not exist: nobody is given it",
				roles.items[i]);
	}
}

void check_provider(struct check *c)
{
	if (!*c->conf->oidc_issuer)
		return;
	check_secret(c);
	check_redirect(c);
	check_documents(c);
}
