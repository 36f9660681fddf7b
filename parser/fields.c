#include "parser/fields.h"

#include "parser/rfc2047.h"

#include <gmime/gmime.h>

#define GROUP_DEPTH_MAX 2000
#define ADDRESS_ENDS " \t\r\n<>()[]\",;:"

static GMimeParserOptions *options;

static const struct {
	const char *name;
	enum participant_role role;
	bool once; /* RFC 5322, 3.6 */
} roles[] = {
	{ "From", ROLE_FROM, true },
	{ "Sender", ROLE_SENDER, true },
	{ "Reply-To", ROLE_REPLY_TO, true },
	{ "To", ROLE_TO, true },
	{ "Cc", ROLE_CC, true },
	{ "Bcc", ROLE_BCC, true },
	{ "Resent-From", ROLE_RESENT_FROM, false },
	{ "Resent-Sender", ROLE_RESENT_FROM, false },
	{ "Resent-To", ROLE_RESENT_TO, false },
	{ "Resent-Cc", ROLE_RESENT_TO, false },
	{ "Resent-Bcc", ROLE_RESENT_TO, false },
};

void fields_init(void)
{
	static const char *charsets[] = { "utf-8", "windows-1252", NULL };

	options = g_mime_parser_options_new();
	g_mime_parser_options_set_fallback_charsets(options, charsets);
}

static char *clean(const char *s)
{
	return text_clean((struct span){ s ? s : "", s ? strlen(s) : 0 });
}

char *fields_decode(struct span value, uint32_t *flags)
{
	_free_ char *plain = header_unfold(value);

	return rfc2047_decode((struct span){ plain, strlen(plain) }, flags);
}

/* ---- addresses ---- */

static char *unmask(const struct strv *words, const char *masked, uint32_t *flags)
{
	return rfc2047_unmask(words, masked ? masked : "", flags);
}

static bool add_list(struct parsed *p, enum participant_role role, InternetAddressList *list,
	const struct strv *words)
{
	int n = internet_address_list_length(list);
	bool any = false;

	for (int i = 0; i < n; i++) {
		InternetAddress *a = internet_address_list_get_address(list, i);

		if (INTERNET_ADDRESS_IS_GROUP(a)) {
			add_list(p, role,
				internet_address_group_get_members(INTERNET_ADDRESS_GROUP(a)),
				words);
			any = true; /* "undisclosed-recipients:;" is a list of nobody, and well
				       formed */
			continue;
		}
		_free_ char *name = unmask(words, internet_address_get_name(a), &p->flags);
		_free_ char *address = unmask(words,
			internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(a)), &p->flags);

		parsed_add_participant(p, role, name, address);
		any = true;
	}
	return any;
}

/* Everything that looks like an address, where the list as a whole can't be read. */
static bool add_scraped(struct parsed *p, enum participant_role role, const char *text)
{
	bool any = false;

	for (const char *at = strchr(text, '@'); at; at = strchr(at + 1, '@')) {
		const char *from = at, *to = at + 1 + strcspn(at + 1, ADDRESS_ENDS "@");

		while (from > text && !strchr(ADDRESS_ENDS "@", from[-1]))
			from--;
		if (from == at || to == at + 1)
			continue;
		_free_ char *address = text_clean(span_between(from, to));

		parsed_add_participant(p, role, "", address);
		any = true;
	}
	return any;
}

/* GMime reads groups within groups by recursion; there is no such thing, so what looks like it is
 * no list. */
static bool is_nested(const char *text)
{
	unsigned depth = 0;

	for (; *text && depth < GROUP_DEPTH_MAX; text++)
		if (*text == ':')
			depth++;
		else if (*text == ';' && depth)
			depth--;
	return depth == GROUP_DEPTH_MAX;
}

bool fields_addresses(struct parsed *p, enum participant_role role, struct span value)
{
	CLEANUP(strv_deinit) struct strv words = { 0 };
	_free_ char *text = header_unfold(value);
	_free_ char *masked = rfc2047_mask(&words, text);

	if (!*text)
		return true;
	InternetAddressList *list =
		is_nested(masked) ? NULL : internet_address_list_parse(options, masked);
	bool good = list && add_list(p, role, list, &words);

	if (list)
		g_object_unref(list);
	if (!good && !add_scraped(p, role, text)) {
		_free_ char *name = fields_decode(value, &p->flags);

		parsed_add_participant(p, role, name, "");
	}
	return good;
}

/* ---- single values ---- */

/* Runs of white space to one blank, in place. */
static char *squeeze(char *s)
{
	char *to = s;

	for (const char *from = s; *from; from++)
		if (!span_is_blank(*from))
			*to++ = *from;
		else if (to > s && to[-1] != ' ')
			*to++ = ' ';
	*to = '\0';
	return s;
}

/* What stands between <>, or all of it where there are none. */
static char *message_id(struct span value)
{
	_free_ char *text = squeeze(header_unfold(value));
	char *from = strchr(text, '<'), *to = from ? strchr(from, '>') : NULL;

	if (from)
		return text_clean(span_trim(span_between(from + 1, to ? to : from + strlen(from))));
	return clean(text);
}

/* ---- references ---- */

/* The first is where the conversation began, the last are what was answered. */
#define REFERENCES_FIRST 20
#define REFERENCES_LAST (PARSED_REFERENCES_MAX - REFERENCES_FIRST - 1)

/* The next <…> of an unfolded value, from *at, which moves behind it; .at is NULL at the end. */
static struct span next_reference(const char **at)
{
	const char *from = strchr(*at, '<'), *to = from ? strchr(from, '>') : NULL;

	if (!to)
		return (struct span){ NULL, 0 };
	*at = to + 1;
	return span_trim(span_between(from + 1, to));
}

static void add_reference(struct parsed *p, struct span id)
{
	_free_ char *text = text_clean(id);

	if (*text)
		strv_add_unique(&p->references, text);
}

/* All but those in the middle of very many. */
static void add_references(struct parsed *p, struct span value)
{
	_free_ char *text = squeeze(header_unfold(value));
	size_t n = 0, i = 0;
	struct span id;

	for (const char *at = text; next_reference(&at).at;)
		n++;
	for (const char *at = text; (id = next_reference(&at)).at; i++)
		if (i < REFERENCES_FIRST || i + REFERENCES_LAST >= n)
			add_reference(p, id);
}

static void read_references(struct parsed *p, const struct header *h)
{
	const struct field *reply = header_find(h, "In-Reply-To"), *references = header_find(h, "References");

	if (reply) { /* the first: who follows a conversation needs no other */
		_free_ char *text = squeeze(header_unfold(reply->value));
		const char *at = text;
		struct span id = next_reference(&at);

		if (id.at)
			add_reference(p, id);
	}
	if (references)
		add_references(p, references->value);
}

/* "-600" is meant as "-0600". Caller frees. */
static char *mend_zone(struct span value)
{
	char *text = header_unfold(value), *zone = strrchr(text, ' ');

	if (!zone || strlen(zone) != 5 || !strchr("+-", zone[1]) ||
		strspn(zone + 2, "0123456789") != 3)
		return text;
	char *mended = mem_printf("%.*s%c0%s", (int)(zone + 1 - text), text, zone[1], zone + 2);

	free(text);
	return mended;
}

static void read_date(struct parsed *p, struct span value)
{
	_free_ char *text = mend_zone(value);
	GDateTime *date = g_mime_utils_header_decode_date(text);

	if (!date)
		return;
	gint64 seconds = g_date_time_to_unix(date);

	g_date_time_unref(date);
	if (seconds < INT64_C(-62135596800) || seconds > INT64_C(253402300799))
		return;
	p->has_date = true;
	p->date_us = seconds * 1000000;
}

static void add_line(struct text *text, const char *name, struct span value, uint32_t *flags)
{
	_free_ char *decoded = fields_decode(value, flags);

	text_break(text);
	text_add(text, (struct span){ name, strlen(name) });
	text_add(text, (struct span){ decoded, strlen(decoded) });
	text_break(text);
}

/* The others of a field that should stand once. */
static void add_repeated(
	struct parsed *p, struct text *text, const struct header *h, const struct field *first)
{
	_free_ char *name = mem_dup(first->name.at, first->name.n);

	for (const struct field *f = header_next(h, first, name); f; f = header_next(h, f, name)) {
		if (span_same(span_trim(f->value), span_trim(first->value)))
			continue;
		p->flags |= PARSE_AMBIGUOUS;
		add_line(text, "", f->value, &p->flags);
	}
}

static void read_values(struct parsed *p, struct text *text, const struct header *h)
{
	const struct field *subject = header_find(h, "Subject"), *id = header_find(h, "Message-ID");
	const struct field *date = header_find(h, "Date");

	if (subject) {
		free(p->subject);
		p->subject = fields_decode(subject->value, &p->flags);
		add_repeated(p, text, h, subject);
	}
	if (id) {
		free(p->message_id);
		p->message_id = message_id(id->value);
		add_repeated(p, text, h, id);
	}
	read_references(p, h);
	for (; date && !p->has_date; date = header_next(h, date, "Date"))
		read_date(p, date->value);
	if (!p->has_date)
		p->flags |= PARSE_NO_DATE;
}

static void read_participants(struct parsed *p, const struct header *h)
{
	for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
		const struct field *first = header_find(h, roles[i].name);

		for (const struct field *f = first; f; f = header_next(h, f, roles[i].name)) {
			bool same = f != first &&
				    span_same(span_trim(f->value), span_trim(first->value));

			if (f != first && roles[i].once && !same)
				p->flags |= PARSE_AMBIGUOUS;
			if (!same && !fields_addresses(p, roles[i].role, f->value))
				p->flags |= PARSE_MALFORMED;
		}
	}
}

void fields_text(struct text *text, const struct header *h, uint32_t *flags)
{
	static const char *const shown[] = { "Subject", "From", "To", "Cc" };

	for (size_t i = 0; i < ARRAY_LEN(shown); i++)
		for (const struct field *f = header_find(h, shown[i]); f;
			f = header_next(h, f, shown[i])) {
			_free_ char *name = mem_printf("%s: ", shown[i]);

			add_line(text, name, f->value, flags);
		}
}

void fields_read(struct parsed *p, struct text *text, const struct header *h, bool with_values)
{
	if (with_values)
		read_values(p, text, h);
	else
		fields_text(text, h, &p->flags);
	read_participants(p, h);
	for (size_t i = 0; i < h->n; i++)
		if (!h->fields[i].name.n)
			add_line(text, "", h->fields[i].value,
				&p->flags); /* stands in the header but is no field: somebody may
					       see it */
}
