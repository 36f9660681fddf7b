-- Which smtpd takes a message: when its client has gone, what it had begun is not finished any more.

ALTER TABLE mta_message ADD COLUMN pid BIGINT NOT NULL DEFAULT 0;
