#include "archive/intake.h"

#include "archive/capture_metrics.h"

#include <string.h>

static void give_back(struct intake *in)
{
	message_freep(&in->capture.message);
	room_give_back(&in->room);
}

void intake_fail(struct intake *in, enum intake_outcome failure)
{
	if (in->failure)
		return;
	in->failure = failure;
	give_back(in);
}

/* Gives back why something is not taken, and counts it. */
static enum intake_outcome refuse(enum intake_outcome outcome)
{
	metric_add(&capture_refusals, outcome, 1);
	return outcome;
}

/* ---- the envelope ---- */

static enum intake_outcome check(struct intake *in, uint64_t size)
{
	struct err e;

	if (size > in->conf->message_size_max)
		return INTAKE_TOO_LARGE;
	if (!in->archive)
		return INTAKE_NOT_READY;
	if (archive_ready(in->archive, &e)) {
		log_warn(&in->log, "mail is put off: %s", e.text);
		return INTAKE_NOT_READY;
	}
	if (!room_take(&in->room, in->archive, size)) {
		log_warn(&in->log, "mail is put off: more bytes are under way than inflight_max allows");
		return INTAKE_BUSY;
	}
	return INTAKE_OPEN;
}

enum intake_outcome intake_begin(struct intake *in, struct door *door, uint64_t size, const struct log_context *log)
{
	*in = (struct intake){
		.archive = atomic_load(&door->archive),
		.conf = door->conf,
		.begun_us = clock_monotonic_us(),
		.log = { .parent = log },
	};
	enum intake_outcome outcome = check(in, size);

	if (outcome != INTAKE_OPEN)
		return refuse(outcome);
	in->capture.kind = door->kind;
	in->capture.point = door->point;
	in->capture.message = message_new(door->conf->spool_dir, door->conf->message_size_max);
	message_expect(in->capture.message, size);
	return INTAKE_OPEN;
}

enum intake_outcome intake_add_recipient(struct intake *in, const char *address, const char *args)
{
	if (in->capture.recipient_count >= in->conf->recipients_max)
		return refuse(INTAKE_TOO_MANY_RECIPIENTS);
	if (!room_use(&in->room, sizeof(struct capture_recipient) + strlen(address) + strlen(args)))
		return refuse(INTAKE_BUSY);
	capture_add_recipient(&in->capture, address, args);
	return INTAKE_OPEN;
}

/* ---- the bytes ---- */

void intake_append(struct intake *in, const void *data, size_t n)
{
	struct err e;

	if (in->failure)
		return;
	if (!room_use(&in->room, n)) {
		log_warn(&in->log, "mail is put off: more bytes are under way than inflight_max allows");
		intake_fail(in, INTAKE_BUSY);
	} else if (message_append(in->capture.message, data, n, &e)) {
		log_warn(&in->log, "the message can't be received: %s", e.text);
		intake_fail(in, message_too_large(in->capture.message) ? INTAKE_TOO_LARGE : INTAKE_NO_STORAGE);
	}
}

void intake_complete(struct intake *in, const struct intake_peer *peer)
{
	struct capture *c = &in->capture;

	in->complete_us = capture_stage(STAGE_RECEIVE, in->begun_us);
	c->received_us = clock_now_us();
	c->client = mem_strdup(peer->client);
	c->helo = mem_strdup(peer->helo);
	c->auth = mem_strdup(peer->auth);
	c->tls = mem_strdup(peer->tls);
	c->session = mem_strdup(peer->session);
}

/* ---- the end ---- */

static void count_archived(const struct intake *in, bool known)
{
	metric_add(&capture_messages, known ? CAPTURE_KNOWN : CAPTURE_NEW, 1);
	if (!known)
		metric_add(&capture_bytes, 0, (int64_t)in->size);
	capture_stage(STAGE_WHOLE, in->complete_us);
}

enum intake_outcome intake_archive(struct intake *in, char archive_id_r[UUID_TEXT_SIZE])
{
	struct message *m = in->capture.message;
	struct archive_receipt receipt;
	struct err e;

	if (in->failure)
		return in->failure;
	if (message_finish(m, &e)) {
		log_error(&in->log, "the message can't be received: %s", e.text);
		return INTAKE_NO_STORAGE;
	}
	in->size = message_size(m);
	if (archive_put(in->archive, &in->capture, &in->log, &receipt, &e))
		return e.class == ERR_PERMANENT ? INTAKE_TOO_LARGE : INTAKE_FAILED;
	log_context_set(&in->log, "archive_id", uuid_format(archive_id_r, &receipt.id));
	log_context_set(&in->log, "known", receipt.known ? "yes" : NULL);
	log_context_set(&in->log, "indexed", receipt.indexed ? "yes" : "later");
	count_archived(in, receipt.known);
	return INTAKE_ARCHIVED;
}

static uint64_t milliseconds(int64_t from_us, int64_t to_us)
{
	return (uint64_t)(to_us - from_us) / 1000;
}

void intake_report(struct intake *in, enum intake_outcome outcome, const char *reply, const char *text)
{
	log_context_set_number(&in->log, "size", in->size);
	log_context_set_number(&in->log, "recipients", in->capture.recipient_count);
	log_context_set_number(&in->log, "receive_ms", milliseconds(in->begun_us, in->complete_us));
	log_context_set_number(&in->log, "archive_ms", milliseconds(in->complete_us, clock_monotonic_us()));
	log_context_set(&in->log, "reply", reply);
	if (outcome == INTAKE_ARCHIVED) {
		log_info(&in->log, "archived");
		return;
	}
	metric_add(&capture_refusals, outcome, 1);
	log_warn(&in->log, "not archived: %s", text);
}

void intake_end(struct intake *in)
{
	give_back(in);
	capture_deinit(&in->capture);
}
