/* What is done to the lock of an object that is there: lengthening it, and legal holds. */
#include "base/clock.h"
#include "store/store_s3.h"

#include <string.h>

#define XMLNS "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""

char *store_s3_retention_body(const char *mode, int64_t until_us)
{
	char until[CLOCK_TEXT_SIZE];

	store_s3_format_until(until, until_us);
	return mem_printf("<Retention " XMLNS "><Mode>%s</Mode><RetainUntilDate>%s</RetainUntilDate></Retention>", mode,
		until);
}

char *store_s3_hold_body(bool on)
{
	return mem_printf("<LegalHold " XMLNS "><Status>%s</Status></LegalHold>", on ? "ON" : "OFF");
}

void store_s3_put_aspect(struct s3_request *r, const char *key, const char *version, const char *aspect, const char *body)
{
	*r = (struct s3_request){ .method = "PUT", .key = key, .body = body, .length = strlen(body) };
	s3_query(r, aspect, "");
	s3_query(r, "versionId", version);
	s3_header(r, "Content-Type", "application/xml");
	s3_content_md5(r);
}

static int put_aspect(struct store_s3 *s, const struct locator *where, const char *aspect, const char *body,
	struct err *e)
{
	CLEANUP(s3_request_deinit) struct s3_request r = { 0 };
	struct http_answer a;

	store_s3_put_aspect(&r, where->key, where->version, aspect, body);
	if (s3_do(s->client, &r, &a, e))
		return -1;
	http_answer_deinit(&a);
	return 0;
}

/* 0 with the state of an object that must be there. */
static int stat_it(struct store *store, const struct locator *where, struct store_state *state_r, struct err *e)
{
	int there = store_s3_stat(store, where, state_r, e);

	if (there == 0)
		return err_permanent(e, "lock(s3:%s/%s) failed: there is no such object", where->bucket, where->key);
	return there < 0 ? -1 : 0;
}

/* What the store answers to it is not believed: what it says of the object afterwards counts. */
int store_s3_extend(struct store *store, const struct locator *where, int64_t retain_until_us, struct err *e)
{
	struct store_s3 *s = store_s3(store);
	_free_ char *body = store_s3_retention_body("COMPLIANCE", retain_until_us);
	struct store_state now;

	if (store_s3_check_until(s, where->key, retain_until_us, e) || stat_it(store, where, &now, e))
		return -1;
	if (now.retain_until_us >= retain_until_us)
		return 0;
	if (put_aspect(s, where, "retention", body, e) || stat_it(store, where, &now, e))
		return -1;
	if (now.retain_until_us < retain_until_us)
		return err_temporary(e, "lock(s3:%s/%s) failed: the store took the longer lock, but does not show it",
			where->bucket, where->key);
	return 0;
}

int store_s3_hold(struct store *store, const struct locator *where, bool on, struct err *e)
{
	_free_ char *body = store_s3_hold_body(on);
	struct store_s3 *s = store_s3(store);
	struct store_state now;

	if (stat_it(store, where, &now, e))
		return -1;
	if (now.held == on)
		return 0;
	if (put_aspect(s, where, "legal-hold", body, e) || stat_it(store, where, &now, e))
		return -1;
	if (now.held != on)
		return err_temporary(e, "hold(s3:%s/%s) failed: the store took the hold's change, but does not show it",
			where->bucket, where->key);
	return 0;
}
