#include "queryd/ingest.h"

#include "base/hex.h"
#include "mail/parser_pool.h"
#include "queryd/audit.h"
#include "queryd/ingest_body.h"
#include "queryd/ingest_check.h"
#include "queryd/lmtp_client.h"
#include "queryd/present.h"

#include <string.h>

#define REST_MAX (1024u * 1024) /* of the body, but for the message */
#define ADDRESS_MAX 1024

/* ---- the request ---- */

/* The body with an empty string in the place of the message, and the message. -1: the response says what is wrong. */
static cJSON *split(struct call *c, struct ingest_message *message_r)
{
	static const struct body_field fields[] = {
		{ .name = "message", .type = BODY_STRING, .required = true, .max = 1 }, /* it was taken out */
		{ .name = "envelope", .type = BODY_OBJECT, .required = true },
		{ .name = "participants", .type = BODY_OBJECT },
		{ .name = "attachments", .type = BODY_ARRAY, .items = INGEST_ATTACHMENTS_MAX },
		{ 0 },
	};
	CLEANUP(buf_deinit) struct buf rest = BUF_INIT(REST_MAX);
	bool bad;

	if (!ingest_body_split(&c->request->body, "message", message_r, &rest, &bad) && bad) {
		response_problem_at(&c->response, "message", -1,
			"This must be the message in base64 (RFC 4648, padded, in one piece), and all else not over 1 MiB.");
		return NULL;
	}
	return body_read_text(c, rest.data ? rest.data : "", rest.len, fields);
}

static bool address_good(const char *address)
{
	for (const char *p = address; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || *p == '<' || *p == '>')
			return false;
	return strlen(address) <= ADDRESS_MAX;
}

static int check_addresses(struct call *c, const char *mail_from, const struct strv *rcpt_to)
{
	if (!rcpt_to->n || rcpt_to->n > c->service->conf->recipients_max) {
		response_problem_at(&c->response, "rcpt_to", -1, "There must be 1 to %llu of these.",
			(unsigned long long)c->service->conf->recipients_max);
		return -1;
	}
	bool good = address_good(mail_from);

	for (size_t i = 0; good && i < rcpt_to->n; i++)
		good = *rcpt_to->items[i] && address_good(rcpt_to->items[i]);
	if (!good)
		response_problem_at(&c->response, "envelope", -1,
			"An address has up to %d bytes, no blanks, no control characters and no <>.", ADDRESS_MAX);
	return good ? 0 : -1;
}

static int read_envelope(struct call *c, const cJSON *body, const char **mail_from_r, struct strv *rcpt_to_r)
{
	static const struct body_field fields[] = {
		{ .name = "mail_from", .type = BODY_STRING, .required = true },
		{ .name = "rcpt_to", .type = BODY_STRINGS, .required = true },
		{ 0 },
	};
	const cJSON *envelope = cJSON_GetObjectItemCaseSensitive(body, "envelope");

	if (body_check(c, envelope, fields) < 0)
		return -1;
	*mail_from_r = body_string(envelope, "mail_from");
	body_strings(envelope, "rcpt_to", rcpt_to_r);
	return check_addresses(c, *mail_from_r, rcpt_to_r);
}

/* ---- the message ---- */

static int fail(struct call *c, const struct err *e, const char *detail)
{
	log_error(&c->log, "%s", e->text);
	response_unavailable(&c->response, detail);
	return -1;
}

static struct message *take_message(struct call *c, const struct ingest_message *bytes)
{
	const struct conf *conf = c->service->conf;
	CLEANUP(message_freep) struct message *m = message_new(conf->spool_dir, conf->message_size_max);
	struct err e;

	if (message_append(m, bytes->bytes, bytes->n, &e) < 0 || message_finish(m, &e) < 0) {
		if (message_too_large(m))
			response_problem(&c->response, 413, "The message is over the %llu bytes that are archived.",
				(unsigned long long)conf->message_size_max);
		else
			fail(c, &e, "There is no room for the message at the moment.");
		return NULL;
	}
	struct message *whole = m;

	m = NULL;
	return whole;
}

static int check_claims(struct call *c, const cJSON *body, const struct message *m)
{
	CLEANUP(parsed_freep) struct parsed *p = NULL;
	struct err e;

	if (!cJSON_HasObjectItem(body, "participants") && !cJSON_HasObjectItem(body, "attachments"))
		return 0;
	if (parser_pool_parse(c->service->parsers, m, &p, &e) < 0)
		return fail(c, &e, "Messages can't be read at the moment.");
	return ingest_check(c, body, p);
}

static int write_intent(struct call *c, const struct lmtp_delivery *d)
{
	_json_ cJSON *detail = cJSON_CreateObject();
	char sha256[SHA256_TEXT_SIZE];

	hex_encode(sha256, message_sha256(d->message), SHA256_SIZE);
	json_add_str(detail, "sha256", sha256);
	json_add_u64(detail, "size", message_size(d->message));
	json_add_str(detail, "mail_from", d->mail_from);
	json_add_u64(detail, "recipients", d->rcpt_to->n);
	_free_ char *text = json_print(detail);

	return audit_intent_signed_in(c, text);
}

/* ---- handing it over ---- */

static void refuse(struct call *c, const struct lmtp_delivery *d, const struct lmtp_refusal *r)
{
	if (r->stage == LMTP_SENDER && r->code != 552)
		response_problem_at(&c->response, "mail_from", -1, "It is not taken as a sender's address.");
	else if (r->stage == LMTP_RECIPIENT)
		response_problem_at(&c->response, "rcpt_to", -1, "\"%s\" is not taken as a recipient's address.",
			d->rcpt_to->items[r->recipient]);
	else if (r->code == 552)
		response_problem(&c->response, 413, "The message is larger than what is archived.");
	else
		response_problem_named(&c->response, 409, "refused", "The archive does not take this message.");
}

static void answer(struct call *c, const struct message *m, const struct uuid *id)
{
	cJSON *j = cJSON_CreateObject();
	char sha256[SHA256_TEXT_SIZE];

	hex_encode(sha256, message_sha256(m), SHA256_SIZE);
	present_id(j, "id", id);
	json_add_str(j, "sha256", sha256);
	json_add_u64(j, "size", message_size(m));
	response_json(&c->response, j);
	c->response.count = message_size(m);
}

/* Where lmtpd listens: as it is set, or the first of lmtpd's own addresses. Caller frees. */
static char *lmtp_address(const struct conf *conf)
{
	const char *set = *conf->queryd_ingest_lmtp ? conf->queryd_ingest_lmtp : conf->lmtpd_listen;

	return mem_dup(set, strcspn(set, " ,\t"));
}

static void deliver(struct call *c, const struct lmtp_delivery *d)
{
	_free_ char *address = lmtp_address(c->service->conf);
	struct lmtp_refusal refusal;
	struct uuid id;
	struct err e;
	int rc = lmtp_deliver(address, c->service->conf->queryd_request_timeout_us, d, &id, &refusal, &e);

	if (rc < 0) {
		fail(c, &e, "The message may or may not be archived. Send it again: it is archived once, under one id.");
		return;
	}
	if (rc == 0) {
		log_warn(&c->log, "a message was refused: %s", refusal.text);
		refuse(c, d, &refusal);
		return;
	}
	answer(c, d->message, &id);
}

static void ingest(struct call *c)
{
	CLEANUP(strv_deinit) struct strv rcpt_to = { 0 };
	CLEANUP(message_freep) struct message *m = NULL;
	struct ingest_message bytes = { 0 };
	const char *mail_from;
	_json_ cJSON *body = split(c, &bytes);

	if (!body || read_envelope(c, body, &mail_from, &rcpt_to) < 0 || ingest_check_form(c, body) < 0)
		return;
	if (!bytes.n) {
		response_problem_at(&c->response, "message", -1, "There is no message.");
		return;
	}
	m = take_message(c, &bytes);
	if (!m || check_claims(c, body, m) < 0)
		return;
	const struct lmtp_delivery d = { c->request->id, mail_from, &rcpt_to, m };

	if (write_intent(c, &d) == 0)
		deliver(c, &d);
}

const struct route ingest_routes[] = {
	{ .method = METHOD_POST,
		.pattern = ROUTE_V1 "/archive/ingest/",
		.permission = "ARCHIVE_STORE",
		.action = "ingest",
		.program = true,
		.body_max = INGEST_BODY_MAX,
		.handle = ingest },
	{ 0 },
};
