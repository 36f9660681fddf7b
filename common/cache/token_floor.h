/* token_floor: under which names a cache says what has ended, for a queryd whose database is behind: of an account the
 * generation from which on its sessions live, which `strongroom user disable` and `sign-out` raise; of a single session 1 when
 * it has ended. Both are needed no longer than an access token lives. */
#ifndef CACHE_TOKEN_FLOOR_H
#define CACHE_TOKEN_FLOOR_H

#include "base/uuid.h"

#include <inttypes.h>
#include <stdio.h>

#define TOKEN_FLOOR_NAME_SIZE 40

static inline const char *token_floor_name(char name[TOKEN_FLOOR_NAME_SIZE], uint64_t account_id)
{
	snprintf(name, TOKEN_FLOOR_NAME_SIZE, "tokens:%" PRIu64, account_id);
	return name;
}

#define SESSION_END_NAME_SIZE (sizeof("session:") + UUID_TEXT_SIZE)

static inline const char *session_end_name(char name[SESSION_END_NAME_SIZE], const struct uuid *session_id)
{
	char id[UUID_TEXT_SIZE];

	snprintf(name, SESSION_END_NAME_SIZE, "session:%s", uuid_format(id, session_id));
	return name;
}

#endif
