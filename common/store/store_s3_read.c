/* Reading an object, by version id. */
#include "base/clock.h"
#include "base/str.h"
#include "store/store_s3.h"

#include <inttypes.h>
#include <string.h>

/* A version id is all that tells the archived bytes from what somebody put there later. */
static int check_locator(const struct store_s3 *s, const struct locator *where, struct err *e)
{
	if (strcmp(where->bucket, s3_client_bucket(s->client)) != 0)
		return err_temporary(e, "read(s3:%s/%s) failed: it is in another bucket than `store` names, which is %s",
			where->bucket, where->key, s3_client_bucket(s->client));
	if (!*where->version)
		return err_permanent(e, "read(s3:%s/%s) failed: its version id was not recorded", where->bucket, where->key);
	return 0;
}

struct getting {
	int (*sink)(void *ctx, const void *data, size_t n);
	void *ctx;
	uint64_t done, length;
	bool too_long, stopped;
};

static int take(void *ctx, const void *data, size_t n)
{
	struct getting *g = ctx;

	g->too_long = n > g->length - g->done;
	if (g->too_long)
		return -1;
	g->stopped = g->sink(g->ctx, data, n) != 0;
	if (g->stopped)
		return -1;
	g->done += n;
	return 0;
}

static void add_range(struct s3_request *r, const struct locator *where, uint64_t done)
{
	_free_ char *range = mem_printf("bytes=%" PRIu64 "-%" PRIu64, where->offset + done,
		where->offset + where->length - 1);

	s3_header(r, "Range", range);
}

/* 0 whole; 1 not yet, but another attempt may bring the rest; -1. */
static int get_once(struct store_s3 *s, const struct locator *where, struct getting *g, struct err *e)
{
	CLEANUP(s3_request_deinit) struct s3_request r = { .method = "GET", .key = where->key, .sink = take, .ctx = g };
	uint64_t from = where->offset + g->done;
	struct http_answer a;

	s3_query(&r, "versionId", where->version);
	if (where->length)
		add_range(&r, where, g->done);
	if (s3_call(s->client, &r, &a, e))
		return g->too_long || g->stopped ? -1 : 1;
	int rc = 0;

	if (a.status == 416)
		rc = err_permanent(e, "GET(s3:%s/%s) failed: the object is shorter than recorded", where->bucket,
			where->key);
	else if (a.status / 100 != 2) {
		s3_refused(s->client, &r, &a, e);
		rc = s3_is_passing(&a) ? 1 : -1;
	} else if (from && a.status != 206)
		rc = err_temporary(e, "GET(s3:%s/%s) failed: the store ignores Range", where->bucket, where->key);
	else if (g->done < where->length)
		rc = err_permanent(e, "GET(s3:%s/%s) failed: the object is shorter than recorded", where->bucket,
			where->key);
	http_answer_deinit(&a);
	return rc;
}

/* What was read before a connection broke is not asked for again. */
int store_s3_get(struct store *store, const struct locator *where, int (*sink)(void *ctx, const void *data, size_t n),
	void *ctx, struct err *e)
{
	struct store_s3 *s = store_s3(store);
	struct getting g = { .sink = sink, .ctx = ctx, .length = where->length };
	struct s3_patience patience = s3_patience(s->client);
	int rc;

	if (check_locator(s, where, e))
		return -1;
	do
		rc = get_once(s, where, &g, e);
	while (rc > 0 && (g.done < g.length || !g.length) && s3_again(&patience));
	if (g.too_long)
		return err_permanent(e, "GET(s3:%s/%s) failed: the object is longer than recorded", where->bucket,
			where->key);
	return rc > 0 && g.done == g.length && g.length ? 0 : rc ? -1 : 0;
}

/* ---- what protects it ---- */

/* 1, -1. */
static int read_state(const struct locator *where, const struct http_answer *a, struct store_state *state_r, struct err *e)
{
	const char *length = http_answer_header(a, "Content-Length");
	const char *mode = http_answer_header(a, "x-amz-object-lock-mode");
	const char *until = http_answer_header(a, "x-amz-object-lock-retain-until-date");
	const char *hold = http_answer_header(a, "x-amz-object-lock-legal-hold");

	*state_r = (struct store_state){ .read_only = true };
	if (!length || str_parse_u64(&state_r->length, length, INT64_MAX))
		return err_temporary(e, "HEAD(s3:%s/%s) failed: the answer does not tell how long the object is", where->bucket,
			where->key);
	if (until && clock_parse(&state_r->retain_until_us, until))
		state_r->retain_until_us = 0;
	state_r->held = hold && strcmp(hold, "ON") == 0;
	state_r->locked = state_r->held ||
		(mode && strcmp(mode, "COMPLIANCE") == 0 && state_r->retain_until_us > clock_now_us());
	return 1;
}

/* A HEAD's 404 has no body that tells a missing object from a missing bucket. */
static int gone(struct store_s3 *s, struct err *e)
{
	return store_s3_ready(&s->store, e) ? -1 : 0;
}

int store_s3_stat(struct store *store, const struct locator *where, struct store_state *state_r, struct err *e)
{
	struct store_s3 *s = store_s3(store);
	CLEANUP(s3_request_deinit) struct s3_request r = { .method = "HEAD", .key = where->key };
	struct http_answer a;
	int rc;

	if (check_locator(s, where, e))
		return -1;
	s3_query(&r, "versionId", where->version);
	if (s3_call(s->client, &r, &a, e))
		return -1;
	if (a.status / 100 == 2)
		rc = read_state(where, &a, state_r, e);
	else
		rc = a.status == 404 || a.status == 400 ? gone(s, e) : s3_refused(s->client, &r, &a, e);
	http_answer_deinit(&a);
	return rc;
}

int store_s3_presign(struct store *store, const struct locator *where, uint32_t seconds, char **url_r, struct err *e)
{
	struct store_s3 *s = store_s3(store);
	CLEANUP(s3_request_deinit) struct s3_request r = { .method = "GET", .key = where->key };

	if (check_locator(s, where, e))
		return -1;
	s3_query(&r, "versionId", where->version);
	*url_r = s3_client_presign(s->client, &r, seconds);
	return 0;
}
