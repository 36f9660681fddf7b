/* lockfile: a lock on a file of conf->run_dir, held until it is closed or the process ends, however it ends. */
#ifndef ARCHIVE_LOCKFILE_H
#define ARCHIVE_LOCKFILE_H

#include "base/err.h"

#include <stdbool.h>

/* Takes the lock <run_dir>/<name>.lock. 1 with *fd_r, which the caller closes to let go; 0 when it is held already (in
 * this process or another); -1 temporary. */
int lockfile_take(const char *run_dir, const char *name, int *fd_r, struct err *e) MUST_CHECK;

/* Does anybody hold it now? When that can't be told: yes. */
bool lockfile_is_held(const char *run_dir, const char *name);

#endif
