/* archive: the one write path (strongroom(7), "How a message comes in"). Store, then meta, then index, then the reply.
 *
 * Every door hands its captures to archive_put(); what that returns decides the reply. Any number of threads may call;
 * waiting captures share one meta transaction and one index request. */
#ifndef ARCHIVE_ARCHIVE_H
#define ARCHIVE_ARCHIVE_H

#include "base/uuid.h"
#include "conf/conf.h"
#include "mail/capture.h"

struct archive;
struct meta;
struct store;

/* Opens store, meta, index and the parser pool for the daemon `name` ("lmtpd"): its ledger name is name@conf->node, and a
 * lock file in conf->run_dir keeps a second process from taking the same one. The index may be down: that is logged and
 * retried in the background. conf outlives the archive. */
int archive_open(struct archive **a_r, const struct conf *conf, const char *name, struct err *e) MUST_CHECK;

/* Finishes what is under way (index waits included, bounded) and closes. No archive_put() may be running. */
void archive_closep(struct archive **a);

struct archive_receipt {
	struct uuid id;
	bool known;   /* archived earlier under this id: a retry */
	bool indexed; /* searchable now; else it is on the outbox */
};

/* Archives c (c->message finished; c stays the caller's). 0: durable in store and meta, reply 250. -1 temporary: reply
 * 451, nothing may be assumed; every unknown outcome has been looked up and, if it stayed unknown, is temporary.
 * -1 permanent only for what can never be archived (over the size limit). Logs its own failures with `ctx`. */
int archive_put(struct archive *a, const struct capture *c, const struct log_context *ctx, struct archive_receipt *r_r,
	struct err *e) MUST_CHECK;

/* Could a message be archived now? For MAIL and readiness; cheap enough for each transaction. -1 says why not. */
int archive_ready(struct archive *a, struct err *e) MUST_CHECK;

/* Back-pressure: takes `bytes` of the memory and spool that messages under way may use in this process
 * (conf->inflight_max); false when they are used up: answer 451 4.3.2 at MAIL. Give back exactly what was taken. A
 * message larger than what was taken first may take more as it grows. */
bool archive_admit(struct archive *a, uint64_t bytes);
void archive_release(struct archive *a, uint64_t bytes);

/* ---- upkeep, for workerd and cli ---- */

/* Indexes up to `max` messages of the outbox that are older than min_age_us; *done_r of them. -1: the index, the database,
 * the store or the parser failed, permanent when the index needs archive_reindex(); what was done stays done. Those whose
 * bytes can't be read are logged, stay, and are left alone for a while. One thread at a time. Does nothing while the
 * index is being rebuilt, and stops after a batch while mail comes in flat out. */
int archive_drain(struct archive *a, size_t max, int64_t min_age_us, size_t *done_r, struct err *e) MUST_CHECK;

/* Does the index hold what it should? 1; 0 when only a rebuild mends it, *e says why: it is missing, damaged, or (looked
 * at with `count` only, which is not for every minute) holds fewer messages than have left the outbox, or words of some that
 * were disposed of; -1 when that can't be told now. */
int archive_index_check(struct archive *a, bool count, struct err *e) MUST_CHECK;

enum archive_reindex {
	ARCHIVE_REINDEX_WHOLE,	/* only if nearly all can be read: the old index is worth more than half of a new one */
	ARCHIVE_REINDEX_ANYHOW, /* of what can be read: there is no old index, or somebody has decided so */
};

/* What is rebuilt: messages archived from_us <= time < until_us, whole months (UTC), open with INT64_MIN and INT64_MAX. Not
 * every kind of index can do a part. */
struct archive_rebuild {
	enum archive_reindex how;
	int64_t from_us, until_us;
	bool afresh; /* don't go on with what was interrupted */
};

/* Builds a fresh index and puts it in place; capture goes on meanwhile, and what may be missing in it afterwards is on the
 * outbox. progress may return -1 to stop; stopped or failed, the old index stays, and the next rebuild of the same goes on
 * there. Messages whose bytes can't be read are logged, counted in `failed`, and put on the outbox; with
 * ARCHIVE_REINDEX_WHOLE and more than one in a hundred of them -1 permanent: the old index stays. */
struct archive_progress {
	uint64_t done;	 /* messages that are in it, those that failed included */
	uint64_t total;	 /* when it began */
	uint64_t failed; /* could not be read, or the index refuses them: they are on the outbox */
};
int archive_reindex(struct archive *a, const struct archive_rebuild *what,
	int (*progress)(void *ctx, const struct archive_progress *p), void *ctx, struct archive_progress *p_r, struct err *e)
	MUST_CHECK;

/* What it is made of, for upkeep that goes beyond it; they live as long as it does. */
struct meta *archive_meta(struct archive *a) __attribute__((returns_nonnull));
struct store *archive_store(struct archive *a) __attribute__((returns_nonnull));
const char *archive_name(const struct archive *a) __attribute__((returns_nonnull)); /* "workerd@node" */

/* Where the database splits its tables by month: makes room for the months to come. */
int archive_extend(struct archive *a, struct err *e) MUST_CHECK;

#endif
