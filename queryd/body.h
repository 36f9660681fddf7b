/* body: the JSON object that a POST carries, held against what its endpoint knows. */
#ifndef QUERYD_BODY_H
#define QUERYD_BODY_H

#include "queryd/call.h"
#include "sys/json.h"

enum body_type { BODY_STRING, BODY_INTEGER };

struct body_field {
	const char *name;
	enum body_type type;
	bool required;
	size_t max; /* bytes of a string; 0: as the whole body */
};

/* The request's body as an object that has only these fields, none twice, of these types and lengths and with all
 * that are required; null counts as absent. `fields` ends with a NULL name. Caller frees; NULL: the response is the problem,
 * naming the field. */
cJSON *body_read(struct call *c, const struct body_field *fields) MUST_CHECK;

#endif
