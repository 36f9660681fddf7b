/* An archive in memory, for tests of what stands before the real one. It is included into the
 * test's own file, so that its functions are taken instead of the library's. */
#include "archive/archive.h"

#include <string.h>

#define FAKE_MAX 8

struct fake_message {
	char *bytes;
	size_t size;
	char *from, *from_args, *to; /* recipients with their arguments: "<a> NOTIFY=NEVER,<b>" */
	char *helo, *client, *trace;
};

struct archive {
	bool ready;
	enum err_class put; /* ERR_NONE: it succeeds */
	uint64_t room, taken, taken_most;
	struct fake_message messages[FAKE_MAX];
	size_t n;
};

#define FAKE_ID "00000000-0000-7000-8000-000000000001"

static void fake_deinit(struct archive *a)
{
	for (size_t i = 0; i < a->n; i++) {
		struct fake_message *m = &a->messages[i];

		free(m->bytes);
		free(m->from);
		free(m->from_args);
		free(m->to);
		free(m->helo);
		free(m->client);
		free(m->trace);
	}
	*a = (struct archive){ 0 };
}

static char *join_recipients(const struct capture *c)
{
	char *all = mem_strdup("");

	for (size_t i = 0; i < c->recipient_count; i++) {
		const struct capture_recipient *r = &c->recipients[i];
		char *longer = mem_printf("%s%s<%s>%s%s", all, i ? "," : "", r->address,
			r->args[0] ? " " : "", r->args);

		free(all);
		all = longer;
	}
	return all;
}

int archive_put(struct archive *a, const struct capture *c, const struct log_context *ctx,
	struct archive_receipt *r_r,
	struct err *e)
{
	(void)ctx;
	if (a->put == ERR_PERMANENT)
		return err_permanent(e, "too large");
	if (a->put != ERR_NONE || a->n == FAKE_MAX)
		return err_temporary(e, "down");
	a->messages[a->n++] = (struct fake_message){
		.bytes = mem_dup(message_bytes(c->message), (size_t)message_size(c->message)),
		.size = (size_t)message_size(c->message),
		.from = mem_strdup(c->mail_from),
		.from_args = mem_strdup(c->mail_args),
		.to = join_recipients(c),
		.helo = mem_strdup(c->helo),
		.client = mem_strdup(c->client),
		.trace = mem_strdup(c->trace),
	};
	*r_r = (struct archive_receipt){ .indexed = true };
	return uuid_parse(&r_r->id, FAKE_ID);
}

int archive_ready(struct archive *a, struct err *e)
{
	return a->ready ? 0 : err_temporary(e, "down");
}

bool archive_admit(struct archive *a, uint64_t bytes)
{
	if (bytes > a->room - a->taken)
		return false;
	a->taken += bytes;
	if (a->taken > a->taken_most)
		a->taken_most = a->taken;
	return true;
}

void archive_release(struct archive *a, uint64_t bytes)
{
	a->taken -= bytes;
}

int archive_open(struct archive **a_r, const struct conf *conf, const char *name, struct err *e)
{
	(void)conf;
	*a_r = NULL;
	return err_temporary(e, "archive_open(%s) failed: this is a fake", name);
}

void archive_closep(struct archive **a)
{
	*a = NULL;
}
