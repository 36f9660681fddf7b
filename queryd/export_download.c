/* Handing over a finished export: by an access token, or by a URL that is good for some minutes. */
#include "base/clock.h"
#include "base/hex.h"
#include "queryd/authz.h"
#include "queryd/exports.h"
#include "queryd/link.h"

#include <string.h>

#define PIECE ((uint64_t)1024 * 1024) /* asked of the store at once */

/* ---- from the store, piece by piece ---- */

struct download {
	struct response_stream stream;
	struct store *store;
	struct locator where;
	uint64_t at; /* of the object: behind the piece */
	char *piece;
	size_t n, given; /* of the piece */
	struct sha256 *hash;
	uint8_t sha256[SHA256_SIZE]; /* that it must have */
	struct log_context log;
};

static void download_free(struct response_stream *s)
{
	struct download *d = CONTAINER_OF(s, struct download, stream);

	locator_deinit(&d->where);
	sha256_freep(&d->hash);
	free(d->piece);
	free(d);
}

static int take(void *ctx, const void *data, size_t n)
{
	struct download *d = ctx;

	if (n > PIECE - d->n)
		return -1;
	memcpy(d->piece + d->n, data, n);
	d->n += n;
	return 0;
}

/* The last piece is not handed over when the whole is not what was built. */
static int check_end(struct download *d)
{
	uint8_t sha256[SHA256_SIZE];

	if (d->at < d->where.length)
		return 0;
	sha256_finish(d->hash, sha256);
	if (memcmp(sha256, d->sha256, SHA256_SIZE) == 0)
		return 0;
	log_error(&d->log, "the export %s is not what was built", d->where.key);
	return -1;
}

static int next_piece(struct download *d)
{
	uint64_t left = d->where.length - d->at;
	struct locator where = d->where;
	struct err e;

	where.offset += d->at;
	where.length = left < PIECE ? left : PIECE;
	d->n = d->given = 0;
	if (store_get(d->store, &where, take, d, &e) < 0) {
		log_error(&d->log, "%s", e.text);
		return -1;
	}
	if (d->n != where.length)
		return -1;
	d->at += d->n;
	sha256_add(d->hash, d->piece, d->n);
	return check_end(d);
}

static ssize_t download_read(struct response_stream *s, char *to, size_t max)
{
	struct download *d = CONTAINER_OF(s, struct download, stream);

	if (d->given == d->n && (d->at == d->where.length || next_piece(d) < 0))
		return -1;
	size_t left = d->n - d->given, n = left < max ? left : max;

	memcpy(to, d->piece + d->given, n);
	d->given += n;
	return (ssize_t)n;
}

static struct locator copy_of(const struct locator *l)
{
	return (struct locator){ mem_strdup(l->bucket), mem_strdup(l->key), mem_strdup(l->version), l->offset, l->length };
}

static void hand_over(struct call *c, const struct export_job *j)
{
	struct download *d = MEM_NEW(struct download);
	char id[UUID_TEXT_SIZE];

	d->stream = (struct response_stream){ .read = download_read, .free = download_free };
	d->store = c->service->store;
	d->where = copy_of(&j->result.where);
	d->piece = mem_alloc(PIECE, 1);
	d->hash = sha256_new();
	d->log = c->log;
	memcpy(d->sha256, j->result.sha256, SHA256_SIZE);
	_free_ char *disposition = mem_printf("attachment; filename=\"export-%s.%s\"", uuid_format(id, &j->request.id),
		j->request.container);

	response_stream(&c->response, strcmp(j->request.container, "zip") == 0 ? "application/zip" : "application/gzip", &d->stream,
		d->where.length, d->sha256);
	response_header(&c->response, "Content-Disposition", disposition);
}

/* ---- may it be handed over? ---- */

static int hold_piece(struct call *c)
{
	if (!service_hold(c->service, PIECE)) {
		response_unavailable(&c->response, "Too much is being read at the moment.");
		return -1;
	}
	c->held += PIECE;
	return 0;
}

/* Is it there, and may the account still see all that it may hold? 0, or -1 with the response set. */
static int check(struct call *c, const struct export_job *j)
{
	struct err e;

	if (j->state != EXPORT_READY || j->result.expires_us <= clock_now_us()) {
		response_problem(&c->response, 409, "There is nothing to download: it is %s.",
			export_state_name(j->state == EXPORT_READY ? EXPORT_EXPIRED : j->state));
		return -1;
	}
	int covered = authz_covers(&c->account, j->built_scope, &e);

	if (covered < 0)
		return exports_failed(c, &e);
	if (!covered)
		response_problem(&c->response, 403, "What the account may see has been narrowed since this was exported. Export it anew.");
	return covered ? 0 : -1;
}

void export_download(struct call *c)
{
	CLEANUP(export_job_deinit) struct export_job j = { 0 };

	if (exports_find_to_show(c, &j) == 0 && check(c, &j) == 0 && hold_piece(c) == 0)
		hand_over(c, &j);
}

/* ---- URLs ---- */

/* Of an export, in its one spelling. Caller frees. */
static char *purpose_of(const struct uuid *id)
{
	char text[UUID_TEXT_SIZE];

	return mem_printf("export/%s", uuid_format(text, id));
}

void export_download_url(struct call *c)
{
	CLEANUP(export_job_deinit) struct export_job j = { 0 };
	char id[UUID_TEXT_SIZE];

	if (exports_find(c, &j) < 0 || check(c, &j) < 0)
		return;
	if (c->program) {
		response_problem(&c->response, 403, "A program downloads with its token: it has no session that a URL could end with.");
		return;
	}
	_free_ char *purpose = purpose_of(&j.request.id);
	_free_ char *path = mem_printf(ROUTE_V1 "/archive/export-downloads/%s", uuid_format(id, &j.request.id));

	response_json(&c->response, link_give(c, path, purpose));
}

void export_download_by_url(struct call *c)
{
	struct uuid id;

	if (uuid_parse(&id, c->parameters[0]) < 0) {
		response_problem(&c->response, 404, "There is no such export.");
		return;
	}
	_free_ char *purpose = purpose_of(&id);

	if (link_admit(c, purpose, "ARCHIVE_EXPORT") == 0)
		export_download(c);
}
