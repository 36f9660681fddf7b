/* statements_table: the texts, by subject. For common/meta/statements*.c alone. */
#ifndef META_STATEMENTS_TABLE_H
#define META_STATEMENTS_TABLE_H

#include "meta/statements.h"

/* ((?)) is a list, which sql_add() and sql_bind_ids() fill; SQLite takes its one value at a time. */
struct statement_text {
	const char *name; /* NULL: it is in another table */
	const char *sql;
	const char *sqlite; /* NULL: the same */
};

extern const struct statement_text statements_access[STATEMENTS];
extern const struct statement_text statements_audit[STATEMENTS];
extern const struct statement_text statements_capture[STATEMENTS];
extern const struct statement_text statements_lifecycle[STATEMENTS];

#endif
