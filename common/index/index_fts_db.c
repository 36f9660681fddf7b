#include "index/index_fts_db.h"

#include "base/fault.h"
#include "index/index_fts_damage.h"
#include "index/index_fts_terms.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define APPLICATION_ID 0x53524958 /* "SRIX" */
#define BUSY_TIMEOUT_MS 5000

/* Pages of the write-ahead log. Where it is due its pages are moved into the file while others go on reading and writing;
 * it starts again from its beginning only when all were moved, for which, where it is long, the others are kept waiting. */
#define LOG_DUE 4000
#define LOG_LONG 16000

#define STRING(x) #x
#define NUMBER(x) STRING(x)

/* The body comes first: FTS5 spends two bytes fewer on every word of its first column. Beginnings of up to three
 * letters have indexes of their own; index_fts_terms.h knows how longer ones are found, and why. */
static const char schema[] =
	"PRAGMA journal_mode = WAL;"
	"BEGIN IMMEDIATE;"
	"PRAGMA application_id = " NUMBER(APPLICATION_ID) ";"
	"PRAGMA user_version = " NUMBER(FTS_SCHEMA_VERSION) ";"
	"CREATE TABLE doc ("
	"	row INTEGER PRIMARY KEY,"
	"	id BLOB NOT NULL UNIQUE,"
	"	date_us INTEGER NOT NULL,"
	"	size INTEGER NOT NULL,"
	"	mailboxes BLOB NOT NULL," /* digests, as in the column scope */
	"	links BLOB NOT NULL,"	  /* the same */
	"	facets BLOB NOT NULL"	  /* fts_pack_facets() */
	") STRICT;"
	"CREATE TABLE text (row INTEGER PRIMARY KEY, subject TEXT NOT NULL, body TEXT NOT NULL) STRICT;"
	"CREATE VIRTUAL TABLE words USING fts5 ("
	"	body, \"from\", \"to\", cc, bcc, envelope, subject, attachment, message_id, scope,"
	"	content = '', tokenize = 'strongroom', prefix = '1 2 3'"
	");"
	"CREATE TABLE gone (row INTEGER PRIMARY KEY) STRICT;"
	"CREATE TABLE term (term BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;"
	"CREATE TABLE made (at_us INTEGER NOT NULL) STRICT;"
	"INSERT INTO made (at_us) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) * 1000;"
	"COMMIT;";

static const char *const sql_text[SQL_COUNT] = {
	[SQL_BEGIN] = "BEGIN",
	[SQL_BEGIN_WRITE] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_FIND_ID] = "SELECT row FROM doc WHERE id = ?1",
	[SQL_ROW_TAKEN] = "SELECT 1 FROM doc WHERE row = ?1 UNION ALL SELECT 1 FROM gone WHERE row = ?1",
	[SQL_ADD_DOC] = ("INSERT INTO doc (row, id, date_us, size, mailboxes, links, facets)"
			 " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"),
	[SQL_ADD_TEXT] = "INSERT INTO text (row, subject, body) VALUES (?1, ?2, ?3)",
	[SQL_ADD_WORDS] = ("INSERT INTO words (rowid, \"from\", \"to\", cc, bcc, envelope, subject, body, attachment,"
			   " message_id, scope) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"),
	[SQL_ADD_GONE] = "INSERT INTO gone (row) VALUES (?1)",
	[SQL_REMOVE_DOC] = "DELETE FROM doc WHERE row = ?1",
	[SQL_REMOVE_TEXT] = "DELETE FROM text WHERE row = ?1",
	[SQL_ADD_TERM] = "INSERT OR IGNORE INTO term (term) VALUES (?1)",
	[SQL_DOC] = "SELECT size, date_us, mailboxes FROM doc WHERE row = ?1",
	[SQL_HIT] = "SELECT id, subject, body FROM doc JOIN text USING (row) WHERE row = ?1",
	[SQL_LINKS] = "SELECT id, links FROM doc WHERE row = ?1",
	[SQL_FACETS] = "SELECT date_us, mailboxes, facets FROM doc WHERE row = ?1",
	[SQL_MADE] = "SELECT at_us FROM made",
	[SQL_DOCS] = "SELECT row FROM doc WHERE row BETWEEN ?2 AND ?3 ORDER BY row DESC",
	[SQL_MATCH] = ("SELECT rowid FROM words WHERE words MATCH ?1 AND rowid BETWEEN ?2 AND ?3"
		       " AND NOT EXISTS (SELECT 1 FROM gone WHERE gone.row = words.rowid) ORDER BY rowid DESC"),
	[SQL_MATCH_ALL] = "SELECT rowid FROM words WHERE words MATCH ?1 AND rowid BETWEEN ?2 AND ?3 ORDER BY rowid DESC",
	[SQL_ANY_GONE] = "SELECT EXISTS (SELECT 1 FROM gone)",
	[SQL_TERMS] = "SELECT term FROM term WHERE term >= ?1 AND term < ?2",
	[SQL_COUNT_DOCS] = "SELECT count(*) FROM doc",
	[SQL_COUNT_GONE] = "SELECT count(*) FROM gone",
	[SQL_ANY_DOC] = "SELECT count(*) FROM (SELECT 1 FROM doc LIMIT 1)",
	[SQL_REBUILD_BEGIN] = "CREATE TABLE rebuild (only INTEGER PRIMARY KEY, done BLOB NOT NULL, version TEXT NOT NULL) STRICT",
	[SQL_REBUILD_NOTE] = "INSERT OR REPLACE INTO rebuild (only, done, version) VALUES (1, ?1, ?2)",
	[SQL_REBUILD_DONE] = "SELECT done FROM rebuild WHERE version = ?1",
	[SQL_REBUILD_END] = "DROP TABLE IF EXISTS rebuild",
};

#define REMEDY "; strongroom-workerd or `strongroom reindex` makes the index anew"

/* Damaged or gone is permanent: waiting does not help, only a rebuild does. */
int fts_db_fail(const struct fts_db *db, const char *operation, struct err *e)
{
	int code = sqlite3_errcode(db->sql) & 0xff;
	bool gone = code == SQLITE_CANTOPEN && sqlite3_system_errno(db->sql) == ENOENT;

	if (gone)
		return err_permanent(e, "%s(%s) failed: there is no such file" REMEDY, operation, db->path);
	if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) {
		err_permanent(e, "%s(%s) failed: %s" REMEDY, operation, db->path, sqlite3_errmsg(db->sql));
		if (!db->file.ino || fts_db_is_current(db)) /* not of a file that was replaced meanwhile */
			fts_damage_note(db->path);
		return -1;
	}
	return err_temporary(e, "%s(%s) failed: %s", operation, db->path, sqlite3_errmsg(db->sql));
}

int fts_db_missing(const struct fts_db *db, struct err *e)
{
	if (fts_db_is_current(db))
		fts_damage_note(db->path);
	return err_temporary(e, "search(%s) failed: a document is missing; `strongroom reindex` makes the index anew", db->path);
}

/* ---- statements ---- */

sqlite3_stmt *fts_db_prepare(struct fts_db *db, enum fts_sql which, struct err *e)
{
	sqlite3_stmt *s = NULL;

	if (sqlite3_prepare_v3(db->sql, sql_text[which], -1, SQLITE_PREPARE_PERSISTENT, &s, NULL) != SQLITE_OK) {
		fts_db_fail(db, "prepare", e);
		return NULL;
	}
	return s;
}

sqlite3_stmt *fts_db_statement(struct fts_db *db, enum fts_sql which, struct err *e)
{
	sqlite3_stmt **s = &db->statements[which];

	if (!*s)
		return *s = fts_db_prepare(db, which, e);
	sqlite3_reset(*s);
	sqlite3_clear_bindings(*s);
	return *s;
}

int fts_db_run(struct fts_db *db, enum fts_sql which, struct err *e)
{
	sqlite3_stmt *s = fts_db_statement(db, which, e);

	if (!s)
		return -1;
	if (sqlite3_step(s) != SQLITE_DONE) {
		fts_db_fail(db, sql_text[which], e);
		sqlite3_reset(s);
		return -1;
	}
	sqlite3_reset(s);
	return 0;
}

static int execute(struct fts_db *db, const char *sql, struct err *e)
{
	if (sqlite3_exec(db->sql, sql, NULL, NULL, NULL) != SQLITE_OK)
		return fts_db_fail(db, "open", e);
	return 0;
}

int fts_db_checkpoint(struct fts_db *db, struct err *e)
{
	int left = 0, done = 0;

	if (sqlite3_wal_checkpoint_v2(db->sql, NULL, SQLITE_CHECKPOINT_TRUNCATE, &left, &done) != SQLITE_OK)
		return fts_db_fail(db, "checkpoint", e);
	return 0;
}

int fts_db_sync(struct fts_db *db, struct err *e)
{
	sqlite3_file *log = NULL;

	if (sqlite3_file_control(db->sql, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) != SQLITE_OK || !log->pMethods)
		return fts_db_fail(db, "sync", e);
	if (FAULT("index-sync") || log->pMethods->xSync(log, SQLITE_SYNC_NORMAL) != SQLITE_OK) {
		fts_damage_note(db->path); /* nobody knows what of it is on the disk, and the next sync would not tell */
		return err_permanent(e, "sync(%s-wal) failed: %s" REMEDY, db->path, strerror(errno));
	}
	if (db->log_pages < LOG_DUE)
		return 0;
	int mode = db->log_pages < LOG_LONG ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_RESTART;
	int rc = sqlite3_wal_checkpoint_v2(db->sql, NULL, mode, NULL, NULL);

	db->log_pages = 0;
	return rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY ? 0 : fts_db_fail(db, "checkpoint", e);
}

/* ---- opening ---- */

/* Takes the place of SQLite's own hook, which would move pages inside a commit that somebody may be waiting for. */
static int note_log(void *arg, sqlite3 *sql, const char *name, int pages)
{
	struct fts_db *db = arg;

	(void)sql, (void)name;
	db->log_pages = pages;
	return SQLITE_OK;
}

static int open_handle(struct fts_db *db, int flags, struct err *e)
{
	int persist = 1;

	if (sqlite3_open_v2(db->path, &db->sql, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL) != SQLITE_OK ||
		fts_tokens_register(db->sql) != SQLITE_OK)
		return fts_db_fail(db, "open", e);
	sqlite3_busy_timeout(db->sql, BUSY_TIMEOUT_MS);
	/* The last one to close must not remove the log by name: the name may belong to a rebuilt index by then. */
	sqlite3_file_control(db->sql, "main", SQLITE_FCNTL_PERSIST_WAL, &persist);
	/* Debian's SQLite overwrites what is deleted, at the cost of reading and logging it. FTS5 deletes only when it
	 * merges, and then the same words are still in the file. */
	return execute(db, "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA secure_delete = OFF;", e);
}

static int read_number(struct fts_db *db, const char *sql, int *value_r, struct err *e)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(db->sql, sql, -1, &s, NULL);

	if (rc == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW) {
		*value_r = sqlite3_column_int(s, 0);
		sqlite3_finalize(s);
		return 0;
	}
	fts_db_fail(db, "open", e);
	sqlite3_finalize(s);
	return -1;
}

static int check_version(struct fts_db *db, struct err *e)
{
	int application, version, documents;

	if (read_number(db, "PRAGMA application_id", &application, e) ||
		read_number(db, "PRAGMA user_version", &version, e))
		return -1;
	if (application != APPLICATION_ID || version != FTS_SCHEMA_VERSION)
		return err_permanent(e, "open(%s) failed: not an index of this version of Strongroom" REMEDY, db->path);
	return read_number(db, sql_text[SQL_ANY_DOC], &documents, e);
}

static int configure(struct fts_db *db, enum fts_access access, struct err *e)
{
	static const char *const settings[] = {
		[FTS_READ] = "PRAGMA query_only = ON; PRAGMA cache_size = -32768;",
		[FTS_WRITE] = "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -8192; PRAGMA journal_size_limit = 67108864;",
		[FTS_BUILD] = "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 16384;",
	};

	if (access == FTS_WRITE)
		sqlite3_wal_hook(db->sql, note_log, db);
	return execute(db, settings[access], e);
}

static struct fts_file file_at(const char *path, const char *suffix)
{
	_free_ char *name = mem_printf("%s%s", path, suffix);
	struct stat st;

	if (stat(name, &st))
		return (struct fts_file){ 0 };
	return (struct fts_file){ .dev = st.st_dev, .ino = st.st_ino };
}

static bool is_same(struct fts_file a, struct fts_file b)
{
	return a.dev == b.dev && a.ino == b.ino && a.ino;
}

int fts_db_open(struct fts_db **db_r, const char *path, enum fts_access access, struct err *e)
{
	struct fts_db *db = MEM_NEW(struct fts_db);

	db->path = mem_strdup(path);
	db->tokenizer = tokenizer_new();
	*db_r = NULL;
	if (open_handle(db, SQLITE_OPEN_READWRITE, e) || configure(db, access, e) || check_version(db, e)) {
		fts_db_closep(&db);
		return -1;
	}
	db->file = file_at(path, "");
	db->log = file_at(path, "-wal"); /* there since the first read */
	*db_r = db;
	return 0;
}

void fts_db_closep(struct fts_db **db)
{
	struct fts_db *d = *db;

	if (!d)
		return;
	for (size_t i = 0; i < SQL_COUNT; i++)
		sqlite3_finalize(d->statements[i]);
	sqlite3_close(d->sql);
	tokenizer_freep(&d->tokenizer);
	fts_terms_known_freep(&d->known);
	free(d->path);
	free(d);
	*db = NULL;
}

bool fts_db_is_current(const struct fts_db *db)
{
	return is_same(db->file, file_at(db->path, "")) && is_same(db->log, file_at(db->path, "-wal"));
}

/* ---- making and removing ---- */

int fts_db_create(const char *path, struct err *e)
{
	CLEANUP(fts_db_closep) struct fts_db *db = NULL;
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0660);

	if (fd < 0)
		return err_errno(e, "create", path);
	close(fd); /* before SQLite opens it: closing drops the locks of the whole process */
	fts_db_unlink_logs(path);
	db = MEM_NEW(struct fts_db);
	db->path = mem_strdup(path);
	if (open_handle(db, SQLITE_OPEN_READWRITE, e) || execute(db, schema, e) || fts_db_checkpoint(db, e)) {
		fts_db_unlink(path);
		return -1;
	}
	return 0;
}

static void unlink_beside(const char *path, const char *suffix)
{
	_free_ char *name = mem_printf("%s%s", path, suffix);

	unlink(name);
}

void fts_db_unlink_logs(const char *path)
{
	unlink_beside(path, "-wal");
	unlink_beside(path, "-shm");
	unlink_beside(path, "-journal");
}

void fts_db_unlink(const char *path)
{
	unlink_beside(path, "");
	fts_db_unlink_logs(path);
}
