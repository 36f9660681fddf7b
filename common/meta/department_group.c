#include "meta/department_group.h"

#include "meta/meta_private.h"

#include <string.h>

void department_groups_deinit(struct department_groups *g)
{
	for (size_t i = 0; i < g->n; i++) {
		free(g->list[i].name);
		strv_deinit(&g->list[i].mailboxes);
	}
	free(g->list);
	*g = (struct department_groups){ 0 };
}

/* The group of this name, which is the last one or comes behind it. The name becomes its, or is freed. */
static struct department_group *group_of(struct department_groups *g, char *name)
{
	if (g->n && strcmp(g->list[g->n - 1].name, name) == 0) {
		free(name);
		return &g->list[g->n - 1];
	}
	if ((g->n & (g->n - 1)) == 0)
		g->list = mem_realloc(g->list, g->n ? 2 * g->n : 1, sizeof(*g->list));
	g->list[g->n] = (struct department_group){ .name = name };
	return &g->list[g->n++];
}

/* The last one may lack mailboxes: it goes. */
static void cut(struct department_groups *g)
{
	g->whole = false;
	if (!g->n)
		return;
	free(g->list[--g->n].name);
	strv_deinit(&g->list[g->n].mailboxes);
}

static int collect(struct sql_stmt *st, size_t max, struct department_groups *g, struct err *e)
{
	enum sql_result step;

	g->whole = true;
	for (size_t read = 0; (step = sql_step(st, e)) == SQL_ROW; read++) {
		if (read == max) {
			cut(g);
			return 0;
		}
		struct department_group *group = group_of(g, sql_get_text(st));
		_free_ char *mailbox = sql_get_text(st);

		strv_add(&group->mailboxes, mailbox);
	}
	return step == SQL_DONE ? 0 : -1;
}

int meta_department_groups(struct meta *m, size_t max, struct department_groups *g_r, struct err *e)
{
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;
	CLEANUP(sql_finishp) struct sql_stmt *st = NULL;

	*g_r = (struct department_groups){ 0 };
	if (sql_reader(m->control, &c, e))
		return -1;
	st = sql_use(c, STMT_DEPARTMENT_GROUPS);
	sql_bind_u64(st, max + 1);
	if (collect(st, max, g_r, e) == 0)
		return 0;
	department_groups_deinit(g_r);
	return -1;
}
