/* store_fs_remove: taking a message's file away for good. */
#ifndef STORE_STORE_FS_REMOVE_H
#define STORE_STORE_FS_REMOVE_H

#include "base/err.h"

/* Below the store's directory (dirfd, which stays open; dir is its name). See store_remove(). */
int store_fs_remove(int dirfd, const char *dir, const char *key, struct err *e) MUST_CHECK;

#endif
