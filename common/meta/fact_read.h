/* fact_read: the later facts of the ledger (ledger/fact.h), as they stand in the database. For who verifies them. */
#ifndef META_FACT_READ_H
#define META_FACT_READ_H

#include "base/uuid.h"
#include "meta/message_record.h"
#include "meta/meta.h"

#include <stddef.h>

struct meta_fact {
	struct uuid message_id;
	struct meta_record ledger; /* whose record is the fact */
};

struct meta_facts {
	struct meta_fact *items;
	size_t n;
};
void meta_facts_deinit(struct meta_facts *list);

/* Of several messages, each given once; caller deinits. */
int meta_facts_of(struct meta *m, const struct uuid *ids, size_t n, struct meta_facts *list_r, struct err *e) MUST_CHECK;

/* The next max of all, by daemon and number, behind that one ("" and 0: from the first); caller deinits. */
int meta_facts_after(struct meta *m, const char *daemon, uint64_t seq, size_t max, struct meta_facts *list_r, struct err *e)
	MUST_CHECK;

#endif
