/* readings: where mail programs differ over what an entity is. */
#ifndef PARSER_READINGS_H
#define PARSER_READINGS_H

#include "parser/mime.h"

#define READINGS_MAX 8

struct reading {
	struct media_choice choice;
};

struct readings {
	struct reading items[READINGS_MAX];
	size_t n;
	bool raw; /* and as plain text, all of it: programs that see no MIME here show it so */
	struct strv kept; /* the values that `items` point to */
};

/* The readings other than the first one, e->media. body: all its bytes, boundary lines included. */
void readings_find(struct readings *r, const struct entity *e, struct span body);
void readings_deinit(struct readings *r);

#endif
