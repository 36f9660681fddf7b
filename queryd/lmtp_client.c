#include "queryd/lmtp_client.h"

#include "base/buf.h"
#include "base/clock.h"
#include "sys/io.h"
#include "sys/net.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define REPLY_MAX (64u * 1024)
#define LINE_MAX 4096

struct session {
	int fd;
	struct buf input;
	const char *address;
	char line[LINE_MAX + 1]; /* the last one of the last reply, without its end */
	bool utf8, chunking;	 /* announced */
	struct lmtp_refusal *refusal;
};

static void session_deinit(struct session *s)
{
	io_closep(&s->fd);
	buf_deinit(&s->input);
}

static int failed(const struct session *s, const char *what, struct err *e)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		errno = ETIMEDOUT;
	return err_temporary(e, "%s(%s) failed: %m", what, s->address);
}

static int open_session(struct session *s, const char *address, int64_t timeout_us, struct err *e)
{
	const struct timeval limit = { .tv_sec = (time_t)(timeout_us / CLOCK_SECOND), .tv_usec = timeout_us % CLOCK_SECOND };

	s->address = address;
	s->input = BUF_INIT(REPLY_MAX);
	s->fd = net_connect(address, timeout_us, e);
	if (s->fd < 0)
		return -1;
	setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(s->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	return 0;
}

/* ---- replies ---- */

static int fill(struct session *s, struct err *e)
{
	char *room = buf_reserve(&s->input, LINE_MAX);

	if (!room)
		return err_temporary(e, "read(%s) failed: the reply is too long", s->address);
	ssize_t n = recv(s->fd, room, LINE_MAX, 0);

	if (n == 0)
		return err_temporary(e, "read(%s) failed: it closed the connection", s->address);
	if (n < 0)
		return failed(s, "read", e);
	s->input.len += (size_t)n;
	return 0;
}

static int read_line(struct session *s, struct err *e)
{
	const char *end;

	while (!(end = s->input.len ? memchr(s->input.data, '\n', s->input.len) : NULL))
		if (fill(s, e) < 0)
			return -1;
	size_t n = (size_t)(end - s->input.data), kept = n && end[-1] == '\r' ? n - 1 : n;

	if (kept > LINE_MAX)
		kept = LINE_MAX;
	memcpy(s->line, s->input.data, kept);
	s->line[kept] = '\0';
	buf_consume(&s->input, n + 1);
	return 0;
}

static void note_extension(struct session *s)
{
	s->chunking |= strcmp(s->line + 4, "CHUNKING") == 0;
	s->utf8 |= strcmp(s->line + 4, "SMTPUTF8") == 0;
}

/* A whole reply: 1 when it is the wanted kind (2 or 3), 0 when it is 5yz (s->refusal), -1. */
static int read_reply(struct session *s, char wanted, enum lmtp_stage stage, struct err *e)
{
	do {
		if (read_line(s, e) < 0)
			return -1;
		if (strlen(s->line) < 4 || strspn(s->line, "0123456789") != 3)
			return err_temporary(e, "read(%s) failed: \"%.80s\" is no reply", s->address, s->line);
		note_extension(s);
	} while (s->line[3] == '-');
	if (*s->line == wanted)
		return 1;
	if (*s->line != '5')
		return err_temporary(e, "deliver(%s) failed: %.200s", s->address, s->line);
	s->refusal->stage = stage;
	s->refusal->code = (unsigned)strtoul(s->line, NULL, 10);
	snprintf(s->refusal->text, sizeof(s->refusal->text), "%.255s", s->line);
	return 0;
}

/* ---- commands ---- */

static int send_all(struct session *s, const void *data, size_t n, struct err *e)
{
	const char *at = data;

	while (n) {
		ssize_t sent = send(s->fd, at, n, MSG_NOSIGNAL);

		if (sent < 0)
			return failed(s, "write", e);
		at += sent;
		n -= (size_t)sent;
	}
	return 0;
}

PRINTF_LIKE(4, 5) static int command(struct session *s, enum lmtp_stage stage, struct err *e, const char *fmt, ...)
{
	char text[LINE_MAX];
	va_list args;

	va_start(args, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, args);

	va_end(args);
	if (n < 0 || (size_t)n >= sizeof(text))
		return err_permanent(e, "write(%s) failed: an address is too long", s->address);
	return send_all(s, text, (size_t)n, e) < 0 ? -1 : read_reply(s, '2', stage, e);
}

static bool is_ascii(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

static int send_envelope(struct session *s, const struct lmtp_delivery *d, struct err *e)
{
	bool ascii = is_ascii(d->mail_from);

	for (size_t i = 0; i < d->rcpt_to->n; i++)
		ascii = ascii && is_ascii(d->rcpt_to->items[i]);
	int rc = command(s, LMTP_SENDER, e, "MAIL FROM:<%s> SIZE=%" PRIu64 "%s\r\n", d->mail_from, message_size(d->message),
		ascii || !s->utf8 ? "" : " SMTPUTF8");

	for (size_t i = 0; rc == 1 && i < d->rcpt_to->n; i++) {
		s->refusal->recipient = i;
		rc = command(s, LMTP_RECIPIENT, e, "RCPT TO:<%s>\r\n", d->rcpt_to->items[i]);
	}
	return rc;
}

/* "250 2.0.0 <bob@example.org> archived as 0193…": one for each recipient, all of one kind. */
static int read_id(struct session *s, size_t recipients, struct uuid *id_r, struct err *e)
{
	for (size_t i = 0; i < recipients; i++) {
		int rc = read_reply(s, '2', LMTP_MESSAGE, e);
		const char *word = strrchr(s->line, ' ');

		if (rc != 1)
			return rc;
		if (!word || uuid_parse(id_r, word + 1) < 0)
			return err_temporary(e, "deliver(%s) failed: there is no archive id in \"%.200s\"", s->address, s->line);
	}
	return 1;
}

static int send_message(struct session *s, const struct lmtp_delivery *d, struct uuid *id_r, struct err *e)
{
	char head[64];
	int n = snprintf(head, sizeof(head), "BDAT %" PRIu64 " LAST\r\n", message_size(d->message));

	if (send_all(s, head, (size_t)n, e) < 0 ||
		send_all(s, message_bytes(d->message), (size_t)message_size(d->message), e) < 0)
		return -1;
	return read_id(s, d->rcpt_to->n, id_r, e);
}

int lmtp_deliver(const char *address, int64_t timeout_us, const struct lmtp_delivery *d, struct uuid *id_r,
	struct lmtp_refusal *refusal_r, struct err *e)
{
	CLEANUP(session_deinit) struct session s = { .fd = -1, .refusal = refusal_r };

	*refusal_r = (struct lmtp_refusal){ 0 };
	if (open_session(&s, address, timeout_us, e) < 0)
		return -1;
	int rc = read_reply(&s, '2', LMTP_SESSION, e);

	if (rc == 1)
		rc = command(&s, LMTP_SESSION, e, "LHLO %s\r\n", d->name);
	if (rc == 1 && !s.chunking)
		return err_temporary(e, "deliver(%s) failed: it announces no CHUNKING", address);
	if (rc == 1)
		rc = send_envelope(&s, d, e);
	if (rc == 1)
		rc = send_message(&s, d, id_r, e);
	if (rc == 1 && command(&s, LMTP_SESSION, &(struct err){ 0 }, "QUIT\r\n") < 0)
		return 1; /* it is archived, whatever became of the connection */
	return rc;
}
