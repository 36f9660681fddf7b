/* response: an answer, free of the HTTP library: status, header fields, and a body that is text or a message's bytes.
 *
 * Everything but a message's bytes is JSON (or nothing): a result, or a problem (RFC 9457) whose `detail` says what was wrong and
 * what to do. A response is set once or more often; the last one counts. */
#ifndef QUERYD_RESPONSE_H
#define QUERYD_RESPONSE_H

#include "mail/message.h"
#include "sys/json.h"

#include <sys/types.h>

#define RESPONSE_HEADERS_MAX 10

/* Bytes that come from elsewhere while they are handed over. */
struct response_stream {
	/* Puts 1 to max bytes in `to`, those that come next; -1: there are no more to be had. */
	ssize_t (*read)(struct response_stream *s, char *to, size_t max);
	void (*free)(struct response_stream *s);
	/* Of one without a length; read() sets them with the last bytes: */
	bool ended;
	uint64_t count; /* for the audit's outcome, as that of the response */
	uint8_t digest[SHA256_SIZE];
};

struct response {
	unsigned status; /* 0: nothing set */
	const char *content_type;
	struct {
		const char *name; /* a literal */
		char *value;
	} headers[RESPONSE_HEADERS_MAX];
	size_t header_count;
	char *body;
	size_t length; /* meaningless without an end */
	bool endless;  /* nobody knows how long it is before it is over */
	struct message *content; /* in the place of body: given out piece by piece */
	struct response_stream *stream; /* likewise */
	bool close;		 /* the connection ends with this response */
	/* for the audit's outcome */
	uint64_t count; /* what was given out: hits, or bytes */
	uint8_t digest[SHA256_SIZE];
};

void response_deinit(struct response *r);

/* Adds a header field; the value is copied. More than RESPONSE_HEADERS_MAX is a bug (abort). */
void response_header(struct response *r, const char *name, const char *value);

/* 200 with j, which becomes the response's. */
void response_json(struct response *r, cJSON *j);

/* 201 with j, which becomes the response's, and where the new resource is (a path). */
void response_created(struct response *r, const char *location, cJSON *j);

/* A status without a body: 204, 304. */
void response_empty(struct response *r, unsigned status);

/* A JSON text as it is. */
void response_text(struct response *r, const char *json, size_t n);

/* A problem. The text is for the client: nothing internal in it. */
void response_problem(struct response *r, unsigned status, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The same of a type that a client must tell apart: urn:strongroom:problem:<name>. The names are in openapi/base.json. */
void response_problem_named(struct response *r, unsigned status, const char *name, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

/* The same with these members besides. */
void response_problem_with(struct response *r, unsigned status, const char *name, const cJSON *members, const char *fmt, ...)
	PRINTF_LIKE(5, 6);

/* A problem of status 400 with a member that says where: the name of a field of the request, or with `position` (not -1) a byte offset
 * into the value of that field. */
void response_problem_at(struct response *r, const char *field, int64_t position, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

/* 503 with Retry-After: something that is ours does not work. */
void response_unavailable(struct response *r, const char *detail);

/* 200 with the bytes of m, which becomes the response's. */
void response_content(struct response *r, const char *content_type, struct message *m);

/* 200 with so many bytes of s, which becomes the response's and must give just that many, of this SHA-256. */
void response_stream(struct response *r, const char *content_type, struct response_stream *s, uint64_t length,
	const uint8_t sha256[SHA256_SIZE]);

/* 200 with the bytes of s, which becomes the response's, however many it will give; there is at least one. */
void response_stream_endless(struct response *r, const char *content_type, struct response_stream *s);

/* Is it given out piece by piece? Then the audit's outcome is written before the last one. */
static inline bool response_is_long(const struct response *r)
{
	return r->content || r->stream;
}

/* "Not Found"; "" for a status that is not used here. */
const char *response_reason(unsigned status);

/* The statuses that are used here, one after the other; 0 behind the last. */
unsigned response_status_at(size_t place);

#endif
