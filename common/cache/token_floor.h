/* token_floor: under which name a cache says from which generation on an account's tokens are good: what `strongroom user
 * disable` and `sign-out` write, and queryd asks. */
#ifndef CACHE_TOKEN_FLOOR_H
#define CACHE_TOKEN_FLOOR_H

#include <inttypes.h>
#include <stdio.h>

#define TOKEN_FLOOR_NAME_SIZE 40

static inline const char *token_floor_name(char name[TOKEN_FLOOR_NAME_SIZE], uint64_t account_id)
{
	snprintf(name, TOKEN_FLOOR_NAME_SIZE, "tokens:%" PRIu64, account_id);
	return name;
}

#endif
