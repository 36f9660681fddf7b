#include "meta/sql_mysql.h"

#include <mysqld_error.h>
#include <string.h>

/* Numbers that only one of the two kinds of server or library has. */
#define CODE_CONNECTION_KILLED 1927	   /* MariaDB */
#define CODE_CLIENT_INTERACTION_TIMEOUT 4031 /* MySQL: the server has closed an idle connection */
#define CODE_SERVER_LOST_EXTENDED 2055
#define CODE_STATEMENT_TIMEOUT 1969 /* MariaDB: max_statement_time */
#define CODE_QUERY_TIMEOUT 3024	    /* MySQL: max_execution_time */

enum kind {
	LOST,	   /* the connection is gone, and its transaction with it */
	UNDONE,	   /* the server has undone the whole transaction */
	WAITED,	   /* a lock was waited for in vain: the statement is undone */
	TEMPORARY,
	DENIED,
	NO_SCHEMA,
	PERMANENT,
};

static enum kind kind_of(unsigned code)
{
	switch (code) {
	case CR_SERVER_GONE_ERROR:
	case CR_SERVER_LOST:
	case CODE_SERVER_LOST_EXTENDED:
	case CR_COMMANDS_OUT_OF_SYNC:
	case CR_MALFORMED_PACKET:
	case CODE_CONNECTION_KILLED:
	case CODE_CLIENT_INTERACTION_TIMEOUT:
	case ER_SERVER_SHUTDOWN:
	case ER_NET_READ_ERROR:
	case ER_NET_READ_INTERRUPTED:
	case ER_NET_ERROR_ON_WRITE:
	case ER_NET_WRITE_INTERRUPTED:
	case ER_NET_PACKETS_OUT_OF_ORDER:
		return LOST;
	case ER_LOCK_DEADLOCK:
	case ER_LOCK_TABLE_FULL:
		return UNDONE;
	case ER_LOCK_WAIT_TIMEOUT:
		return WAITED;
	case CR_CONNECTION_ERROR:
	case CR_CONN_HOST_ERROR:
	case CR_UNKNOWN_HOST:
	case CR_IPSOCK_ERROR:
	case CR_OUT_OF_MEMORY:
	case CR_SSL_CONNECTION_ERROR:
	case ER_CON_COUNT_ERROR:
	case ER_TOO_MANY_USER_CONNECTIONS:
	case ER_USER_LIMIT_REACHED:
	case ER_HANDSHAKE_ERROR:
	case ER_HOST_IS_BLOCKED:
	case ER_OPTION_PREVENTS_STATEMENT: /* read_only: a primary that became a replica */
	case ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION:
	case ER_READ_ONLY_MODE:
	case ER_RECORD_FILE_FULL:
	case ER_DISK_FULL:
	case ER_ERROR_ON_WRITE:
	case ER_ERROR_ON_READ:
	case ER_GET_ERRNO:
	case ER_OUTOFMEMORY:
	case ER_OUT_OF_RESOURCES:
	case ER_OUT_OF_SORTMEMORY:
	case ER_TOO_MANY_CONCURRENT_TRXS:
	case ER_CANT_CREATE_THREAD:
	case ER_QUERY_INTERRUPTED:
	case CODE_STATEMENT_TIMEOUT:
	case CODE_QUERY_TIMEOUT:
	case ER_NEED_REPREPARE:
	case ER_MAX_PREPARED_STMT_COUNT_REACHED:
	case ER_TABLE_DEF_CHANGED:
		return TEMPORARY;
	case ER_ACCESS_DENIED_ERROR:
	case ER_DBACCESS_DENIED_ERROR:
	case ER_TABLEACCESS_DENIED_ERROR:
	case ER_COLUMNACCESS_DENIED_ERROR:
	case ER_SPECIFIC_ACCESS_DENIED_ERROR:
	case ER_PROCACCESS_DENIED_ERROR:
		return DENIED;
	case ER_BAD_DB_ERROR:
	case ER_NO_SUCH_TABLE:
	case ER_BAD_FIELD_ERROR:
		return NO_SCHEMA;
	default:
		return PERMANENT;
	}
}

static int classify(struct mydb_conn *c, const char *operation, unsigned code, const char *text, struct err *e)
{
	enum kind kind = kind_of(code);
	bool in_transaction = c->base.in_transaction;

	c->lost = c->lost || kind == LOST;
	c->rolled_back = c->rolled_back || (in_transaction && (kind == LOST || kind == UNDONE));
	switch (kind) {
	case LOST:
	case UNDONE:
	case WAITED:
		return err_conflict(e, "%s(%s) failed: %s (%u)", operation, c->where, text, code);
	case TEMPORARY:
		return err_temporary(e, "%s(%s) failed: %s (%u)", operation, c->where, text, code);
	case DENIED:
		return err_permanent(e, "%s(%s) failed: %s (%u): see %s", operation, c->where, text, code,
			code == ER_ACCESS_DENIED_ERROR ? "[mysql] user and its password" : "grants.mysql.sql");
	case NO_SCHEMA:
		return err_permanent(e, "%s(%s) failed: %s (%u); `strongroom init` makes the schema", operation, c->where,
			text, code);
	case PERMANENT:
		break;
	}
	return err_permanent(e, "%s(%s) failed: %s (%u)", operation, c->where, text, code);
}

int mydb_failure(struct mydb_conn *c, const char *operation, struct err *e)
{
	return classify(c, operation, mysql_errno(c->db), mysql_error(c->db), e);
}

int mydb_stmt_failure(struct mydb_conn *c, MYSQL_STMT *st, const char *operation, struct err *e)
{
	return classify(c, operation, mysql_stmt_errno(st), mysql_stmt_error(st), e);
}

bool mydb_is_duplicate(unsigned code)
{
	return code == ER_DUP_ENTRY || code == ER_DUP_ENTRY_WITH_KEY_NAME;
}

/* A server that answers that it could not commit may have been half way through it: only of these codes is it known
 * that nothing was done. */
int mydb_commit_failure(struct mydb_conn *c, struct err *e)
{
	unsigned code = mysql_errno(c->db);
	enum kind kind = kind_of(code);

	if (kind == UNDONE || kind == WAITED || code == ER_OPTION_PREVENTS_STATEMENT || code == ER_READ_ONLY_MODE)
		return classify(c, "commit", code, mysql_error(c->db), e);
	c->lost = true; /* what it would say now is not worth asking */
	return err_unknown(e, "commit(%s) failed: %s (%u)", c->where, mysql_error(c->db), code);
}

int mydb_execute(struct mydb_conn *c, const char *operation, const char *sql, struct err *e)
{
	return mysql_real_query(c->db, sql, strlen(sql)) ? mydb_failure(c, operation, e) : 0;
}

MYSQL_RES *mydb_ask(struct mydb_conn *c, const char *operation, const char *sql, struct err *e)
{
	if (mydb_execute(c, operation, sql, e))
		return NULL;
	MYSQL_RES *result = mysql_store_result(c->db);

	if (!result && mysql_errno(c->db))
		mydb_failure(c, operation, e);
	else if (!result)
		err_permanent(e, "%s(%s) failed: it gave no rows", operation, c->where);
	return result;
}
