#include "queryd/metadata.h"

#include "base/clock.h"
#include "base/hex.h"
#include "meta/catalog.h"
#include "meta/hold.h"
#include "meta/retention.h"
#include "queryd/audit.h"
#include "queryd/auth.h"
#include "queryd/authz.h"
#include "queryd/etag.h"
#include "queryd/holds.h"
#include "queryd/link.h"
#include "queryd/present.h"
#include "queryd/read.h"

#include <string.h>

#define EMAIL ROUTE_V1 "/archive/emails/{id}"

static void add_hex(cJSON *j, const char *name, const void *bytes, size_t n)
{
	_free_ char *text = mem_alloc(2 * n + 1, 1);

	hex_encode(text, bytes, n);
	json_add_str(j, name, text);
}

/* ---- what the message says ---- */

static void add_envelope(cJSON *j, const struct message_row *row)
{
	cJSON *envelope = cJSON_CreateObject(), *to = cJSON_CreateArray();
	const char *from = "";

	for (size_t i = 0; i < row->participant_count; i++) {
		const struct participant *p = &row->participants[i];

		if (p->role == ROLE_ENVELOPE_FROM)
			from = p->address;
		else if (p->role == ROLE_ENVELOPE_TO)
			cJSON_AddItemToArray(to, cJSON_CreateString(p->address));
	}
	json_add_str(envelope, "mail_from", from);
	json_add_item(envelope, "rcpt_to", to);
	json_add_item(j, "envelope", envelope);
}

static void add_people(cJSON *j, const struct message_row *row)
{
	static const struct {
		const char *key;
		enum participant_role role;
	} people[] = {
		{ "from", ROLE_FROM }, { "sender", ROLE_SENDER }, { "reply_to", ROLE_REPLY_TO }, { "to", ROLE_TO },
		{ "cc", ROLE_CC }, { "bcc", ROLE_BCC }, { "journal_sender", ROLE_JOURNAL_SENDER },
		{ "journal_recipients", ROLE_JOURNAL_RECIPIENT }, { "journal_via", ROLE_JOURNAL_VIA },
	};

	for (size_t i = 0; i < ARRAY_LEN(people); i++)
		present_people(j, people[i].key, row->participants, row->participant_count, people[i].role, &present_all);
}

static void add_attachments(cJSON *j, const struct message_row *row)
{
	cJSON *list = cJSON_CreateArray();

	json_add_item(j, "attachments", list);
	for (size_t i = 0; i < row->attachment_count; i++) {
		const struct attachment *a = &row->attachments[i];
		cJSON *item = cJSON_CreateObject();

		json_add_u64(item, "index", i);
		json_add_str(item, "name", a->name);
		json_add_str(item, "content_type", a->content_type);
		json_add_u64(item, "size", a->size);
		add_hex(item, "sha256", a->sha256, SHA256_SIZE);
		cJSON_AddItemToArray(list, item);
	}
}

static void add_flags(cJSON *j, const struct message_row *row)
{
	cJSON *list = cJSON_CreateArray();

	json_add_item(j, "parse_flags", list);
	for (unsigned bit = 0; bit < PARSE_FLAGS; bit++)
		if (row->parse_flags & (1u << bit))
			cJSON_AddItemToArray(list, cJSON_CreateString(parsed_flag_name(bit)));
}

/* ---- what the archive knows ---- */

/* What the door saw, as it was written down then. */
static void add_evidence(cJSON *j, const struct message_row *row)
{
	struct err e;
	cJSON *evidence = json_parse(row->evidence, strlen(row->evidence), &e);

	if (!cJSON_IsObject(evidence)) {
		cJSON_Delete(evidence);
		evidence = cJSON_CreateObject();
	}
	cJSON_DeleteItemFromObjectCaseSensitive(evidence, "queue_id");
	json_add_str(evidence, "queue_id", row->queue_id);
	json_add_item(j, "evidence", evidence);
}

/* The response is a 503. Returns -1. */
static int unreadable(struct call *c, const struct err *e)
{
	log_error(&c->log, "%s", e->text);
	response_unavailable(&c->response, "The archive's database can't be read at the moment.");
	return -1;
}

/* By now: longer than it was stamped where a policy was made since, and beyond that while it is held. -1: the response is set. */
static int add_retention(struct call *c, cJSON *j, const struct message_row *row)
{
	struct message_holds holds = { 0 };
	int64_t until_us;
	struct err e;

	if (meta_retention_extended(c->service->meta, &row->id, 1, &until_us, &e) ||
		meta_message_holds(c->service->meta, &row->id, 1, &holds, &e))
		return unreadable(c, &e);
	cJSON *retention = cJSON_CreateObject();

	free(holds.items);
	present_time(retention, "retain_until", until_us > row->retain_until_us ? until_us : row->retain_until_us);
	json_add_bool(retention, "held", holds.n > 0);
	json_add_str(retention, "lock_mode", row->lock_mode);
	json_add_str(retention, "policy", row->policy_version);
	json_add_item(j, "retention", retention);
	return 0;
}

/* Those that the account may know of. -1: the response is set. */
static int add_holds(struct call *c, cJSON *j, const struct uuid *id)
{
	struct message_holds holds = { 0 };
	cJSON *list = cJSON_CreateArray();
	struct err e;

	json_add_item(j, "holds", list);
	int rc = meta_message_holds(c->service->meta, id, 1, &holds, &e);

	for (size_t i = 0; i < holds.n && rc >= 0; i++) {
		rc = holds_visible(c, &holds.items[i].hold, &e);
		if (rc <= 0)
			continue;
		cJSON *item = cJSON_CreateObject();

		present_id(item, "id", &holds.items[i].hold);
		cJSON_AddItemToArray(list, item);
	}
	free(holds.items);
	return rc < 0 ? unreadable(c, &e) : 0;
}

/* -1: the response is set. */
static int add_ledger(struct call *c, cJSON *j, const struct scope *scope, const struct uuid *id)
{
	CLEANUP(meta_record_deinit) struct meta_record record = { 0 };
	cJSON *ledger = cJSON_CreateObject();
	struct err e;

	json_add_item(j, "ledger", ledger);
	int found = meta_message_record(c->service->meta, scope, id, &record, &e);

	if (found < 0)
		return unreadable(c, &e);
	if (found) {
		json_add_str(ledger, "daemon", record.daemon);
		json_add_u64(ledger, "sequence", record.seq);
		add_hex(ledger, "nonce", record.nonce, sizeof(record.nonce));
		add_hex(ledger, "leaf", record.leaf, sizeof(record.leaf));
		add_hex(ledger, "record", record.record, record.record_length);
	}
	return 0;
}

/* ---- the download ---- */

/* Of a message, in its one spelling. Caller frees. */
static char *purpose_of(const struct uuid *id)
{
	char text[UUID_TEXT_SIZE];

	return mem_printf("email/%s", uuid_format(text, id));
}

static void add_download(struct call *c, cJSON *j, const struct uuid *id)
{
	_free_ char *purpose = purpose_of(id);
	char name[UUID_TEXT_SIZE];
	_free_ char *path = mem_printf(ROUTE_V1 "/archive/emails/%s/download", uuid_format(name, id));

	json_add_item(j, "download", link_give(c, path, purpose));
}

static int admit(struct call *c, const struct uuid *id)
{
	_free_ char *purpose = purpose_of(id);

	return link_admit(c, purpose, "ARCHIVE_READ");
}

static void download(struct call *c)
{
	CLEANUP(message_row_deinit) struct message_row row = { 0 };
	struct uuid id;

	if (uuid_parse(&id, c->parameters[0]) < 0) {
		response_problem(&c->response, 404, "There is no such message.");
		return;
	}
	if (admit(c, &id) == 0 && read_row(c, NULL, &row) == 0)
		read_message(c, &row);
}

/* ---- the whole ---- */

static cJSON *present(const struct message_row *row)
{
	cJSON *j = cJSON_CreateObject();

	present_id(j, "id", &row->id);
	add_hex(j, "sha256", row->sha256, SHA256_SIZE);
	json_add_u64(j, "size", row->size);
	present_time(j, "received_at", row->received_us);
	json_add_str(j, "capture_point", row->capture_point);
	json_add_str(j, "capture_kind", capture_kind_name(row->kind));
	add_envelope(j, row);
	json_add_str(j, "subject", row->subject);
	add_people(j, row);
	json_add_str(j, "message_id", row->message_id);
	present_date(j, "date", row->parse_flags, row->header_date_us);
	add_attachments(j, row);
	add_flags(j, row);
	add_evidence(j, row);
	return j;
}

/* The tag is of all but the download, which is another one each time. */
static void answer(struct call *c, cJSON *j, const struct uuid *id)
{
	_free_ char *text = json_print(j);
	uint8_t digest[SHA256_SIZE];
	char tag[ETAG_SIZE];

	sha256_of(text, strlen(text), digest);
	etag_of_digest(tag, digest);
	add_download(c, j, id);
	response_json(&c->response, j);
	etag_answer(c, tag);
	c->response.count = c->response.length;
}

static void read_metadata(struct call *c)
{
	CLEANUP(message_row_deinit) struct message_row row = { 0 };
	CLEANUP(scope_freep) struct scope *scope = authz_scope(&c->account);

	if (read_row(c, NULL, &row) < 0)
		return;
	_json_ cJSON *j = present(&row);

	if (add_retention(c, j, &row) < 0 || add_holds(c, j, &row.id) < 0 || add_ledger(c, j, scope, &row.id) < 0)
		return;
	answer(c, j, &row.id);
	j = NULL;
}

const struct route metadata_routes[] = {
	{ .method = METHOD_GET,
		.pattern = EMAIL "/",
		.permission = "ARCHIVE_READ",
		.action = "read.metadata",
		.fresh = true,
		.handle = read_metadata },
	{ .method = METHOD_GET,
		.pattern = EMAIL "/download",
		.action = "read.download",
		.parameters = link_parameters,
		.handle = download },
	{ 0 },
};
