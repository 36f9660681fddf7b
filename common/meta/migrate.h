/* migrate: the version of a database's schema against this program's. */
#ifndef META_MIGRATE_H
#define META_MIGRATE_H

#include "meta/sql.h"

/* Brings the database up to this program's version, a transaction a migration. Refuses a newer one. */
int migrate_up(struct sql_db *db, const char *name, struct err *e) MUST_CHECK;

/* -1 permanent unless the database has exactly this program's version; says what to do. */
int migrate_check(struct sql_db *db, const char *name, struct err *e) MUST_CHECK;

#endif
