/* store: where message bytes live, write-once. One driver per kind (store/store_driver.h): `fs:DIR`, `s3:BUCKET`.
 *
 * Thread safety: every function may be called by any number of threads at once. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/uuid.h"
#include "conf/conf.h"
#include "mail/locator.h"
#include "sys/digest.h"

#include <stdbool.h>

struct store;

struct store_object {
	struct uuid id;	     /* decides the key: m/<2 hex of the random part>/<YYYY>/<MM>/<DD>/<id>.eml */
	const void *data;
	uint64_t length;
	const uint8_t *sha256;
	int64_t retain_until_us; /* one that is past, or nearly, is moved some minutes into the future */
};

/* Opens what conf->store names. -1 permanent for an unknown kind, temporary when it can't be reached. */
int store_open(struct store **s_r, const struct conf *conf, struct err *e) MUST_CHECK;
void store_closep(struct store **s);

/* Writes an object; on 0 it is durable, locked, and *where_r (caller deinits) finds it. -1: temporary, nothing that was
 * acknowledged; or unknown outcome: ask store_find(). Blocks; how a driver groups many callers' syncs stays inside. */
int store_put(struct store *s, const struct store_object *o, struct locator *where_r, struct err *e) MUST_CHECK;

/* Is there an object of this id? 1 with *where_r (caller deinits), 0, or -1. */
int store_find(struct store *s, const struct uuid *id, struct locator *where_r, struct err *e) MUST_CHECK;

/* Gives the object to sink in pieces, from the calling thread. -1 permanent when there is none, temporary when it can't
 * be read or sink returned -1. The caller compares the hash. */
int store_get(struct store *s, const struct locator *where, int (*sink)(void *ctx, const void *data, size_t n), void *ctx,
	struct err *e) MUST_CHECK;

/* What protects an object, and how long it is now (that of a whole object: a locator's offset does not matter). */
struct store_state {
	uint64_t length;
	bool read_only; /* nobody may write to it, by its mode or the store's own rule */
	bool locked;	/* the account that wrote it can't change or remove it: the immutable flag, or Object Lock */
	bool held;	/* a legal hold keeps it beyond the end of its lock */
	int64_t retain_until_us; /* of its lock; 0 where the store's locks have no end or it does not tell */
};

/* 1 with *state_r, 0 when there is no such object, -1. Cheap: reads none of its bytes. */
int store_stat(struct store *s, const struct locator *where, struct store_state *state_r, struct err *e) MUST_CHECK;

/* One object of a listing. Where a store keeps versions, each of them is one. */
struct store_listed {
	struct uuid id;
	const struct locator *where; /* its length is the object's; valid during the call */
	int64_t modified_us;	     /* when the store took it */
};

#define STORE_SPREAD 256 /* how many parts the keys of a day are spread over, by the first part of the key */

struct store_range {
	struct uuid from, until; /* [from, until), both of one UTC day (until may be the next day's first) */
	uint8_t spread;
};

/* Gives take() every object of the range, in no promised order; what is no message's key is passed over. take() may return
 * -1 to stop. For the reconciler: what is put meanwhile may or may not be among them. -1 temporary. */
int store_list(struct store *s, const struct store_range *range,
	int (*take)(void *ctx, const struct store_listed *object), void *ctx, struct err *e) MUST_CHECK;

/* Keeps an object until then at least. A lock is never shortened: an earlier time changes nothing. -1 permanent past
 * lock_days_max or when there is no such object. In store_fs nothing ends by itself: there it only looks for the object,
 * and until when it is to be kept is what the database says. */
int store_extend(struct store *s, const struct locator *where, int64_t retain_until_us, struct err *e) MUST_CHECK;

/* Puts a legal hold on an object, which keeps it beyond the end of its lock, or takes it off. In store_fs as store_extend():
 * the database knows. */
int store_hold(struct store *s, const struct locator *where, bool on, struct err *e) MUST_CHECK;

/* Removes a message's object for good, for an approved disposition; on 0 it is gone, durably, also when it was not there any
 * more. Only what where names: one version of one key, which is that of a message, and never what another object is a part
 * of. -1 permanent when its lock or a legal hold still keeps it, or where names no message's object; temporary otherwise: it
 * is there still, or that could not be found out, and the same again does no harm.
 *
 * Whether it may be removed is the caller's to know, from the database. At an S3 the object's own lock and holds refuse it
 * besides, by the store's clock and by this machine's. The lock of store_fs knows no end and no hold: there the immutable flag
 * is taken off, for which this process needs CAP_LINUX_IMMUTABLE, and nothing else stands in the way. */
int store_remove(struct store *s, const struct locator *where, struct err *e) MUST_CHECK;

/* Of what was removed: is there an object of this id still, in whichever version? Listed alone is not enough, for listings may be
 * behind. 1 with *where_r (caller deinits), 0, -1. */
int store_remains(struct store *s, const struct uuid *id, struct locator *where_r, struct err *e) MUST_CHECK;

/* A URL that anybody can read the object at, without an account, for so many seconds. Caller frees. -1 permanent where the
 * store has no such thing. */
int store_presign(struct store *s, const struct locator *where, uint32_t seconds, char **url_r, struct err *e) MUST_CHECK;

/* ---- long objects, made piece by piece: exports ---- */

#define STORE_UPLOADS "x/" /* their keys begin so; those of messages begin with m/ */

struct store_upload; /* one that is under way; used by one thread at a time */

/* Begins an object of that key (STORE_UPLOADS, then letters, digits and ". - _ /", never used before), which will be locked
 * until then as messages are. Nothing of it is to be seen before it is finished. -1 permanent for another key. */
int store_upload_begin(struct store *s, const char *key, int64_t retain_until_us, struct store_upload **u_r, struct err *e)
	MUST_CHECK;
int store_upload_add(struct store_upload *u, const void *data, size_t n, struct err *e) MUST_CHECK;

/* Makes it an object, durable and locked, and frees *u. -1: *u is to be abandoned, or left; when unknown, it may be there;
 * permanent: it never will be. */
int store_upload_finish(struct store_upload **u, struct locator *where_r, struct err *e) MUST_CHECK;

/* Drops what was added so far, and frees it. */
void store_upload_abandonp(struct store_upload **u);

/* Makes durable what was added, so that another process can go on behind it: appends to *state what store_upload_resume() needs.
 * What the store has not taken yet is *tail_r (*tail_n_r bytes; valid until the next call): the caller keeps it, and adds it
 * again. whole: nothing comes behind it, and only store_upload_finish() follows. */
int store_upload_save(struct store_upload *u, bool whole, struct buf *state, const void **tail_r, size_t *tail_n_r, struct err *e)
	MUST_CHECK;

/* Goes on with an upload of that key where it was when it was saved; what was added later is dropped. Nobody else may be at it.
 * One that was whole is gone on with also when it has become an object since. -1 permanent: it is there no more, or what was
 * saved can't be read. */
int store_upload_resume(struct store *s, const char *key, int64_t retain_until_us, const struct buf *state, struct store_upload **u_r,
	struct err *e) MUST_CHECK;

/* Frees it; what was added stays for store_upload_resume(), or store_upload_clear(). */
void store_upload_leavep(struct store_upload **u);

/* Nothing of that key stays: neither what a program that died had added, nor the object itself. Nobody may be adding to it. 0
 * also when there is nothing; -1 temporary when something is still there, locked perhaps. Messages can't be removed so. */
int store_upload_clear(struct store *s, const char *key, struct err *e) MUST_CHECK;

/* ---- what a store is worth ---- */

enum store_finding {
	STORE_HOLDS, /* tried, in order */
	STORE_LACKS, /* a guarantee that this store does not give: somebody should know */
	STORE_FAILS, /* nothing may be captured to it; remedy says what to do */
};
typedef void store_report(void *ctx, enum store_finding kind, const char *finding, const char *remedy);

/* Tries to break what the store promises, on objects of its own, which it removes when their short locks are over, and
 * reports what came of it. Takes some seconds where there is something to try. What came of it is kept in the store itself,
 * for store_proved(). -1: it could not be tried. */
int store_prove(struct store *s, store_report *report, void *ctx, struct err *e) MUST_CHECK;

/* Was this store seen to keep its promises? Who captures asks once, before the first message. -1 permanent with what to do
 * when it was not, temporary when it can't be reached. */
int store_proved(struct store *s, struct err *e) MUST_CHECK;

/* Can a message be put now? For readiness and for refusing at MAIL: cheap. -1 says why not. */
int store_ready(struct store *s, struct err *e) MUST_CHECK;

/* What `lock_mode` of a record says of this store: "file" or "COMPLIANCE". */
const char *store_lock_mode(const struct store *s);

/* Makes what store_open() expects (directories), for `strongroom init`. Existing ones are left as they are. */
int store_create(const struct conf *conf, struct err *e) MUST_CHECK;

/* The key of an id, as above; caller frees. */
char *store_key(const struct uuid *id);

#endif
