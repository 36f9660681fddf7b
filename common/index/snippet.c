#include "index/snippet.h"

#include "base/buf.h"
#include "index/snippet_seek.h"
#include "index/utf8.h"

#include <stdint.h>
#include <string.h>

#define LEAD_BYTES 80	/* shown before the first hit */
#define HITS_MAX 32
#define PHRASE_MAX 64	/* tokens of a phrase that are compared: one bit each */
#define WORK_MAX (1u << 21) /* comparisons for one text: a hundredth of a second or two */
#define ELLIPSIS "\xe2\x80\xa6"
#define OUT_MAX (64 * SNIPPET_BYTES)

struct hit {
	size_t start, end;
};

/* How far each phrase has come: bit k of open: its first k + 1 tokens stand at the positions up to the last one. */
struct progress {
	uint64_t before, open;
};

struct finder {
	const struct phrase *phrases;
	size_t phrase_count;
	struct progress *progress;
	size_t starts[PHRASE_MAX]; /* where the tokens of the last positions begin */
	size_t position;
	struct hit hits[HITS_MAX];
	size_t hit_count;
	unsigned work;
};

/* ---- finding ---- */

static bool token_is(const struct token *t, const char *wanted, bool prefix)
{
	size_t n = strlen(wanted);

	return (prefix ? t->len >= n : t->len == n) && !memcmp(t->text, wanted, n);
}

static void add_hit(struct finder *f, size_t start, size_t end)
{
	struct hit *last = f->hit_count ? &f->hits[f->hit_count - 1] : NULL;

	if (last && start <= last->end) {
		if (start < last->start)
			last->start = start;
		if (end > last->end)
			last->end = end;
	} else if (f->hit_count < HITS_MAX) {
		f->hits[f->hit_count++] = (struct hit){ start, end };
	}
}

static size_t compared(const struct phrase *p)
{
	return p->tokens.n < PHRASE_MAX ? p->tokens.n : PHRASE_MAX;
}

static void follow(struct finder *f, size_t i, const struct token *t)
{
	const struct phrase *p = &f->phrases[i];
	struct progress *g = &f->progress[i];
	size_t n = compared(p);
	uint64_t may = (g->before << 1 | 1) & (n ? UINT64_MAX >> (PHRASE_MAX - n) : 0);

	f->work++;
	for (; may; may &= may - 1, f->work++) {
		size_t k = (size_t)__builtin_ctzll(may);

		if (token_is(t, p->tokens.items[k], p->prefix && k + 1 == p->tokens.n))
			g->open |= UINT64_C(1) << k;
	}
	if (n && g->open >> (n - 1) & 1) {
		add_hit(f, f->starts[(f->position - n + 1) % PHRASE_MAX], t->end);
		g->open &= ~(UINT64_C(1) << (n - 1));
	}
}

/* Stops once the text lies well behind the first hit, or was compared long enough. */
static int look(void *arg, const struct token *t)
{
	struct finder *f = arg;

	if (!token_is_beside(t->kind)) {
		f->position++;
		f->starts[f->position % PHRASE_MAX] = t->start;
		for (size_t i = 0; i < f->phrase_count; i++)
			f->progress[i] = (struct progress){ .before = f->progress[i].open };
	}
	for (size_t i = 0; i < f->phrase_count; i++)
		follow(f, i, t);
	return f->work > WORK_MAX || (f->hit_count && t->start > f->hits[0].start + SNIPPET_BYTES);
}

/* ---- showing ---- */

static bool is_gap(unsigned char c)
{
	return c <= ' ' || c == 0x7f;
}

/* Where to begin so that `at` is shown: at a word if one begins near, never inside a character. */
static size_t choose_start(const char *text, size_t at)
{
	size_t start = at > LEAD_BYTES ? at - LEAD_BYTES : 0;

	if (!start)
		return 0;
	for (size_t i = start; i < at; i++)
		if (is_gap((unsigned char)text[i]))
			return i + 1;
	while (start < at && utf8_is_inside(text[start]))
		start++;
	return start;
}

static size_t choose_end(const char *text, size_t n, size_t start)
{
	size_t end = start + SNIPPET_BYTES;

	if (end >= n)
		return n;
	for (size_t i = end; i > end - SNIPPET_BYTES / 4; i--)
		if (is_gap((unsigned char)text[i]))
			return i;
	while (utf8_is_inside(text[end]))
		end--;
	return end;
}

/* OUT_MAX holds the longest: the results of adding to the buffer need no look. */
static void put(struct buf *out, const char *s)
{
	(void)!buf_add_str(out, s);
}

static void put_character(struct buf *out, const char *text, size_t at, bool *gap)
{
	unsigned char c = (unsigned char)text[at];

	if (is_gap(c)) {
		if (!*gap)
			put(out, " ");
		*gap = true;
		return;
	}
	*gap = false;
	switch (c) {
	case '&':
		put(out, "&amp;");
		break;
	case '<':
		put(out, "&lt;");
		break;
	case '>':
		put(out, "&gt;");
		break;
	case '"':
		put(out, "&quot;");
		break;
	case '\'':
		put(out, "&#39;");
		break;
	default:
		(void)!buf_add(out, text + at, 1);
	}
}

static char *show(const char *text, size_t n, size_t start, size_t end, const struct hit *hits, size_t hit_count)
{
	struct buf out = BUF_INIT(OUT_MAX);
	bool gap = true, marked = false;
	size_t h = 0;

	if (start)
		put(&out, ELLIPSIS);
	for (size_t at = start; at < end; at++) {
		if (marked && at >= hits[h].end) {
			put(&out, "</mark>");
			marked = false;
			h++;
		}
		if (h < hit_count && !marked && at >= hits[h].start) {
			put(&out, "<mark>");
			marked = true;
		}
		put_character(&out, text, at, &gap);
	}
	if (marked)
		put(&out, "</mark>");
	if (end < n)
		put(&out, ELLIPSIS);
	return buf_take(&out);
}

char *snippet_find(struct tokenizer *t, const struct phrase *phrases, size_t phrase_count, const char *text, size_t n)
{
	struct finder f = { .phrases = phrases, .phrase_count = phrase_count, .position = PHRASE_MAX };
	size_t from = snippet_seek(phrases, phrase_count, text, n);

	if (from == n)
		return NULL;
	f.progress = MEM_ARRAY(struct progress, phrase_count);
	tokenize(t, text + from, n - from, look, &f);
	free(f.progress);
	if (!f.hit_count)
		return NULL;
	for (size_t i = 0; i < f.hit_count; i++) {
		f.hits[i].start += from;
		f.hits[i].end += from;
	}
	size_t start = choose_start(text, f.hits[0].start);
	size_t end = choose_end(text, n, start);

	return show(text, n, start, end, f.hits, f.hit_count);
}

char *snippet_begin(const char *text, size_t n)
{
	size_t start = 0;

	while (start < n && is_gap((unsigned char)text[start]))
		start++;
	return show(text + start, n - start, 0, choose_end(text + start, n - start, 0), NULL, 0);
}
