-- The permissions that programs ask for, and the roles that people are given. The administrator runs the system and
-- sees no mail; the auditor sees what was done and no mail; only the exporter takes mail out.

INSERT INTO permission (name, meaning) VALUES
	('ARCHIVE_STORE', 'hand in messages over HTTPS'),
	('ARCHIVE_SEARCH', 'search within the scope'),
	('ARCHIVE_READ', 'read messages within the scope'),
	('ARCHIVE_EXPORT', 'export messages within the scope'),
	('HOLD_MANAGE', 'place and lift holds'),
	('RETENTION_MANAGE', 'set retention and approve disposition'),
	('AUDIT_READ', 'read the audit trail'),
	('USER_MANAGE', 'manage accounts, roles and scopes'),
	('SYSTEM_STATUS', 'see the state of the system');

INSERT INTO role (name, meaning) VALUES
	('investigator', 'searches and reads within a scope'),
	('exporter', 'an investigator who may also export'),
	('legal', 'an exporter who also manages holds'),
	('auditor', 'reviews who did what; no access to mail'),
	('administrator', 'runs the system; no access to mail'),
	('service', 'a program that hands in messages');

INSERT INTO role_permission (role, permission) VALUES
	('investigator', 'ARCHIVE_SEARCH'),
	('investigator', 'ARCHIVE_READ'),
	('exporter', 'ARCHIVE_SEARCH'),
	('exporter', 'ARCHIVE_READ'),
	('exporter', 'ARCHIVE_EXPORT'),
	('legal', 'ARCHIVE_SEARCH'),
	('legal', 'ARCHIVE_READ'),
	('legal', 'ARCHIVE_EXPORT'),
	('legal', 'HOLD_MANAGE'),
	('auditor', 'AUDIT_READ'),
	('auditor', 'SYSTEM_STATUS'),
	('administrator', 'USER_MANAGE'),
	('administrator', 'RETENTION_MANAGE'),
	('administrator', 'SYSTEM_STATUS'),
	('service', 'ARCHIVE_STORE');
