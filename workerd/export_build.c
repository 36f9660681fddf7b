#include "workerd/export_build.h"

#include "archive/stored_reader.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "meta/catalog.h"
#include "store/store.h"
#include "workerd/export_checkpoint.h"
#include "workerd/export_list.h"
#include "workerd/export_write.h"

#include <inttypes.h>
#include <poll.h>
#include <string.h>

#define TICK_US CLOCK_SECOND /* between two looks at whether the job is still ours */
#define SILENT_MAX_US (EXPORT_LEASE_US / 2) /* so long the database may be silent */
#define SAVE_EVERY_US (30 * CLOCK_SECOND)   /* or earlier: export_write_is_due() */

_Static_assert(EXPORT_LIST_AHEAD >= STORED_AHEAD, "what the reader has room for, the list gives out");

struct building {
	struct export_build *b;
	struct meta *meta;
	struct export_list *list;
	struct stored_reader *reader;
	struct export_write *write;
	struct export_write_head head;
	struct export_write_place where;
	char *key, *scope;
	int64_t begun_us, tick_us, heard_us, saved_us; /* monotonic */
	uint64_t begun_size; /* bytes of messages that were in it when this attempt began */
	bool saved;  /* there is something to go on from */
	bool resumed;
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
		int64_t due_us = g->begun_us + (int64_t)((double)(g->b->progress.size - g->begun_size) / (double)rate * (double)CLOCK_SECOND);
		int64_t left_us = due_us - clock_monotonic_us();

		if (left_us <= 0)
			break;
		poll(&stop, 1, (int)((left_us < TICK_US ? left_us : TICK_US) / 1000) + 1);
		if (tick(g, e))
			return -1;
	}
	return 0;
}

/* ---- checkpoints ---- */

static bool is_save_due(const struct building *g)
{
	return export_write_is_due(g->write) || clock_monotonic_us() - g->saved_us >= SAVE_EVERY_US || FAULT("export.save-due");
}

/* From here on an attempt on this machine goes on from here. */
static int save(struct building *g, struct err *e)
{
	CLEANUP(export_checkpoint_deinit)
	struct export_checkpoint c = { .id = g->b->job->request.id, .key = mem_strdup(g->key), .scope = mem_strdup(g->scope),
		.progress = g->b->progress, .coverage = g->head.coverage, .list = BUF_INIT(EXPORT_STATE_MAX),
		.write = BUF_INIT(EXPORT_STATE_MAX) };

	if (export_list_save(g->list, &c.list, e) || export_write_save(g->write, &c.write, e))
		return -1;
	if (FAULT("export.save"))
		return err_temporary(e, "save failed: for a test");
	if (export_checkpoint_write(g->b->place, &c, e))
		return -1;
	g->saved = true;
	g->saved_us = clock_monotonic_us();
	return FAULT("export.saved") ? err_temporary(e, "save failed: for a test") : 0;
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
	case STORED_DISPOSED:
		return "disposed of: a disposition has taken it out of the archive";
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
	g->b->read++;
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
	if (FAULT("export.message"))
		return err_temporary(e, "write_next failed: for a test");
	if (write_one(g, &m, e))
		return -1;
	export_list_done(g->list);
	return keep_rate(g, e) ? -1 : 1;
}

static int write_all(struct building *g, struct err *e)
{
	int more = 1;

	while (more && !g->over) {
		if (ask_for_more(g, e) || (more = write_next(g, e)) < 0)
			return -1;
		if (!g->over && is_save_due(g) && save(g, e))
			return -1;
		if (clock_monotonic_us() >= g->tick_us && tick(g, e))
			return -1;
		more |= !g->listed;
	}
	return 0;
}

/* ---- the beginning ---- */

static const char *spool_dir(const struct building *g)
{
	return g->b->worker->conf->spool_dir;
}

/* What attempts on other machines, or that nobody can go on with, have left; as far as that goes now, the rest goes with the
 * export. Whoever may still be at it can't finish it then. */
static void clear_others(const struct building *g, uint64_t but_epoch)
{
	struct err e;

	for (uint64_t epoch = 1; epoch < g->b->job->epoch; epoch++) {
		_free_ char *key = export_key(g->b->job, epoch);

		if (epoch != but_epoch && store_upload_clear(g->where.store, key, &e))
			log_info(g->b->log, "something of an earlier attempt stays for now: %s", e.text);
	}
}

static void set_where(struct building *g, uint64_t epoch)
{
	free(g->key);
	g->key = export_key(g->b->job, epoch);
	g->where = (struct export_write_place){ archive_store(g->b->worker->archive), g->key,
		clock_now_us() + g->b->worker->conf->workerd_export_keep_us, g->b->place->dir };
}

static int fits(const struct building *g, const struct export_checkpoint *c, struct err *e)
{
	if (memcmp(&c->id, &g->b->job->request.id, sizeof(c->id)) != 0 || strcmp(c->key, g->key) != 0)
		return err_permanent(e, "resume(%s) failed: what was saved is of another export", g->b->place->dir);
	if (strcmp(c->scope, g->scope) != 0)
		return err_permanent(e, "resume(%s) failed: what the account may see is not the same any more", g->b->place->dir);
	return 0;
}

static int open_list(struct building *g, struct err *e)
{
	const struct export_build *b = g->b;

	return export_list_open(&g->list, b->worker->conf, b->scope, b->job->request.request, e);
}

/* From the place at hand: 1, 0 when nothing was saved there, -1. */
static int resume_here(struct building *g, struct err *e)
{
	CLEANUP(export_checkpoint_deinit) struct export_checkpoint c = { 0 };
	int found = export_checkpoint_read(g->b->place, &c, e);

	if (found <= 0)
		return found;
	export_list_freep(&g->list);
	struct unpack list = UNPACK_INIT(c.list.data, c.list.len);

	set_where(g, g->b->place->epoch);
	if (fits(g, &c, e) || open_list(g, e) || export_list_resume(g->list, &list, e))
		return -1;
	g->head.coverage = c.coverage;
	if (export_write_resume(&g->write, &g->where, &g->head, &c.write, e))
		return -1;
	g->b->progress = c.progress;
	g->begun_size = c.progress.size;
	return 1;
}

/* What can't be gone on with goes. 1, 0 when there is nothing to go on from, -1 temporary: perhaps later. */
static int resume(struct building *g, struct err *e)
{
	int found;

	while ((found = export_place_find(&g->b->place, spool_dir(g), &g->b->job->request.id, e)) > 0) {
		int resumed = resume_here(g, e);

		g->saved = true;
		if (resumed < 0 && e->class != ERR_PERMANENT)
			return -1;
		if (resumed > 0) {
			log_info(g->b->log, "export resumed: done=%" PRIu64 " missing=%" PRIu64 " bytes=%" PRIu64, g->b->progress.done,
				g->b->progress.missing, g->b->progress.size);
			clear_others(g, g->b->place->epoch);
			return 1;
		}
		if (resumed < 0)
			log_warn(g->b->log, "the export begins anew: %s", e->text);
		g->saved = false;
		export_place_removep(&g->b->place);
	}
	return found;
}

/* A list that could not go on has to begin anew as well. */
static int begin_anew(struct building *g, struct err *e)
{
	struct export_build *b = g->b;

	export_list_freep(&g->list);
	b->progress = (struct export_progress){ 0 };
	if (open_list(g, e) || export_list_total(g->list, &b->progress.total, &b->progress.total_known, e) ||
		meta_coverage(g->meta, b->scope, &g->head.coverage, e) ||
		export_place_make(&b->place, spool_dir(g), &b->job->request.id, b->job->epoch, e))
		return -1;
	set_where(g, b->job->epoch);
	clear_others(g, b->job->epoch);
	return export_write_open(&g->write, &g->where, &g->head, e);
}

static int begin(struct building *g, struct err *e)
{
	struct export_build *b = g->b;

	g->head = (struct export_write_head){ .job = b->job, .who = b->who->username, .builder = archive_name(b->worker->archive),
		.scope = b->scope };
	g->scope = scope_print(b->scope);
	g->reader = stored_reader_new_for_messages(b->worker->archive);
	int resumed = resume(g, e);

	if (resumed < 0)
		return -1;
	g->resumed = resumed > 0;
	g->saved_us = clock_monotonic_us();
	return g->resumed ? 0 : begin_anew(g, e);
}

/* ---- the end ---- */

static int make_whole(struct building *g, struct err *e)
{
	g->b->progress.total = g->b->progress.done;
	g->b->progress.total_known = true;
	if (export_write_end(g->write, &g->b->progress, e))
		return -1;
	if (FAULT("export.ended"))
		return err_temporary(e, "write_end failed: for a test");
	return save(g, e);
}

/* The last look, after which it becomes an object. What the store refuses for good, as parts that somebody has replaced, is
 * refused to this attempt alone. */
static int finish(struct building *g, struct export_result *result_r, struct err *e)
{
	if ((!export_write_is_whole(g->write) && make_whole(g, e)) || tick(g, e))
		return -1;
	if (g->over)
		return 0;
	if (export_write_finish(g->write, result_r, e)) {
		g->b->may_go_again = true;
		return -1;
	}
	if (FAULT("export.finished")) {
		locator_deinit(&result_r->where);
		return err_temporary(e, "write_finish failed: for a test");
	}
	result_r->finished_us = clock_now_us();
	result_r->expires_us = result_r->finished_us + g->b->worker->conf->workerd_export_keep_us;
	end(g, EXPORT_BUILT);
	return 0;
}

static int build(struct building *g, struct export_result *result_r, struct err *e)
{
	if (begin(g, e) || tick(g, e))
		return -1;
	if (!export_write_is_whole(g->write) && write_all(g, e))
		return -1;
	if (!g->over)
		return finish(g, result_r, e);
	if (g->built != EXPORT_STOPPED || export_write_is_whole(g->write))
		return 0;
	return save(g, e);
}

/* What was saved, the next attempt goes on with; unless that can't be, or nobody is to. */
static void put_away(struct building *g, bool failed, const struct err *e)
{
	bool keep = g->saved && (failed ? e->class != ERR_PERMANENT : g->built == EXPORT_STOPPED);

	if (!failed && g->built == EXPORT_BUILT) {
		export_write_freep(&g->write);
		return;
	}
	if (keep) {
		export_write_leavep(&g->write);
		export_place_leavep(&g->b->place);
	} else {
		export_write_freep(&g->write);
		export_place_removep(&g->b->place);
	}
}

int export_build(struct export_build *b, enum export_built *built_r, struct export_result *result_r, struct err *e)
{
	struct building g = { .b = b, .meta = archive_meta(b->worker->archive), .begun_us = clock_monotonic_us() };

	g.heard_us = g.begun_us;
	int failed = build(&g, result_r, e);

	b->may_go_again |= g.resumed;
	stored_reader_freep(&g.reader);
	put_away(&g, failed, e);
	export_list_freep(&g.list);
	free(g.key);
	free(g.scope);
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
