/* query: a search as the client asks for it. */
#ifndef QUERYD_QUERY_H
#define QUERYD_QUERY_H

#include "index/index.h"
#include "queryd/call.h"
#include "sys/json.h"

#define SEARCH_LIMIT_STANDARD 50

/* Bytes. The audit keeps the whole request for ever. */
#define SEARCH_MAILBOX_MAX 512
#define SEARCH_DEPARTMENT_MAX 255
#define SEARCH_CURSOR_MAX 64

struct search_request {
	struct query *query;
	char *mailbox;	   /* NULL: any */
	char *department;  /* NULL: any */
	int64_t after_us;  /* messages of this moment or later; INT64_MIN: open */
	int64_t before_us; /* messages before this moment; INT64_MAX: open */
	size_t limit;	   /* 1 .. INDEX_PAGE_MAX */
	char *cursor;	   /* NULL: the first page */
	unsigned facets;   /* bits: 1u << enum index_facet */
	char *text;	   /* the whole request as JSON, for the audit */
};

/* From the call's body, which may name a saved search of the account or of its cases; search_request_deinit() frees. -1: the
 * response is a problem that names the field, and of a bad query the position. */
int search_request_read(struct call *c, struct search_request *r_r) MUST_CHECK;
void search_request_deinit(struct search_request *r);

/* Is it one that can be kept? -1: as search_request_read(). */
int search_request_check(struct call *c, const cJSON *request) MUST_CHECK;

/* Reads what a body says of which messages are meant: the query, mailbox, department, after, before. As
 * search_request_read(). */
int search_filters_read(struct call *c, const cJSON *body, struct search_request *r_r) MUST_CHECK;

#endif
