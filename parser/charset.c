#include "parser/charset.h"

#include <stdio.h>
#include <unicode/ucnv_cb.h>
#include <unicode/ucsdet.h>

#define KEPT 16		   /* converters kept open */
#define NAME_MAX_LENGTH 60 /* longer charset names are none */
#define DETECT_BYTES 8192  /* how much of a text is looked at to guess its charset */
#define DETECT_HIGH 6	   /* bytes over 0x7f that a guess needs */
#define DETECT_MIN 40 /* confidence, of 100, below which a guess is no better than windows-1252 */

/* What mail says, lower-case, and what ICU shall decode it with. "" = it says nothing. */
static const struct alias {
	const char *mail, *icu;
} aliases[] = {
	{ "ansi_x3.110-1983", "windows-1252" },
	{ "ansi_x3.4-1968", "UTF-8" },
	{ "ascii", "UTF-8" },
	{ "big5", "windows-950" },
	{ "chinese", "gb18030" },
	{ "cn-big5", "windows-950" },
	{ "cn-gb", "gb18030" },
	{ "cp20127", "UTF-8" },
	{ "cp50220", "ISO-2022-JP" },
	{ "cp50221", "ISO-2022-JP" },
	{ "cp50222", "ISO-2022-JP" },
	{ "cp51932", "EUC-JP" },
	{ "cp65000", "UTF-7" },
	{ "cp65001", "UTF-8" },
	{ "cp932", "windows-31j" },
	{ "cp936", "gb18030" },
	{ "cp949", "windows-949" },
	{ "cp950", "windows-950" },
	{ "cs_iso2022jp", "ISO-2022-JP" },
	{ "default", "" },
	{ "default_charset", "" },
	{ "euc-cn", "gb18030" },
	{ "euc-kr", "windows-949" },
	{ "euc_kr", "windows-949" },
	{ "eucjp", "EUC-JP" },
	{ "gb2312", "gb18030" },
	{ "gb_2312-80", "gb18030" },
	{ "gbk", "gb18030" },
	{ "iso-10646-ucs-2", "UTF-16BE" },
	{ "iso-2022-jp-ms", "ISO-2022-JP" },
	{ "iso-8859-1", "windows-1252" },
	{ "iso-8859-11", "windows-874" },
	{ "iso-8859-6-e", "ISO-8859-6" },
	{ "iso-8859-6-i", "ISO-8859-6" },
	{ "iso-8859-8-e", "ISO-8859-8" },
	{ "iso-8859-8-i", "ISO-8859-8" },
	{ "iso-8859-9", "windows-1254" },
	{ "iso8859-1", "windows-1252" },
	{ "iso8859_1", "windows-1252" },
	{ "iso_8859-1", "windows-1252" },
	{ "korean", "windows-949" },
	{ "ks_c_5601", "windows-949" },
	{ "ks_c_5601-1987", "windows-949" },
	{ "ks_c_5601-1989", "windows-949" },
	{ "ksc5601", "windows-949" },
	{ "ksc_5601", "windows-949" },
	{ "latin1", "windows-1252" },
	{ "mac", "macintosh" },
	{ "ms_kanji", "windows-31j" },
	{ "none", "" },
	{ "shift-jis", "windows-31j" },
	{ "shift_jis", "windows-31j" },
	{ "sjis", "windows-31j" },
	{ "tis-620", "windows-874" },
	{ "unicode-1-1-utf-7", "UTF-7" },
	{ "unicode-1-1-utf-8", "UTF-8" },
	{ "unknown", "" },
	{ "unknown-8bit", "" },
	{ "us-ascii", "UTF-8" },
	{ "utf", "UTF-8" },
	{ "utf-8", "UTF-8" },
	{ "utf8", "UTF-8" },
	{ "utf_8", "UTF-8" },
	{ "windows-31j", "windows-31j" },
	{ "windows-932", "windows-31j" },
	{ "windows-936", "gb18030" },
	{ "windows-949", "windows-949" },
	{ "x-big5", "windows-950" },
	{ "x-euc-jp", "EUC-JP" },
	{ "x-euc-kr", "windows-949" },
	{ "x-gbk", "gb18030" },
	{ "x-mac-cyrillic", "x-mac-cyrillic" },
	{ "x-mac-roman", "macintosh" },
	{ "x-sjis", "windows-31j" },
	{ "x-unicode-2-0-utf-7", "UTF-7" },
	{ "x-unknown", "" },
	{ "x-user-defined", "windows-1252" },
};

/* A converter that is kept open. */
struct kept {
	char name[NAME_MAX_LENGTH + 1];
	UConverter *converter;
	bool extends_ascii; /* ASCII is itself in it, whatever stands beside it */
};

static struct kept kept[KEPT];
static size_t kept_next;

static int compare(const void *key, const void *item)
{
	return strcmp(key, ((const struct alias *)item)->mail);
}

/* "cp-850", "cp1252", "win-1251", "windows1250": code pages by number, in the spellings that ICU
 * knows. */
static bool code_page(char *name)
{
	static const char *const prefixes[] = { "windows-", "windows", "win-", "win", "cp-", "cp",
		"ibm-", "ibm", "x-cp", "x-windows-" };

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		size_t n = strlen(prefixes[i]);
		unsigned long number;
		char *end;

		if (strncmp(name, prefixes[i], n) != 0 || name[n] < '0' || name[n] > '9')
			continue;
		number = strtoul(name + n, &end, 10);
		if (*end || number > 99999)
			return false;
		snprintf(name, NAME_MAX_LENGTH,
			(number >= 1250 && number <= 1258) || number == 874 ? "windows-%lu"
									    : "cp%lu",
			number);
		return true;
	}
	return false;
}

const char *charset_icu_name(struct span charset)
{
	static char name[NAME_MAX_LENGTH + 1];
	const struct alias *a;

	charset = span_trim(charset);
	while (charset.n && strchr("\"'=;", charset.at[0]))
		charset = (struct span){ charset.at + 1, charset.n - 1 };
	while (charset.n && strchr("\"';,", charset.at[charset.n - 1]))
		charset.n--;
	if (!charset.n || charset.n > NAME_MAX_LENGTH)
		return NULL;
	memcpy(name, charset.at, charset.n);
	name[charset.n] = '\0';
	str_lower(name);
	a = bsearch(name, aliases, ARRAY_LEN(aliases), sizeof(aliases[0]), compare);
	if (!a && code_page(name))
		a = bsearch(name, aliases, ARRAY_LEN(aliases), sizeof(aliases[0]), compare);
	if (a)
		return *a->icu ? a->icu : NULL;
	return charset_converter(name) ? name : NULL;
}

/* Asked of ICU, once for each converter: a table of names would be a guess. Charsets with escapes (UTF-7, ISO-2022, HZ)
 * stumble over their own in this row. */
static bool extends_ascii(UConverter *converter)
{
	UErrorCode status = U_ZERO_ERROR;
	char ascii[0x7f];
	UChar out[2 * sizeof(ascii)];

	for (size_t i = 0; i < sizeof(ascii); i++)
		ascii[i] = (char)(i + 1);
	int32_t n = ucnv_toUChars(converter, out, ARRAY_LEN(out), ascii, sizeof(ascii), &status);

	if (U_FAILURE(status) || n != sizeof(ascii))
		return false;
	for (size_t i = 0; i < sizeof(ascii); i++)
		if (out[i] != ascii[i])
			return false;
	return true;
}

/* By ICU name, reset; NULL when ICU has none. */
static const struct kept *keep(const char *icu_name)
{
	UErrorCode status = U_ZERO_ERROR;

	for (size_t i = 0; i < KEPT; i++)
		if (kept[i].converter && strcmp(kept[i].name, icu_name) == 0) {
			ucnv_reset(kept[i].converter);
			return &kept[i];
		}
	UConverter *converter = ucnv_open(icu_name, &status);

	if (U_FAILURE(status) || !converter)
		return NULL;
	struct kept *k = &kept[kept_next++ % KEPT];

	if (k->converter)
		ucnv_close(k->converter);
	snprintf(k->name, sizeof(k->name), "%s", icu_name);
	k->converter = converter;
	k->extends_ascii = extends_ascii(converter);
	return k;
}

UConverter *charset_converter(const char *icu_name)
{
	const struct kept *k = keep(icu_name);

	return k ? k->converter : NULL;
}

/* ICU calls this for bytes that are not in the charset: they become U+FFFD, and are counted. */
static void count_fault(const void *faults, UConverterToUnicodeArgs *args, const char *bytes,
	int32_t n, UConverterCallbackReason reason, UErrorCode *status)
{
	static const UChar replacement = 0xfffd;

	(void)bytes;
	(void)n;
	if (reason > UCNV_IRREGULAR)
		return; /* reset, close or clone */
	if (reason == UCNV_IRREGULAR) {
		/* escape sequences with nothing between them, as joined encoded words have */
		*status = U_ZERO_ERROR;
		return;
	}
	++*(size_t *)(uintptr_t)faults;
	*status = U_ZERO_ERROR;
	ucnv_cbToUWriteUChars(args, &replacement, 1, 0, status);
}

/* Not one of those that are kept: asking for it must not close the one that is in use. */
static UConverter *utf8_converter(void)
{
	static UConverter *converter;
	UErrorCode status = U_ZERO_ERROR;

	if (!converter)
		converter = ucnv_open("UTF-8", &status);
	if (U_FAILURE(status))
		abort(); /* ICU has lost its data */
	ucnv_reset(converter);
	return converter;
}

/* Bytes at the end that begin a character and aren't all of it. */
static size_t unfinished(const char *at, size_t n)
{
	for (size_t had = 1; had < 4 && had <= n; had++) {
		unsigned char c = (unsigned char)at[n - had];

		if ((c & 0xc0) != 0x80)
			return had < 1u + (c >= 0xc0) + (c >= 0xe0) + (c >= 0xf0) ? had : 0;
	}
	return 0;
}

/* Converts piece by piece; the number of places that were not in the charset. ICU fills a piece to
 * its last byte: a character that is cut there goes in front of the next. */
static size_t convert(struct text *out, UConverter *from, struct span bytes)
{
	UErrorCode status = U_ZERO_ERROR;
	UConverter *to = utf8_converter();
	const char *source = bytes.at;
	UChar pivot[1024], *pivot_source = pivot, *pivot_target = pivot;
	UBool first = true;
	size_t faults = 0, begun = 0;
	char piece[4096];

	ucnv_setToUCallBack(from, count_fault, &faults, NULL, NULL, &status);
	do {
		char *target = piece + begun;

		status = U_ZERO_ERROR;
		ucnv_convertEx(to, from, &target, piece + sizeof(piece), &source, span_end(bytes),
			pivot, &pivot_source, &pivot_target, pivot + ARRAY_LEN(pivot), first, true,
			&status);
		begun = status == U_BUFFER_OVERFLOW_ERROR
			? unfinished(piece, (size_t)(target - piece))
			: 0;
		text_add(out, span_between(piece, target - begun));
		memmove(piece, target - begun, begun);
		first = false;
	} while (status == U_BUFFER_OVERFLOW_ERROR && !out->truncated);
	return faults + (U_FAILURE(status) && status != U_BUFFER_OVERFLOW_ERROR);
}

static bool is_plain(struct span bytes)
{
	return str_ascii_run(bytes.at, bytes.n) == bytes.n && !memchr(bytes.at, '\033', bytes.n);
}

bool charset_looks_utf8(struct span bytes)
{
	return !is_plain(bytes) && str_utf8_valid(bytes.at, bytes.n);
}

/* Escape sequences of ISO-2022-JP, which is sent without being named. */
static bool looks_japanese(struct span bytes)
{
	return memmem(bytes.at, bytes.n, "\033$B", 3) || memmem(bytes.at, bytes.n, "\033$@", 3);
}

static size_t high_bytes(struct span bytes)
{
	size_t n = 0;

	for (size_t i = 0; i < bytes.n && i < DETECT_BYTES; i++)
		n += (unsigned char)bytes.at[i] >= 0x80;
	return n;
}

static const char *detect(struct span bytes)
{
	UErrorCode status = U_ZERO_ERROR;
	static UCharsetDetector *detector;

	if (!detector)
		detector = ucsdet_open(&status);
	if (U_FAILURE(status) || high_bytes(bytes) < DETECT_HIGH)
		return "windows-1252";
	ucsdet_setText(detector, bytes.at, bytes.n > DETECT_BYTES ? DETECT_BYTES : (int32_t)bytes.n,
		&status);
	const UCharsetMatch *match = ucsdet_detect(detector, &status);

	if (U_FAILURE(status) || !match || ucsdet_getConfidence(match, &status) < DETECT_MIN)
		return "windows-1252";
	const char *name = ucsdet_getName(match, &status);

	return U_FAILURE(status) ? "windows-1252" : name;
}

bool charset_is_utf8(struct span charset, struct span bytes)
{
	const char *name = charset.n ? charset_icu_name(charset) : "UTF-8";

	return name && strcmp(name, "UTF-8") == 0 && str_utf8_valid(bytes.at, bytes.n) &&
	       !memchr(bytes.at, '\0', bytes.n) && !memchr(bytes.at, '\033', bytes.n);
}

/* Text that names no charset, or one that it isn't in. */
static bool add_guessed(struct text *out, struct span bytes)
{
	bool escapes = memchr(bytes.at, '\033', bytes.n) && looks_japanese(bytes);

	if (!escapes && str_utf8_valid(bytes.at, bytes.n)) {
		text_add(out, bytes);
		return true;
	}
	const char *name = escapes ? "ISO-2022-JP" : detect(bytes);
	const char *icu = charset_icu_name((struct span){ name, strlen(name) });
	UConverter *from = icu ? charset_converter(icu) : NULL;

	if (!from)
		from = charset_converter("windows-1252");
	if (from)
		convert(out, from, bytes);
	return false;
}

static bool is_wide(const char *name)
{
	return strncasecmp(name, "UTF-16", 6) == 0 || strcmp(name, "unicode") == 0 ||
	       strcmp(name, "ucs-2") == 0;
}

/* What text is that says it is UTF-16. Without a byte order mark that is big-endian (RFC 2781), but
 * many programs mean little-endian: it shows by where the zeros of Latin letters and blanks are.
 * Text without any zero may well be plain. */
static const char *which_wide(const char *name, struct span bytes)
{
	size_t zeros[2] = { 0, 0 };

	for (size_t i = 0; i < bytes.n; i++)
		zeros[i & 1] += !bytes.at[i];
	if (!zeros[0] && !zeros[1] && str_utf8_valid(bytes.at, bytes.n))
		return "UTF-8";
	bool marked = bytes.n >= 2 && (memcmp(bytes.at, "\xff\xfe", 2) == 0 ||
					      memcmp(bytes.at, "\xfe\xff", 2) == 0);

	return zeros[1] > zeros[0] && !marked ? "UTF-16LE" : name;
}

bool charset_add(struct text *out, struct span charset, struct span bytes)
{
	const char *name = charset.n ? charset_icu_name(charset) : NULL;
	bool mistaken = false;

	if (!name)
		return add_guessed(out, bytes) && !charset.n;
	if (is_wide(name)) {
		name = which_wide(name, bytes);
		mistaken = strcmp(name, "UTF-8") == 0;
	}
	if (strcmp(name, "UTF-8") == 0)
		return add_guessed(out, bytes) && !mistaken;
	const struct kept *from = keep(name);

	if (from && from->extends_ascii && is_plain(bytes)) {
		text_add(out, bytes);
		return true;
	}
	return from && convert(out, from->converter, bytes) == 0;
}

void charset_warm(void)
{
	static const char *const common[] = { "UTF-8", "windows-1252", "ISO-8859-2", "ISO-8859-15",
		"windows-1251", "KOI8-R", "gb18030", "windows-950", "ISO-2022-JP", "windows-31j",
		"EUC-JP", "windows-949", "UTF-16" };
	static const char sample[] = "na\xefve caf\xe9, d\xe9j\xe0 vu";

	for (size_t i = 0; i < ARRAY_LEN(common); i++)
		charset_converter(common[i]);
	detect((struct span){ sample, sizeof(sample) - 1 });
}
