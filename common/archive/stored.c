#include "archive/stored.h"

#include "archive/stored_reader.h"
#include "meta/maintenance.h"

#define INDEX_WAIT_US INT64_C(60000000)

/* documents_r[i] is NULL where ids[i] can't be had; of those that were disposed of disposed_r[i] is set. */
static int read_documents(struct archive *a, const struct uuid *ids, size_t n, struct document **documents_r, bool *disposed_r,
	struct err *e)
{
	CLEANUP(stored_reader_freep) struct stored_reader *r = stored_reader_new(a, n);
	struct uuid id;

	if (stored_reader_ask(r, ids, n, e))
		return -1;
	for (size_t i = 0; i < n; i++) {
		int taken = stored_reader_take(r, &id, &documents_r[i], e);

		disposed_r[i] = taken > 1;
		if (taken > 0)
			continue;
		while (i-- > 0)
			document_freep(&documents_r[i]);
		return -1;
	}
	return 0;
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

/* Nobody indexes them any more. */
static int clear_disposed(struct archive *a, const struct uuid *ids, const bool *disposed, size_t n, struct err *e)
{
	_free_ struct uuid *gone = MEM_ARRAY(struct uuid, n);
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		if (disposed[i])
			gone[count++] = ids[i];
	if (count == 0 || meta_outbox_clear(a->meta, gone, count, e) == 0)
		return 0;
	e->class = ERR_TEMPORARY;
	return -1;
}

int stored_index(struct archive *a, const struct uuid *ids, size_t n, bool *done_r, struct err *e)
{
	_free_ struct document **documents = MEM_ARRAY(struct document *, n);
	_free_ bool *refused = MEM_ARRAY(bool, n), *disposed = MEM_ARRAY(bool, n);
	size_t have = 0, at = 0;

	if (read_documents(a, ids, n, documents, disposed, e)) {
		e->class = ERR_TEMPORARY;
		return -1;
	}
	for (size_t i = 0; i < n; i++) {
		done_r[i] = documents[i] != NULL;
		if (documents[i])
			documents[have++] = documents[i];
	}
	if ((have && index_and_clear(a, documents, have, refused, e)) || clear_disposed(a, ids, disposed, n, e))
		return -1;
	for (size_t i = 0; i < n; i++)
		done_r[i] = disposed[i] || (done_r[i] && !refused[at++]);
	return 0;
}
