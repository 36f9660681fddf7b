#include "archive/document.h"

#include "base/buf.h"

#include <string.h>

#define BIT(role) (1u << (role))

#define ROLES_FROM (BIT(ROLE_FROM) | BIT(ROLE_SENDER) | BIT(ROLE_RESENT_FROM) | BIT(ROLE_JOURNAL_SENDER))
#define ROLES_TO (BIT(ROLE_TO) | BIT(ROLE_RESENT_TO))
#define ROLES_CC BIT(ROLE_CC)
#define ROLES_BCC (BIT(ROLE_BCC) | BIT(ROLE_JOURNAL_RECIPIENT) | BIT(ROLE_JOURNAL_VIA))
#define ROLES_ENVELOPE (BIT(ROLE_ENVELOPE_FROM) | BIT(ROLE_ENVELOPE_TO))

/* Text without a limit of its own: what goes in was limited when it was parsed. */
#define UNLIMITED BUF_INIT(SIZE_MAX / 2)

/* The buffers here can't be full; a build that thinks otherwise should stop. */
static void add(struct buf *b, const char *s)
{
	if (buf_add_str(b, s))
		abort();
}

/* "Name <address> normal": the normal form only where it says something else. */
static void add_person(struct buf *b, const struct participant *p)
{
	if (!*p->name && !*p->address && !*p->normal)
		return;
	if (b->len)
		add(b, ", ");
	if (*p->name) {
		add(b, p->name);
		add(b, " ");
	}
	add(b, "<");
	add(b, p->address);
	add(b, ">");
	if (strcmp(p->address, p->normal) != 0) {
		add(b, " ");
		add(b, p->normal);
	}
}

static char *people(const struct message_row *row, unsigned roles)
{
	struct buf list = UNLIMITED;

	for (size_t i = 0; i < row->participant_count; i++)
		if (roles & BIT(row->participants[i].role))
			add_person(&list, &row->participants[i]);
	return buf_take(&list);
}

/* Sorted, each once: a mailing has thousands. */
static void collect_mailboxes(struct strv *v, const struct message_row *row)
{
	size_t kept = 0;

	for (size_t i = 0; i < row->participant_count; i++)
		if (scope_counts_role(row->participants[i].role) && *row->participants[i].normal)
			strv_add(v, row->participants[i].normal);
	strv_sort(v);
	for (size_t i = 0; i < v->n; i++) {
		if (kept && strcmp(v->items[kept - 1], v->items[i]) == 0)
			free(v->items[i]);
		else
			v->items[kept++] = v->items[i];
	}
	v->n = kept;
}

/* The text, with replies-to behind it that are not among the participants anyway. */
static char *body_of(const struct message_row *row, const struct strv *mailboxes, char *text)
{
	struct buf list = UNLIMITED;

	for (size_t i = 0; i < row->participant_count; i++) {
		const struct participant *p = &row->participants[i];

		if (p->role == ROLE_REPLY_TO && !strv_has(mailboxes, p->normal))
			add_person(&list, p);
	}
	if (!list.len)
		return text;
	char *body = mem_printf("%s\nReply-To: %s", text, list.data);

	buf_deinit(&list);
	free(text);
	return body;
}

static char *names_of(const struct message_row *row)
{
	struct buf list = UNLIMITED;

	for (size_t i = 0; i < row->attachment_count; i++) {
		if (list.len && *row->attachments[i].name)
			add(&list, "\n");
		add(&list, row->attachments[i].name);
	}
	return buf_take(&list);
}

/* ---- facets and links ---- */

static void add_value(struct strv *v, const char *value)
{
	if (*value && strlen(value) <= INDEX_VALUE_SIZE_MAX && v->n < INDEX_VALUES_MAX)
		strv_add_unique(v, value);
}

static void collect_of_role(struct strv *v, const struct message_row *row, enum participant_role role)
{
	for (size_t i = 0; i < row->participant_count; i++)
		if (row->participants[i].role == role)
			add_value(v, row->participants[i].normal);
}

static void collect_senders(struct strv *v, const struct message_row *row)
{
	collect_of_role(v, row, ROLE_FROM);
	if (!v->n)
		collect_of_role(v, row, ROLE_ENVELOPE_FROM);
}

static void collect_ids(struct strv *v, const struct message_row *row, const struct strv *references)
{
	if (*row->message_id)
		strv_add(v, row->message_id);
	for (size_t i = 0; i < references->n; i++)
		if (strcmp(references->items[i], row->message_id) != 0 && v->n < INDEX_IDS_MAX)
			strv_add(v, references->items[i]);
}

static unsigned marks_of(const struct message_row *row)
{
	bool truncated = row->parse_flags & (PARSE_TEXT_TRUNCATED | PARSE_HEADER_TRUNCATED | PARSE_PARTS);
	bool unreadable = row->parse_flags & (PARSE_FAILED | PARSE_ENCRYPTED);

	return (truncated ? MARK_TRUNCATED : 0) | (unreadable ? MARK_UNREADABLE : 0);
}

static size_t list_size(const struct strv *v)
{
	size_t bytes = 0;

	for (size_t i = 0; i < v->n; i++)
		bytes += strlen(v->items[i]) + 1 + sizeof(char *);
	return bytes;
}

static size_t size_of(const struct document *d)
{
	const char *const strings[] = { d->from, d->to, d->cc, d->bcc, d->envelope, d->subject, d->body,
		d->attachment_names, d->message_id };
	size_t bytes = sizeof(*d);

	for (size_t i = 0; i < ARRAY_LEN(strings); i++)
		bytes += strlen(strings[i]) + 1;
	return bytes + list_size(&d->mailboxes) + list_size(&d->senders) + list_size(&d->attachment_types) +
		list_size(&d->ids);
}

struct document *document_new(const struct message_row *row, const struct strv *references, char *text)
{
	struct document *d = MEM_NEW(struct document);

	collect_mailboxes(&d->mailboxes, row);
	collect_senders(&d->senders, row);
	for (size_t i = 0; i < row->attachment_count; i++)
		add_value(&d->attachment_types, row->attachments[i].content_type);
	collect_ids(&d->ids, row, references);
	d->from = people(row, ROLES_FROM);
	d->to = people(row, ROLES_TO);
	d->cc = people(row, ROLES_CC);
	d->bcc = people(row, ROLES_BCC);
	d->envelope = people(row, ROLES_ENVELOPE);
	d->subject = mem_strdup(row->subject);
	d->message_id = mem_strdup(row->message_id);
	d->attachment_names = names_of(row);
	d->body = body_of(row, &d->mailboxes, text);
	d->bytes = size_of(d);
	d->doc = (struct index_doc){
		.id = row->id,
		.date_us = row->date_us,
		.size = row->size,
		.has_attachment = row->attachment_count > 0,
		.from = d->from,
		.to = d->to,
		.cc = d->cc,
		.bcc = d->bcc,
		.envelope = d->envelope,
		.subject = d->subject,
		.body = d->body,
		.attachment_names = d->attachment_names,
		.message_id = d->message_id,
		.mailboxes = &d->mailboxes,
		.senders = &d->senders,
		.attachment_types = &d->attachment_types,
		.ids = &d->ids,
		.marks = marks_of(row),
	};
	return d;
}

void document_freep(struct document **d)
{
	struct document *was = *d;

	*d = NULL;
	if (!was)
		return;
	strv_deinit(&was->mailboxes);
	strv_deinit(&was->senders);
	strv_deinit(&was->attachment_types);
	strv_deinit(&was->ids);
	free(was->from);
	free(was->to);
	free(was->cc);
	free(was->bcc);
	free(was->envelope);
	free(was->subject);
	free(was->body);
	free(was->attachment_names);
	free(was->message_id);
	free(was);
}
