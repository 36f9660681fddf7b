#include "lmtpd/stream.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

void stream_init(struct stream *s, int fd, int stop_fd, int64_t timeout_us)
{
	*s = (struct stream){ .fd = fd, .stop_fd = stop_fd, .timeout_us = timeout_us };
	s->in = mem_alloc(STREAM_IN_SIZE, 1);
	s->out = BUF_INIT(STREAM_OUT_SIZE);
}

void stream_deinit(struct stream *s)
{
	tls_freep(&s->tls);
	free(s->in);
	s->in = NULL;
	buf_deinit(&s->out);
}

static enum stream_status broken(struct stream *s, const char *op)
{
	err_errno(&s->why, op, "client");
	return STREAM_CLOSED;
}

/* ---- waiting ---- */

/* Until fd is ready for `events` or the deadline is there; with stoppable also until the daemon
 * stops. */
static enum stream_status wait_for(struct stream *s, short events, int64_t deadline_us,
	bool stoppable)
{
	struct pollfd p[2] = {
		{ .fd = s->fd, .events = events },
		{ .fd = s->stop_fd, .events = POLLIN },
	};

	for (;;) {
		int64_t left = deadline_us - clock_monotonic_us();
		int ready = poll(p, stoppable ? 2 : 1, left > 0 ? (int)(left / 1000 + 1) : 0);

		if (ready < 0 && errno != EINTR)
			return broken(s, "poll");
		if (ready > 0)
			return p[0].revents ? STREAM_OK : STREAM_STOP;
		if (ready == 0 && left <= 0)
			return STREAM_TIMEOUT;
	}
}

/* What a TLS call asks to wait for; TLS_OK is for the caller. */
static enum stream_status tls_wait(struct stream *s, enum tls_status status, int64_t deadline_us,
	bool stoppable)
{
	if (status == TLS_WANT_READ)
		return wait_for(s, POLLIN, deadline_us, stoppable);
	if (status == TLS_WANT_WRITE)
		return wait_for(s, POLLOUT, deadline_us, false);
	if (status == TLS_END)
		err_temporary(&s->why, "the client closed");
	return STREAM_CLOSED;
}

/* ---- input ---- */

static enum stream_status read_clear(struct stream *s, char *to, size_t n, size_t *got_r,
	int64_t deadline_us, bool stoppable)
{
	for (;;) {
		ssize_t got = recv(s->fd, to, n, 0);

		if (got > 0) {
			*got_r = (size_t)got;
			return STREAM_OK;
		}
		if (got == 0) {
			err_temporary(&s->why, "the client closed");
			return STREAM_CLOSED;
		}
		if (errno != EAGAIN && errno != EINTR)
			return broken(s, "recv");
		enum stream_status waited = wait_for(s, POLLIN, deadline_us, stoppable);

		if (waited)
			return waited;
	}
}

static enum stream_status read_tls(struct stream *s, char *to, size_t n, size_t *got_r,
	int64_t deadline_us, bool stoppable)
{
	for (;;) {
		enum tls_status status = tls_read(s->tls, to, n, got_r, &s->why);

		if (status == TLS_OK)
			return STREAM_OK;
		enum stream_status waited = tls_wait(s, status, deadline_us, stoppable);

		if (waited)
			return waited;
	}
}

/* Adds to the input, for which there must be room. Whatever was gathered is sent first, since the
 * client may wait for it. */
static enum stream_status fill(struct stream *s, int64_t deadline_us, bool stoppable)
{
	size_t got = 0;
	enum stream_status status = stream_flush(s);

	if (status)
		return status;
	status = (s->tls ? read_tls : read_clear)(s, s->in + s->in_end, STREAM_IN_SIZE - s->in_end,
		&got, deadline_us, stoppable);
	s->in_end += got;
	return status;
}

/* Moves unread input to the front. */
static void compact(struct stream *s)
{
	memmove(s->in, s->in + s->in_at, s->in_end - s->in_at);
	s->in_end -= s->in_at;
	s->in_at = 0;
}

static enum stream_status drop_line(struct stream *s, int64_t deadline_us)
{
	for (;;) {
		char *end = memchr(s->in + s->in_at, '\n', s->in_end - s->in_at);

		if (end) {
			s->in_at = (size_t)(end - s->in) + 1;
			return STREAM_TOO_LONG;
		}
		s->in_at = s->in_end = 0;
		enum stream_status status = fill(s, deadline_us, false);

		if (status)
			return status;
	}
}

/* [start, end] is a whole line, end its LF. */
static enum stream_status give_line(struct stream *s, char *start, char *end, char **line_r,
	size_t *n_r)
{
	s->in_at = (size_t)(end - s->in) + 1;
	if (end == start || end[-1] != '\r')
		return STREAM_BAD_END;
	end[-1] = '\0';
	*line_r = start;
	*n_r = (size_t)(end - 1 - start);
	return STREAM_OK;
}

static enum stream_status find_line(struct stream *s, size_t max, int64_t deadline_us,
	bool stoppable, char **line_r, size_t *n_r)
{
	compact(s);
	for (;;) {
		size_t look = s->in_end < max ? s->in_end : max;
		char *end = memchr(s->in, '\n', look);

		if (end)
			return give_line(s, s->in, end, line_r, n_r);
		if (look == max)
			return drop_line(s, deadline_us);
		enum stream_status status = fill(s, deadline_us, stoppable);

		if (status)
			return status;
	}
}

enum stream_status stream_line(struct stream *s, size_t max, bool in_message, char **line_r,
	size_t *n_r)
{
	int64_t began = clock_monotonic_us();

	if (!in_message)
		s->patience_us = s->timeout_us;
	enum stream_status status =
		find_line(s, max, began + s->patience_us, !in_message, line_r, n_r);

	if (in_message)
		s->patience_us -= clock_monotonic_us() - began;
	return status;
}

enum stream_status stream_bytes(struct stream *s, const char **data_r, size_t *n_r)
{
	if (s->in_at == s->in_end) {
		int64_t began = clock_monotonic_us();

		s->in_at = s->in_end = 0;
		enum stream_status status = fill(s, began + s->patience_us, false);

		if (status)
			return status;
		s->patience_us -= clock_monotonic_us() - began;
	}
	*data_r = s->in + s->in_at;
	*n_r = s->in_end - s->in_at;
	return STREAM_OK;
}

/* A client that sends a byte now and then would never be idle, and never come to an end: so what it
 * sends is worth some time, and no more. */
void stream_take(struct stream *s, size_t n)
{
	s->in_at += n;
	s->patience_us += (int64_t)n * CLOCK_SECOND / STREAM_RATE_MIN;
	if (s->patience_us > s->timeout_us)
		s->patience_us = s->timeout_us;
}

/* ---- output ---- */

static enum stream_status write_clear(struct stream *s, size_t *done_r, int64_t deadline_us)
{
	ssize_t done = send(s->fd, s->out.data, s->out.len, MSG_NOSIGNAL);

	if (done >= 0)
		*done_r = (size_t)done;
	else if (errno == EAGAIN)
		return wait_for(s, POLLOUT, deadline_us, false);
	else if (errno != EINTR)
		return broken(s, "send");
	return STREAM_OK;
}

static enum stream_status write_tls(struct stream *s, size_t *done_r, int64_t deadline_us)
{
	enum tls_status status = tls_write(s->tls, s->out.data, s->out.len, done_r, &s->why);

	return status == TLS_OK ? STREAM_OK : tls_wait(s, status, deadline_us, false);
}

enum stream_status stream_flush(struct stream *s)
{
	int64_t deadline = clock_monotonic_us() + s->timeout_us;

	while (s->out.len) {
		size_t done = 0;
		enum stream_status status = (s->tls ? write_tls : write_clear)(s, &done, deadline);

		if (status)
			return status;
		buf_consume(&s->out, done);
	}
	return STREAM_OK;
}

enum stream_status stream_put(struct stream *s, const char *text, size_t n)
{
	if (buf_add(&s->out, text, n) == 0)
		return STREAM_OK;
	enum stream_status status = stream_flush(s);

	if (status == STREAM_OK && buf_add(&s->out, text, n)) {
		err_temporary(&s->why, "a reply of %zu bytes does not fit", n);
		return STREAM_CLOSED;
	}
	return status;
}

/* ---- TLS ---- */

enum stream_status stream_start_tls(struct stream *s, struct tls *t)
{
	int64_t deadline = clock_monotonic_us() + s->timeout_us;
	enum stream_status status = stream_flush(s);

	s->in_at = s->in_end = 0;
	s->tls = t;
	while (status == STREAM_OK) {
		enum tls_status step = tls_handshake(t, &s->why);

		if (step == TLS_OK)
			break;
		status = tls_wait(s, step, deadline, false);
	}
	return status;
}
