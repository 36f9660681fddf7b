-- Whose messages were gone through for retention policies: who comes into a department later is found by it. See
-- 0001_capture.sql for the dialect.

CREATE TABLE retention_reached (
	mailbox VARCHAR(512) /*! CHARACTER SET binary */ NOT NULL,
	days BIGINT NOT NULL, -- that policies for the mailbox or its departments kept its messages for then; 0: no longer
	PRIMARY KEY (mailbox)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;
