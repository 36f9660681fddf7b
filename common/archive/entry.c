#include "archive/entry.h"

#include "archive/evidence.h"
#include "archive/utf8.h"
#include "base/clock.h"
#include "mail/address.h"

#include <string.h>

#define DAY_US (86400 * CLOCK_SECOND)

/* Searching goes by the sender's date only while it is believable. */
static int64_t date_of(const struct parsed *p, int64_t received_us)
{
	return p->has_date && p->date_us <= received_us + DAY_US ? p->date_us : received_us;
}

static struct participant envelope_participant(enum participant_role role, const char *address)
{
	char *clean = utf8_clean(address);

	return (struct participant){
		.role = role,
		.name = mem_strdup(""),
		.address = clean,
		.normal = address_normalize(clean),
	};
}

/* The envelope's first, then the message's own, which move over. */
static void take_participants(struct message_row *row, const struct capture *c, struct parsed *p)
{
	size_t envelope = 1 + c->recipient_count;
	struct participant *list = MEM_ARRAY(struct participant, envelope + p->participant_count);

	list[0] = envelope_participant(ROLE_ENVELOPE_FROM, c->mail_from);
	for (size_t i = 0; i < c->recipient_count; i++)
		list[1 + i] = envelope_participant(ROLE_ENVELOPE_TO, c->recipients[i].address);
	if (p->participant_count)
		memcpy(list + envelope, p->participants, p->participant_count * sizeof(*list));
	row->participants = list;
	row->participant_count = envelope + p->participant_count;
	free(p->participants);
	p->participants = NULL;
	p->participant_count = 0;
}

static char *take(char **from)
{
	char *was = *from;

	*from = NULL;
	return was;
}

void entry_identify(struct entry *e)
{
	const struct capture *c = e->capture;
	struct message_row *row = &e->row;

	row->received_us = c->received_us;
	row->size = message_size(c->message);
	memcpy(row->sha256, message_sha256(c->message), SHA256_SIZE);
	row->kind = c->kind;
	row->capture_point = mem_strdup(c->point);
	row->queue_id = utf8_clean(c->queue_id);
	row->evidence = evidence_json(c);
}

void entry_describe(struct entry *e, struct parsed *parsed)
{
	const struct capture *c = e->capture;
	struct message_row *row = &e->row;

	row->date_us = date_of(parsed, c->received_us);
	row->header_date_us = parsed->has_date ? parsed->date_us : c->received_us;
	row->subject = take(&parsed->subject);
	row->message_id = take(&parsed->message_id);
	row->parse_flags = parsed->flags;
	take_participants(row, c, parsed);
	row->attachments = parsed->attachments;
	row->attachment_count = parsed->attachment_count;
	parsed->attachments = NULL;
	parsed->attachment_count = 0;
	e->document = document_new(row, &parsed->references, take(&parsed->text));
}

void entry_deinit(struct entry *e)
{
	document_freep(&e->document);
	free(e->holds);
	message_row_deinit(&e->row);
}
