#include "queryd/token_known.h"

#include <pthread.h>
#include <string.h>

#define PLACES 1024 /* each token has one, which it shares with others */

struct place {
	uint8_t digest[SHA256_SIZE];
	struct token_claims claims; /* of account 0 while there are none */
};

struct token_known {
	pthread_mutex_t lock;
	struct place places[PLACES];
};

struct token_known *token_known_new(void)
{
	struct token_known *k = MEM_NEW(struct token_known);

	pthread_mutex_init(&k->lock, NULL);
	return k;
}

void token_known_freep(struct token_known **k)
{
	if (*k)
		pthread_mutex_destroy(&(*k)->lock);
	free(*k);
	*k = NULL;
}

static struct place *place_of(struct token_known *k, const uint8_t digest[SHA256_SIZE])
{
	uint32_t number;

	memcpy(&number, digest, sizeof(number));
	return &k->places[number % PLACES];
}

bool token_known_find(struct token_known *k, const uint8_t digest[SHA256_SIZE], struct token_claims *c_r)
{
	const struct place *place = place_of(k, digest);

	pthread_mutex_lock(&k->lock);
	bool found = place->claims.account_id && memcmp(place->digest, digest, SHA256_SIZE) == 0;

	if (found)
		*c_r = place->claims;
	pthread_mutex_unlock(&k->lock);
	return found;
}

void token_known_keep(struct token_known *k, const uint8_t digest[SHA256_SIZE], const struct token_claims *c)
{
	struct place *place = place_of(k, digest);

	pthread_mutex_lock(&k->lock);
	memcpy(place->digest, digest, SHA256_SIZE);
	place->claims = *c;
	pthread_mutex_unlock(&k->lock);
}
