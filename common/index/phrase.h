/* phrase: what a searcher's text asks for: tokens that must stand at successive positions.
 *
 * A whole address (local part, @, domain with a dot) asks for itself as one token, so that alice@example.org finds
 * neither malice@example.org nor bob.alice@example.org; less than that (alice@, @example.org) asks for its pieces, and
 * alice@exa* for whole addresses that begin so. One CJK character asks for it as the beginning of a pair. */
#ifndef INDEX_PHRASE_H
#define INDEX_PHRASE_H

#include "base/strv.h"
#include "index/tokenize.h"

struct phrase {
	struct strv tokens; /* none: the text holds nothing that can be searched */
	bool prefix;	    /* the last token is the beginning of one */
};

/* Caller deinits. */
void phrase_make(struct phrase *p_r, struct tokenizer *t, const char *text, bool prefix);
void phrase_deinit(struct phrase *p);

#endif
