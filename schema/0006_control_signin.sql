-- From which networks somebody has signed in lately: from there a name stays open while strangers use up its tries. Rows that
-- have run out go when a new one is made.

CREATE TABLE signin_known (
	name VARCHAR(64) NOT NULL, -- a hash of the user's name and the network
	until_us BIGINT NOT NULL,
	PRIMARY KEY (name)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;
