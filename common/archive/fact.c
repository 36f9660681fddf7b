#include "archive/fact.h"

#include "archive/policy.h"
#include "ledger/record.h"

int fact_add(struct meta_lifecycle *t, const char *daemon, struct ledger_fact *f, struct err *e)
{
	CLEANUP(buf_deinit) struct buf record = BUF_INIT(LEDGER_FACT_MAX);
	uint8_t nonce[LEDGER_NONCE_SIZE], leaf[SHA256_SIZE];
	struct ledger_fact full = *f;

	full.daemon = (char *)(uintptr_t)daemon;
	full.daemon_seq = meta_lifecycle_seq(t);
	full.clock_state = policy_clock_state();
	if (ledger_fact_encode(&record, &full))
		return err_permanent(e, "ledger_fact_encode() failed: the fact is over %d bytes", LEDGER_FACT_MAX);
	ledger_nonce(nonce);
	ledger_leaf(leaf, nonce, record.data, record.len);
	return meta_lifecycle_fact(t, &f->archive_id, nonce, leaf, record.data, record.len, e);
}
