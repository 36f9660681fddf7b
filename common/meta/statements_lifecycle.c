/* The statements about what happens to messages after they were archived, and the rules for it, in both databases. */
#include "meta/statements_table.h"

#include <stddef.h>

#define CASE_COLUMNS \
	"k.id, k.name, k.description, o.at_us, o.account_id, o.reason, coalesce(d.at_us, 0), coalesce(d.account_id, 0)," \
	" coalesce(d.reason, '')"
#define CASE_EVENTS \
	" JOIN legal_case_event o ON o.case_id = k.id AND o.event = 1" \
	" LEFT JOIN legal_case_event d ON d.case_id = k.id AND d.event = 2"
#define CASES_OF_MEMBER \
	"SELECT " CASE_COLUMNS " FROM case_member m JOIN legal_case k ON k.id = m.case_id" CASE_EVENTS " WHERE m.account_id = ?"

#define DISPOSITION_COLUMNS \
	"d.id, d.scope, d.expired_by_us, p.at_us, p.account_id, p.reason, coalesce(v.at_us, 0), coalesce(v.account_id, 0)," \
	" coalesce(v.reason, ''), coalesce(v.approved, 0) FROM disposition d" \
	" JOIN disposition_event p ON p.disposition_id = d.id AND p.step = 1" \
	" LEFT JOIN disposition_event v ON v.disposition_id = d.id AND v.step = 2"

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
	[STMT_FACTS_OF] = {
		"facts_of",
		"SELECT daemon, seq, message_id, nonce, leaf, record FROM ledger_fact WHERE message_id IN ((?))",
		NULL,
	},
	[STMT_FACTS_AFTER] = {
		"facts_after",
		"SELECT daemon, seq, message_id, nonce, leaf, record FROM ledger_fact WHERE daemon >= ? AND (daemon > ? OR seq > ?)"
		" ORDER BY daemon, seq LIMIT ?",
		NULL,
	},
	[STMT_REACHED_LIST] = { "reached_list", "SELECT mailbox, days FROM retention_reached ORDER BY mailbox", NULL },
	[STMT_REACHED_ADD] = { "reached_add", "INSERT INTO retention_reached (days, mailbox) VALUES (?, ?)", NULL },
	[STMT_REACHED_SET] = { "reached_set", "UPDATE retention_reached SET days = ? WHERE mailbox = ?", NULL },
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
	[STMT_DISPOSED_ADD] = { /* what nothing keeps beyond that moment, and nobody holds */
		"disposed_add",
		"INSERT INTO message_disposed (message_id, disposition_id, at_us) SELECT m.id, ?, ? FROM message m"
		" LEFT JOIN relocation r ON r.message_id = m.id WHERE m.id = ? AND m.retain_until_us <= ?"
		" AND coalesce(r.retain_until_us, 0) <= ? AND NOT EXISTS"
		" (SELECT 1 FROM retention_extension x WHERE x.message_id = m.id AND x.retain_until_us > ?)"
		" AND NOT EXISTS (SELECT 1 FROM hold_work w WHERE w.message_id = m.id)"
		" AND NOT EXISTS (SELECT 1 FROM message_hold h WHERE h.message_id = m.id AND h.event = 1 AND NOT EXISTS"
		" (SELECT 1 FROM message_hold l WHERE l.message_id = h.message_id AND l.hold_id = h.hold_id AND l.event = 2))",
		NULL,
	},
	[STMT_DISPOSED_GET] = {
		"disposed_get",
		"SELECT d.message_id, d.disposition_id, d.at_us, coalesce(r.at_us, 0) FROM message_disposed d"
		" LEFT JOIN message_removed r ON r.message_id = d.message_id WHERE d.message_id IN ((?))",
		NULL,
	},
	[STMT_DISPOSED_HAS] = { "disposed_has", "SELECT count(*) FROM message_disposed WHERE message_id = ?", NULL },
	[STMT_DISPOSED_LIST] = {
		"disposed_list",
		"SELECT d.message_id, d.disposition_id, d.at_us, coalesce(r.at_us, 0) FROM message_disposed d"
		" LEFT JOIN message_removed r ON r.message_id = d.message_id WHERE d.message_id > ? AND d.message_id < ?"
		" ORDER BY d.message_id LIMIT ?",
		NULL,
	},
	[STMT_DISPOSED_COUNT] = { "disposed_count", "SELECT coalesce(sum(disposed), 0) FROM disposal", NULL },
	[STMT_DISPOSAL_GET] = {
		"disposal_get",
		"SELECT message_id, looked, disposed, held, kept, began_us, walked_us, finished_us FROM disposal WHERE disposition_id = ?",
		NULL,
	},
	[STMT_DISPOSAL_ADD] = {
		"disposal_add",
		"INSERT INTO disposal (message_id, looked, disposed, held, kept, began_us, walked_us, finished_us, disposition_id)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_DISPOSAL_SET] = {
		"disposal_set",
		"UPDATE disposal SET message_id = ?, looked = ?, disposed = ?, held = ?, kept = ?, began_us = ?, walked_us = ?,"
		" finished_us = ? WHERE disposition_id = ?",
		NULL,
	},
	[STMT_DISPOSAL_FINISH] = {
		"disposal_finish",
		"UPDATE disposal SET finished_us = ? WHERE disposition_id = ? AND walked_us <> 0 AND finished_us = 0",
		NULL,
	},
	[STMT_REMOVED_ADD] = { "removed_add", "INSERT INTO message_removed (message_id, at_us) VALUES (?, ?)", NULL },
	[STMT_REMOVAL_ADD] = {
		"removal_add",
		"INSERT INTO removal_work (message_id, disposition_id, due_us, tries) VALUES (?, ?, ?, ?)",
		NULL,
	},
	[STMT_REMOVAL_LIST] = {
		"removal_list",
		"SELECT message_id, disposition_id, tries FROM removal_work WHERE due_us <= ? ORDER BY due_us, message_id LIMIT ?",
		NULL,
	},
	[STMT_REMOVAL_GET] = {
		"removal_get",
		"SELECT message_id, disposition_id, tries FROM removal_work WHERE message_id IN ((?))",
		NULL,
	},
	[STMT_REMOVAL_COUNT] = {
		"removal_count",
		"SELECT count(*) FROM removal_work WHERE disposition_id = ? AND tries >= ?",
		NULL,
	},
	[STMT_REMOVAL_COUNT_ALL] = {
		"removal_count_all",
		"SELECT (SELECT count(*) FROM removal_work), (SELECT count(*) FROM removal_work WHERE tries > 0)",
		NULL,
	},
	[STMT_REMOVAL_PUT_OFF] = {
		"removal_put_off",
		"UPDATE removal_work SET due_us = ?, tries = tries + 1 WHERE message_id = ?",
		NULL,
	},
	[STMT_REMOVAL_END] = { "removal_end", "DELETE FROM removal_work WHERE message_id = ?", NULL },
	[STMT_INDEX_REMOVAL_ADD] = {
		"index_removal_add",
		"INSERT INTO index_removal (message_id, queued_us, removed_us) VALUES (?, ?, 0)",
		NULL,
	},
	[STMT_INDEX_REMOVAL_LIST] = {
		"index_removal_list",
		"SELECT message_id FROM index_removal WHERE removed_us < ? ORDER BY message_id LIMIT ?",
		NULL,
	},
	[STMT_INDEX_REMOVAL_COUNT] = { "index_removal_count", "SELECT count(*) FROM index_removal", NULL },
	[STMT_INDEX_REMOVAL_NOTE] = {
		"index_removal_note",
		"UPDATE index_removal SET removed_us = ? WHERE message_id = ?",
		NULL,
	},
	[STMT_INDEX_REMOVAL_END] = {
		"index_removal_end",
		"DELETE FROM index_removal WHERE message_id = ? AND removed_us <> 0 AND removed_us < ?",
		NULL,
	},
	[STMT_EXPIRED_HELD] = {
		"expired_held",
		"SELECT (SELECT count(*) FROM hold_work w WHERE w.message_id = ?) + (SELECT count(*) FROM message_hold h"
		" WHERE h.message_id = ? AND h.event = 1 AND NOT EXISTS (SELECT 1 FROM message_hold l"
		" WHERE l.message_id = h.message_id AND l.hold_id = h.hold_id AND l.event = 2))",
		NULL,
	},
	[STMT_KEEP_GATE_RAISE] = { "keep_gate_raise", "UPDATE keep_gate SET generation = generation + 1 WHERE id = 1", NULL },
	[STMT_KEEP_GATE_READ] = { "keep_gate_read", "SELECT generation FROM keep_gate WHERE id = 1", NULL },
	[STMT_KEEP_GATE_LOCK] = {
		"keep_gate_lock",
		"SELECT generation FROM keep_gate WHERE id = 1 FOR UPDATE",
		"SELECT generation FROM keep_gate WHERE id = 1",
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
	[STMT_CASE_HOLDS] = { "case_holds", "SELECT " HOLD_COLUMNS " WHERE h.case_id = ? AND h.id > ? ORDER BY h.id LIMIT ?", NULL },
	[STMT_HOLD_VERSION] = { "hold_version", "SELECT count(*) FROM legal_hold_event", NULL },
	[STMT_HOLD_MESSAGES] = {
		"hold_messages",
		"SELECT message_id FROM legal_hold_message WHERE hold_id = ? AND message_id > ? ORDER BY message_id LIMIT ?",
		NULL,
	},
	[STMT_DISPOSITION_ADD] = {
		"disposition_add",
		"INSERT INTO disposition (id, scope, expired_by_us) VALUES (?, ?, ?)",
		NULL,
	},
	[STMT_DISPOSITION_EVENT_ADD] = {
		"disposition_event_add",
		"INSERT INTO disposition_event (disposition_id, step, approved, at_us, account_id, reason) VALUES (?, ?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_DISPOSITION_STEPS_OF] = {
		"disposition_steps_of",
		"SELECT count(*) FROM disposition_event WHERE disposition_id = ? AND account_id = ?",
		NULL,
	},
	[STMT_DISPOSITION_GET] = { "disposition_get", "SELECT " DISPOSITION_COLUMNS " WHERE d.id = ?", NULL },
	[STMT_DISPOSITION_LIST] = {
		"disposition_list",
		"SELECT " DISPOSITION_COLUMNS " WHERE d.id > ? ORDER BY d.id LIMIT ?",
		NULL,
	},
	[STMT_DISPOSITION_VERSION] = { "disposition_version", "SELECT count(*) FROM disposition_event", NULL },
	[STMT_EXPIRED_WALK] = {
		"expired_walk",
		"SELECT id, retain_until_us FROM message WHERE id > ? AND id < ? ORDER BY id LIMIT ?",
		NULL,
	},
	[STMT_CASE_GET] = { "case_get", CASES_OF_MEMBER " AND k.id = ?", NULL },
	[STMT_CASE_LIST] = { "case_list", CASES_OF_MEMBER " AND k.id > ? ORDER BY k.id LIMIT ?", NULL },
	[STMT_CASE_LIST_ALL] = {
		"case_list_all",
		"SELECT " CASE_COLUMNS " FROM legal_case k" CASE_EVENTS " WHERE k.id > ? ORDER BY k.id LIMIT ?",
		NULL,
	},
	[STMT_CASE_ADD] = {
		"case_add",
		"INSERT INTO legal_case (id, name, description) VALUES (?, ?, ?)",
		NULL,
	},
	[STMT_CASE_EVENT_ADD] = {
		"case_event_add",
		"INSERT INTO legal_case_event (case_id, event, at_us, account_id, reason) VALUES (?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_CASE_MEMBERS] = {
		"case_members",
		"SELECT account_id FROM case_member WHERE case_id = ? ORDER BY account_id",
		NULL,
	},
	[STMT_CASE_MEMBERS_LOCK] = {
		"case_members_lock",
		"SELECT account_id FROM case_member WHERE case_id = ? ORDER BY account_id FOR UPDATE",
		"SELECT account_id FROM case_member WHERE case_id = ? ORDER BY account_id",
	},
	[STMT_CASE_MEMBER_ADD] = {
		"case_member_add",
		"INSERT INTO case_member (case_id, account_id) VALUES (?, ?)",
		NULL,
	},
	[STMT_CASE_MEMBER_REMOVE] = {
		"case_member_remove",
		"DELETE FROM case_member WHERE case_id = ? AND account_id = ?",
		NULL,
	},
	[STMT_CASE_ACCOUNT_HAS] = {
		"case_account_has",
		"SELECT count(*) FROM account WHERE id = ?",
		NULL,
	},
	[STMT_CASE_NOTE_ADD] = {
		"case_note_add",
		"INSERT INTO legal_case_note (id, case_id, message_id, account_id, note) VALUES (?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_CASE_NOTE_LIST] = {
		"case_note_list",
		"SELECT id, case_id, message_id, account_id, note FROM legal_case_note WHERE case_id = ? AND id > ? ORDER BY id LIMIT ?",
		NULL,
	},
	[STMT_CASE_TAG_ADD] = {
		"case_tag_add",
		"INSERT INTO case_tag (case_id, message_id, tag, account_id, at_us) VALUES (?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_CASE_TAG_REMOVE] = {
		"case_tag_remove",
		"DELETE FROM case_tag WHERE case_id = ? AND message_id = ? AND tag = ?",
		NULL,
	},
	[STMT_CASE_TAG_LIST] = {
		"case_tag_list",
		"SELECT case_id, message_id, tag, account_id, at_us FROM case_tag WHERE case_id = ? AND message_id >= ?"
		" AND (message_id > ? OR tag > ?) ORDER BY message_id, tag LIMIT ?",
		NULL,
	},
};
