/* export: what people have asked to have taken out of the archive is built, and cleared away when its time is over. */
#include "archive/archive.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "mail/scope_grant.h"
#include "meta/audit.h"
#include "store/store.h"
#include "workerd/export_build.h"

#include <inttypes.h>

#define PERMISSION "ARCHIVE_EXPORT"
#define ATTEMPTS_MAX 100
#define PUT_OFF_US (10 * CLOCK_SECOND) /* doubled with each attempt, up to: */
#define PUT_OFF_MAX_US (600 * CLOCK_SECOND)
#define CLEAR_AGAIN_US (300 * CLOCK_SECOND)
#define CLEAR_AGAIN_MAX_US (86400 * CLOCK_SECOND)

/* What whoever asked for it is told. */
#define WHY_RIGHTS "The account may no longer export."
#define WHY_REQUEST "This request can't be carried out."
#define WHY_ATTEMPTS "It was tried too often. The operator can find the cause in the log."
#define WHY_LATER "A part of the archive does not answer. It is tried again."

/* One job in the hands of this program. */
struct work {
	struct worker *w;
	struct meta *meta;
	struct export_job job;
	struct account who;
	struct uuid audit_id;
	struct log_context log;
	char id[UUID_TEXT_SIZE];
};

static void work_deinit(struct work *k)
{
	account_deinit(&k->who);
	export_job_deinit(&k->job);
}

/* ---- audit ---- */

/* scope NULL: it shows no mail. */
static int audit_intent(struct work *k, const char *action, const struct scope *scope, struct err *e)
{
	char *all[] = { (char[]){ AUDIT_ALL_MAILBOXES } };
	const struct strv everything = { all, 1 };
	_free_ char *detail = mem_printf("{\"attempt\":%" PRIu64 "}", k->job.epoch);
	int64_t now_us = clock_now_us();
	const struct audit_intent intent = {
		.id = uuid_new(now_us),
		.at_us = now_us,
		.account_id = k->job.request.account_id,
		.actor = k->who.username,
		.strength = "service",
		.action = action,
		.object = k->id,
		.detail = detail,
		.client = archive_name(k->w->archive),
		.request_id = k->job.request.request_id,
		.reason = k->job.request.reason,
		.case_ref = k->job.request.matter,
		.mailboxes = !scope ? NULL : scope_is_all(scope) ? &everything : scope_mailboxes(scope),
	};

	k->audit_id = intent.id;
	return meta_audit_intent(k->meta, &intent, e);
}

static int audit_outcome(struct work *k, const char *result, uint64_t count, const uint8_t *sha256, struct err *e)
{
	const struct audit_outcome o = { .at_us = clock_now_us(), .result = result, .count = count, .digest = sha256 };

	return meta_audit_outcome(k->meta, &k->audit_id, &o, e);
}

/* Of one that came to nothing: an intent without an outcome says as much. */
static void audit_failure(struct work *k, const char *result)
{
	struct err e;

	if (audit_outcome(k, result, 0, NULL, &e))
		log_warn(&k->log, "the audit has no outcome of this attempt: %s", e.text);
}

/* ---- building ---- */

/* What the account may see now, of what it could see when it asked. Caller frees; NULL: nothing may be exported. */
static struct scope *allowed(const struct work *k, struct err *e)
{
	const struct account *a = &k->who;
	CLEANUP(scope_freep) struct scope *asked = NULL;
	CLEANUP(scope_freep) struct scope *now = NULL;

	if (!a->username || a->disabled || !strv_has(&a->permissions, PERMISSION)) {
		err_permanent(e, "the account is disabled, or lacks the permission " PERMISSION);
		return NULL;
	}
	asked = scope_parse(k->job.request.scope, e);
	if (!asked)
		return NULL;
	now = scope_grant(a->scope_all, &a->scope_mailboxes, a->scope_from_us, a->scope_until_us);
	return scope_meet(asked, now);
}

static int64_t pause_us(uint64_t epoch)
{
	int64_t us = PUT_OFF_US;

	for (uint64_t i = 1; i < epoch && us < PUT_OFF_MAX_US; i++)
		us *= 2;
	return us < PUT_OFF_MAX_US ? us : PUT_OFF_MAX_US;
}

static int fail(struct work *k, const struct export_progress *p, const char *why, struct err *e)
{
	return meta_export_finish(k->meta, &k->job, p, NULL, why, clock_now_us(), e) < 0 ? -1 : 0;
}

static int put_off(struct work *k, const struct export_progress *p, const struct err *why, bool may_go_again, struct err *e)
{
	log_error(&k->log, "the export could not be built: %s", why->text);
	if (why->class == ERR_PERMANENT && !may_go_again)
		return fail(k, p, WHY_REQUEST, e);
	if (k->job.epoch >= ATTEMPTS_MAX)
		return fail(k, p, WHY_ATTEMPTS, e);
	return meta_export_put_off(k->meta, &k->job, WHY_LATER, clock_now_us() + pause_us(k->job.epoch), e) < 0 ? -1 : 0;
}

/* Its result is on record before anybody can see it. */
static int tell_ready(struct work *k, struct export_build *b, const struct export_result *r, struct err *e)
{
	const struct export_progress *p = &b->progress;

	if (audit_outcome(k, "allowed", p->done - p->missing, r->sha256, e))
		return -1;
	if (FAULT("export.told"))
		return err_temporary(e, "tell_ready failed: for a test");
	int ours = meta_export_finish(k->meta, &k->job, p, r, NULL, clock_now_us(), e);

	if (ours > 0)
		log_info(&k->log, "the export is ready: %" PRIu64 " messages, %" PRIu64 " missing, %" PRIu64 " bytes; read=%" PRIu64,
			p->done - p->missing, p->missing, r->where.length, b->read);
	if (ours < 0)
		return -1;
	export_place_removep(&b->place);
	return 0;
}

static int build_within(struct work *k, const struct scope *scope, struct err *e)
{
	struct export_build b = { .worker = k->w, .job = &k->job, .who = &k->who, .scope = scope, .log = &k->log };
	struct export_result result = { 0 };
	enum export_built built;
	struct err why = { 0 };

	if (audit_intent(k, "export.build", scope, e))
		return -1;
	if (export_build(&b, &built, &result, &why)) {
		audit_failure(k, "failed");
		return put_off(k, &b.progress, &why, b.may_go_again, e);
	}
	if (built == EXPORT_BUILT) {
		int failed = tell_ready(k, &b, &result, e);

		export_place_leavep(&b.place);
		locator_deinit(&result.where);
		return failed;
	}
	audit_failure(k, "failed");
	log_info(&k->log, "%s", built == EXPORT_LOST ? "the export was cancelled, or taken over" : "the export is left to a later start");
	return built == EXPORT_LOST ? 0 : meta_export_put_off(k->meta, &k->job, NULL, 0, e) < 0 ? -1 : 0;
}

static int build(struct work *k, struct err *e)
{
	CLEANUP(scope_freep) struct scope *scope = NULL;
	struct err why;

	log_info(&k->log, "building the export, attempt %" PRIu64, k->job.epoch);
	if (meta_account_rights(k->meta, k->job.request.account_id, &k->who, e) < 0)
		return -1;
	scope = allowed(k, &why);
	if (!scope) {
		log_warn(&k->log, "the export is refused: %s", why.text);
		return audit_intent(k, "export.build", NULL, e) || audit_outcome(k, "refused", 0, NULL, e) ||
			fail(k, &k->job.progress, WHY_RIGHTS, e) ? -1 : 0;
	}
	_free_ char *text = scope_print(scope);
	int ours = meta_export_scope(k->meta, &k->job, text, e);

	if (ours <= 0)
		return ours;
	return build_within(k, scope, e);
}

static void name(struct work *k)
{
	log_context_set(&k->log, "export", uuid_format(k->id, &k->job.request.id));
	log_context_set(&k->log, "request_id", k->job.request.request_id);
}

/* 1 when one was taken up, 0, -1. */
static int build_next(struct worker *w, struct err *e)
{
	CLEANUP(work_deinit) struct work k = { .w = w, .meta = archive_meta(w->archive) };
	int64_t now_us = clock_now_us();
	int taken = meta_export_take(k.meta, archive_name(w->archive), now_us, now_us + EXPORT_LEASE_US, &k.job, e);

	if (taken <= 0)
		return taken;
	name(&k);
	return build(&k, e) ? -1 : 1;
}

static bool released; /* the task runs in one thread */

static int run(struct worker *w, struct err *e)
{
	int more = 1;

	if (!released && meta_export_release(archive_meta(w->archive), archive_name(w->archive), e))
		return -1;
	released = true;
	while (more > 0 && !atomic_load(&w->stop))
		more = build_next(w, e);
	return more < 0 ? -1 : 0;
}

static int64_t at_once(const struct conf *conf)
{
	(void)conf;
	return 0;
}

const struct task export_task = {
	.name = "export",
	.wake = CACHE_WAKE_EXPORT,
	.settle_us = at_once,
	.interval = offsetof(struct conf, workerd_export_interval_us),
	.run = run,
};

/* ---- clearing away ---- */

static int clear_objects(struct work *k, struct err *e)
{
	for (uint64_t epoch = 1; epoch <= k->job.epoch; epoch++) {
		_free_ char *key = export_key(&k->job, epoch);

		if (store_upload_clear(archive_store(k->w->archive), key, e))
			return -1;
	}
	return 0;
}

/* When what is still locked, perhaps, is tried again: the removal of one that has expired, each try of which is audited, the
 * less often the longer that has gone on. */
static int64_t clear_again_us(const struct work *k)
{
	int64_t now_us = clock_now_us(), waited_us = now_us - k->job.result.expires_us;

	if (k->job.state != EXPORT_READY || waited_us < CLEAR_AGAIN_US)
		return now_us + CLEAR_AGAIN_US;
	return now_us + (waited_us < CLEAR_AGAIN_MAX_US ? waited_us : CLEAR_AGAIN_MAX_US);
}

static int clear_away(struct work *k, struct err *e)
{
	bool expires = k->job.state == EXPORT_READY;
	struct err why;

	name(k);
	if (expires && (meta_account_rights(k->meta, k->job.request.account_id, &k->who, e) < 0 || audit_intent(k, "export.expire", NULL, e)))
		return -1;
	if (clear_objects(k, &why)) {
		log_info(&k->log, "the export can't be removed yet: %s", why.text);
		if (expires)
			audit_failure(k, "failed");
		return meta_export_clear_later(k->meta, &k->job, clear_again_us(k), e) < 0 ? -1 : 0;
	}
	if (expires && audit_outcome(k, "allowed", 0, NULL, e))
		return -1;
	int ours = meta_export_cleared(k->meta, &k->job, e);

	if (ours > 0)
		log_info(&k->log, "the export is removed");
	return ours < 0 ? -1 : 0;
}

static int is_open(void *meta, const struct uuid *id, struct err *e)
{
	return meta_export_is_open(meta, id, e);
}

static int clear_all(struct worker *w, struct err *e)
{
	int found = 1;

	while (found > 0 && !atomic_load(&w->stop)) {
		CLEANUP(work_deinit) struct work k = { .w = w, .meta = archive_meta(w->archive) };

		found = meta_export_stale(k.meta, clock_now_us(), &k.job, e);
		if (found > 0 && clear_away(&k, e))
			return -1;
	}
	return found < 0 ? -1 : export_places_sweep(w->conf->spool_dir, is_open, archive_meta(w->archive), e);
}

const struct task export_clear_task = {
	.name = "export-clear",
	.interval = offsetof(struct conf, workerd_export_interval_us),
	.run = clear_all,
};
