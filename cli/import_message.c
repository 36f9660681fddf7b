#include "cli/import_message.h"

#include "base/clock.h"
#include "cli/import_envelope.h"

#include <inttypes.h>

#define POINT "import"

struct capture import_message_begin(const struct conf *conf, const struct strv *recipients, const char *where)
{
	struct capture c = {
		.kind = CAPTURE_IMPORT,
		.point = POINT,
		.client = mem_strdup(where),
		.mail_args = mem_strdup(""),
		.message = message_new(conf->spool_dir, conf->message_size_max),
	};

	for (size_t i = 0; i < recipients->n; i++)
		capture_add_recipient(&c, recipients->items[i], NULL);
	return c;
}

int import_message_append(struct capture *c, const void *data, size_t n, struct err *e)
{
	if (message_too_large(c->message))
		return 0;
	return message_append(c->message, data, n, e) == 0 || message_too_large(c->message) ? 0 : -1;
}

int import_message_complete(struct import_pool *p, const struct conf *conf, struct capture *c, const char *sender,
	uint64_t number, struct err *e)
{
	if (message_too_large(c->message)) {
		_free_ char *why = mem_printf("is larger than message_size_max, which is %" PRIu64 " bytes",
			conf->message_size_max);

		import_pool_refuse(p, c->client, why);
		return 0;
	}
	if (message_finish(c->message, e) < 0)
		return -1;
	if (message_size(c->message) == 0) {
		import_pool_refuse(p, c->client, "is empty");
		return 0;
	}
	import_envelope_read(c, sender);
	c->received_us = clock_now_us();
	import_pool_put(p, c, number);
	return 1;
}
