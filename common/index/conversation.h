/* conversation: the messages that belong together: those that share an identifier in Message-ID, In-Reply-To or References, and
 * those that share one with them, and so on.
 *
 * Everything happens within a scope: a message outside of it joins nothing, so that what is found depends on what may be
 * seen alone. */
#ifndef INDEX_CONVERSATION_H
#define INDEX_CONVERSATION_H

#include "index/index.h"

#define CONVERSATION_MAX 500	      /* messages */
#define CONVERSATION_LINKS_MAX 20000 /* identifiers that are followed */

struct conversation {
	struct uuid *ids; /* in no order; the message that was asked about among them */
	size_t n;	  /* 0: it is not in the scope, or not indexed yet */
	bool whole;	  /* else there may be more */
};

/* The conversation of a message; caller deinits. -1 as index_search(). */
int conversation_find(struct index *i, const struct scope *scope, const struct uuid *id, struct conversation *c_r,
	struct err *e) MUST_CHECK;
void conversation_deinit(struct conversation *c);

#endif
