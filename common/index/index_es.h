/* index_es: the index at a server: Elasticsearch 8 or OpenSearch 2 and later: `es:ALIAS`. The driver's own parts and what they
 * share.
 *
 *	index_es.c		opening, the table of functions, small answers
 *	index_es_client.c	requests: hosts, fail-over, sign-in
 *	index_es_json.c		writing JSON
 *	index_es_schema.c	which product it is; the template; making indices
 *	index_es_doc.c		documents as JSON
 *	index_es_write.c	adding and removing documents
 *	index_es_query.c	query and scope -> JSON
 *	index_es_search.c	a page: hits, count, snippets
 *	index_es_facets.c	counting what matches by its values
 *	index_es_generation.c	which making of the indices is searched
 *	index_es_pit.c		points in time, for those who page on
 *	index_es_rebuild.c	building indices beside the live ones and moving the alias to them
 *
 * Text is cut into tokens here (index/tokenize.h), as for FTS5, and the server splits finished tokens: both know the same
 * words, and a query finds the same. A token at the next position stands behind a blank, one at the same position behind a
 * DEL.
 *
 * There is an index for each month (UTC) in which messages were archived, named ALIAS-YYYY.MM, or ALIAS.WHEN-YYYY.MM with an
 * alias of that name when it was rebuilt. The month comes from the id alone, so a message that is added twice is in one
 * index. Each bears the alias ALIAS, which is what is searched. */
#ifndef INDEX_INDEX_ES_H
#define INDEX_INDEX_ES_H

#include "index/index_driver.h"
#include "index/index_es_client.h"
#include "index/index_es_json.h"
#include "index/index_es_pit.h"

#include <pthread.h>

#define ES_ALIAS "emails_archive" /* for `es:` */
#define ES_JSON_MAX ((size_t)96 * 1024 * 1024) /* of one request; servers take 100 MiB */

struct es {
	struct index base;
	const struct conf *conf;
	struct es_client *client;
	struct es_pits *pits;
	char *alias;
	char *prefix; /* of the indices that are written to: the alias, or ALIAS.WHEN while it rebuilds */
	bool rebuilds;
	struct index_rebuild range; /* of a rebuild */
	char *state;		    /* of a rebuild: the index whose mapping tells how far it is */
	pthread_mutex_t lock;
	/* under the lock: */
	struct strv known;   /* indices that are there */
	struct strv written; /* since they were last refreshed */
	char generation[INDEX_GENERATION_SIZE];
	int64_t generation_until_us; /* so long it is not asked for again; monotonic */
};

static inline struct es *es_of(struct index *i)
{
	return CONTAINER_OF(i, struct es, base);
}

/* A connection to the cluster, looked at: -1 temporary when it does not answer or is not one that this driver speaks with,
 * permanent when a setting is wrong. */
int es_new(struct es **s_r, const struct conf *conf, const char *alias, enum index_mode mode, struct err *e) MUST_CHECK;
void es_freep(struct es **s);

/* ---- index_es_schema.c ---- */

/* Is it Elasticsearch 8 (*elasticsearch_r) or OpenSearch 2, or later? */
int es_check_product(struct es_client *c, bool *elasticsearch_r, struct err *e) MUST_CHECK;

/* Puts the template there by which the cluster makes indices of this alias, or brings it up to this version. */
int es_put_template(struct es *s, struct err *e) MUST_CHECK;

/* Is the alias there, and are all indices behind it of this version? -1 permanent when not. */
int es_check_indices(struct es *s, struct err *e) MUST_CHECK;

#define ES_NAME_SIZE 300
#define ES_MONTH_SIZE 12 /* "2026.11" and room */
#define ES_MONTH_LENGTH 7

/* The month of an instant. */
char *es_month(char month[ES_MONTH_SIZE], int64_t us);

/* The index in which a message is. */
char *es_index_name(char name[ES_NAME_SIZE], const struct es *s, const struct uuid *id);

/* Makes it unless it is there. That of a rebuild has no copies, and nobody searches it before it is finished. */
int es_need_index(struct es *s, const char *name, struct err *e) MUST_CHECK;

/* Gives the indices of a rebuild the settings that live ones have. */
int es_settle_indices(struct es *s, struct err *e) MUST_CHECK;

#define ES_SCHEMA_VERSION 2 /* as in the template's mappings: _meta.strongroom */

/* ---- the others ---- */

/* A document as one object. */
struct tokenizer;
void es_put_doc(struct es_json *j, const struct index_doc *d, struct tokenizer *t);

/* A token's text between blanks, the same in documents and queries. */
void es_put_token(struct es_json *j, const char *text, size_t len);

/* What matches q within the scope. */
void es_put_query(struct es_json *j, const struct query *q, const struct scope *scope, struct tokenizer *t);

/* Any of these took part. */
void es_put_mailboxes(struct es_json *j, const struct strv *list);

int es_add(struct index *i, const struct index_doc *docs, size_t n, struct err *e) MUST_CHECK;
int es_remove(struct index *i, const struct uuid *ids, size_t n, struct err *e) MUST_CHECK;
int es_sync(struct index *i, struct err *e) MUST_CHECK;
int es_search(struct index *i, const struct scope *scope, const struct index_request *r, struct index_page *page_r,
	struct err *e) MUST_CHECK;


/* What facets ask for, as a member of a search; what the answer says of them. On -1 *f_r may hold some of it, which is the
 * caller's all the same. */
void es_put_facets(struct es_json *j, const struct index_facets_request *r);
int es_take_facets(const struct es *s, const cJSON *json, const struct index_facets_request *r, struct index_facets *f_r,
	struct err *e) MUST_CHECK;

int es_generation(struct index *i, char text_r[INDEX_GENERATION_SIZE], struct err *e) MUST_CHECK;

int es_rebuild_begin(struct index **fresh_r, const struct conf *conf, const char *where, const struct index_rebuild *what,
	struct uuid *done_r, struct err *e) MUST_CHECK;
int es_rebuild_note(struct index *fresh, const struct uuid *done, struct err *e) MUST_CHECK;
void es_rebuild_suspend(struct index *fresh);
int es_rebuild_finish(struct index *fresh, struct err *e) MUST_CHECK;
void es_rebuild_abandon(struct index *fresh);

#endif
