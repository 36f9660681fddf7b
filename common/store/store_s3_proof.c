/* What `strongroom check` finds out about a bucket, and what is kept of it.
 *
 * The result is an object in the bucket itself, strongroom/proof.json: it is about this bucket at this store, every daemon
 * that captures to it can read it with the account that it has, and it can't be had without the store. It is not believed
 * of another bucket's copy: it names its bucket, and the store must have taken it at the moment that it names. */
#include "store/store_s3.h"
#include "store/store_s3_probe.h"
#include "sys/json.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define PROOF_KEY "strongroom/proof.json"
#define PROOF_FORMAT 1
#define SAME_MOMENT_US (600 * CLOCK_SECOND)
#define SKEW_NOTED_US (5 * CLOCK_SECOND)
#define SKEW_MAX_US (300 * CLOCK_SECOND)

/* ---- the object ---- */

static char *format_proof(const struct store_s3 *s, const struct s3_probing *p)
{
	_json_ cJSON *j = cJSON_CreateObject();
	char now[CLOCK_TEXT_SIZE];

	json_add_u64(j, "format", PROOF_FORMAT);
	json_add_str(j, "bucket", s3_client_bucket(s->client));
	json_add_str(j, "tried_at", clock_format(now, p->server_us));
	json_add_str(j, "broken", p->broken);
	return json_print(j);
}

static int write_proof(struct store_s3 *s, const struct s3_probing *p, struct err *e)
{
	_free_ char *text = format_proof(s, p);
	CLEANUP(s3_request_deinit)
	struct s3_request r = { .method = "PUT", .key = PROOF_KEY, .body = text, .length = strlen(text) };
	struct http_answer a;

	s3_header(&r, "Content-Type", "application/json");
	s3_content_md5(&r); /* a bucket with a default retention demands it */
	if (s3_do(s->client, &r, &a, e))
		return -1;
	http_answer_deinit(&a);
	return 0;
}

static int never_proved(const struct store_s3 *s, const char *why, struct err *e)
{
	return err_permanent(e, "the locks of the bucket %s were never proved (%s): run `strongroom check` with an account "
		"that may delete objects; a store can take locks and not keep them", s3_client_bucket(s->client), why);
}

/* Was it stored when it says it was tried? A copy of another bucket was not. */
static bool same_moment(const struct http_answer *a, int64_t tried_us)
{
	const char *date = http_answer_header(a, "Last-Modified");
	struct tm tm = { 0 };

	if (!date || !strptime(date, "%a, %d %b %Y %H:%M:%S", &tm))
		return false;
	int64_t apart = (int64_t)timegm(&tm) * CLOCK_SECOND - tried_us;

	return apart > -SAME_MOMENT_US && apart < SAME_MOMENT_US;
}

static int judge_proof(const struct store_s3 *s, const struct http_answer *a, int64_t *tried_us_r, struct err *e)
{
	_json_ cJSON *j = json_parse(a->body.len ? a->body.data : "", a->body.len, e);
	const char *bucket, *tried, *broken;
	uint64_t format;

	if (!j || json_get_u64(j, "format", &format) != 1 || format != PROOF_FORMAT ||
		json_get_str(j, "bucket", &bucket) != 1 || json_get_str(j, "tried_at", &tried) != 1 ||
		clock_parse(tried_us_r, tried))
		return never_proved(s, PROOF_KEY " in it is not one of this version", e);
	if (strcmp(bucket, s3_client_bucket(s->client)) != 0 || !same_moment(a, *tried_us_r))
		return never_proved(s, PROOF_KEY " in it is a copy from elsewhere", e);
	if (json_get_str(j, "broken", &broken) == 1)
		return err_permanent(e, "the store of the bucket %s broke a lock when it was tried at %s: %s. Nothing may be "
			"captured to it", s3_client_bucket(s->client), tried, broken);
	return 0;
}

static int read_proof(struct store_s3 *s, int64_t *tried_us_r, struct err *e)
{
	CLEANUP(s3_request_deinit) struct s3_request r = { .method = "GET", .key = PROOF_KEY };
	struct http_answer a;
	int rc;

	if (s3_call(s->client, &r, &a, e))
		return -1;
	if (a.status / 100 == 2)
		rc = judge_proof(s, &a, tried_us_r, e);
	else if (s3_refused(s->client, &r, &a, e), e->class == ERR_PERMANENT)
		rc = never_proved(s, "it has no " PROOF_KEY, e);
	else
		rc = -1;
	http_answer_deinit(&a);
	return rc;
}

int store_s3_proved(struct store *store, struct err *e)
{
	int64_t unused;

	return read_proof(store_s3(store), &unused, e);
}

/* ---- what is told ---- */

static void tell_clock(const struct s3_probing *p)
{
	int64_t skew_us = p->server_us - p->here_us, apart_us = skew_us < 0 ? -skew_us : skew_us;
	const char *than = skew_us < 0 ? "behind" : "ahead of";

	if (apart_us > SKEW_MAX_US)
		probe_tell(p, STORE_FAILS, "synchronise both: at 15 minutes the store refuses every request",
			"the store's clock is %" PRId64 " s %s this machine's", apart_us / CLOCK_SECOND, than);
	else if (apart_us > SKEW_NOTED_US)
		probe_tell(p, STORE_LACKS, NULL, "the store's clock is %" PRId64 " s %s this machine's", apart_us / CLOCK_SECOND, than);
	else
		probe_tell(p, STORE_HOLDS, NULL, "the store's clock agrees with this machine's");
}

static void tell_encryption(const struct store_s3 *s, const struct s3_probing *p)
{
	bool wanted = strcmp(s->sse, "none") != 0;

	if (wanted && (!p->encryption || strcmp(p->encryption, s->sse) != 0))
		probe_tell(p, STORE_FAILS, "set up encryption in the store, or sse = none in [s3]",
			"encryption at rest (%s) was asked for, and the store shows %s", s->sse,
			p->encryption ? p->encryption : "none");
	else if (p->encryption)
		probe_tell(p, STORE_HOLDS, NULL, "the store encrypts what it keeps (%s)", p->encryption);
	else
		probe_tell(p, STORE_LACKS, NULL, "the store does not say that it encrypts what it keeps (sse in [s3])");
	if (!s3_client_is_encrypted(s->client))
		probe_tell(p, STORE_LACKS, NULL, "messages go to the store over plain http: whoever is on the way can read them");
}

static void tell_extras(const struct s3_probing *p)
{
	if (!p->conditional)
		probe_tell(p, STORE_LACKS, NULL, "the store ignores If-None-Match: a message that had to be sent twice is kept in "
			"two versions, of which one counts");
	if (!p->checks_sums)
		probe_tell(p, STORE_LACKS, NULL, "the store does not check x-amz-checksum-sha256 (each object goes there with "
			"Content-MD5 and a signed SHA-256 too)");
	probe_tell(p, STORE_LACKS, NULL, "whether the store has an object on its disks before it says so can't be found out "
		"from here: see its own documentation");
}

static void tell_lock(const struct s3_probing *p)
{
	probe_tell(p, STORE_HOLDS, NULL, "locks hold: deleting (alone, among others), shortening, downgrading, lifting and "
		"overwriting were tried, and what was locked stayed as it was");
	if (p->hold_tried)
		probe_tell(p, STORE_HOLDS, NULL, "a legal hold keeps an object whose lock is over");
}

/* The account may not delete or not change locks, whoever holds or lifts them: an earlier proof counts. */
static int tell_inconclusive(struct store_s3 *s, const struct s3_probing *p, struct err *e)
{
	char when[CLOCK_TEXT_SIZE];
	int64_t tried_us;

	if (read_proof(s, &tried_us, e) == 0) {
		probe_tell(p, STORE_HOLDS, NULL, "locks were proved at %s (this account may not do what would have to be refused)",
			clock_format(when, tried_us));
		return 0;
	}
	if (e->class != ERR_PERMANENT)
		return -1;
	probe_tell(p, STORE_FAILS, "strongroom check, with the keys of an account that may delete versions and change locks in "
		"S3_ACCESS_KEY and S3_SECRET_KEY",
		"locks could not be proved: this account may not delete versions or change locks, so that refusals prove "
		"nothing");
	return 0;
}

int store_s3_prove(struct store *store, store_report *report, void *ctx, struct err *e)
{
	CLEANUP(s3_probing_deinit) struct s3_probing p = { .report = report, .ctx = ctx };
	struct store_s3 *s = store_s3(store);

	if (store_s3_check_bucket(s, e)) {
		if (e->class != ERR_PERMANENT)
			return -1;
		probe_tell(&p, STORE_FAILS, NULL, "%s", e->text);
		return 0;
	}
	if (store_s3_probe_account(s, &p, e))
		return -1;
	tell_clock(&p);
	if (p.inconclusive)
		return tell_inconclusive(s, &p, e);
	if (store_s3_probe(s, &p, e))
		return -1;
	tell_encryption(s, &p);
	if (!p.broken)
		tell_extras(&p);
	if (p.inconclusive && !p.broken)
		return tell_inconclusive(s, &p, e);
	if (!p.broken)
		tell_lock(&p);
	return write_proof(s, &p, e);
}
