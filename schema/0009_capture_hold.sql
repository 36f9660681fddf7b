-- Which messages are under which holds. See 0001_capture.sql for the dialect.

-- A message is held while it came under a hold (1) and was not released from it (2).
CREATE TABLE message_hold (
	message_id BINARY(16) NOT NULL,
	hold_id BINARY(16) NOT NULL,
	event INTEGER NOT NULL,
	at_us BIGINT NOT NULL,
	PRIMARY KEY (message_id, hold_id, event)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB */;
CREATE INDEX message_hold_hold ON message_hold (hold_id, event, message_id);

-- Messages that came under a hold when they were captured: strongroom-workerd brings it to the store. Consumed by presence.
CREATE TABLE hold_work (
	message_id BINARY(16) NOT NULL,
	hold_id BINARY(16) NOT NULL,
	queued_us BIGINT NOT NULL,
	PRIMARY KEY (message_id, hold_id)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB */;

CREATE TRIGGER message_hold_no_update BEFORE UPDATE ON message_hold FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'message_hold is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'message_hold is write-once'); END */;
CREATE TRIGGER message_hold_no_delete BEFORE DELETE ON message_hold FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'message_hold is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'message_hold is write-once'); END */;
