/* present: pieces of answers as JSON, the same in each of them. */
#ifndef QUERYD_PRESENT_H
#define QUERYD_PRESENT_H

#include "meta/hold.h"
#include "meta/message_row.h"
#include "sys/json.h"

void present_id(cJSON *object, const char *key, const struct uuid *id);
void present_time(cJSON *object, const char *key, int64_t us); /* RFC 3339 in UTC */

/* Who has done something, when and why; null when nobody has yet. */
void present_act(cJSON *object, const char *key, const struct hold_act *act);

/* At most max bytes of a text, whole characters, with an ellipsis where it was cut. */
void present_text(cJSON *object, const char *key, const char *text, size_t max);

/* A header field may hold a hundred thousand people and a name a megabyte: for where that is too much. */
struct present_limits {
	size_t people; /* of a role */
	size_t text;   /* bytes of a name or an address */
};
extern const struct present_limits present_all;

/* The participants of a role, in order, as [{"name","address"}]; returns how many were left out. */
size_t present_people(cJSON *object, const char *key, const struct participant *people, size_t n, enum participant_role role,
	const struct present_limits *limits);

/* The date of the message's Date header; null when there is none that can be read. */
void present_date(cJSON *object, const char *key, uint32_t parse_flags, int64_t header_date_us);

#endif
