/* journal: envelope journal reports of Exchange and Microsoft 365 ([MS-XJRNL] 2.1): a text part
 * that lists sender and recipients, and the original message beside it. */
#ifndef PARSER_JOURNAL_H
#define PARSER_JOURNAL_H

#include "mail/parsed.h"
#include "parser/mime.h"
#include "parser/text.h"

struct journal {
	struct text lines;    /* the envelope part, decoded */
	struct span original; /* the message inside */
	struct buf room;      /* holds it when it was encoded */
	bool has_lines, has_original;
};

/* Does the header say that the message is a report? */
bool journal_claimed(struct span message);

/* Finds both parts; false when one is missing. journal_deinit() frees in any case. */
bool journal_open(struct journal *j_r, struct span message);
void journal_deinit(struct journal *j);

/* Adds sender and recipients to p. false, and nothing added, when a line can't be understood. */
bool journal_read(struct parsed *p, const struct journal *j);

#endif
