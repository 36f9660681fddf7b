/* server: lets the tests of meta run over a MySQL or MariaDB server. With STRONGROOM_TEST_MYSQL=NAME in the environment they
 * work in the databases NAME_<pid>_capture and NAME_<pid>_control, which they drop at the end; the settings of section mysql
 * come from the environment too (STRONGROOM_MYSQL_SOCKET, …). The account must be one that may do anything there. */
#ifndef TESTS_META_SERVER_H
#define TESTS_META_SERVER_H

#include "base/clock.h"
#include "conf/conf.h"
#include "meta/sql_mysql_api.h"

#include <mysqld_error.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char server_name[64]; /* "" when the tests run over SQLite */

/* Fills *conf_r and returns true when there is a server. */
static inline bool server_wanted(struct conf *conf_r)
{
	const char *name = getenv("STRONGROOM_TEST_MYSQL");
	struct err e;

	if (!name || !*name)
		return false;
	if (conf_load_defaults(conf_r, &e)) {
		fprintf(stderr, "%s\n", e.text);
		abort();
	}
	snprintf(server_name, sizeof(server_name), "%s_%d", name, (int)getpid());
	free(conf_r->meta);
	conf_r->meta = mem_printf("mysql:%s", server_name);
	return true;
}

/* A connection of the test's own; database NULL for none. Caller closes. */
static inline MYSQL *server_connect(const struct conf *conf, const char *database)
{
	_free_ char *name = database ? mem_printf("%s_%s", server_name, database) : NULL;
	MYSQL *db = mysql_init(NULL);

	bool local = *conf->mysql_socket != '\0';

	if (!mysql_real_connect(db, local ? "localhost" : conf->mysql_host, conf->mysql_user, getenv("DB_PASSWORD"), name,
		(unsigned)conf->mysql_port, local ? conf->mysql_socket : NULL, 0)) {
		fprintf(stderr, "%s\n", mysql_error(db));
		abort();
	}
	return db;
}

/* Runs one statement behind meta's back: the error's number, and the first column of the first row. */
static inline unsigned server_run(const struct conf *conf, const char *database, const char *sql, int64_t *number_r)
{
	MYSQL *db = server_connect(conf, database);

	if (number_r)
		*number_r = -1;
	if (mysql_query(db, sql) == 0) {
		MYSQL_RES *result = mysql_store_result(db);
		MYSQL_ROW row = result ? mysql_fetch_row(result) : NULL;

		if (number_r && row && row[0])
			*number_r = strtoll(row[0], NULL, 10);
		mysql_free_result(result);
	}
	unsigned code = mysql_errno(db);

	mysql_close(db);
	return code;
}

/* "capture.db" → "capture"; what triggers refuse is a constraint. */
static inline int server_sql(const struct conf *conf, const char *file, const char *sql, int64_t *number_r)
{
	_free_ char *database = mem_dup(file, strcspn(file, "."));
	unsigned code = server_run(conf, database, sql, number_r);

	return code == ER_SIGNAL_EXCEPTION ? SQLITE_CONSTRAINT : (int)code;
}

static inline void server_clean_up(const struct conf *conf)
{
	_free_ char *capture = mem_printf("DROP DATABASE IF EXISTS `%s_capture`", server_name);
	_free_ char *control = mem_printf("DROP DATABASE IF EXISTS `%s_control`", server_name);

	server_run(conf, NULL, capture, NULL);
	server_run(conf, NULL, control, NULL);
}

#endif
