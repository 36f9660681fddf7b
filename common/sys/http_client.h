/* http_client: requests to one kind of server (an object store, a search engine) over libcurl, HTTP/1.1 with keep-alive.
 *
 * A client keeps its idle connections: whoever asks takes one, uses it alone and gives it back, so that each thread finds
 * one that is open. Any number of threads may call at once. Redirections are not followed and no proxy is used, whatever
 * the environment says: where bytes of an archive go is a matter of its configuration alone.
 *
 * Nothing is repeated here, but that libcurl sends a request again on a new connection when a kept one turns out to have
 * been closed before it brought a byte of an answer. A caller must know what a second PUT or POST of it does. */
#ifndef SYS_HTTP_CLIENT_H
#define SYS_HTTP_CLIENT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

struct http_client;

struct http_settings {
	const char *ca_file; /* certificates (PEM) that the server's must come from; "" or NULL: those of the system */
	int64_t connect_us;  /* name, connection and TLS */
	int64_t timeout_us;  /* a whole request, that included; 0: none, for long downloads */
	int64_t stall_us;    /* with less than a byte a second for so long it is given up; at least a second. libcurl takes
				the mean of some seconds, so that it may take a few more */
	size_t answer_max;   /* bytes of an answer that is kept in memory; longer ones fail */
};

/* The settings are copied. Certificates and host names are always checked (https). */
struct http_client *http_client_new(const struct http_settings *s) __attribute__((returns_nonnull));

/* No request may be under way. */
void http_client_freep(struct http_client **c);

struct http_request {
	const char *method;	    /* "GET", "HEAD", "PUT", "POST", "DELETE" */
	const char *url;	    /* complete, percent-encoded; goes out as it is */
	const struct strv *headers; /* "Name: value" each; NULL: none */
	const void *body;	    /* of PUT and POST; NULL with body_len 0 */
	size_t body_len;

	/* Takes the body of a 2xx answer in pieces, in the calling thread; -1 ends the request. NULL: it is kept. Bodies
	 * of other answers are always kept. */
	int (*sink)(void *ctx, const void *data, size_t n);
	void *ctx;
};

struct http_answer {
	int status;
	struct strv headers; /* "Name: value", as they came */
	struct buf body;
};

/* 0: an answer came, whatever its status; the caller deinits it. -1 (nothing to deinit): temporary when the request did
 * no more than be looked at (it never left, or was a GET or HEAD); unknown when the server may have carried it out. */
int http_call(struct http_client *c, const struct http_request *r, struct http_answer *a_r, struct err *e) MUST_CHECK;
void http_answer_deinit(struct http_answer *a);

/* The value of the first header of that name (letters of either case), or NULL. Belongs to the answer. */
const char *http_answer_header(const struct http_answer *a, const char *name);

#endif
