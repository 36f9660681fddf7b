#include "meta/catalog.h"

#include "meta/coverage.h"
#include "meta/maintenance.h"
#include "meta/meta_private.h"

/* The primary knows first. 1, 0, -1. */
static int is_disposed(struct meta *m, const struct uuid *id, struct err *e)
{
	struct disposed d;

	return meta_disposed_get(m, id, &d, e);
}

int meta_message_get(struct meta *m, const struct scope *scope, const struct uuid *id,
	struct message_row *row_r, struct err *e)
{
	CLEANUP(message_row_deinit) struct message_row r = { 0 };
	int found = message_row_load_behind(m, id, &r, e);

	if (found <= 0)
		return found;
	if (!scope_covers(scope, r.date_us, r.participants, r.participant_count))
		return 0;
	int gone = is_disposed(m, id, e);

	if (gone)
		return gone < 0 ? -1 : 0;
	*row_r = r;
	r = (struct message_row){ 0 };
	return 1;
}

/* In *date_r; of a message that does not exist some date. 1, 0, -1. */
static int message_date(struct sql_conn *c, const struct uuid *id, int64_t *date_r, struct err *e)
{
	CLEANUP(sql_finishp) struct sql_stmt *st = sql_use(c, STMT_MESSAGE_DATE);

	*date_r = 0;
	sql_bind_uuid(st, id);
	int found = sql_find(st, e);

	if (found > 0)
		*date_r = sql_get_i64(st);
	return found;
}

/* How many of the mailboxes from `at` on took part, of as many as one statement takes. */
static int count_some(struct sql_conn *c, const struct strv *mailboxes, size_t at, const struct uuid *id, int64_t date_us,
	uint64_t *n_r, struct err *e)
{
	struct sql_stmt *st = sql_use(c, STMT_MAILBOX_HAS);

	sql_bind_i64(st, date_us);
	sql_bind_uuid(st, id);
	for (size_t i = at; i < at + MAILBOXES_AT_ONCE; i++)
		sql_bind_text(st, mailboxes->items[i < mailboxes->n ? i : at]); /* one that is named again counts once */
	return sql_number(st, n_r, e);
}

/* Of all of them; looks at all of them whatever it finds. */
static int count_mailboxes(struct sql_conn *c, const struct strv *mailboxes, const struct uuid *id, int64_t date_us,
	uint64_t *n_r, struct err *e)
{
	uint64_t has;

	*n_r = 0;
	for (size_t at = 0; at < mailboxes->n; at += MAILBOXES_AT_ONCE) {
		if (count_some(c, mailboxes, at, id, date_us, &has, e))
			return -1;
		*n_r += has;
	}
	return 0;
}

static int in_scope(struct sql_conn *c, const struct scope *scope, const struct uuid *id, struct err *e)
{
	int64_t date_us;
	uint64_t n;

	if (sql_begin_snapshot(c, e))
		return -1;
	int found = message_date(c, id, &date_us, e);

	if (found < 0 || count_mailboxes(c, scope_mailboxes(scope), id, date_us, &n, e))
		return -1;
	return found && (scope_is_all(scope) || n) && date_us >= scope_from_us(scope) && date_us < scope_until_us(scope);
}

/* Disposed of or not. What the replica does not have in the scope, be it there or not, the primary is asked for. */
static int was_in_scope(struct meta *m, const struct scope *scope, const struct uuid *id, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *behind = NULL;
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_reader_behind(m->capture, &behind, e))
		return -1;
	int found = in_scope(behind, scope, id, e);

	if (found > 0 || !sql_is_behind(behind))
		return found;
	return sql_reader(m->capture, &c, e) ? -1 : in_scope(c, scope, id, e);
}

int meta_message_in_scope(struct meta *m, const struct scope *scope, const struct uuid *id, struct err *e)
{
	int found = was_in_scope(m, scope, id, e), gone = found > 0 ? is_disposed(m, id, e) : 0;

	return gone ? (gone < 0 ? -1 : 0) : found;
}

int meta_message_disposed(struct meta *m, const struct scope *scope, const struct uuid *id, struct disposed *d_r, struct err *e)
{
	int found = was_in_scope(m, scope, id, e);

	return found > 0 ? meta_disposed_get(m, id, d_r, e) : found;
}

int meta_message_record(struct meta *m, const struct scope *scope, const struct uuid *id, struct meta_record *r_r,
	struct err *e)
{
	int found = meta_message_in_scope(m, scope, id, e);

	return found > 0 ? meta_record_get(m, id, r_r, e) : found;
}

/* Mostly nothing waits: then one statement has told all. 1, 0 when something does, -1. */
static int count_settled(struct sql_conn *c, const struct scope *scope, struct meta_coverage *c_r, struct err *e)
{
	bool waiting = true;

	c_r->not_indexed = 0;
	if (coverage_is_few(c, scope) && coverage_few(c, scope, &c_r->in_scope, &waiting, e))
		return -1;
	return !waiting;
}

int meta_coverage(struct meta *m, const struct scope *scope, struct meta_coverage *c_r,
	struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_reader_behind(m->capture, &c, e))
		return -1;
	int settled = count_settled(c, scope, c_r, e);

	if (settled)
		return settled < 0 ? -1 : 0;
	if (sql_begin_snapshot(c, e))
		return -1;
	return coverage_archived(c, scope, &c_r->in_scope, e) ||
		coverage_waiting(c, scope, &c_r->not_indexed, e) ? -1 : 0;
}
