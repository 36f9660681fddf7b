#include "cli/csv.h"

#include "base/buf.h"

#include <string.h>

#define FIELD_MAX (64u * 1024)
#define BOM "\xef\xbb\xbf"

void csv_init(struct csv *c, const char *text, size_t n)
{
	size_t skip = n >= strlen(BOM) && memcmp(text, BOM, strlen(BOM)) == 0 ? strlen(BOM) : 0;

	*c = (struct csv){ .at = text + skip, .end = text + n, .next_line = 1 };
}

static bool at_line_end(const struct csv *c)
{
	return c->at == c->end || *c->at == '\n' || (*c->at == '\r' && c->at + 1 < c->end && c->at[1] == '\n');
}

static void skip_line_end(struct csv *c)
{
	if (c->at < c->end && *c->at == '\r')
		c->at++;
	if (c->at < c->end)
		c->at++;
	c->next_line++;
}

static int add(struct csv *c, struct buf *field, struct err *e)
{
	if (*c->at && buf_add_char(field, *c->at) == 0)
		return 0;
	return err_permanent(e, "line %u: a field holds a NUL or over 64 KiB", c->line);
}

static int quoted(struct csv *c, struct buf *field, struct err *e)
{
	for (c->at++; c->at < c->end; c->at++) {
		if (*c->at == '"' && (++c->at == c->end || *c->at != '"'))
			return at_line_end(c) || *c->at == ',' ? 0 :
				err_permanent(e, "line %u: there is something behind the quote that closes a field", c->line);
		c->next_line += *c->at == '\n';
		if (add(c, field, e) < 0)
			return -1;
	}
	return err_permanent(e, "line %u: a quote is never closed", c->line);
}

static int plain(struct csv *c, struct buf *field, struct err *e)
{
	for (; !at_line_end(c) && *c->at != ','; c->at++) {
		if (*c->at == '"')
			return err_permanent(e, "line %u: there is a quote inside a field that does not begin with one", c->line);
		if (add(c, field, e) < 0)
			return -1;
	}
	return 0;
}

int csv_row(struct csv *c, struct strv *fields_r, struct err *e)
{
	CLEANUP(buf_deinit) struct buf field = BUF_INIT(FIELD_MAX);

	while (c->at < c->end && at_line_end(c))
		skip_line_end(c);
	if (c->at == c->end)
		return 0;
	c->line = c->next_line;
	for (;; c->at++) {
		buf_reset(&field);
		if ((!at_line_end(c) && *c->at == '"' ? quoted : plain)(c, &field, e) < 0)
			return -1;
		strv_add(fields_r, field.data ? field.data : "");
		if (at_line_end(c))
			break;
	}
	skip_line_end(c);
	return 1;
}
