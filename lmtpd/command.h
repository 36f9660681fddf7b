/* command: one line of LMTP (RFC 2033, 5321, 1870, 3030, 3461, 6152, 6531) taken apart.
 *
 * Lenient where an archive can be: mail is here already, and an odd address is no reason to lose
 * the copy. An address is whatever stands in the angle brackets without control characters; what
 * the protocol needs to stay in step is checked. */
#ifndef LMTPD_COMMAND_H
#define LMTPD_COMMAND_H

#include "lmtpd/reply.h"

#include <stdbool.h>

/* Longest command line, CRLF included. */
#define COMMAND_LINE_MAX 4096

enum verb {
	VERB_NONE,
	VERB_LHLO,
	VERB_STARTTLS,
	VERB_MAIL,
	VERB_RCPT,
	VERB_DATA,
	VERB_BDAT,
	VERB_RSET,
	VERB_NOOP,
	VERB_VRFY,
	VERB_QUIT,
};

enum body { BODY_UNSAID, BODY_7BIT, BODY_8BITMIME, BODY_BINARYMIME };

/* Views into the line that was parsed. */
struct command {
	enum verb verb;
	const char *text;    /* LHLO: the name */
	const char *address; /* MAIL, RCPT: without <> and without a source route */
	const char *args;    /* MAIL, RCPT: the parameters as given, "" for none */
	uint64_t size;	     /* MAIL SIZE=, 0 for none; BDAT: bytes of the chunk */
	enum body body;
	bool utf8; /* MAIL SMTPUTF8 */
	bool last; /* BDAT LAST */
};

/* Parses line, n bytes without the CRLF and a NUL behind them; it is changed. REPLY_NONE, or what
 * is wrong with it (verb is then the verb as far as it was known). */
enum reply command_parse(struct command *c, char *line, size_t n) MUST_CHECK;

#endif
