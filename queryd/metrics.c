#include "queryd/metrics.h"

#include "conf/surroundings.h"
#include "index/index_metrics.h"
#include "mail/parser_metrics.h"
#include "queryd/limit.h"
#include "queryd/route.h"
#include "sys/metrics_backend.h"

#include <assert.h>

#define ROUTES_MAX 256	/* "GET /api/v1/…"; the first is for requests that fit none */
#define STATUSES_MAX 48
#define NO_ROUTE "none"

static char *routes[ROUTES_MAX], *statuses[STATUSES_MAX]; /* set once, before the first request */
static _Atomic int64_t request_cells[ROUTES_MAX * STATUSES_MAX], under_way_cell, inflight_cell, inflight_max_cell, audit_cell,
	search_cells[2];
static struct metric_histogram seconds_cells[ROUTES_MAX];

static const struct metric requests = {
	.kind = METRIC_COUNTER,
	.name = "strongroom_queryd_requests_total",
	.help = "Requests by route and status; route none: there is no such resource, or the request could not be read.",
	.labels = { { "route", (const char *const *)routes, ROUTES_MAX }, { "status", (const char *const *)statuses, STATUSES_MAX } },
	.sparse = true,
	.cells = request_cells,
};
static const struct metric seconds = {
	.kind = METRIC_HISTOGRAM,
	.name = "strongroom_queryd_request_seconds",
	.help = "How long requests take, from their first line until their answer is sent.",
	.labels = { { "route", (const char *const *)routes, ROUTES_MAX } },
	.sparse = true,
	.histograms = seconds_cells,
};
static const struct metric under_way = {
	.kind = METRIC_GAUGE,
	.name = "strongroom_queryd_requests_under_way",
	.help = "Requests that have begun and are not answered yet.",
	.cells = &under_way_cell,
};
static const struct metric inflight = {
	.kind = METRIC_GAUGE,
	.name = "strongroom_inflight_bytes",
	.help = "Bytes of messages that are being read.",
	.cells = &inflight_cell,
};
static const struct metric inflight_max = {
	.kind = METRIC_GAUGE,
	.name = "strongroom_inflight_max_bytes",
	.help = "How many there may be (inflight_max).",
	.cells = &inflight_max_cell,
};
static const char *const search_states[] = { "running", "waiting" };
static const struct metric searches = {
	.kind = METRIC_GAUGE,
	.name = "strongroom_queryd_searches",
	.help = "Searches that run, and that wait for their turn (searches_at_once).",
	.labels = { { "state", search_states, 2 } },
	.cells = search_cells,
};
const struct metric queryd_audit_failures = {
	.kind = METRIC_COUNTER,
	.name = "strongroom_audit_failures_total",
	.help = "Records of the audit that could not be written; what they were about was not shown.",
	.cells = &audit_cell,
};

static const struct metric *const own[] = { &requests, &seconds, &under_way, &inflight, &inflight_max, &queryd_audit_failures,
	&limit_refusals, &searches, &backend_errors, &index_seconds, &parser_replaced, NULL };

/* ---- places in the tables ---- */

static size_t place_of_route(const struct route *route)
{
	size_t place = 1;

	for (const struct route *const *area = route_areas; route && *area; area++)
		for (const struct route *r = *area; r->handle; r++, place++)
			if (r == route)
				return place;
	return 0;
}

static void name_routes(void)
{
	size_t place = 1;

	routes[0] = mem_strdup(NO_ROUTE);
	for (const struct route *const *area = route_areas; *area; area++)
		for (const struct route *r = *area; r->handle; r++) {
			assert(place < ROUTES_MAX);
			routes[place++] = mem_printf("%s %s", request_method_name(r->method), r->pattern);
		}
}

/* 0: of no answer. */
static size_t place_of_status(unsigned status)
{
	for (size_t i = 0; response_status_at(i); i++)
		if (response_status_at(i) == status)
			return i + 1;
	return 0;
}

static void name_statuses(void)
{
	statuses[0] = mem_strdup(NO_ROUTE);
	for (size_t i = 0; response_status_at(i); i++) {
		assert(i + 1 < STATUSES_MAX);
		statuses[i + 1] = mem_printf("%u", response_status_at(i));
	}
}

/* ---- counting ---- */

void queryd_metrics_begin(void)
{
	metric_add(&under_way, 0, 1);
}

void queryd_metrics_end(const struct call *c, int64_t us)
{
	size_t route = place_of_route(c->route);

	metric_add(&under_way, 0, -1);
	metric_add(&requests, metric_cell(&requests, route, place_of_status(c->response.status), 0), 1);
	metric_observe(&seconds, route, us);
}

/* ---- showing ---- */

static void refresh(void *service)
{
	struct service *s = service;

	struct turns_count turns = turns_count(s->turns);

	metric_set(&searches, 0, (int64_t)turns.running);
	metric_set(&searches, 1, (int64_t)turns.waiting);
	metric_set(&inflight, 0, (int64_t)service_held(s));
	metric_set(&inflight_max, 0, (int64_t)s->conf->inflight_max);
}

int queryd_metrics_start(struct metrics_server **s_r, struct service *service, struct err *e)
{
	static struct metrics_source sources[2];
	static struct surroundings around;
	const struct conf *conf = service->conf;

	name_routes();
	name_statuses();
	around = (struct surroundings){ conf, conf->queryd_tls_cert };
	sources[0] = (struct metrics_source){ own, refresh, service };
	sources[1] = (struct metrics_source){ surroundings_metrics, surroundings_refresh, &around };
	return metrics_server_start(s_r, conf->queryd_metrics, sources, ARRAY_LEN(sources), e);
}
