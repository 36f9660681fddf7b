/* statements: every piece of SQL that meta runs, by name. The text is in statements.c; it is portable between SQLite and
 * MySQL, and where that can't be a driver finds its own variant there. */
#ifndef META_STATEMENTS_H
#define META_STATEMENTS_H

enum statement {
	/* both databases */
	STMT_TABLE_EXISTS,
	STMT_VERSION_GET,
	STMT_VERSION_ADD,
	/* capture: writing */
	STMT_KEY_FIND,
	STMT_KEY_ADD,
	STMT_ATTEMPT_ADD,
	STMT_LAST_SEQ,
	STMT_MESSAGE_ADD,
	STMT_PARTICIPANT_ADD,
	STMT_MAILBOX_ADD,
	STMT_ATTACHMENT_ADD,
	STMT_RECORD_ADD,
	STMT_BATCH_ADD,
	STMT_OUTBOX_ADD,
	STMT_OUTBOX_REMOVE,
	/* capture: reading */
	STMT_MESSAGE_GET,
	STMT_MESSAGE_DATE,
	STMT_MAILBOX_HAS,
	STMT_PARTICIPANTS_GET,
	STMT_ATTACHMENTS_GET,
	STMT_MESSAGE_COUNT,
	STMT_MESSAGE_COUNT_RANGE,
	STMT_MAILBOX_COUNT,
	STMT_MAILBOX_LIST,
	STMT_MESSAGE_WALK,
	STMT_OUTBOX_LIST,
	STMT_OUTBOX_COUNT,
	STMT_OUTBOX_COUNT_RANGE,
	STMT_OUTBOX_OLDEST,
	STMT_OUTBOX_PARTICIPANTS,
	STMT_RECORD_GET,
	/* capture: does it add up? */
	STMT_VERIFY_BATCHES,
	STMT_VERIFY_RECORDS,
	STMT_VERIFY_MESSAGES,
	STMT_VERIFY_ORPHANS,
	STMT_VERIFY_KEYS,
	STMT_VERIFY_OUTBOX,
	/* control: accounts */
	STMT_ACCOUNT_BY_NAME,
	STMT_ACCOUNT_BY_ID,
	STMT_ACCOUNT_PERMISSIONS,
	STMT_ACCOUNT_SCOPE,
	STMT_ACCOUNT_ADD,
	STMT_ACCOUNT_ROLE_ADD,
	STMT_ACCOUNT_MAILBOX_ADD,
	STMT_ACCOUNT_DEPARTMENT_ADD,
	STMT_CODE_TRY,
	STMT_TOTP_USE,
	STMT_DEPARTMENT_FIND,
	STMT_DEPARTMENT_MAILBOXES,
	STMT_DEPARTMENT_ADD,
	STMT_DEPARTMENT_MAILBOX_ADD,
	/* control: audit */
	STMT_AUDIT_INTENT_ADD,
	STMT_AUDIT_OUTCOME_ADD,
	STATEMENTS, /* how many there are */
};

/* "message_add", for error texts. */
const char *statement_name(enum statement s);

const char *statement_sql(enum statement s);
const char *statement_sqlite(enum statement s); /* the same where there is no variant */

#endif
