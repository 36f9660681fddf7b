/* grant: what an account is to be given, roles and a scope, as a request says it; and what of it the giver does not have.
 *
 * Nobody gives himself anything: an account's own roles and scope, the permissions of a role that it has and the mailboxes of
 * a department in its scope are changed by somebody else. To others one may give what one does not have, since who runs the
 * system sees no mail; the audit's intent then says so: "beyond_own". */
#ifndef QUERYD_GRANT_H
#define QUERYD_GRANT_H

#include "meta/user.h"
#include "queryd/body.h"

#define GRANT_ROLES_MAX 64
#define GRANT_MAILBOXES_MAX 20000
#define GRANT_DEPARTMENTS_MAX 1000
#define GRANT_NAME_MAX 64	 /* bytes of a role's */
#define GRANT_DEPARTMENT_MAX 255 /* bytes of a department's */
#define GRANT_MAILBOX_MAX 512

/* Rows for the fields `roles` and `scope` of a body. */
#define GRANT_FIELDS                                                                                       \
	{ .name = "roles", .type = BODY_STRINGS, .max = GRANT_NAME_MAX, .items = GRANT_ROLES_MAX },        \
	{                                                                                                  \
		.name = "scope", .type = BODY_OBJECT                                                       \
	}

struct grant {
	bool has_roles, has_scope; /* the request says something of them */
	struct strv roles;
	struct strv permissions; /* of these roles */
	struct strv mailboxes, departments;
	struct account_scope scope; /* views of the lists */
};

/* From a checked body: everything that it names exists. grant_deinit() frees. -1: the response says what is wrong. */
int grant_read(struct call *c, const cJSON *body, struct grant *g_r) MUST_CHECK;
void grant_deinit(struct grant *g);

/* For the audit's intent. */
void grant_describe(const struct call *c, const struct grant *g, cJSON *detail);

/* -1, with a 403, when the account is the one that asks. */
int grant_check_other(struct call *c, uint64_t account_id) MUST_CHECK;
int grant_refuse_own(struct call *c, const char *what) MUST_CHECK;

/* "scope" of an account. */
void grant_present_scope(cJSON *object, const struct user *u);
void grant_present_list(cJSON *object, const char *key, const struct strv *list);

/* Is it a mailbox that can be in a scope or a department? */
bool grant_mailbox_good(const char *mailbox);

#endif
