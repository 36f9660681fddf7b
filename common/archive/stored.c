#include "archive/stored.h"

#include "base/log.h"
#include "meta/maintenance.h"
#include "sys/proc.h"

#include <stdatomic.h>
#include <string.h>

#define THREADS_MAX 16
#define INDEX_WAIT_US INT64_C(60000000)

struct filling {
	struct message *message;
	struct err *e;
};

static int fill(void *ctx, const void *data, size_t n)
{
	struct filling *f = ctx;

	return message_append(f->message, data, n, f->e);
}

/* 1 with *m_r (caller frees), which holds the archived bytes; 0 when the object is not what was archived; -1. */
static int fetch_once(struct archive *a, const struct message_row *row, struct message **m_r, struct err *e)
{
	CLEANUP(message_freep) struct message *m = message_new(a->conf->spool_dir, row->size);
	struct err spool = { 0 };
	struct filling f = { m, &spool };

	if (store_get(a->store, &row->locator, fill, &f, e)) {
		if (spool.class != ERR_NONE)
			*e = spool;
		return e->class == ERR_PERMANENT ? 0 : -1;
	}
	if (message_finish(m, e))
		return -1;
	if (message_size(m) != row->size || memcmp(message_sha256(m), row->sha256, SHA256_SIZE) != 0) {
		err_permanent(e, "the object %s does not have the SHA-256 that was recorded", row->locator.key);
		return 0;
	}
	*m_r = m;
	m = NULL;
	return 1;
}

/* What is wrong once may have been garbled on the way. */
static int fetch(struct archive *a, const struct message_row *row, struct message **m_r, struct err *e)
{
	int got = fetch_once(a, row, m_r, e);

	return got ? got : fetch_once(a, row, m_r, e);
}

static void say_lost(const struct uuid *id, const char *why)
{
	struct log_context ctx = { 0 };
	char text[UUID_TEXT_SIZE];

	log_context_set(&ctx, "archive_id", uuid_format(text, id));
	log_error(&ctx, "the message can't be indexed: %s", why);
}

int stored_document(struct archive *a, const struct uuid *id, struct document **d_r, struct err *e)
{
	CLEANUP(message_row_deinit) struct message_row row = { 0 };
	CLEANUP(message_freep) struct message *m = NULL;
	CLEANUP(parsed_freep) struct parsed *p = NULL;
	int found = meta_message_load(a->meta, id, &row, e);

	if (found == 0)
		say_lost(id, "the database does not know it");
	if (found <= 0)
		return found;
	int got = fetch(a, &row, &m, e);

	if (got == 0)
		say_lost(id, e->text);
	if (got <= 0)
		return got;
	if (parser_pool_parse(a->parsers, m, &p, e))
		return -1;
	*d_r = document_new(&row, p->text);
	p->text = mem_strdup("");
	return 1;
}

/* ---- several at a time ---- */

struct work {
	struct archive *a;
	const struct uuid *ids;
	size_t n;
	struct document **documents;
	atomic_size_t next;
	atomic_bool failed;
	pthread_mutex_t lock;
	struct err e; /* of the first failure; under the lock */
};

static void note_failure(struct work *w, const struct err *e)
{
	pthread_mutex_lock(&w->lock);
	if (!atomic_exchange(&w->failed, true))
		w->e = *e;
	pthread_mutex_unlock(&w->lock);
}

static void work(struct work *w)
{
	while (!atomic_load(&w->failed)) {
		size_t i = atomic_fetch_add(&w->next, 1);
		struct err e = { 0 };

		if (i >= w->n)
			break;
		if (stored_document(w->a, &w->ids[i], &w->documents[i], &e) < 0)
			note_failure(w, &e);
	}
}

/* Many messages are nothing that anybody waits for. */
static void *work_in_background(void *arg)
{
	proc_background();
	work(arg);
	return NULL;
}

/* The caller works alone on one message, and where no thread can be had. */
static void work_together(struct work *w)
{
	pthread_t threads[THREADS_MAX];
	/* With a store at a server nearly all of the time is waiting for it. */
	size_t wanted = conf_local_path(w->a->conf->store) ? (size_t)w->a->conf->parser_workers : THREADS_MAX, started = 0;

	if (wanted > THREADS_MAX)
		wanted = THREADS_MAX;
	while (w->n > 1 && started < wanted && started < w->n &&
		pthread_create(&threads[started], NULL, work_in_background, w) == 0)
		started++;
	if (!started)
		work(w);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
}

int stored_documents(struct archive *a, const struct uuid *ids, size_t n, struct document **documents_r, struct err *e)
{
	struct work w = { .a = a, .ids = ids, .n = n, .documents = documents_r };

	memset(documents_r, 0, n * sizeof(*documents_r));
	pthread_mutex_init(&w.lock, NULL);
	work_together(&w);
	pthread_mutex_destroy(&w.lock);
	if (!atomic_load(&w.failed))
		return 0;
	*e = w.e;
	for (size_t i = 0; i < n; i++)
		document_freep(&documents_r[i]);
	return -1;
}

static int index_and_clear(struct archive *a, struct document **documents, size_t n, bool *refused_r, struct err *e)
{
	struct index_batch *b = indexer_offer(a->indexer, documents, n, 1, INDEXER_MUST);

	if (!b || !indexer_wait(a->indexer, b, INDEX_WAIT_US, refused_r)) {
		if (indexer_ready(a->indexer, e) == 0)
			err_temporary(e, "the index is busy");
		return -1;
	}
	if (indexer_clear_outbox(a->indexer, e) == 0)
		return 0;
	e->class = ERR_TEMPORARY;
	return -1;
}

int stored_index(struct archive *a, const struct uuid *ids, size_t n, bool *done_r, struct err *e)
{
	_free_ struct document **documents = MEM_ARRAY(struct document *, n);
	_free_ bool *refused = MEM_ARRAY(bool, n);
	size_t have = 0, at = 0;

	if (stored_documents(a, ids, n, documents, e)) {
		e->class = ERR_TEMPORARY;
		return -1;
	}
	for (size_t i = 0; i < n; i++) {
		done_r[i] = documents[i] != NULL;
		if (documents[i])
			documents[have++] = documents[i];
	}
	if (have && index_and_clear(a, documents, have, refused, e))
		return -1;
	for (size_t i = 0; i < n; i++)
		if (done_r[i])
			done_r[i] = !refused[at++];
	return 0;
}
