#include "index/index_fts_values.h"

#include "base/mem.h"

#include <search.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>

#define PLACES_FIRST ((size_t)1 << 12)

/* What a tree holds, by which a text is found; a key is one whose bytes belong to somebody else. */
struct text {
	uint32_t number;
	size_t n;
	const void *bytes;
};

/* Where a row stands; free while the value is not known. */
struct row {
	int64_t row;
	struct fts_value value;
};

struct fts_values {
	atomic_uint owners;
	struct fts_file file;
	uint64_t made_us;
	pthread_mutex_t lock; /* of what follows */
	uint64_t factor;      /* nobody who sends mail knows it, and so nobody chooses dates that meet in one place */
	struct row *rows;     /* places: a power of two, of which at most three quarters are used */
	size_t used, places;
	void *tree;
	struct text **texts; /* that of number k + 1 */
	size_t text_count;
	size_t bytes; /* of texts */
	bool full;
};

/* ---- the present ones ---- */

static struct fts_values *new_values(const struct fts_db *db, uint64_t made_us)
{
	struct fts_values *v = MEM_NEW(struct fts_values);

	atomic_init(&v->owners, 1);
	v->file = db->file;
	v->made_us = made_us;
	pthread_mutex_init(&v->lock, NULL);
	if (getrandom(&v->factor, sizeof(v->factor), 0) != sizeof(v->factor))
		abort();
	v->factor |= 1;
	v->places = PLACES_FIRST;
	v->rows = MEM_ARRAY(struct row, v->places);
	return v;
}

static void keep_node(void *node)
{
	(void)node; /* the texts are freed by their numbers */
}

void fts_values_freep(struct fts_values **values)
{
	struct fts_values *v = *values;

	*values = NULL;
	if (!v || atomic_fetch_sub(&v->owners, 1) > 1)
		return;
	tdestroy(v->tree, keep_node);
	for (size_t i = 0; i < v->text_count; i++)
		free(v->texts[i]);
	free(v->texts);
	free(v->rows);
	pthread_mutex_destroy(&v->lock);
	free(v);
}

void fts_values_init(struct fts_values_place *p)
{
	pthread_mutex_init(&p->lock, NULL);
	p->now = NULL;
}

void fts_values_deinit(struct fts_values_place *p)
{
	fts_values_freep(&p->now);
	pthread_mutex_destroy(&p->lock);
}

static bool is_full(struct fts_values *v)
{
	pthread_mutex_lock(&v->lock);
	bool full = v->full;

	pthread_mutex_unlock(&v->lock);
	return full;
}

/* A file of the same name may be another one, and a number of a file may come again. */
static bool is_of(const struct fts_values *v, const struct fts_db *db, uint64_t made_us)
{
	return v->made_us == made_us && v->file.dev == db->file.dev && v->file.ino == db->file.ino;
}

static int read_made(struct fts_db *db, uint64_t *made_r, struct err *e)
{
	sqlite3_stmt *s = fts_db_statement(db, SQL_MADE, e);

	if (!s)
		return -1;
	if (sqlite3_step(s) != SQLITE_ROW) {
		sqlite3_reset(s);
		return fts_db_fail(db, "search", e);
	}
	*made_r = (uint64_t)sqlite3_column_int64(s, 0);
	sqlite3_reset(s);
	return 0;
}

int fts_values_take(struct fts_values **v_r, struct fts_values_place *p, struct fts_db *db, struct err *e)
{
	uint64_t made_us = 0;

	if (read_made(db, &made_us, e))
		return -1;
	pthread_mutex_lock(&p->lock);
	if (!p->now || !is_of(p->now, db, made_us) || is_full(p->now)) {
		fts_values_freep(&p->now);
		p->now = new_values(db, made_us);
	}
	atomic_fetch_add(&p->now->owners, 1);
	*v_r = p->now;
	pthread_mutex_unlock(&p->lock);
	return 0;
}

/* ---- texts; the lock is held ---- */

static int compare_texts(const void *a, const void *b)
{
	const struct text *x = a, *y = b;

	if (x->n != y->n)
		return x->n < y->n ? -1 : 1;
	return memcmp(x->bytes, y->bytes, x->n);
}

static uint32_t add_text(struct fts_values *v, const void *bytes, size_t n)
{
	struct text *t = mem_alloc(sizeof(*t) + n, 1);
	void *copy = t + 1;

	memcpy(copy, bytes, n);
	*t = (struct text){ (uint32_t)v->text_count + 1, n, copy };
	if (!tsearch(t, &v->tree, compare_texts))
		abort(); /* out of memory */
	if ((v->text_count & (v->text_count - 1)) == 0)
		v->texts = mem_realloc(v->texts, v->text_count ? 2 * v->text_count : 1, sizeof(struct text *));
	v->texts[v->text_count++] = t;
	v->bytes += n + 128; /* with what it takes besides */
	return t->number;
}

static uint32_t number_of(struct fts_values *v, const void *bytes, size_t n)
{
	const struct text key = { .n = n, .bytes = bytes };
	struct text *const *found = tfind(&key, &v->tree, compare_texts);

	return found ? (*found)->number : add_text(v, bytes, n);
}

/* ---- rows; the lock is held ---- */

/* That of this row, or the free one where it belongs. */
static struct row *place_of(const struct fts_values *v, int64_t row)
{
	size_t at = (size_t)((uint64_t)row * v->factor >> 32) & (v->places - 1);

	while (v->rows[at].value.lists && v->rows[at].row != row)
		at = (at + 1) & (v->places - 1);
	return &v->rows[at];
}

static void enlarge(struct fts_values *v)
{
	size_t before = v->places;
	_free_ struct row *rows = v->rows;

	v->places = 2 * before;
	v->rows = MEM_ARRAY(struct row, v->places);
	for (size_t i = 0; i < before; i++)
		if (rows[i].value.lists)
			*place_of(v, rows[i].row) = rows[i];
}

/* Is there room for one more? */
static bool make_room(struct fts_values *v)
{
	if (v->bytes > FTS_VALUES_BYTES_MAX / 2)
		v->full = true;
	else if (v->used + 1 > v->places / 4 * 3) {
		if (2 * v->places * sizeof(*v->rows) > FTS_VALUES_BYTES_MAX)
			v->full = true;
		else
			enlarge(v);
	}
	return !v->full;
}

/* ---- for those who count ---- */

void fts_values_find(struct fts_values *v, const int64_t *rows, size_t n, struct fts_value *found_r)
{
	pthread_mutex_lock(&v->lock);
	for (size_t i = 0; i < n; i++)
		found_r[i] = place_of(v, rows[i])->value;
	pthread_mutex_unlock(&v->lock);
}

bool fts_values_keep(struct fts_values *v, int64_t row, const char *month, const void *lists, size_t n, struct fts_value *value_r)
{
	pthread_mutex_lock(&v->lock);
	bool room = make_room(v);

	if (room) {
		struct row *place = place_of(v, row);

		v->used += !place->value.lists;
		*value_r = (struct fts_value){ number_of(v, month, strlen(month)), number_of(v, lists, n) };
		*place = (struct row){ row, *value_r };
	}
	pthread_mutex_unlock(&v->lock);
	return room;
}

const void *fts_values_text(struct fts_values *v, uint32_t number, size_t *n_r)
{
	pthread_mutex_lock(&v->lock);
	const struct text *t = v->texts[number - 1];

	pthread_mutex_unlock(&v->lock);
	*n_r = t->n;
	return t->bytes;
}
