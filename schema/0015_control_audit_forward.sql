-- How far the audit has been sent on, of each daemon's sequence and each place that it is sent to.

CREATE TABLE audit_forward (
	target VARCHAR(16) NOT NULL, -- file, syslog
	daemon VARCHAR(255) NOT NULL,
	seq BIGINT NOT NULL, -- the last that was sent
	sent_us BIGINT NOT NULL,
	PRIMARY KEY (target, daemon)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;
