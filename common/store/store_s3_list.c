/* What is in the bucket: every version of every key below a prefix. */
#include "base/clock.h"
#include "base/hex.h"
#include "store/store_s3.h"
#include "sys/digest.h"

#include <string.h>

#define STOP 1 /* what take() returns when it has seen enough */

static bool is_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* A store that names no next page, or again the one that it gave, would be asked for ever. */
static bool goes_on(const struct s3_page *next, const struct s3_page *page)
{
	return next->key_marker &&
		!(is_same(next->key_marker, page->key_marker) && is_same(next->version_marker, page->version_marker));
}

/* Goes through the versions of all keys that begin with prefix and come behind `after` (NULL: all), in the order of keys,
 * the newest of each first, page by page. take: 0 to go on, STOP, or -1 with *e. 0, -1. */
static int walk(struct store_s3 *s, const char *prefix, const char *after,
	int (*take)(void *ctx, const struct s3_version *v), void *ctx, struct err *e)
{
	CLEANUP(s3_page_deinit) struct s3_page next = { true, mem_strdup(after), NULL };

	while (next.more) {
		CLEANUP(s3_page_deinit) struct s3_page page = next;
		CLEANUP(s3_request_deinit) struct s3_request r = { .method = "GET" };
		struct http_answer a;

		next = (struct s3_page){ 0 };
		s3_query(&r, "versions", "");
		s3_query(&r, "prefix", prefix);
		if (page.key_marker)
			s3_query(&r, "key-marker", page.key_marker);
		if (page.version_marker)
			s3_query(&r, "version-id-marker", page.version_marker);
		if (s3_do(s->client, &r, &a, e))
			return -1;
		int rc = s3_xml_versions(&a.body, take, ctx, &next, e);

		http_answer_deinit(&a);
		if (rc < 0)
			return err_prefix(e, "list(s3:%s/%s)", s3_client_bucket(s->client), prefix);
		if (rc == STOP)
			return 0;
		if (next.more && !goes_on(&next, &page))
			return err_temporary(e, "list(s3:%s/%s) failed: the store does not say where the next page begins",
				s3_client_bucket(s->client), prefix);
	}
	return 0;
}

/* ---- the listing of a day ---- */

struct listing {
	struct store_s3 *s;
	const struct store_range *range;
	const char *prefix;
	int (*take)(void *ctx, const struct store_listed *object);
	void *ctx;
	struct err *e;
};

/* Reads "<id>.eml". */
static bool read_name(const char *name, struct uuid *id_r)
{
	char text[UUID_TEXT_SIZE];

	if (strlen(name) != UUID_TEXT_SIZE - 1 + strlen(".eml") || strcmp(name + UUID_TEXT_SIZE - 1, ".eml") != 0)
		return false;
	memcpy(text, name, UUID_TEXT_SIZE - 1);
	text[UUID_TEXT_SIZE - 1] = '\0';
	return uuid_parse(id_r, text) == 0;
}

static int list_one(void *ctx, const struct s3_version *v)
{
	const struct listing *l = ctx;
	struct store_listed object = { .modified_us = v->modified_us };

	size_t prefix = strlen(l->prefix);

	if (strncmp(v->key, l->prefix, prefix) != 0 || !read_name(v->key + prefix, &object.id) ||
		memcmp(&object.id, &l->range->from, UUID_SIZE) < 0)
		return 0;
	if (memcmp(&object.id, &l->range->until, UUID_SIZE) >= 0)
		return STOP;
	_free_ char *bucket = mem_strdup(s3_client_bucket(l->s->client)), *key = mem_strdup(v->key),
		    *version = mem_strdup(v->version);
	const struct locator where = { bucket, key, version, 0, v->length };

	object.where = &where;
	return l->take(l->ctx, &object) ? err_temporary(l->e, "stopped: the reader gave up") : 0;
}

int store_s3_list(struct store *store, const struct store_range *range,
	int (*take)(void *ctx, const struct store_listed *object), void *ctx, struct err *e)
{
	char day[CLOCK_TEXT_SIZE], spread[3], from[UUID_TEXT_SIZE];

	clock_format(day, uuid_time_us(&range->from));
	hex_encode(spread, &range->spread, 1);
	uuid_format(from, &range->from);
	_free_ char *prefix = mem_printf("m/%s/%.4s/%.2s/%.2s/", spread, day, day + 5, day + 8);
	_free_ char *after = mem_printf("%s%s", prefix, from); /* before "<from>.eml", which is in the range */
	struct listing l = { store_s3(store), range, prefix, take, ctx, e };

	return walk(l.s, prefix, after, list_one, &l, e);
}

/* ---- the versions of one key ---- */

struct finding {
	const char *key;
	uint64_t length;
	bool any_length;
	struct strv versions; /* that fit, the newest first */
	uint64_t last_length;
};

static int find_one(void *ctx, const struct s3_version *v)
{
	struct finding *f = ctx;

	if (strcmp(v->key, f->key) != 0)
		return STOP; /* keys that only begin so come behind it */
	if (!f->any_length && v->length != f->length)
		return 0;
	strv_add(&f->versions, v->version);
	f->last_length = v->length;
	return 0;
}

int store_s3_find(struct store *store, const struct uuid *id, struct locator *where_r, struct err *e)
{
	struct store_s3 *s = store_s3(store);
	_free_ char *key = store_key(id);
	struct finding f = { .key = key, .any_length = true };
	int rc = walk(s, key, NULL, find_one, &f, e);

	if (rc == 0 && f.versions.n) {
		*where_r = (struct locator){ mem_strdup(s3_client_bucket(s->client)), mem_strdup(key),
			mem_strdup(f.versions.items[f.versions.n - 1]), 0, f.last_length };
		rc = 1;
	}
	strv_deinit(&f.versions);
	return rc;
}

int store_s3_versions(struct store_s3 *s, const char *key, struct strv *versions_r, struct err *e)
{
	struct finding f = { .key = key, .any_length = true };

	if (walk(s, key, NULL, find_one, &f, e) < 0) {
		strv_deinit(&f.versions);
		return -1;
	}
	*versions_r = f.versions;
	return 0;
}

static int add_to_hash(void *ctx, const void *data, size_t n)
{
	sha256_add(ctx, data, n);
	return 0;
}

/* 1 when the version has these bytes, 0, -1. */
static int has_bytes(struct store_s3 *s, const struct locator *where, const uint8_t *sha256, struct err *e)
{
	CLEANUP(sha256_freep) struct sha256 *h = sha256_new();
	uint8_t digest[SHA256_SIZE];

	if (store_s3_get(&s->store, where, add_to_hash, h, e))
		return e->class == ERR_PERMANENT ? 0 : -1;
	sha256_finish(h, digest);
	return memcmp(digest, sha256, SHA256_SIZE) == 0;
}

int store_s3_find_bytes(struct store_s3 *s, const char *key, uint64_t length, const uint8_t *sha256, struct locator *where_r,
	struct err *e)
{
	struct finding f = { .key = key, .length = length };
	int rc = walk(s, key, NULL, find_one, &f, e);

	for (size_t i = f.versions.n; rc == 0 && i-- > 0;) {
		struct locator where = { mem_strdup(s3_client_bucket(s->client)), mem_strdup(key),
			mem_strdup(f.versions.items[i]), 0, length };

		rc = sha256 ? has_bytes(s, &where, sha256, e) : 1;
		if (rc == 1)
			*where_r = where;
		else
			locator_deinit(&where);
	}
	strv_deinit(&f.versions);
	return rc;
}
