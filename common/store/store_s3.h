/* store_s3: messages as objects in a bucket with Object Lock (`store = s3:BUCKET`). For common/store/store_s3*.c alone.
 *
 * Each object is locked by its own headers (COMPLIANCE, until its retain-until): a bucket's default retention is not relied
 * on. Everything is read by version id: a lock protects a version, and whoever may write can put another one on top. */
#ifndef STORE_STORE_S3_H
#define STORE_STORE_S3_H

#include "base/clock.h"
#include "store/store_driver.h"
#include "store/store_s3_client.h"
#include "store/store_s3_xml.h"

struct store_s3 {
	struct store store;
	struct s3_client *client;
	char *sse, *sse_kms_key; /* "none", "AES256" or "aws:kms" */
	uint64_t lock_days_max;
};

static inline struct store_s3 *store_s3(struct store *s)
{
	return CONTAINER_OF(s, struct store_s3, store);
}

/* ---- store_s3_put ---- */

int store_s3_put(struct store *s, const struct store_object *o, struct locator *where_r, struct err *e) MUST_CHECK;

/* -1 permanent for a lock that is longer than lock_days_max from now. */
int store_s3_check_until(const struct store_s3 *s, const char *key, int64_t retain_until_us, struct err *e) MUST_CHECK;

/* Whole seconds, never earlier than asked for. */
void store_s3_format_until(char text[CLOCK_TEXT_SIZE], int64_t us);

/* No store takes a lock that is over already: what was to be kept until a time in the past, or the next minutes (clocks
 * differ), is locked a little longer. */
int64_t store_s3_at_least_soon(int64_t retain_until_us);

/* Adds the headers of a lock until then (COMPLIANCE), and those of encryption at rest. */
void store_s3_lock_headers(const struct store_s3 *s, struct s3_request *r, int64_t retain_until_us);
void store_s3_sse_headers(const struct store_s3 *s, struct s3_request *r);

/* Adds Content-MD5 and x-amz-checksum-sha256; r->sha256 is set. */
void store_s3_checksum_headers(struct s3_request *r);

/* ---- store_s3_read ---- */

int store_s3_get(struct store *s, const struct locator *where, int (*sink)(void *ctx, const void *data, size_t n), void *ctx,
	struct err *e) MUST_CHECK;
int store_s3_stat(struct store *s, const struct locator *where, struct store_state *state_r, struct err *e) MUST_CHECK;

int store_s3_presign(struct store *s, const struct locator *where, uint32_t seconds, char **url_r, struct err *e)
	MUST_CHECK;

/* ---- store_s3_list ---- */

int store_s3_list(struct store *s, const struct store_range *range,
	int (*take)(void *ctx, const struct store_listed *object), void *ctx, struct err *e) MUST_CHECK;

/* The oldest version of an object. */
int store_s3_find(struct store *s, const struct uuid *id, struct locator *where_r, struct err *e) MUST_CHECK;

/* The ids of all versions of a key, the newest first; caller deinits. */
int store_s3_versions(struct store_s3 *s, const char *key, struct strv *versions_r, struct err *e) MUST_CHECK;

/* The oldest version of a key that has these bytes, which are read back (sha256 NULL: that has this length): 1 with *where_r
 * (caller deinits), 0, -1. */
int store_s3_find_bytes(struct store_s3 *s, const char *key, uint64_t length, const uint8_t *sha256, struct locator *where_r,
	struct err *e) MUST_CHECK;

/* ---- store_s3_lock ---- */

int store_s3_extend(struct store *s, const struct locator *where, int64_t retain_until_us, struct err *e) MUST_CHECK;
int store_s3_hold(struct store *s, const struct locator *where, bool on, struct err *e) MUST_CHECK;

/* The bodies of a change of a lock, and of a hold. Caller frees. */
char *store_s3_retention_body(const char *mode, int64_t until_us) __attribute__((returns_nonnull));
char *store_s3_hold_body(bool on) __attribute__((returns_nonnull));

/* Makes *r a PUT of what belongs to a version ("retention", "legal-hold"); body goes on belonging to the caller. */
void store_s3_put_aspect(struct s3_request *r, const char *key, const char *version, const char *aspect, const char *body);

/* ---- store_s3_remove ---- */

int store_s3_remove(struct store *s, const struct locator *where, struct err *e) MUST_CHECK;

/* ---- store_s3_upload ---- */

int store_s3_upload_begin(struct store *s, const char *key, int64_t retain_until_us, struct store_upload **u_r, struct err *e)
	MUST_CHECK;
int store_s3_upload_add(struct store_upload *u, const void *data, size_t n, struct err *e) MUST_CHECK;
int store_s3_upload_finish(struct store_upload *u, struct locator *where_r, struct err *e) MUST_CHECK;
void store_s3_upload_abandon(struct store_upload *u);
int store_s3_upload_save(struct store_upload *u, bool whole, struct buf *state, const void **tail_r, size_t *tail_n_r,
	struct err *e) MUST_CHECK;
int store_s3_upload_resume(struct store *s, const char *key, int64_t retain_until_us, const struct buf *state,
	struct store_upload **u_r, struct err *e) MUST_CHECK;
void store_s3_upload_leave(struct store_upload *u);

/* ---- store_s3_clear ---- */

int store_s3_upload_clear(struct store *s, const char *key, struct err *e) MUST_CHECK;

/* ---- store_s3_proof ---- */

int store_s3_prove(struct store *s, store_report *report, void *ctx, struct err *e) MUST_CHECK;
int store_s3_proved(struct store *s, struct err *e) MUST_CHECK;

/* ---- store_s3_bucket ---- */

int store_s3_create(const char *where, const struct conf *conf, struct err *e) MUST_CHECK;
int store_s3_ready(struct store *s, struct err *e) MUST_CHECK;

/* Has the bucket versions and Object Lock? -1 says what is missing. */
int store_s3_check_bucket(struct store_s3 *s, struct err *e) MUST_CHECK;

#endif
