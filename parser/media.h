/* media: Content-Type, Content-Disposition and Content-Transfer-Encoding of one entity, in one
 * reading of them. */
#ifndef PARSER_MEDIA_H
#define PARSER_MEDIA_H

#include "base/strv.h"
#include "parser/header.h"

#include <gmime/gmime.h>

struct media {
	char *type;	/* lower-case "type/subtype" */
	char *boundary; /* NULL when there is none */
	char *charset;	/* "" when there is none */
	char *name;	/* file name, "" when there is none */
	bool attachment; /* Content-Disposition says so */
	bool flowed, delsp; /* RFC 3676 */
	GMimeContentEncoding encoding;
	uint32_t flags; /* enum parse_flag that came up */
};

/* What to take where a header can be read in several ways; all zero is the reading that most mail
 * programs show. */
struct media_choice {
	const struct field *content_type, *encoding; /* NULL: the first of its name */
	const char *boundary, *charset;		     /* NULL: as the Content-Type says */
};

/* `standard` is the type where the header names none. media_deinit() frees. */
void media_read(struct media *m_r, const struct header *h, const char *standard,
	const struct media_choice *choice);
void media_deinit(struct media *m);

static inline bool media_is(const struct media *m, const char *prefix)
{
	return strncmp(m->type, prefix, strlen(prefix)) == 0;
}

/* message/rfc822 and its kin: a message inside the message. */
bool media_is_message(const struct media *m);

/* Every value that some mail program could read for a parameter of a field: repeated, quoted oddly,
 * cut at a blank. */
void media_values(struct strv *values, struct span field, const char *parameter);

#endif
