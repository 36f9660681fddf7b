/* cache: what the daemons of several machines share for a short time: counters that expire, which tokens have ended, and
 * that there is something to do.
 *
 * One driver per kind (cache/cache_driver.h): `redis:`, and `meta:` for none, which never knows anything. Nothing here is
 * ever needed: no function fails, and whoever asks goes to the database when the answer is "not known". While a Redis
 * does not answer in conf->redis_timeout_us it is left alone for a second at a time; that it is gone, and that it is back,
 * is logged once. Any thread may call. */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include "base/err.h"
#include "conf/conf.h"

#include <stdbool.h>
#include <stdint.h>

struct cache;

/* Opens what conf->cache names; conf outlives it. A server that does not answer is no failure. -1 permanent: the settings
 * are wrong. */
int cache_open(struct cache **c_r, const struct conf *conf, struct err *e) MUST_CHECK;
void cache_closep(struct cache **c);

/* Does the server answer now? 1; 0 when there is none to ask; -1 says why not. For `strongroom check`. */
int cache_ready(struct cache *c, struct err *e) MUST_CHECK;

/* Counts `by` more under this name in the present window of time; windows begin at multiples of their length. true with
 * how many they are by now; false: not known, and not counted. */
bool cache_count(struct cache *c, const char *name, int64_t now_us, int64_t window_us, uint64_t by, uint64_t *n_r);

/* Keeps a number under a name for so long, unless a larger one is there; best effort. */
void cache_raise(struct cache *c, const char *name, uint64_t value, int64_t for_us);

/* true with the number under a name, 0 when there is none; false: not known. */
bool cache_get(struct cache *c, const char *name, uint64_t *value_r);

/* ---- wake-ups: look now, instead of when your time comes ---- */

#define CACHE_WAKE_OUTBOX "outbox" /* capture left something for workerd to index */
#define CACHE_WAKE_EXPORT "export" /* somebody has asked for an export */

/* Says to whoever listens, on any machine, that there is something to do. Never waits: a thread of its own sends it, at most
 * once a second for each name. It may be lost, so that whoever listens looks from time to time all the same. name: a
 * literal. */
void cache_wake(struct cache *c, const char *name);

/* Calls heard() with each name from a thread of its own, and with NULL whenever it begins to hear, for what was said before
 * was not heard. One listener for each cache; it ends with cache_closep(). */
int cache_listen(struct cache *c, void (*heard)(void *ctx, const char *name), void *ctx, struct err *e) MUST_CHECK;

#endif
