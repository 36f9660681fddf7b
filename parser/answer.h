/* answer: writing answers to the daemon (mail/parser_protocol.h). */
#ifndef PARSER_ANSWER_H
#define PARSER_ANSWER_H

#include "mail/parsed.h"
#include "mail/parser_protocol.h"
#include "parser/span.h"

/* -1 when the daemon is gone. */
int answer(enum parser_answer kind, struct span payload) MUST_CHECK;
int answer_parsed(struct parsed *p) MUST_CHECK;

#endif
