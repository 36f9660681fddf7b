#include "archive/stored.h"

#include "archive/stored_reader.h"

#define INDEX_WAIT_US INT64_C(60000000)

/* documents_r[i] is NULL where ids[i] can't be had. */
static int read_documents(struct archive *a, const struct uuid *ids, size_t n, struct document **documents_r, struct err *e)
{
	CLEANUP(stored_reader_freep) struct stored_reader *r = stored_reader_new(a, n);
	struct uuid id;

	if (stored_reader_ask(r, ids, n, e))
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (stored_reader_take(r, &id, &documents_r[i], e) > 0)
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

int stored_index(struct archive *a, const struct uuid *ids, size_t n, bool *done_r, struct err *e)
{
	_free_ struct document **documents = MEM_ARRAY(struct document *, n);
	_free_ bool *refused = MEM_ARRAY(bool, n);
	size_t have = 0, at = 0;

	if (read_documents(a, ids, n, documents, e)) {
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
