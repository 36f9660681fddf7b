/* import: how far imports from mailboxes on mail servers have come. queryd must not include this. */
#ifndef META_IMPORT_H
#define META_IMPORT_H

#include "meta/meta.h"

struct meta_import_place {
	uint32_t uidvalidity;
	uint32_t uid;	/* all up to this one are settled, but for those refused */
	char *refused;	/* their UIDs, separated by blanks; owned */
};

/* 1 with *p_r (caller frees refused), 0 for a folder never imported, -1. source: at most 512 bytes. */
int meta_import_place_get(struct meta *m, const char *source, struct meta_import_place *p_r, struct err *e) MUST_CHECK;

/* A crash may take it back to the one before: then some messages are offered again. */
int meta_import_place_set(struct meta *m, const char *source, const struct meta_import_place *p, int64_t now_us, struct err *e)
	MUST_CHECK;

#endif
