#include "lmtpd/data.h"

#include <string.h>

/* A run of bytes that are passed on as they are: up to a line that begins with a dot, or the end of
 * the input. */
static size_t text_run(struct data *d, const char *in, size_t n)
{
	size_t at = 0;

	d->state = DATA_TEXT;
	while (at < n) {
		const char *cr = memchr(in + at, '\r', n - at);

		if (!cr)
			return n;
		at = (size_t)(cr - in) + 1;
		if (at == n) {
			d->state = DATA_CR;
			return n;
		}
		if (in[at] == '\n' && (++at == n || in[at] == '.')) {
			d->state = DATA_LINE_START;
			return at;
		}
	}
	return n;
}

size_t data_next(struct data *d, const char *in, size_t n, const char **piece_r, size_t *length_r)
{
	*piece_r = in;
	*length_r = 0;
	if (n == 0)
		return 0;
	switch (d->state) {
	case DATA_LINE_START:
		if (in[0] == '.') {
			d->state = DATA_DOT;
			return 1;
		}
		break;
	case DATA_DOT:
		if (in[0] == '\r') {
			d->state = DATA_DOT_CR;
			return 1;
		}
		break; /* the dot was stuffing */
	case DATA_DOT_CR:
		if (in[0] == '\n') {
			d->state = DATA_END;
			return 1;
		}
		*piece_r = "\r"; /* it was stuffing after all, and the CR belongs to the line */
		*length_r = 1;
		d->state = DATA_CR;
		return 0;
	case DATA_CR:
		if (in[0] == '\n') {
			d->state = DATA_LINE_START;
			*length_r = 1;
			return 1;
		}
		break;
	case DATA_TEXT:
		break;
	case DATA_END:
		return 0;
	}
	return *length_r = text_run(d, in, n);
}
