#include "queryd/turns.h"

#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <time.h>

/* An account that has turns or waits. */
struct holder {
	struct holder *next;
	uint64_t account_id;
	uint64_t running, waiting;
};

/* On the stack of the thread that waits. */
struct waiter {
	struct waiter *next;
	struct holder *holder;
	bool granted;
	pthread_cond_t turn;
};

struct turns {
	uint64_t max, account_max, waiting_max;
	pthread_mutex_t lock; /* of what follows */
	struct turns_count count;
	struct holder *holders;
	struct waiter *first, **last; /* in the order in which they came */
};

struct turns *turns_new(uint64_t max, uint64_t waiting_max)
{
	struct turns *t = MEM_NEW(struct turns);

	t->max = max;
	t->account_max = (max + 1) / 2;
	t->waiting_max = waiting_max;
	t->last = &t->first;
	pthread_mutex_init(&t->lock, NULL);
	return t;
}

void turns_freep(struct turns **t)
{
	if (*t)
		pthread_mutex_destroy(&(*t)->lock);
	free(*t);
	*t = NULL;
}

/* ---- the lock is held ---- */

static struct holder *holder_of(struct turns *t, uint64_t account_id)
{
	struct holder *h = t->holders;

	while (h && h->account_id != account_id)
		h = h->next;
	if (h)
		return h;
	h = MEM_NEW(struct holder);
	h->account_id = account_id;
	h->next = t->holders;
	t->holders = h;
	return h;
}

static void drop_idle(struct turns *t, const struct holder *gone)
{
	struct holder **link = &t->holders;

	if (gone->running || gone->waiting)
		return;
	while (*link != gone)
		link = &(*link)->next;
	struct holder *h = *link;

	*link = h->next;
	free(h);
}

static void strike_off(struct turns *t, const struct waiter *w)
{
	struct waiter **link = &t->first;

	while (*link != w)
		link = &(*link)->next;
	*link = w->next;
	if (!*link)
		t->last = link;
	w->holder->waiting--;
	t->count.waiting--;
}

/* Whose turn it is; NULL: nobody's. */
static struct waiter *next_waiter(const struct turns *t)
{
	struct waiter *best = NULL;

	for (struct waiter *w = t->first; w; w = w->next)
		if (w->holder->running < t->account_max && (!best || w->holder->running < best->holder->running))
			best = w;
	return best;
}

static void hand_out(struct turns *t)
{
	struct waiter *w;

	while (t->count.running < t->max && (w = next_waiter(t))) {
		strike_off(t, w);
		w->holder->running++;
		t->count.running++;
		w->granted = true;
		pthread_cond_signal(&w->turn);
	}
}

static void enlist(struct turns *t, struct waiter *w, struct holder *h)
{
	pthread_condattr_t monotonic;

	w->holder = h;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&w->turn, &monotonic);
	pthread_condattr_destroy(&monotonic);
	*t->last = w;
	t->last = &w->next;
	h->waiting++;
	t->count.waiting++;
}

static enum turn wait_for_turn(struct turns *t, struct waiter *w, int64_t deadline_us)
{
	const struct timespec until = { deadline_us / CLOCK_SECOND, deadline_us % CLOCK_SECOND * 1000 };

	while (!w->granted && pthread_cond_timedwait(&w->turn, &t->lock, &until) != ETIMEDOUT)
		;
	if (w->granted)
		return TURN_TAKEN;
	strike_off(t, w);
	drop_idle(t, w->holder);
	return TURN_LATE;
}

/* ---- for requests ---- */

enum turn turns_take(struct turns *t, uint64_t account_id, int64_t deadline_us)
{
	struct waiter w = { 0 };
	enum turn result = TURN_FULL;

	pthread_mutex_lock(&t->lock);
	struct holder *h = holder_of(t, account_id);

	if (h->waiting < t->waiting_max) {
		enlist(t, &w, h);
		hand_out(t);
		result = wait_for_turn(t, &w, deadline_us);
		pthread_cond_destroy(&w.turn);
	}
	pthread_mutex_unlock(&t->lock);
	return result;
}

void turns_give(struct turns *t, uint64_t account_id)
{
	pthread_mutex_lock(&t->lock);
	struct holder *h = holder_of(t, account_id);

	h->running--;
	t->count.running--;
	drop_idle(t, h);
	hand_out(t);
	pthread_mutex_unlock(&t->lock);
}

struct turns_count turns_count(struct turns *t)
{
	pthread_mutex_lock(&t->lock);
	struct turns_count count = t->count;

	pthread_mutex_unlock(&t->lock);
	return count;
}
