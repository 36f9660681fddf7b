/* store_fs_upload: a long file that gets its name when it is whole. */
#ifndef STORE_STORE_FS_UPLOAD_H
#define STORE_STORE_FS_UPLOAD_H

#include "store/store_driver.h"

/* Below the store's directory (dirfd, which stays open; dir is its name). */
int store_fs_upload_begin(struct store *s, int dirfd, const char *dir, const char *key, struct store_upload **u_r,
	struct err *e) MUST_CHECK;
int store_fs_upload_add(struct store_upload *u, const void *data, size_t n, struct err *e) MUST_CHECK;
int store_fs_upload_finish(struct store_upload *u, struct locator *where_r, struct err *e) MUST_CHECK;
void store_fs_upload_abandon(struct store_upload *u);
int store_fs_upload_save(struct store_upload *u, bool whole, struct buf *state, const void **tail_r, size_t *tail_n_r,
	struct err *e) MUST_CHECK;
int store_fs_upload_resume(struct store *s, int dirfd, const char *dir, const char *key, const struct buf *state,
	struct store_upload **u_r, struct err *e) MUST_CHECK;
void store_fs_upload_leave(struct store_upload *u);
/* Is a file of this name in tmp/ an upload's? */
bool store_fs_upload_is_temp(const char *name);

int store_fs_upload_clear(int dirfd, const char *dir, const char *key, struct err *e) MUST_CHECK;

#endif
