/* sigv4: AWS Signature Version 4 over OpenSSL: signing a request's headers, and a URL that allows one GET for a while.
 *
 * It knows nothing of S3 but that a path is encoded once. Any thread. */
#ifndef STORE_SIGV4_H
#define STORE_SIGV4_H

#include "base/strv.h"

#include <stdint.h>

#define SIGV4_UNSIGNED_PAYLOAD "UNSIGNED-PAYLOAD"

struct sigv4_account {
	const char *access_key, *secret_key;
	const char *token; /* of a session; NULL or "" for none */
	const char *region, *service;
};

struct sigv4_request {
	const char *method;
	const char *host; /* with the port where it is not the scheme's own: as the Host header has it */
	const char *path; /* absolute, percent-encoded: as it goes out */
	const struct strv *query; /* "name=value", both encoded, "name=" without a value; any order; NULL: none */
	const char *payload; /* SHA-256 of the body in hex, or SIGV4_UNSIGNED_PAYLOAD */
	int64_t now_us;
};

/* Signs the host and all of headers ("Name: value"), and adds X-Amz-Date, X-Amz-Security-Token (for a session) and
 * Authorization to them. S3 wants X-Amz-Content-SHA256 too: it is the caller's. */
void sigv4_sign(const struct sigv4_account *a, const struct sigv4_request *r, struct strv *headers);

/* The query of a URL that may be fetched for so many seconds, beginning with r's own parameters. Caller frees. */
char *sigv4_presign(const struct sigv4_account *a, const struct sigv4_request *r, uint32_t seconds)
	__attribute__((returns_nonnull));

/* The items of a query in the order in which they are signed, joined by '&': as they must go out. Caller frees. */
char *sigv4_query(const struct strv *query) __attribute__((returns_nonnull));

/* text with all but A-Z a-z 0-9 - . _ ~ as %XX; '/' stays in a path. Caller frees. */
char *sigv4_encode(const char *text) __attribute__((returns_nonnull));
char *sigv4_encode_path(const char *text) __attribute__((returns_nonnull));

#endif
