#include "parser/header.h"

#define LOOK_AHEAD 4096 /* bytes in which more of a header must follow a line that is none */

void header_deinit(struct header *h)
{
	free(h->fields);
	*h = (struct header){ 0 };
}

static void add(struct header *h, struct span name, struct span value)
{
	if ((h->n & (h->n - 1)) == 0) /* full at every power of two */
		h->fields = mem_realloc(h->fields, h->n ? h->n * 2 : 1, sizeof(*h->fields));
	h->fields[h->n++] = (struct field){ name, value };
}

/* "Name :" -> the name; false when the line is no field. */
static bool split(struct span line, struct span *name_r, struct span *value_r)
{
	size_t n = 0, colon;

	while (n < line.n && line.at[n] > ' ' && line.at[n] < 127 && line.at[n] != ':')
		n++;
	colon = n;
	while (colon < line.n && (line.at[colon] == ' ' || line.at[colon] == '\t'))
		colon++;
	if (!n || colon == line.n || line.at[colon] != ':')
		return false;
	*name_r = (struct span){ line.at, n };
	*value_r = (struct span){ line.at + colon + 1, line.n - colon - 1 };
	return true;
}

/* Fields that stand in nearly every header and hardly ever begin a line of text. */
static bool is_known(struct span name)
{
	static const char *const known[] = { "Bcc", "Cc", "Content-Disposition", "Content-ID",
		"Content-Transfer-Encoding", "Content-Type", "Date", "From", "In-Reply-To",
		"MIME-Version", "Message-ID", "Received", "References", "Reply-To", "Return-Path",
		"Sender", "Subject", "To", "X-Mailer" };

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (span_ieq(name, known[i]))
			return true;
	return false;
}

static bool header_goes_on(struct header *h, struct span rest)
{
	struct span line, name, value;

	if (h->seen_ahead && rest.at <= h->seen_ahead)
		return true;
	if (rest.n > LOOK_AHEAD)
		rest.n = LOOK_AHEAD;
	while (span_line(&rest, &line) && line.n)
		if (split(line, &name, &value) && is_known(name)) {
			h->seen_ahead = line.at;
			return true;
		}
	return false;
}

static bool is_mbox_line(struct span line)
{
	return (line.n > 5 && memcmp(line.at, "From ", 5) == 0) ||
	       (line.n > 6 && memcmp(line.at, ">From ", 6) == 0);
}

bool header_add_line(struct header *h, struct span line, struct span rest)
{
	struct span name, value;

	if (h->n && (line.at[0] == ' ' || line.at[0] == '\t')) {
		struct field *last = &h->fields[h->n - 1];

		last->value = span_between(last->value.at, span_end(line));
		return true;
	}
	if (split(line, &name, &value)) {
		add(h, name, value);
		return true;
	}
	if (!h->n && is_mbox_line(line))
		return true;
	h->malformed = true;
	if (!header_goes_on(h, rest))
		return false;
	add(h, (struct span){ line.at, 0 }, line);
	return true;
}

const struct field *header_next(const struct header *h, const struct field *after, const char *name)
{
	for (const struct field *f = after ? after + 1 : h->fields; f < h->fields + h->n; f++)
		if (span_ieq(f->name, name))
			return f;
	return NULL;
}

const struct field *header_find(const struct header *h, const char *name)
{
	return h->n ? header_next(h, NULL, name) : NULL;
}

char *header_unfold(struct span value)
{
	value = span_trim(value);
	char *out = mem_alloc(value.n + 1, 1), *to = out;

	for (size_t i = 0; i < value.n; i++)
		if (value.at[i] != '\r' && value.at[i] != '\n' && value.at[i])
			*to++ = value.at[i];
	*to = '\0';
	return out;
}
