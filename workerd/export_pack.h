/* export_pack: the container that an export comes in, written straight to the store: a gzipped tar, or a ZIP (with the 64-bit
 * extensions where they are needed). Nothing of it is kept in memory. One thread. */
#ifndef WORKERD_EXPORT_PACK_H
#define WORKERD_EXPORT_PACK_H

#include "store/store.h"
#include "workerd/export_spool.h"

enum export_container { EXPORT_TAR_GZ, EXPORT_ZIP, EXPORT_CONTAINERS };

/* "tar.gz", also what a file's name ends with; -1 for a name that is none. */
const char *export_container_name(enum export_container c);
int export_container_parse(enum export_container *c_r, const char *name) MUST_CHECK;

struct export_pack;

/* What is written goes to `to`, which must outlive it, as dir must: what has to wait is there in files with names. */
int export_pack_open(struct export_pack **p_r, enum export_container kind, struct store_upload *to, const char *dir, struct err *e)
	MUST_CHECK;
void export_pack_freep(struct export_pack **p);

/* Adds a file. path: of letters, digits and ". - _ /". */
int export_pack_add(struct export_pack *p, const char *path, int64_t modified_us, const void *data, size_t n, struct err *e)
	MUST_CHECK;
int export_pack_add_spool(struct export_pack *p, const char *path, int64_t modified_us, struct export_spool *s, struct err *e)
	MUST_CHECK;

/* How many bytes have been written. */
uint64_t export_pack_size(const struct export_pack *p);

/* Between two files: gives `to` all of them, and appends to *state what export_pack_resume() needs. What follows is the same
 * to the byte, here and there. */
int export_pack_save(struct export_pack *p, struct buf *state, struct err *e) MUST_CHECK;

/* Goes on where it was saved; `to` must be there, too. -1 permanent: a file of dir was altered, or what was saved can't be
 * read. */
int export_pack_resume(struct export_pack **p_r, enum export_container kind, struct store_upload *to, const char *dir,
	struct unpack *saved, struct err *e) MUST_CHECK;

/* Writes the end, and tells the SHA-256 of the whole. */
int export_pack_finish(struct export_pack *p, uint8_t sha256_r[SHA256_SIZE], struct err *e) MUST_CHECK;

#endif
