-- Who signs in through an OpenID provider. An account whose password_hash is empty has no password: it belongs to somebody who
-- signs in there, and is linked at the first sign-in to what the provider calls that person for good. See 0001_capture.sql for
-- the dialect.

CREATE TABLE account_identity (
	account_id INTEGER NOT NULL,
	identity BINARY(32) NOT NULL, -- SHA-256 of the issuer, a NUL and the subject: databases differ in which texts are alike
	issuer VARCHAR(255) NOT NULL,
	subject VARCHAR(255) NOT NULL,
	linked_us BIGINT NOT NULL,
	PRIMARY KEY (account_id),
	UNIQUE (identity),
	FOREIGN KEY (account_id) REFERENCES account (id)
) /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;
