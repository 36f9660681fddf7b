/* store_fs_dirs: which directories of the day this process knows to be there for good, so that only the first object in
 * each pays for making it. Any thread. */
#ifndef STORE_STORE_FS_DIRS_H
#define STORE_STORE_FS_DIRS_H

#include "base/err.h"

#include <sys/types.h>

struct store_fs_dirs;

struct store_fs_dirs *store_fs_dirs_new(void);
void store_fs_dirs_freep(struct store_fs_dirs **d);

/* Makes path (m/<2 hex>/<YYYY>/<MM>/<DD>, below dirfd) unless it is known; on 0 it and every parent are durable. */
int store_fs_dirs_make(struct store_fs_dirs *d, int dirfd, const char *path, mode_t mode, struct err *e) MUST_CHECK;

/* Knows nothing any more. */
void store_fs_dirs_forget(struct store_fs_dirs *d);

#endif
