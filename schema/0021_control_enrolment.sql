-- Until when the secret of an enrolment can be confirmed: sooner than the administrator's token ends, with which another one
-- can be had. NULL: as long as the enrolment.

ALTER TABLE totp_enrolment ADD COLUMN secret_until_us BIGINT;
