#include "cli/directory_groups.h"

#include "cli/directory_dn.h"

#include <string.h>

struct directory_group {
	char *key;
	struct directory_values in;
	uint64_t turn; /* in which it was come by last */
};

void directory_groups_deinit(struct directory_groups *g)
{
	for (size_t i = 0; i < g->n; i++) {
		free(g->known[i]->key);
		directory_values_deinit(&g->known[i]->in);
		free(g->known[i]);
	}
	free(g->known);
	g->known = NULL;
	g->n = 0;
}

/* Where the group of this key is, or belongs. */
static size_t place_of(const struct directory_groups *g, const char *key)
{
	size_t low = 0, high = g->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(g->known[middle]->key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int ask(struct directory_groups *g, const char *dn, struct directory_values *in_r, struct err *e)
{
	if (g->n == DIRECTORY_GROUPS_MAX)
		return err_permanent(e, "read groups failed: there are more than %d", DIRECTORY_GROUPS_MAX);
	return g->ask(g->ctx, dn, in_r, e);
}

/* The group of that name, asked for when it is new; NULL: that failed. */
static struct directory_group *find(struct directory_groups *g, const char *dn, const char *key, struct err *e)
{
	CLEANUP(directory_values_deinit) struct directory_values in = { 0 };
	size_t at = place_of(g, key);

	if (at < g->n && strcmp(g->known[at]->key, key) == 0)
		return g->known[at];
	if (ask(g, dn, &in, e) < 0)
		return NULL;
	struct directory_group *group = MEM_NEW(struct directory_group);

	group->key = mem_strdup(key);
	group->in = in;
	in = (struct directory_values){ 0 };
	if ((g->n & (g->n - 1)) == 0)
		g->known = mem_realloc(g->known, g->n ? 2 * g->n : 1, sizeof(*g->known));
	memmove(&g->known[at + 1], &g->known[at], (g->n++ - at) * sizeof(*g->known));
	g->known[at] = group;
	return group;
}

/* Adds to *groups what the group of this name is in, unless it was come by in this turn. */
static int follow_one(struct directory_groups *g, const char *dn, struct directory_values *groups, struct err *e)
{
	_free_ char *key = directory_dn_key(dn);

	if (!key)
		return 0;
	struct directory_group *group = find(g, dn, key, e);

	if (!group)
		return -1;
	if (group->turn == g->turn)
		return 0;
	group->turn = g->turn;
	for (size_t i = 0; i < group->in.n; i++)
		directory_values_add(groups, group->in.items[i].bytes, group->in.items[i].n);
	return 0;
}

int directory_groups_follow(struct directory_groups *g, struct directory_values *groups, struct err *e)
{
	size_t depth = 0, level = groups->n; /* where those begin that are one deeper */

	g->turn++;
	for (size_t i = 0; i < groups->n; i++) {
		if (i == level) {
			depth++;
			level = groups->n;
		}
		if (depth > DIRECTORY_GROUPS_DEPTH_MAX)
			return err_permanent(e, "read groups failed: they are more than %d deep inside of each other",
				DIRECTORY_GROUPS_DEPTH_MAX);
		if (directory_value_is_text(&groups->items[i]) && follow_one(g, groups->items[i].bytes, groups, e) < 0)
			return -1;
	}
	return 0;
}
