#include "queryd/health.h"

static void health_alive(struct call *c)
{
	static const char alive[] = "{\"status\":\"alive\"}";

	response_text(&c->response, alive, sizeof(alive) - 1);
}

static int index_is_ready(struct service *s, struct err *e)
{
	struct index *index = service_index(s, e);

	return index ? index_ready(index, e) : -1;
}

/* Not store_ready(): that is about putting, which this program never does. */
static int store_is_reachable(struct service *s, struct err *e)
{
	const struct uuid none = { 0 };
	struct locator where = { 0 };
	int found = store_find(s->store, &none, &where, e);

	locator_deinit(&where);
	return found < 0 ? -1 : 0;
}

static bool report(struct call *c, cJSON *checks, const char *name, int rc, const struct err *e)
{
	json_add_str(checks, name, rc == 0 ? "ok" : "failed");
	if (rc < 0)
		log_warn(&c->log, "not ready: %s", e->text);
	return rc == 0;
}

static void health_ready(struct call *c)
{
	cJSON *j = cJSON_CreateObject(), *checks = cJSON_CreateObject();
	struct service *s = c->service;
	struct err e;
	bool ready = report(c, checks, "meta", meta_ready(s->meta, &e), &e);

	ready = report(c, checks, "store", store_is_reachable(s, &e), &e) && ready;
	ready = report(c, checks, "index", index_is_ready(s, &e), &e) && ready;
	json_add_str(j, "status", ready ? "ready" : "not ready");
	json_add_item(j, "checks", checks);
	response_json(&c->response, j);
	c->response.status = ready ? 200 : 503;
}

const struct route health_routes[] = {
	{ .method = METHOD_GET, .pattern = "/healthz", .handle = health_alive },
	{ .method = METHOD_GET, .pattern = "/readyz", .handle = health_ready },
	{ 0 },
};
