#include "archive/fact_check.h"

#include "ledger/record.h"

#include <string.h>

const char *fact_read(const struct meta_fact *row, struct ledger_fact *f_r)
{
	const struct meta_record *l = &row->ledger;
	uint8_t leaf[SHA256_SIZE];

	ledger_leaf(leaf, l->nonce, l->record, l->record_length);
	if (memcmp(leaf, l->leaf, SHA256_SIZE) != 0)
		return "a later fact and its nonce do not give its leaf";
	if (ledger_fact_decode(f_r, l->record, l->record_length))
		return "a later fact can't be read";
	if (memcmp(&f_r->archive_id, &row->message_id, UUID_SIZE) == 0 && strcmp(f_r->daemon, l->daemon) == 0 &&
		f_r->daemon_seq == l->seq)
		return NULL;
	ledger_fact_deinit(f_r);
	return "the row of a later fact differs from what the fact says";
}

bool fact_disposes(const struct ledger_fact *f, const struct uuid *disposition)
{
	return f->kind == LEDGER_FACT_DISPOSED && memcmp(&f->cause, disposition, UUID_SIZE) == 0;
}
