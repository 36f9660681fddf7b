#include "meta/audit.h"

#include "meta/meta_private.h"
#include "sys/digest.h"

#include <pthread.h>

/* One record that waits for its commit; on the stack of the thread that wants it. */
struct entry {
	const struct audit_intent *intent; /* or: */
	const struct uuid *intent_id;
	const struct audit_outcome *outcome;
	struct entry *next;
	bool done;
	int failed;
	struct err err;
};

/* The first thread that finds nobody at work commits for everybody who came; those who come meanwhile are the next group. */
struct audit_log {
	struct sql_db *control;
	pthread_mutex_t lock;
	pthread_cond_t over; /* a group is committed */
	bool busy;	     /* guarded by lock, as are the lists */
	struct entry *first, **last;
};

struct audit_log *audit_log_new(struct sql_db *control)
{
	struct audit_log *log = MEM_NEW(struct audit_log);

	log->control = control;
	log->last = &log->first;
	pthread_mutex_init(&log->lock, NULL);
	pthread_cond_init(&log->over, NULL);
	return log;
}

void audit_log_freep(struct audit_log **log)
{
	if (!*log)
		return;
	pthread_cond_destroy(&(*log)->over);
	pthread_mutex_destroy(&(*log)->lock);
	free(*log);
	*log = NULL;
}

/* ---- writing a group ---- */

static struct sql_stmt *intent_statement(struct sql_conn *c, const struct audit_intent *i)
{
	struct sql_stmt *st = sql_use(c, STMT_AUDIT_INTENT_ADD);

	sql_bind_uuid(st, &i->id);
	sql_bind_i64(st, i->at_us);
	sql_bind_u64(st, i->account_id);
	sql_bind_text(st, i->actor);
	sql_bind_text(st, i->strength);
	sql_bind_text(st, i->action);
	sql_bind_text(st, i->object);
	sql_bind_text(st, i->detail);
	sql_bind_text(st, i->client);
	sql_bind_text(st, i->request_id);
	return st;
}

static struct sql_stmt *outcome_statement(struct sql_conn *c, const struct uuid *intent_id,
	const struct audit_outcome *o)
{
	struct sql_stmt *st = sql_use(c, STMT_AUDIT_OUTCOME_ADD);

	sql_bind_uuid(st, intent_id);
	sql_bind_i64(st, o->at_us);
	sql_bind_text(st, o->result);
	sql_bind_u64(st, o->status);
	sql_bind_u64(st, o->count);
	sql_bind_blob(st, o->digest, SHA256_SIZE);
	return st;
}

/* What is wrong with one record fails that one alone. */
static void write_entry(struct sql_conn *c, struct entry *entry)
{
	struct sql_stmt *st;

	if (entry->intent)
		st = intent_statement(c, entry->intent);
	else
		st = outcome_statement(c, entry->intent_id, entry->outcome);
	switch (sql_run(st, &entry->err)) {
	case SQL_DONE:
		entry->failed = 0;
		break;
	case SQL_DUPLICATE:
		entry->failed = err_permanent(&entry->err, "audit(%s) failed: it is recorded already",
			entry->intent ? "intent" : "outcome");
		break;
	default:
		entry->failed = -1;
	}
}

static int write_group(struct sql_db *control, struct entry *group, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	if (sql_writer(control, &c, e) || sql_begin(c, SQL_DURABLE, e))
		return -1;
	for (struct entry *entry = group; entry; entry = entry->next)
		write_entry(c, entry);
	return sql_commit(c, e);
}

/* ---- sharing the commit ---- */

/* Called and returns with the lock held. */
static void commit_waiting(struct audit_log *log)
{
	struct entry *group = log->first, *next;
	struct err e;

	log->first = NULL;
	log->last = &log->first;
	log->busy = true;
	pthread_mutex_unlock(&log->lock);
	int failed = write_group(log->control, group, &e);

	pthread_mutex_lock(&log->lock);
	log->busy = false;
	for (struct entry *entry = group; entry; entry = next) {
		next = entry->next;
		if (failed && !entry->failed) {
			entry->failed = -1;
			entry->err = e;
		}
		entry->done = true; /* its thread may go on as soon as the lock is free */
	}
	pthread_cond_broadcast(&log->over);
}

static int record(struct audit_log *log, struct entry *entry, struct err *e)
{
	pthread_mutex_lock(&log->lock);
	*log->last = entry;
	log->last = &entry->next;
	while (!entry->done) {
		if (log->busy)
			pthread_cond_wait(&log->over, &log->lock);
		else
			commit_waiting(log);
	}
	pthread_mutex_unlock(&log->lock);
	if (entry->failed)
		*e = entry->err;
	return entry->failed;
}

int meta_audit_intent(struct meta *m, const struct audit_intent *i, struct err *e)
{
	struct entry entry = { .intent = i };

	return record(m->audit, &entry, e);
}

int meta_audit_outcome(struct meta *m, const struct uuid *intent_id, const struct audit_outcome *o,
	struct err *e)
{
	struct entry entry = { .intent_id = intent_id, .outcome = o };

	return record(m->audit, &entry, e);
}
