/* index_es_json: JSON written piece by piece: documents of megabytes need no tree. */
#ifndef INDEX_INDEX_ES_JSON_H
#define INDEX_INDEX_ES_JSON_H

#include "base/buf.h"

#include <stdbool.h>
#include <string.h>

struct es_json {
	struct buf text;
	bool full; /* something did not fit: the text is worth nothing */
};

#define ES_JSON_INIT(max) ((struct es_json){ .text = BUF_INIT(max) })

void es_json_deinit(struct es_json *j); /* fit for CLEANUP() */

/* JSON as it is. Mostly a constant, whose length the compiler knows. */
void es_put_raw(struct es_json *j, const char *json, size_t n);
static inline void es_put(struct es_json *j, const char *json)
{
	es_put_raw(j, json, strlen(json));
}

void es_put_number(struct es_json *j, int64_t value);

/* The inside of a string: quoted where JSON needs it; bytes that are not UTF-8 become U+FFFD. */
void es_put_inside(struct es_json *j, const char *text, size_t n);

/* A whole string. */
void es_put_string(struct es_json *j, const char *text, size_t n);

/* The same as a value for a member: "name": before it, and a comma before that unless the object has just begun. */
void es_put_name(struct es_json *j, const char *name);

#endif
