#include "index/index_driver.h"

#include "base/clock.h"
#include "base/str.h"
#include "index/index_metrics.h"
#include "sys/metrics_backend.h"

#include <string.h>

static const struct index_driver *const drivers[] = { &index_fts_driver, &index_es_driver };

/* An operation ended with this result: how long it took, and whether it failed. */
static int measured(enum index_operation operation, int64_t began_us, int result, const struct err *e)
{
	metric_observe(&index_seconds, operation, clock_monotonic_us() - began_us);
	return backend_result(BACKEND_INDEX, result, e);
}

static const struct index_driver *find(const struct conf *conf, const char **where_r, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(drivers); i++) {
		size_t n = strlen(drivers[i]->scheme);

		*where_r = conf->index + n + 1;
		if (str_istarts(conf->index, drivers[i]->scheme) && conf->index[n] == ':')
			return drivers[i];
	}
	err_permanent(e, "index(%s) failed: no such kind; write fts:FILE or es:ALIAS", conf->index);
	return NULL;
}

int index_create(const struct conf *conf, struct err *e)
{
	const char *where;
	const struct index_driver *d = find(conf, &where, e);

	return d ? d->create(conf, where, e) : -1;
}

int index_open(struct index **i_r, const struct conf *conf, enum index_mode mode, struct err *e)
{
	const char *where;
	const struct index_driver *d = find(conf, &where, e);

	*i_r = NULL;
	return d ? backend_result(BACKEND_INDEX, d->open(i_r, conf, where, mode, e), e) : -1;
}

bool index_is_damaged(const struct conf *conf)
{
	const char *where;
	struct err ignored;
	const struct index_driver *d = find(conf, &where, &ignored);

	return d && d->is_damaged(conf, where);
}

void index_closep(struct index **i)
{
	if (*i)
		(*i)->driver->close(*i);
	*i = NULL;
}

int index_add(struct index *i, const struct index_doc *docs, size_t n, struct err *e)
{
	if (i->mode != INDEX_WRITE)
		return err_permanent(e, "index_add failed: the index is open for reading");
	if (!n)
		return 0;
	int64_t began_us = clock_monotonic_us();
	int failed = i->driver->add(i, docs, n, e);

	return measured(INDEX_ADD, began_us, failed, e);
}

int index_remove(struct index *i, const struct uuid *ids, size_t n, struct err *e)
{
	if (i->mode != INDEX_WRITE)
		return err_permanent(e, "index_remove failed: the index is open for reading");
	return n ? backend_result(BACKEND_INDEX, i->driver->remove(i, ids, n, e), e) : 0;
}

int index_sync(struct index *i, struct err *e)
{
	if (i->mode != INDEX_WRITE)
		return 0;
	int64_t began_us = clock_monotonic_us();
	int failed = i->driver->sync(i, e);

	return measured(INDEX_SYNC, began_us, failed, e);
}

int index_search(struct index *i, const struct scope *scope, const struct index_request *r, struct index_page *page_r,
	struct err *e)
{
	*page_r = (struct index_page){ 0 };
	if (r->limit < 1 || r->limit > INDEX_PAGE_MAX)
		return err_permanent(e, "index_search failed: limit %zu is not in 1..%d", r->limit, INDEX_PAGE_MAX);
	int64_t began_us = clock_monotonic_us();
	int failed = i->driver->search(i, scope, r, page_r, e);

	if (measured(INDEX_SEARCH, began_us, failed, e) == 0)
		return 0;
	index_page_deinit(page_r);
	return -1;
}

static void facet_list_deinit(struct index_facet_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->values[i].value);
	free(list->values);
}

void index_page_deinit(struct index_page *p)
{
	for (size_t k = 0; k < FACETS; k++)
		facet_list_deinit(&p->facets.of[k]);
	for (size_t i = 0; i < p->n; i++) {
		free(p->hits[i].snippet);
		free(p->hits[i].links);
	}
	free(p->hits);
	free(p->next);
	*p = (struct index_page){ 0 };
}

int index_generation(struct index *i, char text_r[INDEX_GENERATION_SIZE], struct err *e)
{
	return i->driver->generation(i, text_r, e);
}

int index_has(struct index *i, const struct uuid *ids, size_t n, bool *present_r, struct err *e)
{
	return backend_result(BACKEND_INDEX, i->driver->has(i, ids, n, present_r, e), e);
}

int index_count(struct index *i, uint64_t *n_r, struct err *e)
{
	return backend_result(BACKEND_INDEX, i->driver->count(i, n_r, e), e);
}

int index_count_gone(struct index *i, uint64_t *n_r, struct err *e)
{
	*n_r = 0;
	return i->driver->count_gone ? backend_result(BACKEND_INDEX, i->driver->count_gone(i, n_r, e), e) : 0;
}

int index_ready(struct index *i, struct err *e)
{
	return backend_result(BACKEND_INDEX, i->driver->ready(i, e), e);
}

int index_rebuild_begin(struct index **fresh_r, const struct conf *conf, const struct index_rebuild *what, struct uuid *done_r,
	struct err *e)
{
	const char *where;
	const struct index_driver *d = find(conf, &where, e);

	*fresh_r = NULL;
	*done_r = (struct uuid){ 0 };
	return d ? d->rebuild_begin(fresh_r, conf, where, what, done_r, e) : -1;
}

int index_rebuild_note(struct index *fresh, const struct uuid *done, struct err *e)
{
	return fresh->driver->rebuild_note(fresh, done, e);
}

int index_rebuild_finish(struct index **fresh, const struct conf *conf, struct err *e)
{
	(void)conf; /* fresh knows whose place it takes */
	if ((*fresh)->driver->rebuild_finish(*fresh, e))
		return -1;
	*fresh = NULL;
	return 0;
}

void index_rebuild_suspend(struct index **fresh, const struct conf *conf)
{
	(void)conf;
	if (*fresh)
		(*fresh)->driver->rebuild_suspend(*fresh);
	*fresh = NULL;
}

void index_rebuild_abandon(struct index **fresh, const struct conf *conf)
{
	(void)conf;
	if (*fresh)
		(*fresh)->driver->rebuild_abandon(*fresh);
	*fresh = NULL;
}
