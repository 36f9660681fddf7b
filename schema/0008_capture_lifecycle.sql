-- What happens to messages after they were archived. The row in `message` stays as it is; what is said of it later stands
-- here, with a leaf for the ledger each. See 0001_capture.sql for the dialect.

-- A message is kept longer than its row says. The latest time counts.
CREATE TABLE retention_extension (
	message_id BINARY(16) NOT NULL,
	retain_until_us BIGINT NOT NULL,
	at_us BIGINT NOT NULL,
	policy_version VARCHAR(255) NOT NULL,
	PRIMARY KEY (message_id, retain_until_us)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

-- The canonical record of a later fact, verbatim, with the nonce that hides it and its leaf; gapless from 1 for each daemon.
CREATE TABLE ledger_fact (
	daemon VARCHAR(255) NOT NULL,
	seq BIGINT NOT NULL,
	message_id BINARY(16) NOT NULL,
	nonce BINARY(32) NOT NULL,
	leaf BINARY(32) NOT NULL,
	record MEDIUMBLOB NOT NULL,
	PRIMARY KEY (daemon, seq)
) /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;
CREATE INDEX ledger_fact_message ON ledger_fact (message_id);

-- How far workerd has come with what it does to many messages.
CREATE TABLE upkeep_walk (
	name VARCHAR(64) NOT NULL,
	since BIGINT NOT NULL, -- of policies: changes after this one
	about BIGINT NOT NULL, -- up to this one
	mailbox VARCHAR(512) /*! CHARACTER SET binary */ NOT NULL, -- in whose messages it is; '': in all
	date_us BIGINT NOT NULL, -- the last one looked at
	message_id BINARY(16) NOT NULL,
	looked BIGINT NOT NULL,
	changed BIGINT NOT NULL,
	began_us BIGINT NOT NULL,
	finished_us BIGINT NOT NULL, -- 0: under way
	PRIMARY KEY (name)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

CREATE TRIGGER retention_extension_no_update BEFORE UPDATE ON retention_extension FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'retention_extension is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'retention_extension is write-once'); END */;
CREATE TRIGGER retention_extension_no_delete BEFORE DELETE ON retention_extension FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'retention_extension is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'retention_extension is write-once'); END */;
CREATE TRIGGER ledger_fact_no_update BEFORE UPDATE ON ledger_fact FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'ledger_fact is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'ledger_fact is write-once'); END */;
CREATE TRIGGER ledger_fact_no_delete BEFORE DELETE ON ledger_fact FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'ledger_fact is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'ledger_fact is write-once'); END */;
