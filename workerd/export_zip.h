/* export_zip: a ZIP (PKWARE's APPNOTE 6.3), written as it is read: the sizes of a file follow its bytes, and the directory of all
 * files, which comes last, waits in an export_spool. So memory does not grow with the files. With the 64-bit extensions
 * where they are needed, and only there. One thread. */
#ifndef WORKERD_EXPORT_ZIP_H
#define WORKERD_EXPORT_ZIP_H

#include "workerd/export_deflate.h"
#include "workerd/export_spool.h"

struct export_zip;

/* directory: an empty spool, which becomes the ZIP's. ctx must outlive it. */
struct export_zip *export_zip_new(struct export_spool *directory, export_take *take, void *ctx) __attribute__((returns_nonnull));
void export_zip_freep(struct export_zip **z);

/* How many bytes have come out. */
uint64_t export_zip_size(const struct export_zip *z);

/* A file: begin, then `size` bytes in pieces, then end. path: ASCII, at most 65,535 bytes. -1: what take() returned; the directory could not be
 * spooled. */
int export_zip_begin(struct export_zip *z, const char *path, int64_t modified_us, uint64_t size, struct err *e) MUST_CHECK;
int export_zip_add(struct export_zip *z, const void *data, size_t n, struct err *e) MUST_CHECK;
int export_zip_end(struct export_zip *z, struct err *e) MUST_CHECK;

/* Writes the directory. Nothing can be added behind it. */
int export_zip_finish(struct export_zip *z, struct err *e) MUST_CHECK;

/* Between two files: hands on all of them, and appends to *state what export_zip_resume() needs, to go on behind them. The
 * directory must have been a named spool, which resume is told. */
int export_zip_save(struct export_zip *z, struct buf *state, struct err *e) MUST_CHECK;
int export_zip_resume(struct export_zip **z_r, const char *dir, const char *name, struct unpack *saved, export_take *take, void *ctx,
	struct err *e) MUST_CHECK;

#endif
