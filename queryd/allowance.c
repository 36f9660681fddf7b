#include "queryd/allowance.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define SLOTS 8192 /* a power of two, twice ALLOWANCES_MAX: look-ups end at a free one */

struct slot {
	char name[ALLOWANCE_NAME_SIZE]; /* "": free */
	int64_t window_us;
	uint64_t left;
	bool spent;
};

struct allowances {
	pthread_mutex_t lock;
	size_t used;
	struct slot slots[SLOTS];
};

struct allowances *allowances_new(void)
{
	struct allowances *a = MEM_NEW(struct allowances);

	pthread_mutex_init(&a->lock, NULL);
	return a;
}

void allowances_freep(struct allowances **a)
{
	if (*a)
		pthread_mutex_destroy(&(*a)->lock);
	free(*a);
	*a = NULL;
}

uint64_t allowance_part(uint64_t max)
{
	return max < ALLOWANCE_PARTS ? 1 : max / ALLOWANCE_PARTS;
}

/* FNV-1a. Whoever could choose names would only slow down a look-up, and they are ours. */
static size_t hash(const char *name)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * UINT64_C(1099511628211);
	return (size_t)(h & (SLOTS - 1));
}

/* The slot of a name, or the free one where it belongs. The lock is held. */
static struct slot *find(struct allowances *a, const char *name)
{
	size_t at = hash(name);

	while (a->slots[at].name[0] && strcmp(a->slots[at].name, name) != 0)
		at = (at + 1) & (SLOTS - 1);
	return &a->slots[at];
}

/* The slot of a name in this window, or NULL. All are forgotten when there are too many: then they are asked about again. */
static struct slot *slot_for(struct allowances *a, const char *name, int64_t window_us)
{
	if (strlen(name) >= ALLOWANCE_NAME_SIZE)
		return NULL;
	struct slot *s = find(a, name);

	if (!s->name[0] && a->used >= ALLOWANCES_MAX) {
		memset(a->slots, 0, sizeof(a->slots));
		a->used = 0;
		s = find(a, name);
	}
	if (!s->name[0]) {
		snprintf(s->name, sizeof(s->name), "%s", name);
		a->used++;
	}
	if (s->window_us != window_us) {
		s->window_us = window_us;
		s->left = 0;
		s->spent = false;
	}
	return s;
}

enum allowance allowance_use(struct allowances *a, const char *name, int64_t window_us)
{
	enum allowance result = ALLOWANCE_ASK;

	pthread_mutex_lock(&a->lock);
	struct slot *s = slot_for(a, name, window_us);

	if (s && s->left) {
		s->left--;
		result = ALLOWANCE_TAKEN;
	} else if (s && s->spent) {
		result = ALLOWANCE_SPENT;
	}
	pthread_mutex_unlock(&a->lock);
	return result;
}

void allowance_add(struct allowances *a, const char *name, int64_t window_us, uint64_t n, bool spent)
{
	pthread_mutex_lock(&a->lock);
	struct slot *s = slot_for(a, name, window_us);

	if (s) {
		s->left += n;
		s->spent = s->spent || spent;
	}
	pthread_mutex_unlock(&a->lock);
}
