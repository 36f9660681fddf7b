/* sql_mysql_api: the client library, MariaDB's Connector/C or Oracle's libmysqlclient, as one. For the sql_mysql files. */
#ifndef META_SQL_MYSQL_API_H
#define META_SQL_MYSQL_API_H

#include <mysql.h>
#include <stdbool.h>

#ifdef MARIADB_PACKAGE_VERSION

#include <errmsg.h>

typedef my_bool mydb_flag;

/* TLS or nothing; with the certificate's chain and name checked. */
static inline void mydb_demand_tls(MYSQL *db)
{
	mydb_flag on = 1;

	mysql_options(db, MYSQL_OPT_SSL_ENFORCE, &on);
	mysql_options(db, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &on);
}

#else

#include <mysql/errmsg.h>

typedef bool mydb_flag;

static inline void mydb_demand_tls(MYSQL *db)
{
	enum mysql_ssl_mode mode = SSL_MODE_VERIFY_IDENTITY;

	mysql_options(db, MYSQL_OPT_SSL_MODE, &mode);
}

#endif

#endif
