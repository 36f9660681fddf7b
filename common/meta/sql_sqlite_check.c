#include "meta/sql_sqlite_check.h"

#include "base/strv.h"
#include "meta/schema.h"
#include "meta/sql_sqlite_script.h"

#include <string.h>

static const char restore[] = "stop the daemons, keep a copy of the file, and restore it from a backup";
static const char altered[] = "find out who altered the database; then restore it from a backup";

struct check {
	const char *path;
	struct sql_findings *f;
};

static const char *text_of(sqlite3_stmt *st, int column)
{
	const char *text = (const char *)sqlite3_column_text(st, column);

	return text ? text : "";
}

/* One answer of SQLite's may have several lines, below a heading. */
static void tell_lines(struct check *c, const char *text)
{
	struct strv lines = { 0 };

	strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.n; i++)
		if (strncmp(lines.items[i], "***", 3) != 0 && strcmp(lines.items[i], "ok") != 0)
			sql_fault(c->f, restore, "%s is damaged: %s", c->path, lines.items[i]);
	strv_deinit(&lines);
}

static int check_pages(struct check *c, sqlite3 *db)
{
	sqlite3_stmt *st = NULL;
	int code = sqlite3_prepare_v2(db, "PRAGMA quick_check(10)", -1, &st, NULL);

	while (code == SQLITE_OK || code == SQLITE_ROW) {
		code = sqlite3_step(st);
		if (code == SQLITE_ROW)
			tell_lines(c, text_of(st, 0));
	}
	sqlite3_finalize(st);
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* ---- the schema ---- */

/* Its tables, indexes and triggers, made afresh. Caller closes, whatever the result. */
static int make_reference(sqlite3 **db_r, const char *name)
{
	size_t n;
	const struct migration *migrations = schema_migrations(name, &n);
	int code = sqlite3_open(":memory:", db_r);

	for (size_t i = 0; code == SQLITE_OK && i < n; i++)
		code = sqlite_script(*db_r, migrations[i].sql);
	return code;
}

static int prepare_look_up(sqlite3 *db, sqlite3_stmt **st_r)
{
	return sqlite3_prepare_v2(db, "SELECT sql FROM sqlite_master WHERE type = ? AND name = ?",
		-1, st_r, NULL);
}

enum likeness { SAME, DIFFERENT, ABSENT };

/* How does what look_up finds of the object that `row` (type, name, sql) is at compare with it? */
static enum likeness compare_object(sqlite3_stmt *row, sqlite3_stmt *look_up)
{
	enum likeness likeness = ABSENT;

	sqlite3_bind_text(look_up, 1, text_of(row, 0), -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(look_up, 2, text_of(row, 1), -1, SQLITE_TRANSIENT);
	if (sqlite3_step(look_up) == SQLITE_ROW)
		likeness = strcmp(text_of(row, 2), text_of(look_up, 0)) == 0 ? SAME : DIFFERENT;
	sqlite3_reset(look_up);
	return likeness;
}

/* Tells of each object in `from` that is not the same in `in`; says[likeness] NULL says nothing. */
static int compare(struct check *c, sqlite3 *from, sqlite3 *in, const char *const says[])
{
	sqlite3_stmt *row = NULL, *look_up = NULL;
	int code = prepare_look_up(in, &look_up);

	if (code == SQLITE_OK)
		code = sqlite3_prepare_v2(from, "SELECT type, name, sql FROM sqlite_master"
						" WHERE name NOT LIKE 'sqlite_%'", -1, &row, NULL);
	while (code == SQLITE_OK || code == SQLITE_ROW) {
		code = sqlite3_step(row);
		const char *what = code == SQLITE_ROW ? says[compare_object(row, look_up)] : NULL;

		if (what)
			sql_fault(c->f, altered, "%s: %s %s %s", c->path, text_of(row, 0), text_of(row, 1),
				what);
	}
	sqlite3_finalize(row);
	sqlite3_finalize(look_up);
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int check_schema(struct check *c, sqlite3 *db, const char *name)
{
	static const char *const of_ours[] = {
		[DIFFERENT] = "was altered",
		[ABSENT] = "is missing",
	};
	static const char *const of_theirs[] = {
		[DIFFERENT] = NULL, /* told already */
		[ABSENT] = "is not part of this schema",
	};
	sqlite3 *reference = NULL;
	int code = make_reference(&reference, name);

	if (code == SQLITE_OK)
		code = compare(c, reference, db, of_ours);
	if (code == SQLITE_OK)
		code = compare(c, db, reference, of_theirs);
	sqlite3_close(reference);
	return code;
}

int sqlite_check_file(sqlite3 *db, const char *path, const char *name, struct sql_findings *f)
{
	struct check c = { .path = path, .f = f };
	int code = check_pages(&c, db);

	if (code == SQLITE_OK)
		code = check_schema(&c, db, name);
	if ((code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB) {
		sql_fault(f, restore, "%s is damaged: %s", path, sqlite3_errmsg(db));
		return SQLITE_OK;
	}
	if (code == SQLITE_OK && f->faults == 0) {
		_free_ char *sound = mem_printf("%s is sound", path);

		f->report(f->ctx, sound, NULL);
	}
	return code;
}
