/* decode: undoing a Content-Transfer-Encoding. */
#ifndef PARSER_DECODE_H
#define PARSER_DECODE_H

#include "base/buf.h"
#include "parser/span.h"

#include <gmime/gmime.h>

/* The decoded bytes: a view of `content` where nothing is encoded, else of `room` (emptied first,
 * to be freed by the caller). Damaged encodings give what can be had of them. */
struct span decode(struct buf *room, GMimeContentEncoding encoding, struct span content);

#endif
