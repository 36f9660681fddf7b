/* Removing one version of a message's object, when nothing keeps it any more. */
#include "base/clock.h"
#include "store/store_s3.h"

#include <string.h>

/* There are stores that forget a hold, or a lock, once they should not: what the object shows is looked at before anything
 * is asked of them. */
static int check_unlocked(const struct locator *where, const struct store_state *now, struct err *e)
{
	char until[CLOCK_TEXT_SIZE];

	if (now->held)
		return err_permanent(e, "remove(s3:%s/%s) failed: a legal hold keeps it", where->bucket, where->key);
	if (now->retain_until_us <= clock_now_us())
		return 0;
	clock_format(until, now->retain_until_us);
	return err_permanent(e, "remove(s3:%s/%s) failed: its lock keeps it until %s", where->bucket, where->key, until);
}

/* An account that may not see locks and holds is told of them by the refusal alone, in each store's own words. */
static bool names_the_lock(const struct http_answer *a)
{
	_free_ char *message = s3_xml_text(&a->body, "Message");

	return message && (strcasestr(message, "object lock") || strcasestr(message, "WORM") || strcasestr(message, "legal hold"));
}

/* 0 when the version may be gone now, with *e saying why not should it be there still; -1 when the store refused. Again and
 * again is as good as once. */
static int delete_version(struct store_s3 *s, const struct locator *where, struct err *e)
{
	CLEANUP(s3_request_deinit) struct s3_request r = { .method = "DELETE", .key = where->key };
	struct http_answer a;
	int rc = 0;

	s3_query(&r, "versionId", where->version); /* without it, there would be one more: a delete marker */
	if (s3_call(s->client, &r, &a, e)) {
		e->class = ERR_TEMPORARY;
		return 0;
	}
	if (a.status / 100 == 2 || a.status == 404) {
		err_temporary(e, "remove(s3:%s/%s) failed: the store shows it still", where->bucket, where->key);
	} else {
		s3_refused(s->client, &r, &a, e);
		e->class = names_the_lock(&a) ? ERR_PERMANENT : ERR_TEMPORARY;
		rc = s3_is_passing(&a) ? 0 : -1;
	}
	http_answer_deinit(&a);
	return rc;
}

/* Is it there? 1 with *state_r, 0, or -1 temporary. */
static int look(struct store_s3 *s, const struct locator *where, struct store_state *state_r, struct err *e)
{
	int there = store_s3_stat(&s->store, where, state_r, e);

	if (there < 0 && e->class == ERR_UNKNOWN)
		e->class = ERR_TEMPORARY;
	return there;
}

/* What the store answers is not believed: that the version is not there any more counts. */
int store_s3_remove(struct store *store, const struct locator *where, struct err *e)
{
	struct store_s3 *s = store_s3(store);
	struct store_state now;
	struct err why;
	int there = look(s, where, &now, e);

	if (there <= 0)
		return there;
	if (check_unlocked(where, &now, e))
		return -1;
	if (delete_version(s, where, &why)) {
		*e = why;
		return -1;
	}
	there = look(s, where, &now, e);
	if (there > 0)
		*e = why;
	return there ? -1 : 0;
}
