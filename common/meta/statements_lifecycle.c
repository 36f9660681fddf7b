/* The statements about what happens to messages after they were archived, and the rules for it, in both databases. */
#include "meta/statements_table.h"

#include <stddef.h>

#define HOLD_COLUMNS \
	"h.id, h.case_id, h.name, h.kind, h.scope, h.query, h.standing, p.at_us, p.account_id, p.reason," \
	" coalesce(l.at_us, 0), coalesce(l.account_id, 0), coalesce(l.reason, '') FROM legal_hold h" \
	" JOIN legal_hold_event p ON p.hold_id = h.id AND p.event = 1" \
	" LEFT JOIN legal_hold_event l ON l.hold_id = h.id AND l.event = 2"

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
	[STMT_MESSAGE_HOLD_ADD] = {
		"message_hold_add",
		"INSERT INTO message_hold (message_id, hold_id, event, at_us) VALUES (?, ?, ?, ?)",
		NULL,
	},
	[STMT_MESSAGE_HOLD_GET] = {
		"message_hold_get",
		"SELECT h.message_id, h.hold_id FROM message_hold h WHERE h.event = 1 AND NOT EXISTS (SELECT 1 FROM message_hold l"
		" WHERE l.message_id = h.message_id AND l.hold_id = h.hold_id AND l.event = 2) AND h.message_id IN ((?))",
		NULL,
	},
	[STMT_MESSAGE_HOLD_MEMBERS] = {
		"message_hold_members",
		"SELECT h.message_id FROM message_hold h WHERE h.hold_id = ? AND h.event = 1 AND h.message_id > ? AND NOT EXISTS"
		" (SELECT 1 FROM message_hold l WHERE l.message_id = h.message_id AND l.hold_id = h.hold_id AND l.event = 2)"
		" ORDER BY h.message_id LIMIT ?",
		NULL,
	},
	[STMT_HOLD_WORK_ADD] = {
		"hold_work_add",
		"INSERT INTO hold_work (message_id, hold_id, queued_us) VALUES (?, ?, ?)",
		NULL,
	},
	[STMT_HOLD_WORK_GET] = {
		"hold_work_get",
		"SELECT message_id, hold_id FROM hold_work WHERE message_id IN ((?))",
		NULL,
	},
	[STMT_HOLD_WORK_LIST] = {
		"hold_work_list",
		"SELECT message_id, hold_id FROM hold_work ORDER BY message_id, hold_id LIMIT ?",
		NULL,
	},
	[STMT_HOLD_WORK_REMOVE] = {
		"hold_work_remove",
		"DELETE FROM hold_work WHERE message_id = ? AND hold_id = ?",
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
	[STMT_HOLD_ADD] = {
		"hold_add",
		"INSERT INTO legal_hold (id, case_id, name, kind, scope, query, standing) VALUES (?, ?, ?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_HOLD_MESSAGE_ADD] = {
		"hold_message_add",
		"INSERT INTO legal_hold_message (hold_id, message_id) VALUES (?, ?)",
		NULL,
	},
	[STMT_HOLD_EVENT_ADD] = {
		"hold_event_add",
		"INSERT INTO legal_hold_event (hold_id, event, at_us, account_id, reason) VALUES (?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_HOLD_GET] = { "hold_get", "SELECT " HOLD_COLUMNS " WHERE h.id = ?", NULL },
	[STMT_HOLD_LIST] = { "hold_list", "SELECT " HOLD_COLUMNS " WHERE h.id > ? ORDER BY h.id LIMIT ?", NULL },
	[STMT_HOLD_VERSION] = { "hold_version", "SELECT count(*) FROM legal_hold_event", NULL },
	[STMT_HOLD_MESSAGES] = {
		"hold_messages",
		"SELECT message_id FROM legal_hold_message WHERE hold_id = ? AND message_id > ? ORDER BY message_id LIMIT ?",
		NULL,
	},
};
