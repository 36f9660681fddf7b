#include "parser/text_html.h"

#include <libxml/HTMLparser.h>

#define META_WITHIN 4096   /* bytes in which <meta charset> counts */
#define LINKS_MAX 65536	   /* bytes of link targets kept */
#define LINK_MAX 256	   /* bytes of one of them */
#define LINK_COUNT_MAX 2000
#define BLOCK 16	   /* bytes looked at with one instruction or a few */
#define ENTITY_NAME_MAX 12 /* longest name that HTML 4 knows, and some */

struct html {
	const char *at, *end;
	struct text *out;
	struct text links;
	unsigned link_count;
	bool blank; /* white space is due before the next character */
	/* What was searched for up to the end in vain is not searched for again: that keeps the
	 * time linear. */
	bool no_tag_end, no_comment_end, no_double_quote, no_single_quote, no_script_end,
		no_style_end;
};

/* ---- characters ---- */

static void put(struct html *h, const char *at, size_t n)
{
	if (!n)
		return;
	if (h->blank && h->out->out.len && h->out->out.data[h->out->out.len - 1] != '\n')
		text_add(h->out, (struct span){ " ", 1 });
	h->blank = false;
	text_add(h->out, (struct span){ at, n });
}

static void put_line(struct html *h)
{
	text_break(h->out);
	h->blank = false;
}

static bool is_white(char c)
{
	return span_is_blank(c) || c == '\f';
}

/* Above the blank no character is white or left out. */
static bool is_visible(char c)
{
	return (unsigned char)c > ' ';
}

/* Is there anything but words with single blanks between them in a block that a word or such a blank precedes? */
static bool has_other(const char *at)
{
	unsigned char other = 0;

	for (size_t i = 0; i < BLOCK; i++) {
		int invisible = (unsigned char)at[i] <= ' ', single = (at[i] == ' ') & ((unsigned char)at[i + 1] > ' ');

		other |= (unsigned char)(invisible & !single);
	}
	return other;
}

/* The end of what can be taken over as it stands: a word, or several with a single blank between each. */
static const char *words_end(const char *at, const char *end)
{
	const char *from = at;

	while (end - at > BLOCK && is_visible(*from) && !has_other(at))
		at += BLOCK;
	for (;; at++) {
		while (at < end && is_visible(*at))
			at++;
		if (at == end)
			return at;
		bool between = *at == ' ' && at > from && is_visible(at[-1]) && at + 1 < end && is_visible(at[1]);

		if (is_white(*at) && !between)
			return at;
	}
}

/* Text without markup or entities: runs of white space become one blank. */
static void put_run(struct html *h, const char *at, const char *end)
{
	while (at < end) {
		const char *from = at;

		at = words_end(from, end);
		put(h, from, (size_t)(at - from));
		if (at < end) {
			h->blank = true;
			at++;
		}
	}
}

static size_t encode(char utf8[4], unsigned long c)
{
	if (c < 0x80) {
		utf8[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		utf8[0] = (char)(0xc0 | c >> 6);
		utf8[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		utf8[0] = (char)(0xe0 | c >> 12);
		utf8[1] = (char)(0x80 | (c >> 6 & 0x3f));
		utf8[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	utf8[0] = (char)(0xf0 | c >> 18);
	utf8[1] = (char)(0x80 | (c >> 12 & 0x3f));
	utf8[2] = (char)(0x80 | (c >> 6 & 0x3f));
	utf8[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

static void put_character(struct html *h, unsigned long c)
{
	/* HTML 5: numbers of the C1 controls mean what windows-1252 has there. */
	static const unsigned short windows[32] = { 0x20ac, 0x81, 0x201a, 0x0192, 0x201e, 0x2026,
		0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8d, 0x017d, 0x8f, 0x90,
		0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc, 0x2122, 0x0161,
		0x203a, 0x0153, 0x9d, 0x017e, 0x0178 };
	char utf8[4];

	if (c >= 0x80 && c < 0xa0)
		c = windows[c - 0x80];
	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		c = 0xfffd;
	if (c == 0xa0 || c == ' ' || c == '\t' || c == '\n' || c == '\r')
		h->blank = true;
	else
		put(h, utf8, encode(utf8, c));
}

/* ---- entities ---- */

/* &#123; or &#x7b; at `at` behind "&#". What follows it, NULL when it is none. */
static const char *number(const char *at, const char *end, unsigned long *c_r)
{
	unsigned base = at < end && (*at == 'x' || *at == 'X') ? 16 : 10;
	const char *digits = base == 16 ? at + 1 : at, *p = digits;
	unsigned long c = 0;

	for (; p < end; p++) {
		unsigned digit = *p >= '0' && *p <= '9' ? (unsigned)(*p - '0')
				 : base == 16 && (*p | 32) >= 'a' && (*p | 32) <= 'f'
					 ? (unsigned)((*p | 32) - 'a' + 10)
					 : 99;

		if (digit == 99)
			break;
		if (c <= 0x10ffff)
			c = c * base + digit;
	}
	*c_r = c;
	if (p == digits)
		return NULL;
	return p < end && *p == ';' ? p + 1 : p;
}

/* At '&'. What follows the entity, NULL when it is none. */
static const char *entity(const char *at, const char *end, unsigned long *c_r)
{
	char name[ENTITY_NAME_MAX + 1];
	size_t n = 0;

	if (end - at > 2 && at[1] == '#')
		return number(at + 2, end, c_r);
	for (at++; at < end && n < ENTITY_NAME_MAX &&
		   ((*at | 32) >= 'a' ? (*at | 32) <= 'z' : *at >= '0' && *at <= '9');
		at++)
		name[n++] = *at;
	name[n] = '\0';
	if (strcmp(name, "apos") == 0) {
		*c_r = '\'';
	} else {
		const htmlEntityDesc *known = n ? htmlEntityLookup((const xmlChar *)name) : NULL;

		if (!known)
			return NULL;
		*c_r = known->value;
	}
	return at < end && *at == ';' ? at + 1 : at;
}

static void put_text(struct html *h, const char *at, const char *end)
{
	while (at < end && !h->out->truncated) {
		const char *amp = memchr(at, '&', (size_t)(end - at)), *next;
		unsigned long c;

		put_run(h, at, amp ? amp : end);
		if (!amp)
			return;
		next = entity(amp, end, &c);
		if (next)
			put_character(h, c);
		else
			put(h, "&", 1);
		at = next ? next : amp + 1;
	}
}

/* ---- tags ---- */

static bool is_name_char(char c)
{
	return ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == ':' || c == '_';
}

/* memchr() that remembers that there was none. */
static const char *find(const char *at, const char *end, char c, bool *none)
{
	const char *found = *none || at >= end ? NULL : memchr(at, c, (size_t)(end - at));

	*none |= !found;
	return found;
}

/* The '>' that ends the tag whose attributes begin at `at`: one in quotes does not. */
static const char *tag_end(struct html *h, const char *at)
{
	const char *end = find(at, h->end, '>', &h->no_tag_end);

	if (!end)
		return NULL;
	for (const char *p = at; p < end; p++) {
		bool *none = *p == '"' ? &h->no_double_quote : &h->no_single_quote;

		if ((*p != '"' && *p != '\'') || p == at || (p[-1] != '=' && !span_is_blank(p[-1])))
			continue;
		const char *close = find(p + 1, h->end, *p, none);

		if (!close)
			continue;
		p = close;
		if (p > end) {
			end = find(p, h->end, '>', &h->no_tag_end);
			if (!end)
				return NULL;
		}
	}
	return end;
}

static bool breaks_line(struct span name)
{
	static const char *const blocks[] = { "address", "article", "aside", "blockquote", "body",
		"br", "caption", "center", "dd", "div", "dl", "dt", "fieldset", "figure", "footer",
		"form", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hr", "html",
		"legend", "li", "main", "nav", "ol", "option", "p", "pre", "section", "table",
		"tbody", "tfoot", "thead", "title", "tr", "ul" };

	for (size_t i = 0; i < ARRAY_LEN(blocks); i++)
		if (span_ieq(name, blocks[i]))
			return true;
	return false;
}

/* Where a link leads: host and path; what stands behind a '?' is rarely more than a serial
 * number. */
static void keep_link(struct html *h, struct span target)
{
	if (h->link_count >= LINK_COUNT_MAX)
		return;
	h->link_count++;
	const char *query = memchr(target.at, '?', target.n);

	if (query)
		target.n = (size_t)(query - target.at);
	if (target.n > LINK_MAX)
		target.n = LINK_MAX;
	if (target.n < 8 || (strncasecmp(target.at, "http", 4) != 0 &&
				    strncasecmp(target.at, "mailto:", 7) != 0))
		return;
	if (memmem(h->links.out.data ? h->links.out.data : "", h->links.out.len, target.at,
		    target.n))
		return;
	text_add(&h->links, target);
	text_break(&h->links);
}

static void take_attribute(struct html *h, struct span name, struct span value)
{
	if (span_ieq(name, "alt")) {
		h->blank = true;
		put_text(h, value.at, span_end(value));
		h->blank = true;
	} else if (span_ieq(name, "href")) {
		keep_link(h, span_trim(value));
	}
}

/* name=value pairs between the tag's name and its '>'. */
static void take_attributes(struct html *h, const char *at, const char *end)
{
	while (at < end) {
		struct span name = { at, 0 }, value;

		while (at < end && is_name_char(*at))
			at++;
		name.n = (size_t)(at - name.at);
		if (!name.n) {
			at++;
			continue;
		}
		while (at < end && span_is_blank(*at))
			at++;
		if (at == end || *at != '=')
			continue;
		at++;
		while (at < end && span_is_blank(*at))
			at++;
		const char *close = at < end && (*at == '"' || *at == '\'')
					    ? memchr(at + 1, *at, (size_t)(end - at - 1))
					    : NULL;

		if (close) {
			value = span_between(at + 1, close);
			at = close + 1;
		} else {
			value.at = at;
			while (at < end && !span_is_blank(*at))
				at++;
			value.n = (size_t)(at - value.at);
		}
		take_attribute(h, name, value);
	}
}

/* Behind <script> or <style>: the end tag, or where we are when it is never closed (what follows is
 * text then). */
static const char *skip_element(struct html *h, const char *at, const char *end_tag, bool *none)
{
	size_t n = strlen(end_tag);

	for (const char *p = at; !*none && (p = memmem(p, (size_t)(h->end - p), "</", 2)); p += 2)
		if ((size_t)(h->end - p) >= n && strncasecmp(p, end_tag, n) == 0)
			return p;
	*none = true;
	return at;
}

/* At '<' and a letter, or "</" and one. */
static void take_tag(struct html *h)
{
	bool closing = h->at[1] == '/';
	struct span name = { h->at + 1 + closing, 0 };

	while (span_end(name) < h->end && is_name_char(*span_end(name)))
		name.n++;
	const char *end = tag_end(h, span_end(name));

	if (!end) {
		put(h, "<", 1);
		h->at++;
		return;
	}
	if (breaks_line(name))
		put_line(h);
	else if (span_ieq(name, "td") || span_ieq(name, "th"))
		h->blank = true;
	if (!closing && end - span_end(name) > 5)
		take_attributes(h, span_end(name), end);
	h->at = end + 1;
	if (!closing && span_ieq(name, "script"))
		h->at = skip_element(h, h->at, "</script", &h->no_script_end);
	else if (!closing && span_ieq(name, "style"))
		h->at = skip_element(h, h->at, "</style", &h->no_style_end);
}

/* The '>' of "-->" or "--!>"; the dashes that open a comment may close it too. */
static const char *comment_end(struct html *h, const char *at)
{
	for (; !h->no_comment_end && (at = memmem(at, (size_t)(h->end - at), "--", 2)); at++) {
		const char *p = at + 2;

		p += p < h->end && *p == '!';
		if (p < h->end && *p == '>')
			return p;
	}
	h->no_comment_end = true;
	return NULL;
}

/* At "<!" or "<?". Conditional comments are shown by the programs that they are for: their content
 * is text. */
static void take_declaration(struct html *h)
{
	size_t left = (size_t)(h->end - h->at);
	bool comment = left >= 4 && memcmp(h->at, "<!--", 4) == 0;

	if (comment && left > 6 && strncasecmp(h->at + 4, "[if", 3) == 0)
		comment = false;
	const char *end =
		comment ? comment_end(h, h->at + 2) : find(h->at, h->end, '>', &h->no_tag_end);

	h->at = end ? end + 1 : h->at + 2;
}

static void take_markup(struct html *h)
{
	char next = h->end - h->at > 1 ? h->at[1] : ' ';

	if (next == '!' || next == '?') {
		take_declaration(h);
	} else if (((next | 32) >= 'a' && (next | 32) <= 'z') ||
		(next == '/' && h->end - h->at > 2 && is_name_char(h->at[2]))) {
		take_tag(h);
	} else {
		put(h, "<", 1);
		h->at++;
	}
}

void text_html(struct text *out, struct span html)
{
	struct html h = {
		.at = html.at, .end = span_end(html), .out = out, .links = TEXT_INIT(LINKS_MAX) };

	put_line(&h);
	while (h.at < h.end && !out->truncated) {
		const char *less = memchr(h.at, '<', (size_t)(h.end - h.at));
		const char *end = less ? less : h.end;

		put_text(&h, h.at, end);
		h.at = end;
		if (less)
			take_markup(&h);
	}
	put_line(&h);
	if (h.links.out.len)
		text_add(out, (struct span){ h.links.out.data, h.links.out.len });
	buf_deinit(&h.links.out);
}

struct span text_html_charset(struct span html)
{
	_free_ char *head = mem_dup(html.at, html.n < META_WITHIN ? html.n : META_WITHIN);

	for (const char *at = strcasestr(head, "<meta"); at; at = strcasestr(at + 5, "<meta")) {
		const char *end = strchr(at, '>'), *charset = strcasestr(at, "charset");

		if (!end || !charset || charset > end)
			continue;
		charset += strlen("charset");
		charset += strspn(charset, " \t=\"'");
		return (struct span){ html.at + (charset - head), strcspn(charset, " \t\"'/>;") };
	}
	return (struct span){ html.at, 0 };
}
