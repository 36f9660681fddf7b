/* The statements of the capture database, and those that copy an installation. */
#include "meta/message_brief.h"
#include "meta/statements_table.h"

#include <stddef.h>

#define EIGHT "?, ?, ?, ?, ?, ?, ?, ?" /* of MAILBOXES_AT_ONCE */

#define STRING(x) #x
#define NUMBER(x) STRING(x)

/* What a list shows of a message: up to the weight of its participants, which is not shown. */
#define BRIEF \
	"SELECT m.id, m.received_us, m.date_us, m.header_date_us, m.size, m.parse_flags," \
	" substr(m.subject, 1, " NUMBER(MESSAGE_BRIEF_SUBJECT) ")," \
	" (SELECT count(*) FROM attachment a WHERE a.message_id = m.id)," \
	" (SELECT count(*) FROM message_disposed d WHERE d.message_id = m.id),"

/* CROSS JOIN is an inner join whose order SQLite keeps (MySQL reads it as JOIN): the outbox, which is short, goes first. */
const struct statement_text statements_capture[STATEMENTS] = {
	[STMT_KEY_FIND] = { "key_find", "SELECT message_id FROM capture_key WHERE capture_key = ?", NULL },
	[STMT_KEY_ADD] = {
		"key_add",
		"INSERT INTO capture_key (capture_key, message_id, taken_us) VALUES (?, ?, ?)",
		NULL,
	},
	[STMT_ATTEMPT_ADD] = {
		"attempt_add",
		"INSERT INTO capture_attempt (message_id, at_us, daemon) VALUES (?, ?, ?)",
		NULL,
	},
	[STMT_LAST_SEQ] = {
		"last_seq",
		"SELECT first_seq + leaf_count - 1 FROM ledger_batch WHERE daemon = ? ORDER BY first_seq DESC LIMIT 1",
		NULL,
	},
	[STMT_MESSAGE_ADD] = {
		"message_add",
		"INSERT INTO message (id, received_us, date_us, header_date_us, size, sha256, kind, capture_point,"
		" subject, header_id, parse_flags, queue_id, evidence, policy_version, bucket, object_key, version_id,"
		" object_offset, object_length, lock_mode, retain_until_us)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_PARTICIPANT_ADD] = {
		"participant_add",
		"INSERT INTO participant (message_id, position, role, name, address, normal) VALUES (?, ?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_MAILBOX_ADD] = {
		"mailbox_add",
		"INSERT INTO mailbox_message (mailbox, date_us, message_id) VALUES (?, ?, ?)",
		NULL,
	},
	[STMT_ATTACHMENT_ADD] = {
		"attachment_add",
		"INSERT INTO attachment (message_id, position, name, content_type, size, sha256)"
		" VALUES (?, ?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_RELOCATION_ADD] = {
		"relocation_add",
		"INSERT INTO relocation (message_id, moved_us, bucket, object_key, version_id, object_offset, object_length,"
		" lock_mode, retain_until_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_RECORD_ADD] = {
		"record_add",
		"INSERT INTO ledger_record (message_id, daemon, seq, nonce, leaf, record) VALUES (?, ?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_BATCH_ADD] = {
		"batch_add",
		"INSERT INTO ledger_batch (daemon, first_seq, leaf_count, leaves, committed_us) VALUES (?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_OUTBOX_ADD] = { "outbox_add", "INSERT INTO outbox (message_id, queued_us) VALUES (?, ?)", NULL },
	[STMT_OUTBOX_REMOVE] = { "outbox_remove", "DELETE FROM outbox WHERE message_id IN ((?))", NULL },

	[STMT_MESSAGE_GET] = {
		"message_get",
		"SELECT m.id, m.received_us, m.date_us, m.header_date_us, m.size, m.sha256, m.kind, m.capture_point, m.subject,"
		" m.header_id, m.parse_flags, m.queue_id, m.evidence, m.policy_version, m.bucket, m.object_key, m.version_id,"
		" m.object_offset, m.object_length, m.lock_mode, m.retain_until_us, r.moved_us, r.bucket, r.object_key,"
		" r.version_id, r.object_offset, r.object_length, r.lock_mode, r.retain_until_us"
		" FROM message m LEFT JOIN relocation r ON r.message_id = m.id WHERE m.id IN ((?))",
		NULL,
	},
	[STMT_MESSAGE_BRIEF] = { /* SQLite takes the ids one at a time: to weigh them first saves nothing */
		"message_brief",
		BRIEF " (SELECT coalesce(sum(length(p.name) + length(p.address) + length(p.normal) + 100), 0) FROM participant p"
		" WHERE p.message_id = m.id) FROM message m WHERE m.id IN ((?))",
		BRIEF " 65536 FROM message m WHERE m.id IN ((?))",
	},
	[STMT_MESSAGE_DATE] = { "message_date", "SELECT date_us FROM message WHERE id = ?", NULL },
	[STMT_MAILBOX_HAS] = {
		"mailbox_has",
		"SELECT count(*) FROM mailbox_message WHERE date_us = ? AND message_id = ? AND mailbox IN (" EIGHT ", " EIGHT ", "
		EIGHT ", " EIGHT ")",
		NULL,
	},
	[STMT_PARTICIPANTS_GET] = {
		"participants_get",
		"SELECT message_id, role, name, address, normal FROM participant WHERE message_id IN ((?))"
		" ORDER BY message_id, position",
		NULL,
	},
	[STMT_ATTACHMENTS_GET] = {
		"attachments_get",
		"SELECT message_id, name, content_type, size, sha256 FROM attachment WHERE message_id IN ((?))"
		" ORDER BY message_id, position",
		NULL,
	},
	[STMT_MESSAGE_COUNT] = { /* each daemon's last number: InnoDB would read all rows to count them */
		"message_count",
		"SELECT coalesce(sum(b.first_seq + b.leaf_count - 1), 0)"
		" FROM (SELECT daemon, max(first_seq) AS first_seq FROM ledger_batch GROUP BY daemon) newest"
		" JOIN ledger_batch b ON b.daemon = newest.daemon AND b.first_seq = newest.first_seq",
		"SELECT count(*) FROM message",
	},
	[STMT_MESSAGE_ROWS] = { "message_rows", "SELECT count(*) FROM message", NULL },
	[STMT_MESSAGE_COUNT_RANGE] = {
		"message_count_range",
		"SELECT count(*) FROM message m WHERE m.date_us >= ? AND m.date_us < ?"
		" AND NOT EXISTS (SELECT 1 FROM message_disposed d WHERE d.message_id = m.id)",
		NULL,
	},
	[STMT_MAILBOX_COUNT] = {
		"mailbox_count",
		"SELECT count(*) FROM mailbox_message x WHERE x.mailbox = ? AND x.date_us >= ? AND x.date_us < ?"
		" AND NOT EXISTS (SELECT 1 FROM message_disposed d WHERE d.message_id = x.message_id)",
		NULL,
	},
	[STMT_MAILBOXES_COUNT] = { /* besides: does anything wait for the index? */
		"mailboxes_count",
		"SELECT count(DISTINCT x.message_id), (SELECT count(*) FROM (SELECT message_id FROM outbox LIMIT 1) some)"
		" FROM mailbox_message x WHERE x.mailbox IN (" EIGHT ", " EIGHT ", " EIGHT ", " EIGHT ")"
		" AND x.date_us >= ? AND x.date_us < ?"
		" AND NOT EXISTS (SELECT 1 FROM message_disposed d WHERE d.message_id = x.message_id)",
		NULL,
	},
	[STMT_MAILBOX_LIST] = {
		"mailbox_list",
		"SELECT x.date_us, x.message_id FROM mailbox_message x WHERE x.mailbox = ? AND x.date_us >= ? AND x.date_us < ?"
		" AND NOT EXISTS (SELECT 1 FROM message_disposed d WHERE d.message_id = x.message_id)",
		NULL,
	},
	[STMT_MAILBOX_WAITING] = {
		"mailbox_waiting",
		"SELECT x.date_us, x.message_id FROM mailbox_message x CROSS JOIN outbox o ON o.message_id = x.message_id"
		" WHERE x.mailbox = ? AND x.date_us >= ? AND x.date_us < ?",
		NULL,
	},
	[STMT_MESSAGE_WALK_BACK] = {
		"message_walk_back",
		"SELECT id FROM message WHERE id < ? ORDER BY id DESC LIMIT ?",
		NULL,
	},
	[STMT_MESSAGE_WALK] = { "message_walk", "SELECT id FROM message WHERE id > ? ORDER BY id LIMIT ?", NULL },
	[STMT_OUTBOX_LIST] = {
		"outbox_list",
		"SELECT message_id FROM outbox WHERE queued_us NOT BETWEEN ? AND ? ORDER BY message_id LIMIT ?",
		NULL,
	},
	[STMT_OUTBOX_COUNT] = { "outbox_count", "SELECT count(*) FROM outbox", NULL },
	[STMT_OUTBOX_COUNT_SOME] = {
		"outbox_count_some",
		"SELECT count(*) FROM (SELECT message_id FROM outbox LIMIT ?) some",
		NULL,
	},
	[STMT_OUTBOX_COUNT_RANGE] = {
		"outbox_count_range",
		"SELECT count(*) FROM outbox o CROSS JOIN message m ON m.id = o.message_id"
		" WHERE m.date_us >= ? AND m.date_us < ?",
		NULL,
	},
	[STMT_OUTBOX_OLDEST] = { "outbox_oldest", "SELECT count(*), min(queued_us) FROM outbox", NULL },
	[STMT_OUTBOX_PARTICIPANTS] = {
		"outbox_participants",
		"SELECT o.message_id, m.date_us, p.role, p.normal FROM outbox o"
		" CROSS JOIN message m ON m.id = o.message_id CROSS JOIN participant p ON p.message_id = o.message_id"
		" ORDER BY o.message_id",
		NULL,
	},
	[STMT_RECORD_GET] = {
		"record_get",
		"SELECT daemon, seq, nonce, leaf, record FROM ledger_record WHERE message_id = ?",
		NULL,
	},

	[STMT_VERIFY_BATCHES] = {
		"verify_batches",
		"SELECT daemon, first_seq, leaf_count, leaves FROM ledger_batch ORDER BY daemon, first_seq",
		NULL,
	},
	[STMT_VERIFY_RECORDS] = {
		"verify_records",
		"SELECT daemon, seq, leaf, message_id FROM ledger_record ORDER BY daemon, seq",
		NULL,
	},
	[STMT_VERIFY_MESSAGES] = {
		"verify_messages",
		"SELECT m.id FROM message m"
		" WHERE NOT EXISTS (SELECT 1 FROM ledger_record r WHERE r.message_id = m.id)",
		NULL,
	},
	[STMT_VERIFY_ORPHANS] = {
		"verify_orphans",
		"SELECT r.message_id FROM ledger_record r"
		" WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.id = r.message_id)",
		NULL,
	},
	[STMT_VERIFY_KEYS] = {
		"verify_keys",
		"SELECT k.message_id FROM capture_key k"
		" WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.id = k.message_id)",
		NULL,
	},
	[STMT_VERIFY_MAILBOXES] = { /* 5: Reply-To, which makes no mailbox; over 512 bytes there is none either */
		"verify_mailboxes",
		"SELECT DISTINCT m.id FROM message m CROSS JOIN participant p ON p.message_id = m.id"
		" WHERE p.role <> 5 AND p.normal <> '' AND length(CAST(p.normal AS BINARY)) <= 512 AND NOT EXISTS"
		" (SELECT 1 FROM mailbox_message x WHERE x.mailbox = p.normal AND x.date_us = m.date_us AND x.message_id = m.id)",
		"SELECT DISTINCT m.id FROM message m CROSS JOIN participant p ON p.message_id = m.id"
		" WHERE p.role <> 5 AND p.normal <> '' AND length(CAST(p.normal AS BLOB)) <= 512 AND NOT EXISTS"
		" (SELECT 1 FROM mailbox_message x WHERE x.mailbox = p.normal AND x.date_us = m.date_us AND x.message_id = m.id)",
	},
	[STMT_VERIFY_OUTBOX] = {
		"verify_outbox",
		"SELECT o.message_id FROM outbox o"
		" WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.id = o.message_id)",
		NULL,
	},

	[STMT_VERIFY_DISPOSED] = {
		"verify_disposed",
		"SELECT d.message_id FROM message_disposed d"
		" WHERE NOT EXISTS (SELECT 1 FROM message m WHERE m.id = d.message_id)",
		NULL,
	},
	[STMT_VERIFY_REMOVED] = {
		"verify_removed",
		"SELECT r.message_id FROM message_removed r"
		" WHERE NOT EXISTS (SELECT 1 FROM message_disposed d WHERE d.message_id = r.message_id)",
		NULL,
	},
	[STMT_VERIFY_REMOVALS] = {
		"verify_removals",
		"SELECT w.message_id FROM removal_work w WHERE NOT EXISTS (SELECT 1 FROM message_disposed d"
		" WHERE d.message_id = w.message_id AND d.disposition_id = w.disposition_id)",
		NULL,
	},
	[STMT_VERIFY_DISPOSALS] = { /* each disposition once, with both numbers, by an index alone */
		"verify_disposals",
		"SELECT x.disposition_id, sum(x.counted), sum(x.there) FROM (SELECT disposition_id, disposed AS counted, 0 AS there"
		" FROM disposal UNION ALL SELECT disposition_id, 0, count(*) FROM message_disposed GROUP BY disposition_id) x"
		" GROUP BY x.disposition_id HAVING sum(x.counted) <> sum(x.there)",
		NULL,
	},
	[STMT_RECONCILE_ROWS] = {
		"reconcile_rows",
		"SELECT m.id, m.received_us, coalesce(r.bucket, m.bucket), coalesce(r.object_key, m.object_key),"
		" coalesce(r.version_id, m.version_id), coalesce(r.object_offset, m.object_offset),"
		" coalesce(r.object_length, m.object_length), coalesce(r.lock_mode, m.lock_mode),"
		" coalesce((SELECT max(x.retain_until_us) FROM retention_extension x WHERE x.message_id = m.id), r.retain_until_us,"
		" m.retain_until_us), m.policy_version, coalesce(d.at_us, 0), coalesce(g.at_us, 0)"
		" FROM message m LEFT JOIN relocation r ON r.message_id = m.id LEFT JOIN message_disposed d ON d.message_id = m.id"
		" LEFT JOIN message_removed g ON g.message_id = m.id WHERE m.id >= ? AND m.id < ? ORDER BY m.id LIMIT ?",
		NULL,
	},
	[STMT_RECONCILE_ROW] = {
		"reconcile_row",
		"SELECT m.id, m.received_us, coalesce(r.bucket, m.bucket), coalesce(r.object_key, m.object_key),"
		" coalesce(r.version_id, m.version_id), coalesce(r.object_offset, m.object_offset),"
		" coalesce(r.object_length, m.object_length), coalesce(r.lock_mode, m.lock_mode),"
		" coalesce((SELECT max(x.retain_until_us) FROM retention_extension x WHERE x.message_id = m.id), r.retain_until_us,"
		" m.retain_until_us), m.policy_version, coalesce(d.at_us, 0), coalesce(g.at_us, 0)"
		" FROM message m LEFT JOIN relocation r ON r.message_id = m.id LEFT JOIN message_disposed d ON d.message_id = m.id"
		" LEFT JOIN message_removed g ON g.message_id = m.id WHERE m.id = ?",
		NULL,
	},
	[STMT_RECONCILE_CAPTURED] = {
		"reconcile_captured",
		"SELECT count(*) FROM ledger_record WHERE message_id >= ? AND message_id < ?",
		NULL,
	},
	[STMT_OUTBOX_COUNT_IDS] = {
		"outbox_count_ids",
		"SELECT count(*) FROM outbox WHERE message_id >= ? AND message_id < ?",
		NULL,
	},
	[STMT_OUTBOX_HAS] = { "outbox_has", "SELECT count(*) FROM outbox WHERE message_id = ?", NULL },
	[STMT_WALK_GET] = {
		"walk_get",
		"SELECT at_us, began_us, finished_us, captured, recorded, in_store, indexed, waiting, orphans, missing, removed,"
		" unindexed, first_us, last_us FROM reconcile_walk WHERE name = ?",
		NULL,
	},
	[STMT_WALK_ADD] = {
		"walk_add",
		"INSERT INTO reconcile_walk (at_us, began_us, finished_us, captured, recorded, in_store, indexed, waiting, orphans,"
		" missing, removed, unindexed, first_us, last_us, name) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_WALK_SET] = {
		"walk_set",
		"UPDATE reconcile_walk SET at_us = ?, began_us = ?, finished_us = ?, captured = ?, recorded = ?, in_store = ?,"
		" indexed = ?, waiting = ?, orphans = ?, missing = ?, removed = ?, unindexed = ?, first_us = ?, last_us = ? WHERE name = ?",
		NULL,
	},
	[STMT_ORPHAN_ADD] = {
		"orphan_add",
		"INSERT INTO orphan (id, version_id, bucket, object_key, object_length, sha256, stored_us, found_us, adopted_us)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)",
		NULL,
	},
	[STMT_ORPHAN_HAS] = { "orphan_has", "SELECT count(*) FROM orphan WHERE id = ? AND version_id = ?", NULL },
	[STMT_ORPHAN_ADOPT] = {
		"orphan_adopt",
		"UPDATE orphan SET adopted_us = ? WHERE adopted_us = 0 AND EXISTS"
		" (SELECT 1 FROM message m LEFT JOIN relocation r ON r.message_id = m.id"
		" WHERE m.id = orphan.id AND coalesce(r.version_id, m.version_id) = orphan.version_id)",
		NULL,
	},
	[STMT_ORPHAN_COUNT] = { "orphan_count", "SELECT count(*) FROM orphan WHERE adopted_us = 0", NULL },
	[STMT_ALARM_ADD] = {
		"alarm_add",
		"INSERT INTO reconcile_alarm (found_us, seen_us, detail, cleared_us, message_id, kind) VALUES (?, ?, ?, 0, ?, ?)",
		NULL,
	},
	[STMT_ALARM_AGAIN] = {
		"alarm_again",
		"UPDATE reconcile_alarm SET found_us = ?, seen_us = ?, detail = ?, cleared_us = 0"
		" WHERE message_id = ? AND kind = ? AND cleared_us <> 0",
		NULL,
	},
	[STMT_ALARM_SEEN] = {
		"alarm_seen",
		"UPDATE reconcile_alarm SET seen_us = ?, cleared_us = ? WHERE message_id = ? AND kind = ?",
		NULL,
	},
	[STMT_ALARM_LIST] = {
		"alarm_list",
		"SELECT message_id, kind, found_us, detail FROM reconcile_alarm WHERE cleared_us = 0"
		" ORDER BY seen_us, message_id LIMIT ?",
		NULL,
	},
	[STMT_ALARM_COUNT] = {
		"alarm_count",
		"SELECT kind, count(*) FROM reconcile_alarm WHERE cleared_us = 0 GROUP BY kind",
		NULL,
	},
	[STMT_ACCOUNT_DAY_ADD] = {
		"account_day_add",
		"INSERT INTO daily_account (day_us, captured, recorded, in_store, orphans, missing, first_us, last_us, stored_until_us,"
		" indexed, waiting, indexed_until_us, counted_us) VALUES (?, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)",
		NULL,
	},
	[STMT_ACCOUNT_DAY_STORE] = {
		"account_day_store",
		"UPDATE daily_account SET captured = CASE WHEN captured > ? THEN captured ELSE ? END, recorded = ?, in_store = ?,"
		" orphans = ?, missing = ?, removed = ?, first_us = ?, last_us = ?, stored_until_us = ?, counted_us = ? WHERE day_us = ?",
		NULL,
	},
	[STMT_ACCOUNT_DAY_INDEX] = {
		"account_day_index",
		"UPDATE daily_account SET indexed = ?, waiting = ?, unindexed = ?, indexed_until_us = ?, counted_us = ? WHERE day_us = ?",
		NULL,
	},
	[STMT_ACCOUNT_DAY_LIST] = {
		"account_day_list",
		"SELECT day_us, captured, recorded, in_store, orphans, missing, first_us, last_us, stored_until_us, indexed, waiting,"
		" indexed_until_us, counted_us, removed, unindexed FROM daily_account ORDER BY day_us DESC LIMIT ?",
		NULL,
	},
	[STMT_ACCOUNT_DAY_UNEQUAL] = {
		"account_day_unequal",
		"SELECT count(*) FROM daily_account WHERE captured <> recorded OR in_store + removed <> recorded"
		" OR (indexed_until_us = stored_until_us AND indexed + waiting + unindexed < recorded)",
		NULL,
	},

	[STMT_MTA_MESSAGE_REMOVE] = {
		"mta_message_remove",
		"DELETE FROM mta_message WHERE host = ? AND queue_id = ?",
		NULL,
	},
	[STMT_MTA_MESSAGE_ADD] = {
		"mta_message_add",
		"INSERT INTO mta_message (host, queue_id, origin, begun_us, accepted_us, removed_us, last_us, fate, captured,"
		" slack_us, archive_id, before_id, client, header_id, pid) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_MTA_MESSAGE_LIST] = {
		"mta_message_list",
		"SELECT host, queue_id, origin, begun_us, accepted_us, removed_us, last_us, fate, captured, slack_us, archive_id,"
		" before_id, client, header_id, pid FROM mta_message",
		NULL,
	},
	[STMT_MTA_MESSAGE_COUNT] = { "mta_message_count", "SELECT count(*) FROM mta_message WHERE captured <> 1", NULL },
	[STMT_MTA_INCIDENT_ADD] = {
		"mta_incident_add",
		"INSERT INTO mta_incident (host, queue_id, accepted_us, found_us, settled_us, client, header_id, note)"
		" VALUES (?, ?, ?, ?, 0, ?, ?, '')",
		NULL,
	},
	[STMT_MTA_INCIDENT_LIST] = {
		"mta_incident_list",
		"SELECT host, queue_id, client, header_id, accepted_us FROM mta_incident WHERE settled_us = 0"
		" ORDER BY accepted_us, host, queue_id LIMIT ?",
		NULL,
	},
	[STMT_MTA_INCIDENT_COUNT] = {
		"mta_incident_count",
		"SELECT count(*) FROM mta_incident WHERE settled_us = 0",
		NULL,
	},
	[STMT_MTA_INCIDENT_SETTLE] = {
		"mta_incident_settle",
		"UPDATE mta_incident SET settled_us = ?, note = ? WHERE settled_us = 0 AND queue_id = ?",
		NULL,
	},
	[STMT_MTA_UNACCEPTED_ADD] = {
		"mta_unaccepted_add",
		"INSERT INTO mta_unaccepted (message_id, host, queue_id, found_us, fate, withdrawn_us) VALUES (?, ?, ?, ?, ?, 0)",
		NULL,
	},
	[STMT_MTA_UNACCEPTED_WITHDRAW] = {
		"mta_unaccepted_withdraw",
		"UPDATE mta_unaccepted SET withdrawn_us = ? WHERE host = ? AND queue_id = ? AND withdrawn_us = 0",
		NULL,
	},
	[STMT_MTA_UNACCEPTED_COUNT] = {
		"mta_unaccepted_count",
		"SELECT count(*) FROM mta_unaccepted WHERE withdrawn_us = 0",
		NULL,
	},
	[STMT_MTA_LOG_GET] = {
		"mta_log_get",
		"SELECT device, inode, position, line_us, read_us FROM mta_log WHERE path = ?",
		NULL,
	},
	[STMT_MTA_LOG_ADD] = {
		"mta_log_add",
		"INSERT INTO mta_log (device, inode, position, line_us, read_us, path) VALUES (?, ?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_MTA_LOG_SET] = {
		"mta_log_set",
		"UPDATE mta_log SET device = ?, inode = ?, position = ?, line_us = ?, read_us = ? WHERE path = ?",
		NULL,
	},
	[STMT_MTA_LOG_LAST] = {
		"mta_log_last",
		"SELECT line_us, read_us FROM mta_log ORDER BY read_us DESC LIMIT 1",
		NULL,
	},
	[STMT_MTA_CAPTURED] = {
		"mta_captured",
		"SELECT id, queue_id FROM message WHERE id >= ? AND id < ? AND queue_id <> '' ORDER BY id LIMIT ?",
		NULL,
	},

	[STMT_IMPORT_PLACE_GET] = {
		"import_place_get",
		"SELECT uidvalidity, uid, refused FROM import_place WHERE source = ?",
		NULL,
	},
	[STMT_IMPORT_PLACE_ADD] = {
		"import_place_add",
		"INSERT INTO import_place (source, uidvalidity, uid, refused, at_us) VALUES (?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_IMPORT_PLACE_REMOVE] = { "import_place_remove", "DELETE FROM import_place WHERE source = ?", NULL },

	[STMT_COPY_DAEMONS] = { "copy_daemons", "SELECT DISTINCT daemon FROM ledger_batch ORDER BY daemon", NULL },
	[STMT_COPY_BATCH] = {
		"copy_batch",
		"SELECT first_seq, leaf_count, leaves, committed_us FROM ledger_batch WHERE daemon = ? AND first_seq > ?"
		" ORDER BY first_seq LIMIT 1",
		NULL,
	},
	[STMT_COPY_LAST_BATCH] = {
		"copy_last_batch",
		"SELECT first_seq, leaf_count, leaves, committed_us FROM ledger_batch WHERE daemon = ?"
		" ORDER BY first_seq DESC LIMIT 1",
		NULL,
	},
	[STMT_COPY_BATCH_IDS] = {
		"copy_batch_ids",
		"SELECT message_id FROM ledger_record WHERE daemon = ? AND seq >= ? AND seq < ? ORDER BY seq",
		NULL,
	},
	[STMT_COPY_KEY] = { "copy_key", "SELECT message_id, taken_us FROM capture_key WHERE capture_key = ?", NULL },
	[STMT_COPY_KEY_OF] = {
		"copy_key_of",
		"SELECT capture_key, taken_us FROM capture_key WHERE message_id = ?",
		NULL,
	},
	[STMT_COPY_ATTEMPT_READ] = {
		"copy_attempt_read",
		"SELECT message_id, at_us, daemon FROM capture_attempt",
		NULL,
	},
	[STMT_COPY_LEDGER_FACT_READ] = {
		"copy_ledger_fact_read",
		"SELECT daemon, seq, message_id, nonce, leaf, record FROM ledger_fact",
		NULL,
	},
	[STMT_COPY_LEDGER_FACT_ADD] = {
		"copy_ledger_fact_add",
		"INSERT INTO ledger_fact (daemon, seq, message_id, nonce, leaf, record)"
		" VALUES (?, ?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_COPY_MESSAGE_HOLD_READ] = {
		"copy_message_hold_read",
		"SELECT message_id, hold_id, event, at_us FROM message_hold",
		NULL,
	},
	[STMT_COPY_MESSAGE_HOLD_ADD] = {
		"copy_message_hold_add",
		"INSERT INTO message_hold (message_id, hold_id, event, at_us)"
		" VALUES (?, ?, ?, ?)",
		NULL,
	},
	[STMT_COPY_RETENTION_EXTENSION_READ] = {
		"copy_retention_extension_read",
		"SELECT message_id, retain_until_us, at_us, policy_version FROM retention_extension",
		NULL,
	},
	[STMT_COPY_RETENTION_EXTENSION_ADD] = {
		"copy_retention_extension_add",
		"INSERT INTO retention_extension (message_id, retain_until_us, at_us, policy_version)"
		" VALUES (?, ?, ?, ?)",
		NULL,
	},
	[STMT_COPY_LEGAL_HOLD_READ] = {
		"copy_legal_hold_read",
		"SELECT id, case_id, name, kind, scope, query, standing FROM legal_hold",
		NULL,
	},
	[STMT_COPY_LEGAL_HOLD_ADD] = {
		"copy_legal_hold_add",
		"INSERT INTO legal_hold (id, case_id, name, kind, scope, query, standing)"
		" VALUES (?, ?, ?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_COPY_LEGAL_HOLD_MESSAGE_READ] = {
		"copy_legal_hold_message_read",
		"SELECT hold_id, message_id FROM legal_hold_message",
		NULL,
	},
	[STMT_COPY_LEGAL_HOLD_MESSAGE_ADD] = {
		"copy_legal_hold_message_add",
		"INSERT INTO legal_hold_message (hold_id, message_id)"
		" VALUES (?, ?)",
		NULL,
	},
	[STMT_COPY_LEGAL_HOLD_EVENT_READ] = {
		"copy_legal_hold_event_read",
		"SELECT hold_id, event, at_us, account_id, reason FROM legal_hold_event",
		NULL,
	},
	[STMT_COPY_LEGAL_HOLD_EVENT_ADD] = {
		"copy_legal_hold_event_add",
		"INSERT INTO legal_hold_event (hold_id, event, at_us, account_id, reason)"
		" VALUES (?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_COPY_LEGAL_CASE_READ] = {
		"copy_legal_case_read",
		"SELECT id, name, description FROM legal_case",
		NULL,
	},
	[STMT_COPY_LEGAL_CASE_ADD] = {
		"copy_legal_case_add",
		"INSERT INTO legal_case (id, name, description) VALUES (?, ?, ?)",
		NULL,
	},
	[STMT_COPY_LEGAL_CASE_EVENT_READ] = {
		"copy_legal_case_event_read",
		"SELECT case_id, event, at_us, account_id, reason FROM legal_case_event",
		NULL,
	},
	[STMT_COPY_LEGAL_CASE_EVENT_ADD] = {
		"copy_legal_case_event_add",
		"INSERT INTO legal_case_event (case_id, event, at_us, account_id, reason) VALUES (?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_COPY_LEGAL_CASE_NOTE_READ] = {
		"copy_legal_case_note_read",
		"SELECT id, case_id, message_id, account_id, note FROM legal_case_note",
		NULL,
	},
	[STMT_COPY_LEGAL_CASE_NOTE_ADD] = {
		"copy_legal_case_note_add",
		"INSERT INTO legal_case_note (id, case_id, message_id, account_id, note) VALUES (?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_COPY_CASE_MEMBER_READ] = {
		"copy_case_member_read",
		"SELECT case_id, account_id FROM case_member",
		NULL,
	},
	[STMT_COPY_CASE_MEMBER_ADD] = {
		"copy_case_member_add",
		"INSERT INTO case_member (case_id, account_id) VALUES (?, ?)",
		NULL,
	},
	[STMT_COPY_CASE_MEMBER_CLEAR] = { "copy_case_member_clear", "DELETE FROM case_member", NULL },
	[STMT_COPY_CASE_TAG_READ] = {
		"copy_case_tag_read",
		"SELECT case_id, message_id, tag, account_id, at_us FROM case_tag",
		NULL,
	},
	[STMT_COPY_CASE_TAG_ADD] = {
		"copy_case_tag_add",
		"INSERT INTO case_tag (case_id, message_id, tag, account_id, at_us) VALUES (?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_COPY_CASE_TAG_CLEAR] = { "copy_case_tag_clear", "DELETE FROM case_tag", NULL },
	[STMT_COPY_DISPOSED_READ] = {
		"copy_disposed_read",
		"SELECT message_id, disposition_id, at_us FROM message_disposed",
		NULL,
	},
	[STMT_COPY_DISPOSED_ADD] = {
		"copy_disposed_add",
		"INSERT INTO message_disposed (message_id, disposition_id, at_us) VALUES (?, ?, ?)",
		NULL,
	},
	[STMT_COPY_DISPOSAL_READ] = {
		"copy_disposal_read",
		"SELECT message_id, looked, disposed, held, kept, began_us, walked_us, finished_us, disposition_id FROM disposal",
		NULL,
	},
	[STMT_COPY_DISPOSAL_CLEAR] = { "copy_disposal_clear", "DELETE FROM disposal", NULL },
	[STMT_COPY_DISPOSAL_OPEN] = {
		"copy_disposal_open",
		"UPDATE disposal SET finished_us = 0 WHERE finished_us <> 0 AND disposition_id IN (SELECT disposition_id FROM removal_work)",
		NULL,
	},
	[STMT_COPY_DISPOSITION_READ] = {
		"copy_disposition_read",
		"SELECT id, scope, expired_by_us FROM disposition",
		NULL,
	},
	[STMT_COPY_DISPOSITION_ADD] = {
		"copy_disposition_add",
		"INSERT INTO disposition (id, scope, expired_by_us) VALUES (?, ?, ?)",
		NULL,
	},
	[STMT_COPY_DISPOSITION_EVENT_READ] = {
		"copy_disposition_event_read",
		"SELECT disposition_id, step, approved, at_us, account_id, reason FROM disposition_event",
		NULL,
	},
	[STMT_COPY_DISPOSITION_EVENT_ADD] = {
		"copy_disposition_event_add",
		"INSERT INTO disposition_event (disposition_id, step, approved, at_us, account_id, reason) VALUES (?, ?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_COPY_RETENTION_POLICY_READ] = {
		"copy_retention_policy_read",
		"SELECT change_id, policy_id, revision, at_us, account_id, place, name, kind, subject, days, ended,"
		" reason FROM retention_policy",
		NULL,
	},
	[STMT_COPY_RETENTION_POLICY_ADD] = {
		"copy_retention_policy_add",
		"INSERT INTO retention_policy (change_id, policy_id, revision, at_us, account_id, place, name, kind, subject, days, ended,"
		" reason)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_COPY_SAVED_SEARCH_READ] = {
		"copy_saved_search_read",
		"SELECT id, account_id, version, name, case_id, request, created_us, changed_us FROM saved_search",
		NULL,
	},
	[STMT_COPY_SAVED_SEARCH_ADD] = {
		"copy_saved_search_add",
		"INSERT INTO saved_search (id, account_id, version, name, case_id, request, created_us, changed_us)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_COPY_ACCOUNT_READ] = {
		"copy_account_read",
		"SELECT id, username, password_hash, totp_last_step, disabled, token_generation, scope_all, scope_from_us,"
		" scope_until_us, code_tries_us, version, totp_secret, id FROM account ORDER BY id",
		NULL,
	},
	[STMT_COPY_ACCOUNT_IDS] = { "copy_account_ids", "SELECT id, username FROM account ORDER BY id", NULL },
	[STMT_COPY_ACCOUNT_ADD] = {
		"copy_account_add",
		"INSERT INTO account (username, password_hash, totp_last_step, disabled, token_generation, scope_all, scope_from_us,"
		" scope_until_us, code_tries_us, version, totp_secret, id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		NULL,
	},
	[STMT_COPY_ACCOUNT_SET] = {
		"copy_account_set",
		"UPDATE account SET username = ?, password_hash = ?, totp_last_step = ?, disabled = ?, token_generation = ?,"
		" scope_all = ?, scope_from_us = ?, scope_until_us = ?, code_tries_us = ?, version = ?, totp_secret = ? WHERE id = ?",
		NULL,
	},
	[STMT_COPY_DEPARTMENT_READ] = { "copy_department_read", "SELECT id, name, version, directory FROM department ORDER BY id", NULL },
	[STMT_COPY_DEPARTMENT_ADD] = {
		"copy_department_add",
		"INSERT INTO department (id, name, version, directory) VALUES (?, ?, ?, ?)",
		NULL,
	},
	[STMT_COPY_DEPARTMENT_CLEAR] = { "copy_department_clear", "DELETE FROM department", NULL },
	[STMT_COPY_DEPARTMENT_MAILBOX_READ] = {
		"copy_department_mailbox_read",
		"SELECT department_id, mailbox FROM department_mailbox",
		NULL,
	},
	[STMT_COPY_DEPARTMENT_MAILBOX_CLEAR] = {
		"copy_department_mailbox_clear",
		"DELETE FROM department_mailbox",
		NULL,
	},
	[STMT_COPY_ACCOUNT_ROLE_READ] = { "copy_account_role_read", "SELECT account_id, role FROM account_role", NULL },
	[STMT_COPY_ACCOUNT_ROLE_ADD] = {
		"copy_account_role_add",
		"INSERT INTO account_role (account_id, role) VALUES (?, ?)",
		NULL,
	},
	[STMT_COPY_ACCOUNT_ROLE_CLEAR] = { "copy_account_role_clear", "DELETE FROM account_role", NULL },
	[STMT_COPY_ACCOUNT_MAILBOX_READ] = {
		"copy_account_mailbox_read",
		"SELECT account_id, mailbox FROM account_mailbox",
		NULL,
	},
	[STMT_COPY_ACCOUNT_MAILBOX_CLEAR] = { "copy_account_mailbox_clear", "DELETE FROM account_mailbox", NULL },
	[STMT_COPY_ACCOUNT_DEPARTMENT_READ] = {
		"copy_account_department_read",
		"SELECT account_id, department_id FROM account_department",
		NULL,
	},
	[STMT_COPY_ACCOUNT_DEPARTMENT_ADD] = {
		"copy_account_department_add",
		"INSERT INTO account_department (account_id, department_id) VALUES (?, ?)",
		NULL,
	},
	[STMT_COPY_ACCOUNT_DEPARTMENT_CLEAR] = {
		"copy_account_department_clear",
		"DELETE FROM account_department",
		NULL,
	},
};
