/* request: what a client asked for, checked, and free of the HTTP library.
 *
 *	request_init → request_header for each field → request_head_end → request_expect → request_body …
 *
 * A function that refuses returns the HTTP status to refuse with and the reason for the client in *why_r (a literal); 0
 * is good. After a refusal the connection must be closed: where the next request begins is in doubt. */
#ifndef QUERYD_REQUEST_H
#define QUERYD_REQUEST_H

#include "base/buf.h"
#include "base/strv.h"
#include "sys/digest.h"
#include "sys/net.h"

#include <stdbool.h>

#define REQUEST_HEAD_MAX (32u * 1024)
#define REQUEST_BODY_MAX (1024u * 1024)
#define REQUEST_BODY_LARGEST (96u * 1024 * 1024) /* where request_expect() allows it */
#define REQUEST_ID_MAX 64
#define REQUEST_AGENT_MAX 200
#define REQUEST_REASON_MAX 500
#define REQUEST_CASE_MAX 255

enum method { METHOD_OTHER, METHOD_GET, METHOD_HEAD, METHOD_POST, METHOD_PUT, METHOD_PATCH, METHOD_DELETE };

struct request {
	enum method method;
	char *target;	      /* as sent */
	struct strv path;     /* decoded segments (queryd/path.h) */
	struct strv query_names, query_values; /* the query's parameters, decoded */
	char id[REQUEST_ID_MAX + 1]; /* X-Request-ID, the client's or ours */
	char client[NET_NAME_SIZE];
	char agent[REQUEST_AGENT_MAX + 1]; /* User-Agent: its beginning, what is not printable ASCII replaced; "" when absent */
	char *authorization;  /* NULL when absent */
	char *content_type;   /* NULL when absent */
	char *if_match;	      /* NULL when absent */
	char *if_none_match;  /* NULL when absent */
	char *cookie;	      /* the whole field; NULL when absent */
	char *reason;	      /* X-Audit-Reason: why, for the audit; NULL when absent */
	char *case_ref;	      /* X-Case: the case it is for; NULL when absent */
	bool certified;	      /* the client has shown a certificate that is good (queryd/tls.h) */
	uint8_t certificate[SHA256_SIZE]; /* then its SHA-256 */
	struct buf body;
	/* what request_head_end() judges */
	unsigned hosts, lengths, codings, authorizations;
	bool chunked;
	uint64_t declared; /* Content-Length */
	unsigned refused;  /* by a header field; the first one counts */
	const char *why;
};

void request_init(struct request *r, const char *target, const char *client);
void request_deinit(struct request *r);

/* One field of the head, as often and in the order as it was sent. */
void request_header(struct request *r, const char *name, const char *value);

/* The head is complete: judges it. method and version as sent ("GET", "HTTP/1.1"); head_size in bytes. */
unsigned request_head_end(struct request *r, const char *method, const char *version, size_t head_size,
	const char **why_r) MUST_CHECK;

/* The value of a parameter of the query; NULL when it is absent. */
const char *request_parameter(const struct request *r, const char *name);

/* The value of a cookie: the first of this name. Caller frees; NULL when there is none. */
char *request_cookie(const struct request *r, const char *name) MUST_CHECK;

/* "GET"; "?" for METHOD_OTHER. */
const char *request_method_name(enum method m);

/* The body may have so many bytes: 413 when more are announced. Usually REQUEST_BODY_MAX. */
unsigned request_expect(struct request *r, size_t max, const char **why_r) MUST_CHECK;

/* A piece of the body; 413 when it grows over what is expected (what came so far is dropped). */
unsigned request_body(struct request *r, const void *data, size_t n, const char **why_r) MUST_CHECK;

#endif
