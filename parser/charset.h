/* charset: bytes in any charset to UTF-8, through ICU alone: it needs no file once it is warm
 * (glibc's iconv loads modules, which the sandbox forbids). Names are taken as mail programs really
 * write them; where a charset is commonly sent under the name of a smaller one (windows-1252 as
 * iso-8859-1, gb18030 as gb2312, …), the larger one decodes. */
#ifndef PARSER_CHARSET_H
#define PARSER_CHARSET_H

#include "parser/text.h"

#include <unicode/ucnv.h>

/* ICU's name for what mail calls `charset`: "UTF-8" for ASCII too; NULL when it says nothing (none,
 * unknown-8bit) or is not known. Valid until the next call. */
const char *charset_icu_name(struct span charset);

/* A reset converter by ICU name, kept for the next time; NULL when ICU has none. Not the caller's
 * to close. */
UConverter *charset_converter(const char *icu_name);

/* Appends the text. charset may be empty: then UTF-8 if it is that, else what it looks like. false:
 * the charset was not known or bytes were not in it, and the text is a guess. */
bool charset_add(struct text *out, struct span charset, struct span bytes);

/* Would charset_add() find nothing to change in the bytes? (Not all such bytes: escapes are left to it.) */
bool charset_is_utf8(struct span charset, struct span bytes);

/* Does it hold bytes over 0x7f and is it UTF-8 all the same? */
bool charset_looks_utf8(struct span bytes);

/* Loads the converters that mail commonly needs. */
void charset_warm(void);

#endif
