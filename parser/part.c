#include "parser/part.h"

#include "mail/parsed.h"
#include "parser/charset.h"
#include "parser/text_html.h"

#define SOURCE_MAX (4u * PARSED_TEXT_MAX) /* markup that is looked at for text */

static bool is_html(const struct media *m)
{
	return strcmp(m->type, "text/html") == 0 || strcmp(m->type, "application/xhtml+xml") == 0 ||
		strcmp(m->type, "text/xml") == 0;
}

/* RFC 3676: "> > " in front, and one blank that was stuffed in behind it. */
static unsigned strip_quotes(struct span *line)
{
	unsigned depth = 0;

	while (depth < line->n && line->at[depth] == '>')
		depth++;
	line->at += depth;
	line->n -= depth;
	if (line->n && line->at[0] == ' ') {
		line->at++;
		line->n--;
	}
	return depth;
}

static bool is_signature(struct span line)
{
	return line.n == 3 && memcmp(line.at, "-- ", 3) == 0;
}

void part_flowed(struct text *out, struct span utf8, bool delsp)
{
	struct span line;
	unsigned depth_before = 0;
	bool open = false; /* the line before ended in a soft break */

	while (!out->truncated && span_line(&utf8, &line)) {
		unsigned depth = strip_quotes(&line);

		if (!open || depth != depth_before || is_signature(line)) {
			if (out->out.len)
				text_add(out, (struct span){ "\n", 1 });
			for (unsigned i = 0; i < depth; i++)
				text_add(out, (struct span){ ">", 1 });
			if (depth)
				text_add(out, (struct span){ " ", 1 });
		}
		open = line.n && line.at[line.n - 1] == ' ' && !is_signature(line);
		if (open && delsp)
			line.n--;
		text_add(out, line);
		depth_before = depth;
	}
	text_add(out, (struct span){ "\n", 1 });
}

/* The charset in which to read: a byte order mark says it better than any header, <meta> only where
 * there is none. */
static struct span find_charset(const struct media *m, struct span *bytes)
{
	if (bytes->n >= 3 && memcmp(bytes->at, "\xef\xbb\xbf", 3) == 0) {
		bytes->at += 3;
		bytes->n -= 3;
		return (struct span){ "UTF-8", 5 };
	}
	if (bytes->n >= 2 &&
		(memcmp(bytes->at, "\xff\xfe", 2) == 0 || memcmp(bytes->at, "\xfe\xff", 2) == 0))
		return (struct span){ "UTF-16", 6 };
	if (!*m->charset && is_html(m))
		return text_html_charset(*bytes);
	return (struct span){ m->charset, strlen(m->charset) };
}

static void add_utf8(struct text *out, const struct media *m, struct span utf8)
{
	text_break(out);
	if (is_html(m))
		text_html(out, utf8);
	else if (m->flowed)
		part_flowed(out, utf8, m->delsp);
	else
		text_add(out, utf8);
}

/* In UTF-8: a view of `decoded` where it is that already, else of source. */
static struct span to_utf8(struct text *source, struct span charset, struct span decoded, uint32_t *flags)
{
	if (decoded.n <= SOURCE_MAX && charset_is_utf8(charset, decoded))
		return decoded;
	if (!charset_add(source, charset, decoded))
		*flags |= PARSE_CHARSET;
	return (struct span){ source->out.data ? source->out.data : "", source->out.len };
}

uint32_t part_text(struct text *out, const struct media *m, struct span decoded)
{
	struct span charset = find_charset(m, &decoded);
	struct text source = TEXT_INIT(SOURCE_MAX);
	uint32_t flags = 0;

	if (!decoded.n)
		return 0;
	struct span utf8 = to_utf8(&source, charset, decoded, &flags);

	add_utf8(out, m, utf8);
	out->truncated |= source.truncated;
	/* Called something else, but UTF-8 by all signs: both readings. */
	if (charset.n && !span_same(utf8, decoded) && charset_looks_utf8(decoded)) {
		flags |= PARSE_CHARSET;
		add_utf8(out, m, decoded);
	}
	if (memmem(utf8.at, utf8.n, "-----BEGIN PGP MESSAGE-----", 27))
		flags |= PARSE_ENCRYPTED;
	buf_deinit(&source.out);
	return flags;
}
