/* sql_sqlite_script: the schema's SQL as SQLite reads it. For the sql_sqlite files only. */
#ifndef META_SQL_SQLITE_SCRIPT_H
#define META_SQL_SQLITE_SCRIPT_H

#include <sqlite3.h>

/* Runs statements in which what only SQLite reads is marked (schema/0001_capture.sql). An SQLite result code. */
int sqlite_script(sqlite3 *db, const char *text);

#endif
