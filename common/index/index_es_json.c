#include "index/index_es_json.h"

#include "index/utf8.h"

#include <inttypes.h>
#include <string.h>

void es_json_deinit(struct es_json *j)
{
	buf_deinit(&j->text);
}

void es_put_raw(struct es_json *j, const char *json, size_t n)
{
	if (buf_add(&j->text, json, n))
		j->full = true;
}

void es_put_number(struct es_json *j, int64_t value)
{
	if (buf_printf(&j->text, "%" PRId64, value))
		j->full = true;
}

/* One character that can't stand in a string as it is. */
static void put_special(struct es_json *j, unsigned char c)
{
	if (c == '"')
		es_put(j, "\\\"");
	else if (c == '\\')
		es_put(j, "\\\\");
	else if (c == '\n')
		es_put(j, "\\n");
	else if (c < ' ')
		(void)(buf_printf(&j->text, "\\u%04x", c) && (j->full = true));
	else
		es_put(j, "\xef\xbf\xbd");
}

static inline bool is_plain(unsigned char c)
{
	return c >= ' ' && c < 0x80 && c != '"' && c != '\\';
}

void es_put_inside(struct es_json *j, const char *text, size_t n)
{
	size_t from = 0, at = 0;

	for (;;) {
		while (at < n && is_plain((unsigned char)text[at]))
			at++;
		if (at == n)
			break;
		size_t next = at;
		unsigned char c = (unsigned char)text[at];
		bool special = c < 0x80;

		if (special)
			next++;
		else /* one byte of what is none reads as U+FFFD, which itself has three */
			special = utf8_next(text, n, &next) == UTF8_BAD && next == at + 1;
		if (special) {
			es_put_raw(j, text + from, at - from);
			put_special(j, c);
			from = next;
		}
		at = next;
	}
	es_put_raw(j, text + from, n - from);
}

void es_put_string(struct es_json *j, const char *text, size_t n)
{
	es_put(j, "\"");
	es_put_inside(j, text, n);
	es_put(j, "\"");
}

void es_put_name(struct es_json *j, const char *name)
{
	const struct buf *b = &j->text;

	if (b->len && b->data[b->len - 1] != '{')
		es_put(j, ",");
	es_put(j, "\"");
	es_put(j, name);
	es_put(j, "\":");
}
