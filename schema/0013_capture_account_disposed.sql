-- What was disposed of is neither missing in the store nor in the index: the account of a day counts it by itself, as it was
-- when the store was counted (removed) and when the index was (unindexed). See 0001_capture.sql for the dialect.

ALTER TABLE reconcile_walk ADD COLUMN removed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE reconcile_walk ADD COLUMN unindexed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE daily_account ADD COLUMN removed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE daily_account ADD COLUMN unindexed BIGINT NOT NULL DEFAULT 0;
