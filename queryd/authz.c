#include "queryd/authz.h"

#include "mail/scope_grant.h"
#include "meta/account.h"
#include "meta/audit.h"

bool authz_may(const struct account *a, const char *permission)
{
	return strv_has(&a->permissions, permission);
}

struct scope *authz_scope(const struct account *a)
{
	return scope_grant(a->scope_all, &a->scope_mailboxes, a->scope_from_us, a->scope_until_us);
}

bool authz_covers_mailbox(const struct account *a, const char *mailbox)
{
	CLEANUP(scope_freep) struct scope *own = authz_scope(a);
	char *only[] = { (char *)(uintptr_t)mailbox };
	CLEANUP(scope_freep) struct scope *met = scope_narrow(own, &(struct strv){ .items = only, .n = 1 }, INT64_MIN, INT64_MAX);

	return scope_mailboxes(met)->n == 1;
}

char *authz_hold_scope(const struct account *a, const struct strv *mailboxes, int64_t from_us, int64_t until_us)
{
	CLEANUP(scope_freep) struct scope *own = authz_scope(a);
	CLEANUP(scope_freep) struct scope *narrower = scope_narrow(own, mailboxes, from_us, until_us);

	if (!scope_is_all(narrower) && !scope_mailboxes(narrower)->n)
		return NULL;
	return scope_from_us(narrower) < scope_until_us(narrower) ? scope_print(narrower) : NULL;
}

/* Replaces *s by what it and these mailboxes (NULL: any) and times both cover. */
static void narrow(struct scope **s, const struct strv *mailboxes, int64_t from_us, int64_t until_us)
{
	struct scope *narrower = scope_narrow(*s, mailboxes, from_us, until_us);

	scope_freep(s);
	*s = narrower;
}

static int narrow_to_department(struct meta *meta, struct scope **s, const char *department, struct err *e)
{
	CLEANUP(strv_deinit) struct strv mailboxes = { 0 };

	if (meta_department_mailboxes(meta, department, &mailboxes, e) < 0)
		return -1;
	narrow(s, &mailboxes, INT64_MIN, INT64_MAX);
	return 0;
}

int authz_search_scope(struct call *c, const struct search_request *r, struct scope **s_r, struct err *e)
{
	CLEANUP(scope_freep) struct scope *s = authz_scope(&c->account);

	narrow(&s, NULL, r->after_us, r->before_us);
	if (r->mailbox) {
		char *only[] = { r->mailbox };

		narrow(&s, &(struct strv){ .items = only, .n = 1 }, INT64_MIN, INT64_MAX);
	}
	if (r->department && narrow_to_department(c->service->meta, &s, r->department, e) < 0)
		return -1;
	*s_r = s;
	s = NULL;
	return 0;
}

int authz_covers(const struct account *a, const char *scope, struct err *e)
{
	CLEANUP(scope_freep) struct scope *inner = scope_parse(scope, e);
	CLEANUP(scope_freep) struct scope *outer = authz_scope(a);

	return inner ? scope_is_within(inner, outer) : -1;
}

int authz_met_scope(const struct account *a, const char *scope, struct scope **s_r, struct err *e)
{
	CLEANUP(scope_freep) struct scope *said = scope_parse(scope, e);
	CLEANUP(scope_freep) struct scope *own = authz_scope(a);

	if (!said)
		return -1;
	*s_r = scope_meet(own, said);
	return 0;
}

int authz_scope_mailboxes(const char *scope, struct strv *mailboxes_r, struct err *e)
{
	CLEANUP(scope_freep) struct scope *s = scope_parse(scope, e);

	if (!s)
		return -1;
	*mailboxes_r = (struct strv){ 0 };
	if (scope_is_all(s))
		strv_add(mailboxes_r, AUDIT_ALL_MAILBOXES);
	for (size_t i = 0; i < scope_mailboxes(s)->n; i++)
		strv_add(mailboxes_r, scope_mailboxes(s)->items[i]);
	return 0;
}
