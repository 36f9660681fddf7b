-- The control database, version 1: who may see what, and who did what. See 0001_capture.sql for the dialect.
-- Audit tables refuse UPDATE and DELETE. Accounts refuse DELETE: the audit names them for ever; they are disabled.

CREATE TABLE schema_version (
	version INTEGER NOT NULL PRIMARY KEY,
	applied_us BIGINT NOT NULL
);

CREATE TABLE account (
	id INTEGER /*! NOT NULL AUTO_INCREMENT */,
	username VARCHAR(255) NOT NULL,
	password_hash VARCHAR(255) NOT NULL,
	totp_secret VARBINARY(512) NOT NULL, -- sealed by the installation's key
	totp_last_step BIGINT NOT NULL DEFAULT 0, -- each step is used once
	disabled INTEGER NOT NULL DEFAULT 0,
	token_generation BIGINT NOT NULL DEFAULT 0, -- tokens of an older one are dead
	scope_all INTEGER NOT NULL DEFAULT 0,
	scope_from_us BIGINT, -- NULL is open
	scope_until_us BIGINT,
	PRIMARY KEY (id),
	UNIQUE (username)
) /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

CREATE TABLE permission (
	name VARCHAR(64) NOT NULL,
	meaning VARCHAR(255) NOT NULL,
	PRIMARY KEY (name)
) /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

CREATE TABLE role (
	name VARCHAR(64) NOT NULL,
	meaning VARCHAR(255) NOT NULL,
	PRIMARY KEY (name)
) /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

CREATE TABLE role_permission (
	role VARCHAR(64) NOT NULL,
	permission VARCHAR(64) NOT NULL,
	PRIMARY KEY (role, permission),
	FOREIGN KEY (role) REFERENCES role (name),
	FOREIGN KEY (permission) REFERENCES permission (name)
) /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

CREATE TABLE account_role (
	account_id INTEGER NOT NULL,
	role VARCHAR(64) NOT NULL,
	PRIMARY KEY (account_id, role),
	FOREIGN KEY (account_id) REFERENCES account (id),
	FOREIGN KEY (role) REFERENCES role (name)
) /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

CREATE TABLE department (
	id INTEGER /*! NOT NULL AUTO_INCREMENT */,
	name VARCHAR(255) NOT NULL,
	PRIMARY KEY (id),
	UNIQUE (name)
) /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

-- Mailboxes are kept in their normal form.
CREATE TABLE department_mailbox (
	department_id INTEGER NOT NULL,
	mailbox VARCHAR(512) NOT NULL,
	PRIMARY KEY (department_id, mailbox),
	FOREIGN KEY (department_id) REFERENCES department (id)
) /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

CREATE TABLE account_mailbox (
	account_id INTEGER NOT NULL,
	mailbox VARCHAR(512) NOT NULL,
	PRIMARY KEY (account_id, mailbox),
	FOREIGN KEY (account_id) REFERENCES account (id)
) /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

CREATE TABLE account_department (
	account_id INTEGER NOT NULL,
	department_id INTEGER NOT NULL,
	PRIMARY KEY (account_id, department_id),
	FOREIGN KEY (account_id) REFERENCES account (id),
	FOREIGN KEY (department_id) REFERENCES department (id)
) /*! ENGINE=InnoDB */;

-- Durable before the action has any effect.
CREATE TABLE audit_intent (
	id BINARY(16) NOT NULL,
	at_us BIGINT NOT NULL,
	account_id BIGINT NOT NULL, -- 0: nobody was signed in
	actor MEDIUMTEXT,
	strength VARCHAR(64) NOT NULL,
	action VARCHAR(64) NOT NULL,
	object VARCHAR(255),
	detail MEDIUMTEXT, -- JSON
	client VARCHAR(255) NOT NULL,
	request_id VARCHAR(255) NOT NULL,
	PRIMARY KEY (id)
) /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;
CREATE INDEX audit_intent_account ON audit_intent (account_id, at_us);

-- Durable before the last byte of the answer leaves. An intent without one was cut off.
CREATE TABLE audit_outcome (
	intent_id BINARY(16) NOT NULL,
	at_us BIGINT NOT NULL,
	result VARCHAR(64) NOT NULL,
	status INTEGER NOT NULL,
	item_count BIGINT NOT NULL, -- hits, or bytes given out
	digest BINARY(32), -- SHA-256 of what was given out
	PRIMARY KEY (intent_id),
	FOREIGN KEY (intent_id) REFERENCES audit_intent (id)
) /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

CREATE TRIGGER account_no_delete BEFORE DELETE ON account FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'accounts are disabled, never deleted' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'accounts are disabled, never deleted'); END */;
CREATE TRIGGER audit_intent_no_update BEFORE UPDATE ON audit_intent FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'audit_intent is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'audit_intent is write-once'); END */;
CREATE TRIGGER audit_intent_no_delete BEFORE DELETE ON audit_intent FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'audit_intent is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'audit_intent is write-once'); END */;
CREATE TRIGGER audit_outcome_no_update BEFORE UPDATE ON audit_outcome FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'audit_outcome is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'audit_outcome is write-once'); END */;
CREATE TRIGGER audit_outcome_no_delete BEFORE DELETE ON audit_outcome FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'audit_outcome is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'audit_outcome is write-once'); END */;
