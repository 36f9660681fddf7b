#include "sys/password_rules.h"

#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PRODUCT "strongroom"
#define NAME_MIN 3 /* characters: a shorter user name is in any word */

static const char denied[] =
#include "etc/password-deny.inc"
	;

static size_t characters(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/* Bytes in the place of characters: more of them never refuses what has enough characters. */
static size_t distinct(const char *text)
{
	bool seen[256] = { false };
	size_t n = 0;

	for (; *text; text++) {
		n += !seen[(unsigned char)*text];
		seen[(unsigned char)*text] = true;
	}
	return n;
}

/* ---- lists ---- */

/* Is there a line that is just this? Lines that begin with # and empty ones are none. */
static bool has_line(const char *list, const char *line)
{
	size_t n = strlen(line);

	for (; *list; list += strcspn(list, "\n"), list += *list == '\n')
		if (strcspn(list, "\n") == n && strncmp(list, line, n) == 0)
			return true;
	return false;
}

static int has_line_in_file(const char *path, const char *wanted, struct err *e)
{
	FILE *in = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;
	int found = 0;

	if (!in)
		return err_temporary(e, "fopen(%s) failed: the passwords that are not taken can't be read", path);
	while (!found && getline(&line, &room, in) > 0)
		found = *line != '#' && strcmp(str_lower(str_trim(line)), wanted) == 0;
	if (ferror(in))
		found = err_errno(e, "read", path);
	free(line);
	fclose(in);
	return found;
}

/* 1, 0, -1. */
static int is_denied(const struct password_rules *r, const char *folded, struct err *e)
{
	if (*folded != '#' && has_line(denied, folded))
		return 1;
	return *r->deny_file ? has_line_in_file(r->deny_file, folded, e) : 0;
}

/* ---- names ---- */

static void take_out(char *text, const char *word)
{
	size_t n = strlen(word);

	for (char *at = strstr(text, word); at; at = strstr(at, word))
		memmove(at, at + n, strlen(at + n) + 1);
}

/* How much there is besides names that everybody knows. */
static size_t rest_of(const char *folded, const char *username)
{
	_free_ char *rest = mem_strdup(folded), *name = str_lower(mem_strdup(username));

	take_out(rest, PRODUCT);
	if (characters(name) >= NAME_MIN)
		take_out(rest, name);
	size_t n = characters(rest);

	explicit_bzero(rest, strlen(rest));
	return n;
}

int password_check(const struct password_rules *r, const char *username, const char *password, struct err *e)
{
	size_t n = strlen(password);

	if (!str_utf8_valid(password, n))
		return err_permanent(e, "it is not valid UTF-8");
	if (n > PASSWORD_BYTES_MAX)
		return err_permanent(e, "it has more than %d bytes", PASSWORD_BYTES_MAX);
	if (characters(password) < r->length_min)
		return err_permanent(e, "it has fewer than %" PRIu64 " characters", r->length_min);
	if (distinct(password) < PASSWORD_DISTINCT_MIN)
		return err_permanent(e, "it has fewer than %d different characters", PASSWORD_DISTINCT_MIN);
	_free_ char *folded = str_lower(mem_strdup(password));
	int known = is_denied(r, folded, e);
	size_t rest = rest_of(folded, username);

	explicit_bzero(folded, n);
	if (known < 0)
		return -1;
	if (known)
		return err_permanent(e, "it is one of the passwords that are tried first");
	if (rest < PASSWORD_REST_MIN)
		return err_permanent(e, "besides the name of the user or of Strongroom it has fewer than %d characters", PASSWORD_REST_MIN);
	return 0;
}
