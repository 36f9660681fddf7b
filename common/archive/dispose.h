/* dispose: carries out approved dispositions: the one place where mail is removed on purpose. For workerd.
 *
 * A message is judged again by all that keeps mail now. The decision about it, its fact for the ledger, and how far the
 * disposition is by then are one transaction, which locks out whoever places a hold, makes a policy or puts somebody into a
 * department (meta/keep_gate.h), and fails when somebody has since the judging. Its bytes go from the store in another one, which
 * locks them out as well: a hold that was answered before saves them. Each step goes on where it was cut off.
 *
 * Nothing is decided while a hold is still on its way to its messages. */
#ifndef ARCHIVE_DISPOSE_H
#define ARCHIVE_DISPOSE_H

#include "archive/archive.h"

#include <stdatomic.h>

/* One turn: returns when all that can be done is, or *stop is set. behind_us: as of archive_govern(), which is called before
 * anything is judged; both by one thread. -1 temporary. */
int archive_dispose(struct archive *a, int64_t behind_us, const atomic_bool *stop, struct err *e) MUST_CHECK;

#endif
