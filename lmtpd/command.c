#include "lmtpd/command.h"

#include "base/str.h"
#include "lmtpd/parameter.h"

#include <string.h>
#include <strings.h>

static char *skip_blanks(char *at)
{
	return at + strspn(at, " ");
}

/* An address between angle brackets at *at, which then stands behind it. A view that ends with a
 * NUL, or NULL. Quoted strings may hold anything, angle brackets too; a source route ("@a,@b:") is
 * cut off, as RFC 5321 asks. */
static const char *take_path(char **at)
{
	char *start = *at + 1, *p = start;
	bool quoted = false;

	if (**at != '<')
		return NULL;
	for (; *p && (quoted || *p != '>'); p++) {
		if (*p == '\\' && p[1])
			p++;
		else if (*p == '"')
			quoted = !quoted;
		else if (!quoted && (*p == ' ' || *p == '<'))
			return NULL;
		else if (!quoted && *p == ':' && *start == '@')
			start = p + 1;
	}
	if (*p != '>' || *start == '@')
		return NULL;
	*p = '\0';
	*at = p + 1;
	return start;
}

/* "FROM:<address> parameters" */
static enum reply parse_path(struct command *c, char *at, const char *keyword, enum reply wrong)
{
	if (!str_istarts(at, keyword))
		return wrong;
	at = skip_blanks(at + strlen(keyword));
	const char *address = take_path(&at);

	if (!address || (*at != '\0' && *at != ' '))
		return wrong;
	c->address = address;
	c->args = skip_blanks(at);
	return parameters_parse(c);
}

static enum reply parse_mail(struct command *c, char *at)
{
	return parse_path(c, at, "FROM:", REPLY_BAD_SENDER);
}

static enum reply parse_rcpt(struct command *c, char *at)
{
	enum reply wrong = parse_path(c, at, "TO:", REPLY_BAD_RECIPIENT);

	return !wrong && !c->address[0] ? REPLY_BAD_RECIPIENT : wrong;
}

/* "1000" or "1000 LAST" */
static enum reply parse_bdat(struct command *c, char *at)
{
	char *rest = at + strcspn(at, " ");

	if (*rest)
		*rest++ = '\0';
	rest = skip_blanks(rest);
	c->last = str_ieq(rest, "LAST");
	if (str_parse_u64(&c->size, at, INT64_MAX) || (*rest && !c->last))
		return REPLY_BAD_CHUNK;
	return REPLY_NONE;
}

static enum reply parse_text(struct command *c, char *at)
{
	c->text = at;
	return *at ? REPLY_NONE : REPLY_ARGUMENT_MISSING;
}

static enum reply parse_nothing(struct command *c, char *at)
{
	(void)c;
	return *at ? REPLY_ARGUMENT_UNEXPECTED : REPLY_NONE;
}

static enum reply parse_anything(struct command *c, char *at)
{
	c->text = at;
	return REPLY_NONE;
}

static enum reply refuse_smtp(struct command *c, char *at)
{
	(void)c;
	(void)at;
	return REPLY_USE_LHLO;
}

static enum reply refuse(struct command *c, char *at)
{
	(void)c;
	(void)at;
	return REPLY_NOT_IMPLEMENTED;
}

static const struct {
	const char *name;
	enum verb verb;
	enum reply (*parse)(struct command *c, char *at);
} verbs[] = {
	{ "LHLO", VERB_LHLO, parse_text },
	{ "MAIL", VERB_MAIL, parse_mail },
	{ "RCPT", VERB_RCPT, parse_rcpt },
	{ "DATA", VERB_DATA, parse_nothing },
	{ "BDAT", VERB_BDAT, parse_bdat },
	{ "RSET", VERB_RSET, parse_nothing },
	{ "NOOP", VERB_NOOP, parse_anything },
	{ "VRFY", VERB_VRFY, parse_text },
	{ "QUIT", VERB_QUIT, parse_nothing },
	{ "STARTTLS", VERB_STARTTLS, parse_nothing },
	{ "HELO", VERB_NONE, refuse_smtp },
	{ "EHLO", VERB_NONE, refuse_smtp },
	{ "EXPN", VERB_NONE, refuse },
	{ "HELP", VERB_NONE, refuse },
	{ "ETRN", VERB_NONE, refuse },
	{ "AUTH", VERB_NONE, refuse },
};

static bool is_text(const char *line, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			return false;
	return true;
}

/* Cuts the line in two; the place in verbs[], or its length for an unknown one. */
static size_t take_verb(char *line, char **rest_r)
{
	size_t length = strcspn(line, " "), i = 0;

	*rest_r = skip_blanks(line + length);
	while (i < ARRAY_LEN(verbs) &&
		(length != strlen(verbs[i].name) || strncasecmp(line, verbs[i].name, length) != 0))
		i++;
	return i;
}

enum reply command_parse(struct command *c, char *line, size_t n)
{
	bool text = is_text(line, n);
	char *rest;

	*c = (struct command){ .text = "", .address = "", .args = "" };
	while (n && line[n - 1] == ' ')
		line[--n] = '\0';
	size_t i = take_verb(line, &rest);

	if (i < ARRAY_LEN(verbs))
		c->verb = verbs[i].verb;
	if (!text)
		return REPLY_BAD_LINE;
	return i < ARRAY_LEN(verbs) ? verbs[i].parse(c, rest) : REPLY_UNKNOWN_COMMAND;
}
