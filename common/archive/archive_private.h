/* archive_private: what the files of archive/ share of an open archive. */
#ifndef ARCHIVE_ARCHIVE_PRIVATE_H
#define ARCHIVE_ARCHIVE_PRIVATE_H

#include "archive/admission.h"
#include "archive/archive.h"
#include "archive/group.h"
#include "archive/indexer.h"
#include "archive/rules.h"
#include "archive/setaside.h"
#include "archive/underway.h"
#include "cache/cache.h"
#include "mail/parser_pool.h"
#include "meta/meta.h"
#include "store/store.h"

struct archive {
	const struct conf *conf;
	char *daemon; /* ledger name: name@node */
	struct rules *rules;
	int lock; /* on the name */
	struct store *store;
	struct meta *meta;
	struct cache *cache;
	struct parser_pool *parsers;
	struct indexer *indexer;
	struct group *group;
	struct admission admission;
	struct underway underway;
	struct setaside setaside; /* archive_drain()'s */
	uint64_t holds_done;	  /* archive_govern()'s: up to this version of the holds, less one, all is done; 0: unknown */
	uint64_t members_done;	  /* the same: of this generation of the rules all mailboxes were gone through */
	uint64_t disposals_done;  /* archive_dispose()'s: up to this version of the queue, less one, all is done; 0: unknown */
	/* the last answer of archive_ready() */
	pthread_mutex_t ready_lock;
	int64_t ready_until_us;
};

#endif
