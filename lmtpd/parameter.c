#include "lmtpd/parameter.h"

#include "base/str.h"

#include <string.h>
#include <strings.h>

/* Text that need not end with a NUL. */
struct view {
	const char *at;
	size_t n;
};

static bool is(struct view v, const char *word)
{
	return v.n == strlen(word) && strncasecmp(v.at, word, v.n) == 0;
}

/* Up to 20 digits (RFC 1870). A size beyond 64 bits is a size that is too large, and no error of
 * syntax. */
static bool take_size(struct command *c, struct view value)
{
	char digits[21];

	if (value.n == 0 || value.n > 20)
		return false;
	memcpy(digits, value.at, value.n);
	digits[value.n] = '\0';
	if (strspn(digits, "0123456789") != value.n)
		return false;
	if (str_parse_u64(&c->size, digits, UINT64_MAX))
		c->size = UINT64_MAX;
	return true;
}

static bool take_body(struct command *c, struct view value)
{
	if (is(value, "7BIT"))
		c->body = BODY_7BIT;
	else if (is(value, "8BITMIME"))
		c->body = BODY_8BITMIME;
	else if (is(value, "BINARYMIME"))
		c->body = BODY_BINARYMIME;
	return c->body != BODY_UNSAID;
}

static bool take_utf8(struct command *c, struct view value)
{
	c->utf8 = true;
	return value.at == NULL;
}

/* Recorded with the rest of the arguments; what it says binds the sender's side only. */
static bool take_noted(struct command *c, struct view value)
{
	(void)c;
	return value.n > 0;
}

/* DSN and AUTH are not announced; a client that sends their parameters all the same tells something
 * worth keeping. */
static const struct {
	enum verb verb;
	const char *name;
	bool (*take)(struct command *c, struct view value);
} parameters[] = {
	{ VERB_MAIL, "SIZE", take_size },
	{ VERB_MAIL, "BODY", take_body },
	{ VERB_MAIL, "SMTPUTF8", take_utf8 },
	{ VERB_MAIL, "AUTH", take_noted },
	{ VERB_MAIL, "RET", take_noted },
	{ VERB_MAIL, "ENVID", take_noted },
	{ VERB_RCPT, "NOTIFY", take_noted },
	{ VERB_RCPT, "ORCPT", take_noted },
};

static enum reply take(struct command *c, struct view word, unsigned int *seen)
{
	const char *equals = memchr(word.at, '=', word.n);
	struct view name = { word.at, equals ? (size_t)(equals - word.at) : word.n };
	struct view value = { equals ? equals + 1 : NULL, equals ? word.n - name.n - 1 : 0 };

	for (unsigned int i = 0; i < ARRAY_LEN(parameters); i++) {
		if (parameters[i].verb != c->verb || !is(name, parameters[i].name))
			continue;
		if ((*seen & 1u << i) || !parameters[i].take(c, value))
			return REPLY_BAD_PARAMETER;
		*seen |= 1u << i;
		return REPLY_NONE;
	}
	return REPLY_UNKNOWN_PARAMETER;
}

enum reply parameters_parse(struct command *c)
{
	unsigned int seen = 0;

	for (const char *at = c->args; *(at += strspn(at, " "));) {
		struct view word = { at, strcspn(at, " ") };
		enum reply wrong = take(c, word, &seen);

		if (wrong)
			return wrong;
		at += word.n;
	}
	return REPLY_NONE;
}
