/* header: the fields of one header block, as views of the message. */
#ifndef PARSER_HEADER_H
#define PARSER_HEADER_H

#include "parser/span.h"

struct field {
	struct span name;  /* empty: a line that is no field, which `value` holds */
	struct span value; /* behind the colon, folded lines and all, without the last line end */
};

struct header {
	struct field *fields;
	size_t n;
	bool malformed; /* lines that are no fields, or no empty line at its end */
	bool truncated; /* over PARSED_HEADER_MAX: the rest was left out */
	const char *seen_ahead; /* a field that header_add_line() has found further on */
};

void header_deinit(struct header *h);

/* Takes one line (without its end) into the header: a field, a folded line of the one before, or
 * neither. false: the line is no header line and what follows does not look like a header either,
 * so that the body begins here. `rest` is what follows the line, for that look ahead. */
bool header_add_line(struct header *h, struct span line, struct span rest);

/* The first field of that name, NULL when there is none. */
const struct field *header_find(const struct header *h, const char *name);

/* The next field of that name behind `after`. */
const struct field *header_next(
	const struct header *h, const struct field *after, const char *name);

/* The value without line ends and NUL. Caller frees. */
char *header_unfold(struct span value);

#endif
