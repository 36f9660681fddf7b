#include "archive/postfix_account.h"

#include "archive/postfix_line.h"
#include "archive/utf8.h"
#include "base/clock.h"
#include "base/log.h"
#include "meta/reconcile.h"

#include <inttypes.h>
#include <search.h>
#include <string.h>

#define SLACK_US (600 * CLOCK_SECOND)	     /* by which the clocks of mail server and archive may differ */
#define LOCAL_SLACK_US (3600 * CLOCK_SECOND) /* local time: an hour of a year is told twice */
#define UNFINISHED_MAX_US (86400 * CLOCK_SECOND) /* no message takes its client longer */
#define KEPT_GRACES 3 /* how many times the grace a message stays known after its end, for those that come from it */
#define PIDS 1024   /* lists */
#define SAID_MAX 20   /* incidents that the log tells one by one each time */

struct tracked {
	struct mta_message m; /* first: see the comparing */
	bool stored;  /* there is a row of it */
	bool changed; /* since it was kept */
	bool counted, counted_captured;
	bool over;    /* judged for good: to be forgotten */
	bool taken;   /* by an smtpd, in the list of such, and next behind it there */
	struct tracked *next;
};

struct entries {
	struct tracked **items;
	size_t n;
};

struct postfix_account {
	struct meta *meta;
	int64_t grace_us, last_us;
	void (*incident)(const struct mta_message *m); /* or NULL */
	void *tree; /* of struct tracked */
	struct tracked *by_pid[PIDS]; /* of those that an smtpd was taking when it was looked at last */
	struct postfix_counts counts;
	unsigned said;
};

/* ---- the messages of the log ---- */

static int compare(const void *a, const void *b)
{
	const struct mta_message *x = a, *y = b;
	int order = strcmp(x->queue_id, y->queue_id);

	return order ? order : strcmp(x->host, y->host);
}

static void entry_free(void *p)
{
	struct tracked *entry = p;

	mta_message_deinit(&entry->m);
	free(entry);
}

struct postfix_account *postfix_account_new(struct meta *meta, int64_t grace_us, void (*incident)(const struct mta_message *m))
{
	struct postfix_account *a = MEM_NEW(struct postfix_account);

	a->meta = meta;
	a->grace_us = grace_us;
	a->incident = incident;
	return a;
}

void postfix_account_freep(struct postfix_account **a)
{
	if (*a)
		tdestroy((*a)->tree, entry_free);
	free(*a);
	*a = NULL;
}

static struct tracked **list_of(struct postfix_account *a, uint64_t pid)
{
	return &a->by_pid[pid % PIDS];
}

static void let_go(struct postfix_account *a, struct tracked *entry)
{
	struct tracked **at = list_of(a, entry->m.pid);

	while (entry->taken && *at != entry)
		at = &(*at)->next;
	if (entry->taken)
		*at = entry->next;
	entry->taken = false;
}

static void take_on(struct postfix_account *a, struct tracked *entry, uint64_t pid)
{
	let_go(a, entry);
	entry->m.pid = pid;
	if (!pid)
		return;
	entry->next = *list_of(a, pid);
	*list_of(a, pid) = entry;
	entry->taken = true;
}

static struct tracked *find(const struct postfix_account *a, const char *host, const char *queue_id)
{
	struct mta_message wanted = { .host = (char *)(uintptr_t)host, .queue_id = (char *)(uintptr_t)queue_id };
	struct tracked *const *found = tfind(&wanted, &a->tree, compare);

	return found ? *found : NULL;
}

static void insert(struct postfix_account *a, struct tracked *entry)
{
	if (!tsearch(entry, &a->tree, compare))
		abort(); /* no memory */
}

static struct tracked *find_or_add(struct postfix_account *a, const struct postfix_line *l)
{
	struct tracked *entry = find(a, l->host, l->queue_id);

	if (entry)
		return entry;
	entry = MEM_NEW(struct tracked);
	entry->m = (struct mta_message){
		.host = utf8_clean(l->host),
		.queue_id = mem_strdup(l->queue_id),
		.slack_us = SLACK_US + (l->local_time ? LOCAL_SLACK_US : 0),
		.before_id = mem_strdup(""),
		.client = mem_strdup(""),
		.header_id = mem_strdup(""),
	};
	insert(a, entry);
	return entry;
}

static void resume_one(void *ctx, struct mta_message *m)
{
	struct tracked *entry = MEM_NEW(struct tracked);

	entry->m = *m;
	entry->stored = true;
	entry->counted = true; /* by whoever left it */
	entry->counted_captured = m->captured;
	insert(ctx, entry);
	if (!m->accepted_us)
		take_on(ctx, entry, m->pid);
}

int postfix_account_resume(struct postfix_account *a, struct err *e)
{
	return meta_mta_open(a->meta, resume_one, a, e);
}

static void add_entry(const void *node, VISIT visit, void *ctx)
{
	struct entries *all = ctx;

	if (visit != postorder && visit != leaf)
		return;
	if ((all->n & (all->n - 1)) == 0)
		all->items = mem_realloc(all->items, all->n ? 2 * all->n : 1, sizeof(struct tracked *));
	all->items[all->n++] = *(struct tracked *const *)node;
}

/* By queue id. Caller frees items. */
static struct entries all_entries(const struct postfix_account *a)
{
	struct entries all = { 0 };

	twalk_r(a->tree, add_entry, &all);
	return all;
}

/* ---- lines ---- */

static void set_text(char **to, const char *text)
{
	free(*to);
	*to = utf8_clean(text);
}

/* A queue id that comes again after its message was removed is another message's. */
static void begin(struct postfix_account *a, struct tracked *entry, const struct postfix_line *l)
{
	struct mta_message *m = &entry->m;

	m->origin = l->by_client ? MTA_CLIENT : MTA_LOCAL;
	m->begun_us = l->at_us;
	m->accepted_us = m->removed_us = 0;
	m->fate = MTA_OPEN;
	m->captured = m->looked_up = m->archived = false;
	entry->counted = entry->counted_captured = false;
	take_on(a, entry, l->by_client ? l->pid : 0);
	set_text(&m->client, l->client);
	set_text(&m->header_id, "");
	set_text(&m->before_id, "");
}

static void deliver(struct postfix_account *a, struct tracked *entry, const struct postfix_line *l)
{
	struct tracked *next = *l->queued_as ? find(a, l->host, l->queued_as) : NULL;

	if (l->archived) {
		entry->m.archived = true;
		entry->m.archive_id = l->archive_id;
	}
	if (next && next != entry) {
		set_text(&next->m.before_id, entry->m.queue_id);
		next->changed = true;
	}
}

static void apply(struct postfix_account *a, struct tracked *entry, const struct postfix_line *l)
{
	switch (l->event) {
	case POSTFIX_BEGUN:
		begin(a, entry, l);
		break;
	case POSTFIX_HEADER:
		set_text(&entry->m.header_id, l->message_id);
		break;
	case POSTFIX_QUEUED:
		if (!entry->m.accepted_us)
			entry->m.accepted_us = l->at_us;
		break;
	case POSTFIX_DELIVERED:
		deliver(a, entry, l);
		break;
	case POSTFIX_REFUSED:
		entry->m.fate = MTA_REFUSED;
		break;
	case POSTFIX_DISCARDED:
		entry->m.fate = MTA_DISCARDED;
		break;
	case POSTFIX_REMOVED:
		entry->m.removed_us = l->at_us;
		break;
	default:
		return;
	}
	entry->m.last_us = l->at_us;
	entry->changed = true;
}

/* What this smtpd had begun it does not finish any more; what it did finish may be told a moment later (qmgr). */
static void break_off(struct postfix_account *a, const struct postfix_line *l)
{
	struct tracked *next;

	for (struct tracked *entry = *list_of(a, l->pid); entry; entry = next) {
		next = entry->next;
		if (entry->m.pid != l->pid || strcmp(entry->m.host, l->host) != 0)
			continue;
		let_go(a, entry);
		if (entry->m.accepted_us || entry->m.fate != MTA_OPEN)
			continue;
		entry->m.fate = MTA_BROKEN;
		entry->m.last_us = l->at_us;
		entry->changed = true;
	}
}

void postfix_account_line(struct postfix_account *a, const char *line, size_t n, int64_t reference_us)
{
	struct postfix_line l;

	postfix_line_read(&l, line, n, reference_us);
	if (l.at_us)
		a->last_us = l.at_us;
	if (l.event == POSTFIX_OTHER)
		return;
	a->counts.lines++;
	if (l.event == POSTFIX_BROKEN)
		break_off(a, &l);
	else
		apply(a, find_or_add(a, &l), &l);
}

int64_t postfix_account_last_us(const struct postfix_account *a)
{
	return a->last_us;
}

struct postfix_counts postfix_account_counts(const struct postfix_account *a)
{
	return a->counts;
}

/* ---- what was captured ---- */

/* When the message was under way, as far as the log tells. */
static int64_t from_of(const struct mta_message *m)
{
	return (m->begun_us ? m->begun_us : m->accepted_us) - m->slack_us;
}

static int64_t until_of(const struct mta_message *m, int64_t now_us)
{
	return m->accepted_us ? m->accepted_us + m->slack_us : now_us;
}

struct looking {
	struct entries due; /* by queue id */
	struct uuid *found; /* of each: the captured message */
	bool *is_found;
	int64_t now_us;
};

static int compare_queue_id(const void *queue_id, const void *entry)
{
	return strcmp(queue_id, (*(struct tracked *const *)entry)->m.queue_id);
}

static void take_captured(void *ctx, const char *queue_id, const struct uuid *id)
{
	struct looking *look = ctx;
	struct tracked **hit = bsearch(queue_id, look->due.items, look->due.n, sizeof(*look->due.items), compare_queue_id);
	int64_t at_us = uuid_time_us(id);

	if (!hit)
		return;
	while (hit > look->due.items && strcmp(hit[-1]->m.queue_id, queue_id) == 0) /* of another host */
		hit--;
	for (; hit < look->due.items + look->due.n && strcmp((*hit)->m.queue_id, queue_id) == 0; hit++) {
		size_t i = (size_t)(hit - look->due.items);

		if (at_us < from_of(&(*hit)->m) || at_us > until_of(&(*hit)->m, look->now_us))
			continue;
		look->is_found[i] = true;
		look->found[i] = *id;
	}
}

static int look_up_all(struct postfix_account *a, struct looking *look, struct err *e)
{
	int64_t from_us = INT64_MAX, until_us = 0;

	for (size_t i = 0; i < look->due.n; i++) {
		const struct mta_message *m = &look->due.items[i]->m;
		int64_t from = from_of(m), until = until_of(m, look->now_us);

		from_us = from < from_us ? from : from_us;
		until_us = until > until_us ? until : until_us;
	}
	if (!look->due.n)
		return 0;
	const struct uuid from = uuid_floor(from_us), until = uuid_floor(until_us + CLOCK_SECOND);

	return meta_mta_captured(a->meta, &from, &until, take_captured, look, e);
}

/* An archive answered with an id: is it this archive, and was it then? 1, 0, -1. */
static int is_archived(struct postfix_account *a, const struct mta_message *m, struct err *e)
{
	CLEANUP(reconcile_row_deinit) struct reconcile_row row = { 0 };
	int64_t at_us = uuid_time_us(&m->archive_id);

	if (!m->archived || at_us < from_of(m) || at_us > m->last_us + m->slack_us)
		return 0;
	return meta_reconcile_row(a->meta, &m->archive_id, &row, e);
}

/* ---- judging ---- */

struct judging {
	struct postfix_account *account;
	struct entries all;
	int64_t seen_us, now_us;
	bool complete;
	struct mta_incident *incidents;
	struct mta_unaccepted *unaccepted;
	const struct mta_message **changed, **closed, **released;
	struct mta_result result;
};

/* Nobody has accepted it, and nobody will. As long as its client is there it may take its time. */
static bool is_given_up(const struct judging *j, const struct mta_message *m)
{
	int64_t inexact_us = m->slack_us > SLACK_US ? CLOCK_SECOND : 0; /* whole seconds */

	if (m->accepted_us)
		return false;
	return j->seen_us >= m->last_us + (m->fate == MTA_OPEN ? UNFINISHED_MAX_US : j->account->grace_us + inexact_us);
}

static bool is_due(const struct judging *j, const struct tracked *entry)
{
	const struct mta_message *m = &entry->m;

	if (m->captured)
		return false;
	if (!m->accepted_us)
		return is_given_up(j, m);
	return !m->looked_up && j->now_us >= m->accepted_us + j->account->grace_us;
}

/* Both of a message that was handed on are captured when one is. */
static void join(struct judging *j)
{
	for (size_t i = 0; i < j->all.n; i++) {
		struct tracked *entry = j->all.items[i];
		struct tracked *before = *entry->m.before_id ? find(j->account, entry->m.host, entry->m.before_id) : NULL;

		if (!before || before->m.captured == entry->m.captured || !entry->m.accepted_us)
			continue;
		before->m.captured = entry->m.captured = true;
		before->changed = entry->changed = true;
	}
}

static void log_incident(struct postfix_account *a, const struct mta_message *m)
{
	struct log_context ctx = { 0 };
	char at[CLOCK_TEXT_SIZE];

	if (a->said++ >= SAID_MAX) {
		if (a->said == SAID_MAX + 1)
			log_error(NULL, "more messages were accepted and not captured: see strongroom status");
		return;
	}
	log_context_set(&ctx, "queue_id", m->queue_id);
	log_context_set(&ctx, "host", m->host);
	log_context_set(&ctx, "client", m->client);
	log_error(&ctx, "Postfix accepted a message at %s that was not captured (Message-ID %s): some way into Postfix passes "
			"the archive by", clock_format(at, m->accepted_us), *m->header_id ? m->header_id : "unknown");
}

static void add_incident(struct judging *j, struct tracked *entry)
{
	j->incidents[j->result.incident_count++] = (struct mta_incident){ &entry->m, j->now_us };
	j->account->counts.incidents++;
	entry->over = true;
	if (j->account->incident)
		j->account->incident(&entry->m);
	else
		log_incident(j->account, &entry->m);
}

static void add_unaccepted(struct judging *j, struct tracked *entry, const struct uuid *id)
{
	struct log_context ctx = { 0 };
	char text[UUID_TEXT_SIZE];

	j->unaccepted[j->result.unaccepted_count++] = (struct mta_unaccepted){ &entry->m, *id, j->now_us };
	j->account->counts.unaccepted++;
	log_context_set(&ctx, "queue_id", entry->m.queue_id);
	log_context_set(&ctx, "archive_id", uuid_format(text, id));
	log_info(&ctx, "a captured message was not accepted by Postfix in the end: it is marked");
}

/* What the look-up found of those that were due. */
static void take_findings(struct judging *j, const struct looking *look)
{
	for (size_t i = 0; i < look->due.n; i++) {
		struct tracked *entry = look->due.items[i];

		entry->changed = true;
		entry->m.looked_up = true;
		if (entry->m.accepted_us) {
			entry->m.captured = look->is_found[i];
			continue;
		}
		entry->over = true;
		if (look->is_found[i])
			add_unaccepted(j, entry, &look->found[i]);
	}
}

static int look_up_due(struct judging *j, struct err *e)
{
	struct looking look = { .now_us = j->now_us };
	_free_ struct tracked **due = MEM_ARRAY(struct tracked *, j->all.n);
	_free_ struct uuid *found = MEM_ARRAY(struct uuid, j->all.n);
	_free_ bool *is_found = MEM_ARRAY(bool, j->all.n);

	look.due.items = due;
	look.found = found;
	look.is_found = is_found;
	for (size_t i = 0; i < j->all.n; i++)
		if (is_due(j, j->all.items[i]))
			due[look.due.n++] = j->all.items[i];
	if (look_up_all(j->account, &look, e))
		return -1;
	take_findings(j, &look);
	return 0;
}

static int look_at_deliveries(struct judging *j, struct err *e)
{
	for (size_t i = 0; i < j->all.n; i++) {
		struct tracked *entry = j->all.items[i];

		if (entry->m.captured || !entry->m.archived || !entry->m.accepted_us)
			continue;
		int archived = is_archived(j->account, &entry->m, e);

		if (archived < 0)
			return -1;
		entry->m.captured = archived;
		entry->changed = entry->changed || archived;
	}
	return 0;
}

/* Has the log told all that there is to tell, and was the archive given its time? */
static bool is_finished(const struct judging *j, const struct mta_message *m)
{
	int64_t grace_us = j->account->grace_us;

	if (m->removed_us)
		return j->seen_us >= m->removed_us + grace_us || (j->complete && j->now_us >= m->removed_us + grace_us);
	return j->seen_us >= m->accepted_us + POSTFIX_QUEUED_MAX_US;
}

static void judge(struct judging *j, struct tracked *entry)
{
	struct postfix_counts *counts = &j->account->counts;
	const struct mta_message *m = &entry->m;
	bool judged = m->origin != MTA_NOT_TOLD;

	if (entry->over || !m->accepted_us)
		return;
	if (judged && !entry->counted)
		counts->accepted++;
	if (!m->begun_us && !entry->counted)
		j->released[j->result.released_count++] = m;
	entry->counted = true;
	if (m->captured && !entry->counted_captured)
		counts->captured += judged;
	entry->counted_captured = m->captured;
	if (m->captured)
		entry->over = (m->removed_us && j->seen_us >= m->removed_us + KEPT_GRACES * j->account->grace_us) ||
			j->seen_us >= m->accepted_us + POSTFIX_QUEUED_MAX_US;
	else if (!is_finished(j, m))
		return;
	else if (judged)
		add_incident(j, entry);
	else
		entry->over = true;
}

/* ---- keeping ---- */

static void sum_up(struct judging *j, bool followed)
{
	struct postfix_counts *counts = &j->account->counts;

	counts->open = 0;
	for (size_t i = 0; i < j->all.n; i++) {
		struct tracked *entry = j->all.items[i];

		if (entry->over && entry->stored)
			j->closed[j->result.closed_count++] = &entry->m;
		else if (!entry->over && entry->changed && followed)
			j->changed[j->result.changed_count++] = &entry->m;
		counts->open += !entry->over && !entry->m.captured && entry->m.origin != MTA_NOT_TOLD;
	}
}

static void forget(struct judging *j)
{
	for (size_t i = 0; i < j->all.n; i++) {
		struct tracked *entry = j->all.items[i];

		if (entry->over) {
			let_go(j->account, entry);
			tdelete(entry, &j->account->tree, compare);
			entry_free(entry);
		} else if (entry->changed) {
			entry->changed = false;
			entry->stored = true;
		}
	}
}

static int judge_all(struct judging *j, const struct mta_place *place, struct err *e)
{
	struct mta_result *r = &j->result;

	if (look_at_deliveries(j, e) || look_up_due(j, e))
		return -1;
	join(j);
	join(j); /* of three in a row the ends too */
	for (size_t i = 0; i < j->all.n; i++)
		judge(j, j->all.items[i]);
	sum_up(j, place != NULL);
	r->incidents = j->incidents;
	r->unaccepted = j->unaccepted;
	r->changed = j->changed;
	r->closed = j->closed;
	r->released = j->released;
	r->place = place;
	if (!place && !r->incident_count && !r->unaccepted_count && !r->released_count)
		return 0;
	return meta_mta_keep(j->account->meta, r, j->now_us, e);
}

static void judging_init(struct judging *j)
{
	j->incidents = MEM_ARRAY(struct mta_incident, j->all.n);
	j->unaccepted = MEM_ARRAY(struct mta_unaccepted, j->all.n);
	j->changed = MEM_ARRAY(const struct mta_message *, j->all.n);
	j->closed = MEM_ARRAY(const struct mta_message *, j->all.n);
	j->released = MEM_ARRAY(const struct mta_message *, j->all.n);
}

static void judging_deinit(struct judging *j)
{
	free(j->all.items);
	free(j->incidents);
	free(j->unaccepted);
	free(j->changed);
	free(j->closed);
	free(j->released);
}

int postfix_account_judge(struct postfix_account *a, int64_t seen_us, bool complete, const struct mta_place *place,
	struct err *e)
{
	CLEANUP(judging_deinit)
	struct judging j = { .account = a, .all = all_entries(a), .seen_us = seen_us, .now_us = clock_now_us(),
		.complete = complete };

	judging_init(&j);
	a->said = 0;
	if (judge_all(&j, place, e))
		return -1;
	forget(&j);
	return 0;
}
