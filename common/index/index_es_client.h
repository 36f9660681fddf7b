/* index_es_client: requests to one cluster of Elasticsearch or OpenSearch, at whichever of its hosts answers.
 *
 * A host that could not be reached, or before which a proxy says so, is left alone for a while, longer each time; when
 * all are, each is tried. Every request that is made here may be carried out twice, so one whose fate is unknown is made
 * again at the next host. Any thread may call. */
#ifndef INDEX_INDEX_ES_CLIENT_H
#define INDEX_INDEX_ES_CLIENT_H

#include "base/err.h"
#include "conf/conf.h"
#include "sys/json.h"

#include <stdbool.h>

struct es_client;

/* -1 permanent: a setting of [es] or a file of secrets is wrong. */
int es_client_new(struct es_client **c_r, const struct conf *conf, struct err *e) MUST_CHECK;
void es_client_freep(struct es_client **c);

struct es_request {
	const char *method, *path; /* from the slash on, with its query */
	const char *body;	   /* JSON; NULL: none */
	size_t body_len;
	bool lines; /* body is JSON a line */
	bool quick; /* asks for something that is at hand: whoever opens the index waits for it */
};

struct es_answer {
	int status;
	cJSON *json;	    /* NULL: it was no JSON */
	bool elasticsearch; /* it says that it is the real one */
};

/* 0: the cluster answered, whatever it said; caller deinits. -1 temporary: no host did. */
int es_call(struct es_client *c, const struct es_request *r, struct es_answer *a_r, struct err *e) MUST_CHECK;
void es_answer_deinit(struct es_answer *a);

/* The same where only a success will do: -1 for any status but 2xx, with what the cluster says: temporary. */
int es_demand(struct es_client *c, const struct es_request *r, struct es_answer *a_r, struct err *e) MUST_CHECK;

/* -1 temporary: "what(object) failed: 503 type: reason". */
int es_fail(const struct es_answer *a, const struct es_request *r, struct err *e);

/* The type of the error that an answer, or an item of a bulk answer, tells of; "" without one. A view. */
const char *es_error_type(const cJSON *json);

/* Did all shards take part; es_check_whole(): in time, too? -1 temporary: some did not, so that the answer may lack something. */
int es_check_shards(const struct es_answer *a, const struct es_request *r, struct err *e) MUST_CHECK;
int es_check_whole(const struct es_answer *a, const struct es_request *r, struct err *e) MUST_CHECK;

#endif
