/* Handing over a finished export: by an access token, or by a URL that is good for some minutes. */
#include "base/clock.h"
#include "base/hex.h"
#include "cache/token_floor.h"
#include "queryd/audit.h"
#include "queryd/authz.h"
#include "queryd/exports.h"

#include <string.h>

#define PIECE ((uint64_t)1024 * 1024) /* asked of the store at once */
#define URL_US (300 * CLOCK_SECOND)
#define SIGNED_STRENGTH "signed-url"

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

	d->stream = (struct response_stream){ download_read, download_free };
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

/* What a URL stands for, sealed by the installation's key: nobody else can make or change one. */
struct ticket {
	uint8_t magic[8];
	struct uuid export;
	uint64_t account_id, generation;
	int64_t until_us;
};
static const uint8_t magic[8] = "x-url-1";

void export_download_url(struct call *c)
{
	CLEANUP(export_job_deinit) struct export_job j = { 0 };
	struct ticket t = { 0 };
	_free_ uint8_t *sealed = NULL;
	char id[UUID_TEXT_SIZE];
	size_t n;

	if (exports_find(c, &j) < 0 || check(c, &j) < 0)
		return;
	memcpy(t.magic, magic, sizeof(magic));
	t.export = j.request.id;
	t.account_id = c->account.id;
	t.generation = c->account.token_generation;
	t.until_us = clock_now_us() + URL_US;
	secret_seal(c->service->seal, &t, sizeof(t), &sealed, &n);
	_free_ char *token = mem_alloc(2 * n + 1, 1);

	hex_encode(token, sealed, n);
	_free_ char *url = mem_printf(ROUTE_V1 "/archive/export-downloads/%s?token=%s", uuid_format(id, &t.export), token);
	cJSON *answer = cJSON_CreateObject();

	json_add_str(answer, "url", url);
	json_add_str(answer, "expires_at", clock_format((char[CLOCK_TEXT_SIZE]){ 0 }, t.until_us));
	response_json(&c->response, answer);
}

static bool open_ticket(const struct call *c, const char *token, struct ticket *t_r)
{
	size_t n = strlen(token) / 2, opened;
	_free_ uint8_t *sealed = mem_alloc(n + 1, 1), *plain = mem_alloc(n + 1, 1);
	struct uuid id;
	struct err e;

	if (n < sizeof(*t_r) || n > 4 * sizeof(*t_r) || hex_decode(sealed, n, token) < 0 ||
		secret_open(c->service->seal, sealed, n, plain, &opened, &e) < 0 || opened != sizeof(*t_r))
		return false;
	memcpy(t_r, plain, sizeof(*t_r));
	return memcmp(t_r->magic, magic, sizeof(magic)) == 0 && uuid_parse(&id, c->parameters[0]) == 0 &&
		memcmp(&id, &t_r->export, sizeof(id)) == 0 && t_r->until_us > clock_now_us();
}

static bool has_ended(const struct call *c, const struct ticket *t)
{
	char name[TOKEN_FLOOR_NAME_SIZE];
	uint64_t floor;

	return c->account.disabled || c->account.token_generation != t->generation || !authz_may(&c->account, "ARCHIVE_EXPORT") ||
		(cache_get(c->service->cache, token_floor_name(name, t->account_id), &floor) && t->generation < floor);
}

/* The account that a URL was made for, as it is now. 1, 0, -1 with the response set. */
static int find_account(struct call *c, const struct ticket *t)
{
	struct err e;
	int found = meta_account_by_id(c->service->meta, t->account_id, &c->account, &e);

	if (found < 0)
		return exports_failed(c, &e);
	if (!found)
		c->account = (struct account){ 0 };
	return found && !has_ended(c, t);
}

void export_download_signed(struct call *c)
{
	CLEANUP(export_job_deinit) struct export_job j = { 0 };
	const char *token = request_parameter(c->request, "token");
	struct ticket t;
	int good = token && open_ticket(c, token, &t) ? find_account(c, &t) : 0;

	if (good < 0)
		return;
	if (!good) {
		if (audit_intent(c, NULL, "none", NULL) == 0)
			response_problem(&c->response, 403, "This URL is not valid, or no longer. Ask for another one.");
		return;
	}
	c->session.strength = mem_strdup(SIGNED_STRENGTH);
	if (exports_find_to_show(c, &j) == 0 && check(c, &j) == 0 && hold_piece(c) == 0)
		hand_over(c, &j);
}
