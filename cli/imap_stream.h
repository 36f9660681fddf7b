/* imap_stream: the connection beneath libetpan: TCP, and TLS with the certificate and its name checked.
 *
 * libetpan's own TLS compares no names, so it gets its bytes through this. Three of its habits are seen to here: an end of
 * the connection is an error (it would ask for ever for the rest of a literal), every wait has an end, and no answer may
 * be larger than was expected. */
#ifndef CLI_IMAP_STREAM_H
#define CLI_IMAP_STREAM_H

#include "base/err.h"
#include "cli/imap_url.h"

#include <libetpan/mailstream.h>
#include <stdint.h>

struct tls_context;
struct imap_stream;

/* Connects, with TLS for imaps. The stream lives as long as the mailstream, which mailstream_close() frees. */
int imap_stream_open(struct imap_stream **s_r, mailstream **m_r, const struct imap_url *u, struct tls_context *tls,
	struct err *e) MUST_CHECK;

/* After STARTTLS: from here on TLS. -1 permanent when the server had sent more already: somebody may have put it there. */
int imap_stream_start_tls(struct imap_stream *s, mailstream *m, const struct imap_url *u, struct tls_context *tls,
	struct err *e) MUST_CHECK;

/* Is the server this machine? */
bool imap_stream_is_local(const struct imap_stream *s);

/* "TLSv1.3 …"; NULL without. Caller frees. */
char *imap_stream_describe(const struct imap_stream *s);

/* So many bytes may come until this is said again; UINT64_MAX for any number. */
void imap_stream_expect(struct imap_stream *s, uint64_t bytes);

/* Should the server ask for more ("+ …"), send it this, once; static text, or NULL. libetpan would wait for the server. */
void imap_stream_answer(struct imap_stream *s, const char *text);

/* Waits until something can be read (true), timeout_us are over, or the program is to end. */
bool imap_stream_wait(struct imap_stream *s, mailstream *m, int64_t timeout_us);

/* Why the last call failed, for want of a reason from libetpan; "" when it did not fail here. */
const char *imap_stream_failure(const struct imap_stream *s);

#endif
