#include "parser/decode.h"

/* What stands before "begin 644 name" and that line itself are not data. */
static struct span uuencoded_data(struct span content)
{
	struct span rest = content, line;

	while (span_line(&rest, &line))
		if (line.n > 6 && memcmp(line.at, "begin ", 6) == 0)
			return rest;
	return content;
}

/* Base64 that was cut within its last four characters: GMime keeps the bytes that are there
 * already. */
static void add_cut_bytes(struct buf *room, const GMimeEncoding *state)
{
	int have = state->state < 0 ? 0 : state->state;
	char *to = room->data + room->len;

	if (state->encoding != GMIME_CONTENT_ENCODING_BASE64 || have < 2)
		return;
	*to++ = (char)(have == 2 ? state->save >> 4 : state->save >> 10);
	if (have == 3)
		*to++ = (char)(state->save >> 2);
	room->len = (size_t)(to - room->data);
}

struct span decode(struct buf *room, GMimeContentEncoding encoding, struct span content)
{
	GMimeEncoding state;

	if (encoding != GMIME_CONTENT_ENCODING_BASE64 &&
		encoding != GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE &&
		encoding != GMIME_CONTENT_ENCODING_UUENCODE)
		return content;
	if (encoding == GMIME_CONTENT_ENCODING_UUENCODE)
		content = uuencoded_data(content);
	g_mime_encoding_init_decode(&state, encoding);
	size_t size = g_mime_encoding_outlen(&state, content.n) + 2;

	*room = BUF_INIT(size);
	char *to = buf_reserve(room, size);

	if (!to)
		return content; /* cannot be: it was sized for it */
	room->len = g_mime_encoding_flush(&state, content.at, content.n, to);
	add_cut_bytes(room, &state);
	return (struct span){ room->data, room->len };
}
