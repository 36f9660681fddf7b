/* Managing accounts, roles and departments. */
#include "meta/statements_table.h"

#include <stddef.h>

const struct statement_text statements_access[STATEMENTS] = {
	[STMT_DEPARTMENT_LIST] = {
		"department_list",
		"SELECT d.name, d.version, (SELECT count(*) FROM department_mailbox dm WHERE dm.department_id = d.id),"
		" (SELECT count(*) FROM account_department ad WHERE ad.department_id = d.id), d.directory FROM department d"
		" WHERE d.name > ? ORDER BY d.name LIMIT ?",
		NULL,
	},
	[STMT_DEPARTMENT_GET] = {
		"department_get",
		"SELECT d.name, d.version, (SELECT count(*) FROM department_mailbox dm WHERE dm.department_id = d.id),"
		" (SELECT count(*) FROM account_department ad WHERE ad.department_id = d.id), d.directory FROM department d"
		" WHERE d.name = ?",
		NULL,
	},
	[STMT_DEPARTMENT_TOUCH] = { "department_touch", "UPDATE department SET version = version + 1 WHERE id = ?", NULL },
	[STMT_DEPARTMENT_TOUCH_IF] = {
		"department_touch_if",
		"UPDATE department SET version = version + 1 WHERE id = ? AND version = ?",
		NULL,
	},
	[STMT_DEPARTMENT_SYNCED] = {
		"department_synced",
		"UPDATE department SET version = version + 1, directory = 1 WHERE id = ?",
		NULL,
	},
	[STMT_DEPARTMENT_USED] = {
		"department_used",
		"SELECT count(*) FROM account_department WHERE department_id = ?",
		NULL,
	},
	[STMT_DEPARTMENT_DELETE] = { "department_delete", "DELETE FROM department WHERE id = ?", NULL },
	[STMT_DEPARTMENT_PAGE] = {
		"department_page",
		"SELECT mailbox FROM department_mailbox WHERE department_id = ? AND mailbox > ? ORDER BY mailbox LIMIT ?",
		NULL,
	},
	[STMT_DEPARTMENT_GROUPS] = {
		"department_groups",
		"SELECT d.name, dm.mailbox FROM department_mailbox dm JOIN department d ON d.id = dm.department_id"
		" ORDER BY dm.department_id, dm.mailbox LIMIT ?",
		NULL,
	},
	[STMT_MEMBER_LIST] = {
		"member_list",
		"SELECT DISTINCT mailbox FROM department_mailbox WHERE mailbox > ? ORDER BY mailbox LIMIT ?",
		NULL,
	},
	[STMT_MEMBER_DEPARTMENTS] = {
		"member_departments",
		"SELECT d.name FROM department_mailbox dm JOIN department d ON d.id = dm.department_id WHERE dm.mailbox = ?"
		" ORDER BY d.name",
		NULL,
	},
	[STMT_MEMBER_CLEAR] = { "member_clear", "DELETE FROM department_mailbox WHERE mailbox = ?", NULL },

	[STMT_SAVED_SEARCH_COUNT] = { "saved_search_count", "SELECT count(*) FROM saved_search WHERE account_id = ?", NULL },
	[STMT_SAVED_SEARCH_GET] = {
		"saved_search_get",
		"SELECT id, account_id, version, name, case_id, request, created_us, changed_us FROM saved_search"
		" WHERE account_id = ? AND id = ?",
		NULL,
	},
	[STMT_SAVED_SEARCH_LIST] = {
		"saved_search_list",
		"SELECT id, account_id, version, name, case_id, request, created_us, changed_us FROM saved_search"
		" WHERE account_id = ? AND id > ? ORDER BY id LIMIT ?",
		NULL,
	},
	[STMT_CASE_SEARCHES] = {
		"case_searches",
		"SELECT s.id, s.account_id, s.version, s.name, s.case_id, s.request, s.created_us, s.changed_us FROM saved_search s"
		" JOIN case_member m ON m.case_id = s.case_id AND m.account_id = s.account_id"
		" WHERE s.case_id = ? AND s.id > ? ORDER BY s.id LIMIT ?",
		NULL,
	},
	[STMT_CASE_SEARCH_GET] = {
		"case_search_get",
		"SELECT s.id, s.account_id, s.version, s.name, s.case_id, s.request, s.created_us, s.changed_us FROM case_member m"
		" JOIN saved_search s ON s.case_id = m.case_id"
		" JOIN case_member o ON o.case_id = s.case_id AND o.account_id = s.account_id WHERE m.account_id = ? AND s.id = ?",
		NULL,
	},
	[STMT_SAVED_SEARCH_ADD] = {
		"saved_search_add",
		"INSERT INTO saved_search (id, account_id, version, name, case_id, request, created_us, changed_us)"
		" VALUES (?, ?, 1, ?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_SAVED_SEARCH_SET] = {
		"saved_search_set",
		"UPDATE saved_search SET version = version + 1, name = ?, case_id = ?, request = ?, changed_us = ?"
		" WHERE account_id = ? AND id = ? AND version = ?",
		NULL,
	},
	[STMT_SAVED_SEARCH_REMOVE] = {
		"saved_search_remove",
		"DELETE FROM saved_search WHERE account_id = ? AND id = ? AND version = ?",
		NULL,
	},

	[STMT_USER_LIST] = {
		"user_list",
		"SELECT a.id, a.version, a.username, a.disabled, a.scope_all, a.scope_from_us, a.scope_until_us,"
		" CASE WHEN a.password_hash = '' THEN 1 ELSE 0 END, CASE WHEN length(a.totp_secret) > 0 THEN 1 ELSE 0 END"
		" FROM account a LEFT JOIN service_account s ON s.account_id = a.id"
		" WHERE a.id > ? AND s.account_id IS NULL ORDER BY a.id LIMIT ?",
		NULL,
	},
	[STMT_USER_SERVICES] = {
		"user_services",
		"SELECT a.id, a.version, a.username, a.disabled, a.scope_all, a.scope_from_us, a.scope_until_us,"
		" CASE WHEN a.password_hash = '' THEN 1 ELSE 0 END, CASE WHEN length(a.totp_secret) > 0 THEN 1 ELSE 0 END"
		" FROM account a JOIN service_account s ON s.account_id = a.id"
		" WHERE a.id > ? ORDER BY a.id LIMIT ?",
		NULL,
	},
	[STMT_USER_GET] = {
		"user_get",
		"SELECT a.id, a.version, a.username, a.disabled, a.scope_all, a.scope_from_us, a.scope_until_us,"
		" CASE WHEN a.password_hash = '' THEN 1 ELSE 0 END, CASE WHEN length(a.totp_secret) > 0 THEN 1 ELSE 0 END"
		" FROM account a WHERE a.id = ?",
		NULL,
	},
	[STMT_USER_MAILBOXES] = {
		"user_mailboxes",
		"SELECT mailbox FROM account_mailbox WHERE account_id = ? ORDER BY mailbox",
		NULL,
	},
	[STMT_USER_DEPARTMENTS] = {
		"user_departments",
		"SELECT d.name FROM account_department ad JOIN department d ON d.id = ad.department_id WHERE ad.account_id = ?"
		" ORDER BY d.name",
		NULL,
	},
	[STMT_USER_TOUCH] = { "user_touch", "UPDATE account SET version = version + 1 WHERE id = ?", NULL },
	[STMT_USER_TOUCH_IF] = {
		"user_touch_if",
		"UPDATE account SET version = version + 1 WHERE id = ? AND version = ?",
		NULL,
	},
	[STMT_USER_ROLES_CLEAR] = { "user_roles_clear", "DELETE FROM account_role WHERE account_id = ?", NULL },
	[STMT_USER_TOTP_SET] = {
		"user_totp_set",
		"UPDATE account SET totp_secret = ?, totp_last_step = 0, token_generation = token_generation + 1,"
		" version = version + 1 WHERE id = ?",
		NULL,
	},
	[STMT_SERVICE_ADD] = {
		"service_add",
		"INSERT INTO service_account (account_id, token_hash, certificate, token_us) VALUES (?, ?, ?, ?)",
		NULL,
	},
	[STMT_SERVICE_GET] = {
		"service_get",
		"SELECT certificate, token_us FROM service_account WHERE account_id = ?",
		NULL,
	},
	[STMT_SERVICE_BY_TOKEN] = {
		"service_by_token",
		"SELECT account_id, certificate FROM service_account WHERE token_hash = ?",
		NULL,
	},
	[STMT_SERVICE_TOKEN_SET] = {
		"service_token_set",
		"UPDATE service_account SET token_hash = ?, token_us = ? WHERE account_id = ?",
		NULL,
	},
	[STMT_SERVICE_CERTIFICATE_SET] = {
		"service_certificate_set",
		"UPDATE service_account SET certificate = ? WHERE account_id = ?",
		NULL,
	},
	[STMT_IDENTITY_FIND] = {
		"identity_find",
		"SELECT account_id FROM account_identity WHERE identity = ?",
		NULL,
	},
	[STMT_IDENTITY_GET] = {
		"identity_get",
		"SELECT issuer, subject, linked_us FROM account_identity WHERE account_id = ?",
		NULL,
	},
	[STMT_IDENTITY_ADD] = {
		"identity_add",
		"INSERT INTO account_identity (account_id, identity, issuer, subject, linked_us)"
		" SELECT id, ?, ?, ?, ? FROM account WHERE id = ? AND password_hash = ''",
		NULL,
	},
	[STMT_IDENTITY_CLEAR] = { "identity_clear", "DELETE FROM account_identity WHERE account_id = ?", NULL },
	[STMT_PASSWORD_CLEAR] = {
		"password_clear",
		"UPDATE account SET password_hash = '', token_generation = token_generation + 1, version = version + 1 WHERE id = ?",
		NULL,
	},
	[STMT_ROLE_LIST] = {
		"role_list",
		"SELECT r.name, r.meaning, r.version, r.custom, (SELECT count(*) FROM account_role ar WHERE ar.role = r.name)"
		" FROM role r WHERE r.name > ? ORDER BY r.name LIMIT ?",
		NULL,
	},
	[STMT_ROLE_GET] = {
		"role_get",
		"SELECT r.name, r.meaning, r.version, r.custom, (SELECT count(*) FROM account_role ar WHERE ar.role = r.name)"
		" FROM role r WHERE r.name = ?",
		NULL,
	},
	[STMT_ROLE_PERMISSIONS] = {
		"role_permissions",
		"SELECT permission FROM role_permission WHERE role = ? ORDER BY permission",
		NULL,
	},
	[STMT_ROLE_ADD] = { "role_add", "INSERT INTO role (name, meaning, custom) VALUES (?, ?, 1)", NULL },
	[STMT_ROLE_SET] = {
		"role_set",
		"UPDATE role SET meaning = ?, version = version + 1 WHERE name = ? AND version = ? AND custom = 1",
		NULL,
	},
	[STMT_ROLE_PERMISSION_ADD] = {
		"role_permission_add",
		"INSERT INTO role_permission (role, permission) SELECT ?, name FROM permission WHERE name = ?",
		NULL,
	},
	[STMT_ROLE_PERMISSIONS_CLEAR] = { "role_permissions_clear", "DELETE FROM role_permission WHERE role = ?", NULL },
	[STMT_ROLE_USED] = { "role_used", "SELECT count(*) FROM account_role WHERE role = ?", NULL },
	[STMT_ROLE_DELETE] = { "role_delete", "DELETE FROM role WHERE name = ? AND custom = 1 AND version = ?", NULL },

	[STMT_COPY_ROLE_READ] = { "copy_role_read", "SELECT name, meaning FROM role WHERE custom = 1", NULL },
	[STMT_COPY_ROLE_CLEAR] = { "copy_role_clear", "DELETE FROM role WHERE custom = 1", NULL },
	[STMT_COPY_ROLE_PERMISSION_READ] = {
		"copy_role_permission_read",
		"SELECT rp.role, rp.permission FROM role_permission rp JOIN role r ON r.name = rp.role WHERE r.custom = 1",
		NULL,
	},
	[STMT_COPY_ROLE_PERMISSION_CLEAR] = {
		"copy_role_permission_clear",
		"DELETE FROM role_permission WHERE role IN (SELECT name FROM role WHERE custom = 1)",
		NULL,
	},
	[STMT_COPY_SERVICE_READ] = {
		"copy_service_read",
		"SELECT account_id, token_hash, certificate, token_us FROM service_account",
		NULL,
	},
	[STMT_COPY_SERVICE_CLEAR] = { "copy_service_clear", "DELETE FROM service_account", NULL },
	[STMT_COPY_IDENTITY_READ] = {
		"copy_identity_read",
		"SELECT account_id, identity, issuer, subject, linked_us FROM account_identity",
		NULL,
	},
	[STMT_COPY_IDENTITY_ADD] = {
		"copy_identity_add",
		"INSERT INTO account_identity (account_id, identity, issuer, subject, linked_us) VALUES (?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_COPY_IDENTITY_CLEAR] = { "copy_identity_clear", "DELETE FROM account_identity", NULL },
};
