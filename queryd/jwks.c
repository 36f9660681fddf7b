#include "queryd/jwks.h"

#include <sodium.h>

static void add_coordinate(cJSON *j, const char *name, const uint8_t value[KEYRING_COORDINATE_SIZE])
{
	char text[sodium_base64_ENCODED_LEN(KEYRING_COORDINATE_SIZE, sodium_base64_VARIANT_URLSAFE_NO_PADDING)];

	sodium_bin2base64(text, sizeof(text), value, KEYRING_COORDINATE_SIZE, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	json_add_str(j, name, text);
}

static cJSON *describe(const struct keyring_key *key)
{
	cJSON *j = cJSON_CreateObject();

	json_add_str(j, "kty", "EC");
	json_add_str(j, "crv", "P-256");
	json_add_str(j, "use", "sig");
	json_add_str(j, "alg", "ES256");
	json_add_str(j, "kid", key->kid);
	add_coordinate(j, "x", key->x);
	add_coordinate(j, "y", key->y);
	return j;
}

static void jwks(struct call *c)
{
	CLEANUP(keyring_freep) struct keyring *k = key_watch_take(c->service->keys);
	cJSON *j = cJSON_CreateObject(), *keys = cJSON_CreateArray();
	const struct keyring_key *key;

	for (size_t i = 0; (key = keyring_at(k, i)); i++)
		cJSON_AddItemToArray(keys, describe(key));
	json_add_item(j, "keys", keys);
	response_json(&c->response, j);
}

const struct route jwks_routes[] = {
	{ .method = METHOD_GET, .pattern = ROUTE_V1 "/auth/jwks.json", .handle = jwks },
	{ 0 },
};
