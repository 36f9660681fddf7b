/* sql_driver: what a database driver implements. A driver is one const table; its connections and statements have the
 * structs below as their first member. Only meta/sql.c and the drivers include this. */
#ifndef META_SQL_DRIVER_H
#define META_SQL_DRIVER_H

#include "meta/sql.h"

enum sql_role {
	SQL_ROLE_READER,
	SQL_ROLE_REPLICA, /* a reader that may be behind */
	SQL_ROLE_WRITER,
};
#define SQL_ROLES (SQL_ROLE_WRITER + 1)

/* A database: conf->meta without its scheme, and the name of the one there. */
struct sql_place {
	const struct conf *conf;
	const char *place, *name;
	enum sql_access access; /* with SQL_CREATE an answer may take hours: that of a table that is changed */
};

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

/* Whom a check tells, and how many faults it told of. */
struct sql_findings {
	sql_report *report;
	void *ctx;
	unsigned faults;
};

/* The text is cut at some hundred bytes. */
void sql_fault(struct sql_findings *f, const char *remedy, const char *fmt, ...) PRINTF_LIKE(3, 4);

struct sql_driver {
	const char *scheme; /* of the URL */
	bool is_server; /* a connection costs it much, so that readers wait for one of a few, and so does each statement */

	/* Makes the directory and the database where they are missing. */
	int (*create)(const struct sql_place *p, struct err *e);

	/* Is there a replica? NULL: never. */
	bool (*has_replica)(const struct sql_place *p);
	int (*open)(struct sql_conn **c_r, const struct sql_place *p, enum sql_role role, struct err *e);
	void (*close)(struct sql_conn *c);

	/* Asked when it is taken and when it is given back: false has it closed. NULL: always. */
	bool (*usable)(struct sql_conn *c);

	/* Makes durable what can be seen: a process that was killed may have left it without. */
	int (*settle)(struct sql_conn *c, struct err *e);
	int (*ready)(struct sql_conn *c, struct err *e);
	int (*check)(struct sql_conn *c, const struct sql_place *p, struct sql_findings *f, struct err *e);

	/* NULL where there is nothing to extend. */
	int (*extend)(struct sql_conn *c, struct err *e);

	/* Of a connection to the replica. */
	int (*lag)(struct sql_conn *c, int64_t *seconds_r, struct err *e);

	int (*begin)(struct sql_conn *c, enum sql_durability durability, struct err *e);
	int (*begin_snapshot)(struct sql_conn *c, struct err *e);
	int (*commit)(struct sql_conn *c, struct err *e); /* -1: rolled back, or unknown */
	void (*rollback)(struct sql_conn *c);
	int (*script)(struct sql_conn *c, unsigned version, const char *text, struct err *e);

	struct sql_stmt *(*use)(struct sql_conn *c, enum statement s);
	void (*bind_i64)(struct sql_stmt *st, int at, int64_t value);
	void (*bind_text)(struct sql_stmt *st, int at, const char *value, size_t n);
	void (*bind_blob)(struct sql_stmt *st, int at, const void *value, size_t n);
	void (*bind_null)(struct sql_stmt *st, int at);
	void (*bind_ids)(struct sql_stmt *st, const struct uuid *ids, size_t n);
	enum sql_result (*step)(struct sql_stmt *st, struct err *e);
	void (*finish)(struct sql_stmt *st);

	/* sql_add() and sql_flush(); NULL where each row is sent at once. */
	enum sql_result (*add)(struct sql_stmt *st, struct err *e);
	enum sql_result (*flush)(struct sql_conn *c, struct err *e);
	bool (*is_null)(struct sql_stmt *st, int at);
	int64_t (*get_i64)(struct sql_stmt *st, int at);
	const void *(*get_bytes)(struct sql_stmt *st, int at, size_t *n_r);
	uint64_t (*changed)(struct sql_conn *c);
	uint64_t (*last_id)(struct sql_conn *c);
};

extern const struct sql_driver sql_sqlite, sql_mysql;

#endif
