#include "cli/import_envelope.h"

#include "base/str.h"

#include <string.h>

#define HEADER_MAX (256u * 1024)
#define ADDRESS_MAX 320
#define RECIPIENTS_MAX 100

/* The next field of [*at, end), folded lines and all; NULL at the end of the header. */
static const char *next_field(const char **at, const char *end, size_t *n_r)
{
	const char *field = *at, *p = field;

	if (p == end || *p == '\n' || *p == '\r')
		return NULL;
	do {
		const char *newline = memchr(p, '\n', (size_t)(end - p));

		p = newline ? newline + 1 : end;
	} while (p < end && (*p == ' ' || *p == '\t'));
	*n_r = (size_t)(p - field);
	*at = p;
	return field;
}

/* The address of a field's value: what is in <>, else the first word. NULL when there is none that can be used. */
static char *address_of(const char *value, size_t n)
{
	_free_ char *text = mem_dup(value, n);
	char *from = strchr(text, '<'), *to = from ? strchr(from, '>') : NULL;

	if (to) {
		*to = '\0';
		from++;
	} else {
		from = str_trim(text);
		from[strcspn(from, " \t\r\n")] = '\0';
	}
	for (const char *p = from; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return NULL;
	bool good = strlen(from) <= ADDRESS_MAX && str_utf8_valid(from, strlen(from)) && (to || *from);

	return good ? mem_strdup(from) : NULL;
}

static bool named(const char *field, size_t n, const char *name)
{
	return n > strlen(name) && str_istarts(field, name);
}

static bool has_recipient(const struct capture *c, const char *address)
{
	for (size_t i = 0; i < c->recipient_count; i++)
		if (strcmp(c->recipients[i].address, address) == 0)
			return true;
	return false;
}

static void take_recipient(struct capture *c, const char *value, size_t n)
{
	_free_ char *address = address_of(value, n);

	if (address && *address && c->recipient_count < RECIPIENTS_MAX && !has_recipient(c, address))
		capture_add_recipient(c, address, NULL);
}

void import_envelope_read(struct capture *c, const char *sender)
{
	static const char *const to_names[] = { "Delivered-To:", "X-Original-To:" };
	static const char from_name[] = "Return-Path:";
	uint64_t size = message_size(c->message);
	_free_ char *header = mem_dup(message_bytes(c->message), size < HEADER_MAX ? (size_t)size : HEADER_MAX);
	const char *at = header, *end = header + (size < HEADER_MAX ? (size_t)size : HEADER_MAX), *field;
	bool given = c->recipient_count > 0;
	size_t n;

	while ((field = next_field(&at, end, &n))) {
		if (!c->mail_from && named(field, n, from_name))
			c->mail_from = address_of(field + strlen(from_name), n - strlen(from_name));
		for (size_t i = 0; !given && i < ARRAY_LEN(to_names); i++)
			if (named(field, n, to_names[i]))
				take_recipient(c, field + strlen(to_names[i]), n - strlen(to_names[i]));
	}
	if (!c->mail_from)
		c->mail_from = mem_strdup(sender);
}
