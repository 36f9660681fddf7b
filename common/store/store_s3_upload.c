/* Long objects, in parts: nobody has to know their length, or hold them in memory, before they are whole. */
#include "base/pack.h"
#include "store/store_s3.h"

#include <string.h>

#define PARTS_MAX 10000		      /* the protocol's */
#define PART_UNIT ((size_t)8 * 1024 * 1024) /* at least 5 MiB are asked for, but of the last part */
#define PARTS_OF_A_SIZE 1000	      /* then parts grow by a unit: all together hold 440 GiB */

struct s3_upload {
	struct store_upload upload;
	struct store_s3 *s;
	char *key, *id;
	struct buf part;
	struct strv etags; /* of the parts that are there */
	uint64_t length;   /* of these */
	int64_t retain_until_us;
};

static struct s3_upload *s3_upload(struct store_upload *u)
{
	return CONTAINER_OF(u, struct s3_upload, upload);
}

static void upload_free(struct s3_upload *u)
{
	buf_deinit(&u->part);
	strv_deinit(&u->etags);
	free(u->key);
	free(u->id);
	free(u);
}

/* ---- begin ---- */

static int ask_for_id(struct store_s3 *s, const char *key, int64_t retain_until_us, char **id_r, struct err *e)
{
	CLEANUP(s3_request_deinit) struct s3_request r = { .method = "POST", .key = key };
	struct http_answer a;

	s3_query(&r, "uploads", "");
	s3_header(&r, "Content-Type", "application/octet-stream");
	store_s3_lock_headers(s, &r, store_s3_at_least_soon(retain_until_us));
	if (s3_do(s->client, &r, &a, e))
		return -1;
	*id_r = s3_xml_text(&a.body, "UploadId");
	http_answer_deinit(&a);
	if (*id_r)
		return 0;
	return err_temporary(e, "POST(s3:%s/%s) failed: the store gave no upload id", s3_client_bucket(s->client), key);
}

/* id: handed over. */
static struct s3_upload *upload_new(struct store *store, const char *key, char *id, int64_t retain_until_us)
{
	struct s3_upload *u = MEM_NEW(struct s3_upload);

	u->upload.store = store;
	u->s = store_s3(store);
	u->key = mem_strdup(key);
	u->id = id;
	u->retain_until_us = retain_until_us;
	u->part = BUF_INIT(SIZE_MAX / 2);
	return u;
}

int store_s3_upload_begin(struct store *store, const char *key, int64_t retain_until_us, struct store_upload **u_r,
	struct err *e)
{
	struct store_s3 *s = store_s3(store);
	char *id;

	if (store_s3_check_until(s, key, retain_until_us, e) || ask_for_id(s, key, retain_until_us, &id, e))
		return -1;
	*u_r = &upload_new(store, key, id, retain_until_us)->upload;
	return 0;
}

/* ---- parts ---- */

static size_t part_size(const struct s3_upload *u)
{
	return PART_UNIT * (1 + u->etags.n / PARTS_OF_A_SIZE);
}

/* Sends what is in the buffer; repeated, it is the same part. */
static int send_part(struct s3_upload *u, struct err *e)
{
	CLEANUP(s3_request_deinit)
	struct s3_request r = { .method = "PUT", .key = u->key, .body = u->part.data, .length = u->part.len };
	_free_ char *number = mem_printf("%zu", u->etags.n + 1);
	struct http_answer a;

	if (u->etags.n == PARTS_MAX)
		return err_permanent(e, "PUT(s3:%s/%s) failed: it is longer than an object of %d parts can be",
			s3_client_bucket(u->s->client), u->key, PARTS_MAX);
	s3_query(&r, "partNumber", number);
	s3_query(&r, "uploadId", u->id);
	s3_content_md5(&r);
	if (s3_do(u->s->client, &r, &a, e))
		return -1;
	const char *etag = http_answer_header(&a, "ETag");
	int rc = 0;

	if (!etag) {
		rc = err_temporary(e, "PUT(s3:%s/%s) failed: the store gave part %s no ETag",
			s3_client_bucket(u->s->client), u->key, number);
	} else {
		strv_add(&u->etags, etag);
		u->length += u->part.len;
		buf_reset(&u->part);
	}
	http_answer_deinit(&a);
	return rc;
}

int store_s3_upload_add(struct store_upload *upload, const void *data, size_t n, struct err *e)
{
	struct s3_upload *u = s3_upload(upload);
	const char *from = data;

	while (n) {
		size_t room = part_size(u) - u->part.len, some = n < room ? n : room;

		if (buf_add(&u->part, from, some))
			abort(); /* a part is far under the buffer's maximum */
		from += some;
		n -= some;
		if (u->part.len == part_size(u) && send_part(u, e))
			return -1;
	}
	return 0;
}

/* ---- the end ---- */

/* Caller frees. */
static char *list_parts(const struct s3_upload *u)
{
	struct buf b = BUF_INIT((size_t)4 * 1024 * 1024);
	int failed = buf_add_str(&b, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");

	for (size_t i = 0; i < u->etags.n; i++) {
		_free_ char *etag = s3_xml_escape(u->etags.items[i]);

		failed |= buf_printf(&b, "<Part><PartNumber>%zu</PartNumber><ETag>%s</ETag></Part>", i + 1, etag);
	}
	if (failed | buf_add_str(&b, "</CompleteMultipartUpload>"))
		abort(); /* 10,000 parts take 1 MiB */
	return buf_take(&b);
}

/* A 200 may turn out to be a failure in its body, and one that was repeated may find nothing left to do: what is in the
 * bucket counts. The key is the upload's own, so that its length tells. */
static int complete(struct s3_upload *u, struct locator *where_r, struct err *e)
{
	_free_ char *body = list_parts(u);
	CLEANUP(s3_request_deinit)
	struct s3_request r = { .method = "POST", .key = u->key, .body = body, .length = strlen(body) };
	struct http_answer a;
	struct err look_up;

	s3_query(&r, "uploadId", u->id);
	s3_header(&r, "Content-Type", "application/xml");
	if (s3_call(u->s->client, &r, &a, e) == 0) {
		s3_refused(u->s->client, &r, &a, e);
		if (s3_answer_is(&a, "NoSuchUpload") || s3_answer_is(&a, "InvalidPart"))
			e->class = ERR_PERMANENT; /* somebody has dropped it, or replaced a part */
		http_answer_deinit(&a);
	}
	int found = store_s3_find_bytes(u->s, u->key, u->length, NULL, where_r, &look_up);

	if (found < 0) {
		*e = look_up;
		e->class = ERR_UNKNOWN;
	}
	return found == 1 ? 0 : -1;
}

int store_s3_upload_finish(struct store_upload *upload, struct locator *where_r, struct err *e)
{
	struct s3_upload *u = s3_upload(upload);

	if ((u->part.len || !u->etags.n) && send_part(u, e))
		return -1;
	if (complete(u, where_r, e))
		return -1;
	/* Ceph's gateway 16 forgets the lock that an upload began with. */
	if (store_s3_extend(upload->store, where_r, u->retain_until_us, e)) {
		locator_deinit(where_r);
		return -1;
	}
	upload_free(u);
	return 0;
}

/* ---- to be gone on with ---- */

int store_s3_upload_save(struct store_upload *upload, bool whole, struct buf *state, const void **tail_r, size_t *tail_n_r,
	struct err *e)
{
	struct s3_upload *u = s3_upload(upload);

	if (whole && (u->part.len || !u->etags.n) && send_part(u, e))
		return -1;
	bool failed = pack_u8(state, whole) || pack_str(state, u->id) || pack_u64(state, u->length) ||
		pack_u32(state, (uint32_t)u->etags.n);

	for (size_t i = 0; i < u->etags.n; i++)
		failed = failed || pack_str(state, u->etags.items[i]);
	*tail_r = u->part.data;
	*tail_n_r = u->part.len;
	return failed ? err_permanent(e, "save(s3:%s/%s) failed: no room for it", s3_client_bucket(u->s->client), u->key) : 0;
}

static int read_saved(struct s3_upload *u, bool *whole_r, const struct buf *state, struct err *e)
{
	struct unpack saved = UNPACK_INIT(state->data, state->len);

	*whole_r = unpack_u8(&saved) != 0;
	u->id = unpack_str(&saved);
	u->length = unpack_u64(&saved);
	for (uint32_t n = unpack_u32(&saved); n > 0 && !saved.failed; n--) {
		_free_ char *etag = unpack_str(&saved);

		if (etag)
			strv_add(&u->etags, etag);
	}
	if (unpack_end(&saved) || u->etags.n > PARTS_MAX)
		return err_permanent(e, "resume(s3:%s/%s) failed: what was saved can't be read", s3_client_bucket(u->s->client), u->key);
	return 0;
}

/* Is it under way still? That its parts are those that were saved, the store sees in the end, by their ETags. */
static int look_for_upload(const struct s3_upload *u, struct err *e)
{
	CLEANUP(s3_request_deinit) struct s3_request r = { .method = "GET", .key = u->key };
	struct http_answer a;

	s3_query(&r, "max-parts", "1");
	s3_query(&r, "uploadId", u->id);
	if (s3_call(u->s->client, &r, &a, e))
		return -1;
	int rc = a.status / 100 == 2 ? 0 : s3_refused(u->s->client, &r, &a, e);

	if (s3_answer_is(&a, "NoSuchUpload"))
		e->class = ERR_PERMANENT;
	http_answer_deinit(&a);
	return rc;
}

int store_s3_upload_resume(struct store *store, const char *key, int64_t retain_until_us, const struct buf *state,
	struct store_upload **u_r, struct err *e)
{
	struct store_s3 *s = store_s3(store);
	bool whole;

	if (store_s3_check_until(s, key, retain_until_us, e))
		return -1;
	struct s3_upload *u = upload_new(store, key, NULL, retain_until_us);

	if (read_saved(u, &whole, state, e) || (!whole && look_for_upload(u, e))) {
		upload_free(u);
		return -1;
	}
	*u_r = &u->upload;
	return 0;
}

void store_s3_upload_leave(struct store_upload *upload)
{
	upload_free(s3_upload(upload));
}

/* What can't be aborted now, a rule of the bucket for incomplete uploads removes. */
void store_s3_upload_abandon(struct store_upload *upload)
{
	struct s3_upload *u = s3_upload(upload);
	CLEANUP(s3_request_deinit) struct s3_request r = { .method = "DELETE", .key = u->key };
	struct http_answer a;
	struct err unheard;

	s3_query(&r, "uploadId", u->id);
	if (s3_do(u->s->client, &r, &a, &unheard) == 0)
		http_answer_deinit(&a);
	upload_free(u);
}
