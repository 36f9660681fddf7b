-- Second factors on their way in, and codes for who has lost one. Enrolling replaces account.totp_secret once a right code has
-- come; an account whose secret is empty has no second factor, and can do nothing but enrol with the token that an
-- administrator has made.

CREATE TABLE totp_enrolment (
	account_id INTEGER NOT NULL,
	token_hash BINARY(32), -- SHA-256 of the administrator's token; NULL: begun by who is signed in
	secret VARBINARY(512), -- sealed; NULL until the user has begun
	until_us BIGINT NOT NULL,
	PRIMARY KEY (account_id),
	FOREIGN KEY (account_id) REFERENCES account (id)
) /*! ENGINE=InnoDB */;

CREATE TABLE recovery_code (
	account_id INTEGER NOT NULL,
	code_hash BINARY(32) NOT NULL, -- SHA-256: each code is 80 random bits
	used_us BIGINT, -- NULL: good
	PRIMARY KEY (account_id, code_hash),
	FOREIGN KEY (account_id) REFERENCES account (id)
) /*! ENGINE=InnoDB */;
