/* sql_driver: what a database driver implements. A driver is one const table; its connections and statements have the
 * structs below as their first member. Only meta/sql.c and the drivers include this. */
#ifndef META_SQL_DRIVER_H
#define META_SQL_DRIVER_H

#include "meta/sql.h"

enum sql_role { SQL_ROLE_READER, SQL_ROLE_WRITER };

struct sql_conn {
	const struct sql_driver *driver;
	struct sql_db *db;
	enum sql_role role;
	bool in_transaction;
	struct sql_conn *next; /* in the pool */
};

struct sql_stmt {
	struct sql_conn *conn;
	int bound;	/* values bound so far */
	int column;	/* columns taken so far */
	bool too_large; /* a number did not fit */
};

struct sql_driver {
	const char *scheme; /* of the URL */

	/* Makes the directory and the database where they are missing. */
	int (*create)(const char *place, const char *name, struct err *e);

	int (*open)(struct sql_conn **c_r, const char *place, const char *name, enum sql_role role,
		struct err *e);
	void (*close)(struct sql_conn *c);

	/* Makes durable what can be seen: a process that was killed may have left it without. */
	int (*settle)(struct sql_conn *c, struct err *e);
	int (*ready)(struct sql_conn *c, struct err *e);
	int (*check)(struct sql_conn *c, const char *name, sql_report *report, void *ctx,
		struct err *e);

	int (*begin)(struct sql_conn *c, enum sql_durability durability, struct err *e);
	int (*begin_snapshot)(struct sql_conn *c, struct err *e);
	int (*commit)(struct sql_conn *c, struct err *e); /* -1: rolled back, or unknown */
	void (*rollback)(struct sql_conn *c);
	int (*script)(struct sql_conn *c, const char *text, struct err *e);

	struct sql_stmt *(*use)(struct sql_conn *c, enum statement s);
	void (*bind_i64)(struct sql_stmt *st, int at, int64_t value);
	void (*bind_text)(struct sql_stmt *st, int at, const char *value, size_t n);
	void (*bind_blob)(struct sql_stmt *st, int at, const void *value, size_t n);
	void (*bind_null)(struct sql_stmt *st, int at);
	enum sql_result (*step)(struct sql_stmt *st, struct err *e);
	void (*finish)(struct sql_stmt *st);
	bool (*is_null)(struct sql_stmt *st, int at);
	int64_t (*get_i64)(struct sql_stmt *st, int at);
	const void *(*get_bytes)(struct sql_stmt *st, int at, size_t *n_r);
	uint64_t (*changed)(struct sql_conn *c);
	uint64_t (*last_id)(struct sql_conn *c);
};

extern const struct sql_driver sql_sqlite;

#endif
