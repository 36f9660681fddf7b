-- Legal holds: what is held stays, whatever its retention says. All that is said of a hold is said once; it ends by a row
-- that says so. See 0001_capture.sql for the dialect.

CREATE TABLE legal_hold (
	id BINARY(16) NOT NULL,
	case_id BINARY(16), -- NULL: of none
	name VARCHAR(255) NOT NULL,
	kind INTEGER NOT NULL, -- 1 messages, 2 custodians, 3 a query
	scope MEDIUMTEXT NOT NULL, -- JSON (mail/scope.h): it holds nothing outside; of custodians it is what it holds
	query MEDIUMTEXT NOT NULL, -- of a query
	standing INTEGER NOT NULL, -- 1: what is archived later, too
	PRIMARY KEY (id)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

-- Of a hold on messages: which.
CREATE TABLE legal_hold_message (
	hold_id BINARY(16) NOT NULL,
	message_id BINARY(16) NOT NULL,
	PRIMARY KEY (hold_id, message_id)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB */;

CREATE TABLE legal_hold_event (
	hold_id BINARY(16) NOT NULL,
	event INTEGER NOT NULL, -- 1 placed, 2 lifted
	at_us BIGINT NOT NULL,
	account_id BIGINT NOT NULL, -- by whom
	reason MEDIUMTEXT NOT NULL,
	PRIMARY KEY (hold_id, event)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

CREATE TRIGGER legal_hold_no_update BEFORE UPDATE ON legal_hold FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'legal_hold is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'legal_hold is write-once'); END */;
CREATE TRIGGER legal_hold_no_delete BEFORE DELETE ON legal_hold FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'legal_hold is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'legal_hold is write-once'); END */;
CREATE TRIGGER legal_hold_message_no_update BEFORE UPDATE ON legal_hold_message FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'legal_hold_message is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'legal_hold_message is write-once'); END */;
CREATE TRIGGER legal_hold_message_no_delete BEFORE DELETE ON legal_hold_message FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'legal_hold_message is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'legal_hold_message is write-once'); END */;
CREATE TRIGGER legal_hold_event_no_update BEFORE UPDATE ON legal_hold_event FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'legal_hold_event is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'legal_hold_event is write-once'); END */;
CREATE TRIGGER legal_hold_event_no_delete BEFORE DELETE ON legal_hold_event FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'legal_hold_event is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'legal_hold_event is write-once'); END */;
