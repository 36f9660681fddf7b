#include "meta/audit.h"

#include "meta/audit_group.h"
#include "meta/meta_private.h"

#include <pthread.h>

/* The first thread that finds nobody at work commits for everybody who came; those who come meanwhile are the next group. */
struct audit_log {
	struct sql_db *control;
	struct audit_sequence sequence; /* of who commits */
	pthread_mutex_t lock;
	pthread_cond_t over; /* a group is committed */
	bool busy;	     /* guarded by lock, as are the lists */
	struct audit_entry *first, **last;
};

struct audit_log *audit_log_new(struct sql_db *control, const char *node)
{
	struct audit_log *log = MEM_NEW(struct audit_log);

	log->control = control;
	_free_ char *name = mem_printf("strongroom@%s", node ? node : "local");

	audit_sequence_init(&log->sequence, name);
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
	audit_sequence_deinit(&(*log)->sequence);
	free(*log);
	*log = NULL;
}

void meta_audit_as(struct meta *m, const char *daemon)
{
	audit_sequence_deinit(&m->audit->sequence);
	audit_sequence_init(&m->audit->sequence, daemon);
}

/* ---- sharing the commit ---- */

/* Called and returns with the lock held. */
static void commit_waiting(struct audit_log *log)
{
	struct audit_entry *group = log->first, *next;
	struct err e;

	log->first = NULL;
	log->last = &log->first;
	log->busy = true;
	pthread_mutex_unlock(&log->lock);
	int failed = audit_group_write(log->control, &log->sequence, group, &e);

	pthread_mutex_lock(&log->lock);
	log->busy = false;
	for (struct audit_entry *entry = group; entry; entry = next) {
		next = entry->next;
		if (failed && !entry->failed) {
			entry->failed = -1;
			entry->err = e;
		}
		entry->done = true; /* its thread may go on as soon as the lock is free */
	}
	pthread_cond_broadcast(&log->over);
}

static int record(struct audit_log *log, struct audit_entry *entry, struct err *e)
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
	struct audit_entry entry = { .intent = i };

	return record(m->audit, &entry, e);
}

int meta_audit_outcome(struct meta *m, const struct uuid *intent_id, const struct audit_outcome *o,
	struct err *e)
{
	struct audit_entry entry = { .intent_id = intent_id, .outcome = o };

	return record(m->audit, &entry, e);
}

static int count_of(struct sql_conn *c, enum statement s, const struct uuid *id, bool *there_r, struct err *e)
{
	struct sql_stmt *st = sql_use(c, s);
	uint64_t n;

	sql_bind_uuid(st, id);
	if (sql_number(st, &n, e))
		return -1;
	*there_r = n > 0;
	return 0;
}

int meta_audit_known(struct meta *m, const struct uuid *intent_id, bool *intent_r, bool *outcome_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	return sql_reader(m->control, &c, e) || count_of(c, STMT_AUDIT_KNOWN_INTENT, intent_id, intent_r, e) ||
		count_of(c, STMT_AUDIT_KNOWN_OUTCOME, intent_id, outcome_r, e) ? -1 : 0;
}
