/* factor: what an account is proved by: changing it ends sign-ins that have come half way and all sessions but one, that of
 * who changes it. */
#ifndef META_FACTOR_H
#define META_FACTOR_H

#include "meta/session.h"

/* Another password, of which this is the hash. keep: the session that goes on; NULL: none does. */
int meta_factor_password(struct meta *m, uint64_t account_id, const struct uuid *keep, const char *hash, struct err *e)
	MUST_CHECK;

#endif
