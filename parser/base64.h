/* base64: the quick way through base64 that is as it should be. What is not is GMime's to make sense of
 * (parser/decode.h). */
#ifndef PARSER_BASE64_H
#define PARSER_BASE64_H

#include "parser/span.h"

#include <stdint.h>

/* Decodes whole groups of four characters and passes over line ends among them, up to anything else (padding too), and
 * cuts what it has read off *content. `to` has room for as many bytes as *content has and 4 more. The number of
 * bytes decoded. */
size_t base64_decode_groups(struct span *content, char *to);

#endif
