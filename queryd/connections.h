/* connections: who is connected, and until when. The HTTP library's time-outs are for silence alone: a client that sends
 * a byte a second would stay for ever. Here each connection has a deadline: to deliver a whole request, to get its
 * answer, and so on from request to request; a thread ends those that are overdue by shutdown(2) on their socket.
 *
 * The deadline of an answer grows with its length, by a second for each CONNECTIONS_RATE_MIN bytes. That of a large body moves with
 * what has come of it, by a second for each CONNECTIONS_BODY_RATE_MIN bytes, but is never further away than for a small one: who
 * sends slower than that is cut off soon after, wherever in the body. Any thread. */
#ifndef QUERYD_CONNECTIONS_H
#define QUERYD_CONNECTIONS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define CONNECTIONS_RATE_MIN (16u * 1024) /* bytes a second: who reads slower is cut off */
#define CONNECTIONS_BODY_RATE_MIN (128u * 1024) /* the same for who sends: with it the largest body takes a quarter of an hour */

struct connections;
struct connection;

/* timeout_us: for a request to come, and for its answer to be found. Starts the thread. */
int connections_start(struct connections **c_r, int64_t timeout_us, struct err *e) MUST_CHECK;

/* All connections must have been closed. */
void connections_stopp(struct connections **c);

/* fd stays the HTTP library's, which closes it only after connection_closed(). */
struct connection *connection_opened(struct connections *c, int fd) __attribute__((returns_nonnull));
void connection_closed(struct connections *c, struct connection *conn);

/* The head of a request with a large body is there, and has a deadline of its own: what the body says has been set aside for it.
 * Then so many bytes of it have come, for which the deadline moves. */
void connection_receiving(struct connections *c, struct connection *conn);
void connection_received(struct connections *c, struct connection *conn, uint64_t n);

/* A request is whole and its answer is being made. */
void connection_busy(struct connections *c, struct connection *conn);

/* The answer has `length` bytes and is being sent. */
void connection_answering(struct connections *c, struct connection *conn, uint64_t length);

/* Of an answer whose length was not known `length` more bytes are being sent. */
void connection_given(struct connections *c, struct connection *conn, uint64_t length);

/* The answer is sent; the next request may come. */
void connection_idle(struct connections *c, struct connection *conn);

/* From now on every connection ends after its answer. */
bool connections_draining(struct connections *c);

/* Ends the connections that have no request under way and waits until the others have their answer, at most
 * timeout_us. How many are left. */
unsigned connections_drain(struct connections *c, int64_t timeout_us);

#endif
