#include "archive/underway.h"

#include "sys/digest.h"

#include <stdbool.h>
#include <string.h>

void underway_init(struct underway *u)
{
	pthread_mutex_init(&u->lock, NULL);
	pthread_cond_init(&u->left, NULL);
	memset(u->lists, 0, sizeof(u->lists));
}

void underway_deinit(struct underway *u)
{
	pthread_cond_destroy(&u->left);
	pthread_mutex_destroy(&u->lock);
}

static bool has(const struct underway_key *k, const uint8_t *key)
{
	while (k && memcmp(k->key, key, SHA256_SIZE) != 0)
		k = k->next;
	return k != NULL;
}

void underway_enter(struct underway *u, struct underway_key *k, const uint8_t *key)
{
	struct underway_key **first = &u->lists[key[0] % UNDERWAY_LISTS];

	k->key = key;
	pthread_mutex_lock(&u->lock);
	while (has(*first, key))
		pthread_cond_wait(&u->left, &u->lock);
	k->next = *first;
	k->link = first;
	if (k->next)
		k->next->link = &k->next;
	*first = k;
	pthread_mutex_unlock(&u->lock);
}

void underway_leave(struct underway *u, struct underway_key *k)
{
	pthread_mutex_lock(&u->lock);
	*k->link = k->next;
	if (k->next)
		k->next->link = k->link;
	pthread_cond_broadcast(&u->left);
	pthread_mutex_unlock(&u->lock);
}
