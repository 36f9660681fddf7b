/* read_rights: reading every file on behalf of root, with no other right of root's.
 *
 * import becomes the account of the daemons, so that what it writes is theirs; but the mail it reads belongs to
 * everybody. Started by root it keeps the one capability to read and search what it likes. */
#ifndef CLI_READ_RIGHTS_H
#define CLI_READ_RIGHTS_H

#include "base/err.h"

/* Before becoming another account, and after it. Without root's rights both do nothing; where the machine does not
 * grant that capability to root (some containers), the files must be readable for the account. */
int read_rights_keep(struct err *e) MUST_CHECK;
int read_rights_limit(struct err *e) MUST_CHECK;

#endif
