/* query: the search language, parsed to a tree that every index driver compiles. Pure: no I/O.
 *
 *	query  = or
 *	or     = and *( "OR" and )
 *	and    = not *( [ "AND" ] not )
 *	not    = [ "NOT" ] atom
 *	atom   = "(" or ")" / [ field ":" ] value / field ":" "(" or ")"
 *	value  = word / prefix "*" / DQUOTE words DQUOTE / range
 *
 * Operators are upper case. Fields: from to cc bcc envelope subject body attachment message-id date size has is; without a
 * field all text fields are searched. date: 2011-06-15, 2011-06, 2011, A..B, >=A, <A (UTC days, of the message's date);
 * size: 1M, >10K, A..B; has:attachment; is:truncated, is:unreadable (enum query_mark). A word that tokenises to several (alice@example.org, C++17) is a phrase. An
 * empty query matches everything in scope. */
#ifndef INDEX_QUERY_H
#define INDEX_QUERY_H

#include "base/uuid.h"
#include "index/link.h"

#include <stdbool.h>
#include <stdint.h>

#define QUERY_TEXT_MAX 8192
#define QUERY_DEPTH_MAX 32
#define QUERY_NODES_MAX 256

enum query_op {
	QUERY_ALL,
	QUERY_AND,
	QUERY_OR,
	QUERY_NOT,
	QUERY_TEXT,
	QUERY_DATE,
	QUERY_SIZE,
	QUERY_HAS_ATTACHMENT,
	QUERY_IS,     /* has the mark */
	QUERY_LINKED, /* has one of the links; never from text */
	QUERY_ONE,    /* the message of this id; never from text */
};

/* What an index could not take in of a message. Bits, stored in indices: never renumber. */
enum query_mark {
	MARK_TRUNCATED = 1 << 0,  /* more text, header or parts than are read */
	MARK_UNREADABLE = 1 << 1, /* not parsed, or encrypted: little more than the envelope or the header is searched */
};

/* Bits: a QUERY_TEXT node searches every field whose bit is set. */
enum query_field {
	FIELD_FROM = 1 << 0,
	FIELD_TO = 1 << 1,
	FIELD_CC = 1 << 2,
	FIELD_BCC = 1 << 3,	 /* Bcc: and journal recipients */
	FIELD_ENVELOPE = 1 << 4, /* MAIL FROM, RCPT TO */
	FIELD_SUBJECT = 1 << 5,
	FIELD_BODY = 1 << 6,
	FIELD_ATTACHMENT = 1 << 7, /* names */
	FIELD_MESSAGE_ID = 1 << 8,
};
#define FIELD_ANY 0x1ffu

struct query {
	enum query_op op;
	struct query *left, *right;    /* AND, OR: both; NOT: left */
	unsigned fields;	       /* TEXT */
	char *text;		       /* TEXT: the words as typed */
	bool prefix;		       /* TEXT: the last word is a prefix */
	int64_t low, high;	       /* DATE: low_us <= date < high_us; SIZE: low <= bytes < high */
	enum query_mark mark;	       /* IS */
	struct link *links;	       /* LINKED */
	size_t link_count;
	struct uuid id;		       /* ONE */
};

struct query_error {
	size_t position;   /* byte offset into the text */
	char text[160];	   /* for the searcher: what is wrong there and what would be right */
};

/* 0 with *q_r (caller frees), -1 with *error_r. */
int query_parse(struct query **q_r, const char *text, struct query_error *error_r) MUST_CHECK;
void query_freep(struct query **q);

#endif
