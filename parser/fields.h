/* fields: what a message's header says, decoded: RFC 5322, 2047, 2231, 6532 and what is sent in
 * their name. */
#ifndef PARSER_FIELDS_H
#define PARSER_FIELDS_H

#include "mail/parsed.h"
#include "parser/header.h"
#include "parser/text.h"

/* Subject, Message-ID, date and participants into p. Of fields that may stand only once the first
 * counts; the others' participants are added and their text goes to `text` (PARSE_AMBIGUOUS).
 * with_values false: participants alone, and the rest as text: of another reading of the
 * message. */
void fields_read(struct parsed *p, struct text *text, const struct header *h, bool with_values);

/* The fields that a reader sees, as lines of text: of a message inside the message. */
void fields_text(struct text *text, const struct header *h, uint32_t *flags);

/* Decodes unstructured text such as a subject. *flags: enum parse_flag that came up. Caller
 * frees. */
char *fields_decode(struct span value, uint32_t *flags);

/* The addresses of a list, groups resolved; false when it could not be read as one. */
bool fields_addresses(struct parsed *p, enum participant_role role, struct span value);

/* Options for GMime that read 8-bit header text as UTF-8 or else as windows-1252. */
void fields_init(void);

#endif
