/* store_s3_client: signed requests to one bucket. Any thread.
 *
 * A request whose repetition changes nothing is repeated, a few times within a while, when the connection broke or the
 * store said that it can't just now. The others are their callers' matter. */
#ifndef STORE_STORE_S3_CLIENT_H
#define STORE_STORE_S3_CLIENT_H

#include "conf/conf.h"
#include "store/store_s3_account.h"
#include "sys/http_client.h"

#include <stdbool.h>

struct s3_client;

/* Reads [s3] of the configuration and the keys; asks the store nothing. */
int s3_client_open(struct s3_client **c_r, const char *bucket, const struct conf *conf, struct err *e) MUST_CHECK;
void s3_client_closep(struct s3_client **c);

const char *s3_client_bucket(const struct s3_client *c);
const char *s3_client_region(const struct s3_client *c);
bool s3_client_is_aws(const struct s3_client *c);      /* at AWS itself, or another store? */
bool s3_client_is_tls(const struct s3_client *c);      /* what comes is what the store sent, to the bit */
bool s3_client_is_encrypted(const struct s3_client *c); /* TLS, or nothing but this machine on the way */

struct s3_request {
	const char *method;
	const char *key; /* NULL: the bucket itself */
	struct strv query; /* see s3_query() */
	struct strv headers; /* "Name: value" */
	const void *body;
	size_t length;
	const uint8_t *sha256; /* of the body; NULL: it is computed */
	bool once; /* not to be repeated */
	int (*sink)(void *ctx, const void *data, size_t n); /* as of http_client; makes it `once` */
	void *ctx;
};

void s3_request_deinit(struct s3_request *r);

/* Adds a parameter (value encoded here), or a header. */
void s3_query(struct s3_request *r, const char *name, const char *value);
void s3_header(struct s3_request *r, const char *name, const char *value);

/* Content-MD5, which some requests must have. Left out where the machine's rules forbid MD5 (FIPS). */
void s3_content_md5(struct s3_request *r);

/* 0 with an answer of any status (caller deinits), -1 when there was none: temporary or unknown, see http_call(). */
int s3_call(struct s3_client *c, const struct s3_request *r, struct http_answer *a_r, struct err *e) MUST_CHECK;

/* The same, where anything but a 2xx is a failure: see s3_refused(). */
int s3_do(struct s3_client *c, const struct s3_request *r, struct http_answer *a_r, struct err *e) MUST_CHECK;

/* Says what the store answered, and what an administrator can do about it. Permanent when it has no such object or version,
 * else temporary: settings, rights and clocks can be mended. Returns -1. */
int s3_refused(const struct s3_client *c, const struct s3_request *r, const struct http_answer *a, struct err *e);

/* Is this an answer of a store that can't just now? */
bool s3_is_passing(const struct http_answer *a);

/* Does the answer carry this code of S3 ("NoSuchBucket")? */
bool s3_answer_is(const struct http_answer *a, const char *code);

/* A URL that anybody can GET the object at, for so long. Caller frees. */
char *s3_client_presign(struct s3_client *c, const struct s3_request *r, uint32_t seconds) __attribute__((returns_nonnull));

/* How long something is tried: from now on, for as long as the setting `timeout` says. */
struct s3_patience {
	int64_t until_us;
	unsigned attempts;
};
struct s3_patience s3_patience(const struct s3_client *c);

/* Waits before the next attempt, longer each time; false when there were enough or they took too long. */
bool s3_again(struct s3_patience *p);

#endif
