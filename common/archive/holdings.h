/* holdings: the legal holds that are in force, ready to be held against messages. */
#ifndef ARCHIVE_HOLDINGS_H
#define ARCHIVE_HOLDINGS_H

#include "index/query.h"
#include "mail/scope.h"
#include "meta/hold.h"
#include "meta/message_row.h"

struct holding {
	struct uuid id;
	enum hold_kind kind;
	bool standing;
	struct scope *scope;
	struct query *query; /* of HOLD_QUERY */
};

struct holdings {
	struct holding *items;
	size_t n;
};

/* All that are placed and not lifted; holdings_deinit() frees. */
int holdings_load(struct meta *m, struct holdings *h_r, struct err *e) MUST_CHECK;
void holdings_deinit(struct holdings *h);

/* One of them. holding_deinit() frees. */
int holding_read(const struct hold *h, struct holding *r, struct err *e) MUST_CHECK;
void holding_deinit(struct holding *h);

/* Which of the standing holds on custodians this message comes under: how many ids in *ids_r, which the caller frees. */
size_t holdings_on(const struct holdings *h, const struct message_row *row, struct uuid **ids_r);

#endif
