-- The capture database, version 1: what was archived, the ledger's leaves, and what the index still waits for.
--
-- One text for every database: standard SQL, with what only MySQL reads in /*! … */ (as MySQL itself defines it) and what
-- only SQLite reads in /*sqlite … */ (sql_sqlite.c takes the marks off). A statement ends with ; at the end of a line.
-- Times are microseconds since 1970 UTC, ids are UUIDv7 and so rise with time: new rows go to the end of every index
-- but those of mailbox_message and capture_key. No foreign keys here: partitioned tables of MySQL have none.
-- Write-once tables refuse UPDATE and DELETE; what changes (outbox) has a table of its own.

CREATE TABLE schema_version (
	version INTEGER NOT NULL PRIMARY KEY,
	applied_us BIGINT NOT NULL
);

-- One archived message. The locator (bucket … object_length) says where its bytes are.
CREATE TABLE message (
	id BINARY(16) NOT NULL,
	received_us BIGINT NOT NULL,
	date_us BIGINT NOT NULL, -- what search and scopes go by
	header_date_us BIGINT NOT NULL, -- as the Date header has it
	size BIGINT NOT NULL,
	sha256 BINARY(32) NOT NULL,
	kind INTEGER NOT NULL,
	capture_point VARCHAR(255) NOT NULL,
	subject MEDIUMTEXT NOT NULL,
	header_id MEDIUMTEXT NOT NULL, -- the Message-ID header, without <>
	parse_flags BIGINT NOT NULL,
	queue_id VARCHAR(255) NOT NULL,
	evidence MEDIUMTEXT NOT NULL, -- JSON: what the door saw
	bucket VARCHAR(255) NOT NULL,
	object_key VARCHAR(1024) NOT NULL,
	version_id VARCHAR(1024) NOT NULL,
	object_offset BIGINT NOT NULL,
	object_length BIGINT NOT NULL,
	lock_mode VARCHAR(32) NOT NULL,
	retain_until_us BIGINT NOT NULL,
	policy_version VARCHAR(255) NOT NULL,
	PRIMARY KEY (id)
) /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;
CREATE INDEX message_date ON message (date_us);

-- Who took part in a message, in its order: the envelope first.
CREATE TABLE participant (
	message_id BINARY(16) NOT NULL,
	position INTEGER NOT NULL,
	role INTEGER NOT NULL,
	name MEDIUMTEXT NOT NULL,
	address MEDIUMTEXT NOT NULL,
	normal MEDIUMTEXT NOT NULL,
	PRIMARY KEY (message_id, position)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

-- Which mailboxes a message belongs to, once each (Reply-To does not count): what scopes are counted by.
CREATE TABLE mailbox_message (
	mailbox VARCHAR(512) NOT NULL,
	date_us BIGINT NOT NULL,
	message_id BINARY(16) NOT NULL,
	PRIMARY KEY (mailbox, date_us, message_id)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

CREATE TABLE attachment (
	message_id BINARY(16) NOT NULL,
	position INTEGER NOT NULL,
	name MEDIUMTEXT NOT NULL,
	content_type MEDIUMTEXT NOT NULL,
	size BIGINT NOT NULL,
	sha256 BINARY(32) NOT NULL,
	PRIMARY KEY (message_id, position)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

-- Which transaction is archived under which id: a retry is recognised by it.
CREATE TABLE capture_key (
	capture_key BINARY(32) NOT NULL,
	message_id BINARY(16) NOT NULL,
	taken_us BIGINT NOT NULL,
	PRIMARY KEY (capture_key)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB */;

-- A transaction that was archived already and offered again.
CREATE TABLE capture_attempt (
	message_id BINARY(16) NOT NULL,
	at_us BIGINT NOT NULL,
	daemon VARCHAR(255) NOT NULL,
	PRIMARY KEY (message_id, at_us, daemon)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

-- The canonical record of a message, verbatim, with the nonce that hides it and its leaf.
CREATE TABLE ledger_record (
	message_id BINARY(16) NOT NULL,
	daemon VARCHAR(255) NOT NULL,
	seq BIGINT NOT NULL,
	nonce BINARY(32) NOT NULL,
	leaf BINARY(32) NOT NULL,
	record MEDIUMBLOB NOT NULL,
	PRIMARY KEY (message_id)
) /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;
CREATE INDEX ledger_record_seq ON ledger_record (daemon, seq);

-- The leaves of one group commit: those of sequence numbers first_seq and up, one behind the other.
CREATE TABLE ledger_batch (
	daemon VARCHAR(255) NOT NULL,
	first_seq BIGINT NOT NULL,
	leaf_count INTEGER NOT NULL,
	leaves MEDIUMBLOB NOT NULL,
	committed_us BIGINT NOT NULL,
	PRIMARY KEY (daemon, first_seq)
) /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

-- Messages that the index does not hold yet. Consumed by presence.
CREATE TABLE outbox (
	message_id BINARY(16) NOT NULL,
	queued_us BIGINT NOT NULL,
	PRIMARY KEY (message_id)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB */;

CREATE TRIGGER message_no_update BEFORE UPDATE ON message FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'message is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'message is write-once'); END */;
CREATE TRIGGER message_no_delete BEFORE DELETE ON message FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'message is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'message is write-once'); END */;
CREATE TRIGGER participant_no_update BEFORE UPDATE ON participant FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'participant is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'participant is write-once'); END */;
CREATE TRIGGER participant_no_delete BEFORE DELETE ON participant FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'participant is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'participant is write-once'); END */;
CREATE TRIGGER mailbox_message_no_update BEFORE UPDATE ON mailbox_message FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'mailbox_message is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'mailbox_message is write-once'); END */;
CREATE TRIGGER mailbox_message_no_delete BEFORE DELETE ON mailbox_message FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'mailbox_message is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'mailbox_message is write-once'); END */;
CREATE TRIGGER attachment_no_update BEFORE UPDATE ON attachment FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'attachment is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'attachment is write-once'); END */;
CREATE TRIGGER attachment_no_delete BEFORE DELETE ON attachment FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'attachment is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'attachment is write-once'); END */;
CREATE TRIGGER capture_key_no_update BEFORE UPDATE ON capture_key FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'capture_key is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'capture_key is write-once'); END */;
CREATE TRIGGER capture_key_no_delete BEFORE DELETE ON capture_key FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'capture_key is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'capture_key is write-once'); END */;
CREATE TRIGGER capture_attempt_no_update BEFORE UPDATE ON capture_attempt FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'capture_attempt is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'capture_attempt is write-once'); END */;
CREATE TRIGGER capture_attempt_no_delete BEFORE DELETE ON capture_attempt FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'capture_attempt is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'capture_attempt is write-once'); END */;
CREATE TRIGGER ledger_record_no_update BEFORE UPDATE ON ledger_record FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'ledger_record is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'ledger_record is write-once'); END */;
CREATE TRIGGER ledger_record_no_delete BEFORE DELETE ON ledger_record FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'ledger_record is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'ledger_record is write-once'); END */;
CREATE TRIGGER ledger_batch_no_update BEFORE UPDATE ON ledger_batch FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'ledger_batch is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'ledger_batch is write-once'); END */;
CREATE TRIGGER ledger_batch_no_delete BEFORE DELETE ON ledger_batch FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'ledger_batch is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'ledger_batch is write-once'); END */;
