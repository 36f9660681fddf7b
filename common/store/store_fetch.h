/* store_fetch: an archived message read back, whole and held against what was recorded of it. Any thread. */
#ifndef STORE_STORE_FETCH_H
#define STORE_STORE_FETCH_H

#include "mail/message.h"
#include "store/store.h"

struct store_expected {
	const struct locator *where;
	uint64_t size;
	const uint8_t *sha256;
};

/* 1 with *m_r (caller frees, spool_dir must outlive it); 0 with *e saying what is wrong when the object is not there or is not
 * what was archived: the store was asked twice then, for bytes may be garbled on their way. -1 temporary: the store can't be
 * read, or the spool has no room. */
int store_fetch(struct store *s, const struct store_expected *x, const char *spool_dir, struct message **m_r, struct err *e)
	MUST_CHECK;

#endif
