/* index: full-text search. Never the authority: it can be dropped and rebuilt from meta and store.
 *
 * One driver per kind (index/index_driver.h): `fts:FILE`, `es:ALIAS`. Any thread may call; writing is
 * serialised inside. Searching takes a scope, and a search within a scope can't tell that
 * anything outside exists. */
#ifndef INDEX_INDEX_H
#define INDEX_INDEX_H

#include "base/err.h"
#include "base/uuid.h"
#include "conf/conf.h"
#include "index/query.h"
#include "mail/scope.h"

struct index;

/* All strings UTF-8; lists of people are "Name <address>" with the normal form behind it where
 * it differs, comma separated. Borrowed for the time of the call. */
struct index_doc {
	struct uuid id;
	int64_t date_us; /* as in message_row */
	uint64_t size;
	bool has_attachment;
	const char *from, *to, *cc, *bcc, *envelope;
	const char *subject, *body, *attachment_names, *message_id;
	const struct strv *mailboxes; /* normal addresses of the participants that count for scopes */
	const struct strv *senders, *attachment_types; /* for facets, each once, at most INDEX_VALUES_MAX; may be NULL */
	const struct strv *ids;	      /* in Message-ID, In-Reply-To and References, each once; at most INDEX_IDS_MAX; may be NULL */
	unsigned marks;		      /* enum query_mark */
	bool *refused; /* set when the index will not have this one for what it is; NULL: that fails the batch */
};

#define INDEX_VALUES_MAX 100
#define INDEX_VALUE_SIZE_MAX 320 /* bytes of a sender or type; longer ones are left out */
#define INDEX_IDS_MAX 100

enum index_mode { INDEX_READ, INDEX_WRITE };

/* -1: capture goes on without it (outbox), search says so. Permanent when it is missing or
 * damaged, so that only a rebuild mends it (strongroom-workerd begins one by itself); temporary
 * for all else. */
int index_open(struct index **i_r, const struct conf *conf, enum index_mode mode, struct err *e) MUST_CHECK;
void index_closep(struct index **i);

/* Adds a batch; a document that is there already (same id) is left as it is, so that whoever failed
 * may simply add it again: some may be there then. It can be found, and is durable, after
 * index_sync() at the latest (in the embedded index it is found at once, at a server it is durable
 * at once). -1 permanent when the index turns out to be damaged or is gone, as with index_open(). */
int index_add(struct index *i, const struct index_doc *docs, size_t n, struct err *e) MUST_CHECK;

/* Takes these off it: nothing finds them any more, and they may be added again. What is not there is passed over. Durable as
 * index_add(); a rebuild that is under way may still take them in: see to it that it does not, or remove them again. */
int index_remove(struct index *i, const struct uuid *ids, size_t n, struct err *e) MUST_CHECK;

/* Makes durable what any process added before, and what this one added found, and does upkeep that
 * nobody should wait for: call it every second or so while documents are added. -1: nothing may be
 * assumed of either. */
int index_sync(struct index *i, struct err *e) MUST_CHECK;

struct index_hit {
	struct uuid id;
	char *snippet; /* a piece of the body (or subject) as HTML text: escaped, the hits between <mark> and </mark> */
	struct link *links; /* asked for instead of the snippet, which is NULL then */
	size_t link_count;
};

#define INDEX_COUNT_MAX 10000
#define INDEX_COUNT_SURE 1000 /* so many are counted, however long it takes */
#define INDEX_COUNT_US INT64_C(25000) /* for count_us, where somebody waits for the page */
#define INDEX_PAGE_MAX 500

enum index_facet {
	FACET_SENDER,	       /* addresses in From; where there are none, the envelope's sender */
	FACET_DEPARTMENT,      /* the request's groups of mailboxes */
	FACET_MONTH,	       /* of the message's date, in UTC: 2011-06 */
	FACET_ATTACHMENT_TYPE, /* type/subtype, as the message says */
	FACETS		       /* how many there are */
};

/* How many messages have a value. */
struct index_value {
	char *value;
	uint64_t count;
};

struct index_facet_list {
	struct index_value *values; /* the most frequent first, equals by value; months: the latest first */
	size_t n;
	bool more;  /* there are other values */
	bool exact; /* else a count means at least so many, and a value may be missing */
};

struct index_facets {
	struct index_facet_list of[FACETS]; /* those that were not asked for are empty */
};

#define INDEX_FACET_VALUES 50
#define INDEX_FACET_MONTHS 600
#define INDEX_FACETS_SURE 1000		   /* messages that the embedded index looks at, however long it takes, ... */
#define INDEX_FACETS_MAX 100000		   /* ... and the most; the newest first */
#define INDEX_FACETS_US INT64_C(250000)	   /* for time_us, where somebody waits */

/* Mailboxes with a name. */
struct index_group {
	const char *name;
	const struct strv *mailboxes; /* normal addresses */
};

struct index_facets_request {
	unsigned wanted; /* bits: 1u << enum index_facet */
	const struct index_group *groups; /* for FACET_DEPARTMENT; a message counts once in each that took part */
	size_t group_count;
	int64_t time_us; /* after so long, or when others wait, what the embedded index counted is the answer; 0: it has time */
};

struct index_request {
	const struct query *query;
	size_t limit;	    /* 1 .. INDEX_PAGE_MAX */
	const char *cursor; /* NULL: the first page. Permanent error when it is none of ours */
	int64_t count_us;   /* after so long, or when others wait, the embedded index counts no more than INDEX_COUNT_SURE; 0: it has time */
	bool links;	    /* hits with their links, uncounted */
	const struct index_facets_request *facets; /* of all that matches, whatever the page; NULL: none */
};

struct index_page {
	struct index_hit *hits; /* newest first, by the second of the date, then as they came */
	size_t n;
	char *next;	  /* cursor of the next page, NULL when this is the last */
	uint64_t total;	  /* matches in scope; at least so many unless total_exact */
	bool total_exact; /* counting stops at INDEX_COUNT_MAX, or when its time is up */
	bool has_facets;  /* else none were asked for, or they could not be counted: facets_error says why */
	struct index_facets facets;
	struct err facets_error;
};

/* A page of what matches within the scope; caller deinits. New mail never shifts later pages. */
int index_search(struct index *i, const struct scope *scope, const struct index_request *r, struct index_page *page_r,
	struct err *e) MUST_CHECK;
void index_page_deinit(struct index_page *p);

/* ---- for upkeep ---- */

#define INDEX_GENERATION_SIZE 40

/* Tells one making of the index from the next: the version of its form and when it was begun. */
int index_generation(struct index *i, char text_r[INDEX_GENERATION_SIZE], struct err *e) MUST_CHECK;

/* Which messages it holds: present_r[i] tells of ids[i]. For upkeep, which asks for some hundred at a time. */
int index_has(struct index *i, const struct uuid *ids, size_t n, bool *present_r, struct err *e) MUST_CHECK;

/* How many documents it holds. */
int index_count(struct index *i, uint64_t *n_r, struct err *e) MUST_CHECK;

/* Of how many that were removed it still has words, though nothing finds them: only a rebuild makes it forget them. */
int index_count_gone(struct index *i, uint64_t *n_r, struct err *e) MUST_CHECK;

/* What a rebuild covers. */
struct index_rebuild {
	int64_t from_us, until_us; /* messages archived from_us <= time < until_us: whole months (UTC), open with INT64_MIN, INT64_MAX */
	bool afresh;		   /* what an interrupted rebuild has done goes */
};

/* Rebuilding beside the live index: begin gives an empty one, fill it with index_add(), and
 * index_rebuild_finish() puts it in the place of the live one, or of the months that it covers, in
 * one step (readers and writers go over by themselves). What others add to the live one meanwhile
 * may be missing then: see to it that it is added again.
 *
 * A rebuild of the same range by the same version that was suspended, or died, goes on where it was:
 * *done_r is the last id that was noted (all zero: none); messages behind it are to be added, in
 * the order of ids. -1 permanent: this kind can't rebuild such a range; temporary: somebody else
 * rebuilds, or it fails. */
int index_rebuild_begin(struct index **fresh_r, const struct conf *conf, const struct index_rebuild *what, struct uuid *done_r,
	struct err *e) MUST_CHECK;

/* Notes that all messages up to `done` have been added. Every few seconds is often enough. */
int index_rebuild_note(struct index *fresh, const struct uuid *done, struct err *e) MUST_CHECK;

int index_rebuild_finish(struct index **fresh, const struct conf *conf, struct err *e) MUST_CHECK;
void index_rebuild_suspend(struct index **fresh, const struct conf *conf); /* leaves it to a later begin */
void index_rebuild_abandon(struct index **fresh, const struct conf *conf); /* removes it */

/* Makes what index_open() expects, for `strongroom init`. */
int index_create(const struct conf *conf, struct err *e) MUST_CHECK;

int index_ready(struct index *i, struct err *e) MUST_CHECK;

/* Has anybody met damage in the index since it was built? Any process may, a search for
 * instance; workerd asks, and builds a new one. Cheap. */
bool index_is_damaged(const struct conf *conf);

#endif
