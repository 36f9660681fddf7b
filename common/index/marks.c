#include "index/marks.h"

#include "index/phrase.h"
#include "index/snippet.h"
#include "index/utf8.h"

#include <string.h>

struct marks {
	struct phrase subject[QUERY_NODES_MAX], body[QUERY_NODES_MAX];
	size_t subject_count, body_count;
};

size_t marks_text_length(const char *text)
{
	size_t n = strnlen(text, MARKS_TEXT_MAX + 1);

	if (n > MARKS_TEXT_MAX)
		for (n = MARKS_TEXT_MAX; n && utf8_is_inside(text[n]);)
			n--;
	return n;
}

static void add(struct phrase *list, size_t *n, struct tokenizer *t, const struct query *q)
{
	if (*n < QUERY_NODES_MAX)
		phrase_make(&list[(*n)++], t, q->text, q->prefix);
}

static void collect(struct marks *m, struct tokenizer *t, const struct query *q)
{
	if (q->op == QUERY_TEXT && q->fields & FIELD_SUBJECT)
		add(m->subject, &m->subject_count, t, q);
	if (q->op == QUERY_TEXT && q->fields & FIELD_BODY)
		add(m->body, &m->body_count, t, q);
	if (q->op == QUERY_AND || q->op == QUERY_OR) {
		collect(m, t, q->left);
		collect(m, t, q->right);
	}
}

struct marks *marks_new(const struct query *q, struct tokenizer *t)
{
	struct marks *m = MEM_NEW(struct marks);

	collect(m, t, q);
	return m;
}

void marks_freep(struct marks **m)
{
	if (!*m)
		return;
	for (size_t i = 0; i < (*m)->subject_count; i++)
		phrase_deinit(&(*m)->subject[i]);
	for (size_t i = 0; i < (*m)->body_count; i++)
		phrase_deinit(&(*m)->body[i]);
	free(*m);
	*m = NULL;
}

char *marks_snippet(const struct marks *m, struct tokenizer *t, const char *subject, const char *body)
{
	size_t subject_len = strlen(subject), body_len = strlen(body);
	char *found = NULL;

	if (m->body_count)
		found = snippet_find(t, m->body, m->body_count, body, body_len);
	if (!found && m->subject_count)
		found = snippet_find(t, m->subject, m->subject_count, subject, subject_len);
	if (found)
		return found;
	found = snippet_begin(body, body_len);
	if (*found)
		return found;
	free(found);
	return snippet_begin(subject, subject_len);
}
