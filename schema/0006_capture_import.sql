-- How far an import from a mailbox on a mail server has come: in the database of the messages, so that a backup that is
-- restored never claims more than it holds.

CREATE TABLE import_place (
	source VARCHAR(512) NOT NULL, -- URL of the folder
	uidvalidity BIGINT NOT NULL,
	uid BIGINT NOT NULL, -- all up to this one are settled, but for those refused
	refused MEDIUMTEXT NOT NULL, -- UIDs, separated by blanks
	at_us BIGINT NOT NULL,
	PRIMARY KEY (source)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;
