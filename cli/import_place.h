/* import_place: how far the import of one folder of a mail server has come. */
#ifndef CLI_IMPORT_PLACE_H
#define CLI_IMPORT_PLACE_H

#include "meta/meta.h"

#include <stddef.h>
#include <stdint.h>

#define IMPORT_PLACE_REFUSED_MAX 10000 /* more are listed in the account, and not tried again */

struct import_place {
	uint32_t uidvalidity; /* 0: never imported */
	uint32_t uid;	      /* all up to this one are settled */
	uint32_t *refused;    /* but for these, rising */
	size_t refused_n;
};

/* What became of a message. Settled are all but the first two. */
enum import_fate {
	FATE_PENDING, /* it was not its turn yet */
	FATE_LEFT,    /* not archived, and may be later */
	FATE_ARCHIVED,
	FATE_REFUSED,
	FATE_GONE, /* somebody else has removed it */
};

void import_place_deinit(struct import_place *p);

int import_place_load(struct import_place *p, struct meta *m, const char *source, struct err *e) MUST_CHECK;
int import_place_save(const struct import_place *p, struct meta *m, const char *source, struct err *e) MUST_CHECK;

/* From the first message on. */
void import_place_restart(struct import_place *p, uint32_t uidvalidity);

/* Goes on past the rising uids up to the first that is not settled, and keeps the list of those refused. */
void import_place_advance(struct import_place *p, const uint32_t *uids, const enum import_fate *fates, size_t n);

#endif
