#include "queryd/access.h"

#include "base/str.h"
#include "cache/token_floor.h"
#include "queryd/audit.h"

int access_failed(struct call *c, const struct err *e)
{
	log_error(&c->log, "%s", e->text);
	response_unavailable(&c->response, "Accounts can't be read or changed at the moment.");
	return -1;
}

int access_intent(struct call *c, cJSON *detail)
{
	_free_ char *text = detail->child ? json_print(detail) : NULL;

	cJSON_Delete(detail);
	return audit_intent_signed_in(c, text);
}

int access_not_found(struct call *c)
{
	response_problem(&c->response, 404, "There is none of this id or name.");
	return -1;
}

int access_changed(struct call *c, int rc, const struct err *e)
{
	if (rc == 1)
		return 0;
	if (rc < 0 && e->class != ERR_PERMANENT)
		return access_failed(c, e);
	response_problem_named(&c->response, 409, "conflict",
		"Somebody else changed this, or what it refers to, at the same time. Read it again.");
	return -1;
}

uint64_t access_id(const struct call *c)
{
	uint64_t id;

	return str_parse_u64(&id, c->parameters[0], INT64_MAX) < 0 ? 0 : id;
}

void access_tell_cache(struct call *c, uint64_t account_id)
{
	CLEANUP(account_deinit) struct account a = { 0 };
	char name[TOKEN_FLOOR_NAME_SIZE];
	struct err e;

	if (meta_account_by_id(c->service->meta, account_id, &a, &e) == 1)
		cache_raise(c->service->cache, token_floor_name(name, account_id), a.token_generation,
			c->service->conf->queryd_token_us);
}
