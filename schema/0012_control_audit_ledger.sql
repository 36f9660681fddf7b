-- The audit's own ledger: each intent and outcome is a canonical record, kept verbatim with the nonce that hides it and its
-- leaf, in a gapless sequence of the daemon that wrote it. Rows of before have no record; they are listed once and for all.
--
-- reason: why, in the words of who did it; mailboxes: the set in audit_mailbox that the action concerned.

ALTER TABLE audit_intent ADD COLUMN reason VARCHAR(500);
ALTER TABLE audit_intent ADD COLUMN case_ref VARCHAR(255);
ALTER TABLE audit_intent ADD COLUMN mailboxes BINARY(32);

CREATE INDEX audit_intent_actor ON audit_intent (actor /*! (64) */, id);
CREATE INDEX audit_intent_object ON audit_intent (object, id);
CREATE INDEX audit_intent_case ON audit_intent (case_ref, id);
CREATE INDEX audit_intent_mailboxes ON audit_intent (mailboxes, id);

-- A set of mailboxes by its digest: those of a message that was read, those that a search could reach ('*': all). A set is
-- kept once, however often it is looked at.
CREATE TABLE audit_mailbox (
	digest BINARY(32) NOT NULL,
	mailbox VARCHAR(512) NOT NULL,
	PRIMARY KEY (digest, mailbox)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;
/*! ALTER TABLE audit_mailbox MODIFY mailbox VARBINARY(512) NOT NULL */;
CREATE INDEX audit_mailbox_mailbox ON audit_mailbox (mailbox, digest);

CREATE TABLE audit_record (
	daemon VARCHAR(255) NOT NULL,
	seq BIGINT NOT NULL,
	intent_id BINARY(16) NOT NULL,
	kind INTEGER NOT NULL, -- 1 the intent, 2 its outcome
	nonce BINARY(32) NOT NULL,
	leaf BINARY(32) NOT NULL,
	record MEDIUMBLOB NOT NULL,
	PRIMARY KEY (daemon, seq),
	UNIQUE (intent_id, kind)
) /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

-- The leaves of one commit: those of sequence numbers first_seq and up, one behind the other.
CREATE TABLE audit_batch (
	daemon VARCHAR(255) NOT NULL,
	first_seq BIGINT NOT NULL,
	leaf_count INTEGER NOT NULL,
	leaves MEDIUMBLOB NOT NULL,
	committed_us BIGINT NOT NULL,
	PRIMARY KEY (daemon, first_seq)
) /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

-- The intents of before: they and the outcomes that they had then have no record.
CREATE TABLE audit_before (
	intent_id BINARY(16) NOT NULL,
	PRIMARY KEY (intent_id)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB */;
INSERT INTO audit_before (intent_id) SELECT id FROM audit_intent;

CREATE TRIGGER audit_mailbox_no_update BEFORE UPDATE ON audit_mailbox FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'audit_mailbox is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'audit_mailbox is write-once'); END */;
CREATE TRIGGER audit_mailbox_no_delete BEFORE DELETE ON audit_mailbox FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'audit_mailbox is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'audit_mailbox is write-once'); END */;
CREATE TRIGGER audit_record_no_update BEFORE UPDATE ON audit_record FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'audit_record is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'audit_record is write-once'); END */;
CREATE TRIGGER audit_record_no_delete BEFORE DELETE ON audit_record FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'audit_record is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'audit_record is write-once'); END */;
CREATE TRIGGER audit_batch_no_update BEFORE UPDATE ON audit_batch FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'audit_batch is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'audit_batch is write-once'); END */;
CREATE TRIGGER audit_batch_no_delete BEFORE DELETE ON audit_batch FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'audit_batch is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'audit_batch is write-once'); END */;
CREATE TRIGGER audit_before_no_update BEFORE UPDATE ON audit_before FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'audit_before is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'audit_before is write-once'); END */;
CREATE TRIGGER audit_before_no_delete BEFORE DELETE ON audit_before FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'audit_before is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'audit_before is write-once'); END */;
