/* import_source: finding messages: .eml files, mailboxes (mbox), Maildirs, and directories of all of these. */
#ifndef CLI_IMPORT_SOURCE_H
#define CLI_IMPORT_SOURCE_H

#include "cli/import_pool.h"

struct import_source {
	const struct conf *conf;
	struct import_pool *pool;
	const struct strv *recipients; /* of every message; empty: as the messages say */
	bool unquote;		       /* mailboxes are mboxrd: take one '>' off ">From " */
	uint64_t passed_over;	       /* files in directories that are no messages by their name */
};

/* Hands every message of path ("-": standard input) to the pool. What can't be read is refused there, and the walk goes
 * on; -1 only when a message can't be spooled, which stops everything. */
int import_source_walk(struct import_source *s, const char *path, struct err *e) MUST_CHECK;

#endif
