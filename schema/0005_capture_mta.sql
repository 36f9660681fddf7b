-- What Postfix accepted, by its own log, against what was captured (strongroom postfix-log). See 0001_capture.sql for the
-- dialect.

-- Messages of which the log has not told the end, or that are not judged yet.
CREATE TABLE mta_message (
	host VARCHAR(255) NOT NULL,
	queue_id VARCHAR(64) NOT NULL,
	origin INTEGER NOT NULL, -- 0 not told, 1 a client, 2 a local program
	begun_us BIGINT NOT NULL, -- 0: not told
	accepted_us BIGINT NOT NULL, -- 0: not (yet)
	removed_us BIGINT NOT NULL, -- 0: still in the queue
	last_us BIGINT NOT NULL,
	fate INTEGER NOT NULL, -- why it is not accepted: 0 not told, 1 refused, 2 discarded, 3 the client went away
	captured INTEGER NOT NULL, -- 0 not looked up, 1 yes, 2 not found by its queue id
	slack_us BIGINT NOT NULL, -- how inexact its times are
	archive_id BINARY(16), -- as the archive answered a delivery
	before_id VARCHAR(64) NOT NULL, -- the queue id from which it was handed on to this one; or ''
	client VARCHAR(255) NOT NULL,
	header_id VARCHAR(255) NOT NULL,
	PRIMARY KEY (host, queue_id)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

-- Accepted, and not captured.
CREATE TABLE mta_incident (
	host VARCHAR(255) NOT NULL,
	queue_id VARCHAR(64) NOT NULL,
	accepted_us BIGINT NOT NULL,
	found_us BIGINT NOT NULL,
	settled_us BIGINT NOT NULL, -- 0: open
	client VARCHAR(255) NOT NULL,
	header_id VARCHAR(255) NOT NULL,
	note MEDIUMTEXT NOT NULL, -- by whom and why it was settled
	PRIMARY KEY (host, queue_id, accepted_us)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;
CREATE INDEX mta_incident_open ON mta_incident (settled_us, accepted_us);

-- Captured, and not accepted: its client was not told that it would be delivered.
CREATE TABLE mta_unaccepted (
	message_id BINARY(16) NOT NULL,
	host VARCHAR(255) NOT NULL,
	queue_id VARCHAR(64) NOT NULL,
	found_us BIGINT NOT NULL,
	fate INTEGER NOT NULL, -- as above
	withdrawn_us BIGINT NOT NULL, -- 0: not; else it was accepted after all
	PRIMARY KEY (message_id)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

-- How far a log that is followed was read: which file it was then, and where in it.
CREATE TABLE mta_log (
	path VARCHAR(255) NOT NULL,
	device BIGINT NOT NULL,
	inode BIGINT NOT NULL,
	position BIGINT NOT NULL,
	line_us BIGINT NOT NULL, -- of the last line
	read_us BIGINT NOT NULL,
	PRIMARY KEY (path)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;
