/* store_s3_probe_object: the object that store_s3_probe tries its attempts on, and what became of it. */
#ifndef STORE_STORE_S3_PROBE_OBJECT_H
#define STORE_STORE_S3_PROBE_OBJECT_H

#include "store/store_s3.h"

struct probe_object {
	struct store_s3 *s;
	char *key, *version, *body;
	int64_t until_us;  /* of its lock */
	int64_t server_us; /* what the store's clock said last */
	char *encryption;  /* x-amz-server-side-encryption as last seen, NULL for none */
	struct strv others; /* further versions of the key that the attempts made */
};

/* Nothing is stored yet. */
void probe_object_init(struct probe_object *o, struct store_s3 *s);
void probe_object_deinit(struct probe_object *o);

struct probe_answer {
	int status;
	char *version; /* that was made, NULL for none; the caller frees it */
};

/* A request on it, which may well be refused; repeated like any other. 0 with an answer, -1. */
int probe_call(struct probe_object *o, const struct s3_request *r, struct probe_answer *a_r, struct err *e) MUST_CHECK;

/* Asks the bucket for nothing but its clock. */
int probe_ask_clock(struct probe_object *o, struct err *e) MUST_CHECK;

/* Stores it with a lock for so long by the store's own clock. */
int probe_object_put(struct probe_object *o, int64_t lock_us, struct err *e) MUST_CHECK;

/* Notes one more version to remove. */
void probe_object_other(struct probe_object *o, const char *version);

/* Is the version there, with its bytes and its lock? 1, 0 with what is different now (caller frees), -1. */
int probe_object_intact(struct probe_object *o, char **became_r, struct err *e) MUST_CHECK;

/* Is the version there? 1, 0, -1. */
int probe_object_exists(struct probe_object *o, struct err *e) MUST_CHECK;

/* Deletes all of its versions, whose locks are over. *may_r: the account could. */
int probe_object_remove(struct probe_object *o, bool *may_r, struct err *e) MUST_CHECK;

#endif
