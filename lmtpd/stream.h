/* stream: a client's connection as lines and bytes, in clear or in TLS, with time limits on every
 * wait.
 *
 * Replies are gathered and leave when the client has nothing more to read from us in its buffer
 * (PIPELINING: one packet answers a group of commands). One thread. The input buffer and the
 * largest gathering of replies are all the memory that a connection costs here. */
#ifndef LMTPD_STREAM_H
#define LMTPD_STREAM_H

#include "base/buf.h"
#include "sys/tls.h"

#include <stdbool.h>

#define STREAM_IN_SIZE ((size_t)32 * 1024)
#define STREAM_OUT_SIZE ((size_t)8 * 1024)

/* Bytes a second that a message has to bring on average; 500 is what Postfix asks for
 * (smtpd_min_data_rate). */
#define STREAM_RATE_MIN INT64_C(500)

enum stream_status {
	STREAM_OK,
	STREAM_TOO_LONG, /* the line was dropped up to its end */
	STREAM_BAD_END,	 /* the line ended with a bare LF */
	STREAM_STOP,	 /* the daemon is stopping */
	STREAM_TIMEOUT,
	STREAM_CLOSED, /* by the client, or broken: why holds the reason */
};

struct stream {
	int fd;		    /* non-blocking; not ours to close */
	int stop_fd;	    /* readable when the daemon is stopping */
	int64_t timeout_us; /* a whole command line, a message without a byte, sending replies */
	int64_t patience_us; /* for the message: waiting uses it up, bytes bring it back */
	struct tls *tls;    /* NULL in clear */
	char *in;
	size_t in_at, in_end; /* unread input */
	struct buf out;
	struct err why;
};

void stream_init(struct stream *s, int fd, int stop_fd, int64_t timeout_us);
void stream_deinit(struct stream *s);

/* The next line of at most max bytes with its CR LF: a view without it, NUL-terminated, valid until
 * the next call. Between messages it returns STREAM_STOP instead of waiting when the daemon is
 * stopping; in_message, behind a chunk, the wait counts as one for the message. */
enum stream_status stream_line(struct stream *s, size_t max, bool in_message, char **line_r,
	size_t *n_r) MUST_CHECK;

/* At least one byte of input: a view, valid until the next call. Say with stream_take() how much of
 * it is done with. A message may make us wait for timeout_us and for as long as its bytes take at
 * STREAM_RATE_MIN, never for more than timeout_us at a time. */
enum stream_status stream_bytes(struct stream *s, const char **data_r, size_t *n_r) MUST_CHECK;
void stream_take(struct stream *s, size_t n);

/* Gathers a reply (a line or several); sends what is gathered when it would not fit. */
enum stream_status stream_put(struct stream *s, const char *text, size_t n) MUST_CHECK;
enum stream_status stream_flush(struct stream *s) MUST_CHECK;

/* Goes over to TLS after sending what is gathered. Input that came in clear behind STARTTLS is
 * dropped: it could be anybody's. t becomes the stream's. */
enum stream_status stream_start_tls(struct stream *s, struct tls *t) MUST_CHECK;

#endif
