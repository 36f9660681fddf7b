-- The disposition queue: somebody proposes that what has expired be removed, and somebody else decides. A disposition is a
-- rule, not a list: what it is of was archived and had expired when it was proposed, and nothing can come to it later. See
-- 0001_capture.sql for the dialect.

CREATE TABLE disposition (
	id BINARY(16) NOT NULL,
	scope MEDIUMTEXT NOT NULL, -- JSON (mail/scope.h): it is of nothing outside
	expired_by_us BIGINT NOT NULL, -- and of nothing that is kept until later
	PRIMARY KEY (id)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

-- An account does one of both at most: who has proposed it can't decide.
CREATE TABLE disposition_event (
	disposition_id BINARY(16) NOT NULL,
	step INTEGER NOT NULL, -- 1 proposed, 2 decided
	approved INTEGER NOT NULL, -- 1: by this step
	at_us BIGINT NOT NULL,
	account_id BIGINT NOT NULL, -- by whom
	reason MEDIUMTEXT NOT NULL,
	PRIMARY KEY (disposition_id, step),
	UNIQUE (disposition_id, account_id)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

CREATE TRIGGER disposition_no_update BEFORE UPDATE ON disposition FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'disposition is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'disposition is write-once'); END */;
CREATE TRIGGER disposition_no_delete BEFORE DELETE ON disposition FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'disposition is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'disposition is write-once'); END */;
CREATE TRIGGER disposition_event_no_update BEFORE UPDATE ON disposition_event FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'disposition_event is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'disposition_event is write-once'); END */;
CREATE TRIGGER disposition_event_no_delete BEFORE DELETE ON disposition_event FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'disposition_event is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'disposition_event is write-once'); END */;
