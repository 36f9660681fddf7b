/* service: what every request needs: the opened backends, the keys, and what is bounded over all requests. */
#ifndef QUERYD_SERVICE_H
#define QUERYD_SERVICE_H

#include "cache/cache.h"
#include "conf/conf.h"
#include "index/index.h"
#include "mail/parser_pool.h"
#include "meta/meta.h"
#include "queryd/allowance.h"
#include "queryd/counts.h"
#include "queryd/key_watch.h"
#include "queryd/provider.h"
#include "queryd/turns.h"
#include "store/store.h"
#include "sys/secret.h"

#include <pthread.h>

struct service {
	const struct conf *conf;
	struct meta *meta;
	struct store *store;
	struct cache *cache;
	struct parser_pool *parsers;
	struct secret_key *seal; /* of TOTP secrets, and of what is given out under a MAC */
	struct key_watch *keys; /* of access tokens */
	struct provider *provider; /* NULL: nobody signs in through one */
	struct counts *counts;
	struct allowances *allowances;
	struct turns *turns; /* of searches */
	pthread_mutex_t lock; /* of what follows */
	struct index *index;  /* NULL while it can't be opened */
	int64_t index_tried_us;
	uint64_t held; /* bytes of messages in memory and spool */
};

/* Opens everything but the index, which may come later. conf must outlive it. */
int service_open(struct service *s_r, const struct conf *conf, struct err *e) MUST_CHECK;

/* No request may be under way. */
void service_close(struct service *s);

/* The index, opened now if it could not be before (at most one attempt a second). NULL temporary. */
struct index *service_index(struct service *s, struct err *e) MUST_CHECK;

/* Takes `bytes` of what messages that are read may use (conf->inflight_max); false when they are used up. One message
 * larger than all of it may go alone. */
bool service_hold(struct service *s, uint64_t bytes);
void service_release(struct service *s, uint64_t bytes);
uint64_t service_held(struct service *s);

#endif
