/* iconv(3) over ICU, for the libraries in this program: the dynamic linker finds these before the C
 * library's. GMime and GLib thereby decode header fields inside the sandbox, where the C library
 * could not load its conversion modules, and with the same table of names as the rest of the
 * parser. */
#include "parser/charset.h"

#include <errno.h>
#include <iconv.h>

#define PIVOT 512

struct conversion {
	UConverter *from, *to;
	UChar pivot[PIVOT];
};

static UConverter *open_converter(const char *name)
{
	UErrorCode status = U_ZERO_ERROR;
	struct span charset = { name, strcspn(name, "/") }; /* "//TRANSLIT" */
	const char *icu = charset_icu_name(charset);
	UConverter *converter = icu ? ucnv_open(icu, &status) : NULL;

	return U_FAILURE(status) ? NULL : converter;
}

iconv_t iconv_open(const char *to, const char *from)
{
	struct conversion *c = MEM_NEW(struct conversion);
	UErrorCode status = U_ZERO_ERROR;

	c->to = open_converter(to);
	c->from = open_converter(from);
	if (!c->to || !c->from) {
		iconv_close(c);
		errno = EINVAL;
		return (iconv_t)-1;
	}
	ucnv_setToUCallBack(c->from, UCNV_TO_U_CALLBACK_STOP, NULL, NULL, NULL, &status);
	return c;
}

int iconv_close(iconv_t cd)
{
	struct conversion *c = cd;

	if (c->to)
		ucnv_close(c->to);
	if (c->from)
		ucnv_close(c->from);
	free(c);
	return 0;
}

/* Decodes at most `room` units into the pivot. *more_r: ICU holds more of them back. 0, or EILSEQ
 * with the input at the bytes that are not in the charset. */
static int decode(
	struct conversion *c, size_t room, char **in, size_t *in_left, size_t *n_r, bool *more_r)
{
	UErrorCode status = U_ZERO_ERROR, ignored = U_ZERO_ERROR;
	const char *source = *in;
	UChar *target = c->pivot;
	char fault[32];
	int8_t n = sizeof(fault);

	ucnv_toUnicode(c->from, &target, c->pivot + (room < PIVOT ? room : PIVOT), &source,
		*in + *in_left, NULL, false, &status);
	*more_r = status == U_BUFFER_OVERFLOW_ERROR;
	bool failed = U_FAILURE(status) && !*more_r;

	if (failed) {
		ucnv_getInvalidChars(c->from, fault, &n, &ignored);
		ucnv_resetToUnicode(c->from);
		if (U_SUCCESS(ignored) && n > 0 && n <= source - *in)
			source -= n;
	}
	*n_r = (size_t)(target - c->pivot);
	*in_left -= (size_t)(source - *in);
	*in += source - *in;
	return failed ? EILSEQ : 0;
}

/* Encodes the pivot's n units, for which there is room. */
static int encode(struct conversion *c, size_t n, char **out, size_t *out_left)
{
	UErrorCode status = U_ZERO_ERROR;
	const UChar *source = c->pivot;
	char *was = *out;

	ucnv_fromUnicode(c->to, out, *out + *out_left, &source, c->pivot + n, NULL, false, &status);
	*out_left -= (size_t)(*out - was);
	return U_FAILURE(status) ? EILSEQ : 0;
}

/* Only as much is decoded at a time as can be encoded into the room that is left: ICU would keep
 * what does not fit to itself, and callers take input that was read for done. */
size_t iconv(iconv_t cd, char **in, size_t *in_left, char **out, size_t *out_left)
{
	struct conversion *c = cd;
	bool more = false;
	int failure = 0;

	if (!in || !*in) {
		ucnv_reset(c->from);
		ucnv_reset(c->to);
		return 0;
	}
	while (!failure && (*in_left || more)) {
		size_t room = *out_left / (size_t)ucnv_getMaxCharSize(c->to), n;

		if (room < 2) {
			failure = E2BIG;
			break;
		}
		failure = decode(c, room - 1, in, in_left, &n, &more);
		if (encode(c, n, out, out_left))
			failure = EILSEQ;
	}
	if (!failure)
		return 0;
	errno = failure;
	return (size_t)-1;
}
