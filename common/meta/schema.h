/* schema: the migrations of schema/, compiled in: the only place where tables are defined. */
#ifndef META_SCHEMA_H
#define META_SCHEMA_H

#include <stddef.h>

struct migration {
	unsigned version; /* rising by one */
	const char *sql;
};

/* All migrations of the database `name` ("capture", "control"), oldest first. */
const struct migration *schema_migrations(const char *name, size_t *n_r);

#endif
