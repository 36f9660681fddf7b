#include "queryd/hit.h"

#include "meta/catalog.h"
#include "queryd/present.h"

/* A list is answered from memory: whoever sends mail must not decide how much. */
#define SUBJECT_MAX (MESSAGE_BRIEF_SUBJECT - 1)
static const struct present_limits limits = { .people = 50, .text = 500 };

static size_t present_role(cJSON *j, const char *key, const struct message_brief *b, enum participant_role role)
{
	return present_people(j, key, b->participants, b->participant_count, role, &limits);
}

static cJSON *present(const struct message_brief *b, const char *snippet)
{
	cJSON *j = cJSON_CreateObject();
	size_t omitted = 0;

	present_id(j, "id", &b->id);
	present_time(j, "received_at", b->received_us);
	present_date(j, "date", b->parse_flags, b->header_date_us);
	omitted += present_role(j, "from", b, ROLE_FROM);
	omitted += present_role(j, "to", b, ROLE_TO);
	omitted += present_role(j, "cc", b, ROLE_CC);
	json_add_u64(j, "people_omitted", omitted);
	present_text(j, "subject", b->subject, SUBJECT_MAX);
	if (snippet)
		json_add_str(j, "snippet", snippet);
	json_add_u64(j, "attachment_count", b->attachment_count);
	json_add_u64(j, "size", b->size);
	return j;
}

struct reading {
	const char *const *snippets;
	struct hit *hits;
	size_t n;
};

static void take(void *ctx, size_t i, const struct message_brief *b)
{
	struct reading *r = ctx;

	r->hits[r->n++] = (struct hit){ b->id, b->date_us, present(b, r->snippets ? r->snippets[i] : NULL) };
}

int hits_read(struct call *c, const struct scope *scope, const struct uuid *ids, const char *const *snippets, size_t n, struct hit *hits_r,
	size_t *n_r, struct err *e)
{
	struct reading r = { snippets, hits_r, 0 };
	int failed = meta_messages_read(c->service->meta, scope, ids, n, take, &r, e);

	while (failed && r.n)
		cJSON_Delete(hits_r[--r.n].json);
	*n_r = r.n;
	return failed;
}
