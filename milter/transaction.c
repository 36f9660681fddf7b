#include "milter/transaction.h"

#include "base/str.h"
#include "milter/reconstruct.h"
#include "milter/verdict.h"

#include <string.h>

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

enum intake_outcome transaction_begin(struct transaction *t, struct server *server, char *const *path_and_args,
	const struct log_context *log)
{
	if (!gate_enter(&server->gate))
		return INTAKE_STOPPING;
	*t = (struct transaction){
		.server = server,
		.piece = BUF_INIT(server->door.conf->message_size_max),
	};
	enum intake_outcome refusal = intake_begin(&t->intake, &server->door, announced_size(path_and_args + 1), log);

	if (refusal) {
		transaction_end(t);
		return refusal;
	}
	t->intake.capture.mail_from = bare_address(path_and_args[0]);
	t->intake.capture.mail_args = join_args(path_and_args + 1);
	return INTAKE_OPEN;
}

enum intake_outcome transaction_add_recipient(struct transaction *t, char *const *path_and_args)
{
	_free_ char *address = bare_address(path_and_args[0]), *args = join_args(path_and_args + 1);

	return t->server ? intake_add_recipient(&t->intake, address, args) : INTAKE_FAILED;
}

void transaction_set_queue_id(struct transaction *t, const char *queue_id)
{
	struct capture *c = &t->intake.capture;

	if (!t->server || !queue_id || (c->queue_id && strcmp(c->queue_id, queue_id) == 0))
		return;
	free(c->queue_id);
	c->queue_id = mem_strdup(queue_id);
	log_context_set(&t->intake.log, "queue_id", queue_id);
}

/* ---- the bytes ---- */

/* What was put together in t->piece; failed: it became larger than any message. */
static void append_piece(struct transaction *t, int failed)
{
	if (failed)
		intake_fail(&t->intake, INTAKE_TOO_LARGE);
	else
		intake_append(&t->intake, t->piece.data, t->piece.len);
}

void transaction_header(struct transaction *t, const char *name, const char *value, bool leading_space)
{
	if (!t->server)
		return;
	buf_reset(&t->piece);
	append_piece(t, reconstruct_header(&t->piece, name, value, leading_space));
}

void transaction_end_of_header(struct transaction *t)
{
	if (!t->server)
		return;
	buf_reset(&t->piece);
	append_piece(t, reconstruct_end_of_header(&t->piece));
}

void transaction_body(struct transaction *t, const void *data, size_t n)
{
	if (t->server)
		intake_append(&t->intake, data, n);
}

/* ---- the end ---- */

static enum intake_outcome archive(struct transaction *t)
{
	char id[UUID_TEXT_SIZE];

	if (!gate_archive_enter(&t->server->gate))
		return INTAKE_STOPPING;
	enum intake_outcome outcome = intake_archive(&t->intake, id);

	gate_archive_leave(&t->server->gate);
	return outcome;
}

enum intake_outcome transaction_finish(struct transaction *t, const struct intake_peer *peer)
{
	if (!t->server)
		return INTAKE_FAILED;
	intake_complete(&t->intake, peer);
	enum intake_outcome outcome = archive(t);
	const struct verdict_reply *r = verdict_reply(outcome);
	_free_ char *reply = r->code ? mem_printf("%s %s", r->code, r->enhanced) : NULL;

	intake_report(&t->intake, outcome, reply, r->text);
	return outcome;
}

void transaction_end(struct transaction *t)
{
	if (!t->server)
		return;
	intake_end(&t->intake);
	buf_deinit(&t->piece);
	gate_leave(&t->server->gate);
	*t = (struct transaction){ 0 };
}
