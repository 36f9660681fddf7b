-- Tries of one-time codes. Each try moves code_tries_us on, from now or from where it stands, by the time that one try
-- costs; while it lies too far ahead no code is looked at. A sign-in takes it back to 0.

ALTER TABLE account ADD COLUMN code_tries_us BIGINT NOT NULL DEFAULT 0;
