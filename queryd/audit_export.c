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
	struct response_stream stream;
	struct call *call;
	struct audit_filter filter; /* its texts are the request's */
	int (*add)(struct buf *line, const struct audit_event *event);
	struct audit_page page;
	size_t at; /* of the page: the entry behind the line */
	struct buf line;
	size_t given; /* of the line */
	bool over;    /* there is no line, and will be none */
	struct sha256 *hash;
};

static void file_free(struct response_stream *s)
{
	struct file *f = CONTAINER_OF(s, struct file, stream);

	audit_page_deinit(&f->page);
	buf_deinit(&f->line);
	sha256_freep(&f->hash);
	free(f);
}

static int turn_page(struct file *f, struct err *e)
{
	struct uuid behind = f->page.last;

	audit_page_deinit(&f->page);
	f->page = (struct audit_page){ 0 };
	f->at = 0;
	return meta_audit_list(f->call->service->meta, &f->filter, &behind, PAGE, &f->page, e);
}

/* To the next line. */
static int advance(struct file *f, struct err *e)
{
	while (f->at == f->page.n && f->page.more)
		if (turn_page(f, e))
			return -1;
	buf_reset(&f->line);
	f->given = 0;
	f->over = f->at == f->page.n;
	if (f->over)
		return 0;
	if (f->add(&f->line, &f->page.events[f->at++]))
		return err_permanent(e, "an audit entry is over %zu bytes", LINE_MAX_BYTES);
	f->stream.count++;
	sha256_add(f->hash, f->line.data, f->line.len);
	return 0;
}

/* The last bytes are known as such when they are given out. */
static ssize_t file_read(struct response_stream *s, char *to, size_t max)
{
	struct file *f = CONTAINER_OF(s, struct file, stream);
	size_t n = 0;
	struct err e;

	while (n < max && !f->over) {
		size_t left = f->line.len - f->given, some = left < max - n ? left : max - n;

		memcpy(to + n, f->line.data + f->given, some);
		n += some;
		f->given += some;
		if (f->given == f->line.len && advance(f, &e)) {
			log_error(&f->call->log, "%s", e.text);
			return -1;
		}
	}
	s->ended = f->over;
	if (s->ended)
		sha256_finish(f->hash, s->digest);
	return (ssize_t)n;
}

/* The head counts as a line; the first page is read at once, as long as it can be said that it can't be. */
static int begin(struct file *f, bool csv, struct err *e)
{
	if (turn_page(f, e))
		return -1;
	if (!csv)
		return advance(f, e);
	sha256_add(f->hash, csv_head, strlen(csv_head));
	return buf_add_str(&f->line, csv_head) ? err_permanent(e, "the head is over %zu bytes", LINE_MAX_BYTES) : 0;
}

static void answer(struct call *c, struct file *f, const char *content_type)
{
	struct err unused;

	if (!f->over) {
		response_stream_endless(&c->response, content_type, &f->stream);
		return;
	}
	struct message *nothing = message_new(c->service->conf->spool_dir, 0);

	if (message_finish(nothing, &unused))
		abort(); /* there is nothing to be finished */
	response_content(&c->response, content_type, nothing);
	file_free(&f->stream);
}

void audit_export(struct call *c, const struct audit_filter *filter)
{
	bool csv = is_csv(c);
	struct file *f = MEM_NEW(struct file);
	struct err e;

	*f = (struct file){ .stream = { .read = file_read, .free = file_free }, .call = c, .filter = *filter,
		.add = csv ? add_csv : add_json, .line = BUF_INIT(LINE_MAX_BYTES), .hash = sha256_new() };
	if (begin(f, csv, &e)) {
		log_error(&c->log, "%s", e.text);
		response_unavailable(&c->response, "The audit can't be read at the moment.");
		file_free(&f->stream);
		return;
	}
	answer(c, f, csv ? "text/csv; charset=utf-8" : "application/jsonl");
	response_header(&c->response, "Content-Disposition", csv ? "attachment; filename=\"audit.csv\""
								 : "attachment; filename=\"audit.jsonl\"");
}
