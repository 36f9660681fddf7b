#include "queryd/etag.h"

#include "base/hex.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DIGEST_BYTES 16

void etag_of_version(char tag_r[ETAG_SIZE], uint64_t version)
{
	snprintf(tag_r, ETAG_SIZE, "v%" PRIu64, version);
}

void etag_of_digest(char tag_r[ETAG_SIZE], const uint8_t digest[SHA256_SIZE])
{
	hex_encode(tag_r, digest, DIGEST_BYTES);
}

void etag_of_body(char tag_r[ETAG_SIZE], const struct response *r)
{
	etag_of_digest(tag_r, r->digest);
}

/* Does the list `"a", W/"b"` or `*` name the tag? If-Match compares strongly: what is weak never matches. */
static bool names(const char *list, const char *tag, bool weak_too)
{
	size_t n = strlen(tag);

	for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',') {
		at += strspn(at, " \t");
		if (*at == '*')
			return true;
		if (weak_too && strncmp(at, "W/", 2) == 0)
			at += 2;
		if (*at == '"' && strncmp(at + 1, tag, n) == 0 && at[n + 1] == '"')
			return true;
	}
	return false;
}

int etag_check(struct call *c, const char *tag)
{
	if (!c->request->if_match || names(c->request->if_match, tag, false))
		return 0;
	response_problem_named(&c->response, 412, "stale",
		"This was changed since it was read: If-Match names another version. Read it again.");
	return -1;
}

bool etag_is_known(const struct call *c, const char *tag)
{
	enum method m = c->request->method;

	return (m == METHOD_GET || m == METHOD_HEAD) && c->request->if_none_match && names(c->request->if_none_match, tag, true);
}

void etag_answer(struct call *c, const char *tag)
{
	char quoted[ETAG_SIZE + 2];

	if (etag_is_known(c, tag))
		response_empty(&c->response, 304);
	snprintf(quoted, sizeof(quoted), "\"%s\"", tag);
	response_header(&c->response, "ETag", quoted);
}
