/* mime: the structure of a message (RFC 2045, 2046): one pass over its bytes that calls a handler
 * for what it finds.
 *
 * Nothing is copied: everything given out is a view of the message. Time is linear in the message's
 * size, memory in its depth; limits cut what lies beyond them off as raw text. An entity that can
 * be read in several ways is walked once for each, `alternative` being set for all but the reading
 * that most mail programs show, within a budget. */
#ifndef PARSER_MIME_H
#define PARSER_MIME_H

#include "parser/media.h"

struct entity {
	const struct entity *parent; /* the multipart or message part around it; NULL at the top */
	struct header header;
	struct media media;
	unsigned depth;
	bool is_message; /* its header is a message's: at the top, or of one inside another */
	bool alternative;
};

struct mime_handler {
	/* A message's header: the top one, or one inside another. */
	void (*message)(void *ctx, const struct entity *e);
	/* An entity that is no multipart and no readable message: its bytes, not decoded yet. */
	void (*leaf)(void *ctx, const struct entity *e, struct span content);
	/* A message/rfc822 part before its message is walked and, with its bytes, after that. */
	void (*nested_begin)(void *ctx, const struct entity *e);
	void (*nested_end)(void *ctx, const struct entity *e, struct span content);
	/* Bytes outside of any part: before the first boundary, behind the last, beyond a limit. */
	void (*stray)(void *ctx, struct span content);
};

struct mime_walk {
	const struct mime_handler *handler;
	void *ctx;
	uint64_t *budget; /* bytes that may yet be read for other readings */
	uint32_t flags;	 /* enum parse_flag that came up */
	unsigned parts;

	bool alternative;
};

/* Walks a message. */
void mime_walk_message(struct mime_walk *w, struct span bytes);

/* Walks what was decoded from an entity that may not be encoded but is: a multipart or a
 * message. */
void mime_walk_decoded(struct mime_walk *w, const struct entity *e, struct span bytes);

#endif
