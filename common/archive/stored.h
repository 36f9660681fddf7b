/* stored: from an archived message back to its document, for the outbox, a rebuild and a retry. */
#ifndef ARCHIVE_STORED_H
#define ARCHIVE_STORED_H

#include "archive/archive_private.h"

/* Reads the message from meta and store, compares its SHA-256 and has it parsed. 1 with *d_r (caller frees); 0 when this
 * message can't be had: unknown, its object missing or altered (logged: somebody must look); -1 temporary, when the
 * database, the store or the parser fails. Any thread. */
int stored_document(struct archive *a, const struct uuid *id, struct document **d_r, struct err *e) MUST_CHECK;

/* The same for a list, several at a time (conf->parser_workers threads): documents_r[i] is NULL where ids[i] can't be
 * had. -1 when anything failed; then all of documents_r is NULL. */
int stored_documents(struct archive *a, const struct uuid *ids, size_t n, struct document **documents_r, struct err *e)
	MUST_CHECK;

/* Puts messages that are on the outbox into the index and takes them off it. done_r[i] says whether ids[i] was; those that
 * can't be had, or that the index refuses, stay. -1 when the index, the database, the store or the parser fails: permanent
 * when the index is damaged. */
int stored_index(struct archive *a, const struct uuid *ids, size_t n, bool *done_r, struct err *e) MUST_CHECK;

#endif
