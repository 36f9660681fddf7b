#include "lmtpd/session.h"

#include "base/clock.h"
#include "lmtpd/data.h"
#include "lmtpd/stream.h"
#include "lmtpd/transaction.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BAD_COMMANDS_MAX 20

enum state {
	STATE_HELLO,	/* LHLO has to come */
	STATE_IDLE,	/* between transactions */
	STATE_ENVELOPE, /* MAIL was taken: recipients come, then DATA or BDAT */
	STATE_CHUNKS,	/* BDAT was begun */
	STATE_END,
};

struct session {
	struct server *server;
	struct stream stream;
	const char *client;
	char id[UUID_TEXT_SIZE];
	char *helo;
	char *tls;  /* version and cipher; NULL in clear */
	char *auth; /* subject of the client certificate */
	bool trusted;
	struct transaction transaction;
	unsigned int bad_commands;
	struct log_context log;
};

/* ---- saying ---- */

/* At the end of a journal the mail server only waits: somebody here has to hear of it. */
static void tell_operator(const struct session *s, enum reply r, const struct log_context *log)
{
	const char *remedy = reply_remedy(r);

	if (s->server->conf->lmtpd_journal && remedy)
		log_error(log, "the journal waits (%s): %s", reply_code(r, true), remedy);
}

/* False when the connection is over. */
static bool say_about(struct session *s, enum reply r, const char *subject, const char *detail)
{
	CLEANUP(buf_deinit) struct buf line = BUF_INIT(STREAM_OUT_SIZE);

	if (reply_put(&line, r, s->server->conf->lmtpd_journal, subject, detail))
		return false;
	return stream_put(&s->stream, line.data, line.len) == STREAM_OK;
}

/* What follows the text of a reply. */
static const char *detail_of(const struct session *s, enum reply r, char limit[24])
{
	if (r != REPLY_TOO_LARGE)
		return NULL;
	snprintf(limit, 24, "%" PRIu64, s->server->conf->message_size_max);
	return limit;
}

static bool say(struct session *s, enum reply r)
{
	char limit[24];

	tell_operator(s, r, &s->log);
	return say_about(s, r, NULL, detail_of(s, r, limit));
}

static enum state stay(struct session *s, enum reply r, enum state state)
{
	return say(s, r) ? state : STATE_END;
}

/* Was the command only sent along with a MAIL or RCPT that was refused (PIPELINING)? */
static bool is_consequence(enum reply r)
{
	return r == REPLY_MAIL_FIRST || r == REPLY_RCPT_FIRST;
}

/* A reply to a bad command; the client that sends nothing else is hung up on. */
static enum state complain(struct session *s, enum reply r, enum state state)
{
	if (is_consequence(r) || ++s->bad_commands <= BAD_COMMANDS_MAX)
		return stay(s, r, state);
	log_warn(&s->log, "the client sends too many bad commands");
	if (say(s, r))
		say(s, REPLY_TOO_MANY_ERRORS);
	return STATE_END;
}

/* The stream gave out: says what can still be said. */
static enum state leave(struct session *s, enum stream_status status, bool in_message)
{
	if (status == STREAM_STOP)
		say(s, REPLY_STOPPING);
	else if (status == STREAM_TIMEOUT)
		say(s, REPLY_IDLE);
	if (in_message)
		log_warn(&s->log, "nothing archived: the message broke off: %s",
			status == STREAM_TIMEOUT ? "timed out" : s->stream.why.text);
	else if (status == STREAM_CLOSED)
		log_debug(&s->log, "connection ended: %s", s->stream.why.text);
	return STATE_END;
}

/* ---- reading commands ---- */

/* The next command that is well-formed: false when the connection is over. */
static bool next_command(struct session *s, struct command *c, bool in_message)
{
	for (;;) {
		enum reply wrong;
		size_t n = 0;
		char *line = NULL;
		enum stream_status status =
			stream_line(&s->stream, COMMAND_LINE_MAX, in_message, &line, &n);

		if (status > STREAM_BAD_END) {
			leave(s, status, in_message);
			return false;
		}
		if (status != STREAM_OK) {
			wrong = status == STREAM_TOO_LONG ? REPLY_LINE_TOO_LONG : REPLY_BAD_LINE;
			c->verb = VERB_NONE;
		} else {
			wrong = command_parse(c, line, n);
		}
		if (!wrong)
			return true;
		if (c->verb == VERB_BDAT) { /* where its chunk ends is unknown: trust nothing more */
			say(s, wrong);
			return false;
		}
		/* One odd address is no reason to hang up on the other recipients. */
		if (c->verb == VERB_RCPT ? stay(s, wrong, STATE_IDLE) == STATE_END :
					   complain(s, wrong, STATE_IDLE) == STATE_END)
			return false;
	}
}

/* ---- LHLO and STARTTLS ---- */

static bool offers_tls(struct session *s)
{
	pthread_mutex_lock(&s->server->tls_lock);
	bool offered = s->server->tls != NULL;
	pthread_mutex_unlock(&s->server->tls_lock);

	return offered && !s->stream.tls;
}

/* The end of a journal names no limit: a client would give up larger messages without asking. */
static int add_size(struct buf *b, const struct conf *conf)
{
	if (conf->lmtpd_journal)
		return buf_add_str(b, "250-SIZE\r\n");
	return buf_printf(b, "250-SIZE %" PRIu64 "\r\n", conf->message_size_max);
}

static enum state hello(struct session *s, const struct command *c)
{
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(STREAM_OUT_SIZE);
	const struct conf *conf = s->server->conf;

	transaction_end(&s->transaction);
	free(s->helo);
	s->helo = mem_strdup(c->text);
	log_context_set(&s->log, "helo", c->text);
	if (buf_printf(&b, "250-%s\r\n", conf->node) ||
		buf_add_str(&b, "250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n") ||
		add_size(&b, conf) ||
		buf_add_str(&b, offers_tls(s) ? "250-STARTTLS\r\n" : "") ||
		buf_add_str(&b, "250-ENHANCEDSTATUSCODES\r\n250-CHUNKING\r\n250 BINARYMIME\r\n") ||
		stream_put(&s->stream, b.data, b.len) != STREAM_OK)
		return STATE_END;
	return STATE_IDLE;
}

static struct tls *new_tls(struct session *s)
{
	struct tls *t = NULL;
	struct err e;

	pthread_mutex_lock(&s->server->tls_lock);
	if (s->server->tls && tls_new(&t, s->server->tls, s->stream.fd, &e))
		log_error(&s->log, "%s", e.text);
	pthread_mutex_unlock(&s->server->tls_lock);
	return t;
}

/* After the handshake everything said before is void (RFC 3207): the client says LHLO again. */
static enum state start_tls(struct session *s)
{
	if (s->stream.tls)
		return complain(s, REPLY_TLS_ACTIVE, STATE_IDLE);
	struct tls *t = new_tls(s);

	if (!t)
		return complain(s, REPLY_NO_TLS, STATE_IDLE);
	if (!say(s, REPLY_START_TLS)) {
		tls_freep(&t);
		return STATE_END;
	}
	if (stream_start_tls(&s->stream, t) != STREAM_OK) {
		log_warn(&s->log, "TLS could not be started: %s", s->stream.why.text);
		return STATE_END;
	}
	s->tls = tls_describe(t);
	s->auth = tls_client_subject(t);
	log_context_set(&s->log, "tls", s->tls);
	log_context_set(&s->log, "tls_client", s->auth);
	return STATE_HELLO;
}

/* ---- the message ---- */

/* One reply for each recipient, all the same (RFC 2033). */
static enum state finish(struct session *s)
{
	struct transaction *t = &s->transaction;
	char archive_id[UUID_TEXT_SIZE] = "", limit[24];
	const struct intake_peer peer = { s->client, s->helo, s->auth, s->tls, s->id };
	enum reply r = transaction_finish(t, &peer, archive_id);
	const char *detail = r == REPLY_ARCHIVED ? archive_id : detail_of(s, r, limit);
	bool on = true;

	tell_operator(s, r, &t->intake.log);
	for (size_t i = 0; i < t->intake.capture.recipient_count && on; i++) {
		_free_ char *recipient = mem_printf("<%s>", t->intake.capture.recipients[i].address);

		on = say_about(s, r, recipient, detail);
	}
	transaction_end(t);
	s->bad_commands = 0;
	return on ? STATE_IDLE : STATE_END;
}

static enum state receive_data(struct session *s)
{
	struct data d = DATA_INIT;

	while (d.state != DATA_END) {
		const char *in, *piece;
		size_t n, length, used = 0;
		enum stream_status status = stream_bytes(&s->stream, &in, &n);

		if (status)
			return leave(s, status, true);
		while (used < n && d.state != DATA_END) {
			used += data_next(&d, in + used, n - used, &piece, &length);
			transaction_append(&s->transaction, piece, length);
		}
		stream_take(&s->stream, used);
	}
	return finish(s);
}

/* Reads the n bytes of a chunk; keep: they belong to the message. */
static enum stream_status read_chunk(struct session *s, uint64_t n, bool keep)
{
	while (n) {
		const char *in;
		size_t got;
		enum stream_status status = stream_bytes(&s->stream, &in, &got);

		if (status)
			return status;
		if (got > n)
			got = (size_t)n;
		if (keep)
			transaction_append(&s->transaction, in, got);
		stream_take(&s->stream, got);
		n -= got;
	}
	return STREAM_OK;
}

/* A chunk has to be read even where it is out of place: its bytes must not be taken for
 * commands. */
static enum state refuse_chunk(struct session *s, const struct command *c, enum reply r,
	enum state state)
{
	enum stream_status status = read_chunk(s, c->size, false);

	return status ? leave(s, status, true) : complain(s, r, state);
}

static enum state receive_chunk(struct session *s, const struct command *c)
{
	enum stream_status status = read_chunk(s, c->size, true);

	if (status)
		return leave(s, status, true);
	if (c->last)
		return finish(s);
	enum reply failure = transaction_failure(&s->transaction);

	return stay(s, failure ? failure : REPLY_CHUNK_OK, STATE_CHUNKS);
}

/* ---- states ---- */

/* What may come in any state; everything else is out of place there. */
static enum state common(struct session *s, const struct command *c, enum state state,
	enum reply out_of_place)
{
	switch (c->verb) {
	case VERB_LHLO:
		return hello(s, c);
	case VERB_NOOP:
		return stay(s, REPLY_OK, state);
	case VERB_VRFY:
		return stay(s, REPLY_CANNOT_VRFY, state);
	case VERB_RSET:
		transaction_end(&s->transaction);
		return stay(s, REPLY_RESET, state == STATE_HELLO ? STATE_HELLO : STATE_IDLE);
	case VERB_QUIT:
		say(s, REPLY_BYE);
		return STATE_END;
	case VERB_BDAT:
		return refuse_chunk(s, c, out_of_place, state);
	default:
		return complain(s, out_of_place, state);
	}
}

static enum state state_hello(struct session *s)
{
	struct command c;

	if (!next_command(s, &c, false))
		return STATE_END;
	return common(s, &c, STATE_HELLO, REPLY_LHLO_FIRST);
}

static enum state state_idle(struct session *s)
{
	struct command c;

	if (!next_command(s, &c, false))
		return STATE_END;
	if (c.verb == VERB_STARTTLS)
		return start_tls(s);
	if (c.verb != VERB_MAIL)
		return common(s, &c, STATE_IDLE, REPLY_MAIL_FIRST);
	if (atomic_load(&s->server->stopping))
		return leave(s, STREAM_STOP, false);
	if (s->server->conf->lmtpd_tls_required && !s->trusted && !s->stream.tls)
		return complain(s, REPLY_TLS_FIRST, STATE_IDLE);
	enum reply r = transaction_begin(&s->transaction, s->server, &c, &s->log);

	return stay(s, r, r == REPLY_SENDER_OK ? STATE_ENVELOPE : STATE_IDLE);
}

static enum state state_envelope(struct session *s)
{
	bool ready = s->transaction.intake.capture.recipient_count > 0;
	struct command c;

	if (!next_command(s, &c, false))
		return STATE_END;
	switch (c.verb) {
	case VERB_RCPT:
		return stay(s, transaction_add_recipient(&s->transaction, &c), STATE_ENVELOPE);
	case VERB_DATA:
		if (!ready)
			return complain(s, REPLY_RCPT_FIRST, STATE_ENVELOPE);
		if (s->transaction.binary)
			return complain(s, REPLY_BINARY_NEEDS_CHUNKS, STATE_ENVELOPE);
		return say(s, REPLY_SEND_DATA) ? receive_data(s) : STATE_END;
	case VERB_BDAT:
		if (!ready)
			return refuse_chunk(s, &c, REPLY_RCPT_FIRST, STATE_ENVELOPE);
		return receive_chunk(s, &c);
	default:
		return common(s, &c, STATE_ENVELOPE, REPLY_MAIL_OPEN);
	}
}

/* A message is under way: it is finished even when the daemon is stopping. */
static enum state state_chunks(struct session *s)
{
	struct command c;

	if (!next_command(s, &c, true))
		return STATE_END;
	if (c.verb == VERB_BDAT)
		return receive_chunk(s, &c);
	return common(s, &c, STATE_CHUNKS, REPLY_CHUNKS_OPEN);
}

static enum state (*const states[])(struct session *) = {
	[STATE_HELLO] = state_hello,
	[STATE_IDLE] = state_idle,
	[STATE_ENVELOPE] = state_envelope,
	[STATE_CHUNKS] = state_chunks,
};

/* ---- the connection ---- */

static void begin(struct session *s, int fd, const char *client)
{
	struct uuid id = uuid_new(clock_now_us());

	uuid_format(s->id, &id);
	s->client = client;
	s->helo = mem_strdup("");
	stream_init(&s->stream, fd, s->server->stop_fd, atomic_load(&s->server->timeout_us));
	log_context_set(&s->log, "session", s->id);
	log_context_set(&s->log, "client", client);
	log_debug(&s->log, "connected");
}

static void end(struct session *s)
{
	if (stream_flush(&s->stream) != STREAM_OK)
		log_debug(&s->log, "the last reply could not be sent: %s", s->stream.why.text);
	transaction_end(&s->transaction);
	stream_deinit(&s->stream);
	free(s->helo);
	free(s->tls);
	free(s->auth);
}

void session_run(struct server *server, int fd, const char *client, bool trusted)
{
	struct session s = { .server = server, .trusted = trusted };

	begin(&s, fd, client);
	enum state state = stay(&s, REPLY_GREETING, STATE_HELLO);

	while (state != STATE_END)
		state = states[state](&s);
	end(&s);
}
