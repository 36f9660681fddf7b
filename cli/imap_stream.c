#include "cli/imap_stream.h"

#include "base/clock.h"
#include "base/log.h"
#include "cli/progress.h"
#include "sys/io.h"
#include "sys/net.h"
#include "sys/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define CONNECT_US (30 * CLOCK_SECOND)
#define SILENCE_US (60 * CLOCK_SECOND)	    /* the server says nothing, or takes nothing */
#define STOPPING_US (10 * CLOCK_SECOND)	    /* the same, when the program is to end */
#define LOOK_US (CLOCK_SECOND / 2)	    /* how often to look whether it is */
#define BUFFER_SIZE (64u * 1024)

struct imap_stream {
	int fd;
	struct tls *tls;
	uint64_t expected;
	const char *answer; /* to a continuation request */
	struct err failure;
};

static struct imap_stream *stream_of(mailstream_low *low)
{
	return low->data;
}

static bool local_v4(in_addr_t address)
{
	return ntohl(address) >> 24 == 127;
}

static bool is_local(int fd)
{
	struct sockaddr_storage peer;
	socklen_t n = sizeof(peer);
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&peer;
	in_addr_t mapped;

	if (getpeername(fd, (struct sockaddr *)&peer, &n) < 0)
		return false;
	if (peer.ss_family == AF_INET)
		return local_v4(((const struct sockaddr_in *)&peer)->sin_addr.s_addr);
	if (peer.ss_family != AF_INET6)
		return false;
	memcpy(&mapped, v6->sin6_addr.s6_addr + 12, sizeof(mapped));
	return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) || (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) && local_v4(mapped));
}

bool imap_stream_is_local(const struct imap_stream *s)
{
	return is_local(s->fd);
}

char *imap_stream_describe(const struct imap_stream *s)
{
	return s->tls ? tls_describe(s->tls) : NULL;
}

const char *imap_stream_failure(const struct imap_stream *s)
{
	return s->failure.text;
}

void imap_stream_expect(struct imap_stream *s, uint64_t bytes)
{
	s->expected = bytes;
}

/* 0 when the descriptor is ready; -1 with the failure. */
static int wait_ready(struct imap_stream *s, short events)
{
	int64_t began_us = clock_monotonic_us();

	for (;;) {
		struct pollfd p = { .fd = s->fd, .events = events };
		int n = poll(&p, 1, (int)(LOOK_US / 1000));

		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return err_errno(&s->failure, "poll", "connection");
		if (clock_monotonic_us() - began_us > (progress_stopped() ? STOPPING_US : SILENCE_US))
			return err_temporary(&s->failure, "the server has been silent for too long");
	}
}

/* What TLS says, as every step of it here wants it: 1 done, 0 to be tried again, -1 with the failure. */
static int judge_tls(struct imap_stream *s, enum tls_status status)
{
	switch (status) {
	case TLS_OK:
		return 1;
	case TLS_WANT_READ:
		return wait_ready(s, POLLIN);
	case TLS_WANT_WRITE:
		return wait_ready(s, POLLOUT);
	case TLS_END:
		return err_temporary(&s->failure, "the server hung up");
	default:
		return -1;
	}
}

static int handshake(struct imap_stream *s)
{
	int rc;

	do
		rc = judge_tls(s, tls_handshake(s->tls, &s->failure));
	while (rc == 0);
	return rc < 0 ? -1 : 0;
}

static int begin_tls(struct imap_stream *s, const struct imap_url *u, struct tls_context *tls, struct err *e)
{
	if (tls_client_new(&s->tls, tls, s->fd, u->host, e) < 0)
		return -1;
	if (handshake(s) == 0)
		return 0;
	*e = s->failure;
	return err_prefix(e, "TLS(%s)", u->host);
}

int imap_stream_start_tls(struct imap_stream *s, mailstream *m, const struct imap_url *u, struct tls_context *tls, struct err *e)
{
	if (m->read_buffer_len)
		return err_permanent(e, "STARTTLS(%s) failed: there was more behind the server's answer", u->host);
	return begin_tls(s, u, tls, e);
}

/* ---- reading and writing ---- */

/* 1 with *n_r bytes, 0 to try again, -1. */
static int read_plain(struct imap_stream *s, void *data, size_t n, size_t *n_r)
{
	ssize_t got = recv(s->fd, data, n, 0);

	if (got > 0) {
		*n_r = (size_t)got;
		return 1;
	}
	if (got == 0)
		return err_temporary(&s->failure, "the server hung up");
	if (errno == EAGAIN || errno == EINTR)
		return wait_ready(s, POLLIN);
	return err_errno(&s->failure, "recv", "connection");
}

void imap_stream_answer(struct imap_stream *s, const char *text)
{
	s->answer = text;
}

static ssize_t low_write(mailstream_low *low, const void *data, size_t n);

/* A few bytes, which a connection takes at once. */
static void answer(mailstream_low *low, const char *data)
{
	const char *text = stream_of(low)->answer;

	if (!text || *data != '+')
		return;
	stream_of(low)->answer = NULL;
	if (low_write(low, text, strlen(text)) < 0)
		return; /* reading fails next */
}

static ssize_t low_read(mailstream_low *low, void *data, size_t n)
{
	struct imap_stream *s = stream_of(low);
	size_t got = 0;
	int rc = 0;

	if (s->failure.class != ERR_NONE)
		return -1;
	while (rc == 0)
		rc = s->tls ? judge_tls(s, tls_read(s->tls, data, n, &got, &s->failure)) : read_plain(s, data, n, &got);
	if (rc < 0)
		return -1;
	if (got > s->expected) {
		err_temporary(&s->failure, "the server sends more than was asked for");
		return -1;
	}
	if (s->expected != UINT64_MAX)
		s->expected -= got;
	answer(low, data);
	return (ssize_t)got;
}

static int write_plain(struct imap_stream *s, const void *data, size_t n, size_t *n_r)
{
	ssize_t sent = send(s->fd, data, n, MSG_NOSIGNAL);

	if (sent >= 0) {
		*n_r = (size_t)sent;
		return 1;
	}
	if (errno == EAGAIN || errno == EINTR)
		return wait_ready(s, POLLOUT);
	return err_errno(&s->failure, "send", "connection");
}

static ssize_t low_write(mailstream_low *low, const void *data, size_t n)
{
	struct imap_stream *s = stream_of(low);
	size_t sent = 0;
	int rc = 0;

	if (s->failure.class != ERR_NONE)
		return -1;
	while (rc == 0)
		rc = s->tls ? judge_tls(s, tls_write(s->tls, data, n, &sent, &s->failure)) : write_plain(s, data, n, &sent);
	return rc < 0 ? -1 : (ssize_t)sent;
}

bool imap_stream_wait(struct imap_stream *s, mailstream *m, int64_t timeout_us)
{
	int64_t end_us = clock_monotonic_us() + timeout_us;

	/* what TLS has read and not given away yet shows by trying: the buffer is empty, so it goes there */
	while (!m->read_buffer_len && !progress_stopped() && clock_monotonic_us() < end_us) {
		struct pollfd p = { .fd = s->fd, .events = POLLIN };

		if ((s->tls && tls_pending(s->tls)) || poll(&p, 1, (int)(LOOK_US / 1000)) > 0)
			return true;
	}
	return m->read_buffer_len > 0;
}

/* ---- its life ---- */

static int low_close(mailstream_low *low)
{
	struct imap_stream *s = stream_of(low);

	tls_freep(&s->tls);
	io_closep(&s->fd);
	return 0;
}

static int low_fd(mailstream_low *low)
{
	return stream_of(low)->fd;
}

static void low_free(mailstream_low *low)
{
	low_close(low);
	free(stream_of(low));
	free(low);
}

static mailstream_low_driver driver = {
	.mailstream_read = low_read,
	.mailstream_write = low_write,
	.mailstream_close = low_close,
	.mailstream_get_fd = low_fd,
	.mailstream_free = low_free,
};

static int connect_to(const struct imap_url *u, struct err *e)
{
	_free_ char *address = mem_printf(strchr(u->host, ':') ? "inet:[%s]:%s" : "inet:%s:%s", u->host, u->port);
	int fd = net_connect(address, CONNECT_US, e);

	if (fd >= 0)
		fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

int imap_stream_open(struct imap_stream **s_r, mailstream **m_r, const struct imap_url *u, struct tls_context *tls,
	struct err *e)
{
	struct imap_stream *s = MEM_NEW(struct imap_stream);
	mailstream_low *low;

	s->fd = connect_to(u, e);
	s->expected = UINT64_MAX;
	if (s->fd < 0 || (u->tls && begin_tls(s, u, tls, e) < 0)) {
		tls_freep(&s->tls);
		io_closep(&s->fd);
		free(s);
		return -1;
	}
	low = mailstream_low_new(s, &driver);
	*m_r = low ? mailstream_new(low, BUFFER_SIZE) : NULL;
	if (!*m_r)
		log_fatal(NULL, "mailstream_new() failed: out of memory");
	*s_r = s;
	return 0;
}
