#include "queryd/hit.h"

#include "meta/catalog.h"
#include "queryd/present.h"

/* A list is answered from memory: whoever sends mail must not decide how much. */
#define SUBJECT_MAX 1000
static const struct present_limits limits = { .people = 50, .text = 500 };

static cJSON *present(const struct message_row *row, const char *snippet)
{
	cJSON *j = cJSON_CreateObject();
	size_t omitted = 0;

	present_id(j, "id", &row->id);
	present_time(j, "received_at", row->received_us);
	present_date(j, "date", row);
	omitted += present_people(j, "from", row, ROLE_FROM, &limits);
	omitted += present_people(j, "to", row, ROLE_TO, &limits);
	omitted += present_people(j, "cc", row, ROLE_CC, &limits);
	json_add_u64(j, "people_omitted", omitted);
	present_text(j, "subject", row->subject, SUBJECT_MAX);
	if (snippet)
		json_add_str(j, "snippet", snippet);
	json_add_u64(j, "attachment_count", row->attachment_count);
	json_add_u64(j, "size", row->size);
	return j;
}

int hit_read(struct call *c, const struct scope *scope, const struct uuid *id, const char *snippet, struct hit *h_r,
	struct err *e)
{
	CLEANUP(message_row_deinit) struct message_row row = { 0 };
	int found = meta_message_get(c->service->meta, scope, id, &row, e);

	if (found > 0)
		*h_r = (struct hit){ .id = *id, .date_us = row.date_us, .json = present(&row, snippet) };
	return found;
}
