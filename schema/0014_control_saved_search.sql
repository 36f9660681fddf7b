-- Searches that somebody keeps to run them again. They are that account's alone, and say what is looked for, not what may be
-- seen: whoever runs one does so within his own scope. See 0001_capture.sql for the dialect.

CREATE TABLE saved_search (
	id BINARY(16) NOT NULL,
	account_id BIGINT NOT NULL,
	version BIGINT NOT NULL, -- moved on by every change
	name VARCHAR(255) NOT NULL,
	case_id BINARY(16), -- NULL: of none
	request MEDIUMTEXT NOT NULL, -- JSON, as POST /api/v1/search/emails/ takes it
	created_us BIGINT NOT NULL,
	changed_us BIGINT NOT NULL,
	PRIMARY KEY (account_id, id)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;
