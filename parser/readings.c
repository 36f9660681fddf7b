#include "parser/readings.h"

#include "parser/charset.h"

#define SEARCHED (1024u * 1024) /* bytes of a body in which another boundary is looked for */

void readings_deinit(struct readings *r)
{
	strv_deinit(&r->kept);
}

static struct reading *add(struct readings *r)
{
	return &r->items[r->n++]; /* callers see to READINGS_MAX */
}

/* Fields that are there twice and say different things. */
static void find_fields(struct readings *r, const struct header *h, const char *name, bool is_type)
{
	const struct field *first = header_find(h, name);

	for (const struct field *f = first; f && r->n < READINGS_MAX; f = header_next(h, f, name)) {
		if (span_same(span_trim(f->value), span_trim(first->value)))
			continue;
		struct media_choice *choice = &add(r)->choice;

		if (is_type)
			choice->content_type = f;
		else
			choice->encoding = f;
	}
}

static bool has_line(struct span body, const char *boundary)
{
	_free_ char *line = mem_printf("--%s", boundary);
	size_t n = strlen(line);

	if (body.n > SEARCHED)
		body.n = SEARCHED;
	const char *at = body.n >= n && memcmp(body.at, line, n) == 0 ? body.at : NULL;

	if (at)
		return true;
	_free_ char *later = mem_printf("\n%s", line);

	return memmem(body.at, body.n, later, n + 1) != NULL;
}

/* A multipart without boundary may begin with one all the same. */
static void find_first_line(struct strv *values, struct span body)
{
	struct span line;

	if (!span_line(&body, &line) || line.n < 3 || line.at[0] != '-' || line.at[1] != '-')
		return;
	_free_ char *value = mem_dup(line.at + 2, line.n - 2);

	strv_add(values, value);
}

/* Another boundary counts when the body has lines for it. */
static void find_boundaries(
	struct readings *r, const struct entity *e, const struct field *type, struct span body)
{
	CLEANUP(strv_deinit) struct strv values = { 0 };

	if (type)
		media_values(&values, type->value, "boundary");
	if (!e->media.boundary)
		find_first_line(&values, body);
	for (size_t i = 0; i < values.n && r->n < READINGS_MAX; i++) {
		if (e->media.boundary && strcmp(values.items[i], e->media.boundary) == 0)
			continue;
		if (!has_line(body, values.items[i]))
			continue;
		strv_add(&r->kept, values.items[i]);
		add(r)->choice.boundary = r->kept.items[r->kept.n - 1];
	}
}

static bool same_charset(const char *a, const char *b)
{
	const char *icu = charset_icu_name((struct span){ a, strlen(a) });
	_free_ char *kept = icu ? mem_strdup(icu) : NULL;

	icu = charset_icu_name((struct span){ b, strlen(b) });
	return !icu || (kept && strcmp(icu, kept) == 0); /* one that nobody knows changes nothing */
}

static void find_charsets(struct readings *r, const struct entity *e, const struct field *type)
{
	CLEANUP(strv_deinit) struct strv values = { 0 };

	media_values(&values, type->value, "charset");
	for (size_t i = 0; i < values.n && values.n > 1 && r->n < READINGS_MAX; i++) {
		if (values.items[i][0] == '"' || same_charset(e->media.charset, values.items[i]))
			continue;
		strv_add(&r->kept, values.items[i]);
		add(r)->choice.charset = r->kept.items[r->kept.n - 1];
	}
}

/* Before MIME there was none: a program that goes by that shows a body without MIME-Version as it
 * is. */
static bool is_undeclared(const struct entity *e)
{
	if (!e->is_message || header_find(&e->header, "MIME-Version"))
		return false;
	return media_is(&e->media, "multipart/") ||
	       e->media.encoding == GMIME_CONTENT_ENCODING_BASE64 ||
	       e->media.encoding == GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE;
}

void readings_find(struct readings *r, const struct entity *e, struct span body)
{
	const struct field *type = header_find(&e->header, "Content-Type");

	if (e->alternative)
		return; /* one step aside is enough */
	find_fields(r, &e->header, "Content-Type", true);
	find_fields(r, &e->header, "Content-Transfer-Encoding", false);
	if (media_is(&e->media, "multipart/"))
		find_boundaries(r, e, type, body);
	else if (type && media_is(&e->media, "text/"))
		find_charsets(r, e, type);
	r->raw = is_undeclared(e);
}
