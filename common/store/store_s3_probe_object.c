#include "store/store_s3_probe_object.h"

#include "sys/digest.h"

#include <string.h>
#include <time.h>

void probe_object_init(struct probe_object *o, struct store_s3 *s)
{
	const struct uuid id = uuid_new(clock_now_us());
	char text[UUID_TEXT_SIZE];

	*o = (struct probe_object){ .s = s };
	o->key = mem_printf("strongroom/probe/%s", uuid_format(text, &id));
	o->body = mem_printf("An object that `strongroom check` tries to delete. It may be deleted when its lock is over.\n"
		"%s\n", text);
}

void probe_object_deinit(struct probe_object *o)
{
	strv_deinit(&o->others);
	free(o->key);
	free(o->version);
	free(o->body);
	free(o->encryption);
}

/* The store's clock, from "Mon, 23 Nov 2026 00:45:26 GMT". */
static void read_clock(struct probe_object *o, const struct http_answer *a)
{
	const char *date = http_answer_header(a, "Date");
	struct tm tm = { 0 };

	if (date && strptime(date, "%a, %d %b %Y %H:%M:%S", &tm))
		o->server_us = (int64_t)timegm(&tm) * CLOCK_SECOND;
}

int probe_call(struct probe_object *o, const struct s3_request *r, struct probe_answer *a_r, struct err *e)
{
	struct http_answer a;

	if (s3_call(o->s->client, r, &a, e))
		return -1;
	bool makes_one = strcmp(r->method, "PUT") == 0 && !r->query.n;
	const char *version = makes_one ? http_answer_header(&a, "x-amz-version-id") : NULL;

	*a_r = (struct probe_answer){ a.status, a.status / 100 == 2 ? mem_strdup(version) : NULL };
	read_clock(o, &a);
	http_answer_deinit(&a);
	return 0;
}

/* ---- put ---- */

int probe_ask_clock(struct probe_object *o, struct err *e)
{
	struct s3_request r = { .method = "HEAD" };
	struct probe_answer a;

	if (probe_call(o, &r, &a, e))
		return -1;
	free(a.version);
	return o->server_us ? 0 : err_temporary(e, "probe(%s) failed: the store's answers have no date", o->key);
}

int probe_object_put(struct probe_object *o, int64_t lock_us, struct err *e)
{
	CLEANUP(s3_request_deinit)
	struct s3_request r = { .method = "PUT", .key = o->key, .body = o->body, .length = strlen(o->body) };
	uint8_t sha256[SHA256_SIZE];
	struct http_answer a;

	if (probe_ask_clock(o, e))
		return -1;
	o->until_us = o->server_us + lock_us;
	sha256_of(o->body, r.length, sha256);
	r.sha256 = sha256;
	store_s3_checksum_headers(&r);
	store_s3_lock_headers(o->s, &r, o->until_us);
	if (s3_do(o->s->client, &r, &a, e))
		return -1;
	o->version = mem_strdup(http_answer_header(&a, "x-amz-version-id"));
	read_clock(o, &a);
	http_answer_deinit(&a);
	if (o->version)
		return 0;
	return err_permanent(e, "PUT(s3:%s/%s) failed: the store gave no version id: the bucket's versioning is off",
		s3_client_bucket(o->s->client), o->key);
}

void probe_object_other(struct probe_object *o, const char *version)
{
	strv_add_unique(&o->others, version);
}

/* ---- what became of it ---- */

struct comparing {
	const char *expected;
	size_t left;
	bool different;
};

static int compare(void *ctx, const void *data, size_t n)
{
	struct comparing *c = ctx;

	if (n > c->left || memcmp(data, c->expected, n) != 0) {
		c->different = true;
		return 0;
	}
	c->expected += n;
	c->left -= n;
	return 0;
}

/* 1 when the version still has its bytes, 0, -1. */
static int has_bytes(struct probe_object *o, struct err *e)
{
	char bucket[] = "";
	struct locator where = { bucket, o->key, o->version, 0, strlen(o->body) };
	struct comparing c = { o->body, strlen(o->body), false };

	where.bucket = (char *)(uintptr_t)s3_client_bucket(o->s->client);
	if (store_s3_get(&o->s->store, &where, compare, &c, e))
		return e->class == ERR_PERMANENT ? 0 : -1;
	return !c.different && !c.left;
}

static int head(struct probe_object *o, struct http_answer *a_r, struct err *e)
{
	CLEANUP(s3_request_deinit) struct s3_request r = { .method = "HEAD", .key = o->key };

	s3_query(&r, "versionId", o->version);
	if (s3_call(o->s->client, &r, a_r, e))
		return -1;
	read_clock(o, a_r);
	if (a_r->status / 100 == 2) {
		free(o->encryption);
		o->encryption = mem_strdup(http_answer_header(a_r, "x-amz-server-side-encryption"));
	}
	if (a_r->status / 100 == 2 || a_r->status == 404 || a_r->status == 400)
		return 0;
	s3_refused(o->s->client, &r, a_r, e);
	http_answer_deinit(a_r);
	return -1;
}

/* NULL when the answer shows its lock. Caller frees. */
static char *find_lock_fault(const struct probe_object *o, const struct http_answer *a)
{
	const char *mode = http_answer_header(a, "x-amz-object-lock-mode");
	const char *until = http_answer_header(a, "x-amz-object-lock-retain-until-date");
	char wanted[CLOCK_TEXT_SIZE];
	int64_t until_us;

	store_s3_format_until(wanted, o->until_us);
	if (!mode || !until || clock_parse(&until_us, until))
		return mem_strdup("it shows no lock (the store has none, or this account may not see it: "
			"s3:GetObjectRetention)");
	if (strcmp(mode, "COMPLIANCE") != 0)
		return mem_printf("its lock is %s", mode);
	if (until_us < o->until_us)
		return mem_printf("its lock ends %s instead of %s", until, wanted);
	return NULL;
}

int probe_object_intact(struct probe_object *o, char **became_r, struct err *e)
{
	struct http_answer a;

	if (head(o, &a, e))
		return -1;
	*became_r = a.status / 100 != 2 ? mem_strdup("the version was gone") : find_lock_fault(o, &a);
	http_answer_deinit(&a);
	if (*became_r)
		return 0;
	int same = has_bytes(o, e);

	if (same == 0)
		*became_r = mem_strdup("its bytes were others");
	return same;
}

int probe_object_exists(struct probe_object *o, struct err *e)
{
	struct http_answer a;

	if (head(o, &a, e))
		return -1;
	int there = a.status / 100 == 2;

	http_answer_deinit(&a);
	return there;
}

static int remove_version(struct probe_object *o, const char *version, bool *may_r, struct err *e)
{
	CLEANUP(s3_request_deinit) struct s3_request r = { .method = "DELETE", .key = o->key };
	struct probe_answer a;

	s3_query(&r, "versionId", version);
	if (probe_call(o, &r, &a, e))
		return -1;
	*may_r = a.status / 100 == 2 || a.status == 404;
	return 0;
}

int probe_object_remove(struct probe_object *o, bool *may_r, struct err *e)
{
	bool unheard;

	for (size_t i = 0; i < o->others.n; i++)
		if (remove_version(o, o->others.items[i], &unheard, e))
			return -1;
	return remove_version(o, o->version, may_r, e);
}
