#include "workerd/audit_line.h"

#include "base/clock.h"
#include "base/hex.h"
#include "ledger/audit_record.h"
#include "sys/json.h"

#include <string.h>

#define FACILITY 13 /* log audit */
#define INFORMATIONAL 6
#define NOTICE 5

static void add_text(cJSON *j, const char *key, const char *value)
{
	json_add_str(j, key, *value ? value : NULL);
}

static void add_digest(cJSON *j, const char *key, const uint8_t digest[SHA256_SIZE])
{
	char text[SHA256_TEXT_SIZE];

	hex_encode(text, digest, SHA256_SIZE);
	json_add_str(j, key, text);
}

/* What was asked for is JSON already; what is not stays text. */
static void add_detail(cJSON *j, const char *detail)
{
	struct err e;
	cJSON *parsed = *detail ? json_parse(detail, strlen(detail), &e) : NULL;

	if (parsed)
		json_add_item(j, "detail", parsed);
	else
		add_text(j, "detail", detail);
}

/* In the place of a detail that is too long. */
static void tell_detail(cJSON *j, const char *detail)
{
	uint8_t digest[SHA256_SIZE];
	size_t n = strlen(detail);

	sha256_of(detail, n, digest);
	json_add_u64(j, "detail_bytes", n);
	add_digest(j, "detail_sha256", digest);
}

static void add_intent(cJSON *j, const struct ledger_audit_record *r, bool whole)
{
	json_add_u64(j, "account_id", r->account_id);
	add_text(j, "actor", r->actor);
	json_add_str(j, "strength", r->strength);
	json_add_str(j, "action", r->action);
	add_text(j, "object", r->object);
	add_text(j, "reason", r->reason);
	add_text(j, "case", r->case_ref);
	json_add_str(j, "client", r->client);
	json_add_str(j, "request_id", r->request_id);
	if (whole)
		add_detail(j, r->detail);
	else
		tell_detail(j, r->detail);
}

static void add_outcome(cJSON *j, const struct ledger_audit_record *r)
{
	json_add_str(j, "result", r->result);
	json_add_u64(j, "status", r->status);
	json_add_u64(j, "count", r->count);
	if (r->has_digest)
		add_digest(j, "sha256", r->digest);
}

/* Caller frees. */
static char *record_json(const struct ledger_audit_record *r, const struct audit_sealed *s, bool whole)
{
	_json_ cJSON *j = cJSON_CreateObject();
	char id[UUID_TEXT_SIZE], at[CLOCK_TEXT_SIZE];

	json_add_str(j, "record", r->kind == LEDGER_AUDIT_INTENT ? "intent" : "outcome");
	json_add_str(j, "id", uuid_format(id, &r->id));
	json_add_str(j, "at", clock_format(at, r->at_us));
	json_add_str(j, "daemon", r->daemon);
	json_add_u64(j, "seq", r->seq);
	if (r->kind == LEDGER_AUDIT_INTENT)
		add_intent(j, r, whole);
	else
		add_outcome(j, r);
	add_digest(j, "leaf", s->leaf);
	return json_print(j);
}

static int decode(const struct audit_sealed *s, struct ledger_audit_record *r, struct err *e)
{
	if (ledger_audit_decode(r, s->record, s->length) == 0)
		return 0;
	return err_permanent(e, "audit record %llu can't be read: see `strongroom check --ledger`", (unsigned long long)s->seq);
}

int audit_line_json(const struct audit_sealed *s, char **text_r, struct err *e)
{
	CLEANUP(ledger_audit_deinit) struct ledger_audit_record r = { 0 };

	if (decode(s, &r, e))
		return -1;
	*text_r = record_json(&r, s, true);
	return 0;
}

/* A name as the header of RFC 5424 takes it: printable ASCII without blanks, at most max bytes. Caller frees. */
static char *header_name(const char *name, size_t max)
{
	char *text = mem_dup(name, strnlen(name, max));

	for (char *p = text; *p; p++)
		if (*p <= ' ' || *p > '~')
			*p = '-';
	return text;
}

int audit_line_syslog(const struct audit_sealed *s, const char *node, char **text_r, struct err *e)
{
	CLEANUP(ledger_audit_deinit) struct ledger_audit_record r = { 0 };
	char at[CLOCK_TEXT_SIZE];

	if (decode(s, &r, e))
		return -1;
	_free_ char *json = record_json(&r, s, true);
	_free_ char *host = header_name(*node ? node : "-", 255);
	bool good = r.kind == LEDGER_AUDIT_INTENT || strcmp(r.result, "allowed") == 0;

	if (strlen(json) > AUDIT_SYSLOG_MAX) {
		free(json);
		json = record_json(&r, s, false);
	}
	*text_r = mem_printf("<%d>1 %s %s strongroom-audit - %s - %s", FACILITY * 8 + (good ? INFORMATIONAL : NOTICE),
		clock_format(at, r.at_us), host, r.kind == LEDGER_AUDIT_INTENT ? "intent" : "outcome", json);
	return 0;
}
