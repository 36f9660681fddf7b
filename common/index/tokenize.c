#include "index/tokenize.h"

#include "index/address_span.h"
#include "index/fold.h"
#include "index/utf8.h"

#include <stdint.h>
#include <string.h>
#include <unicode/ubrk.h>
#include <unicode/ustring.h>

#define SEA_MAX 512 /* UTF-16 units cut by dictionary at once; a longer run is cut there */

struct tokenizer {
	UBreakIterator *breaker; /* NULL until the first Thai, Lao, Khmer or Burmese word */
};

/* An address that is still ahead: emitted behind the first token that lies in it. */
struct pending {
	struct address_span span;
	bool waiting;
};

/* One pass over one text. At most one of the runs `word`, `cjk` and `sea` is open. */
struct scan {
	struct tokenizer *t;
	const char *text;
	size_t n, at;
	token_fn *fn;
	void *arg;
	bool stopped;
	size_t sign;		     /* the next @, or n */
	struct pending wide, core;   /* the address around it */
	size_t end;		     /* of the open run */
	char word[TOKEN_MAX];
	size_t word_len, word_start;
	bool word_full;
	char cjk[UTF8_MAX];     /* the last character of the run */
	size_t cjk_len, cjk_start, cjk_count;
	UChar sea[SEA_MAX];
	uint32_t sea_start[SEA_MAX + 1];
	int32_t sea_len;
};

struct tokenizer *tokenizer_new(void)
{
	return MEM_NEW(struct tokenizer);
}

void tokenizer_freep(struct tokenizer **t)
{
	if (*t && (*t)->breaker)
		ubrk_close((*t)->breaker);
	free(*t);
	*t = NULL;
}

/* ---- tokens and addresses ---- */

static void call(struct scan *s, enum token_kind kind, const char *text, size_t len, size_t start, size_t end)
{
	struct token t = { .kind = kind, .text = text, .len = len, .start = start, .end = end };

	if (!s->stopped && s->fn(s->arg, &t))
		s->stopped = true;
}

/* Appends a folded character to a token unless it would pass TOKEN_MAX; says whether it did. */
static bool append(char token[TOKEN_MAX], size_t *len, const char *folded, size_t n)
{
	if (n > TOKEN_MAX - *len)
		return false;
	memcpy(token + *len, folded, n);
	*len += n;
	return true;
}

static void emit_address(struct scan *s, struct pending *p)
{
	char whole[TOKEN_MAX], folded[FOLD_SIZE];
	size_t len = 0, used;

	p->waiting = false;
	for (size_t at = p->span.start; at < p->span.end; at += used) {
		size_t n = fold_char(folded, s->text + at, p->span.end - at, &used);

		if (!append(whole, &len, folded, n))
			break;
	}
	if (len)
		call(s, TOKEN_ADDRESS, whole, len, p->span.start, p->span.end);
}

static void emit(struct scan *s, enum token_kind kind, const char *text, size_t len, size_t start, size_t end)
{
	call(s, kind, text, len, start, end);
	if (s->wide.waiting && start >= s->wide.span.start)
		emit_address(s, &s->wide);
	if (s->core.waiting && start >= s->core.span.start)
		emit_address(s, &s->core);
}

/* Looks for the next @ from here on and the address around it. */
static void find_address(struct scan *s, size_t from)
{
	const char *sign = memchr(s->text + from, '@', s->n - from);

	s->wide = s->core = (struct pending){ 0 };
	s->sign = sign ? (size_t)(sign - s->text) : s->n;
	if (!sign)
		return;
	address_span_find(s->text, s->n, from, s->sign, &s->wide.span, &s->core.span);
	s->wide.waiting = s->wide.span.end > s->wide.span.start;
	s->core.waiting = s->core.span.end > s->core.span.start &&
		memcmp(&s->core.span, &s->wide.span, sizeof(s->core.span)) != 0;
}

/* ---- the three kinds of runs ---- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Of letters and a number, whichever is first: the letters. An id that changes from one to the other again is one thing. */
static void emit_letters(struct scan *s)
{
	bool number_first = is_digit(s->word[0]);
	size_t change = 1, from, to;

	while (change < s->word_len && is_digit(s->word[change]) == number_first)
		change++;
	from = number_first ? change : 0;
	to = number_first ? s->word_len : change;
	for (size_t i = change; i < s->word_len; i++)
		if (is_digit(s->word[i]) == number_first)
			return;
	if (to - from < 2)
		return;
	if (s->end - s->word_start == s->word_len)
		call(s, TOKEN_LETTERS, s->word + from, to - from, s->word_start + from, s->word_start + to);
	else /* folding has changed lengths */
		call(s, TOKEN_LETTERS, s->word + from, to - from, s->word_start, s->end);
}

static void end_word(struct scan *s)
{
	if (s->word_len) {
		emit(s, TOKEN_WORD, s->word, s->word_len, s->word_start, s->end);
		if (is_digit(s->word[0]) != is_digit(s->word[s->word_len - 1]))
			emit_letters(s);
	}
	s->word_len = 0;
	s->word_full = false;
}

static void end_cjk(struct scan *s)
{
	if (s->cjk_count)
		emit(s, s->cjk_count == 1 ? TOKEN_SINGLE : TOKEN_LAST, s->cjk, s->cjk_len, s->cjk_start, s->end);
	s->cjk_count = 0;
}

static void emit_sea(struct scan *s, int32_t from, int32_t to)
{
	char text[TOKEN_MAX];
	UErrorCode status = U_ZERO_ERROR;
	int32_t len = 0;

	while (to - from > TOKEN_MAX / 3)
		to--; /* three bytes a unit at most: always fits */
	u_strToUTF8(text, TOKEN_MAX, &len, s->sea + from, to - from, &status);
	if (U_SUCCESS(status) && len)
		emit(s, TOKEN_WORD, text, (size_t)len, s->sea_start[from], s->sea_start[to]);
}

/* Without a dictionary (ICU built without its data) the run stays one word. */
static void end_sea(struct scan *s)
{
	UErrorCode status = U_ZERO_ERROR;
	int32_t from = 0, to;

	if (!s->sea_len)
		return;
	s->sea_start[s->sea_len] = (uint32_t)s->end;
	if (!s->t->breaker)
		s->t->breaker = ubrk_open(UBRK_WORD, "", NULL, 0, &status);
	if (U_SUCCESS(status))
		ubrk_setText(s->t->breaker, s->sea, s->sea_len, &status);
	if (U_SUCCESS(status)) {
		while ((to = ubrk_next(s->t->breaker)) != UBRK_DONE) {
			emit_sea(s, from, to);
			from = to;
		}
	} else {
		emit_sea(s, 0, s->sea_len);
	}
	s->sea_len = 0;
}

static void end_runs(struct scan *s)
{
	end_word(s);
	end_cjk(s);
	end_sea(s);
}

static void add_word(struct scan *s, const char *c, size_t len, size_t start)
{
	end_cjk(s);
	end_sea(s);
	if (!s->word_len)
		s->word_start = start;
	if (!s->word_full && !append(s->word, &s->word_len, c, len))
		s->word_full = true;
}

static void add_cjk(struct scan *s, const char *c, size_t len, size_t start, size_t end)
{
	end_word(s);
	end_sea(s);
	if (s->cjk_count) {
		char pair[2 * UTF8_MAX];

		memcpy(pair, s->cjk, s->cjk_len);
		memcpy(pair + s->cjk_len, c, len);
		emit(s, TOKEN_PAIR, pair, s->cjk_len + len, s->cjk_start, end);
	}
	memcpy(s->cjk, c, len);
	s->cjk_len = len;
	s->cjk_start = start;
	s->cjk_count++;
}

static void add_sea(struct scan *s, int32_t c, size_t start)
{
	end_word(s);
	end_cjk(s);
	if (s->sea_len == SEA_MAX)
		end_sea(s);
	s->sea_start[s->sea_len] = (uint32_t)start;
	s->sea[s->sea_len++] = (UChar)c; /* these scripts lie in the basic plane */
}

/* ---- characters ---- */

static void add_folded(struct scan *s, const char *folded, size_t n, size_t start, size_t end)
{
	for (size_t i = 0; i < n;) {
		size_t from = i;
		int32_t c = utf8_next(folded, n, &i);

		switch (fold_class(c)) {
		case CHAR_ALPHA:
			add_word(s, folded + from, i - from, start);
			break;
		case CHAR_CJK:
			add_cjk(s, folded + from, i - from, start, end);
			break;
		case CHAR_SEA:
			add_sea(s, c, start);
			break;
		case CHAR_NONE:
			end_runs(s);
			break;
		case CHAR_IGNORED:
			break;
		}
		s->end = end;
	}
	s->end = end; /* a dropped accent still belongs to its letter */
}

static void scan_character(struct scan *s)
{
	char folded[FOLD_SIZE];
	size_t next = s->at, used;
	enum char_class class = fold_class(utf8_next(s->text, s->n, &next));

	if (class == CHAR_NONE || class == CHAR_IGNORED) {
		if (class == CHAR_NONE)
			end_runs(s);
		s->at = next;
		return;
	}
	size_t n = fold_char(folded, s->text + s->at, s->n - s->at, &used);

	add_folded(s, folded, n, s->at, s->at + used);
	s->at += used;
}

/* The lower-case form of an ASCII letter or digit; 0 for everything else. */
static inline char lower(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c + ('a' - 'A'));
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '\0';
}

/* ASCII letters and digits, the common case: straight into the word. */
static void scan_ascii(struct scan *s)
{
	end_cjk(s);
	end_sea(s);
	if (!s->word_len)
		s->word_start = s->at;
	for (char c; s->at < s->n && (c = lower(s->text[s->at])); s->at++) {
		if (s->word_len < TOKEN_MAX && !s->word_full)
			s->word[s->word_len++] = c;
		else
			s->word_full = true;
	}
	s->end = s->at;
}

void tokenize(struct tokenizer *t, const char *text, size_t n, token_fn *fn, void *arg)
{
	struct scan s;

	/* not zeroed as a whole: it is large, and short texts are many */
	s.t = t, s.text = text, s.n = n, s.at = 0, s.fn = fn, s.arg = arg, s.stopped = false, s.end = 0;
	s.word_len = s.cjk_count = 0, s.sea_len = 0, s.word_full = false;
	if (!n)
		return;
	find_address(&s, 0);
	while (s.at < n && !s.stopped) {
		if ((unsigned char)text[s.at] >= 0x80) {
			scan_character(&s);
		} else if (lower(text[s.at])) {
			scan_ascii(&s);
		} else {
			end_runs(&s);
			if (s.at++ == s.sign)
				find_address(&s, s.at);
		}
	}
	end_runs(&s);
}

bool tokenize_any(const char *text, size_t n)
{
	for (size_t i = 0; i < n;) {
		enum char_class class = fold_class(utf8_next(text, n, &i));

		if (class != CHAR_NONE && class != CHAR_IGNORED)
			return true;
	}
	return false;
}
