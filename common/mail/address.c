#include "mail/address.h"

#include "base/str.h"

#include <pthread.h>
#include <string.h>
#include <unicode/uidna.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

static const UNormalizer2 *nfc;
static const UIDNA *idna;

/* Both are immutable and safe in any thread. Without ICU's data nothing could be compared. */
static void load(void)
{
	UErrorCode status = U_ZERO_ERROR;

	nfc = unorm2_getNFCInstance(&status);
	idna = uidna_openUTS46(
		UIDNA_NONTRANSITIONAL_TO_ASCII | UIDNA_NONTRANSITIONAL_TO_UNICODE, &status);
	if (U_FAILURE(status))
		abort();
}

static void ready(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, load);
}

static bool is_ascii(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

/* Malformed UTF-8 becomes U+FFFD. Folding makes at most 3 units of one, and NFC of that at most as
 * many again. */
static char *fold(const char *text)
{
	size_t n = strlen(text), room = 9 * n + 1;
	UErrorCode status = U_ZERO_ERROR;
	_free_ UChar *a = MEM_ARRAY(UChar, room);
	_free_ UChar *b = MEM_ARRAY(UChar, room);
	_free_ char *out = mem_alloc(3 * room, 1);
	int32_t size = (int32_t)room, length = 0;

	ready();
	u_strFromUTF8WithSub(a, size, &length, text, (int32_t)n, 0xfffd, NULL, &status);
	length = unorm2_normalize(nfc, a, length, b, size, &status);
	length = u_strFoldCase(a, size, b, length, U_FOLD_CASE_DEFAULT, &status);
	length = unorm2_normalize(nfc, a, length, b, size, &status);
	u_strToUTF8(out, 3 * size, NULL, b, length, &status);
	if (U_FAILURE(status)) /* over 700 MiB */
		return mem_strdup("");
	char *folded = out;

	out = NULL;
	return folded;
}

static char *normalize_domain(const char *domain)
{
	UErrorCode status = U_ZERO_ERROR;
	UIDNAInfo info = UIDNA_INFO_INITIALIZER;
	char ascii[256]; /* RFC 1035: no domain is longer */

	if (is_ascii(domain))
		return str_lower(mem_strdup(domain));
	ready();
	int32_t n = uidna_nameToASCII_UTF8(idna, domain, -1, ascii, sizeof(ascii), &info, &status);

	if (U_FAILURE(status) || info.errors || n <= 0 || n >= (int32_t)sizeof(ascii))
		return fold(domain);
	ascii[n] = '\0';
	return str_lower(mem_strdup(ascii));
}

/* "a.b"@c is the mailbox a.b@c (RFC 5321, 4.1.2): the quotes go where nothing inside needs them. */
static void unquote(char *local)
{
	static const char specials[] = " \t\r\n\"(),:;<>@[\\]";
	size_t n = strlen(local);

	if (n < 3 || local[0] != '"' || local[n - 1] != '"')
		return;
	local[n - 1] = '\0';
	if (strpbrk(local + 1, specials) || local[1] == '.' || local[n - 2] == '.' ||
		strstr(local, ".."))
		local[n - 1] = '"';
	else
		memmove(local, local + 1, n - 1);
}

/* The addr-spec inside: no blanks around it, no <>, no source route, no dot behind the domain. */
static char *bare(char *s)
{
	s = str_trim(s);
	size_t n = strlen(s);

	if (n >= 2 && s[0] == '<' && s[n - 1] == '>') {
		s[n - 1] = '\0';
		s = str_trim(s + 1);
	}
	if (s[0] == '@' && strchr(s, ':'))
		s = strchr(s, ':') + 1;
	n = strlen(s);
	if (n && s[n - 1] == '.')
		s[n - 1] = '\0';
	return s;
}

char *address_normalize(const char *raw)
{
	_free_ char *copy = mem_strdup(raw);
	char *local = bare(copy), *at = strrchr(local, '@');

	if (!at)
		return is_ascii(local) ? mem_strdup(str_lower(local)) : fold(local);
	*at = '\0';
	_free_ char *domain = normalize_domain(at + 1);

	unquote(local);
	if (is_ascii(local))
		return mem_printf("%s@%s", str_lower(local), domain);
	_free_ char *folded = fold(local);

	return mem_printf("%s@%s", folded, domain);
}
