/* wire: one connection to an HTTP server of this machine, plain or over TLS, for programs that measure one. One thread. */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include "made.h"

#include "base/buf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WIRE_ANSWER_MAX ((size_t)16 * 1024 * 1024)

struct wire {
	int fd;
	SSL *tls; /* NULL: plain */
	struct buf answer;
};

static inline void wire_fail_tls(const char *what)
{
	char text[256];

	ERR_error_string_n(ERR_get_error(), text, sizeof(text));
	die(what, text);
}

/* tls: NULL for a plain one. Ends the program when it can't. */
static inline void wire_connect(struct wire *w, unsigned port, SSL_CTX *tls)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int one = 1;

	*w = (struct wire){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .answer = BUF_INIT(WIRE_ANSWER_MAX) };
	if (w->fd < 0 || connect(w->fd, (struct sockaddr *)&to, sizeof(to)) ||
		setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)))
		die("connect", strerror(errno));
	if (!tls)
		return;
	w->tls = SSL_new(tls);
	if (!w->tls || !SSL_set_fd(w->tls, w->fd) || SSL_connect(w->tls) != 1)
		wire_fail_tls("connect");
}

static inline void wire_close(struct wire *w)
{
	SSL_free(w->tls);
	close(w->fd);
	buf_deinit(&w->answer);
}

static inline void wire_send(struct wire *w, const char *data, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t some = w->tls ? SSL_write(w->tls, data + done, (int)(n - done)) : write(w->fd, data + done, n - done);

		if (some <= 0)
			die("send", w->tls ? "TLS" : strerror(errno));
		done += (size_t)some;
	}
}

/* Until the answer has at least n bytes. */
static inline void wire_receive(struct wire *w, size_t n)
{
	while (w->answer.len < n) {
		char *room = buf_reserve(&w->answer, 65536);
		ssize_t some = !room ? -1 : w->tls ? SSL_read(w->tls, room, 65536) : read(w->fd, room, 65536);

		if (some <= 0)
			die("receive", w->tls ? "TLS" : some ? strerror(errno) : "the server closed the connection");
		w->answer.len += (size_t)some;
		w->answer.data[w->answer.len] = '\0';
	}
}

/* Posts a JSON body; headers: lines with their ends. The body of the answer, good until the next; ends the program unless it is
 * 200 with a length. */
static inline const char *wire_post(struct wire *w, const char *path, const char *headers, const char *body, size_t n)
{
	_free_ char *head = mem_printf("POST %s HTTP/1.1\r\nHost: localhost\r\n%sContent-Type: application/json\r\n"
		"Content-Length: %zu\r\n\r\n", path, headers, n);
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(WIRE_ANSWER_MAX);
	char *end, *length;

	if (buf_add_str(&b, head) || buf_add(&b, body, n))
		die("post", "the question is too long");
	wire_send(w, b.data, b.len);
	buf_reset(&w->answer);
	do
		wire_receive(w, w->answer.len + 1);
	while (!(end = strstr(w->answer.data, "\r\n\r\n")));
	length = strcasestr(w->answer.data, "\r\nContent-Length:");
	if (strncmp(w->answer.data, "HTTP/1.1 200 ", 13) != 0 || !length || length > end)
		die(path, w->answer.data);
	size_t head_len = (size_t)(end - w->answer.data) + 4;

	wire_receive(w, head_len + strtoul(length + strlen("\r\nContent-Length:"), NULL, 10));
	return w->answer.data + head_len;
}

#endif
