#include "milter/transaction.h"

#include "base/clock.h"
#include "base/str.h"
#include "milter/reconstruct.h"

#include <string.h>

/* Is there a message that can still be archived? */
static bool going_well(const struct transaction *t)
{
	return t->server && !t->failure;
}

/* ---- room ---- */

static void give_back(struct transaction *t)
{
	message_freep(&t->capture.message);
	buf_deinit(&t->piece);
	room_give_back(&t->room);
}

static void fail(struct transaction *t, enum verdict failure)
{
	t->failure = failure;
	give_back(t);
}

/* ---- the envelope ---- */

/* "<a@b>" without its brackets, or what else a lenient mail server let through. Caller frees. */
static char *bare_address(const char *path)
{
	size_t n = strlen(path);

	return n > 1 && path[0] == '<' && path[n - 1] == '>' ? mem_dup(path + 1, n - 2) : mem_dup(path, n);
}

/* Caller frees; never NULL. */
static char *join_args(char *const *args)
{
	struct strv list = { 0 };

	for (; *args; args++)
		strv_add(&list, *args);
	char *text = strv_join(&list, " ");

	strv_deinit(&list);
	return text;
}

/* The size that the client announced, 0 when it told none. */
static uint64_t announced_size(char *const *args)
{
	uint64_t size = 0;

	for (; *args; args++)
		if (str_istarts(*args, "SIZE=") && str_parse_u64(&size, *args + strlen("SIZE="), UINT64_MAX / 2))
			return 0;
	return size;
}

static enum verdict check_begin(struct transaction *t, uint64_t size)
{
	struct err e;

	if (size > t->server->conf->message_size_max)
		return VERDICT_TOO_LARGE;
	if (!t->archive)
		return VERDICT_NOT_READY;
	if (archive_ready(t->archive, &e)) {
		log_warn(&t->log, "mail is put off: %s", e.text);
		return VERDICT_NOT_READY;
	}
	if (!room_take(&t->room, t->archive, size)) {
		log_warn(&t->log, "mail is put off: too many bytes are under way");
		return VERDICT_BUSY;
	}
	return VERDICT_CONTINUE;
}

enum verdict transaction_begin(struct transaction *t, struct server *server, char *const *path_and_args,
	const struct log_context *log)
{
	const struct conf *conf = server->conf;

	if (!gate_enter(&server->gate))
		return VERDICT_STOPPING;
	*t = (struct transaction){
		.server = server,
		.archive = atomic_load(&server->archive),
		.piece = BUF_INIT(conf->message_size_max),
		.begun_us = clock_monotonic_us(),
		.log = { .parent = log },
	};
	enum verdict v = check_begin(t, announced_size(path_and_args + 1));

	if (v != VERDICT_CONTINUE) {
		transaction_end(t);
		return v;
	}
	t->capture.kind = CAPTURE_MILTER;
	t->capture.point = conf->milter_point;
	t->capture.message = message_new(conf->spool_dir, conf->message_size_max);
	t->capture.mail_from = bare_address(path_and_args[0]);
	t->capture.mail_args = join_args(path_and_args + 1);
	return VERDICT_CONTINUE;
}

enum verdict transaction_add_recipient(struct transaction *t, char *const *path_and_args)
{
	_free_ char *address = bare_address(path_and_args[0]), *args = join_args(path_and_args + 1);

	if (!t->server)
		return VERDICT_FAILED;
	if (t->capture.recipient_count >= t->server->conf->recipients_max)
		return VERDICT_TOO_MANY_RECIPIENTS;
	if (!room_use(&t->room, sizeof(struct capture_recipient) + strlen(address) + strlen(args)))
		return VERDICT_BUSY;
	capture_add_recipient(&t->capture, address, args);
	return VERDICT_CONTINUE;
}

void transaction_set_queue_id(struct transaction *t, const char *queue_id)
{
	if (!t->server || !queue_id || (t->capture.queue_id && strcmp(t->capture.queue_id, queue_id) == 0))
		return;
	free(t->capture.queue_id);
	t->capture.queue_id = mem_strdup(queue_id);
	log_context_set(&t->log, "queue_id", queue_id);
}

/* ---- the bytes ---- */

static void append(struct transaction *t, const void *data, size_t n)
{
	struct err e;

	if (!room_use(&t->room, n)) {
		log_warn(&t->log, "mail is put off: too many bytes are under way");
		fail(t, VERDICT_BUSY);
	} else if (message_append(t->capture.message, data, n, &e)) {
		log_warn(&t->log, "the message can't be received: %s", e.text);
		fail(t, message_too_large(t->capture.message) ? VERDICT_TOO_LARGE : VERDICT_NO_STORAGE);
	}
}

void transaction_header(struct transaction *t, const char *name, const char *value, bool leading_space)
{
	if (!going_well(t))
		return;
	buf_reset(&t->piece);
	if (reconstruct_header(&t->piece, name, value, leading_space))
		fail(t, VERDICT_TOO_LARGE);
	else
		append(t, t->piece.data, t->piece.len);
}

void transaction_end_of_header(struct transaction *t)
{
	if (!going_well(t))
		return;
	buf_reset(&t->piece);
	if (reconstruct_end_of_header(&t->piece))
		fail(t, VERDICT_TOO_LARGE);
	else
		append(t, t->piece.data, t->piece.len);
}

void transaction_body(struct transaction *t, const void *data, size_t n)
{
	if (going_well(t))
		append(t, data, n);
}

/* ---- the end ---- */

static void set_peer(struct capture *c, const struct peer *p)
{
	c->client = mem_strdup(p->client);
	c->helo = mem_strdup(p->helo);
	c->auth = mem_strdup(p->auth);
	c->tls = mem_strdup(p->tls);
	c->session = mem_strdup(p->session);
}

static enum verdict archive(struct transaction *t)
{
	struct archive_receipt receipt;
	char id[UUID_TEXT_SIZE];
	struct err e;

	if (message_finish(t->capture.message, &e)) {
		log_error(&t->log, "the message can't be received: %s", e.text);
		return VERDICT_NO_STORAGE;
	}
	if (!gate_archive_enter(&t->server->gate))
		return VERDICT_STOPPING;
	int failed = archive_put(t->archive, &t->capture, &t->log, &receipt, &e);

	gate_archive_leave(&t->server->gate);
	if (failed)
		return e.class == ERR_PERMANENT ? VERDICT_REFUSED : VERDICT_FAILED;
	log_context_set(&t->log, "archive_id", uuid_format(id, &receipt.id));
	log_context_set(&t->log, "known", receipt.known ? "yes" : NULL);
	log_context_set(&t->log, "indexed", receipt.indexed ? "yes" : "later");
	return VERDICT_ARCHIVED;
}

static void log_outcome(struct transaction *t, enum verdict v, uint64_t size, int64_t received_us)
{
	log_context_set_number(&t->log, "size", size);
	log_context_set_number(&t->log, "recipients", t->capture.recipient_count);
	log_context_set_number(&t->log, "archive_ms", (uint64_t)(clock_monotonic_us() - received_us) / 1000);
	if (v == VERDICT_ARCHIVED) {
		log_info(&t->log, "archived");
		return;
	}
	log_context_set(&t->log, "reply", verdict_reply(v)->code);
	log_warn(&t->log, "not archived: %s", verdict_reply(v)->text);
}

enum verdict transaction_finish(struct transaction *t, const struct peer *peer)
{
	int64_t received_us = clock_monotonic_us();
	enum verdict v = t->failure;
	uint64_t size = 0;

	if (!t->server)
		return VERDICT_FAILED;
	t->capture.received_us = clock_now_us();
	if (!v) {
		set_peer(&t->capture, peer);
		v = archive(t);
		size = message_size(t->capture.message);
	}
	log_outcome(t, v, size, received_us);
	return v;
}

void transaction_end(struct transaction *t)
{
	if (!t->server)
		return;
	give_back(t);
	capture_deinit(&t->capture);
	gate_leave(&t->server->gate);
	*t = (struct transaction){ 0 };
}
