#include "workerd/audit_syslog.h"

#include "base/clock.h"
#include "sys/io.h"
#include "sys/net.h"
#include "sys/tls.h"

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#define WAIT_US (10 * CLOCK_SECOND)
#define LOOK_US (CLOCK_SECOND / 100)

struct audit_syslog {
	int fd;
	bool datagrams;
	char *address;
	struct tls_context *context;
	struct tls *tls;
};

void audit_syslog_closep(struct audit_syslog **s)
{
	struct audit_syslog *was = *s;

	*s = NULL;
	if (!was)
		return;
	if (was->tls)
		tls_freep(&was->tls);
	if (was->context)
		tls_context_freep(&was->context);
	io_closep(&was->fd);
	free(was->address);
	free(was);
}

/* ---- connecting ---- */

static int open_datagrams(struct audit_syslog *s, const char *path, struct err *e)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(to.sun_path))
		return err_permanent(e, "connect(%s) failed: the path is too long", path);
	memcpy(to.sun_path, path, strlen(path));
	s->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || connect(s->fd, (struct sockaddr *)&to, sizeof(to)))
		return err_errno(e, "connect", path);
	return 0;
}

/* The socket waits for as long itself, so that what "wants" to wait on has waited in vain. */
static int judge(const struct audit_syslog *s, enum tls_status status, struct err *e)
{
	if (status == TLS_OK)
		return 0;
	if (status == TLS_FAILED)
		return err_prefix(e, "audit_syslog(%s)", s->address);
	return err_temporary(e, "audit_syslog(%s) failed: %s", s->address,
		status == TLS_END ? "the server hung up" : "the server is silent");
}

static int begin_tls(struct audit_syslog *s, const char *ca, struct err *e)
{
	const char *host = s->address + strlen("inet:"), *end = strrchr(host, ':');
	bool v6 = *host == '[' && end > host + 1 && end[-1] == ']';
	_free_ char *name = v6 ? mem_dup(host + 1, (size_t)(end - host) - 2) : mem_dup(host, (size_t)(end - host));

	if (tls_client_context_new(&s->context, ca, e) || tls_client_new(&s->tls, s->context, s->fd, name, e))
		return -1;
	return judge(s, tls_handshake(s->tls, e), e);
}

static int open_stream(struct audit_syslog *s, const struct conf *conf, struct err *e)
{
	const struct timeval wait = { .tv_sec = WAIT_US / CLOCK_SECOND };

	s->fd = net_connect(s->address, WAIT_US, e);
	if (s->fd < 0)
		return -1;
	if (setsockopt(s->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) ||
		setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)))
		return err_errno(e, "setsockopt", s->address);
	return conf->workerd_audit_syslog_tls ? begin_tls(s, conf->workerd_audit_syslog_ca, e) : 0;
}

int audit_syslog_open(struct audit_syslog **s_r, const struct conf *conf, struct err *e)
{
	CLEANUP(audit_syslog_closep) struct audit_syslog *s = MEM_NEW(struct audit_syslog);

	s->fd = -1;
	s->address = mem_strdup(conf->workerd_audit_syslog);
	s->datagrams = strncmp(s->address, "unix:", 5) == 0;
	if (s->datagrams ? open_datagrams(s, s->address + 5, e) : open_stream(s, conf, e))
		return -1;
	*s_r = s;
	s = NULL;
	return 0;
}

/* ---- sending ---- */

static int send_tls(struct audit_syslog *s, const char *data, size_t n, struct err *e)
{
	while (n) {
		size_t done = 0;

		if (judge(s, tls_write(s->tls, data, n, &done, e), e))
			return -1;
		data += done;
		n -= done;
	}
	return 0;
}

static int send_stream(struct audit_syslog *s, const char *data, size_t n, struct err *e)
{
	while (n) {
		ssize_t done = send(s->fd, data, n, MSG_NOSIGNAL);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return err_errno(e, "send", s->address);
		data += done;
		n -= (size_t)done;
	}
	return 0;
}

int audit_syslog_send(struct audit_syslog *s, const char *message, struct err *e)
{
	size_t n = strlen(message);

	if (s->datagrams)
		return send(s->fd, message, n, MSG_NOSIGNAL) == (ssize_t)n ? 0 : err_errno(e, "send", s->address);
	_free_ char *counted = mem_printf("%zu %s", n, message);

	return s->tls ? send_tls(s, counted, strlen(counted), e) : send_stream(s, counted, strlen(counted), e);
}

/* Has the connection ended? Over TCP the server never says anything else. */
static bool hung_up(const struct audit_syslog *s)
{
	int failed = 0;
	socklen_t length = sizeof(failed);
	char byte;

	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &failed, &length) || failed)
		return true;
	ssize_t n = recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

int audit_syslog_confirm(struct audit_syslog *s, struct err *e)
{
	int64_t until = clock_monotonic_us() + WAIT_US;
	int left = 1;

	if (s->datagrams)
		return 0;
	while (!hung_up(s) && ioctl(s->fd, SIOCOUTQ, &left) == 0 && left > 0 && clock_monotonic_us() < until)
		nanosleep(&(struct timespec){ .tv_nsec = LOOK_US * 1000 }, NULL);
	if (left || hung_up(s))
		return err_temporary(e, "audit_syslog(%s) failed: the server did not take all of it", s->address);
	return 0;
}
