/* export_loadfile: what is known of each message, for programs that review mail: as CSV (RFC 4180, UTF-8, a line of names first)
 * and as EDRM XML 1.2. Both grow message by message. One thread. */
#ifndef WORKERD_EXPORT_LOADFILE_H
#define WORKERD_EXPORT_LOADFILE_H

#include "meta/message_row.h"
#include "workerd/export_spool.h"

struct export_loadfile {
	struct export_spool *csv, *xml;
};

/* dir: for what has to wait, in files with names; it must outlive it. */
int export_loadfile_begin(struct export_loadfile *l, const char *dir, const char *name, struct err *e) MUST_CHECK;
void export_loadfile_deinit(struct export_loadfile *l);

/* As those of export_manifest. */
int export_loadfile_save(struct export_loadfile *l, struct buf *state, struct err *e) MUST_CHECK;
int export_loadfile_resume(struct export_loadfile *l, const char *dir, struct unpack *saved, struct err *e) MUST_CHECK;

/* path: where its bytes are in the container. */
int export_loadfile_add(struct export_loadfile *l, const struct message_row *row, const char *path, struct err *e) MUST_CHECK;
int export_loadfile_end(struct export_loadfile *l, struct err *e) MUST_CHECK;

#endif
