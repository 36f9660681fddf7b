-- What the reconciler (strongroom-workerd) keeps: how far it has looked, what it found, and the account of each day. See
-- 0001_capture.sql for the dialect. None of it is evidence: it can be found again by looking at everything anew.

-- A walk over the archive in the order of the ids. What it counted of the day that it is in goes with its place.
CREATE TABLE reconcile_walk (
	name VARCHAR(64) NOT NULL,
	at_us BIGINT NOT NULL, -- whatever was archived before was looked at
	began_us BIGINT NOT NULL, -- this round
	finished_us BIGINT NOT NULL, -- this round; 0: not yet
	captured BIGINT NOT NULL,
	recorded BIGINT NOT NULL,
	in_store BIGINT NOT NULL,
	indexed BIGINT NOT NULL,
	waiting BIGINT NOT NULL,
	orphans BIGINT NOT NULL,
	missing BIGINT NOT NULL,
	first_us BIGINT NOT NULL,
	last_us BIGINT NOT NULL,
	PRIMARY KEY (name)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;

-- An object that no row names: its message was never acknowledged. It is never removed (it is locked); should its row
-- appear, it is adopted.
CREATE TABLE orphan (
	id BINARY(16) NOT NULL,
	version_id VARCHAR(1024) /*! CHARACTER SET ascii COLLATE ascii_bin */ NOT NULL,
	bucket VARCHAR(255) NOT NULL,
	object_key VARCHAR(1024) NOT NULL,
	object_length BIGINT NOT NULL,
	sha256 BINARY(32) NOT NULL,
	stored_us BIGINT NOT NULL,
	found_us BIGINT NOT NULL,
	adopted_us BIGINT NOT NULL, -- 0: not
	PRIMARY KEY (id, version_id)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;
CREATE INDEX orphan_adopted ON orphan (adopted_us, id);

-- Something that is wrong with an archived message, until it is mended.
CREATE TABLE reconcile_alarm (
	message_id BINARY(16) NOT NULL,
	kind INTEGER NOT NULL,
	found_us BIGINT NOT NULL,
	seen_us BIGINT NOT NULL, -- looked at last
	cleared_us BIGINT NOT NULL, -- 0: open
	detail MEDIUMTEXT NOT NULL,
	PRIMARY KEY (message_id, kind)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;
CREATE INDEX reconcile_alarm_open ON reconcile_alarm (cleared_us, seen_us);

-- One UTC day, by the time in the ids: the store's part and the index's part, each with how far the day was counted.
CREATE TABLE daily_account (
	day_us BIGINT NOT NULL,
	captured BIGINT NOT NULL, -- leaves of the ledger, the most that were ever counted
	recorded BIGINT NOT NULL, -- rows
	in_store BIGINT NOT NULL, -- of these, with their object
	orphans BIGINT NOT NULL, -- objects without a row
	missing BIGINT NOT NULL, -- rows without their object
	first_us BIGINT NOT NULL,
	last_us BIGINT NOT NULL,
	stored_until_us BIGINT NOT NULL,
	indexed BIGINT NOT NULL,
	waiting BIGINT NOT NULL, -- on the outbox
	indexed_until_us BIGINT NOT NULL,
	counted_us BIGINT NOT NULL,
	PRIMARY KEY (day_us)
) /*sqlite WITHOUT ROWID */ /*! ENGINE=InnoDB */;
