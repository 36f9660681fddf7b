/* fact: writes down what happened to a message, with its leaf for the ledger. */
#ifndef ARCHIVE_FACT_H
#define ARCHIVE_FACT_H

#include "ledger/fact.h"
#include "meta/lifecycle.h"

/* Adds it to the transaction; its daemon (as of the transaction), number, and the clock's state are filled in. */
int fact_add(struct meta_lifecycle *t, const char *daemon, struct ledger_fact *f, struct err *e) MUST_CHECK;

#endif
