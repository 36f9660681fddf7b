#include "archive/evidence.h"

#include "sys/json.h"

static void add(cJSON *object, const char *key, const char *value)
{
	if (value && *value)
		json_add_str(object, key, value);
}

static void add_recipient_args(cJSON *object, const struct capture *c)
{
	cJSON *list = NULL;

	for (size_t i = 0; i < c->recipient_count; i++) {
		const struct capture_recipient *r = &c->recipients[i];

		if (!r->args || !*r->args)
			continue;
		cJSON *item = cJSON_CreateObject();

		add(item, "address", r->address);
		add(item, "args", r->args);
		if (!list)
			list = cJSON_CreateArray();
		cJSON_AddItemToArray(list, item);
	}
	if (list)
		json_add_item(object, "rcpt_args", list);
}

char *evidence_json(const struct capture *c)
{
	_json_ cJSON *object = cJSON_CreateObject();

	add(object, "client", c->client);
	add(object, "helo", c->helo);
	add(object, "auth", c->auth);
	add(object, "tls", c->tls);
	add(object, "session", c->session);
	add(object, "trace", c->trace);
	add(object, "mail_args", c->mail_args);
	add_recipient_args(object, c);
	return json_print(object);
}
