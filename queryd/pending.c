#include "queryd/pending.h"

#include "base/clock.h"
#include "base/hex.h"
#include "sys/digest.h"
#include "sys/secret.h"

#include <pthread.h>
#include <string.h>

#define TOKEN_BYTES ((PENDING_TOKEN_SIZE - 1) / 2)

/* The table holds digests: finding one takes no time that tells anything of a token. */
struct entry {
	uint8_t digest[SHA256_SIZE];
	uint64_t account_id; /* 0: free */
	uint64_t generation;
	int64_t until_us;
	unsigned tries;
};

struct pending {
	pthread_mutex_t lock;
	size_t next; /* entries are filled in turn: the one to fill is the oldest */
	struct entry entries[PENDING_MAX];
};

struct pending *pending_new(void)
{
	struct pending *p = MEM_NEW(struct pending);

	pthread_mutex_init(&p->lock, NULL);
	return p;
}

void pending_freep(struct pending **p)
{
	if (*p)
		pthread_mutex_destroy(&(*p)->lock);
	free(*p);
	*p = NULL;
}

void pending_add(struct pending *p, uint64_t account_id, uint64_t generation, int64_t now_us,
	char token_r[PENDING_TOKEN_SIZE])
{
	uint8_t bytes[TOKEN_BYTES];
	struct entry fresh = { .account_id = account_id, .generation = generation,
		.until_us = now_us + PENDING_LIFE_S * CLOCK_SECOND };

	secret_random(bytes, sizeof(bytes));
	hex_encode(token_r, bytes, sizeof(bytes));
	sha256_of(token_r, strlen(token_r), fresh.digest);
	pthread_mutex_lock(&p->lock);
	p->entries[p->next] = fresh;
	p->next = (p->next + 1) % PENDING_MAX;
	pthread_mutex_unlock(&p->lock);
}

/* Caller holds the lock. */
static struct entry *find(struct pending *p, const char *token)
{
	uint8_t digest[SHA256_SIZE];

	sha256_of(token, strlen(token), digest);
	for (size_t i = 0; i < PENDING_MAX; i++)
		if (p->entries[i].account_id && memcmp(p->entries[i].digest, digest, sizeof(digest)) == 0)
			return &p->entries[i];
	return NULL;
}

bool pending_try(struct pending *p, const char *token, int64_t now_us, uint64_t *account_id_r, uint64_t *generation_r)
{
	pthread_mutex_lock(&p->lock);
	struct entry *found = find(p, token);

	if (found && (now_us >= found->until_us || found->tries >= PENDING_TRIES_MAX)) {
		*found = (struct entry){ 0 };
		found = NULL;
	}
	if (found) {
		found->tries++;
		*account_id_r = found->account_id;
		*generation_r = found->generation;
	}
	pthread_mutex_unlock(&p->lock);
	return found != NULL;
}

bool pending_finish(struct pending *p, const char *token)
{
	pthread_mutex_lock(&p->lock);
	struct entry *found = find(p, token);

	if (found)
		*found = (struct entry){ 0 };
	pthread_mutex_unlock(&p->lock);
	return found != NULL;
}
