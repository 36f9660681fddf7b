/* tls: TLS on a socket, over OpenSSL: TLS 1.2 or later; as a server our order of ciphers.
 *
 * Nothing here waits: the socket is non-blocking, and the caller polls as TLS_WANT_READ and
 * TLS_WANT_WRITE say before it calls again with the same arguments. Time-outs are therefore the
 * caller's. SIGPIPE must be ignored (proc_init). */
#ifndef SYS_TLS_H
#define SYS_TLS_H

#include "base/err.h"

#include <stdbool.h>

/* Certificate and key; any thread may make connections from it. To renew the files make a new one:
 * connections keep what they started with, also after tls_context_freep(). */
struct tls_context;

/* cert and key: PEM files. client_ca: PEM file of the authorities that a client's certificate must
 * come from (a client without one is then refused), or "" to ask for none. -1 permanent. */
int tls_context_new(struct tls_context **c_r, const char *cert, const char *key,
	const char *client_ca, struct err *e)
	MUST_CHECK;
void tls_context_freep(struct tls_context **c);

/* For clients. ca: PEM file of the authorities that servers' certificates must come from, or "" for
 * those that the system trusts. -1 permanent. */
int tls_client_context_new(struct tls_context **c_r, const char *ca, struct err *e) MUST_CHECK;

enum tls_status {
	TLS_OK,
	TLS_WANT_READ,	/* poll for input, then call again */
	TLS_WANT_WRITE, /* poll for output, then call again */
	TLS_END,	/* the peer closed in good order */
	TLS_FAILED,	/* *e says why; only tls_freep() may follow */
};

/* One connection; one thread at a time. The descriptor stays the caller's. */
struct tls;

/* -1 without memory. */
int tls_new(struct tls **t_r, struct tls_context *c, int fd, struct err *e) MUST_CHECK;

/* As a client, of a client's context. host: the name or address that the server's certificate must
 * be for; the handshake fails otherwise, permanent. */
int tls_client_new(struct tls **t_r, struct tls_context *c, int fd, const char *host,
	struct err *e) MUST_CHECK;

enum tls_status tls_handshake(struct tls *t, struct err *e) MUST_CHECK;
enum tls_status tls_read(struct tls *t, void *data, size_t n, size_t *done_r,
	struct err *e) MUST_CHECK;
enum tls_status tls_write(struct tls *t, const void *data, size_t n, size_t *done_r,
	struct err *e) MUST_CHECK;

/* Has it read bytes that no tls_read() has taken yet, so that polling would wait in vain? */
bool tls_pending(const struct tls *t);

/* "TLSv1.3 TLS_AES_256_GCM_SHA384", after the handshake. Caller frees. */
char *tls_describe(const struct tls *t) __attribute__((returns_nonnull));

/* The verified client certificate's subject (RFC 2253); NULL when none was asked for. Caller
 * frees. */
char *tls_client_subject(const struct tls *t);

/* Says goodbye (close_notify) if that can be done without waiting. */
void tls_freep(struct tls **t);

#endif
