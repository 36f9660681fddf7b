/* underway: the capture keys that this process is archiving. The same message at two connections at once (a mail server
 * that gave up on one of them, a double submission) is archived by the first; the second waits, and finds it known. The
 * transaction would see to that too, but only after a second object was stored that no row names. Any thread may call. */
#ifndef ARCHIVE_UNDERWAY_H
#define ARCHIVE_UNDERWAY_H

#include <pthread.h>
#include <stdint.h>

struct underway_key {
	const uint8_t *key; /* SHA256_SIZE bytes */
	struct underway_key *next, **link; /* link: what points to this */
};

#define UNDERWAY_LISTS 64

struct underway {
	pthread_mutex_t lock;
	pthread_cond_t left;
	struct underway_key *lists[UNDERWAY_LISTS]; /* by the first byte of the key */
};

void underway_init(struct underway *u);
void underway_deinit(struct underway *u);

/* Waits while somebody else is under way with this key. k and key belong to the set until underway_leave(). */
void underway_enter(struct underway *u, struct underway_key *k, const uint8_t *key);
void underway_leave(struct underway *u, struct underway_key *k);

#endif
