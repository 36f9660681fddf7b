#include "milter/gate.h"

/* Counts up unless `shut` is set. */
static bool enter(struct gate *g, size_t *count, const bool *shut)
{
	pthread_mutex_lock(&g->lock);
	bool open = !*shut;

	*count += open;
	pthread_mutex_unlock(&g->lock);
	return open;
}

static void leave(struct gate *g, size_t *count)
{
	pthread_mutex_lock(&g->lock);
	--*count;
	pthread_mutex_unlock(&g->lock);
}

static void shut(struct gate *g, bool *what)
{
	pthread_mutex_lock(&g->lock);
	*what = true;
	pthread_mutex_unlock(&g->lock);
}

static size_t count(struct gate *g, const size_t *what)
{
	pthread_mutex_lock(&g->lock);
	size_t n = *what;

	pthread_mutex_unlock(&g->lock);
	return n;
}

bool gate_enter(struct gate *g)
{
	return enter(g, &g->transactions, &g->stopping);
}

void gate_leave(struct gate *g)
{
	leave(g, &g->transactions);
}

bool gate_archive_enter(struct gate *g)
{
	return enter(g, &g->archiving, &g->closed);
}

void gate_archive_leave(struct gate *g)
{
	leave(g, &g->archiving);
}

void gate_stop(struct gate *g)
{
	shut(g, &g->stopping);
}

void gate_close(struct gate *g)
{
	shut(g, &g->closed);
}

size_t gate_transactions(struct gate *g)
{
	return count(g, &g->transactions);
}

size_t gate_archiving(struct gate *g)
{
	return count(g, &g->archiving);
}
