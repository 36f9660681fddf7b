-- How often something was tried in the present window of time, where no cache counts it. Rows of windows that are over
-- go when a new one is made.

CREATE TABLE rate_count (
	name VARCHAR(255) NOT NULL,
	window_us BIGINT NOT NULL, -- its beginning
	tries BIGINT NOT NULL,
	PRIMARY KEY (name)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;
