/* text_html: HTML to the text that a reader would search for.
 *
 * A tokenizer, not a parser: no tree is built, so that time is linear whatever comes (tree builders
 * are quadratic on nested or unclosed tags), and nothing outside is ever looked at. Markup, scripts
 * and styles go; entities become characters; block elements end a line; text that only some
 * programs show (conditional comments, images' alternative text) stays, and where links lead is
 * listed at the end. What is never closed (a comment, a script) is text. */
#ifndef PARSER_TEXT_HTML_H
#define PARSER_TEXT_HTML_H

#include "parser/text.h"

void text_html(struct text *out, struct span html);

/* The charset that <meta> names near the start; empty when there is none. A view. */
struct span text_html_charset(struct span html);

#endif
