-- Mailboxes are compared byte by byte in MySQL too. Nothing here is partitioned: accounts are few, and audit_outcome
-- refers to audit_intent, which MySQL allows for no partitioned table.

/*! ALTER TABLE department_mailbox MODIFY mailbox VARBINARY(512) NOT NULL */;
/*! ALTER TABLE account_mailbox MODIFY mailbox VARBINARY(512) NOT NULL */;
