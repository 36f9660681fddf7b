/* oidc_discovery: what an OpenID provider tells of itself (OpenID Connect Discovery 1.0): where people sign in, where a code
 * becomes a token, and by which keys its tokens are known. */
#ifndef SYS_OIDC_DISCOVERY_H
#define SYS_OIDC_DISCOVERY_H

#include "sys/http_client.h"
#include "sys/jwk.h"

#include <stdbool.h>

#define OIDC_ANSWER_MAX (512u * 1024) /* of an answer of a provider */

struct oidc_discovery {
	char *authorization_endpoint, *token_endpoint, *jwks_uri;
	char *userinfo_endpoint; /* NULL: none */
	bool names_issuer;   /* its answers to a browser hold `iss` (RFC 9207) */
	bool secret_in_body; /* the token endpoint wants the client's secret there, not as a password */
};

void oidc_discovery_deinit(struct oidc_discovery *d);

/* The document of this issuer. -1 permanent when it is of another one, an address in it is not https, or it does not do what
 * is asked of it here: the code flow, PKCE with S256, a secret, signatures by RS256, PS256 or ES256. */
int oidc_discovery_parse(struct oidc_discovery *d_r, const char *text, size_t n, const char *issuer, struct err *e) MUST_CHECK;

/* A client for requests to a provider. */
struct http_client *oidc_client_new(const char *ca_file) __attribute__((returns_nonnull));

/* Fetches the document, and the keys. -1 temporary when the provider does not answer as it should. */
int oidc_discover(struct oidc_discovery *d_r, struct http_client *h, const char *issuer, struct err *e) MUST_CHECK;
int oidc_fetch_keys(struct jwk_set **keys_r, struct http_client *h, const struct oidc_discovery *d, struct err *e) MUST_CHECK;

#endif
