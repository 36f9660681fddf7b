#include "meta/sql_mysql.h"

int mydb_check(struct sql_conn *base, const struct sql_place *p, sql_report *report, void *ctx, struct err *e)
{
	struct mydb_conn *c = mydb_conn_of(base);

	(void)p;
	if (mydb_execute(c, "check", "DO 1", e))
		return -1;
	report(ctx, "the server answers", NULL);
	return 0;
}
