#include "queryd/audit_export.h"

#include "base/clock.h"
#include "base/hex.h"

#include <string.h>

#define PAGE 200
#define LINE_MAX_BYTES ((size_t)16 * 1024 * 1024)

static bool is_csv(const struct call *c)
{
	const char *format = request_parameter(c->request, "format");

	return format && strcmp(format, "csv") == 0;
}

int audit_export_check(struct call *c)
{
	const char *format = request_parameter(c->request, "format");

	if (!format || is_csv(c) || strcmp(format, "jsonl") == 0)
		return 0;
	response_problem_at(&c->response, "format", -1, "This must be jsonl or csv.");
	return -1;
}

/* ---- CSV (RFC 4180) ---- */

static const char csv_head[] = "id,at,account_id,actor,strength,action,object,reason,case,detail,client,request_id,in_ledger,"
			       "outcome_at,result,status,count,sha256\r\n";

/* A name that somebody claimed must not become a formula of the auditor's spreadsheet: such a text gets a ' before it. */
static int add_field(struct buf *line, const char *text)
{
	if (line->len && buf_add_char(line, ','))
		return -1;
	if (buf_add_char(line, '"') || (*text && strchr("=+-@\t\r", *text) && buf_add_char(line, '\'')))
		return -1;
	for (const char *p = text; *p; p++)
		if ((*p == '"' && buf_add_char(line, '"')) || buf_add_char(line, *p))
			return -1;
	return buf_add_char(line, '"');
}

static int add_number(struct buf *line, uint64_t value)
{
	_free_ char *text = mem_printf("%llu", (unsigned long long)value);

	return add_field(line, text);
}

static int add_time(struct buf *line, int64_t us)
{
	char text[CLOCK_TEXT_SIZE];

	return add_field(line, clock_format(text, us));
}

static int add_outcome(struct buf *line, const struct audit_event *event)
{
	char digest[SHA256_TEXT_SIZE] = "";

	if (!event->finished)
		return add_field(line, "") || add_field(line, "") || add_field(line, "") || add_field(line, "") ||
			add_field(line, "");
	if (event->has_digest)
		hex_encode(digest, event->digest, SHA256_SIZE);
	return add_time(line, event->finished_us) || add_field(line, event->result) || add_number(line, event->status) ||
		add_number(line, event->count) || add_field(line, digest);
}

static int add_csv(struct buf *line, const struct audit_event *event)
{
	char id[UUID_TEXT_SIZE];

	return add_field(line, uuid_format(id, &event->id)) || add_time(line, event->at_us) ||
		add_number(line, event->account_id) || add_field(line, event->actor) || add_field(line, event->strength) ||
		add_field(line, event->action) || add_field(line, event->object) || add_field(line, event->reason) ||
		add_field(line, event->case_ref) || add_field(line, event->detail) || add_field(line, event->client) ||
		add_field(line, event->request_id) || add_field(line, event->before ? "false" : "true") ||
		add_outcome(line, event) || buf_add_str(line, "\r\n");
}

/* ---- JSON lines ---- */

static int add_json(struct buf *line, const struct audit_event *event)
{
	_json_ cJSON *j = audit_event_json(event);
	_free_ char *text = json_print(j);

	return buf_add_str(line, text) || buf_add_char(line, '\n');
}

/* ---- the file ---- */

struct file {
	struct message *message;
	int (*add)(struct buf *line, const struct audit_event *event);
	uint64_t entries;
};

static int add_page(struct file *f, const struct audit_page *page, struct err *e)
{
	CLEANUP(buf_deinit) struct buf line = BUF_INIT(LINE_MAX_BYTES);

	for (size_t i = 0; i < page->n; i++) {
		buf_reset(&line);
		if (f->add(&line, &page->events[i]))
			return err_permanent(e, "an audit entry is over %zu bytes", LINE_MAX_BYTES);
		if (message_append(f->message, line.data, line.len, e))
			return -1;
		f->entries++;
	}
	return 0;
}

static int fill(struct call *c, const struct audit_filter *filter, struct file *f, struct err *e)
{
	struct uuid behind = { 0 };
	bool more = true;

	while (more) {
		CLEANUP(audit_page_deinit) struct audit_page page = { 0 };

		if (meta_audit_list(c->service->meta, filter, &behind, PAGE, &page, e) || add_page(f, &page, e))
			return -1;
		more = page.more;
		behind = page.last;
	}
	return message_finish(f->message, e);
}

void audit_export(struct call *c, const struct audit_filter *filter)
{
	bool csv = is_csv(c);
	CLEANUP(message_freep) struct message *m = message_new(c->service->conf->spool_dir, AUDIT_EXPORT_MAX);
	struct file f = { .message = m, .add = csv ? add_csv : add_json };
	struct err e;

	if ((csv && message_append(m, csv_head, strlen(csv_head), &e)) || fill(c, filter, &f, &e)) {
		log_error(&c->log, "%s", e.text);
		if (e.class == ERR_PERMANENT)
			response_problem(&c->response, 400, "The file would be over 1 GiB: ask for a part of it by from and until.");
		else
			response_unavailable(&c->response, "The audit can't be read at the moment.");
		return;
	}
	response_content(&c->response, csv ? "text/csv; charset=utf-8" : "application/jsonl", m);
	response_header(&c->response, "Content-Disposition", csv ? "attachment; filename=\"audit.csv\""
								 : "attachment; filename=\"audit.jsonl\"");
	c->response.count = f.entries;
	m = NULL;
}
