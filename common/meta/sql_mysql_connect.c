#include "meta/sql_mysql.h"

#include "base/clock.h"
#include "sys/secret_file.h"

#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 56 /* of 64 that a database's has, with "_capture" and "_control" */

#define PATIENCE_S (7 * 86400) /* for the changes of a schema */

/* Where to connect: a Unix socket, or host and port. */
struct address {
	char *host;
	unsigned port;
	const char *socket; /* NULL: none */
};

static void address_deinit(struct address *a)
{
	free(a->host);
}

int mydb_database_name(char **name_r, const struct sql_place *p, struct err *e)
{
	size_t n = strlen(p->place);

	if (n > NAME_MAX_BYTES ||
		p->place[strspn(p->place, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")])
		return err_permanent(e, "open(mysql:%s) failed: the name must be of letters, digits, '_' and '-', of at most "
			"%d bytes", p->place, NAME_MAX_BYTES);
	*name_r = mem_printf("%s_%s", p->place, p->name);
	return 0;
}

static struct address primary_address(const struct conf *conf)
{
	if (*conf->mysql_socket)
		return (struct address){ .host = mem_strdup("localhost"), .socket = conf->mysql_socket };
	return (struct address){ .host = mem_strdup(conf->mysql_host), .port = (unsigned)conf->mysql_port };
}

/* "host:port" or "[::1]:port", as conf has checked. */
static struct address replica_address(const struct conf *conf)
{
	const char *text = conf->mysql_replica, *colon = strrchr(text, ':');
	bool bracketed = *text == '[';

	return (struct address){
		.host = mem_dup(text + bracketed, (size_t)(colon - text) - 2 * bracketed),
		.port = (unsigned)strtoul(colon + 1, NULL, 10),
	};
}

/* An address of this machine, by which nobody else can listen. */
static bool is_local(const char *host)
{
	return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 || strcmp(host, "localhost") == 0;
}

static bool wants_tls(const struct conf *conf, const struct address *a)
{
	if (a->socket || strcmp(conf->mysql_tls, "never") == 0)
		return false;
	return strcmp(conf->mysql_tls, "always") == 0 || *conf->mysql_tls_ca || !is_local(a->host);
}

static unsigned seconds(int64_t us)
{
	return (unsigned)((us + CLOCK_SECOND - 1) / CLOCK_SECOND);
}

static void set_options(MYSQL *db, const struct sql_place *p, const struct address *a)
{
	const struct conf *conf = p->conf;
	unsigned connect = seconds(conf->mysql_connect_timeout_us), off = 0;
	unsigned answer = p->access == SQL_CREATE ? PATIENCE_S : seconds(conf->mysql_timeout_us);
	mydb_flag no = 0;

	mysql_options(db, MYSQL_OPT_CONNECT_TIMEOUT, &connect);
	mysql_options(db, MYSQL_OPT_READ_TIMEOUT, &answer);
	mysql_options(db, MYSQL_OPT_WRITE_TIMEOUT, &answer);
	mysql_options(db, MYSQL_OPT_LOCAL_INFILE, &off); /* or the server could ask for any file of ours */
	mysql_options(db, MYSQL_OPT_RECONNECT, &no);
	mysql_options(db, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	if (!wants_tls(conf, a))
		return;
	mydb_demand_tls(db);
	if (*conf->mysql_tls_ca)
		mysql_ssl_set(db, NULL, NULL, conf->mysql_tls_ca, NULL, NULL);
}

/* Read for each connection, so that a password can be changed under way. Caller frees. */
static int read_password(const struct conf *conf, char **password_r, struct err *e)
{
	const char *given = getenv("DB_PASSWORD");

	if (given && *given)
		*password_r = mem_strdup(given);
	else if (*conf->mysql_password_file)
		return secret_file_line(password_r, conf->mysql_password_file, e);
	else
		*password_r = mem_strdup("");
	return 0;
}

static void wipe(char **password)
{
	if (*password)
		explicit_bzero(*password, strlen(*password));
	free(*password);
}

int mydb_set_table_patience(struct mydb_conn *c, unsigned seconds, struct err *e)
{
	_free_ char *sql = mem_printf("SET SESSION lock_wait_timeout = %u", seconds);

	return mydb_execute(c, "lock_wait_timeout", sql, e);
}

/* Strict: the server refuses what it could only store cut or changed. READ COMMITTED for who writes: a claim that meets
 * another daemon's must then see what that one has committed, and deletes of the outbox lock no gaps. Readers see, in a
 * transaction, one state throughout. Nobody waits for a lock for long. */
static int set_up_session(struct mydb_conn *c, enum sql_role role, struct err *e)
{
	static const char modes[] = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,"
				    "ERROR_FOR_DIVISION_BY_ZERO', innodb_lock_wait_timeout = 5, autocommit = 1";
	const char *isolation = role == SQL_ROLE_WRITER ? "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED" :
							  "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ";

	return mydb_execute(c, "open", modes, e) || mydb_execute(c, "open", isolation, e) ||
		mydb_set_table_patience(c, MYDB_TABLE_PATIENCE_S, e) ? -1 : 0;
}

int mydb_connect_to(struct mydb_conn *c, const struct sql_place *p, enum sql_role role, const char *database,
	struct err *e)
{
	CLEANUP(address_deinit) struct address a =
		role == SQL_ROLE_REPLICA ? replica_address(p->conf) : primary_address(p->conf);
	CLEANUP(wipe) char *password = NULL;

	if (a.socket)
		c->where = mem_printf("%s_%s at %s", p->place, p->name, a.socket);
	else
		c->where = mem_printf("%s_%s at %s:%u", p->place, p->name, a.host, a.port);
	c->db = mysql_init(NULL);
	if (!c->db)
		return err_temporary(e, "open(%s) failed: no memory", c->where);
	if (read_password(p->conf, &password, e))
		return err_prefix(e, "mysql.password_file");
	set_options(c->db, p, &a);
	if (!mysql_real_connect(c->db, a.host, p->conf->mysql_user, password, database, a.port, a.socket,
		CLIENT_FOUND_ROWS)) { /* rows that an UPDATE matches count, as SQLite counts them */
		mydb_failure(c, "open", e);
		if (e->class == ERR_CONFLICT) /* nothing was lost yet, so there is nothing to repeat */
			e->class = ERR_TEMPORARY;
		return -1;
	}
	return set_up_session(c, role, e);
}
