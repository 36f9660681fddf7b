/* fact_check: is a later fact what the ledger has committed to? */
#ifndef ARCHIVE_FACT_CHECK_H
#define ARCHIVE_FACT_CHECK_H

#include "ledger/fact.h"
#include "meta/fact_read.h"

/* NULL with *f_r (caller deinits) when it is what was committed to, in its place; else what is wrong with it. */
const char *fact_read(const struct meta_fact *row, struct ledger_fact *f_r);

/* Does it say that its message was disposed of by this disposition? */
bool fact_disposes(const struct ledger_fact *f, const struct uuid *disposition);

#endif
