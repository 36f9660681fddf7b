/* Judging expired messages again, by all that keeps mail now. */
#include "archive/dispose_turn.h"

#include <string.h>

/* By a hold that is on it, or a standing one that will be. */
static bool is_held(const struct dispose_turn *t, const struct keeping *k, size_t i)
{
	struct uuid *standing = NULL;
	bool held = rules_holds_on(t->rules, &k->rows[i], &standing) > 0;

	free(standing);
	return held || keeping_is_held(k, i);
}

/* By what is known of it, and by the rules of now. */
static int64_t kept_until(const struct dispose_turn *t, const struct keeping *k, size_t i)
{
	struct rules_verdict v = rules_judge(t->rules, &k->rows[i]);
	int64_t until_us = keeping_until_us(k, i);

	free(v.version);
	return v.retain_until_us > until_us ? v.retain_until_us : until_us;
}

enum dispose_fate dispose_judge_one(const struct dispose_turn *t, const struct keeping *k, size_t i, int64_t until_us)
{
	if (is_held(t, k, i))
		return DISPOSE_HELD;
	if (kept_until(t, k, i) > until_us)
		return DISPOSE_KEPT;
	return t->standing_queries && memcmp(&k->rows[i].id, &t->queried, UUID_SIZE) > 0 ? DISPOSE_LATER : DISPOSE_GO;
}

static bool is_ours(const struct scope *scope, const struct keeping *k, size_t i)
{
	const struct message_row *row = &k->rows[i];

	return message_row_is_there(row) && !k->disposed[i].at_us &&
		scope_covers(scope, row->date_us, row->participants, row->participant_count);
}

int dispose_judge(struct dispose_turn *t, const struct scope *scope, int64_t until_us, const struct uuid *ids, size_t n,
	enum dispose_fate *fates_r, struct err *e)
{
	CLEANUP(keeping_freep) struct keeping *k = MEM_NEW(struct keeping);

	if (keeping_load(k, t->archive->meta, ids, n, e))
		return -1;
	for (size_t i = 0; i < n; i++)
		fates_r[i] = is_ours(scope, k, i) ? dispose_judge_one(t, k, i, until_us) : DISPOSE_NOT_OURS;
	return 0;
}
