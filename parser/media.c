#include "parser/media.h"

#include "mail/parsed.h"
#include "parser/rfc2047.h"
#include "parser/text.h"

#define FIELD_LOOKED_AT 4096 /* of a field that is searched for other readings */

void media_deinit(struct media *m)
{
	free(m->type);
	free(m->boundary);
	free(m->charset);
	free(m->name);
	*m = (struct media){ 0 };
}

bool media_is_message(const struct media *m)
{
	return strcmp(m->type, "message/rfc822") == 0 || strcmp(m->type, "message/global") == 0 ||
		strcmp(m->type, "message/news") == 0 || strcmp(m->type, "message/rfc2822") == 0;
}

static char *clean(const char *s)
{
	return text_clean((struct span){ s ? s : "", s ? strlen(s) : 0 });
}

/* type "/" subtype, both tokens; what else there is does not matter. */
static bool has_type(const char *value)
{
	static const char token_end[] = " \t()<>@,;:\\\"/[]?=";
	size_t type = strcspn(value, token_end);

	return type && value[type] == '/' && strcspn(value + type + 1, token_end);
}

/* RFC 2231 lets a value leave out its charset, which GMime takes for ISO-8859-1. Caller frees. */
static char *name_charset(const char *value)
{
	static const char unnamed[] = "*=''";
	const char *at = strstr(value, unnamed);

	if (!at)
		return mem_strdup(value);
	return mem_printf("%.*s*=utf-8%s", (int)(at - value), value, at + 2);
}

/* The parameters of a type that is none. Caller frees. */
static char *with_type(const char *value, const char *type)
{
	const char *parameters = strchr(value, ';');

	return mem_printf("%s%s", type, parameters ? parameters : "");
}

static char *masked(struct strv *words, const struct field *f)
{
	_free_ char *value = header_unfold(f->value);
	_free_ char *named = name_charset(value);

	return rfc2047_mask(words, named);
}

/* File names are encoded as words all the same, though RFC 2047 forbids it in parameters. */
static char *unmasked(const struct strv *words, const char *value, uint32_t *flags)
{
	return rfc2047_unmask(words, value ? value : "", flags);
}

static void read_type(struct media *m, const struct field *f, const char *standard)
{
	CLEANUP(strv_deinit) struct strv words = { 0 };
	_free_ char *value = f ? masked(&words, f) : NULL;
	_free_ char *mended = value && !has_type(value) ? with_type(value, standard) : NULL;

	if (!value || mended)
		m->type = mem_strdup(standard);
	if (!value)
		return;
	if (mended && *value)
		m->flags |= PARSE_MALFORMED;
	GMimeContentType *type = g_mime_content_type_parse(NULL, mended ? mended : value);
	const char *format = g_mime_content_type_get_parameter(type, "format");
	const char *delsp = g_mime_content_type_get_parameter(type, "delsp");

	if (!m->type)
		m->type = mem_printf("%s/%s", g_mime_content_type_get_media_type(type),
			g_mime_content_type_get_media_subtype(type));
	char *type_clean = str_lower(clean(m->type));

	free(m->type);
	m->type = type_clean;
	m->boundary = mem_strdup(g_mime_content_type_get_parameter(type, "boundary"));
	m->charset = clean(g_mime_content_type_get_parameter(type, "charset"));
	m->name = unmasked(&words, g_mime_content_type_get_parameter(type, "name"), &m->flags);
	m->flowed = format && str_ieq(format, "flowed");
	m->delsp = delsp && str_ieq(delsp, "yes");
	g_object_unref(type);
}

static void read_disposition(struct media *m, const struct field *f)
{
	if (!f)
		return;
	CLEANUP(strv_deinit) struct strv words = { 0 };
	_free_ char *value = masked(&words, f);
	GMimeContentDisposition *d = g_mime_content_disposition_parse(NULL, value);
	const char *name = g_mime_content_disposition_get_parameter(d, "filename");

	m->attachment = g_mime_content_disposition_is_attachment(d);
	if (name && *name) {
		free(m->name);
		m->name = unmasked(&words, name, &m->flags);
	}
	g_object_unref(d);
}

static void read_encoding(struct media *m, const struct field *f)
{
	if (!f)
		return;
	_free_ char *value = header_unfold(f->value);

	value[strcspn(value, " \t;(")] = '\0';
	m->encoding = g_mime_content_encoding_from_string(value);
}

static const struct field *chosen(const struct field *f, const struct header *h, const char *name)
{
	return f ? f : header_find(h, name);
}

void media_read(struct media *m, const struct header *h, const char *standard,
	const struct media_choice *choice)
{
	*m = (struct media){ 0 };
	read_type(m, chosen(choice->content_type, h, "Content-Type"), standard);
	if (!m->charset)
		m->charset = mem_strdup("");
	if (!m->name)
		m->name = mem_strdup("");
	read_disposition(m, header_find(h, "Content-Disposition"));
	read_encoding(m, chosen(choice->encoding, h, "Content-Transfer-Encoding"));
	if (choice->boundary) {
		free(m->boundary);
		m->boundary = mem_strdup(choice->boundary);
	}
	if (choice->charset) {
		free(m->charset);
		m->charset = mem_strdup(choice->charset);
	}
}

/* ---- every value of a parameter ---- */

static void add(struct strv *values, const char *at, size_t n)
{
	struct span s = span_trim((struct span){ at, n });
	_free_ char *value = mem_dup(s.at, s.n);

	if (*value && values->n < 8) /* more readings than that nobody's mail program has */
		strv_add_unique(values, value);
}

/* "a\"b" -> a"b ; also as it stands, for programs that know no backslash. */
static void add_quoted(struct strv *values, const char *at)
{
	_free_ char *plain = mem_alloc(strlen(at) + 1, 1);
	size_t n = 0, raw = 0;

	for (raw = 0; at[raw] && at[raw] != '"'; raw++) {
		if (at[raw] == '\\' && at[raw + 1])
			raw++;
		plain[n++] = at[raw];
	}
	add(values, plain, n);
	add(values, at, strcspn(at, "\""));
	add(values, at, raw);
}

static void add_readings(struct strv *values, const char *at)
{
	size_t whole = strcspn(at, ";");

	while (whole && (at[whole - 1] == ' ' || at[whole - 1] == '\t'))
		whole--;
	if (!whole)
		return;
	if (*at == '"')
		add_quoted(values, at + 1);
	else
		add(values, at, strcspn(at, "; \t"));
	if (*at == '\'' && whole > 2 && at[whole - 1] == '\'')
		add(values, at + 1, whole - 2);
	if (*at != '"' || at[whole - 1] != '"')
		add(values, at, whole);
}

void media_values(struct strv *values, struct span field, const char *parameter)
{
	if (field.n > FIELD_LOOKED_AT)
		field.n = FIELD_LOOKED_AT;
	_free_ char *value = header_unfold(field);
	size_t n = strlen(parameter);

	for (const char *at = strcasestr(value, parameter); at;
		at = strcasestr(at + n, parameter)) {
		const char *equals = at + n;

		if (at == value || !strchr("; \t\"", at[-1]))
			continue;
		equals += strspn(equals, " \t");
		if (*equals != '=')
			continue;
		equals++;
		add_readings(values, equals + strspn(equals, " \t"));
	}
}
