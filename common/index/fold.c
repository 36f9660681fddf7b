#include "index/fold.h"

#include "index/utf8.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include <pthread.h>
#include <string.h>

#define CLUSTER_MAX 16 /* characters folded together; what a longer pile of marks would add is folded apart */
#define UNITS_MAX (CLUSTER_MAX * 24)

/* Folded forms of single characters, for speed: 0x80 .. TABLE_END. Below FUSE_END nothing fuses with what follows except
 * marks that are dropped anyway. */
#define TABLE_END 0x1200
#define FUSE_END 0x600

struct folded {
	uint8_t len;
	char text[11];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const UNormalizer2 *nfkc_fold, *nfd, *nfc;
static struct folded table[TABLE_END];

/* Letters that Unicode does not decompose, but that people type without their stroke. */
static const char *plain_letters(UChar c)
{
	switch (c) {
	case 0x00f8:
		return "o";
	case 0x0142:
		return "l";
	case 0x0111:
	case 0x00f0:
		return "d";
	case 0x00e6:
		return "ae";
	case 0x0153:
		return "oe";
	case 0x00fe:
		return "th";
	case 0x0127:
		return "h";
	case 0x0131:
		return "i";
	default:
		return NULL;
	}
}

/* Drops combining diacritics and writes out the plain letters; returns the new length. out has room for twice n. */
static int32_t strip(UChar *out, const UChar *in, int32_t n)
{
	int32_t to = 0;

	for (int32_t i = 0; i < n; i++) {
		const char *plain = plain_letters(in[i]);

		if (in[i] >= 0x0300 && in[i] <= 0x036f)
			continue;
		if (!plain)
			out[to++] = in[i];
		for (; plain && *plain; plain++)
			out[to++] = (UChar)*plain;
	}
	return to;
}

/* What doesn't fit is no word that anybody types: it folds to nothing. */
static size_t fold_units(char out[FOLD_SIZE], const UChar *units, int32_t n)
{
	UChar folded[UNITS_MAX], apart[UNITS_MAX], plain[2 * UNITS_MAX], whole[2 * UNITS_MAX];
	UErrorCode status = U_ZERO_ERROR;
	int32_t len = unorm2_normalize(nfkc_fold, units, n, folded, UNITS_MAX, &status);

	len = unorm2_normalize(nfd, folded, len, apart, UNITS_MAX, &status);
	if (U_FAILURE(status))
		return 0;
	len = strip(plain, apart, len);
	len = unorm2_normalize(nfc, plain, len, whole, 2 * UNITS_MAX, &status);
	int32_t bytes = 0;

	u_strToUTF8(out, FOLD_SIZE, &bytes, whole, len, &status);
	return U_FAILURE(status) ? 0 : (size_t)bytes;
}

static void prepare(void)
{
	UErrorCode status = U_ZERO_ERROR;

	nfkc_fold = unorm2_getNFKCCasefoldInstance(&status);
	nfd = unorm2_getNFDInstance(&status);
	nfc = unorm2_getNFCInstance(&status);
	if (U_FAILURE(status))
		abort(); /* ICU's data are part of its library: it isn't there at all */
	for (UChar c = 0x80; c < TABLE_END; c++) {
		char text[FOLD_SIZE];
		size_t n = fold_units(text, &c, 1);

		if (n > sizeof(table[c].text))
			n = 0; /* none below TABLE_END is that long */
		table[c].len = (uint8_t)n;
		memcpy(table[c].text, text, n);
	}
}

/* Letters that are their own folded form as long as no mark follows. */
static bool is_plain(UChar32 c)
{
	return (c >= 0xac00 && c <= 0xd7a3) || (c >= 0x3041 && c <= 0x3094) || (c >= 0x30a1 && c <= 0x30fa) ||
		(unorm2_isInert(nfkc_fold, c) && unorm2_isInert(nfd, c));
}

/* The bytes of the characters at text + at that may fuse with what stands before them. */
static size_t fusing(const char *text, size_t at, size_t n)
{
	for (int i = 1; i < CLUSTER_MAX && at < n; i++) {
		size_t behind = at;

		if (unorm2_hasBoundaryBefore(nfkc_fold, utf8_next(text, n, &behind)))
			break;
		at = behind;
	}
	return at;
}

static size_t fold_cluster(char out[FOLD_SIZE], const char *text, size_t n)
{
	UChar units[2 * CLUSTER_MAX];
	UErrorCode status = U_ZERO_ERROR;
	int32_t len = 0;

	u_strFromUTF8(units, 2 * CLUSTER_MAX, &len, text, (int32_t)n, &status);
	return U_FAILURE(status) ? 0 : fold_units(out, units, len);
}

size_t fold_char(char out[FOLD_SIZE], const char *text, size_t n, size_t *used_r)
{
	if ((unsigned char)*text < 0x80) {
		*used_r = 1;
		*out = *text >= 'A' && *text <= 'Z' ? (char)(*text + 32) : *text;
		return 1;
	}
	pthread_once(&once, prepare);
	if (n > UTF8_MAX * CLUSTER_MAX)
		n = UTF8_MAX * CLUSTER_MAX;
	size_t one = 0;
	int32_t c = utf8_next(text, n, &one);

	*used_r = c < FUSE_END ? one : fusing(text, one, n);
	if (*used_r > one)
		return fold_cluster(out, text, *used_r);
	if (c >= TABLE_END && !is_plain(c))
		return fold_cluster(out, text, one);
	if (c >= TABLE_END) {
		memcpy(out, text, one);
		return one;
	}
	memcpy(out, table[c].text, table[c].len);
	return table[c].len;
}

static bool is_sea(UChar32 c)
{
	return (c >= 0x0e00 && c <= 0x0eff) || (c >= 0x1000 && c <= 0x109f) || (c >= 0x1780 && c <= 0x17ff) ||
		(c >= 0xa9e0 && c <= 0xa9ff) || (c >= 0xaa60 && c <= 0xaa7f);
}

static bool is_cjk(UChar32 c)
{
	return (c >= 0x3005 && c <= 0x3007) || (c >= 0x3021 && c <= 0x3029) || (c >= 0x3031 && c <= 0x3035) ||
		(c >= 0x3038 && c <= 0x303c) || (c >= 0x3041 && c <= 0x31bf) || (c >= 0x31f0 && c <= 0x31ff) ||
		(c >= 0x3400 && c <= 0x4dbf) || (c >= 0x4e00 && c <= 0x9fff) || (c >= 0xac00 && c <= 0xd7ff) ||
		(c >= 0x1100 && c <= 0x11ff) || (c >= 0xa960 && c <= 0xa97f) || (c >= 0xf900 && c <= 0xfaff) ||
		(c >= 0xff66 && c <= 0xffdc) || (c >= 0x1b000 && c <= 0x1b16f) || (c >= 0x20000 && c <= 0x3ffff);
}

enum char_class fold_class(int32_t c)
{
	if (c < 0x80)
		return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ? CHAR_ALPHA : CHAR_NONE;
	if (c == 0x200b)
		return CHAR_NONE; /* zero width, but put between words */
	if (u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT))
		return CHAR_IGNORED;
	if (!(U_GET_GC_MASK(c) & (U_GC_L_MASK | U_GC_M_MASK | U_GC_N_MASK)))
		return CHAR_NONE;
	return is_cjk(c) ? CHAR_CJK : is_sea(c) ? CHAR_SEA : CHAR_ALPHA;
}
