-- What is managed over HTTPS: each resource has a version, which every change moves on (the ETag); roles of one's own beside
-- those that come with the program, which nobody changes; and accounts of programs, which sign in with a token and the client
-- certificate that it is bound to.

ALTER TABLE account ADD COLUMN version BIGINT NOT NULL DEFAULT 0;
ALTER TABLE department ADD COLUMN version BIGINT NOT NULL DEFAULT 0;
ALTER TABLE role ADD COLUMN version BIGINT NOT NULL DEFAULT 0;
ALTER TABLE role ADD COLUMN custom INTEGER NOT NULL DEFAULT 0;

CREATE TABLE service_account (
	account_id INTEGER NOT NULL,
	token_hash BINARY(32) NOT NULL, -- SHA-256: the token itself is shown once and kept nowhere
	certificate BINARY(32) NOT NULL, -- SHA-256 of the client certificate (DER)
	token_us BIGINT NOT NULL, -- when the token was made
	PRIMARY KEY (account_id),
	UNIQUE (token_hash),
	FOREIGN KEY (account_id) REFERENCES account (id)
) /*! ENGINE=InnoDB */;

-- In which departments a mailbox is.
CREATE INDEX department_mailbox_mailbox ON department_mailbox (mailbox);
