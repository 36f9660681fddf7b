#include "parser/rfc2047.h"

#include "mail/parsed.h"
#include "parser/charset.h"
#include "parser/decode.h"

#include <stdio.h>

struct word {
	struct span whole, charset, text;
	char encoding; /* 'b' or 'q' */
};

/* The first encoded word at or behind `at`. */
static bool find_word(struct word *w_r, const char *at, const char *end)
{
	const char *charset, *encoding, *close;

	for (; (at = memmem(at, (size_t)(end - at), "=?", 2)); at++) {
		charset = at + 2;
		encoding = memchr(charset, '?', (size_t)(end - charset));
		if (!encoding || end - encoding < 5)
			return false; /* nor can there be one later */
		if (encoding[2] != '?' || !strchr("bBqQ", encoding[1]) ||
			memchr(charset, ' ', (size_t)(encoding - charset)))
			continue;
		close = memmem(encoding + 3, (size_t)(end - encoding - 3), "?=", 2);
		if (!close)
			return false;
		w_r->whole = span_between(at, close + 2);
		w_r->charset = span_between(charset, encoding);
		w_r->encoding = (char)(encoding[1] | 32);
		w_r->text = span_between(encoding + 3, close);
		const char *language = memchr(charset, '*', w_r->charset.n); /* RFC 2231 */

		if (language)
			w_r->charset.n = (size_t)(language - charset);
		return true;
	}
	return false;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 32);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decoded is never longer than encoded: bytes has room. */
static size_t decode_q(char *bytes, struct span text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		if (text.at[i] == '=' && i + 2 < text.n && hex(text.at[i + 1]) >= 0 &&
			hex(text.at[i + 2]) >= 0) {
			bytes[n++] = (char)(hex(text.at[i + 1]) << 4 | hex(text.at[i + 2]));
			i += 2;
		} else {
			bytes[n++] = text.at[i] == '_' ? ' ' : text.at[i];
		}
	}
	return n;
}

static void add_bytes(struct text *bytes, const struct word *w)
{
	CLEANUP(buf_deinit) struct buf room = BUF_INIT(0);
	struct span plain;

	if (w->encoding == 'b') {
		plain = decode(&room, GMIME_CONTENT_ENCODING_BASE64, w->text);
	} else {
		room = BUF_INIT(w->text.n);
		char *to = buf_reserve(&room, w->text.n);

		plain = (struct span){ to, to ? decode_q(to, w->text) : 0 };
	}
	if (plain.n && buf_add(&bytes->out, plain.at, plain.n))
		bytes->truncated = true;
}

static bool is_blank(const char *at, const char *end)
{
	while (at < end && span_is_blank(*at))
		at++;
	return at == end;
}

/* Text outside of encoded words: UTF-8 (RFC 6532) or, as it is in no charset, what it looks
 * like. */
static void add_plain(struct text *out, const char *at, const char *end, uint32_t *flags)
{
	if (at < end && !charset_add(out, (struct span){ "", 0 }, span_between(at, end)))
		*flags |= PARSE_CHARSET;
}

/* A run of words in one charset with nothing but blanks between them: their bytes are one text, for
 * characters may be split over two words. Returns where it ends. */
static const char *add_run(struct text *out, struct word w, const char *end, uint32_t *flags)
{
	struct text bytes = TEXT_INIT((size_t)(end - w.whole.at));
	struct span charset = w.charset;
	const char *at;

	for (;;) {
		struct word next;

		add_bytes(&bytes, &w);
		at = span_end(w.whole);
		if (!find_word(&next, at, end) || !is_blank(at, next.whole.at) ||
			next.charset.n != charset.n ||
			strncasecmp(next.charset.at, charset.at, charset.n) != 0)
			break;
		w = next;
	}
	if (bytes.out.len &&
		!charset_add(out, charset, (struct span){ bytes.out.data, bytes.out.len }))
		*flags |= PARSE_CHARSET;
	buf_deinit(&bytes.out);
	return at;
}

char *rfc2047_decode(struct span text, uint32_t *flags)
{
	struct text out = TEXT_INIT(4 * text.n);
	const char *at = text.at, *end = span_end(text);
	struct word w;

	while (find_word(&w, at, end)) {
		if (at == text.at || !is_blank(at, w.whole.at))
			add_plain(&out, at, w.whole.at, flags);
		at = add_run(&out, w, end, flags);
	}
	add_plain(&out, at, end, flags);
	return buf_take(&out.out);
}

/* ---- masking ---- */

#define MASK_BEGIN "=!"
#define MASK_END "!="

char *rfc2047_mask(struct strv *words, const char *text)
{
	struct buf out = BUF_INIT(4 * strlen(text) + 64);
	const char *at = text, *end = text + strlen(text);
	struct word w;

	while (find_word(&w, at, end)) {
		_free_ char *raw = mem_dup(w.whole.at, w.whole.n);

		/* never too long: the shortest encoded word has 6 characters, its mask at most
		 * 14 */
		if (buf_add(&out, at, (size_t)(w.whole.at - at)) ||
			buf_printf(&out, MASK_BEGIN "%zu" MASK_END, words->n))
			break;
		strv_add(words, raw);
		at = span_end(w.whole);
	}
	if (buf_add(&out, at, (size_t)(end - at)))
		buf_reset(&out);
	return buf_take(&out);
}

char *rfc2047_unmask(const struct strv *words, const char *masked, uint32_t *flags)
{
	CLEANUP(buf_deinit) struct buf out = BUF_INIT(SIZE_MAX / 2);
	const char *at = masked, *mask;

	while ((mask = strstr(at, MASK_BEGIN))) {
		char *end;
		unsigned long i = strtoul(mask + 2, &end, 10);
		bool known = end > mask + 2 && strncmp(end, MASK_END, 2) == 0 && i < words->n;
		const char *raw = known ? words->items[i] : MASK_BEGIN;

		if (buf_add(&out, at, (size_t)(mask - at)) || buf_add_str(&out, raw))
			return mem_strdup("");
		at = known ? end + 2 : mask + 2;
	}
	if (buf_add_str(&out, at))
		return mem_strdup("");
	return rfc2047_decode((struct span){ out.data, out.len }, flags);
}
