#include "sys/metrics_server.h"

#include "base/clock.h"
#include "base/log.h"
#include "sys/io.h"
#include "sys/metrics_process.h"
#include "sys/net.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LISTENERS_MAX 8 /* addresses of one host name */
#define ANSWER_MAX ((size_t)4 * 1024 * 1024)
#define PAUSE_US CLOCK_SECOND /* without descriptors */

struct client {
	int fd; /* -1: nobody */
	int64_t deadline_us;
	struct buf head;
	struct buf answer; /* being sent when it has anything */
	size_t sent;
};

struct metrics_server {
	struct net_listeners listeners;
	const struct metrics_source *sources;
	size_t source_count;
	struct client clients[METRICS_CLIENTS_MAX];
	int64_t accept_after_us; /* monotonic */
	int stop_fd;
	pthread_t thread;
};

/* ---- what is shown ---- */

static int print_source(struct buf *b, const struct metrics_source *source)
{
	if (source->refresh)
		source->refresh(source->ctx);
	for (const struct metric *const *m = source->metrics; *m; m++)
		if (metric_print(b, *m))
			return -1;
	return 0;
}

static int print_all(struct buf *b, const struct metrics_server *s)
{
	if (print_source(b, &metrics_process))
		return -1;
	for (size_t i = 0; i < s->source_count; i++)
		if (print_source(b, &s->sources[i]))
			return -1;
	return 0;
}

/* ---- the answer ---- */

static int put_answer(struct buf *b, const char *status, const char *type, const char *more, const char *body, size_t n)
{
	return buf_printf(b,
		       "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%sCache-Control: no-store\r\n"
		       "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
		       status, type, n, more) || buf_add(b, body, n) ? -1 : 0;
}

static int put_refusal(struct buf *b, const char *status, const char *more, const char *why)
{
	return put_answer(b, status, "text/plain; charset=utf-8", more, why, strlen(why));
}

static int put_metrics(struct buf *b, const struct metrics_server *s)
{
	CLEANUP(buf_deinit) struct buf body = BUF_INIT(ANSWER_MAX);

	if (print_all(&body, s))
		return put_refusal(b, "500 Internal Server Error", "", "There are too many metrics.\n");
	return put_answer(b, "200 OK", "text/plain; version=0.0.4; charset=utf-8", "", body.data, body.len);
}

/* "GET /metrics HTTP/1.1": takes it apart; false when it is nothing of the kind. */
static bool split_line(char *line, char **method_r, char **target_r)
{
	char *rest = line;

	line[strcspn(line, "\r\n")] = '\0';
	*method_r = strsep(&rest, " ");
	*target_r = strsep(&rest, " ");
	return *target_r && rest && (strcmp(rest, "HTTP/1.1") == 0 || strcmp(rest, "HTTP/1.0") == 0);
}

/* The head is complete, or will never be. -1: nothing fits. */
static int answer(const struct metrics_server *s, struct client *c, bool complete)
{
	char *method, *target;

	if (!complete)
		return put_refusal(&c->answer, "431 Request Header Fields Too Large", "", "The request is too long.\n");
	if (strlen(c->head.data) != c->head.len || !split_line(c->head.data, &method, &target))
		return put_refusal(&c->answer, "400 Bad Request", "", "This is not HTTP.\n");
	if (strcmp(target, "/metrics") != 0)
		return put_refusal(&c->answer, "404 Not Found", "", "There is only /metrics here.\n");
	if (strcmp(method, "GET") != 0)
		return put_refusal(&c->answer, "405 Method Not Allowed", "Allow: GET\r\n", "There is only GET here.\n");
	return put_metrics(&c->answer, s);
}

/* ---- clients ---- */

static void drop(struct client *c)
{
	io_closep(&c->fd);
	buf_deinit(&c->head);
	buf_deinit(&c->answer);
	c->sent = 0;
}

/* A free place, or that of the one who has been here for longest. */
static struct client *place(struct metrics_server *s)
{
	struct client *oldest = &s->clients[0];

	for (size_t i = 0; i < METRICS_CLIENTS_MAX; i++) {
		if (s->clients[i].fd < 0)
			return &s->clients[i];
		if (s->clients[i].deadline_us < oldest->deadline_us)
			oldest = &s->clients[i];
	}
	drop(oldest);
	return oldest;
}

static void admit(struct metrics_server *s, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			s->accept_after_us = clock_monotonic_us() + PAUSE_US;
		return;
	}
	struct client *c = place(s);

	*c = (struct client){
		.fd = fd,
		.deadline_us = clock_monotonic_us() + METRICS_CLIENT_US,
		.head = BUF_INIT(METRICS_HEAD_MAX),
		.answer = BUF_INIT(ANSWER_MAX + METRICS_HEAD_MAX),
	};
}

static bool head_is_whole(const struct buf *head)
{
	return head->len && (memmem(head->data, head->len, "\r\n\r\n", 4) || memmem(head->data, head->len, "\n\n", 2));
}

/* false: the connection is over. */
static bool receive(const struct metrics_server *s, struct client *c)
{
	char piece[1024];
	ssize_t n = read(c->fd, piece, sizeof(piece));

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return false;
	bool fits = buf_add(&c->head, piece, (size_t)n) == 0;

	if (fits && !head_is_whole(&c->head))
		return true;
	return answer(s, c, fits) == 0;
}

static bool transmit(struct client *c)
{
	ssize_t n = send(c->fd, c->answer.data + c->sent, c->answer.len - c->sent, MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	c->sent += (size_t)n;
	return c->sent < c->answer.len;
}

static void serve_client(const struct metrics_server *s, struct client *c, short events, int64_t now)
{
	bool goes_on = now < c->deadline_us;

	if (goes_on && events && !c->answer.len)
		goes_on = receive(s, c);
	if (goes_on && events && c->answer.len)
		goes_on = transmit(c);
	if (!goes_on)
		drop(c);
}

/* ---- the thread ---- */

/* What to wait for; entries of nobody have the descriptor -1. */
static void fill(const struct metrics_server *s, struct pollfd *p, int64_t now)
{
	*p++ = (struct pollfd){ .fd = s->stop_fd, .events = POLLIN };
	for (size_t i = 0; i < METRICS_CLIENTS_MAX; i++)
		*p++ = (struct pollfd){ .fd = s->clients[i].fd, .events = s->clients[i].answer.len ? POLLOUT : POLLIN };
	for (size_t i = 0; i < s->listeners.n; i++)
		*p++ = (struct pollfd){ .fd = now < s->accept_after_us ? -1 : s->listeners.items[i].fd, .events = POLLIN };
}

/* Until the next deadline, in milliseconds. */
static int wait_ms(const struct metrics_server *s, int64_t now)
{
	int64_t until = now < s->accept_after_us ? s->accept_after_us : INT64_MAX;

	for (size_t i = 0; i < METRICS_CLIENTS_MAX; i++)
		if (s->clients[i].fd >= 0 && s->clients[i].deadline_us < until)
			until = s->clients[i].deadline_us;
	if (until == INT64_MAX)
		return -1;
	return until > now ? (int)((until - now) / 1000 + 1) : 0;
}

static void *serve(void *arg)
{
	struct metrics_server *s = arg;
	struct pollfd p[1 + METRICS_CLIENTS_MAX + LISTENERS_MAX];
	const struct pollfd *clients = p + 1, *listeners = clients + METRICS_CLIENTS_MAX;

	for (;;) {
		int64_t now = clock_monotonic_us();

		fill(s, p, now);
		if (poll(p, 1 + METRICS_CLIENTS_MAX + s->listeners.n, wait_ms(s, now)) < 0)
			continue;
		if (p[0].revents)
			return NULL;
		now = clock_monotonic_us();
		for (size_t i = 0; i < METRICS_CLIENTS_MAX; i++)
			if (clients[i].fd >= 0)
				serve_client(s, &s->clients[i], clients[i].revents, now);
		for (size_t i = 0; i < s->listeners.n; i++)
			if (listeners[i].revents)
				admit(s, listeners[i].fd);
	}
}

/* ---- start and stop ---- */

static int open_all(struct metrics_server *s, const char *address, struct err *e)
{
	if (net_listen(&s->listeners, address, e))
		return -1;
	if (s->listeners.n > LISTENERS_MAX)
		return err_permanent(e, "listen(%s) failed: more than %d addresses", address, LISTENERS_MAX);
	for (size_t i = 0; i < s->listeners.n; i++)
		if (fcntl(s->listeners.items[i].fd, F_SETFL, O_NONBLOCK))
			return err_errno(e, "fcntl", s->listeners.items[i].address);
	s->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->stop_fd < 0)
		return err_errno(e, "eventfd", "");
	errno = pthread_create(&s->thread, NULL, serve, s);
	return errno ? err_errno(e, "pthread_create", "metrics") : 0;
}

static void free_server(struct metrics_server *s)
{
	for (size_t i = 0; i < METRICS_CLIENTS_MAX; i++)
		drop(&s->clients[i]);
	net_listeners_deinit(&s->listeners);
	io_closep(&s->stop_fd);
	free(s);
}

int metrics_server_start(struct metrics_server **s_r, const char *address, const struct metrics_source *sources, size_t n,
	struct err *e)
{
	*s_r = NULL;
	if (!*address)
		return 0;
	struct metrics_server *s = MEM_NEW(struct metrics_server);

	metrics_process_begun();
	s->sources = sources;
	s->source_count = n;
	s->stop_fd = -1;
	for (size_t i = 0; i < METRICS_CLIENTS_MAX; i++)
		s->clients[i].fd = -1;
	if (open_all(s, address, e)) {
		free_server(s);
		return err_prefix(e, "metrics");
	}
	for (size_t i = 0; i < s->listeners.n; i++)
		log_info(NULL, "metrics at %s", s->listeners.items[i].address);
	*s_r = s;
	return 0;
}

void metrics_server_stopp(struct metrics_server **s)
{
	if (!*s)
		return;
	if (eventfd_write((*s)->stop_fd, 1))
		log_fatal(NULL, "eventfd_write() failed: %s", strerror(errno));
	pthread_join((*s)->thread, NULL);
	free_server(*s);
	*s = NULL;
}
