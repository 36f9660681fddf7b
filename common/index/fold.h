/* fold: the form of a character that is searched: NFKC with full case folding (STRASSE = straße, full width = half
 * width), without the diacritics of Latin, Greek and Cyrillic, ø ł đ æ œ þ ð ħ ı as ASCII. Thai, Indic and kana marks
 * stay: there they make another word. Any thread. */
#ifndef INDEX_FOLD_H
#define INDEX_FOLD_H

#include "base/mem.h"

#include <stdint.h>

#define FOLD_SIZE 96 /* most bytes that one call gives */

enum char_class {
	CHAR_NONE,    /* separates words */
	CHAR_ALPHA,   /* letters, digits, marks of scripts that put blanks between words */
	CHAR_CJK,     /* Han, kana, Hangul, Bopomofo */
	CHAR_SEA,     /* Thai, Lao, Khmer, Burmese: words without blanks */
	CHAR_IGNORED, /* soft hyphen, joiners: inside words, invisible */
};

enum char_class fold_class(int32_t c);

/* Folds the character at text (n >= 1 bytes of valid UTF-8), with the marks that may fuse with it, into UTF-8 at out.
 * Returns the bytes written, possibly 0; *used_r gets the bytes read. */
size_t fold_char(char out[FOLD_SIZE], const char *text, size_t n, size_t *used_r);

#endif
