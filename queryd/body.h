/* body: the JSON object that a request carries, held against what its endpoint knows. */
#ifndef QUERYD_BODY_H
#define QUERYD_BODY_H

#include "queryd/call.h"
#include "sys/json.h"

enum body_type {
	BODY_STRING,
	BODY_INTEGER, /* any number: json_get_u64() says whether it is a whole one */
	BODY_BOOLEAN,
	BODY_STRINGS, /* an array of strings */
	BODY_OBJECT,  /* whatever it holds is the handler's to check */
	BODY_ARRAY,   /* likewise */
	BODY_ANY,     /* any JSON */
};

struct body_field {
	const char *name;
	enum body_type type;
	bool required;
	size_t max;   /* bytes of a string, each of BODY_STRINGS; 0: as the whole body */
	size_t items; /* of an array; 0: as many as fit */
};

/* The request's body as an object that has only these fields, none twice, of these types and lengths and with all
 * that are required; null counts as absent (and stays: body_is_null()). `fields` ends with a NULL name. What `reason` and `case` are among them is
 * the audit's, where no header was it. Caller frees; NULL: the response is the problem, naming the field. */
cJSON *body_read(struct call *c, const struct body_field *fields) MUST_CHECK;

/* The same of a text that was taken from the body; the request's Content-Type counts. */
cJSON *body_read_text(struct call *c, const char *text, size_t n, const struct body_field *fields) MUST_CHECK;

/* The same of an object inside it, for a field of type BODY_OBJECT. -1: the response is the problem. */
int body_check(struct call *c, const cJSON *object, const struct body_field *fields) MUST_CHECK;

/* Of a checked body. A string, NULL when absent: a view. A boolean, `otherwise` when absent. */
const char *body_string(const cJSON *body, const char *name);
bool body_boolean(const cJSON *body, const char *name, bool otherwise);

/* Adds a checked field's strings, each once; whether the field was there. */
bool body_strings(const cJSON *body, const char *name, struct strv *list_r);

/* Is the member there, and null? What takes a value away. */
bool body_is_null(const cJSON *body, const char *name);

#endif
