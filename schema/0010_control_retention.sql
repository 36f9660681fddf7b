-- For how long messages are kept beyond lock_days. Each row is one revision of a policy, and the newest one counts: what a
-- policy said when a message was stamped can be read for ever. See 0001_capture.sql for the dialect.

CREATE TABLE retention_policy (
	change_id INTEGER /*! NOT NULL AUTO_INCREMENT */, -- rises with each revision of any policy
	policy_id BINARY(16) NOT NULL,
	revision BIGINT NOT NULL, -- from 1
	at_us BIGINT NOT NULL,
	account_id BIGINT NOT NULL, -- who made it
	place BIGINT NOT NULL, -- in their order
	name VARCHAR(255) NOT NULL,
	kind INTEGER NOT NULL, -- 1 all messages, 2 a department, 3 a mailbox, 4 a sender
	subject VARCHAR(512) NOT NULL, -- the department's name, the mailbox, the sender's address or @domain; or ''
	days BIGINT NOT NULL,
	ended INTEGER NOT NULL, -- 1: no longer in force
	reason MEDIUMTEXT NOT NULL,
	PRIMARY KEY (change_id),
	UNIQUE (policy_id, revision)
) /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

CREATE TRIGGER retention_policy_no_update BEFORE UPDATE ON retention_policy FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'retention_policy is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'retention_policy is write-once'); END */;
CREATE TRIGGER retention_policy_no_delete BEFORE DELETE ON retention_policy FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'retention_policy is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'retention_policy is write-once'); END */;
