/* present: pieces of a message row as JSON, the same in every answer. */
#ifndef QUERYD_PRESENT_H
#define QUERYD_PRESENT_H

#include "meta/message_row.h"
#include "sys/json.h"

void present_id(cJSON *object, const char *key, const struct uuid *id);
void present_time(cJSON *object, const char *key, int64_t us); /* RFC 3339 in UTC */

/* The participants of a role, in order, as [{"name","address"}]. */
void present_people(cJSON *object, const char *key, const struct message_row *row, enum participant_role role);

/* The date of the message's Date header; null when there is none that can be read. */
void present_date(cJSON *object, const char *key, const struct message_row *row);

#endif
