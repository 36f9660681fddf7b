#include "queryd/counts.h"

#include "sys/digest.h"

#include <pthread.h>
#include <string.h>

#define PLACES 64 /* scopes that are costly and in use at a time */

struct place {
	uint8_t scope[SHA256_SIZE];
	int64_t until_us; /* 0: free */
	struct meta_coverage counted;
};

struct incomplete {
	struct place place; /* `counted` is what was archived then */
	struct counts_incomplete counted;
};

struct counts {
	pthread_mutex_t lock;
	struct place places[PLACES];
	struct incomplete incomplete[PLACES];
};

struct counts *counts_new(void)
{
	struct counts *c = MEM_NEW(struct counts);

	pthread_mutex_init(&c->lock, NULL);
	return c;
}

void counts_freep(struct counts **c)
{
	if (*c)
		pthread_mutex_destroy(&(*c)->lock);
	free(*c);
	*c = NULL;
}

/* Two scopes have one name only if they cover the same. Mailboxes hold no NUL, so each is marked off by its own. */
static void name_scope(const struct scope *scope, uint8_t name_r[SHA256_SIZE])
{
	CLEANUP(sha256_freep) struct sha256 *h = sha256_new();
	const int64_t times[] = { scope_from_us(scope), scope_until_us(scope), scope_is_all(scope) };
	const struct strv *mailboxes = scope_mailboxes(scope);

	sha256_add(h, times, sizeof(times));
	for (size_t i = 0; !scope_is_all(scope) && i < mailboxes->n; i++)
		sha256_add(h, mailboxes->items[i], strlen(mailboxes->items[i]) + 1);
	sha256_finish(h, name_r);
}

/* Caller holds the lock. NULL when there is none. */
static struct place *find(struct counts *c, const uint8_t name[SHA256_SIZE])
{
	for (size_t i = 0; i < PLACES; i++)
		if (c->places[i].until_us && memcmp(c->places[i].scope, name, SHA256_SIZE) == 0)
			return &c->places[i];
	return NULL;
}

/* Caller holds the lock. The one that is free, or worth least. */
static struct place *make_room(struct counts *c)
{
	struct place *first = &c->places[0];

	for (size_t i = 1; i < PLACES; i++)
		if (c->places[i].until_us < first->until_us)
			first = &c->places[i];
	return first;
}

bool counts_find(struct counts *c, const struct scope *scope, int64_t now_us, struct meta_coverage *found_r)
{
	uint8_t name[SHA256_SIZE];

	name_scope(scope, name);
	pthread_mutex_lock(&c->lock);
	const struct place *place = find(c, name);
	bool good = place && now_us < place->until_us;

	if (good)
		*found_r = place->counted;
	pthread_mutex_unlock(&c->lock);
	return good;
}

/* 0: not at all. */
static int64_t good_for(int64_t took_us, const struct meta_coverage *counted)
{
	if (counted->in_scope >= COUNTS_MANY || took_us > COUNTS_AGE_MAX_US / COUNTS_GOOD_FOR)
		return COUNTS_AGE_MAX_US;
	return took_us < COUNTS_QUICK_US ? 0 : took_us * COUNTS_GOOD_FOR;
}

void counts_keep(struct counts *c, const struct scope *scope, int64_t began_us, int64_t now_us,
	const struct meta_coverage *counted)
{
	int64_t good_us = good_for(now_us - began_us, counted);
	uint8_t name[SHA256_SIZE];

	if (!good_us)
		return;
	name_scope(scope, name);
	pthread_mutex_lock(&c->lock);
	struct place *place = find(c, name);

	if (!place)
		place = make_room(c);
	memcpy(place->scope, name, SHA256_SIZE);
	place->counted = *counted;
	place->until_us = now_us + good_us;
	pthread_mutex_unlock(&c->lock);
}

/* ---- what the index holds, but not whole ---- */

bool counts_find_incomplete(struct counts *c, const struct scope *scope, int64_t now_us, const struct meta_coverage *archived,
	struct counts_incomplete *found_r)
{
	uint8_t name[SHA256_SIZE];
	bool good = false;

	name_scope(scope, name);
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < PLACES && !good; i++) {
		const struct incomplete *p = &c->incomplete[i];

		good = now_us < p->place.until_us && p->place.counted.in_scope == archived->in_scope &&
			p->place.counted.not_indexed == archived->not_indexed && memcmp(p->place.scope, name, SHA256_SIZE) == 0;
		if (good)
			*found_r = p->counted;
	}
	pthread_mutex_unlock(&c->lock);
	return good;
}

/* Caller holds the lock. The one of this scope, or that is free, or the oldest. */
static struct incomplete *place_of(struct counts *c, const uint8_t name[SHA256_SIZE])
{
	struct incomplete *oldest = &c->incomplete[0];

	for (size_t i = 0; i < PLACES; i++) {
		struct incomplete *p = &c->incomplete[i];

		if (p->place.until_us && memcmp(p->place.scope, name, SHA256_SIZE) == 0)
			return p;
		if (p->place.until_us < oldest->place.until_us)
			oldest = p;
	}
	return oldest;
}

void counts_keep_incomplete(struct counts *c, const struct scope *scope, int64_t now_us, const struct meta_coverage *archived,
	const struct counts_incomplete *counted)
{
	uint8_t name[SHA256_SIZE];

	name_scope(scope, name);
	pthread_mutex_lock(&c->lock);
	struct incomplete *p = place_of(c, name);

	memcpy(p->place.scope, name, SHA256_SIZE);
	p->place.counted = *archived;
	p->place.until_us = now_us + COUNTS_INCOMPLETE_US;
	p->counted = *counted;
	pthread_mutex_unlock(&c->lock);
}
