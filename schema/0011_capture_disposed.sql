-- Messages that a disposition took out of the archive. The row in `message`, its record and its leaves stay: they prove what
-- was there. That it is there no longer stands here. See 0001_capture.sql for the dialect.

-- The decision about one message: from then on nobody is given it, or anything that is said of it. Its fact is in ledger_fact.
CREATE TABLE message_disposed (
	message_id BINARY(16) NOT NULL,
	disposition_id BINARY(16) NOT NULL,
	at_us BIGINT NOT NULL,
	PRIMARY KEY (message_id)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB */;
CREATE INDEX message_disposed_disposition ON message_disposed (disposition_id, message_id);

-- Its bytes are gone from the store.
CREATE TABLE message_removed (
	message_id BINARY(16) NOT NULL,
	at_us BIGINT NOT NULL,
	PRIMARY KEY (message_id)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB */;

-- Disposed messages whose bytes are still in the store. Consumed by presence.
CREATE TABLE removal_work (
	message_id BINARY(16) NOT NULL,
	disposition_id BINARY(16) NOT NULL,
	due_us BIGINT NOT NULL, -- tried then
	tries BIGINT NOT NULL, -- in vain, one after the other
	PRIMARY KEY (message_id)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB */;
CREATE INDEX removal_work_due ON removal_work (due_us, message_id);
CREATE INDEX removal_work_disposition ON removal_work (disposition_id, tries);

-- How far each approved disposition was carried out.
CREATE TABLE disposal (
	disposition_id BINARY(16) NOT NULL,
	message_id BINARY(16) NOT NULL, -- the last one looked at
	looked BIGINT NOT NULL, -- messages of its scope that had expired when it was proposed
	disposed BIGINT NOT NULL, -- of these, are in message_disposed
	held BIGINT NOT NULL, -- are held by now
	kept BIGINT NOT NULL, -- are kept longer by now
	began_us BIGINT NOT NULL,
	walked_us BIGINT NOT NULL, -- all were looked at; 0: not yet
	finished_us BIGINT NOT NULL, -- and nothing of them is in the store; 0: not yet
	PRIMARY KEY (disposition_id)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB */;

-- Disposed messages that the index may hold yet, or again: whoever was just adding one did not know. Consumed by presence.
CREATE TABLE index_removal (
	message_id BINARY(16) NOT NULL,
	queued_us BIGINT NOT NULL,
	removed_us BIGINT NOT NULL, -- once; 0: not yet
	PRIMARY KEY (message_id)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB */;

CREATE TRIGGER message_disposed_no_update BEFORE UPDATE ON message_disposed FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'message_disposed is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'message_disposed is write-once'); END */;
CREATE TRIGGER message_disposed_no_delete BEFORE DELETE ON message_disposed FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'message_disposed is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'message_disposed is write-once'); END */;
CREATE TRIGGER message_removed_no_update BEFORE UPDATE ON message_removed FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'message_removed is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'message_removed is write-once'); END */;
CREATE TRIGGER message_removed_no_delete BEFORE DELETE ON message_removed FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'message_removed is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'message_removed is write-once'); END */;
