/* tokenize: cuts text into the words that are searched, the same for documents and queries.
 *
 * A word is a run of letters, digits and marks, folded (index/fold.h). Chinese, Japanese and Korean runs give every pair
 * of neighbouring characters at successive positions, then the last character alone, so that whoever looks for one
 * character finds it by prefix. Thai, Lao, Khmer and Burmese are cut by dictionary. A mail address gives its pieces as
 * words and, at the position of the first piece, itself whole. Letters with a number right before or behind them
 * (invoice2023, 5million) are a word, too, at the position of the whole. A word longer than TOKEN_MAX bytes is cut there. */
#ifndef INDEX_TOKENIZE_H
#define INDEX_TOKENIZE_H

#include "base/mem.h"

#include <stdbool.h>

#define TOKEN_MAX 255

enum token_kind {
	TOKEN_WORD,
	TOKEN_PAIR,    /* two neighbouring CJK characters */
	TOKEN_LAST,    /* the last character of a CJK run, behind its pairs */
	TOKEN_SINGLE,  /* a CJK run of one character */
	TOKEN_ADDRESS, /* a whole address: at the position of the token before it */
	TOKEN_LETTERS, /* the letters of a word that begins or ends with a number: likewise */
};

/* Does it stand at the position of the token before it? */
static inline bool token_is_beside(enum token_kind kind)
{
	return kind == TOKEN_ADDRESS || kind == TOKEN_LETTERS;
}

struct token {
	enum token_kind kind;
	const char *text; /* folded UTF-8, not terminated; valid during the call */
	size_t len;	  /* 1 .. TOKEN_MAX */
	size_t start, end; /* the bytes of the original that it stands for */
};

/* Called for each token in order; other than 0 stops. */
typedef int token_fn(void *arg, const struct token *token);

/* Holds what is dear to make (a dictionary word breaker, opened when first needed). One thread at a time. */
struct tokenizer;
struct tokenizer *tokenizer_new(void);
void tokenizer_freep(struct tokenizer **t);

/* text is valid UTF-8, n bytes, less than 1 GiB. */
void tokenize(struct tokenizer *t, const char *text, size_t n, token_fn *fn, void *arg);

/* Is there a letter or a digit? */
bool tokenize_any(const char *text, size_t n);

#endif
