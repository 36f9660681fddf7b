/* csv: comma-separated values as RFC 4180 has them: fields in quotes may hold commas, line ends and doubled quotes. Lines may end
 * with LF alone; a byte order mark at the beginning is skipped. Pure. */
#ifndef CLI_CSV_H
#define CLI_CSV_H

#include "base/err.h"
#include "base/strv.h"

struct csv {
	const char *at, *end;
	unsigned line; /* of the row that was read last, from 1 */
	unsigned next_line;
};

/* The text stays the caller's. */
void csv_init(struct csv *c, const char *text, size_t n);

/* The next row that is not empty: 1 with its fields added to *fields_r, 0 at the end, -1 permanent: a quote is in the wrong
 * place or never closed, a field has a NUL or over 64 KiB. */
int csv_row(struct csv *c, struct strv *fields_r, struct err *e) MUST_CHECK;

#endif
