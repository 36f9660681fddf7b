/* export_checkpoint: the file in an export_place that says how far the export had come at one moment, so that somebody can go on
 * from there. It is replaced as a whole, and checked when it is read. */
#ifndef WORKERD_EXPORT_CHECKPOINT_H
#define WORKERD_EXPORT_CHECKPOINT_H

#include "base/buf.h"
#include "meta/catalog.h"
#include "meta/export.h"
#include "workerd/export_place.h"

#define EXPORT_STATE_MAX ((size_t)16 * 1024 * 1024) /* of each of the two states; S3's ETags take most of it */

struct export_checkpoint {
	struct uuid id;
	char *key;   /* of the object that it is to become */
	char *scope; /* as it is printed: what is exported at most */
	struct export_progress progress;
	struct meta_coverage coverage; /* when it was begun */
	struct buf list, write; /* states: export_list_save(), export_write_save() */
};

void export_checkpoint_deinit(struct export_checkpoint *c);

/* Durable on 0. What the states refer to in the directory must be so before, but for its names. */
int export_checkpoint_write(const struct export_place *p, const struct export_checkpoint *c, struct err *e) MUST_CHECK;

/* 1 with *c_r (caller deinits); 0 when there is none; -1 permanent: it is damaged, or of another version of this program;
 * temporary: it can't be read. */
int export_checkpoint_read(const struct export_place *p, struct export_checkpoint *c_r, struct err *e) MUST_CHECK;

#endif
