#include "lmtpd/transaction.h"

#include "base/clock.h"
#include "lmtpd/trace.h"

#include <string.h>

static void give_back(struct transaction *t)
{
	message_freep(&t->capture.message);
	room_give_back(&t->room);
}

static void fail(struct transaction *t, enum reply failure)
{
	t->failure = failure;
	give_back(t);
}

static enum reply check_begin(struct transaction *t, const struct command *mail)
{
	struct err e;

	if (mail->size > t->conf->message_size_max)
		return REPLY_TOO_LARGE;
	if (!t->archive)
		return REPLY_NOT_READY;
	if (archive_ready(t->archive, &e)) {
		log_warn(&t->log, "mail is put off: %s", e.text);
		return REPLY_NOT_READY;
	}
	if (!room_take(&t->room, t->archive, mail->size)) {
		log_warn(&t->log, "mail is put off: too many bytes are under way");
		return REPLY_BUSY;
	}
	return REPLY_SENDER_OK;
}

enum reply transaction_begin(struct transaction *t, struct server *server, const struct peer *peer,
	const struct command *mail, const struct log_context *log)
{
	*t = (struct transaction){
		.archive = atomic_load(&server->archive),
		.conf = server->conf,
		.peer = peer,
		.utf8 = mail->utf8,
		.binary = mail->body == BODY_BINARYMIME,
		.begun_us = clock_monotonic_us(),
		.log = { .parent = log },
	};
	enum reply r = check_begin(t, mail);

	if (r != REPLY_SENDER_OK)
		return r;
	t->capture.kind = CAPTURE_LMTP;
	t->capture.point = t->conf->lmtpd_point;
	t->capture.message = message_new(t->conf->spool_dir, t->conf->message_size_max);
	t->capture.mail_from = mem_strdup(mail->address);
	t->capture.mail_args = mem_strdup(mail->args);
	return REPLY_SENDER_OK;
}

enum reply transaction_add_recipient(struct transaction *t, const struct command *rcpt)
{
	if (t->capture.recipient_count >= t->conf->recipients_max)
		return REPLY_TOO_MANY_RECIPIENTS;
	if (!room_use(&t->room, sizeof(struct capture_recipient) + strlen(rcpt->address) + strlen(rcpt->args)))
		return REPLY_BUSY;
	capture_add_recipient(&t->capture, rcpt->address, rcpt->args);
	return REPLY_RECIPIENT_OK;
}

void transaction_append(struct transaction *t, const void *data, size_t n)
{
	struct err e;

	if (t->failure)
		return;
	if (!room_use(&t->room, n)) {
		log_warn(&t->log, "mail is put off: too many bytes are under way");
		fail(t, REPLY_BUSY);
	} else if (message_append(t->capture.message, data, n, &e)) {
		log_warn(&t->log, "the message can't be received: %s", e.text);
		fail(t, message_too_large(t->capture.message) ? REPLY_TOO_LARGE : REPLY_NO_STORAGE);
	}
}

static void set_peer(struct capture *c, const struct peer *p)
{
	c->client = mem_strdup(p->client);
	c->session = mem_strdup(p->session);
	c->helo = mem_strdup(p->helo);
	c->tls = mem_strdup(p->tls);
	c->auth = mem_strdup(p->auth);
}

static enum reply archive(struct transaction *t, char archive_id_r[UUID_TEXT_SIZE])
{
	struct archive_receipt receipt;
	struct err e;

	if (message_finish(t->capture.message, &e)) {
		log_error(&t->log, "the message can't be received: %s", e.text);
		return REPLY_NO_STORAGE;
	}
	if (archive_put(t->archive, &t->capture, &t->log, &receipt, &e))
		return e.class == ERR_PERMANENT ? REPLY_TOO_LARGE : REPLY_FAILED;
	log_context_set(&t->log, "archive_id", uuid_format(archive_id_r, &receipt.id));
	log_context_set(&t->log, "known", receipt.known ? "yes" : NULL);
	log_context_set(&t->log, "indexed", receipt.indexed ? "yes" : "later");
	return REPLY_ARCHIVED;
}

static void log_outcome(struct transaction *t, enum reply r, uint64_t size, int64_t received_us)
{
	log_context_set_number(&t->log, "size", size);
	log_context_set_number(&t->log, "recipients", t->capture.recipient_count);
	log_context_set_number(&t->log, "receive_ms", (uint64_t)(received_us - t->begun_us) / 1000);
	log_context_set_number(&t->log, "archive_ms", (uint64_t)(clock_monotonic_us() - received_us) / 1000);
	log_context_set(&t->log, "reply", reply_code(r, t->conf->lmtpd_journal));
	if (r == REPLY_ARCHIVED)
		log_info(&t->log, "archived");
	else
		log_warn(&t->log, "not archived");
}

enum reply transaction_finish(struct transaction *t, char archive_id_r[UUID_TEXT_SIZE])
{
	int64_t received_us = clock_monotonic_us();
	struct capture *c = &t->capture;
	enum reply r = t->failure;
	uint64_t size = r ? 0 : message_size(c->message);

	c->received_us = clock_now_us();
	if (!r) {
		set_peer(c, t->peer);
		c->trace = trace_line(c, t->conf->node, t->utf8);
		r = archive(t, archive_id_r);
	}
	log_outcome(t, r, size, received_us);
	return r;
}

void transaction_end(struct transaction *t)
{
	if (t->archive)
		give_back(t);
	capture_deinit(&t->capture);
}
