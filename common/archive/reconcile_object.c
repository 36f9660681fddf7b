/* One message of the reconciler's: its row against its policy, its object against its row. */
#include "archive/policy.h"
#include "archive/reconcile_slice.h"
#include "base/clock.h"
#include "base/log.h"
#include "meta/disposed.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LOCK_SLACK_US CLOCK_SECOND /* stores keep whole seconds */
#define SAID_MAX 20		   /* findings of a slice that the log tells one by one */

void slice_deinit(struct slice *s)
{
	reconcile_rows_deinit(&s->rows);
	for (size_t i = 0; i < s->orphan_count; i++)
		reconcile_orphan_deinit(&s->orphans[i]);
	for (size_t i = 0; i < s->alarm_count; i++)
		reconcile_alarm_deinit(&s->alarms[i]);
	free(s->orphans);
	free(s->alarms);
}

void slice_alarm(struct slice *s, const struct uuid *id, enum reconcile_alarm_kind kind, const char *fmt, ...)
{
	struct log_context ctx = { 0 };
	char detail[400], text[UUID_TEXT_SIZE];
	va_list args;

	va_start(args, fmt);
	vsnprintf(detail, sizeof(detail), fmt, args);
	va_end(args);
	s->alarms = mem_realloc(s->alarms, s->alarm_count + 1, sizeof(*s->alarms));
	s->alarms[s->alarm_count++] = (struct reconcile_alarm){ *id, kind, s->now_us, mem_strdup(detail) };
	if (s->quiet)
		return;
	log_context_set(&ctx, "archive_id", uuid_format(text, id));
	if (s->alarm_count <= SAID_MAX)
		log_error(&ctx, "an archived message is not as it should be: %s", detail);
	else if (s->alarm_count == SAID_MAX + 1)
		log_error(NULL, "more archived messages are not as they should be: see strongroom status");
}

void slice_check_row(struct slice *s, const struct reconcile_row *row)
{
	char has[CLOCK_TEXT_SIZE], wants[CLOCK_TEXT_SIZE];
	int64_t until_us;

	if (row->disposed_us)
		return;
	if (policy_promised(row->policy_version, row->received_us, &until_us) == 0 && row->retain_until_us < until_us)
		slice_alarm(s, &row->id, RECONCILE_ROW_SHORT, "it is kept until %s, its policy (%s) says %s",
			clock_format(has, row->retain_until_us), row->policy_version, clock_format(wants, until_us));
}

/* A lock with an end, as Object Lock has it; what is past its end need not be locked. */
static void check_lock(struct slice *s, const struct reconcile_row *row, const struct store_state *now)
{
	char has[CLOCK_TEXT_SIZE], wants[CLOCK_TEXT_SIZE];

	if (!now->read_only)
		slice_alarm(s, &row->id, RECONCILE_UNPROTECTED, "the object %s may be written to", row->locator.key);
	if (strcmp(row->lock_mode, "COMPLIANCE") != 0 || row->retain_until_us <= s->now_us)
		return;
	if (!now->locked)
		slice_alarm(s, &row->id, RECONCILE_LOCK_SHORT, "the object %s is not locked", row->locator.key);
	else if (now->retain_until_us && now->retain_until_us < row->retain_until_us - LOCK_SLACK_US)
		slice_alarm(s, &row->id, RECONCILE_LOCK_SHORT, "the object %s is locked until %s, its row says %s",
			row->locator.key, clock_format(has, now->retain_until_us),
			clock_format(wants, row->retain_until_us));
}

int slice_tell_unreadable(struct slice *s, const struct reconcile_row *row, struct err *e)
{
	struct err why = *e;

	if (store_ready(s->archive->store, e))
		return -1;
	slice_alarm(s, &row->id, RECONCILE_MISSING, "its object can't be looked at: %s", why.text);
	return 0;
}

/* It may have been disposed of since its row was read. */
static int tell_gone(struct slice *s, const struct reconcile_row *row, enum slice_object *object_r, struct err *e)
{
	struct disposed d;
	int disposed = meta_disposed_get(s->archive->meta, &row->id, &d, e);

	if (disposed > 0)
		*object_r = SLICE_OBJECT_DISPOSED;
	else if (disposed == 0)
		slice_alarm(s, &row->id, RECONCILE_MISSING, "the object %s is gone", row->locator.key);
	return disposed < 0 ? -1 : 0;
}

int slice_check_object(struct slice *s, const struct reconcile_row *row, enum slice_object *object_r, struct err *e)
{
	const struct locator *where = &row->locator;
	struct store_state now = { 0 };

	*object_r = SLICE_OBJECT_DISPOSED;
	if (row->disposed_us)
		return slice_check_removed(s, row, e);
	int there = store_stat(s->archive->store, where, &now, e);

	*object_r = SLICE_OBJECT_FAULTY;
	if (there < 0)
		return slice_tell_unreadable(s, row, e);
	if (there == 0)
		return tell_gone(s, row, object_r, e);
	if (now.length == where->offset + where->length)
		*object_r = SLICE_OBJECT_WHOLE;
	else
		slice_alarm(s, &row->id, RECONCILE_ALTERED, "the object %s has %" PRIu64 " bytes, %" PRIu64 " were archived",
			where->key, now.length, where->offset + where->length);
	check_lock(s, row, &now);
	return 0;
}
