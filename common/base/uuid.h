/* uuid: archive ids: UUID version 7 (RFC 9562), 16 bytes, ordered by time. */
#ifndef BASE_UUID_H
#define BASE_UUID_H

#include "base/mem.h"

#include <stdint.h>

#define UUID_SIZE 16
#define UUID_TEXT_SIZE 37 /* 8-4-4-4-12 and a NUL */

struct uuid {
	uint8_t bytes[UUID_SIZE];
};

/* A new id for the moment now_us; ids made by one process rise strictly, even within a millisecond and when the clock
 * steps back. Any thread. */
struct uuid uuid_new(int64_t now_us);

/* The least id of the millisecond of this time: no id of an earlier one is as large, none of it or later is smaller. For
 * ranges of ids by their time. */
struct uuid uuid_floor(int64_t us);

/* Makes it the id that comes right behind it. */
void uuid_next(struct uuid *id);

/* The time inside, to the millisecond. */
int64_t uuid_time_us(const struct uuid *id);

/* Lower-case text; returns text. */
char *uuid_format(char text[UUID_TEXT_SIZE], const struct uuid *id);

/* Reads the 36-character form, either case; -1 on anything else (any version is taken). */
int uuid_parse(struct uuid *id_r, const char *text) MUST_CHECK;

#endif
