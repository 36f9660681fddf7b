/* sql_sqlite_check: is a database file sound, and is its schema the one that this program made? For sql_sqlite.c only. */
#ifndef META_SQL_SQLITE_CHECK_H
#define META_SQL_SQLITE_CHECK_H

#include "meta/sql_driver.h"

#include <sqlite3.h>

/* Reports what sql_check() says. An SQLite result code: not SQLITE_OK when it could not be checked. */
int sqlite_check_file(sqlite3 *db, const char *path, const char *name, struct sql_findings *f);

#endif
