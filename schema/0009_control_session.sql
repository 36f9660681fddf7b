-- Who is signed in, from where, and which refresh token goes on with it. A session is dead when it has ended, when its time is
-- over, when its account is disabled, and when the account's token_generation is another by now: that ends all sessions of an
-- account at once. Rows whose time is over go when a new one is made.
--
-- A refresh token has a part that stays and one that is another with each refresh; both are kept as SHA-256.

CREATE TABLE session (
	id BINARY(16) NOT NULL,
	account_id INTEGER NOT NULL,
	generation BIGINT NOT NULL,
	strength VARCHAR(64) NOT NULL, -- how the account was proved: "password+totp"
	created_us BIGINT NOT NULL,
	seen_us BIGINT NOT NULL, -- sign-in, refresh or second factor, whichever was last
	factor_us BIGINT NOT NULL, -- the last second factor
	until_us BIGINT NOT NULL, -- then it is over, whatever happens
	client VARCHAR(255) NOT NULL, -- address and port
	agent VARCHAR(255) NOT NULL, -- User-Agent
	refresh_family BINARY(32) NOT NULL, -- the part that stays
	refresh_hash BINARY(32) NOT NULL, -- the part that is good now
	refresh_before BINARY(32) NOT NULL, -- the one before it
	refreshed_us BIGINT NOT NULL,
	ended_us BIGINT, -- NULL while it lives
	end_reason VARCHAR(64),
	PRIMARY KEY (id),
	FOREIGN KEY (account_id) REFERENCES account (id)
) /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;
CREATE INDEX session_account ON session (account_id, id);
CREATE INDEX session_until ON session (until_us);
