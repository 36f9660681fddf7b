#include "index/index_fts.h"

#include "base/buf.h"
#include "base/fault.h"
#include "index/index_fts_gate.h"
#include "index/index_fts_row.h"
#include "index/index_fts_scope.h"
#include "index/index_fts_terms.h"
#include "index/marks.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#define TEXT_FIELDS 9			/* of enum query_field */
#define COLUMNS (TEXT_FIELDS + 1)	/* and scope */
#define COLUMN_MAX (64u * 1024 * 1024)	/* bytes of tokens; four times the most text there is */

/* A document made ready outside all locks. */
struct prepared {
	const struct index_doc *doc;
	int64_t row; /* where it will stand unless that is taken */
	struct buf columns[COLUMNS];
	struct buf mailboxes, links; /* digests */
	struct buf facets;
};

/* ---- preparing ---- */

/* A column that is full takes no more: what was read up to there is found. */
static void add_token(struct buf *column, char separator, const char *text, size_t len)
{
	if (buf_add_char(column, separator) == 0 && buf_add(column, text, len))
		column->data[--column->len] = '\0';
}

static int take_token(void *arg, const struct token *t)
{
	add_token(arg, token_is_beside(t->kind) ? FTS_TOKEN_SAME : FTS_TOKEN_NEXT, t->text, t->len);
	return 0;
}

static void add_mark(struct buf *column, const char *token)
{
	add_token(column, FTS_TOKEN_NEXT, token, strlen(token));
}

static void prepare_scope(struct prepared *p)
{
	struct buf *column = &p->columns[TEXT_FIELDS];
	const struct strv *list = p->doc->mailboxes;
	char token[FTS_TOKEN_SIZE];

	if (p->doc->has_attachment)
		add_mark(column, FTS_TOKEN_ATTACHMENT);
	add_mark(column, fts_size_token(token, fts_size_class(p->doc->size)));
	if (p->doc->marks & MARK_TRUNCATED)
		add_mark(column, FTS_TOKEN_TRUNCATED);
	if (p->doc->marks & MARK_UNREADABLE)
		add_mark(column, FTS_TOKEN_UNREADABLE);
	for (size_t i = 0; list && i < list->n; i++) {
		uint8_t digest[MAILBOX_DIGEST_SIZE];

		mailbox_digest(digest, list->items[i]);
		if (buf_add(&p->mailboxes, digest, sizeof(digest)) == 0)
			add_mark(column, fts_mailbox_token(token, digest));
	}
}

static void prepare_links(struct prepared *p)
{
	const struct strv *ids = p->doc->ids;
	char token[FTS_TOKEN_SIZE];

	for (size_t i = 0; ids && i < ids->n; i++) {
		struct link l = link_of(ids->items[i]);

		if (buf_add(&p->links, &l, sizeof(l)) == 0)
			add_mark(&p->columns[TEXT_FIELDS], fts_link_token(token, &l));
	}
}

static void prepare(struct prepared *p, struct tokenizer *t, const struct index_doc *d)
{
	const char *texts[TEXT_FIELDS] = { d->from, d->to, d->cc, d->bcc, d->envelope, d->subject, d->body,
		d->attachment_names, d->message_id };

	p->doc = d;
	p->row = fts_row_of(d->date_us, &d->id, 0);
	p->mailboxes.max = p->links.max = p->facets.max = COLUMN_MAX;
	for (size_t i = 0; i < COLUMNS; i++)
		p->columns[i].max = COLUMN_MAX;
	for (size_t i = 0; i < TEXT_FIELDS; i++)
		if (texts[i])
			tokenize(t, texts[i], strlen(texts[i]), take_token, &p->columns[i]);
	prepare_scope(p);
	prepare_links(p);
	fts_pack_facets(&p->facets, d);
}

static int compare_rows(const void *a, const void *b)
{
	int64_t x = ((const struct prepared *)a)->row, y = ((const struct prepared *)b)->row;

	return x < y ? -1 : x > y;
}

/* Sorted by row: FTS5 writes a segment of its own whenever the numbers fall. */
static struct prepared *prepare_all(const struct index_doc *docs, size_t n)
{
	struct prepared *list = MEM_ARRAY(struct prepared, n);
	CLEANUP(tokenizer_freep) struct tokenizer *t = tokenizer_new();

	for (size_t i = 0; i < n; i++)
		prepare(&list[i], t, &docs[i]);
	qsort(list, n, sizeof(*list), compare_rows);
	return list;
}

static void free_prepared(struct prepared *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < COLUMNS; k++)
			buf_deinit(&list[i].columns[k]);
		buf_deinit(&list[i].mailboxes);
		buf_deinit(&list[i].links);
		buf_deinit(&list[i].facets);
	}
	free(list);
}

/* ---- writing; inside a transaction ---- */

static int finish(struct fts_db *db, sqlite3_stmt *s, struct err *e)
{
	int rc = sqlite3_step(s);

	if (rc != SQLITE_DONE)
		fts_db_fail(db, "index_add", e);
	sqlite3_reset(s);
	return rc == SQLITE_DONE ? 0 : -1;
}

/* 1 when there is such a row, 0 when not. */
static int look(struct fts_db *db, sqlite3_stmt *s, struct err *e)
{
	int rc = sqlite3_step(s);

	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		fts_db_fail(db, "index_add", e);
	sqlite3_reset(s);
	return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : -1;
}

static int is_known(struct fts_db *db, const struct uuid *id, struct err *e)
{
	sqlite3_stmt *s = fts_db_statement(db, SQL_FIND_ID, e);

	if (!s)
		return -1;
	sqlite3_bind_blob(s, 1, id->bytes, UUID_SIZE, SQLITE_STATIC);
	return look(db, s, e);
}

static int choose_row(struct fts_db *db, struct prepared *p, struct err *e)
{
	for (unsigned tried = 0;; tried++) {
		sqlite3_stmt *s = fts_db_statement(db, SQL_ROW_TAKEN, e);

		if (!s)
			return -1;
		p->row = fts_row_of(p->doc->date_us, &p->doc->id, tried);
		sqlite3_bind_int64(s, 1, p->row);
		int taken = look(db, s, e);

		if (taken <= 0)
			return taken;
	}
}

static void bind_buf(sqlite3_stmt *s, int at, const struct buf *b)
{
	sqlite3_bind_blob64(s, at, b->len ? b->data : "", b->len, SQLITE_STATIC);
}

static int add_doc(struct fts_db *db, const struct prepared *p, struct err *e)
{
	sqlite3_stmt *s = fts_db_statement(db, SQL_ADD_DOC, e);

	if (!s)
		return -1;
	sqlite3_bind_int64(s, 1, p->row);
	sqlite3_bind_blob(s, 2, p->doc->id.bytes, UUID_SIZE, SQLITE_STATIC);
	sqlite3_bind_int64(s, 3, p->doc->date_us);
	sqlite3_bind_int64(s, 4, p->doc->size > INT64_MAX ? INT64_MAX : (int64_t)p->doc->size);
	bind_buf(s, 5, &p->mailboxes);
	bind_buf(s, 6, &p->links);
	bind_buf(s, 7, &p->facets);
	return finish(db, s, e);
}

static int add_text(struct fts_db *db, const struct prepared *p, struct err *e)
{
	const char *subject = p->doc->subject ? p->doc->subject : "", *body = p->doc->body ? p->doc->body : "";
	sqlite3_stmt *s = fts_db_statement(db, SQL_ADD_TEXT, e);

	if (!s)
		return -1;
	sqlite3_bind_int64(s, 1, p->row);
	sqlite3_bind_text(s, 2, subject, (int)marks_text_length(subject), SQLITE_STATIC);
	sqlite3_bind_text(s, 3, body, (int)marks_text_length(body), SQLITE_STATIC);
	return finish(db, s, e);
}

static int add_words(struct fts_db *db, const struct prepared *p, struct err *e)
{
	sqlite3_stmt *s = fts_db_statement(db, SQL_ADD_WORDS, e);

	if (!s)
		return -1;
	sqlite3_bind_int64(s, 1, p->row);
	for (int i = 0; i < COLUMNS; i++) {
		const struct buf *c = &p->columns[i];

		sqlite3_bind_text64(s, i + 2, c->len ? c->data : "", c->len, SQLITE_STATIC, SQLITE_UTF8);
	}
	return finish(db, s, e);
}

static int add_terms(struct fts_db *db, const struct prepared *p, struct err *e)
{
	for (int i = 0; i < TEXT_FIELDS; i++)
		if (fts_terms_add(db, p->columns[i].data, p->columns[i].len, e))
			return -1;
	return 0;
}

static int add_prepared(struct fts_db *db, struct prepared *list, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		int known = is_known(db, &list[i].doc->id, e);

		if (known < 0)
			return -1;
		if (known)
			continue;
		if (choose_row(db, &list[i], e) || add_doc(db, &list[i], e) || add_text(db, &list[i], e) ||
			add_words(db, &list[i], e) || add_terms(db, &list[i], e))
			return -1;
	}
	return 0;
}

static int run_on_row(struct fts_db *db, enum fts_sql which, int64_t row, struct err *e)
{
	sqlite3_stmt *s = fts_db_statement(db, which, e);

	if (!s)
		return -1;
	sqlite3_bind_int64(s, 1, row);
	return finish(db, s, e);
}

/* The words of a row can't be taken out of FTS5 without the text that gave them. The row is marked instead, and never given
 * to another message. */
static int remove_one(struct fts_db *db, const struct uuid *id, struct err *e)
{
	sqlite3_stmt *s = fts_db_statement(db, SQL_FIND_ID, e);

	if (!s)
		return -1;
	sqlite3_bind_blob(s, 1, id->bytes, UUID_SIZE, SQLITE_STATIC);
	int rc = sqlite3_step(s);
	int64_t row = rc == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;

	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		fts_db_fail(db, "index_remove", e);
	sqlite3_reset(s);
	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE ? 0 : -1;
	return run_on_row(db, SQL_ADD_GONE, row, e) || run_on_row(db, SQL_REMOVE_TEXT, row, e) ||
		run_on_row(db, SQL_REMOVE_DOC, row, e) ? -1 : 0;
}

static int remove_all(struct fts_db *db, const struct uuid *ids, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (remove_one(db, &ids[i], e))
			return -1;
	return 0;
}

/* What is written: one of both. */
struct change {
	struct prepared *added;
	const struct uuid *removed;
	size_t n;
};

/* One transaction. The connection can be used again whatever happened. */
static int write_all(struct fts_db *db, const struct change *change, struct err *e)
{
	struct err ignored;

	if (FAULT("index-add"))
		return err_temporary(e, "index_add(%s) failed: as the test asked", db->path);
	if (fts_db_run(db, SQL_BEGIN_WRITE, e))
		return -1;
	int rc = change->added ? add_prepared(db, change->added, change->n, e) : remove_all(db, change->removed, change->n, e);

	if (rc == 0 && FAULT("index-commit"))
		rc = err_temporary(e, "commit(%s) failed: as the test asked", db->path);
	if (rc == 0 && fts_db_run(db, SQL_COMMIT, e) == 0)
		return 0;
	fts_terms_forget(db);
	if (!sqlite3_get_autocommit(db->sql))
		(void)!fts_db_run(db, SQL_ROLLBACK, &ignored);
	return -1;
}

/* ---- which files ---- */

/* Under the write lock and the gate. */
static int writer_of(struct fts *f, struct err *e)
{
	if (f->writer && !fts_db_is_current(f->writer))
		fts_db_closep(&f->writer);
	return f->writer ? 0 : fts_db_open(&f->writer, f->path, FTS_WRITE, e);
}

/* While a rebuild is under way, what is captured goes into both files: the rebuild may have
 * passed it already. The new file is never kept open: it changes its name. */
static int change_rebuild(struct fts *f, const struct change *change, struct err *e)
{
	CLEANUP(fts_db_closep) struct fts_db *db = NULL;
	_free_ char *path = fts_rebuild_path(f->path);

	if (access(path, F_OK) || !fts_gate_is_held(f->gate, GATE_REBUILD))
		return 0;
	return fts_db_open(&db, path, FTS_WRITE, e) || write_all(db, change, e) ? -1 : 0;
}

static int enter_gate(struct fts *f, struct err *e)
{
	if (f->gate < 0 && fts_gate_open(&f->gate, f->path, e))
		return -1;
	return fts_gate_shared(f->gate, GATE_NAME, e);
}

static void leave_gate(struct fts *f, bool failed)
{
	if (failed)
		fts_db_closep(&f->writer); /* whatever was wrong with it, the next one begins afresh */
	fts_gate_unlock(f->gate, GATE_NAME);
}

static int change_locked(struct fts *f, const struct change *change, struct err *e)
{
	if (f->live) /* a rebuild's own file: nobody else replaces it */
		return f->writer ? write_all(f->writer, change, e) :
			err_temporary(e, "write(%s) failed: finishing the rebuild failed before", f->path);
	if (enter_gate(f, e))
		return -1;
	int rc = change_rebuild(f, change, e) || writer_of(f, e) || write_all(f->writer, change, e) ? -1 : 0;

	leave_gate(f, rc != 0);
	return rc;
}

static int sync_locked(struct fts *f, struct err *e)
{
	if (f->live)
		return 0; /* finishing the rebuild does it */
	if (enter_gate(f, e))
		return -1;
	int rc = writer_of(f, e) || fts_db_sync(f->writer, e) ? -1 : 0;

	leave_gate(f, rc != 0);
	return rc;
}

static int change(struct fts *f, const struct change *what, struct err *e)
{
	pthread_mutex_lock(&f->write_lock);
	int rc = change_locked(f, what, e);

	pthread_mutex_unlock(&f->write_lock);
	return rc;
}

int fts_add(struct index *i, const struct index_doc *docs, size_t n, struct err *e)
{
	struct prepared *list = prepare_all(docs, n);
	int rc = change(fts_of(i), &(struct change){ .added = list, .n = n }, e);

	free_prepared(list, n);
	return rc;
}

int fts_remove(struct index *i, const struct uuid *ids, size_t n, struct err *e)
{
	return change(fts_of(i), &(struct change){ .removed = ids, .n = n }, e);
}

int fts_sync(struct index *i, struct err *e)
{
	struct fts *f = fts_of(i);

	pthread_mutex_lock(&f->write_lock);
	int rc = sync_locked(f, e);

	pthread_mutex_unlock(&f->write_lock);
	return rc;
}
