/* store_s3_account: the keys that requests are signed with: of the environment (S3_ACCESS_KEY, S3_SECRET_KEY and, for a
 * session, S3_SESSION_TOKEN), else of a file as the tools of AWS have it:
 *
 *	[default]
 *	aws_access_key_id = …
 *	aws_secret_access_key = …
 *	aws_session_token = …		(of a session)
 *
 * A file may be replaced while it is in use: it is read again when the store refuses what it held. Any thread. */
#ifndef STORE_STORE_S3_ACCOUNT_H
#define STORE_STORE_S3_ACCOUNT_H

#include "base/err.h"

#include <stdbool.h>

struct s3_keys {
	char *access_key, *secret_key;
	char *token; /* "" for none */
};

struct s3_account;

/* path "": the environment alone. -1 permanent when there are no keys, or not both. */
int s3_account_open(struct s3_account **a_r, const char *path, struct err *e) MUST_CHECK;
void s3_account_closep(struct s3_account **a);

/* The keys of now; the caller deinits them. */
void s3_account_keys(struct s3_account *a, struct s3_keys *keys_r);
void s3_keys_deinit(struct s3_keys *k);

/* After the store refused these keys: are there others by now? */
bool s3_account_renewed(struct s3_account *a, const struct s3_keys *refused);

#endif
