#include "cache/cache_redis_conn.h"

#include "base/buf.h"
#include "base/clock.h"
#include "sys/net.h"
#include "sys/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define PORT "6379"
#define REQUEST_MAX 4096
#define PIECE 4096

/* ---- where ---- */

/* "HOST", "HOST:PORT", "[::1]:PORT" of the URL's n bytes. */
static void set_host(struct redis_target *t, const char *authority, size_t n)
{
	_free_ char *text = mem_dup(authority, n);
	char *colon = strrchr(text, ':');

	if (colon && strchr(colon, ']'))
		colon = NULL; /* within an address */
	t->address = mem_printf("inet:%s%s%s", text, colon ? "" : ":", colon ? "" : PORT);
	if (colon)
		*colon = '\0';
	t->host = *text == '[' ? mem_dup(text + 1, strcspn(text + 1, "]")) : mem_strdup(text);
}

static int parse_url(struct redis_target *t, const char *url, bool *tls_r, struct err *e)
{
	const char *authority;

	*tls_r = false;
	if (strncmp(url, "unix:/", 6) == 0) {
		t->address = mem_strdup(url);
		t->host = mem_strdup("");
		t->database = mem_strdup("0");
		return 0;
	}
	if (strncmp(url, "redis://", 8) == 0)
		authority = url + 8;
	else if (strncmp(url, "rediss://", 9) == 0)
		authority = url + 9, *tls_r = true;
	else
		return err_permanent(e, "redis.url: it is none of redis://HOST:PORT, rediss://HOST:PORT, unix:/PATH");
	if (strchr(authority, '@'))
		return err_permanent(e, "redis.url: no user or password stands there: use redis.user and redis.password_file");
	size_t n = strcspn(authority, "/");
	const char *database = authority[n] ? authority + n + 1 : "";

	if (!n || database[strspn(database, "0123456789")])
		return err_permanent(e, "redis.url: \"%s\" is not HOST:PORT, or HOST:PORT/NUMBER", authority);
	set_host(t, authority, n);
	t->database = mem_strdup(*database ? database : "0");
	return 0;
}

int redis_target_init(struct redis_target *t_r, const struct conf *conf, struct err *e)
{
	bool tls;

	*t_r = (struct redis_target){ .timeout_us = conf->redis_timeout_us, .user = mem_strdup(conf->redis_user) };
	if (parse_url(t_r, conf->redis_url, &tls, e) == 0 &&
		(!*conf->redis_password_file || secret_file_line(&t_r->password, conf->redis_password_file, e) == 0) &&
		(!tls || tls_client_context_new(&t_r->tls, conf->redis_ca_file, e) == 0))
		return 0;
	redis_target_deinit(t_r);
	return -1;
}

void redis_target_deinit(struct redis_target *t)
{
	free(t->address);
	free(t->host);
	free(t->database);
	free(t->user);
	if (t->password)
		explicit_bzero(t->password, strlen(t->password));
	free(t->password);
	if (t->tls)
		tls_context_freep(&t->tls);
	*t = (struct redis_target){ 0 };
}

/* ---- bytes, by a deadline ---- */

static int wait_for(int fd, short events, int64_t deadline_us, struct err *e)
{
	int64_t left_us = deadline_us - clock_monotonic_us();
	struct pollfd p = { .fd = fd, .events = events };
	int rc = left_us > 0 ? poll(&p, 1, (int)(left_us / 1000) + 1) : 0;

	if (rc > 0 || (rc < 0 && errno == EINTR))
		return 0;
	return rc < 0 ? err_errno(e, "poll", "redis") : err_temporary(e, "it did not answer in time");
}

static int wait_tls(struct redis_conn *c, enum tls_status status, int64_t deadline_us, struct err *e)
{
	switch (status) {
	case TLS_OK:
		return 0;
	case TLS_WANT_READ:
		return wait_for(c->fd, POLLIN, deadline_us, e);
	case TLS_WANT_WRITE:
		return wait_for(c->fd, POLLOUT, deadline_us, e);
	case TLS_END:
		return err_temporary(e, "it closed the connection");
	default:
		return -1;
	}
}

static int shake_hands(struct redis_conn *c, int64_t deadline_us, struct err *e)
{
	enum tls_status status;

	do {
		status = tls_handshake(c->tls, e);
		if (wait_tls(c, status, deadline_us, e))
			return -1;
	} while (status != TLS_OK);
	return 0;
}

/* What could be written or read at once; 0 after having waited. */
static int write_some(struct redis_conn *c, const char *data, size_t n, int64_t deadline_us, size_t *done_r, struct err *e)
{
	*done_r = 0;
	if (c->tls)
		return wait_tls(c, tls_write(c->tls, data, n, done_r, e), deadline_us, e);
	ssize_t done = send(c->fd, data, n, MSG_NOSIGNAL);

	if (done < 0 && errno != EAGAIN && errno != EINTR)
		return err_errno(e, "send", "redis");
	*done_r = done > 0 ? (size_t)done : 0;
	return done > 0 ? 0 : wait_for(c->fd, POLLOUT, deadline_us, e);
}

static int read_some(struct redis_conn *c, char *data, size_t n, int64_t deadline_us, size_t *done_r, struct err *e)
{
	*done_r = 0;
	if (c->tls)
		return wait_tls(c, tls_read(c->tls, data, n, done_r, e), deadline_us, e);
	ssize_t done = read(c->fd, data, n);

	if (done == 0)
		return err_temporary(e, "it closed the connection");
	if (done < 0 && errno != EAGAIN && errno != EINTR)
		return err_errno(e, "read", "redis");
	*done_r = done > 0 ? (size_t)done : 0;
	return done > 0 ? 0 : wait_for(c->fd, POLLIN, deadline_us, e);
}

/* ---- commands and replies ---- */

static int send_all(struct redis_conn *c, const struct redis_command *commands, size_t n, int64_t deadline_us, struct err *e)
{
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(REQUEST_MAX);

	for (size_t i = 0; i < n; i++) {
		const char *words[8];
		char *text = NULL;

		memcpy(words, commands[i].words, sizeof(words));
		/* an int up to hiredis 1.0 */
		long long length = redisFormatCommandArgv(&text, commands[i].n, words, NULL);
		int full = length < 0 || buf_add(&b, text, (size_t)length);

		redisFreeCommand(text);
		if (full)
			return err_permanent(e, "a request is too long");
	}
	for (size_t at = 0, done; at < b.len; at += done)
		if (write_some(c, b.data + at, b.len - at, deadline_us, &done, e))
			return -1;
	return 0;
}

static int receive(struct redis_conn *c, int64_t deadline_us, redisReply **reply_r, struct err *e)
{
	char piece[PIECE];
	void *reply = NULL;
	size_t n;

	for (;;) {
		if (redisReaderGetReply(c->reader, &reply) != REDIS_OK)
			return err_temporary(e, "its answer is none of Redis': %s", c->reader->errstr);
		if (reply)
			break;
		if (read_some(c, piece, sizeof(piece), deadline_us, &n, e))
			return -1;
		if (n && redisReaderFeed(c->reader, piece, n) != REDIS_OK)
			return err_temporary(e, "its answer is none of Redis': %s", c->reader->errstr);
	}
	*reply_r = reply;
	return 0;
}

int redis_conn_call(struct redis_conn *c, const struct redis_command *commands, size_t n, int64_t timeout_us,
	redisReply **reply_r, struct err *e)
{
	int64_t deadline_us = clock_monotonic_us() + timeout_us;
	redisReply *reply = NULL;

	if (send_all(c, commands, n, deadline_us, e))
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (reply)
			freeReplyObject(reply);
		if (receive(c, deadline_us, &reply, e))
			return -1;
		if (reply->type != REDIS_REPLY_ERROR)
			continue;
		err_permanent(e, "%s", reply->str);
		freeReplyObject(reply);
		return -1;
	}
	*reply_r = reply;
	return 0;
}

int redis_conn_send(struct redis_conn *c, const struct redis_command *command, int64_t timeout_us, struct err *e)
{
	return send_all(c, command, 1, clock_monotonic_us() + timeout_us, e);
}

int redis_conn_next(struct redis_conn *c, int64_t timeout_us, redisReply **reply_r, struct err *e)
{
	int64_t deadline_us = clock_monotonic_us() + timeout_us;

	if (receive(c, deadline_us, reply_r, e) == 0)
		return 1;
	return clock_monotonic_us() >= deadline_us ? 0 : -1;
}

/* ---- opening ---- */

static int sign_in(struct redis_conn *c, const struct redis_target *t, int64_t deadline_us, struct err *e)
{
	struct redis_command commands[2];
	redisReply *reply;
	size_t n = 0;

	if (t->password && *t->user)
		commands[n++] = (struct redis_command){ { "AUTH", t->user, t->password }, 3 };
	else if (t->password)
		commands[n++] = (struct redis_command){ { "AUTH", t->password }, 2 };
	commands[n++] = (struct redis_command){ { "SELECT", t->database }, 2 };
	if (redis_conn_call(c, commands, n, deadline_us - clock_monotonic_us(), &reply, e))
		return -1;
	freeReplyObject(reply);
	return 0;
}

int redis_conn_open(struct redis_conn **c_r, const struct redis_target *t, struct err *e)
{
	CLEANUP(redis_conn_closep) struct redis_conn *c = MEM_NEW(struct redis_conn);
	int64_t deadline_us = clock_monotonic_us() + t->timeout_us;

	c->reader = redisReaderCreate();
	c->fd = net_connect(t->address, t->timeout_us, e);
	if (!c->reader || c->fd < 0)
		return -1;
	if (fcntl(c->fd, F_SETFL, O_NONBLOCK))
		return err_errno(e, "fcntl", t->address);
	if (t->tls && (tls_client_new(&c->tls, t->tls, c->fd, t->host, e) || shake_hands(c, deadline_us, e)))
		return -1;
	if (sign_in(c, t, deadline_us, e))
		return -1;
	*c_r = c;
	c = NULL;
	return 0;
}

void redis_conn_closep(struct redis_conn **c)
{
	if (!*c)
		return;
	if ((*c)->tls)
		tls_freep(&(*c)->tls);
	if ((*c)->fd >= 0)
		close((*c)->fd);
	if ((*c)->reader)
		redisReaderFree((*c)->reader);
	free(*c);
	*c = NULL;
}
