-- Where the object of a message is now, when it is not where it was put at first: what `strongroom copy` writes beside the
-- rows that it takes over as they are. The row in `message` goes on saying what the ledger's record says.

CREATE TABLE relocation (
	message_id BINARY(16) NOT NULL,
	moved_us BIGINT NOT NULL,
	bucket VARCHAR(255) NOT NULL,
	object_key VARCHAR(1024) NOT NULL,
	version_id VARCHAR(1024) NOT NULL,
	object_offset BIGINT NOT NULL,
	object_length BIGINT NOT NULL,
	lock_mode VARCHAR(32) NOT NULL,
	retain_until_us BIGINT NOT NULL,
	PRIMARY KEY (message_id)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

CREATE TRIGGER relocation_no_update BEFORE UPDATE ON relocation FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'relocation is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'relocation is write-once'); END */;
CREATE TRIGGER relocation_no_delete BEFORE DELETE ON relocation FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'relocation is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'relocation is write-once'); END */;
