#include "queryd/read.h"

#include "base/hex.h"
#include "base/str.h"
#include "meta/audit.h"
#include "meta/catalog.h"
#include "queryd/audit.h"
#include "queryd/authz.h"
#include "queryd/content_disposition.h"
#include "queryd/etag.h"
#include "queryd/present.h"
#include "store/store_fetch.h"

#include <string.h>

static void not_found(struct call *c)
{
	response_problem(&c->response, 404, "There is no such message.");
}

static void fail(struct call *c, const struct err *e, const char *detail)
{
	log_error(&c->log, "%s", e->text);
	response_unavailable(&c->response, detail);
}

/* What was kept is not what was archived, or gone: somebody must look. */
static void damaged(struct call *c, const char *why)
{
	log_error(&c->log, "%s", why);
	response_problem(&c->response, 502, "The stored bytes differ from what was archived, so they are not shown. "
					    "The operator can find the cause in the log by the request id.");
}

/* Whose mail it is: the normal forms of those whom scopes go by. Nobody is called as the audit calls everybody. */
static void list_mailboxes(const struct message_row *row, struct strv *mailboxes)
{
	for (size_t i = 0; i < row->participant_count; i++)
		if (scope_counts_role(row->participants[i].role) &&
			strcmp(row->participants[i].normal, AUDIT_ALL_MAILBOXES) != 0)
			strv_add(mailboxes, row->participants[i].normal);
}

/* It was there, and he may know. */
static void gone(struct call *c, const struct disposed *d)
{
	_json_ cJSON *more = cJSON_CreateObject();

	present_id(more, "disposition", &d->disposition);
	present_time(more, "disposed_at", d->at_us);
	response_problem_with(&c->response, 410, "disposed", more, "This message was disposed of: it is in the archive no longer.");
}

/* Why there is none for him. */
static void explain_none(struct call *c, const struct scope *scope, const struct uuid *id)
{
	struct disposed d;
	struct err e;
	int disposed = meta_message_disposed(c->service->meta, scope, id, &d, &e);

	if (disposed < 0)
		fail(c, &e, "The archive's database can't be read at the moment.");
	else if (disposed)
		gone(c, &d);
	else
		not_found(c);
}

int read_row(struct call *c, const char *detail, struct message_row *row_r)
{
	CLEANUP(scope_freep) struct scope *scope = authz_scope(&c->account);
	struct uuid id;
	struct err e;

	if (uuid_parse(&id, c->parameters[0]) < 0) {
		if (audit_intent_signed_in(c, detail) == 0)
			not_found(c);
		return -1;
	}
	log_context_set(&c->log, "archive_id", c->parameters[0]);
	CLEANUP(strv_deinit) struct strv mailboxes = { 0 };
	int found = meta_message_in_scope(c->service->meta, scope, &id, &e);

	if (found > 0)
		found = meta_message_get(c->service->meta, scope, &id, row_r, &e);
	if (found > 0)
		list_mailboxes(row_r, &mailboxes);
	if (audit_intent_looking(c, detail, &mailboxes) < 0)
		return -1;
	if (found < 0)
		fail(c, &e, "The archive's database can't be read at the moment.");
	else if (!found)
		explain_none(c, scope, &id);
	return found == 1 ? 0 : -1;
}

/* ---- bytes ---- */

/* Takes what the message may use in memory and spool, for the time of the call. */
static int hold(struct call *c, uint64_t bytes)
{
	if (!service_hold(c->service, bytes)) {
		response_unavailable(&c->response, "Too many large messages are being read at the moment.");
		return -1;
	}
	c->held += bytes;
	return 0;
}

struct filling {
	struct message *message;
	struct err error; /* of message_append() */
};

static int fill(void *ctx, const void *data, size_t n)
{
	struct filling *f = ctx;

	return message_append(f->message, data, n, &f->error);
}

/* got: what store_fetch() said, with its error. What is disposed of meanwhile is no damage. */
static void explain_unread(struct call *c, const struct uuid *id, int got, const struct err *e)
{
	struct disposed d;
	struct err unheard;

	if (meta_disposed_get(c->service->meta, id, &d, &unheard) > 0)
		gone(c, &d);
	else if (got < 0)
		fail(c, e, "The message can't be read at the moment.");
	else
		damaged(c, e->text);
}

/* The message's bytes, compared with the row. Caller frees; NULL: the response is set. */
static struct message *load_message(struct call *c, const struct message_row *row)
{
	const struct store_expected expected = { &row->locator, row->size, row->sha256 };
	struct message *m = NULL;
	struct err e;

	if (hold(c, row->size) < 0)
		return NULL;
	int got = store_fetch(c->service->store, &expected, c->service->conf->spool_dir, &m, &e);

	if (got < 1)
		explain_unread(c, &row->id, got, &e);
	return m;
}

static void give(struct call *c, const char *content_type, struct message *m, const char *name, const char *fallback)
{
	_free_ char *disposition = content_disposition_attachment(name, fallback);
	char tag[ETAG_SIZE];

	etag_of_digest(tag, message_sha256(m));
	response_content(&c->response, content_type, m);
	response_header(&c->response, "Content-Disposition", disposition);
	etag_answer(c, tag);
}

/* Whoever has the bytes needs no others: they never change. That he asked is on record all the same. */
static bool is_known(struct call *c, const uint8_t sha256[SHA256_SIZE])
{
	char tag[ETAG_SIZE];

	etag_of_digest(tag, sha256);
	if (!etag_is_known(c, tag))
		return false;
	response_empty(&c->response, 304);
	etag_answer(c, tag);
	return true;
}

void read_message(struct call *c, const struct message_row *row)
{
	struct message *m = is_known(c, row->sha256) ? NULL : load_message(c, row);
	char id[UUID_TEXT_SIZE];

	if (!m)
		return;
	_free_ char *name = mem_printf("%s.eml", uuid_format(id, &row->id));

	give(c, "message/rfc822", m, name, name);
}

static void read_content(struct call *c)
{
	CLEANUP(message_row_deinit) struct message_row row = { 0 };

	if (read_row(c, NULL, &row) == 0)
		read_message(c, &row);
}

/* For the audit. Caller frees. */
static char *attachment_detail(const char *index)
{
	_json_ cJSON *j = cJSON_CreateObject();

	json_add_str(j, "attachment", index);
	return json_print(j);
}

static int find_attachment(struct call *c, const struct message_row *row, uint64_t *index_r)
{
	if (str_parse_u64(index_r, c->parameters[1], UINT32_MAX) == 0 && *index_r < row->attachment_count)
		return 0;
	response_problem(&c->response, 404, "The message has no such attachment.");
	return -1;
}

static bool is_as_archived(const struct message *m, const struct attachment *a)
{
	return message_size(m) == a->size && memcmp(message_sha256(m), a->sha256, SHA256_SIZE) == 0;
}

/* What the parser's failure means for the client. e: its error. */
static void explain(struct call *c, const struct filling *f, const struct err *e)
{
	if (f->error.class == ERR_TEMPORARY)
		fail(c, &f->error, "There is no room to read this message at the moment.");
	else if (f->error.class == ERR_NONE && e->class == ERR_TEMPORARY)
		fail(c, e, "The message can't be parsed at the moment.");
	else
		damaged(c, f->error.class == ERR_NONE ? e->text : f->error.text);
}

/* The decoded attachment, compared with the row. Caller frees; NULL: the response is set. */
static struct message *extract(struct call *c, const struct message *whole, uint64_t index, const struct attachment *a)
{
	CLEANUP(message_freep) struct message *m = NULL;
	struct err e = { 0 };

	if (hold(c, a->size) < 0)
		return NULL;
	m = message_new(c->service->conf->spool_dir, a->size);
	struct filling f = { .message = m };
	int rc = parser_pool_extract(c->service->parsers, whole, (uint32_t)index, fill, &f, &e);

	if (rc == 1 && message_finish(m, &f.error) < 0)
		rc = -1;
	if (rc < 0) {
		explain(c, &f, &e);
		return NULL;
	}
	if (rc == 0 || !is_as_archived(m, a)) {
		damaged(c, "the attachment is not as it was recorded");
		return NULL;
	}
	struct message *checked = m;

	m = NULL;
	return checked;
}

static void read_attachment(struct call *c)
{
	CLEANUP(message_row_deinit) struct message_row row = { 0 };
	CLEANUP(message_freep) struct message *whole = NULL;
	_free_ char *detail = attachment_detail(c->parameters[1]);
	uint64_t index;

	if (read_row(c, detail, &row) < 0 || find_attachment(c, &row, &index) < 0 ||
		is_known(c, row.attachments[index].sha256))
		return;
	whole = load_message(c, &row);
	struct message *part = whole ? extract(c, whole, index, &row.attachments[index]) : NULL;
	_free_ char *fallback = mem_printf("attachment-%s", c->parameters[1]);

	/* Whatever it says it is: never a type that a browser would run or show. */
	if (part)
		give(c, "application/octet-stream", part, row.attachments[index].name, fallback);
}

#define EMAIL ROUTE_V1 "/archive/emails/{id}"

const struct route read_routes[] = {
	{ .method = METHOD_GET,
		.pattern = EMAIL "/content",
		.permission = "ARCHIVE_READ",
		.action = "read.content",
		.fresh = true,
		.handle = read_content },
	{ .method = METHOD_GET,
		.pattern = EMAIL "/attachments/{index}",
		.permission = "ARCHIVE_READ",
		.action = "read.attachment",
		.fresh = true,
		.handle = read_attachment },
	{ 0 },
};
