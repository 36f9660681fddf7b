/* export_manifest: the last file of an export, JSON: what was asked for, by whom, why and when, what they might see, every file
 * with its size and SHA-256, and what could not be exported and why. It grows file by file; nothing of it is kept in memory.
 * One thread. */
#ifndef WORKERD_EXPORT_MANIFEST_H
#define WORKERD_EXPORT_MANIFEST_H

#include "base/uuid.h"
#include "sys/json.h"
#include "workerd/export_spool.h"

#include <stdbool.h>

struct export_manifest {
	struct export_spool *files, *messages, *missing; /* the items of three arrays */
	uint64_t file_count, message_count, missing_count;
};

/* dir: for what has to wait, in files with names; it must outlive it. */
void export_manifest_begin(struct export_manifest *m, const char *dir);
void export_manifest_deinit(struct export_manifest *m);

/* Makes durable what is in it, and appends to *state what export_manifest_resume() needs. -1 there: *m is to be deinited;
 * permanent: a file of dir was altered, or what was saved can't be read. */
int export_manifest_save(struct export_manifest *m, struct buf *state, struct err *e) MUST_CHECK;
int export_manifest_resume(struct export_manifest *m, const char *dir, struct unpack *saved, struct err *e) MUST_CHECK;

/* A file of the container. message: the archive id when it is a message as it was archived, else NULL. */
int export_manifest_file(struct export_manifest *m, const char *path, uint64_t size, const uint8_t sha256[SHA256_SIZE],
	const struct uuid *message, struct err *e) MUST_CHECK;

/* A message that is inside a file: size and hash are of the message as it was archived. */
int export_manifest_inside(struct export_manifest *m, const char *path, const struct uuid *message, uint64_t size,
	const uint8_t sha256[SHA256_SIZE], struct err *e) MUST_CHECK;

/* A message that is not in the export. reason: for whoever receives it. */
int export_manifest_missing(struct export_manifest *m, const struct uuid *message, const char *reason, struct err *e) MUST_CHECK;

/* Writes the whole to `to`: the members of `head`, then the arrays. */
int export_manifest_end(struct export_manifest *m, const cJSON *head, struct export_spool *to, struct err *e) MUST_CHECK;

#endif
