#include "milter/reconstruct.h"

#include <string.h>

/* One line of a value; the CR that may stand before its LF is not doubled. */
static int add_line(struct buf *b, const char *line, size_t n)
{
	if (n && line[n - 1] == '\r')
		n--;
	return buf_add(b, line, n) || buf_add(b, "\r\n", 2) ? -1 : 0;
}

static int add_value(struct buf *b, const char *value)
{
	const char *lf;

	for (; (lf = strchr(value, '\n')); value = lf + 1)
		if (add_line(b, value, (size_t)(lf - value)))
			return -1;
	return buf_add_str(b, value) || buf_add(b, "\r\n", 2) ? -1 : 0;
}

int reconstruct_header(struct buf *b, const char *name, const char *value, bool leading_space)
{
	if (buf_add_str(b, name) || buf_add_str(b, leading_space ? ":" : ": "))
		return -1;
	return add_value(b, value);
}

int reconstruct_end_of_header(struct buf *b)
{
	return buf_add(b, "\r\n", 2);
}
