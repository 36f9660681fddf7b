#include "parser/read.h"

#include "parser/charset.h"
#include "parser/decode.h"
#include "parser/fields.h"
#include "parser/journal.h"
#include "parser/part.h"
#include "parser/scan.h"

#include <libxml/parser.h>
#include <unicode/uclean.h>
#include <unicode/udata.h>

#define OTHER_READINGS 3 /* times the message's size that other readings of it may cost */

struct reader {
	struct parsed *p;
	struct text text;
	uint64_t budget; /* bytes that may yet be read for other readings */
	unsigned nested; /* message/rfc822 parts around what is being walked */
	/* extraction */
	bool extracting;
	uint32_t wanted, seen;
	int (*sink)(void *ctx, struct span data);
	void *sink_ctx;
	int result;
};

static struct mime_walk start_walk(struct reader *r);

void read_init(void)
{
	static const char sample[] =
		"From: =?utf-8?q?J=C3=B6rg?= <a@example.com>, b@example.com\r\n"
		"Date: Sat, 22 Nov 2025 17:31:00 +0100\r\n"
		"Subject: =?iso-2022-jp?b?GyRCRnxLXBsoQg==?= =?koi8-r?q?=F7?= gr\xfc\xdf\r\n"
		"Content-Type: text/html; charset=shift_jis; name*=gb18030''%D6%D0\r\n"
		"Content-Disposition: attachment; filename=\"=?big5?b?pKQ=?=\"\r\n\r\n"
		"<p>&eacute;\x93\xfa\x96\x7b";
	UErrorCode status = U_ZERO_ERROR;

	udata_setFileAccess(UDATA_NO_FILES, &status);
	u_init(&status);
	if (U_FAILURE(status))
		abort();
	charset_warm();
	g_mime_init();
	xmlInitParser();
	fields_init();
	struct parsed *p = read_message((struct span){ sample, sizeof(sample) - 1 });

	parsed_freep(&p);
}

/* ---- attachments ---- */

static bool is_attachment(const struct media *m)
{
	return !media_is(m, "text/") || m->attachment || *m->name;
}

/* Counts one, and lists it or gives it out. `bytes` are decoded. */
static void take_attachment(struct reader *r, const struct media *m, struct span bytes)
{
	uint8_t sha256[SHA256_SIZE];

	if (r->extracting) {
		if (r->seen++ == r->wanted)
			r->result = r->sink(r->sink_ctx, bytes) ? -1 : 1;
		return;
	}
	if (r->p->attachment_count >= PARSED_PARTS_MAX)
		return;
	sha256_of(bytes.at, bytes.n, sha256);
	parsed_add_attachment(r->p, m->name, m->type, bytes.n, sha256);
}

/* ---- what the walk finds ---- */

static void take_message(void *ctx, const struct entity *e)
{
	struct reader *r = ctx;

	if (r->extracting)
		return;
	if (!e->parent)
		fields_read(r->p, &r->text, &e->header, !e->alternative);
	else
		fields_text(&r->text, &e->header, &r->p->flags);
}

/* Of a part that is not shown as an attachment of this reading, its name is text. */
static void add_name(struct reader *r, const struct media *m)
{
	text_break(&r->text);
	text_add(&r->text, (struct span){ m->name, strlen(m->name) });
	text_break(&r->text);
}

static bool is_encrypted(const struct entity *e)
{
	const struct field *f = header_find(&e->header, "Content-Type");

	if (e->parent && strcmp(e->parent->media.type, "multipart/encrypted") == 0)
		return true;
	if (!f || (strcmp(e->media.type, "application/pkcs7-mime") != 0 &&
			  strcmp(e->media.type, "application/x-pkcs7-mime") != 0))
		return false;
	_free_ char *value = header_unfold(f->value);

	return !strcasestr(value, "signed-data") && !strcasestr(value, "certs-only") &&
	       !strcasestr(value, "compressed-data");
}

static void take_content(struct reader *r, const struct entity *e, struct span bytes)
{
	const struct media *m = &e->media;

	if (media_is_message(m) || media_is(m, "multipart/")) {
		struct mime_walk w = start_walk(r);

		r->nested++;
		mime_walk_decoded(&w, e, bytes);
		r->nested--;
		r->p->flags |= w.flags;
	} else if (media_is(m, "text/") || media_is(m, "message/")) {
		r->p->flags |= part_text(&r->text, m, bytes);
	} else if (is_encrypted(e)) {
		r->p->flags |= PARSE_ENCRYPTED;
	}
}

/* Other readings bring text, and there is room for no more. */
static void stop_when_full(struct reader *r)
{
	if (r->text.truncated)
		r->budget = 0;
}

/* Text without a name for its charset, by lines. */
static void add_lines(
	struct reader *r, struct span content, void (*add)(struct text *t, struct span lines))
{
	struct text lines = TEXT_INIT(PARSED_TEXT_MAX);

	charset_add(&lines, (struct span){ "", 0 }, content);
	add(&r->text, (struct span){ lines.out.data ? lines.out.data : "", lines.out.len });
	buf_deinit(&lines.out);
}

/* In a text that says it is base64 there may be lines that are not: what a mailing list added at
 * the end, or all of it. Some program shows them. They have blanks; base64 has none. */
static void add_unencoded(struct reader *r, const struct entity *e, struct span content)
{
	if (e->media.encoding != GMIME_CONTENT_ENCODING_BASE64 || !media_is(&e->media, "text/"))
		return;
	if (memchr(content.at, ' ', content.n))
		add_lines(r, content, text_add_unencoded);
}

static void take_leaf(void *ctx, const struct entity *e, struct span content)
{
	struct reader *r = ctx;
	bool listed = !e->alternative && !r->nested && is_attachment(&e->media);
	CLEANUP(buf_deinit) struct buf room = BUF_INIT(0);

	if (r->extracting && (!listed || r->seen != r->wanted)) {
		r->seen += listed;
		return;
	}
	struct span bytes = decode(&room, e->media.encoding, content);

	if (listed)
		take_attachment(r, &e->media, bytes);
	else if (!r->extracting && *e->media.name)
		add_name(r, &e->media);
	if (!r->extracting) {
		take_content(r, e, bytes);
		add_unencoded(r, e, content);
	}
	stop_when_full(r);
}

static void begin_nested(void *ctx, const struct entity *e)
{
	struct reader *r = ctx;

	(void)e;
	r->nested++;
}

static void end_nested(void *ctx, const struct entity *e, struct span content)
{
	struct reader *r = ctx;

	r->nested--;
	if (!e->alternative && !r->nested)
		take_attachment(r, &e->media, content);
}

/* "This is a multi-part message in MIME format.": in half of all mail, for nobody to find. */
static bool is_boilerplate(struct span content)
{
	static const char *const known[] = { "This is a multi-part message in MIME format",
		"This is a multipart message in MIME format", "This is a MIME-encapsulated message",
		"This is an OpenPGP/MIME signed message (RFC 4880 and 3156)",
		"This is a cryptographically signed message in MIME format" };

	content = span_trim(content);
	while (content.n && (content.at[content.n - 1] == '.' || content.at[content.n - 1] == '-'))
		content.n--;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (span_ieq(content, known[i]))
			return true;
	return !content.n;
}

static void take_stray(void *ctx, struct span content)
{
	struct reader *r = ctx;

	if (!r->extracting && !is_boilerplate(content)) {
		add_lines(r, content, text_add_raw);
		stop_when_full(r);
	}
}

static struct mime_walk start_walk(struct reader *r)
{
	static const struct mime_handler handler = {
		.message = take_message,
		.leaf = take_leaf,
		.nested_begin = begin_nested,
		.nested_end = end_nested,
		.stray = take_stray,
	};

	return (struct mime_walk){ .handler = &handler, .ctx = r, .budget = &r->budget };
}

/* ---- bare CR ---- */

#define CR_BLOCK 64 /* bytes looked at with one instruction or a few */

/* A CR that no LF follows ends a line for some programs and not for others. */
static bool has_bare_cr(struct span bytes)
{
	const char *at = bytes.at, *end = span_end(bytes);

	for (; end - at > CR_BLOCK; at += CR_BLOCK) {
		unsigned char bare = 0;

		for (size_t i = 0; i < CR_BLOCK; i++)
			bare |= (unsigned char)((at[i] == '\r') & (at[i + 1] != '\n'));
		if (bare)
			return true;
	}
	for (; at < end; at++)
		if (*at == '\r' && (at + 1 == end || at[1] != '\n'))
			return true;
	return false;
}

static struct span end_lines_at_cr(struct buf *room, struct span bytes)
{
	*room = BUF_INIT(bytes.n + 1);
	char *to = buf_reserve(room, bytes.n);

	if (!to)
		return bytes;
	memcpy(to, bytes.at, bytes.n);
	for (size_t i = 0; i < bytes.n; i++)
		if (to[i] == '\r' && (i + 1 == bytes.n || to[i + 1] != '\n'))
			to[i] = '\n';
	room->len = bytes.n;
	return (struct span){ to, bytes.n };
}

/* ---- whole messages ---- */

static void walk(struct reader *r, struct span bytes, bool alternative)
{
	struct mime_walk w = start_walk(r);

	w.alternative = alternative;
	mime_walk_message(&w, bytes);
	r->p->flags |= w.flags;
}

static void walk_both(struct reader *r, struct span bytes)
{
	CLEANUP(buf_deinit) struct buf room = BUF_INIT(0);

	if (!has_bare_cr(bytes)) {
		walk(r, bytes, false);
	} else if (!memchr(bytes.at, '\n', bytes.n)) {
		walk(r, end_lines_at_cr(&room, bytes), false);
	} else {
		walk(r, bytes, false);
		if (!r->extracting) {
			r->p->flags |= PARSE_AMBIGUOUS;
			walk(r, end_lines_at_cr(&room, bytes), true);
		}
	}
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The normal forms of all participants, sorted. Caller frees the array. */
static char **sorted_addresses(const struct parsed *p)
{
	char **list = MEM_ARRAY(char *, p->participant_count);

	for (size_t i = 0; i < p->participant_count; i++)
		list[i] = p->participants[i].normal;
	qsort(list, p->participant_count, sizeof(*list), compare);
	return list;
}

/* Those whom only the report's own header names: it may be forged, and then they are the message's
 * real participants. */
static void add_outer(struct parsed *p, struct text *text, struct span report)
{
	CLEANUP(parsed_freep) struct parsed *outer = parsed_new();
	struct scan s = { .at = report.at, .end = span_end(report) };
	struct header h;

	scan_header(&s, &h);
	fields_read(outer, text, &h, true);
	header_deinit(&h);
	if (strcmp(outer->subject, p->subject) != 0) {
		text_break(text);
		text_add(text, (struct span){ outer->subject, strlen(outer->subject) });
		text_break(text);
	}
	size_t inner = p->participant_count;
	_free_ char **known = sorted_addresses(p);

	for (size_t i = 0; i < outer->participant_count; i++) {
		const struct participant *q = &outer->participants[i];

		if (q->role != ROLE_REPLY_TO &&
			!bsearch(&q->normal, known, inner, sizeof(*known), compare))
			parsed_add_participant(p, ROLE_JOURNAL_VIA, q->name, q->address);
	}
}

/* A report: its original is the message. false when it can't be read as one. */
static bool walk_report(struct reader *r, struct span bytes)
{
	CLEANUP(journal_deinit) struct journal j = { 0 };

	if (!journal_open(&j, bytes) || !journal_read(r->p, &j))
		return false;
	walk_both(r, j.original);
	if (!r->extracting)
		add_outer(r->p, &r->text, bytes);
	return true;
}

static void read_all(struct reader *r, struct span bytes)
{
	if (journal_claimed(bytes)) {
		r->p->flags |= PARSE_JOURNAL;
		if (walk_report(r, bytes))
			return;
		r->p->flags |= PARSE_JOURNAL_MALFORMED;
	}
	walk_both(r, bytes);
}

struct parsed *read_message(struct span bytes)
{
	struct reader r = {
		.p = parsed_new(),
		.text = TEXT_INIT(PARSED_TEXT_MAX),
		.budget = OTHER_READINGS * (uint64_t)bytes.n,
	};

	read_all(&r, bytes);
	if (r.text.truncated)
		r.p->flags |= PARSE_TEXT_TRUNCATED;
	free(r.p->text);
	r.p->text = buf_take(&r.text.out);
	return r.p;
}

int read_attachment(
	struct span bytes, uint32_t index, int (*sink)(void *ctx, struct span data), void *ctx)
{
	CLEANUP(parsed_freep) struct parsed *unused = parsed_new();
	struct reader r = {
		.p = unused, .extracting = true, .wanted = index, .sink = sink, .sink_ctx = ctx };

	read_all(&r, bytes);
	return r.result;
}
