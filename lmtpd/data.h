/* data: the message between DATA and the final dot, taken out of its transport form (RFC 5321,
 * 4.5.2).
 *
 * Only CR LF ends a line: the message ends at CR LF . CR LF and nothing else, and only a dot behind
 * CR LF is taken away. Bare CR, bare LF, NUL and lines of any length are passed on as they are.
 * Nothing is held back but a dot and a CR, so the pieces that the bytes arrive in make no
 * difference. */
#ifndef LMTPD_DATA_H
#define LMTPD_DATA_H

#include <stddef.h>

enum data_state {
	DATA_LINE_START, /* behind CR LF, and at the very start */
	DATA_DOT,	 /* a dot at the start of a line */
	DATA_DOT_CR,	 /* and a CR behind it */
	DATA_TEXT,
	DATA_CR, /* a CR elsewhere */
	DATA_END,
};

struct data {
	enum data_state state;
};

#define DATA_INIT ((struct data){ DATA_LINE_START })

/* Decodes the start of [in, in + n): says how many bytes it took, and gives message bytes in
 * *piece_r (a view) and *length_r. Either may be 0. Call until all is taken or state is DATA_END;
 * bytes behind the final dot are not touched. */
size_t data_next(struct data *d, const char *in, size_t n, const char **piece_r, size_t *length_r);

#endif
