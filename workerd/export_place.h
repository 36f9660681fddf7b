/* export_place: a directory for what has to wait while an export is built, and for what is needed to go on with it after a crash:
 *
 *	<spool_dir>/exports/<id of the export>-<epoch in which it was begun>/
 *
 * Whoever is at it holds a lock on it, which ends with the process, however that ends. It is of this machine alone. Each function
 * may be called by any thread; a place belongs to one at a time. */
#ifndef WORKERD_EXPORT_PLACE_H
#define WORKERD_EXPORT_PLACE_H

#include "base/err.h"
#include "base/uuid.h"

struct export_place {
	char *dir;
	uint64_t epoch;
	int lock; /* of the directory, which it is open on */
};

/* An empty one. */
int export_place_make(struct export_place **p_r, const char *spool_dir, const struct uuid *id, uint64_t epoch, struct err *e)
	MUST_CHECK;

/* The last one of this export that nobody else is at: 1, 0 when there is none, -1. */
int export_place_find(struct export_place **p_r, const char *spool_dir, const struct uuid *id, struct err *e) MUST_CHECK;

/* Leaves it as it is. */
void export_place_leavep(struct export_place **p);

/* Removes it with all that is in it. */
void export_place_removep(struct export_place **p);

/* Removes those of exports that nobody is at and that wanted() does not want (1: it does, 0, -1: it can't tell). */
int export_places_sweep(const char *spool_dir, int (*wanted)(void *ctx, const struct uuid *id, struct err *e), void *ctx, struct err *e)
	MUST_CHECK;

#endif
