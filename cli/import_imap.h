/* import_imap: taking over mailboxes from a mail server, and emptying a journal mailbox for as long as it runs.
 *
 * For each folder: what came since the last time (by UIDVALIDITY and UID, meta/import.h), a window at a time: fetch,
 * archive, then flag or delete on the server what is archived, then note how far it came. Whatever breaks in between is
 * done again: a message archived already is recognised by its key. */
#ifndef CLI_IMPORT_IMAP_H
#define CLI_IMPORT_IMAP_H

#include "cli/import_pool.h"
#include "meta/meta.h"

enum import_action { IMPORT_KEEP, IMPORT_FLAG, IMPORT_DELETE };

struct import_imap {
	const struct conf *conf;
	struct import_pool *pool;
	struct meta *meta;
	const struct strv *recipients; /* of every message; empty: as the messages say */
	const char *password_file, *token_file; /* both NULL: the password is asked for */
	const char *ca;				/* "" for those that the system trusts */
	const char *flag;			/* for IMPORT_FLAG */
	enum import_action action;
	bool follow; /* until the program is to end */
	bool again;  /* from the first message on, whatever was done before */
};

/* The name that an import which follows this URL has in the ledger; caller frees. -1 permanent: no such URL. */
int import_imap_name(const char *url, char **name_r, struct err *e) MUST_CHECK;

/* All messages of the URL's folder or folders. 0 also when the program is to end. -1: it can't go on; with `follow` only
 * when it could not even begin. */
int import_imap(struct import_imap *x, const char *url, struct err *e) MUST_CHECK;

#endif
