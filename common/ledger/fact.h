/* fact: the canonical bytes that say what happened to a message after it was archived. Like a record (ledger/record.h):
 * one value, one encoding, kept verbatim, and committed to by ledger_leaf(). The first byte tells one from the other. */
#ifndef LEDGER_FACT_H
#define LEDGER_FACT_H

#include "base/buf.h"
#include "base/uuid.h"

#define LEDGER_FACT_VERSION 129 /* no version of a record */
#define LEDGER_FACT_MAX 4096

/* Part of the record: never renumber. */
enum ledger_fact_kind {
	LEDGER_FACT_EXTENDED = 1, /* kept longer: retain_until_us, policy_version */
	LEDGER_FACT_HELD = 2,	  /* came under the hold `cause` */
	LEDGER_FACT_RELEASED = 3, /* is no longer under the hold `cause` */
	LEDGER_FACT_DISPOSED = 4, /* its object was removed, by the disposition `cause` */
};

struct ledger_fact {
	struct uuid archive_id;
	enum ledger_fact_kind kind;
	char *daemon;	     /* who says so */
	uint64_t daemon_seq; /* gapless per daemon, from 1; apart from that of its captures */
	int64_t at_us;
	uint8_t clock_state; /* as in a record */
	struct uuid cause;   /* all zero: none */
	int64_t retain_until_us;
	char *policy_version;
};

/* Adds the canonical bytes; -1 only past the buffer's maximum. */
int ledger_fact_encode(struct buf *out, const struct ledger_fact *f) MUST_CHECK;

/* -1 when they are not exactly one canonical fact of a known version. ledger_fact_deinit() frees. */
int ledger_fact_decode(struct ledger_fact *f_r, const void *data, size_t n) MUST_CHECK;
void ledger_fact_deinit(struct ledger_fact *f);

#endif
