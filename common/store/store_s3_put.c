/* Writing an object: what a lost answer meant is found out before anything is said. */
#include "base/clock.h"
#include "store/store_s3.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <string.h>

#define DAY_US (86400 * CLOCK_SECOND)
#define CHECKSUM_SIZE (4 * ((SHA256_SIZE + 2) / 3) + 1) /* base64 */
#define LOCK_MIN_US (600 * CLOCK_SECOND)

void store_s3_format_until(char text[CLOCK_TEXT_SIZE], int64_t us)
{
	clock_format(text, (us + CLOCK_SECOND - 1) / CLOCK_SECOND * CLOCK_SECOND);
}

void store_s3_sse_headers(const struct store_s3 *s, struct s3_request *r)
{
	if (strcmp(s->sse, "none") == 0)
		return;
	s3_header(r, "x-amz-server-side-encryption", s->sse);
	if (*s->sse_kms_key)
		s3_header(r, "x-amz-server-side-encryption-aws-kms-key-id", s->sse_kms_key);
}

int64_t store_s3_at_least_soon(int64_t retain_until_us)
{
	int64_t soon = clock_now_us() + LOCK_MIN_US;

	return retain_until_us < soon ? soon : retain_until_us;
}

/* A day of grace: clocks differ, and messages wait. */
int store_s3_check_until(const struct store_s3 *s, const char *key, int64_t retain_until_us, struct err *e)
{
	char until[CLOCK_TEXT_SIZE];

	if (retain_until_us <= clock_now_us() + (int64_t)(s->lock_days_max + 1) * DAY_US)
		return 0;
	store_s3_format_until(until, retain_until_us);
	return err_permanent(e, "lock(s3:%s/%s) refused: until %s is more than lock_days_max (%" PRIu64 " days) away",
		s3_client_bucket(s->client), key, until, s->lock_days_max);
}

void store_s3_lock_headers(const struct store_s3 *s, struct s3_request *r, int64_t retain_until_us)
{
	char until[CLOCK_TEXT_SIZE];

	store_s3_format_until(until, retain_until_us);
	s3_header(r, "x-amz-object-lock-mode", "COMPLIANCE");
	s3_header(r, "x-amz-object-lock-retain-until-date", until);
	store_s3_sse_headers(s, r);
}

static void checksum_text(char text[CHECKSUM_SIZE], const uint8_t *sha256)
{
	EVP_EncodeBlock((unsigned char *)text, sha256, SHA256_SIZE);
}

void store_s3_checksum_headers(struct s3_request *r)
{
	char text[CHECKSUM_SIZE];

	checksum_text(text, r->sha256);
	s3_content_md5(r);
	s3_header(r, "x-amz-checksum-sha256", text);
}

/* Printable characters alone, and not "null", which stands for no version. */
static bool is_version(const char *text)
{
	if (!text || !*text || strcmp(text, "null") == 0)
		return false;
	for (; *text; text++)
		if (*text <= ' ' || *text > '~')
			return false;
	return true;
}

static int garbled(const struct store_s3 *s, const struct s3_request *r, const char *what, struct err *e)
{
	return err_unknown(e, "PUT(s3:%s/%s) failed: %s", s3_client_bucket(s->client), r->key, what);
}

/* The version id is what makes the object findable for good: it is not taken from an answer that looks garbled. */
static int take_version(const struct store_s3 *s, const struct s3_request *r, const struct http_answer *a,
	struct locator *where_r, struct err *e)
{
	const char *version = http_answer_header(a, "x-amz-version-id");

	if (!is_version(version))
		return garbled(s, r, "the answer has no version id: the bucket's versioning is off, or it was garbled on the way", e);
	*where_r = (struct locator){ mem_strdup(s3_client_bucket(s->client)), mem_strdup(r->key), mem_strdup(version), 0,
		r->length };
	return 0;
}

/* Is a header there and another? */
static bool differs(const struct http_answer *a, const char *name, const char *expected)
{
	const char *value = http_answer_header(a, name);

	return value && expected && strcmp(value, expected) != 0;
}

/* What is there under that version agrees with what was sent and with the answer to it? */
static bool is_it(const struct s3_request *r, const struct http_answer *put, const struct http_answer *head,
	const struct locator *where)
{
	_free_ char *length = mem_printf("%" PRIu64, where->length);
	char sum[CHECKSUM_SIZE];

	checksum_text(sum, r->sha256);
	return head->status == 200 && http_answer_header(head, "Content-Length") &&
		!differs(head, "Content-Length", length) && !differs(head, "x-amz-version-id", where->version) &&
		!differs(head, "ETag", http_answer_header(put, "ETag")) &&
		!differs(put, "x-amz-checksum-sha256", sum) && !differs(head, "x-amz-checksum-sha256", sum);
}

/* One wrong character in the version id, and a message that was acknowledged is never found again: where TLS does not rule
 * that out the store is asked whether it knows it, and what answers differ about is found out by reading the object back. */
static int confirm(struct store_s3 *s, const struct s3_request *r, const struct http_answer *put, const struct locator *where,
	struct err *e)
{
	CLEANUP(s3_request_deinit) struct s3_request asking = { .method = "HEAD", .key = r->key };
	struct http_answer head;

	s3_query(&asking, "versionId", where->version);
	s3_header(&asking, "x-amz-checksum-mode", "ENABLED");
	if (s3_call(s->client, &asking, &head, e)) {
		e->class = ERR_UNKNOWN;
		return -1;
	}
	int rc = is_it(r, put, &head, where) ? 0 :
		garbled(s, r, "the store does not have it as its answer says", e);

	http_answer_deinit(&head);
	return rc;
}

static int take_answer(struct store_s3 *s, const struct s3_request *r, const struct http_answer *a, struct locator *where_r,
	struct err *e)
{
	if (take_version(s, r, a, where_r, e))
		return -1;
	if (s3_client_is_tls(s->client) || confirm(s, r, a, where_r, e) == 0)
		return 0;
	locator_deinit(where_r);
	return -1;
}

/* 0 with *where_r; -1: temporary, nothing was stored; or unknown. *passing_r: another attempt may do better. */
static int put_once(struct store_s3 *s, const struct s3_request *r, struct locator *where_r, bool *passing_r, struct err *e)
{
	struct http_answer a;
	int rc = -1;

	*passing_r = true;
	if (s3_call(s->client, r, &a, e))
		return -1;
	*passing_r = s3_is_passing(&a);
	if (a.status / 100 == 2) {
		rc = take_answer(s, r, &a, where_r, e);
	} else {
		s3_refused(s->client, r, &a, e);
		/* A 5xx may come after the deed; 412 says that the key is there: perhaps by a request that went twice. */
		e->class = *passing_r || a.status == 412 ? ERR_UNKNOWN : ERR_TEMPORARY;
	}
	http_answer_deinit(&a);
	return rc;
}

/* After an unknown outcome the store is asked: 1 when the object is there, whole. */
static int look_up(struct store_s3 *s, const struct s3_request *r, struct locator *where_r, struct err *e)
{
	struct err unknown = *e;
	int found = store_s3_find_bytes(s, r->key, r->length, r->sha256, where_r, e);

	if (found > 0 && !is_version(where_r->version)) {
		locator_deinit(where_r);
		found = 0;
	}
	if (found < 0) {
		err_prefix(e, "%s, and whether it is stored can't be found out", unknown.text);
		e->class = ERR_UNKNOWN;
	} else if (found == 0) {
		*e = unknown;
		e->class = ERR_TEMPORARY;
	}
	return found;
}

/* A put that did happen although its look-up found nothing leaves one more version of the same bytes, which no row names,
 * where the store ignores If-None-Match: the reconciler meets it in its listing. */
static int put_until_known(struct store_s3 *s, const struct s3_request *r, struct locator *where_r, struct err *e)
{
	struct s3_patience patience = s3_patience(s->client);

	for (;;) {
		bool passing;

		if (put_once(s, r, where_r, &passing, e) == 0)
			return 0;
		if (e->class == ERR_UNKNOWN) {
			int found = look_up(s, r, where_r, e);

			if (found)
				return found > 0 ? 0 : -1;
		}
		if (!passing || !s3_again(&patience))
			return -1;
	}
}

int store_s3_put(struct store *store, const struct store_object *o, struct locator *where_r, struct err *e)
{
	struct store_s3 *s = store_s3(store);
	_free_ char *key = store_key(&o->id);
	CLEANUP(s3_request_deinit)
	struct s3_request r = {
		.method = "PUT", .key = key, .body = o->data, .length = o->length, .sha256 = o->sha256, .once = true,
	};

	s3_header(&r, "Content-Type", "message/rfc822");
	/* Not relied on: it spares the store a second version of what was sent twice. */
	s3_header(&r, "If-None-Match", "*");
	store_s3_checksum_headers(&r);
	store_s3_lock_headers(s, &r, store_s3_at_least_soon(o->retain_until_us));
	if (store_s3_check_until(s, key, o->retain_until_us, e))
		return -1;
	return put_until_known(s, &r, where_r, e);
}
