/* What a client sends in the place of a token: nothing is taken that was not given out, and what can be read is read one way. */
#include "queryd/recovery.h"
#include "queryd/refresh_token.h"
#include "queryd/token.h"
#include "sys/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Made anew for each run, and gone from the disk at once. */
static struct keyring *keys(void)
{
	static struct keyring *k;
	char dir[] = "/tmp/fuzz-token-XXXXXX";
	struct err e;

	if (k)
		return k;
	if (!mkdtemp(dir) || secret_keys_create(dir, &e) < 0 || keyring_load(&k, dir, &e) < 0)
		abort();
	_free_ char *remove = mem_printf("rm -r %s", dir);

	if (system(remove))
		abort();
	return k;
}

static void check_refresh(const char *text)
{
	char again[REFRESH_TOKEN_SIZE];
	struct refresh_token t;

	if (refresh_token_parse(&t, text) < 0)
		return;
	refresh_token_format(again, &t);
	if (strcasecmp(again, text) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	_free_ char *text = mem_dup(data, n);
	uint8_t hash[SHA256_SIZE];
	struct token_claims claims;
	struct err e;

	if (token_verify(keys(), text, 1800000000, &claims, &e) == 0)
		abort();
	check_refresh(text);
	if (recovery_code_hash(text, hash) == 0 && strlen(text) < 16)
		abort();
	return 0;
}
