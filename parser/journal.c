#include "parser/journal.h"

#include "parser/decode.h"
#include "parser/fields.h"
#include "parser/part.h"
#include "parser/scan.h"

bool journal_claimed(struct span message)
{
	struct scan s = { .at = message.at, .end = span_end(message) };
	struct header h;

	scan_header(&s, &h);
	bool claimed = header_find(&h, "X-MS-Journal-Report") ||
		       header_find(&h, "X-MS-Exchange-Journal-Report");
	/* Exchange 2003 and 2007; the second spelling is theirs. */
	const struct field *f = header_find(&h, "Content-Identifier");

	if (!f)
		f = header_find(&h, "Content-Identifer");
	if (f && span_ieq(span_trim(f->value), "ExJournalReport"))
		claimed = true;
	header_deinit(&h);
	return claimed;
}

/* ---- the two parts ---- */

static void ignore_message(void *ctx, const struct entity *e)
{
	(void)ctx;
	(void)e;
}

static void ignore_stray(void *ctx, struct span content)
{
	(void)ctx;
	(void)content;
}

static bool is_child(const struct entity *e)
{
	return e->depth == 1 && !e->alternative;
}

static void take_leaf(void *ctx, const struct entity *e, struct span content)
{
	struct journal *j = ctx;

	if (!is_child(e))
		return;
	if (!j->has_lines && strcmp(e->media.type, "text/plain") == 0) {
		CLEANUP(buf_deinit) struct buf room = BUF_INIT(0);

		part_text(&j->lines, &e->media, decode(&room, e->media.encoding, content));
		j->has_lines = true;
	} else if (!j->has_original && media_is_message(&e->media)) {
		j->original = decode(&j->room, e->media.encoding, content);
		j->has_original = true;
	}
}

static void take_message(void *ctx, const struct entity *e, struct span content)
{
	struct journal *j = ctx;

	if (!is_child(e) || j->has_original)
		return;
	j->original = content;
	j->has_original = true;
}

bool journal_open(struct journal *j_r, struct span message)
{
	static const struct mime_handler handler = {
		.message = ignore_message,
		.leaf = take_leaf,
		.nested_begin = ignore_message,
		.nested_end = take_message,
		.stray = ignore_stray,
	};
	uint64_t none = 0;
	struct mime_walk w = { .handler = &handler, .ctx = j_r, .budget = &none };

	*j_r = (struct journal){ .lines = TEXT_INIT(PARSED_TEXT_MAX) };
	mime_walk_message(&w, message);
	return j_r->has_lines && j_r->has_original && j_r->original.n;
}

void journal_deinit(struct journal *j)
{
	buf_deinit(&j->lines.out);
	buf_deinit(&j->room);
}

/* ---- the lines ---- */

/* ", Expanded: list@example.com" or ", Forwarded: …" behind a recipient: cut off and returned. */
static struct span cut_via(struct span *value)
{
	static const char *const words[] = { "Expanded:", "Forwarded:" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t n = strlen(words[i]);

		for (const char *p = value->at; p + n <= span_end(*value); p++)
			if (strncasecmp(p, words[i], n) == 0 &&
				memchr(value->at, ',', (size_t)(p - value->at))) {
				struct span via = span_trim(span_between(p + n, span_end(*value)));

				*value = span_trim(span_between(value->at, p));
				while (value->n && (value->at[value->n - 1] == ',' ||
							   span_is_blank(value->at[value->n - 1])))
					value->n--;
				return via;
			}
	}
	return (struct span){ value->at, 0 };
}

static void add_recipient(struct parsed *p, struct span value)
{
	struct span via = cut_via(&value);

	fields_addresses(p, ROLE_JOURNAL_RECIPIENT, value);
	if (via.n)
		fields_addresses(p, ROLE_JOURNAL_VIA, via);
}

enum key { KEY_UNKNOWN, KEY_SENDER, KEY_VIA, KEY_RECIPIENT, KEY_LIST, KEY_OTHER };

static enum key key_of(struct span name)
{
	static const struct {
		const char *name;
		enum key key;
	} keys[] = {
		{ "Sender", KEY_SENDER },
		{ "On-Behalf-Of", KEY_VIA },
		{ "To", KEY_RECIPIENT },
		{ "Cc", KEY_RECIPIENT },
		{ "Bcc", KEY_RECIPIENT },
		{ "Recipient", KEY_RECIPIENT },
		{ "Recipients", KEY_LIST },
		{ "Subject", KEY_OTHER },
		{ "Message-ID", KEY_OTHER },
		{ "Label", KEY_OTHER },
		{ "Mailbox", KEY_OTHER },
		{ "SentUtc", KEY_OTHER },
		{ "ReceivedUtc", KEY_OTHER },
	};

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (span_ieq(name, keys[i].name))
			return keys[i].key;
	return KEY_UNKNOWN;
}

/* "   bob@example.com (To)" below "Recipients:". */
static void add_listed(struct parsed *p, struct span line)
{
	const char *open = memrchr(line.at, '(', line.n);

	if (open)
		line = span_between(line.at, open);
	add_recipient(p, span_trim(line));
}

/* Understands one line; *last is the key that indented lines belong to. */
static bool take_line(struct parsed *p, struct span line, enum key *last)
{
	bool indented = line.at[0] == ' ' || line.at[0] == '\t';
	const char *colon = memchr(line.at, ':', line.n);

	line = span_trim(line);
	if (!line.n)
		return true;
	if (indented && *last == KEY_LIST) {
		add_listed(p, line);
		return true;
	}
	if (indented && *last == KEY_OTHER)
		return true; /* a folded subject */
	if (!colon || colon <= line.at)
		return false;
	struct span value = span_trim(span_between(colon + 1, span_end(line)));

	*last = key_of(span_trim(span_between(line.at, colon)));
	if (*last == KEY_SENDER)
		fields_addresses(p, ROLE_JOURNAL_SENDER, value);
	else if (*last == KEY_VIA)
		fields_addresses(p, ROLE_JOURNAL_VIA, value);
	else if (*last == KEY_RECIPIENT)
		add_recipient(p, value);
	return *last != KEY_UNKNOWN;
}

/* Nobody can be taken back out of p: a trial run goes first. */
static bool take_lines(struct parsed *p, const struct journal *j)
{
	struct span rest = { j->lines.out.data ? j->lines.out.data : "", j->lines.out.len }, line;
	enum key last = KEY_UNKNOWN;
	size_t before = p->participant_count;

	while (span_line(&rest, &line))
		if (line.n && !take_line(p, line, &last))
			return false;
	return p->participant_count > before;
}

bool journal_read(struct parsed *p, const struct journal *j)
{
	CLEANUP(parsed_freep) struct parsed *trial = parsed_new();

	return take_lines(trial, j) && take_lines(p, j);
}
