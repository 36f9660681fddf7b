/* export_write: the files of an export, by its format, on their way into the container:
 *
 *	export-<id>/messages/00001/<archive id>.eml	eml, loadfile: the bytes as they were archived, a thousand to a folder
 *	export-<id>/mail-00001.mbox			mbox: as export_mbox.h says, some tens of megabytes each
 *	export-<id>/loadfile.csv, edrm.xml		loadfile
 *	export-<id>/manifest.json			always, and last
 *
 * One thread. */
#ifndef WORKERD_EXPORT_WRITE_H
#define WORKERD_EXPORT_WRITE_H

#include "mail/message.h"
#include "mail/scope.h"
#include "meta/catalog.h"
#include "meta/export.h"
#include "store/store.h"

#include <stdbool.h>

/* What the manifest tells of the export itself. All of it must outlive the writing. */
struct export_write_head {
	const struct export_job *job;
	const char *who, *builder;
	const struct scope *scope;
	struct meta_coverage coverage;
};

/* Where it goes. All of it must outlive the writing. */
struct export_write_place {
	struct store *store;
	const char *key;
	int64_t keep_until_us;
	const char *dir; /* for what has to wait, in files with names; the caller removes them in the end */
};

struct export_write;

/* -1 permanent: the format or the container is none that is known. */
int export_write_open(struct export_write **w_r, const struct export_write_place *place, const struct export_write_head *head,
	struct err *e) MUST_CHECK;

/* What was not finished is dropped. */
void export_write_freep(struct export_write **w);

/* ---- going on after a crash ---- */

/* Between two messages, or behind export_write_end(): makes durable what was written, in the store and in the directory, and
 * appends to *state what export_write_resume() needs. */
int export_write_save(struct export_write *w, struct buf *state, struct err *e) MUST_CHECK;

/* Should it be saved, for what was written since it last was? Before the next message it must, when it says so. */
bool export_write_is_due(const struct export_write *w);

/* Goes on where it was when it was saved: at the same place, with nobody else at it. -1 permanent: that can't be; nothing
 * was dropped. */
int export_write_resume(struct export_write **w_r, const struct export_write_place *place, const struct export_write_head *head,
	const struct buf *state, struct err *e) MUST_CHECK;

/* Was it saved behind export_write_end()? Then only export_write_finish() follows. */
bool export_write_is_whole(const struct export_write *w);

/* Frees it; what was written stays for export_write_resume(). */
void export_write_leavep(struct export_write **w);

/* ---- writing ---- */

int export_write_message(struct export_write *w, const struct message_row *row, const struct message *m, struct err *e) MUST_CHECK;
int export_write_missing(struct export_write *w, const struct uuid *id, const char *reason, struct err *e) MUST_CHECK;

/* All messages are in it: the rest follows, up to the end of the container. */
int export_write_end(struct export_write *w, const struct export_progress *p, struct err *e) MUST_CHECK;

/* Makes it an object: where it is, and its hash, in *result_r. */
int export_write_finish(struct export_write *w, struct export_result *result_r, struct err *e) MUST_CHECK;

#endif
