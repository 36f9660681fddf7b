/* The audit: its rows, its ledger, whether they add up, and how another archive takes them over. */
#include "meta/statements_table.h"

#include <stddef.h>

#define EVENT(mailbox)                                                                                                     \
	"SELECT i.id, i.at_us, i.account_id, i.actor, i.strength, i.action, i.object, i.detail, i.client, i.request_id,"   \
	" i.reason, i.case_ref, (SELECT count(*) FROM audit_before b WHERE b.intent_id = i.id), o.at_us, o.result,"        \
	" o.status, o.item_count, o.digest, " mailbox
#define EVENT_FROM " FROM audit_intent i LEFT JOIN audit_outcome o ON o.intent_id = i.id WHERE "
#define EVENT_PAGE "i.id < ? AND i.id >= ? ORDER BY i.id DESC LIMIT ?"

const struct statement_text statements_audit[STATEMENTS] = {
	[STMT_AUDIT_INTENT_ADD] = {
		"audit_intent_add",
		"INSERT INTO audit_intent (id, at_us, account_id, actor, strength, action, object, detail, client,"
		" request_id, reason, case_ref, mailboxes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_AUDIT_OUTCOME_ADD] = {
		"audit_outcome_add",
		"INSERT INTO audit_outcome (intent_id, at_us, result, status, item_count, digest)"
		" VALUES (?, ?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_AUDIT_UNFINISHED] = {
		"audit_unfinished",
		"SELECT count(*) FROM audit_intent i LEFT JOIN audit_outcome o ON o.intent_id = i.id"
		" WHERE i.id >= ? AND i.id < ? AND o.intent_id IS NULL",
		NULL,
	},
	[STMT_AUDIT_SIGNINS_REFUSED] = {
		"audit_signins_refused",
		"SELECT count(*) FROM audit_intent i JOIN audit_outcome o ON o.intent_id = i.id"
		" WHERE i.id >= ? AND i.id < ? AND i.action LIKE 'sign-in.%' AND o.result = 'refused'",
		NULL,
	},
	[STMT_AUDIT_MAILBOX_ADD] = {
		"audit_mailbox_add",
		"INSERT INTO audit_mailbox (digest, mailbox) VALUES (?, ?)",
		NULL,
	},
	[STMT_AUDIT_LAST_SEQ] = {
		"audit_last_seq",
		"SELECT first_seq + leaf_count - 1 FROM audit_batch WHERE daemon = ? ORDER BY first_seq DESC LIMIT 1",
		NULL,
	},
	[STMT_AUDIT_RECORD_ADD] = {
		"audit_record_add",
		"INSERT INTO audit_record (daemon, seq, intent_id, kind, nonce, leaf, record) VALUES (?, ?, ?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_AUDIT_BATCH_ADD] = {
		"audit_batch_add",
		"INSERT INTO audit_batch (daemon, first_seq, leaf_count, leaves, committed_us) VALUES (?, ?, ?, ?, ?)",
		NULL,
	},

	[STMT_AUDIT_DAEMONS] = { "audit_daemons", "SELECT DISTINCT daemon FROM audit_batch ORDER BY daemon", NULL },
	[STMT_AUDIT_SEALED] = {
		"audit_sealed",
		"SELECT seq, leaf, record FROM audit_record WHERE daemon = ? AND seq > ? ORDER BY seq LIMIT ?",
		NULL,
	},
	[STMT_AUDIT_COMMITTED] = { /* when the batch with this place was */
		"audit_committed",
		"SELECT committed_us FROM audit_batch WHERE daemon = ? AND first_seq <= ? ORDER BY first_seq DESC LIMIT 1",
		NULL,
	},
	[STMT_AUDIT_FORWARD_GET] = {
		"audit_forward_get",
		"SELECT seq FROM audit_forward WHERE target = ? AND daemon = ?",
		NULL,
	},
	[STMT_AUDIT_FORWARD_ADD] = {
		"audit_forward_add",
		"INSERT INTO audit_forward (seq, sent_us, target, daemon) VALUES (?, ?, ?, ?)",
		NULL,
	},
	[STMT_AUDIT_FORWARD_SET] = {
		"audit_forward_set",
		"UPDATE audit_forward SET seq = ?, sent_us = ? WHERE target = ? AND daemon = ? AND seq = ?",
		NULL,
	},

	[STMT_AUDIT_GET] = { "audit_get", EVENT("''") EVENT_FROM "i.id = ?", NULL },
	[STMT_AUDIT_LIST] = { "audit_list", EVENT("''") EVENT_FROM EVENT_PAGE, NULL },
	[STMT_AUDIT_LIST_OBJECT] = { "audit_list_object", EVENT("''") EVENT_FROM "i.object = ? AND " EVENT_PAGE, NULL },
	[STMT_AUDIT_LIST_CASE] = { "audit_list_case", EVENT("''") EVENT_FROM "i.case_ref = ? AND " EVENT_PAGE, NULL },
	[STMT_AUDIT_LIST_ACTOR] = { "audit_list_actor", EVENT("''") EVENT_FROM "i.actor = ? AND " EVENT_PAGE, NULL },
	[STMT_AUDIT_LIST_MAILBOX] = {
		"audit_list_mailbox",
		EVENT("s.mailbox") " FROM audit_mailbox s JOIN audit_intent i ON i.mailboxes = s.digest"
		" LEFT JOIN audit_outcome o ON o.intent_id = i.id WHERE s.mailbox IN (?, '*') AND " EVENT_PAGE,
		NULL,
	},

	[STMT_AUDIT_VERIFY_BATCHES] = {
		"audit_verify_batches",
		"SELECT daemon, first_seq, leaf_count, leaves FROM audit_batch ORDER BY daemon, first_seq",
		NULL,
	},
	[STMT_AUDIT_VERIFY_RECORDS] = { /* each with the row of its kind */
		"audit_verify_records",
		"SELECT r.daemon, r.seq, r.leaf, r.intent_id, r.kind, r.nonce, r.record,"
		" i.at_us, i.account_id, i.actor, i.strength, i.action, i.object, i.detail, i.reason, i.case_ref, i.client,"
		" i.request_id, i.mailboxes, o.at_us, o.result, o.status, o.item_count, o.digest FROM audit_record r"
		" LEFT JOIN audit_intent i ON i.id = r.intent_id AND r.kind = 1"
		" LEFT JOIN audit_outcome o ON o.intent_id = r.intent_id AND r.kind = 2 ORDER BY r.daemon, r.seq",
		NULL,
	},
	[STMT_AUDIT_VERIFY_INTENTS] = {
		"audit_verify_intents",
		"SELECT i.id FROM audit_intent i"
		" WHERE NOT EXISTS (SELECT 1 FROM audit_record r WHERE r.intent_id = i.id AND r.kind = 1)"
		" AND NOT EXISTS (SELECT 1 FROM audit_before b WHERE b.intent_id = i.id)",
		NULL,
	},
	[STMT_AUDIT_VERIFY_OUTCOMES] = {
		"audit_verify_outcomes",
		"SELECT o.intent_id FROM audit_outcome o"
		" WHERE NOT EXISTS (SELECT 1 FROM audit_record r WHERE r.intent_id = o.intent_id AND r.kind = 2)"
		" AND NOT EXISTS (SELECT 1 FROM audit_before b WHERE b.intent_id = o.intent_id)",
		NULL,
	},
	[STMT_AUDIT_VERIFY_BEFORE] = {
		"audit_verify_before",
		"SELECT b.intent_id FROM audit_before b"
		" WHERE NOT EXISTS (SELECT 1 FROM audit_intent i WHERE i.id = b.intent_id)",
		NULL,
	},
	[STMT_AUDIT_VERIFY_MAILBOXES] = {
		"audit_verify_mailboxes",
		"SELECT digest, mailbox FROM audit_mailbox ORDER BY digest, mailbox",
		NULL,
	},
	[STMT_AUDIT_VERIFY_SETS] = {
		"audit_verify_sets",
		"SELECT i.id FROM audit_intent i WHERE i.mailboxes IS NOT NULL"
		" AND NOT EXISTS (SELECT 1 FROM audit_mailbox m WHERE m.digest = i.mailboxes)",
		NULL,
	},
	[STMT_AUDIT_COUNT] = { /* each daemon's last number, as in message_count */
		"audit_count",
		"SELECT coalesce(sum(b.first_seq + b.leaf_count - 1), 0)"
		" FROM (SELECT daemon, max(first_seq) AS first_seq FROM audit_batch GROUP BY daemon) newest"
		" JOIN audit_batch b ON b.daemon = newest.daemon AND b.first_seq = newest.first_seq",
		NULL,
	},
	[STMT_AUDIT_COUNT_BEFORE] = { "audit_count_before", "SELECT count(*) FROM audit_before", NULL },

	[STMT_COPY_INTENT_READ] = {
		"copy_intent_read",
		"SELECT id, at_us, account_id, actor, strength, action, object, detail, client, request_id, reason, case_ref,"
		" mailboxes FROM audit_intent ORDER BY id",
		NULL,
	},
	[STMT_COPY_OUTCOME_READ] = {
		"copy_outcome_read",
		"SELECT intent_id, at_us, result, status, item_count, digest FROM audit_outcome ORDER BY intent_id",
		NULL,
	},
	[STMT_COPY_AUDIT_MAILBOX_READ] = { "copy_audit_mailbox_read", "SELECT digest, mailbox FROM audit_mailbox", NULL },
	[STMT_COPY_AUDIT_RECORD_READ] = {
		"copy_audit_record_read",
		"SELECT daemon, seq, intent_id, kind, nonce, leaf, record FROM audit_record ORDER BY daemon, seq",
		NULL,
	},
	[STMT_COPY_AUDIT_BATCH_READ] = {
		"copy_audit_batch_read",
		"SELECT daemon, first_seq, leaf_count, leaves, committed_us FROM audit_batch ORDER BY daemon, first_seq",
		NULL,
	},
	[STMT_COPY_AUDIT_BEFORE_READ] = { "copy_audit_before_read", "SELECT intent_id FROM audit_before", NULL },
	[STMT_COPY_AUDIT_BEFORE_ADD] = {
		"copy_audit_before_add",
		"INSERT INTO audit_before (intent_id) VALUES (?)",
		NULL,
	},
	[STMT_COPY_AUDIT_LAST_BATCHES] = {
		"copy_audit_last_batches",
		"SELECT b.daemon, b.first_seq, b.leaves FROM audit_batch b"
		" JOIN (SELECT daemon, max(first_seq) AS first_seq FROM audit_batch GROUP BY daemon) newest"
		" ON newest.daemon = b.daemon AND newest.first_seq = b.first_seq",
		NULL,
	},
	[STMT_COPY_AUDIT_BATCH_LEAVES] = {
		"copy_audit_batch_leaves",
		"SELECT leaves FROM audit_batch WHERE daemon = ? AND first_seq = ?",
		NULL,
	},
	[STMT_AUDIT_KNOWN_INTENT] = { "audit_known_intent", "SELECT count(id) FROM audit_intent WHERE id = ?", NULL },
	[STMT_AUDIT_KNOWN_OUTCOME] = {
		"audit_known_outcome",
		"SELECT count(intent_id) FROM audit_outcome WHERE intent_id = ?",
		NULL,
	},
};
