/* query_lex: cuts the text of a query into its tokens. Pure; the text is borrowed. */
#ifndef INDEX_QUERY_LEX_H
#define INDEX_QUERY_LEX_H

#include "base/mem.h"

#include <stdbool.h>

enum query_token_kind {
	QTOK_END,
	QTOK_OPEN,	 /* ( */
	QTOK_CLOSE,	 /* ) */
	QTOK_AND,
	QTOK_OR,
	QTOK_NOT,
	QTOK_FIELD,	 /* name before a colon; the colon is part of the token, not of its text */
	QTOK_WORD,	 /* up to a blank, a parenthesis or a quote */
	QTOK_PHRASE,	 /* what stood between quotes */
	QTOK_OPEN_QUOTE, /* a quote that nothing closes */
	QTOK_MINUS,	 /* - before a letter, a quote or a parenthesis, as others write NOT */
};

struct query_token {
	enum query_token_kind kind;
	size_t position;  /* of its first byte */
	const char *text; /* FIELD, WORD, PHRASE: not terminated */
	size_t len;
	bool star;	  /* WORD, PHRASE: a * follows at once (it is not part of the text) */
};

/* The token at *at, which moves behind it. A word before a colon is a field when it reads like one and something that
 * isn't // stands behind the colon: Re: and http://… are words. */
struct query_token query_lex(const char *text, size_t *at);

#endif
