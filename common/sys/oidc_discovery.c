#include "sys/oidc_discovery.h"

#include "base/clock.h"
#include "sys/https_url.h"
#include "sys/json.h"

#include <string.h>

#define WELL_KNOWN "/.well-known/openid-configuration"

void oidc_discovery_deinit(struct oidc_discovery *d)
{
	free(d->authorization_endpoint);
	free(d->token_endpoint);
	free(d->jwks_uri);
	free(d->userinfo_endpoint);
	*d = (struct oidc_discovery){ 0 };
}

/* ---- the document ---- */

static int bad(struct err *e, const char *issuer, const char *why)
{
	return err_permanent(e, "oidc_discovery_parse(%.160s) failed: %s", issuer, why);
}

static int check_issuer(const cJSON *j, const char *issuer, struct err *e)
{
	const char *said;

	if (json_get_str(j, "issuer", &said) != 1)
		return bad(e, issuer, "it names no issuer");
	if (strcmp(said, issuer) != 0)
		return err_permanent(e, "oidc_discovery_parse(%.160s) failed: it is of the issuer \"%.160s\"", issuer, said);
	return 0;
}

static int take_endpoint(char **url_r, const cJSON *j, const char *name, const char *issuer, struct err *e)
{
	const char *url;

	if (json_get_str(j, name, &url) != 1 || !https_url_good(url))
		return err_permanent(e, "oidc_discovery_parse(%.160s) failed: %s is no https address", issuer, name);
	*url_r = mem_strdup(url);
	return 0;
}

static int take_endpoints(struct oidc_discovery *d, const cJSON *j, const char *issuer, struct err *e)
{
	if (take_endpoint(&d->authorization_endpoint, j, "authorization_endpoint", issuer, e) < 0 ||
		take_endpoint(&d->token_endpoint, j, "token_endpoint", issuer, e) < 0 ||
		take_endpoint(&d->jwks_uri, j, "jwks_uri", issuer, e) < 0)
		return -1;
	const cJSON *userinfo = cJSON_GetObjectItemCaseSensitive(j, "userinfo_endpoint");

	return !userinfo || cJSON_IsNull(userinfo) ? 0 : take_endpoint(&d->userinfo_endpoint, j, "userinfo_endpoint", issuer, e);
}

/* Is one of the words in the list `name`? Where the list is missing its default stands: OpenID Connect Discovery 1.0, 3. */
static bool lists(const cJSON *j, const char *name, const char *const *words, bool missing)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(j, name), *item;

	if (!list)
		return missing;
	cJSON_ArrayForEach(item, list)
		for (const char *const *word = words; *word; word++)
			if (cJSON_IsString(item) && strcmp(item->valuestring, *word) == 0)
				return true;
	return false;
}

static int check_abilities(const cJSON *j, const char *issuer, bool *secret_in_body_r, struct err *e)
{
	static const char *const code[] = { "code", NULL }, *const s256[] = { "S256", NULL },
				 *const signatures[] = { "RS256", "PS256", "ES256", NULL },
				 *const basic[] = { "client_secret_basic", NULL }, *const post[] = { "client_secret_post", NULL };

	if (!lists(j, "response_types_supported", code, false))
		return bad(e, issuer, "it does not do the code flow");
	/* Not a word of PKCE is not a no: some that do it don't say so. */
	if (!lists(j, "code_challenge_methods_supported", s256, true))
		return bad(e, issuer, "it does not do PKCE with S256");
	if (!lists(j, "id_token_signing_alg_values_supported", signatures, false))
		return bad(e, issuer, "it signs by none of RS256, PS256 and ES256");
	*secret_in_body_r = !lists(j, "token_endpoint_auth_methods_supported", basic, true);
	if (*secret_in_body_r && !lists(j, "token_endpoint_auth_methods_supported", post, false))
		return bad(e, issuer, "it takes no client secret");
	return 0;
}

int oidc_discovery_parse(struct oidc_discovery *d_r, const char *text, size_t n, const char *issuer, struct err *e)
{
	CLEANUP(oidc_discovery_deinit) struct oidc_discovery d = { 0 };
	_json_ cJSON *j = json_parse(text, n, e);

	if (!j)
		return err_prefix(e, "oidc_discovery_parse(%.160s) failed", issuer);
	if (check_issuer(j, issuer, e) < 0 || take_endpoints(&d, j, issuer, e) < 0 ||
		check_abilities(j, issuer, &d.secret_in_body, e) < 0)
		return -1;
	d.names_issuer =
		cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(j, "authorization_response_iss_parameter_supported"));
	*d_r = d;
	d = (struct oidc_discovery){ 0 };
	return 0;
}

/* ---- fetching ---- */

struct http_client *oidc_client_new(const char *ca_file)
{
	const struct http_settings settings = { .ca_file = ca_file, .connect_us = 5 * CLOCK_SECOND,
		.timeout_us = 10 * CLOCK_SECOND, .stall_us = 10 * CLOCK_SECOND, .answer_max = OIDC_ANSWER_MAX };

	return http_client_new(&settings);
}

/* 0 with an answer of status 200, which the caller deinits. */
static int get(struct http_answer *a_r, struct http_client *h, const char *url, struct err *e)
{
	CLEANUP(strv_deinit) struct strv headers = { 0 };

	strv_add(&headers, "Accept: application/json");
	const struct http_request r = { .method = "GET", .url = url, .headers = &headers };

	if (http_call(h, &r, a_r, e) < 0)
		return -1;
	if (a_r->status == 200)
		return 0;
	err_temporary(e, "get(%.300s) failed: it was answered %d", url, a_r->status);
	http_answer_deinit(a_r);
	return -1;
}

int oidc_discover(struct oidc_discovery *d_r, struct http_client *h, const char *issuer, struct err *e)
{
	CLEANUP(http_answer_deinit) struct http_answer a = { 0 };
	size_t n = strlen(issuer);
	_free_ char *url = mem_printf("%.*s" WELL_KNOWN, (int)(n && issuer[n - 1] == '/' ? n - 1 : n), issuer);

	return get(&a, h, url, e) < 0 ? -1 : oidc_discovery_parse(d_r, a.body.data ? a.body.data : "", a.body.len, issuer, e);
}

int oidc_fetch_keys(struct jwk_set **keys_r, struct http_client *h, const struct oidc_discovery *d, struct err *e)
{
	CLEANUP(http_answer_deinit) struct http_answer a = { 0 };

	if (get(&a, h, d->jwks_uri, e) < 0 || jwk_set_parse(keys_r, a.body.data ? a.body.data : "", a.body.len, e) < 0)
		return -1;
	if (jwk_set_size(*keys_r))
		return 0;
	jwk_set_freep(keys_r);
	return err_temporary(e, "oidc_fetch_keys(%.300s) failed: there is no key for RS256, PS256 or ES256", d->jwks_uri);
}
