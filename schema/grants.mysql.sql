-- What each program may do in a MySQL or MariaDB database, and nothing beyond. strongroom(7) says how the accounts are made;
-- then, after `strongroom migrate`, as the server's administrator:
--
--	sed -e 's/@NAME@/strongroom/g' -e 's/@HOST@/%/g' grants.mysql.sql | mysql
--
-- NAME is that of `meta = mysql:NAME`, HOST where the programs connect from. The account `strongroom` owns the schema, makes
-- it and brings it up to date (`strongroom init`, `strongroom migrate`); nothing else is done by it, and no daemon knows its
-- password. Triggers refuse UPDATE and DELETE on what was archived even to it and to the administrator.
-- Given again after each upgrade, for what is new.

-- ---- strongroom-milter and strongroom-lmtpd put messages in, and read none: to recognise a retry and to go on with
-- their sequence is all they look up, and the rules by which mail is kept. Where index_required is set they index again what was archived already, and need
-- SELECT on message, participant, attachment and relocation as well.

GRANT SELECT ON `@NAME@_capture`.schema_version TO 'strongroom_milter'@'@HOST@', 'strongroom_lmtpd'@'@HOST@';
GRANT SELECT, INSERT ON `@NAME@_capture`.capture_key TO 'strongroom_milter'@'@HOST@', 'strongroom_lmtpd'@'@HOST@';
GRANT SELECT ON `@NAME@_capture`.message_disposed TO 'strongroom_milter'@'@HOST@', 'strongroom_lmtpd'@'@HOST@';
GRANT SELECT, INSERT ON `@NAME@_capture`.ledger_batch TO 'strongroom_milter'@'@HOST@', 'strongroom_lmtpd'@'@HOST@';
GRANT INSERT ON `@NAME@_capture`.message TO 'strongroom_milter'@'@HOST@', 'strongroom_lmtpd'@'@HOST@';
GRANT INSERT ON `@NAME@_capture`.participant TO 'strongroom_milter'@'@HOST@', 'strongroom_lmtpd'@'@HOST@';
GRANT INSERT ON `@NAME@_capture`.mailbox_message TO 'strongroom_milter'@'@HOST@', 'strongroom_lmtpd'@'@HOST@';
GRANT INSERT ON `@NAME@_capture`.attachment TO 'strongroom_milter'@'@HOST@', 'strongroom_lmtpd'@'@HOST@';
GRANT INSERT ON `@NAME@_capture`.capture_attempt TO 'strongroom_milter'@'@HOST@', 'strongroom_lmtpd'@'@HOST@';
GRANT INSERT ON `@NAME@_capture`.ledger_record TO 'strongroom_milter'@'@HOST@', 'strongroom_lmtpd'@'@HOST@';
GRANT SELECT, INSERT, DELETE ON `@NAME@_capture`.outbox TO 'strongroom_milter'@'@HOST@', 'strongroom_lmtpd'@'@HOST@';
GRANT SELECT ON `@NAME@_control`.schema_version TO 'strongroom_milter'@'@HOST@', 'strongroom_lmtpd'@'@HOST@';
GRANT SELECT ON `@NAME@_control`.retention_policy TO 'strongroom_milter'@'@HOST@', 'strongroom_lmtpd'@'@HOST@';
GRANT SELECT ON `@NAME@_control`.legal_hold TO 'strongroom_milter'@'@HOST@', 'strongroom_lmtpd'@'@HOST@';
GRANT SELECT ON `@NAME@_control`.legal_hold_event TO 'strongroom_milter'@'@HOST@', 'strongroom_lmtpd'@'@HOST@';
GRANT INSERT ON `@NAME@_capture`.hold_work TO 'strongroom_milter'@'@HOST@', 'strongroom_lmtpd'@'@HOST@';
GRANT SELECT ON `@NAME@_control`.department TO 'strongroom_milter'@'@HOST@', 'strongroom_lmtpd'@'@HOST@';
GRANT SELECT ON `@NAME@_control`.department_mailbox TO 'strongroom_milter'@'@HOST@', 'strongroom_lmtpd'@'@HOST@';

-- ---- strongroom-queryd reads what is archived, writes who looked at it, and keeps the accounts.

GRANT SELECT ON `@NAME@_capture`.schema_version TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT ON `@NAME@_capture`.message TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT ON `@NAME@_capture`.relocation TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT ON `@NAME@_capture`.participant TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT ON `@NAME@_capture`.mailbox_message TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT ON `@NAME@_capture`.attachment TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT ON `@NAME@_capture`.outbox TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT ON `@NAME@_capture`.retention_extension TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT ON `@NAME@_capture`.upkeep_walk TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT ON `@NAME@_capture`.message_hold TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT ON `@NAME@_capture`.hold_work TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT ON `@NAME@_capture`.message_disposed TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT ON `@NAME@_capture`.message_removed TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT ON `@NAME@_capture`.removal_work TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT ON `@NAME@_capture`.disposal TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT, UPDATE (generation) ON `@NAME@_capture`.keep_gate TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT (daemon, first_seq, leaf_count) ON `@NAME@_capture`.ledger_batch TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT ON `@NAME@_capture`.ledger_record TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT ON `@NAME@_control`.schema_version TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT, INSERT, UPDATE (password_hash, totp_secret, totp_last_step, code_tries_us, token_generation, disabled, scope_all,
	scope_from_us, scope_until_us, version) ON `@NAME@_control`.account TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT, INSERT, DELETE ON `@NAME@_control`.account_role TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT, INSERT, DELETE ON `@NAME@_control`.account_mailbox TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT, INSERT, DELETE ON `@NAME@_control`.account_department TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT, INSERT, UPDATE ON `@NAME@_control`.service_account TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT ON `@NAME@_control`.permission TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT, INSERT, UPDATE, DELETE ON `@NAME@_control`.role TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT, INSERT, DELETE ON `@NAME@_control`.role_permission TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT, INSERT, UPDATE (version), DELETE ON `@NAME@_control`.department TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT, INSERT, DELETE ON `@NAME@_control`.department_mailbox TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT, INSERT, UPDATE, DELETE ON `@NAME@_control`.rate_count TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT, INSERT, UPDATE, DELETE ON `@NAME@_control`.signin_known TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT, INSERT, UPDATE, DELETE ON `@NAME@_control`.session TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT, INSERT, UPDATE, DELETE ON `@NAME@_control`.totp_enrolment TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT, INSERT, UPDATE, DELETE ON `@NAME@_control`.recovery_code TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT, INSERT, DELETE ON `@NAME@_control`.account_identity TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT, INSERT, UPDATE, DELETE ON `@NAME@_control`.saved_search TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT, INSERT ON `@NAME@_control`.retention_policy TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT, INSERT ON `@NAME@_control`.legal_hold TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT, INSERT ON `@NAME@_control`.legal_hold_message TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT, INSERT ON `@NAME@_control`.legal_hold_event TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT, INSERT ON `@NAME@_control`.audit_intent TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT, INSERT ON `@NAME@_control`.audit_outcome TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT ON `@NAME@_control`.audit_before TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT, INSERT ON `@NAME@_control`.disposition TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT, INSERT ON `@NAME@_control`.disposition_event TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT, INSERT ON `@NAME@_control`.legal_case TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT, INSERT ON `@NAME@_control`.legal_case_event TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT, INSERT ON `@NAME@_control`.legal_case_note TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT, INSERT, DELETE ON `@NAME@_control`.case_member TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT, INSERT, DELETE ON `@NAME@_control`.case_tag TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT, INSERT ON `@NAME@_control`.export_request TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT, INSERT, UPDATE (state, finished_us) ON `@NAME@_control`.export_job TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT, INSERT ON `@NAME@_control`.audit_mailbox TO 'strongroom_queryd'@'@HOST@';
GRANT INSERT ON `@NAME@_control`.audit_record TO 'strongroom_queryd'@'@HOST@';
GRANT SELECT, INSERT ON `@NAME@_control`.audit_batch TO 'strongroom_queryd'@'@HOST@';

-- ---- strongroom-workerd reads all that is archived, clears the outbox, keeps its own accounts, builds exports, and makes room for the
-- months to come by a procedure: it can't alter a table itself.

GRANT SELECT ON `@NAME@\_capture`.* TO 'strongroom_workerd'@'@HOST@', 'strongroom_operator'@'@HOST@';
GRANT INSERT, DELETE ON `@NAME@_capture`.outbox TO 'strongroom_workerd'@'@HOST@', 'strongroom_operator'@'@HOST@';
GRANT INSERT, UPDATE ON `@NAME@_capture`.reconcile_walk TO 'strongroom_workerd'@'@HOST@';
GRANT INSERT, UPDATE ON `@NAME@_capture`.reconcile_alarm TO 'strongroom_workerd'@'@HOST@';
GRANT INSERT, UPDATE ON `@NAME@_capture`.orphan TO 'strongroom_workerd'@'@HOST@';
GRANT INSERT, UPDATE ON `@NAME@_capture`.daily_account TO 'strongroom_workerd'@'@HOST@';
GRANT INSERT, UPDATE, DELETE ON `@NAME@_capture`.mta_message TO 'strongroom_workerd'@'@HOST@', 'strongroom_operator'@'@HOST@';
GRANT INSERT, UPDATE, DELETE ON `@NAME@_capture`.mta_log TO 'strongroom_workerd'@'@HOST@', 'strongroom_operator'@'@HOST@';
GRANT INSERT, UPDATE ON `@NAME@_capture`.mta_incident TO 'strongroom_workerd'@'@HOST@', 'strongroom_operator'@'@HOST@';
GRANT INSERT, UPDATE ON `@NAME@_capture`.mta_unaccepted TO 'strongroom_workerd'@'@HOST@', 'strongroom_operator'@'@HOST@';
GRANT INSERT ON `@NAME@_capture`.retention_extension TO 'strongroom_workerd'@'@HOST@';
GRANT INSERT ON `@NAME@_capture`.ledger_fact TO 'strongroom_workerd'@'@HOST@';
GRANT INSERT ON `@NAME@_capture`.message_hold TO 'strongroom_workerd'@'@HOST@';
GRANT DELETE ON `@NAME@_capture`.hold_work TO 'strongroom_workerd'@'@HOST@';
GRANT INSERT ON `@NAME@_capture`.message_disposed TO 'strongroom_workerd'@'@HOST@';
GRANT INSERT ON `@NAME@_capture`.message_removed TO 'strongroom_workerd'@'@HOST@';
GRANT INSERT, UPDATE ON `@NAME@_capture`.disposal TO 'strongroom_workerd'@'@HOST@';
GRANT UPDATE ON `@NAME@_capture`.keep_gate TO 'strongroom_workerd'@'@HOST@'; -- so much as to lock it
GRANT INSERT, UPDATE, DELETE ON `@NAME@_capture`.removal_work TO 'strongroom_workerd'@'@HOST@';
GRANT INSERT, UPDATE, DELETE ON `@NAME@_capture`.index_removal TO 'strongroom_workerd'@'@HOST@';
GRANT INSERT, UPDATE ON `@NAME@_capture`.retention_reached TO 'strongroom_workerd'@'@HOST@';
GRANT INSERT, UPDATE ON `@NAME@_capture`.upkeep_walk TO 'strongroom_workerd'@'@HOST@';
GRANT EXECUTE ON PROCEDURE `@NAME@_capture`.extend_partitions TO 'strongroom_workerd'@'@HOST@';
GRANT SELECT ON `@NAME@_control`.schema_version TO 'strongroom_workerd'@'@HOST@';
GRANT SELECT ON `@NAME@_control`.export_request TO 'strongroom_workerd'@'@HOST@';
GRANT SELECT, UPDATE ON `@NAME@_control`.export_job TO 'strongroom_workerd'@'@HOST@';
-- whether who has asked for an export may still do so, and see what is in it
GRANT SELECT (id, username, disabled, scope_all, scope_from_us, scope_until_us) ON `@NAME@_control`.account TO 'strongroom_workerd'@'@HOST@';
GRANT SELECT ON `@NAME@_control`.account_role TO 'strongroom_workerd'@'@HOST@';
GRANT SELECT ON `@NAME@_control`.role_permission TO 'strongroom_workerd'@'@HOST@';
GRANT SELECT ON `@NAME@_control`.account_mailbox TO 'strongroom_workerd'@'@HOST@';
GRANT SELECT ON `@NAME@_control`.account_department TO 'strongroom_workerd'@'@HOST@';
GRANT SELECT ON `@NAME@_control`.department_mailbox TO 'strongroom_workerd'@'@HOST@';
GRANT INSERT ON `@NAME@_control`.audit_intent TO 'strongroom_workerd'@'@HOST@';
GRANT INSERT ON `@NAME@_control`.audit_outcome TO 'strongroom_workerd'@'@HOST@';
GRANT INSERT ON `@NAME@_control`.audit_mailbox TO 'strongroom_workerd'@'@HOST@';
GRANT SELECT, INSERT ON `@NAME@_control`.audit_record TO 'strongroom_workerd'@'@HOST@';
GRANT SELECT, INSERT ON `@NAME@_control`.audit_batch TO 'strongroom_workerd'@'@HOST@';
GRANT SELECT, INSERT, UPDATE (seq, sent_us) ON `@NAME@_control`.audit_forward TO 'strongroom_workerd'@'@HOST@';
GRANT SELECT (id, action) ON `@NAME@_control`.audit_intent TO 'strongroom_workerd'@'@HOST@';
GRANT SELECT (intent_id, result) ON `@NAME@_control`.audit_outcome TO 'strongroom_workerd'@'@HOST@';
GRANT SELECT ON `@NAME@_control`.retention_policy TO 'strongroom_workerd'@'@HOST@';
GRANT SELECT ON `@NAME@_control`.legal_hold TO 'strongroom_workerd'@'@HOST@';
GRANT SELECT ON `@NAME@_control`.legal_hold_message TO 'strongroom_workerd'@'@HOST@';
GRANT SELECT ON `@NAME@_control`.legal_hold_event TO 'strongroom_workerd'@'@HOST@';
GRANT SELECT ON `@NAME@_control`.department TO 'strongroom_workerd'@'@HOST@';
GRANT SELECT ON `@NAME@_control`.disposition TO 'strongroom_workerd'@'@HOST@';
GRANT SELECT ON `@NAME@_control`.disposition_event TO 'strongroom_workerd'@'@HOST@';

-- ---- strongroom_operator is for the command `strongroom`: check, status, import, reindex, copy, user and department.

GRANT INSERT ON `@NAME@_capture`.capture_key TO 'strongroom_operator'@'@HOST@';
GRANT INSERT ON `@NAME@_capture`.ledger_batch TO 'strongroom_operator'@'@HOST@';
GRANT INSERT ON `@NAME@_capture`.message TO 'strongroom_operator'@'@HOST@';
GRANT INSERT ON `@NAME@_capture`.relocation TO 'strongroom_operator'@'@HOST@';
GRANT INSERT ON `@NAME@_capture`.participant TO 'strongroom_operator'@'@HOST@';
GRANT INSERT ON `@NAME@_capture`.mailbox_message TO 'strongroom_operator'@'@HOST@';
GRANT INSERT ON `@NAME@_capture`.attachment TO 'strongroom_operator'@'@HOST@';
GRANT INSERT ON `@NAME@_capture`.capture_attempt TO 'strongroom_operator'@'@HOST@';
GRANT INSERT ON `@NAME@_capture`.ledger_record TO 'strongroom_operator'@'@HOST@';
GRANT INSERT ON `@NAME@_capture`.hold_work TO 'strongroom_operator'@'@HOST@';
GRANT INSERT, DELETE ON `@NAME@_capture`.import_place TO 'strongroom_operator'@'@HOST@';
GRANT SELECT ON `@NAME@\_control`.* TO 'strongroom_operator'@'@HOST@';
GRANT INSERT, UPDATE ON `@NAME@_control`.account TO 'strongroom_operator'@'@HOST@';
GRANT INSERT, DELETE ON `@NAME@_control`.totp_enrolment TO 'strongroom_operator'@'@HOST@';
GRANT DELETE ON `@NAME@_control`.recovery_code TO 'strongroom_operator'@'@HOST@';
GRANT INSERT, DELETE ON `@NAME@_control`.account_identity TO 'strongroom_operator'@'@HOST@';
GRANT INSERT, DELETE ON `@NAME@_control`.account_role TO 'strongroom_operator'@'@HOST@';
GRANT INSERT, DELETE ON `@NAME@_control`.account_mailbox TO 'strongroom_operator'@'@HOST@';
GRANT INSERT, DELETE ON `@NAME@_control`.role TO 'strongroom_operator'@'@HOST@';
GRANT INSERT, DELETE ON `@NAME@_control`.role_permission TO 'strongroom_operator'@'@HOST@';
GRANT INSERT, DELETE ON `@NAME@_control`.service_account TO 'strongroom_operator'@'@HOST@';
GRANT INSERT, DELETE ON `@NAME@_control`.account_department TO 'strongroom_operator'@'@HOST@';
GRANT INSERT, UPDATE (version, directory), DELETE ON `@NAME@_control`.department TO 'strongroom_operator'@'@HOST@';
GRANT INSERT, DELETE ON `@NAME@_control`.department_mailbox TO 'strongroom_operator'@'@HOST@';
GRANT INSERT ON `@NAME@_control`.audit_intent TO 'strongroom_operator'@'@HOST@';
GRANT INSERT ON `@NAME@_control`.audit_outcome TO 'strongroom_operator'@'@HOST@';
GRANT INSERT ON `@NAME@_control`.audit_mailbox TO 'strongroom_operator'@'@HOST@';
GRANT INSERT ON `@NAME@_control`.audit_record TO 'strongroom_operator'@'@HOST@';
GRANT INSERT ON `@NAME@_capture`.ledger_fact TO 'strongroom_operator'@'@HOST@';
GRANT INSERT ON `@NAME@_capture`.message_hold TO 'strongroom_operator'@'@HOST@';
GRANT INSERT ON `@NAME@_capture`.retention_extension TO 'strongroom_operator'@'@HOST@';
GRANT INSERT ON `@NAME@_capture`.message_disposed TO 'strongroom_operator'@'@HOST@';
GRANT INSERT ON `@NAME@_capture`.message_removed TO 'strongroom_operator'@'@HOST@';
GRANT INSERT ON `@NAME@_capture`.removal_work TO 'strongroom_operator'@'@HOST@';
GRANT INSERT, UPDATE (finished_us), DELETE ON `@NAME@_capture`.disposal TO 'strongroom_operator'@'@HOST@';
GRANT UPDATE (generation) ON `@NAME@_capture`.keep_gate TO 'strongroom_operator'@'@HOST@';
GRANT INSERT ON `@NAME@_control`.legal_case TO 'strongroom_operator'@'@HOST@';
GRANT INSERT ON `@NAME@_control`.legal_case_event TO 'strongroom_operator'@'@HOST@';
GRANT INSERT ON `@NAME@_control`.legal_case_note TO 'strongroom_operator'@'@HOST@';
GRANT INSERT, DELETE ON `@NAME@_control`.case_member TO 'strongroom_operator'@'@HOST@';
GRANT INSERT, DELETE ON `@NAME@_control`.case_tag TO 'strongroom_operator'@'@HOST@';
GRANT INSERT ON `@NAME@_control`.disposition TO 'strongroom_operator'@'@HOST@';
GRANT INSERT ON `@NAME@_control`.disposition_event TO 'strongroom_operator'@'@HOST@';
GRANT INSERT ON `@NAME@_control`.legal_hold TO 'strongroom_operator'@'@HOST@';
GRANT INSERT ON `@NAME@_control`.legal_hold_message TO 'strongroom_operator'@'@HOST@';
GRANT INSERT ON `@NAME@_control`.legal_hold_event TO 'strongroom_operator'@'@HOST@';
GRANT INSERT ON `@NAME@_control`.retention_policy TO 'strongroom_operator'@'@HOST@';
GRANT INSERT ON `@NAME@_control`.saved_search TO 'strongroom_operator'@'@HOST@';
GRANT INSERT ON `@NAME@_control`.audit_batch TO 'strongroom_operator'@'@HOST@';

-- `strongroom check` and `strongroom status` read the binary log's state and a replica's lag. Who may use a trigger may
-- drop it, so the operator's account can't even see them: `strongroom check` looks for them when the schema's owner runs it.
GRANT REPLICATION CLIENT ON *.* TO 'strongroom_operator'@'@HOST@';
/*M! GRANT REPLICA MONITOR ON *.* TO 'strongroom_operator'@'@HOST@' */;
