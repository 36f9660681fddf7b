/* index_fts_db: one connection to one file of the embedded index, and all SQL that is run on it.
 *
 *	doc	one row a message; its number orders by date (index_fts_row.h)
 *	text	the subject and the beginning of the body, for snippets
 *	words	FTS5 without content: the tokens of index/tokenize.h, a column a field, and the column `scope` with
 *		tokens that no text can give: participants' mailboxes, has:attachment, size classes, marks, links
 *	gone	rows of messages that were removed: their words stay until the file is built anew, and are never found
 *	term	the tokens of all columns but scope, once each (index_fts_terms.h)
 *	made	one row: when this file was begun
 *	rebuild	while it is being built: how far, by which version
 *
 * FTS5 is given finished tokens (fts_tokens_*), so that all work on text happens outside SQLite and its locks.
 * A connection belongs to one thread at a time. */
#ifndef INDEX_INDEX_FTS_DB_H
#define INDEX_INDEX_FTS_DB_H

#include "base/err.h"
#include "index/tokenize.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <sys/types.h>

enum fts_sql {
	SQL_BEGIN,
	SQL_BEGIN_WRITE,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_FIND_ID,
	SQL_ROW_TAKEN,
	SQL_ADD_DOC,
	SQL_ADD_TEXT,
	SQL_ADD_WORDS,
	SQL_ADD_GONE,
	SQL_REMOVE_DOC,
	SQL_REMOVE_TEXT,
	SQL_ADD_TERM,
	SQL_DOC,
	SQL_HIT,
	SQL_LINKS,
	SQL_FACETS,
	SQL_MADE,
	SQL_DOCS,
	SQL_MATCH,
	SQL_MATCH_ALL, /* while nothing is gone */
	SQL_ANY_GONE,
	SQL_TERMS,
	SQL_COUNT_DOCS,
	SQL_COUNT_GONE,
	SQL_ANY_DOC,
	SQL_REBUILD_BEGIN,
	SQL_REBUILD_NOTE,
	SQL_REBUILD_DONE,
	SQL_REBUILD_END,
	SQL_COUNT /* how many there are */
};

#define FTS_SCHEMA_VERSION 4

enum fts_access {
	FTS_READ,
	FTS_WRITE, /* what is committed is durable after fts_db_sync(), which keeps the log short too */
	FTS_BUILD, /* after a checkpoint it is */
};

struct fts_db {
	sqlite3 *sql;
	char *path;
	struct fts_file {
		dev_t dev;
		ino_t ino;
	} file, log;	 /* as opened */
	sqlite3_stmt *statements[SQL_COUNT];
	struct tokenizer *tokenizer;
	struct fts_terms_known *known; /* while it is written to */
	int log_pages;	     /* of a writer: in the write-ahead log when it last committed */
	struct fts_db *next; /* in a list of idle connections */
};

#define FTS_TOKEN_NEXT '\x1f' /* before a token at the next position */
#define FTS_TOKEN_SAME '\x1e' /* before a token at the position of the one before it */

struct fts_token {
	const char *text; /* not terminated */
	size_t len;	  /* 1 .. */
	bool same;	  /* at the position of the one before it */
};

/* The token at *at of a column, which moves behind it; false at the end. */
bool fts_tokens_next(struct fts_token *t_r, const char *column, size_t n, size_t *at);

/* Makes an empty index in a file that must not exist. -1 temporary; nothing is left behind then. */
int fts_db_create(const char *path, struct err *e) MUST_CHECK;

/* -1 temporary: missing, corrupt, not an index of this version; the text says what to do. */
int fts_db_open(struct fts_db **db_r, const char *path, enum fts_access access, struct err *e) MUST_CHECK;
void fts_db_closep(struct fts_db **db);

/* Are the file and the write-ahead log that this connection has open still those of that name? */
bool fts_db_is_current(const struct fts_db *db);

/* The statement, reset and unbound, kept for the life of the connection; NULL with *e set. */
sqlite3_stmt *fts_db_statement(struct fts_db *db, enum fts_sql which, struct err *e) MUST_CHECK;

/* A statement of the caller's own, who finalizes it; NULL with *e set. */
sqlite3_stmt *fts_db_prepare(struct fts_db *db, enum fts_sql which, struct err *e) MUST_CHECK;

/* Steps a statement that gives no rows, to its end. */
int fts_db_run(struct fts_db *db, enum fts_sql which, struct err *e) MUST_CHECK;

/* Makes durable what anybody committed before; where the write-ahead log has become long it is moved into the file. -1
 * permanent: the system could not write, the file counts as damaged. */
int fts_db_sync(struct fts_db *db, struct err *e) MUST_CHECK;

/* Empties the write-ahead log into the file. */
int fts_db_checkpoint(struct fts_db *db, struct err *e) MUST_CHECK;

/* -1 temporary, with SQLite's words and, for a corrupt file, the remedy. */
int fts_db_fail(const struct fts_db *db, const char *operation, struct err *e);

/* The same for a row that other tables know and `doc` does not. */
int fts_db_missing(const struct fts_db *db, struct err *e);

/* Removes a file of this kind with all that SQLite keeps beside it. */
void fts_db_unlink(const char *path);
void fts_db_unlink_logs(const char *path);

/* Tells FTS5 on this connection about the tokenizer `strongroom`. SQLite's result code. */
int fts_tokens_register(sqlite3 *sql);

#endif
