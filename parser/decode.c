#include "parser/decode.h"

#include "parser/base64.h"

#define DAMAGE 32 /* characters in which base64 that is out of order may be in order again */

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

/* Whatever is not in good order GMime gets, some characters and then one at a time until a group is complete, and all
 * that follows padding: what damaged base64 means is decided in one place. GMime 3.2.13 ends at the padding, later ones
 * go on. */
static size_t decode_base64(GMimeEncoding *state, struct span content, char *to)
{
	char *at = to;

	while (content.n) {
		if (!state->state)
			at += base64_decode_groups(&content, at);
		size_t n = state->state ? 1 : DAMAGE;

		if (n > content.n || state->state < 0)
			n = content.n;
		at += g_mime_encoding_step(state, content.at, n, at);
		content = (struct span){ content.at + n, content.n - n };
	}
	return (size_t)(at - to);
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
	room->len = encoding == GMIME_CONTENT_ENCODING_BASE64
			    ? decode_base64(&state, content, to)
			    : g_mime_encoding_flush(&state, content.at, content.n, to);
	add_cut_bytes(room, &state);
	return (struct span){ room->data, room->len };
}
