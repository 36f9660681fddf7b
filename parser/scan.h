/* scan: going through the bytes of a message line by line, on the watch for the boundaries of the
 * multiparts around. */
#ifndef PARSER_SCAN_H
#define PARSER_SCAN_H

#include "mail/parsed.h"
#include "parser/header.h"

struct scan {
	const char *at; /* always at the start of a line */
	const char *end;
	struct {
		unsigned level; /* whose boundary line `at` is at, from 1 = outermost; 0: at none */
		bool last;	  /* a closing line */
		const char *next; /* the line behind it */
	} hit;
	unsigned depth;
	uint64_t lengths; /* bit n % 64: some boundary may have made a line of n characters */
	struct span boundaries[PARSED_DEPTH_MAX + 1]; /* views */
};

/* Another boundary, innermost now. false: there are too many. */
bool scan_push(struct scan *s, const char *boundary);
void scan_pop(struct scan *s);

/* From here to the next boundary line (where the scan stops) or the end; the line end before a
 * boundary belongs to it. */
struct span scan_content(struct scan *s);

/* The same, of what the scan has passed over since `start`. */
struct span scan_since(const struct scan *s, const char *start);

/* Over the boundary line that the scan is at. */
void scan_skip_line(struct scan *s);

/* Reads a header block; stops behind its empty line, at a boundary line, or where the body begins
 * without either. */
void scan_header(struct scan *s, struct header *h_r);

#endif
