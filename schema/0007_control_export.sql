-- Exports: what somebody has asked to have taken out of the archive, which is write-once, and how far that is.

CREATE TABLE export_request (
	id BINARY(16) NOT NULL,
	account_id BIGINT NOT NULL,
	requested_us BIGINT NOT NULL,
	format VARCHAR(16) NOT NULL, -- eml, mbox, loadfile
	container VARCHAR(16) NOT NULL, -- tar.gz, zip
	reason MEDIUMTEXT NOT NULL,
	matter VARCHAR(255), -- the case that it is for
	request MEDIUMTEXT NOT NULL, -- JSON: the query with its filters, or the ids
	scope MEDIUMTEXT NOT NULL, -- JSON: what the account might see then, narrowed by the filters
	client VARCHAR(255) NOT NULL,
	request_id VARCHAR(255) NOT NULL,
	PRIMARY KEY (id)
) /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

CREATE TABLE export_job (
	id BINARY(16) NOT NULL, -- of the request
	account_id BIGINT NOT NULL,
	state VARCHAR(16) NOT NULL, -- queued, building, ready, failed, cancelled, expired
	-- who builds it, and until when nobody else may take it up; each that does has an epoch of its own, and only the last
	-- one changes the row
	owner VARCHAR(255),
	lease_until_us BIGINT NOT NULL,
	epoch BIGINT NOT NULL,
	-- progress; a total of NULL is not known
	total BIGINT,
	done BIGINT NOT NULL,
	missing BIGINT NOT NULL, -- of those done: could not be exported
	size BIGINT NOT NULL, -- bytes of messages
	detail MEDIUMTEXT, -- why it failed, or is put off
	-- what became of it
	leftover INTEGER NOT NULL, -- something of it may be in the store
	built_scope MEDIUMTEXT, -- JSON: what the account might see when it was built, narrowed as before
	bucket VARCHAR(255),
	object_key VARCHAR(255),
	version_id VARCHAR(255),
	object_length BIGINT,
	sha256 BINARY(32),
	finished_us BIGINT,
	expires_us BIGINT,
	PRIMARY KEY (id),
	FOREIGN KEY (id) REFERENCES export_request (id)
) /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;
CREATE INDEX export_job_account ON export_job (account_id, id);
CREATE INDEX export_job_state ON export_job (state, lease_until_us);

CREATE TRIGGER export_request_no_update BEFORE UPDATE ON export_request FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'export_request is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'export_request is write-once'); END */;
CREATE TRIGGER export_request_no_delete BEFORE DELETE ON export_request FOR EACH ROW
/*! SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'export_request is write-once' */
/*sqlite BEGIN SELECT RAISE(ABORT, 'export_request is write-once'); END */;
