#include "index/conversation.h"

#include <search.h>
#include <string.h>

#define LINKS_AT_ONCE 256 /* of one query */

/* One conversation_find(). */
struct finding {
	struct index *index;
	const struct scope *scope;
	struct conversation *c;
	struct link *links; /* in the order in which they were met */
	size_t link_count, asked; /* those before `asked` were looked for */
	void *known_links, *known_ids; /* search trees over copies */
	struct err *e;
};

static int compare_bytes(const void *a, const void *b)
{
	return memcmp(a, b, LINK_SIZE);
}

_Static_assert(sizeof(struct link) == sizeof(struct uuid), "one tree serves both");

/* Whether it was not known before. */
static bool note(void **tree, const void *what)
{
	void *copy = mem_dup(what, LINK_SIZE), **place = tsearch(copy, tree, compare_bytes);

	if (!place)
		abort(); /* out of memory */
	if (*place == copy)
		return true;
	free(copy);
	return false;
}

static void note_link(struct finding *f, const struct link *l)
{
	if (f->link_count == CONVERSATION_LINKS_MAX) {
		f->c->whole = false;
		return;
	}
	if (note(&f->known_links, l))
		f->links[f->link_count++] = *l;
}

static void take_page(struct finding *f, const struct index_page *page)
{
	for (size_t i = 0; i < page->n; i++) {
		const struct index_hit *hit = &page->hits[i];

		if (f->c->n == CONVERSATION_MAX && !tfind(&hit->id, &f->known_ids, compare_bytes))
			f->c->whole = false;
		if (f->c->n == CONVERSATION_MAX || !note(&f->known_ids, &hit->id))
			continue;
		f->c->ids[f->c->n++] = hit->id;
		for (size_t k = 0; k < hit->link_count; k++)
			note_link(f, &hit->links[k]);
	}
	f->c->whole &= !page->next;
}

static int look(struct finding *f, const struct query *q)
{
	const struct index_request r = { .query = q, .limit = INDEX_PAGE_MAX, .links = true };
	struct index_page page;

	if (index_search(f->index, f->scope, &r, &page, f->e))
		return -1;
	take_page(f, &page);
	index_page_deinit(&page);
	return 0;
}

/* Looks for those that bear the next links. */
static int follow(struct finding *f)
{
	size_t left = f->link_count - f->asked, n = left < LINKS_AT_ONCE ? left : LINKS_AT_ONCE;
	const struct query q = { .op = QUERY_LINKED, .links = f->links + f->asked, .link_count = n };

	f->asked += n;
	return look(f, &q);
}

static int find(struct finding *f, const struct uuid *id)
{
	const struct query one = { .op = QUERY_ONE, .id = *id };

	if (look(f, &one))
		return -1;
	while (f->asked < f->link_count && f->c->n < CONVERSATION_MAX)
		if (follow(f))
			return -1;
	f->c->whole &= f->asked == f->link_count;
	return 0;
}

int conversation_find(struct index *i, const struct scope *scope, const struct uuid *id, struct conversation *c_r,
	struct err *e)
{
	struct finding f = { .index = i, .scope = scope, .c = c_r, .e = e };

	*c_r = (struct conversation){ .ids = MEM_ARRAY(struct uuid, CONVERSATION_MAX), .whole = true };
	f.links = MEM_ARRAY(struct link, CONVERSATION_LINKS_MAX);
	int rc = find(&f, id);

	free(f.links);
	tdestroy(f.known_links, free);
	tdestroy(f.known_ids, free);
	if (rc)
		conversation_deinit(c_r);
	return rc;
}

void conversation_deinit(struct conversation *c)
{
	free(c->ids);
	*c = (struct conversation){ 0 };
}
