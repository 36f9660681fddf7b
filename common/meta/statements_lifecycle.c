/* The statements about what happens to messages after they were archived, and the rules for it, in both databases. */
#include "meta/statements_table.h"

#include <stddef.h>

const struct statement_text statements_lifecycle[STATEMENTS] = {
	/* capture */
	[STMT_EXTENSION_ADD] = {
		"extension_add",
		"INSERT INTO retention_extension (message_id, retain_until_us, at_us, policy_version) VALUES (?, ?, ?, ?)",
		NULL,
	},
	[STMT_EXTENSION_GET] = {
		"extension_get",
		"SELECT message_id, retain_until_us FROM retention_extension WHERE message_id IN ((?))",
		NULL,
	},
	[STMT_FACT_LAST_SEQ] = {
		"fact_last_seq",
		"SELECT seq FROM ledger_fact WHERE daemon = ? ORDER BY seq DESC LIMIT 1",
		NULL,
	},
	[STMT_FACT_ADD] = {
		"fact_add",
		"INSERT INTO ledger_fact (daemon, seq, message_id, nonce, leaf, record) VALUES (?, ?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_FACT_GAPS] = {
		"fact_gaps",
		"SELECT daemon, count(*), max(seq) FROM ledger_fact GROUP BY daemon HAVING count(*) <> max(seq)",
		NULL,
	},
	[STMT_UPKEEP_GET] = {
		"upkeep_get",
		"SELECT since, about, mailbox, date_us, message_id, looked, changed, began_us, finished_us FROM upkeep_walk"
		" WHERE name = ?",
		NULL,
	},
	[STMT_UPKEEP_ADD] = {
		"upkeep_add",
		"INSERT INTO upkeep_walk (since, about, mailbox, date_us, message_id, looked, changed, began_us, finished_us, name)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_UPKEEP_SET] = {
		"upkeep_set",
		"UPDATE upkeep_walk SET since = ?, about = ?, mailbox = ?, date_us = ?, message_id = ?, looked = ?, changed = ?,"
		" began_us = ?, finished_us = ? WHERE name = ?",
		NULL,
	},
	[STMT_MAILBOX_WALK] = {
		"mailbox_walk",
		"SELECT date_us, message_id FROM mailbox_message WHERE mailbox = ? AND date_us >= ? AND (date_us > ? OR message_id > ?)"
		" ORDER BY date_us, message_id LIMIT ?",
		NULL,
	},

	/* control */
	[STMT_RETENTION_LIST] = {
		"retention_list",
		"SELECT p.change_id, p.policy_id, p.revision, p.at_us, p.account_id, p.place, p.name, p.kind, p.subject, p.days,"
		" p.ended, p.reason FROM retention_policy p JOIN (SELECT max(change_id) AS change_id FROM retention_policy"
		" GROUP BY policy_id) newest ON newest.change_id = p.change_id ORDER BY p.place, p.policy_id",
		NULL,
	},
	[STMT_RETENTION_HISTORY] = {
		"retention_history",
		"SELECT change_id, policy_id, revision, at_us, account_id, place, name, kind, subject, days, ended, reason"
		" FROM retention_policy WHERE policy_id = ? ORDER BY revision",
		NULL,
	},
	[STMT_RETENTION_ADD] = {
		"retention_add",
		"INSERT INTO retention_policy (policy_id, revision, at_us, account_id, place, name, kind, subject, days, ended,"
		" reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_RETENTION_NEWEST] = {
		"retention_newest",
		"SELECT coalesce(max(change_id), 0) FROM retention_policy",
		NULL,
	},
};
