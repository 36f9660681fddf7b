#include "base/hex.h"
#include "index/facets.h"
#include "index/index_es.h"
#include "index/mailbox_digest.h"
#include "index/marks.h"
#include "index/tokenize.h"

#include <string.h>

#define NEXT " "      /* before a token at the next position */
#define BESIDE "\x7f" /* before one at the position of the token before it */

/* A whole address can hold any character; what separates tokens does not stand in one. */
void es_put_token(struct es_json *j, const char *text, size_t len)
{
	size_t from = 0;

	for (size_t at = 0; at < len; at++)
		if (text[at] == NEXT[0] || text[at] == BESIDE[0]) {
			es_put_inside(j, text + from, at - from);
			es_put(j, "_");
			from = at + 1;
		}
	es_put_inside(j, text + from, len - from);
}

static int take_token(void *arg, const struct token *t)
{
	struct es_json *j = arg;

	es_put(j, token_is_beside(t->kind) ? BESIDE : NEXT);
	es_put_token(j, t->text, t->len);
	return 0;
}

static void put_tokens(struct es_json *j, const char *name, const char *text, struct tokenizer *t)
{
	if (!text || !*text)
		return;
	es_put_name(j, name);
	es_put(j, "\"");
	tokenize(t, text, strlen(text), take_token, j);
	es_put(j, "\"");
}

static void put_shown(struct es_json *j, const char *name, const char *text)
{
	if (!text || !*text)
		return;
	es_put_name(j, name);
	es_put_string(j, text, marks_text_length(text));
}

static void put_mailboxes(struct es_json *j, const struct strv *list)
{
	if (!list || !list->n)
		return;
	es_put_name(j, "mailbox");
	es_put(j, "[");
	for (size_t i = 0; i < list->n; i++) {
		char text[2 * MAILBOX_DIGEST_SIZE + 1];
		uint8_t digest[MAILBOX_DIGEST_SIZE];

		mailbox_digest(digest, list->items[i]);
		hex_encode(text, digest, sizeof(digest));
		es_put(j, i ? "," : "");
		es_put_string(j, text, sizeof(text) - 1);
	}
	es_put(j, "]");
}

/* Both at most INDEX_VALUES_MAX. */
static void put_values(struct es_json *j, const char *name, const struct strv *list)
{
	if (!list || !list->n)
		return;
	es_put_name(j, name);
	es_put(j, "[");
	for (size_t i = 0; i < list->n; i++) {
		es_put(j, i ? "," : "");
		es_put_string(j, list->items[i], strlen(list->items[i]));
	}
	es_put(j, "]");
}

static void put_links(struct es_json *j, const struct strv *ids)
{
	if (!ids || !ids->n)
		return;
	es_put_name(j, "link");
	es_put(j, "[");
	for (size_t i = 0; i < ids->n; i++) {
		char text[LINK_TEXT_SIZE];
		struct link l = link_of(ids->items[i]);

		es_put(j, i ? "," : "");
		es_put_string(j, link_format(text, &l), LINK_TEXT_SIZE - 1);
	}
	es_put(j, "]");
}

static void put_facts(struct es_json *j, const struct index_doc *d)
{
	char month[FACETS_MONTH_SIZE];

	es_put_name(j, "month");
	es_put_string(j, facets_month(month, d->date_us), FACETS_MONTH_SIZE - 1);
	put_values(j, "sender", d->senders);
	put_values(j, "attachment_type", d->attachment_types);
	put_links(j, d->ids);
	if (d->marks)
		es_put(j, d->marks == MARK_TRUNCATED ? ",\"mark\":[\"truncated\"]" :
			  d->marks == MARK_UNREADABLE ? ",\"mark\":[\"unreadable\"]" :
							",\"mark\":[\"truncated\",\"unreadable\"]");
}

void es_put_doc(struct es_json *j, const struct index_doc *d, struct tokenizer *t)
{
	char id[UUID_TEXT_SIZE];

	es_put(j, "{");
	es_put_name(j, "id");
	es_put_string(j, uuid_format(id, &d->id), UUID_TEXT_SIZE - 1);
	es_put_name(j, "date");
	es_put_number(j, d->date_us);
	es_put_name(j, "size");
	es_put_number(j, d->size > INT64_MAX ? INT64_MAX : (int64_t)d->size);
	es_put_name(j, "has_attachment");
	es_put(j, d->has_attachment ? "true" : "false");
	put_mailboxes(j, d->mailboxes);
	put_facts(j, d);
	put_tokens(j, "from", d->from, t);
	put_tokens(j, "to", d->to, t);
	put_tokens(j, "cc", d->cc, t);
	put_tokens(j, "bcc", d->bcc, t);
	put_tokens(j, "envelope", d->envelope, t);
	put_tokens(j, "subject", d->subject, t);
	put_tokens(j, "body", d->body, t);
	put_tokens(j, "attachment", d->attachment_names, t);
	put_tokens(j, "message_id", d->message_id, t);
	put_shown(j, "title", d->subject);
	put_shown(j, "text", d->body);
	es_put(j, "}");
}
