#include "workerd/export_build.h"

#include "archive/stored_reader.h"
#include "base/clock.h"
#include "base/log.h"
#include "meta/catalog.h"
#include "workerd/export_list.h"
#include "workerd/export_write.h"

#include <inttypes.h>
#include <poll.h>

#define TICK_US CLOCK_SECOND /* between two looks at whether the job is still ours */
#define SILENT_MAX_US (EXPORT_LEASE_US / 2) /* so long the database may be silent */

struct building {
	struct export_build *b;
	struct meta *meta;
	struct export_list *list;
	struct stored_reader *reader;
	struct export_write *write;
	int64_t begun_us, tick_us, heard_us; /* monotonic */
	bool listed; /* all of them have been asked for */
	bool over;   /* *built says why */
	enum export_built built;
};

/* ---- the job, meanwhile ---- */

static void end(struct building *g, enum export_built why)
{
	g->over = true;
	g->built = why;
}

/* Tells how far it is, and looks whether to go on. */
static int tick(struct building *g, struct err *e)
{
	int64_t now_us = clock_monotonic_us();

	if (atomic_load(&g->b->worker->stop)) {
		end(g, EXPORT_STOPPED);
		return 0;
	}
	g->tick_us = now_us + TICK_US;
	int ours = meta_export_progress(g->meta, g->b->job, &g->b->progress, clock_now_us() + EXPORT_LEASE_US, e);

	if (ours < 0) /* for a while nobody else takes it up */
		return now_us - g->heard_us > SILENT_MAX_US ? -1 : 0;
	g->heard_us = now_us;
	if (!ours)
		end(g, EXPORT_LOST);
	return 0;
}

/* Rests as long as needed to stay below the rate that is set. */
static int keep_rate(struct building *g, struct err *e)
{
	uint64_t rate = g->b->worker->conf->workerd_export_rate;
	struct pollfd stop = { .fd = g->b->worker->stop_fd, .events = POLLIN };

	while (rate && !g->over) {
		int64_t due_us = g->begun_us + (int64_t)((double)g->b->progress.size / (double)rate * (double)CLOCK_SECOND);
		int64_t left_us = due_us - clock_monotonic_us();

		if (left_us <= 0)
			break;
		poll(&stop, 1, (int)((left_us < TICK_US ? left_us : TICK_US) / 1000) + 1);
		if (tick(g, e))
			return -1;
	}
	return 0;
}

/* ---- messages ---- */

/* As many as can be read ahead. */
static int ask_for_more(struct building *g, struct err *e)
{
	struct uuid ids[STORED_AHEAD];
	size_t room = stored_reader_room(g->reader), n;

	if (g->listed || room < STORED_AHEAD / 2)
		return 0;
	if (export_list_next(g->list, ids, room, &n, e))
		return -1;
	g->listed = n == 0;
	return n ? stored_reader_ask(g->reader, ids, n, e) : 0;
}

static const char *reason_of(enum stored_trouble t)
{
	switch (t) {
	case STORED_UNKNOWN:
		return "no such message among those that may be exported";
	case STORED_DAMAGED:
		return "the stored message is missing or differs from what was archived";
	default:
		return "the stored message could not be read";
	}
}

static int write_one(struct building *g, struct stored_message *m, struct err *e)
{
	struct export_progress *p = &g->b->progress;
	bool covered = m->trouble != STORED_UNKNOWN &&
		scope_covers(g->b->scope, m->row.date_us, m->row.participants, m->row.participant_count);

	if (!covered && m->trouble != STORED_UNKNOWN) {
		if (!export_list_is_given(g->list))
			return 0; /* the index has it in the scope, and the database does not */
		m->trouble = STORED_UNKNOWN; /* as if it did not exist */
	}
	p->done++;
	if (m->trouble != STORED_FINE) {
		p->missing++;
		return export_write_missing(g->write, &m->id, reason_of(m->trouble), e);
	}
	p->size += m->row.size;
	return export_write_message(g->write, &m->row, m->message, e);
}

static int write_next(struct building *g, struct err *e)
{
	CLEANUP(stored_message_deinit) struct stored_message m = { 0 };
	int taken = stored_reader_take_message(g->reader, &m, e);

	if (taken <= 0)
		return taken;
	return write_one(g, &m, e) || keep_rate(g, e) ? -1 : 1;
}

static int write_all(struct building *g, struct err *e)
{
	int more = 1;

	while (more && !g->over) {
		if (ask_for_more(g, e) || (more = write_next(g, e)) < 0)
			return -1;
		if (clock_monotonic_us() >= g->tick_us && tick(g, e))
			return -1;
		more |= !g->listed;
	}
	return 0;
}

/* ---- the whole ---- */

static int begin(struct building *g, struct export_write_head *head, struct err *e)
{
	struct export_build *b = g->b;
	uint64_t total;

	if (export_list_open(&g->list, b->worker->conf, b->scope, b->job->request.request, e) ||
		meta_coverage(g->meta, b->scope, &head->coverage, e))
		return -1;
	b->progress = (struct export_progress){ 0 };
	b->progress.total_known = export_list_total(g->list, &total);
	b->progress.total = total;
	head->job = b->job;
	head->who = b->who->username;
	head->builder = archive_name(b->worker->archive);
	head->scope = b->scope;
	_free_ char *key = export_key(b->job, b->job->epoch);
	int64_t keep_until_us = clock_now_us() + b->worker->conf->workerd_export_keep_us;

	g->reader = stored_reader_new_for_messages(b->worker->archive);
	return export_write_open(&g->write, archive_store(b->worker->archive), key, keep_until_us, b->worker->conf->spool_dir, head, e);
}

/* The last look, after which it becomes an object. */
static int finish(struct building *g, struct export_result *result_r, struct err *e)
{
	g->b->progress.total = g->b->progress.done;
	g->b->progress.total_known = true;
	if (export_write_end(g->write, &g->b->progress, e) || tick(g, e))
		return -1;
	if (g->over)
		return 0;
	if (export_write_finish(g->write, result_r, e))
		return -1;
	result_r->finished_us = clock_now_us();
	result_r->expires_us = result_r->finished_us + g->b->worker->conf->workerd_export_keep_us;
	end(g, EXPORT_BUILT);
	return 0;
}

int export_build(struct export_build *b, enum export_built *built_r, struct export_result *result_r, struct err *e)
{
	struct building g = { .b = b, .meta = archive_meta(b->worker->archive), .begun_us = clock_monotonic_us() };
	struct export_write_head head = { 0 };

	g.heard_us = g.begun_us;
	int failed = begin(&g, &head, e) || tick(&g, e) || write_all(&g, e) || (!g.over && finish(&g, result_r, e)) ? -1 : 0;

	stored_reader_freep(&g.reader);
	export_write_freep(&g.write);
	export_list_freep(&g.list);
	*built_r = g.built;
	return failed;
}

char *export_key(const struct export_job *j, uint64_t epoch)
{
	char month[CLOCK_TEXT_SIZE], id[UUID_TEXT_SIZE];

	clock_format(month, uuid_time_us(&j->request.id));
	return mem_printf(STORE_UPLOADS "exports/%.4s/%.2s/%s-%" PRIu64 ".%s", month, month + 5, uuid_format(id, &j->request.id), epoch,
		j->request.container);
}
