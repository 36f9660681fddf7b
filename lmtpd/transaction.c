#include "lmtpd/transaction.h"

#include "lmtpd/trace.h"

static const enum reply replies[INTAKE_OUTCOMES] = {
	[INTAKE_OPEN] = REPLY_NONE,
	[INTAKE_ARCHIVED] = REPLY_ARCHIVED,
	[INTAKE_STOPPING] = REPLY_STOPPING,
	[INTAKE_NOT_READY] = REPLY_NOT_READY,
	[INTAKE_BUSY] = REPLY_BUSY,
	[INTAKE_NO_STORAGE] = REPLY_NO_STORAGE,
	[INTAKE_FAILED] = REPLY_FAILED,
	[INTAKE_TOO_MANY_RECIPIENTS] = REPLY_TOO_MANY_RECIPIENTS,
	[INTAKE_TOO_LARGE] = REPLY_TOO_LARGE,
};

enum reply transaction_begin(struct transaction *t, struct server *server,
	const struct command *mail, const struct log_context *log)
{
	enum intake_outcome refusal = intake_begin(&t->intake, &server->door, mail->size, log);

	if (refusal)
		return replies[refusal];
	t->intake.capture.mail_from = mem_strdup(mail->address);
	t->intake.capture.mail_args = mem_strdup(mail->args);
	t->utf8 = mail->utf8;
	t->binary = mail->body == BODY_BINARYMIME;
	return REPLY_SENDER_OK;
}

enum reply transaction_add_recipient(struct transaction *t, const struct command *rcpt)
{
	enum intake_outcome refusal = intake_add_recipient(&t->intake, rcpt->address, rcpt->args);

	return refusal ? replies[refusal] : REPLY_RECIPIENT_OK;
}

void transaction_append(struct transaction *t, const void *data, size_t n)
{
	intake_append(&t->intake, data, n);
}

enum reply transaction_failure(const struct transaction *t)
{
	return replies[t->intake.failure];
}

enum reply transaction_finish(struct transaction *t, const struct intake_peer *peer,
	char archive_id_r[UUID_TEXT_SIZE])
{
	struct intake *in = &t->intake;

	intake_complete(in, peer);
	in->capture.trace = trace_line(&in->capture, in->conf->node, t->utf8);
	enum intake_outcome outcome = intake_archive(in, archive_id_r);
	enum reply r = replies[outcome];

	intake_report(in, outcome, reply_code(r, in->conf->lmtpd_journal), reply_text(r));
	return r;
}

void transaction_end(struct transaction *t)
{
	intake_end(&t->intake);
}
