-- Cases: what belongs to one matter, and which accounts know of it. A case is closed, never deleted. See 0001_capture.sql
-- for the dialect.

CREATE TABLE legal_case (
	id BINARY(16) NOT NULL,
	name VARCHAR(255) NOT NULL,
	description MEDIUMTEXT NOT NULL,
	PRIMARY KEY (id)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

CREATE TABLE legal_case_event (
	case_id BINARY(16) NOT NULL,
	event INTEGER NOT NULL, -- 1 opened, 2 closed
	at_us BIGINT NOT NULL,
	account_id BIGINT NOT NULL, -- by whom
	reason MEDIUMTEXT NOT NULL,
	PRIMARY KEY (case_id, event)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

CREATE TABLE legal_case_note (
	id BINARY(16) NOT NULL,
	case_id BINARY(16) NOT NULL,
	message_id BINARY(16), -- NULL: about none
	account_id BIGINT NOT NULL,
	note MEDIUMTEXT NOT NULL,
	PRIMARY KEY (case_id, id)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

CREATE TABLE case_member (
	case_id BINARY(16) NOT NULL,
	account_id BIGINT NOT NULL,
	PRIMARY KEY (case_id, account_id)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB */;
CREATE INDEX case_member_account ON case_member (account_id, case_id);

CREATE TABLE case_tag (
	case_id BINARY(16) NOT NULL,
	message_id BINARY(16) NOT NULL,
	tag VARCHAR(64) NOT NULL,
	account_id BIGINT NOT NULL, -- who put it there
	at_us BIGINT NOT NULL,
	PRIMARY KEY (case_id, message_id, tag)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

CREATE TRIGGER legal_case_no_update BEFORE UPDATE ON legal_case FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'legal_case is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'legal_case is write-once'); END */;
CREATE TRIGGER legal_case_no_delete BEFORE DELETE ON legal_case FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'legal_case is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'legal_case is write-once'); END */;
CREATE TRIGGER legal_case_event_no_update BEFORE UPDATE ON legal_case_event FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'legal_case_event is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'legal_case_event is write-once'); END */;
CREATE TRIGGER legal_case_event_no_delete BEFORE DELETE ON legal_case_event FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'legal_case_event is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'legal_case_event is write-once'); END */;
CREATE TRIGGER legal_case_note_no_update BEFORE UPDATE ON legal_case_note FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'legal_case_note is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'legal_case_note is write-once'); END */;
CREATE TRIGGER legal_case_note_no_delete BEFORE DELETE ON legal_case_note FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'legal_case_note is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'legal_case_note is write-once'); END */;
