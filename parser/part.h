/* part: the text of one decoded part. */
#ifndef PARSER_PART_H
#define PARSER_PART_H

#include "parser/media.h"
#include "parser/text.h"

/* Adds the text of a text/… or message/… part. Returns enum parse_flag that came up. */
uint32_t part_text(struct text *out, const struct media *m, struct span decoded);

/* format=flowed (RFC 3676) to lines as they were typed. */
void part_flowed(struct text *out, struct span utf8, bool delsp);

#endif
