/* meta: the database of record. One handle per process serves every thread (connections are pooled inside).
 *
 * Two databases behind one handle: `capture` (messages, ledger batches, outbox) and `control` (accounts, audit, jobs);
 * in the embedded default they are two SQLite files, so that one writer never waits for another's lock, and no
 * transaction spans both. What can be asked of it is grouped by subject: meta/capture.h (the write path),
 * meta/catalog.h (reading), meta/account.h, meta/audit.h. A failed fsync or an I/O error of a commit ends the process
 * (log_fatal): see sys/io.h. */
#ifndef META_META_H
#define META_META_H

#include "base/err.h"
#include "conf/conf.h"

struct meta;

/* Opens what conf->meta names (`sqlite:DIR`, `mysql:NAME`); conf outlives the handle. -1 permanent when the schema is missing or newer than this program
 * (remedy in the text), temporary when it can't be reached. */
int meta_open(struct meta **m_r, const struct conf *conf, struct err *e) MUST_CHECK;
void meta_closep(struct meta **m);

/* Makes the databases and brings their schema up to this program's version, migration by migration, each in a
 * transaction; repeating it changes nothing. Refuses a newer schema. */
int meta_migrate(const struct conf *conf, struct err *e) MUST_CHECK;

/* Is it reachable and writable now? Cheap. */
int meta_ready(struct meta *m, struct err *e) MUST_CHECK;

/* How far the replica that is read is behind: 1 with *seconds_r, 0 when there is none, -1 when it can't be asked or stands
 * still. */
int meta_replica_lag(struct meta *m, int64_t *seconds_r, struct err *e) MUST_CHECK;

/* Integrity of the files or the server's settings, for `strongroom check`: report is called with one finding each
 * (remedy NULL when all is well). */
int meta_check(struct meta *m, void (*report)(void *ctx, const char *finding, const char *remedy), void *ctx,
	struct err *e) MUST_CHECK;

#endif
