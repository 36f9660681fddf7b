/* What an OpenID provider, or somebody who stands in its place, sends: its document, its keys, its tokens. The first byte says
 * which; a token that nobody has signed is never taken. */
#include "queryd/id_token.h"
#include "sys/jws.h"
#include "sys/oidc_discovery.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char known_keys[] = "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"k\","
	"\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";

static void fuzz_document(const char *text, size_t n)
{
	struct oidc_discovery d;
	struct err e;

	if (oidc_discovery_parse(&d, text, n, "https://id.example.org", &e) == 0)
		oidc_discovery_deinit(&d);
}

static void fuzz_keys(const char *text, size_t n)
{
	struct jwk_set *keys;
	struct err e;

	if (jwk_set_parse(&keys, text, n, &e) == 0)
		jwk_set_freep(&keys);
}

static void fuzz_token(const char *text)
{
	static struct jwk_set *keys;
	cJSON *claims;
	struct err e;

	if (!keys && jwk_set_parse(&keys, known_keys, strlen(known_keys), &e) < 0)
		abort();
	if (jwk_set_size(keys) != 1 || jws_verify(&claims, keys, text, &e) == 1)
		abort();
}

static void fuzz_claims(const char *text, size_t n)
{
	const struct id_token_wanted w = { "https://id.example.org", "strongroom", "n", "email", "groups" };
	struct id_token t;
	struct err e;
	_json_ cJSON *claims = json_parse(text, n, &e);

	if (!claims || id_token_read(&t, claims, &w, 1800000000, &e) < 0)
		return;
	if (!*t.subject || t.signed_in_s > 1800000000)
		abort();
	id_token_deinit(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	_free_ char *text = mem_dup(n ? data + 1 : data, n ? n - 1 : 0);

	switch (n ? data[0] % 4 : 0) {
	case 0:
		fuzz_document(text, n ? n - 1 : 0);
		break;
	case 1:
		fuzz_keys(text, n ? n - 1 : 0);
		break;
	case 2:
		fuzz_token(text);
		break;
	default:
		fuzz_claims(text, n ? n - 1 : 0);
	}
	return 0;
}
