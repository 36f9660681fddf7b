/* What a long object leaves: parts of one that was never finished, and the object when its time is over. */
#include "store/store_s3.h"

/* Of one key there are few: who builds an object begins it once. */
static int list_uploads(struct store_s3 *s, const char *key, struct strv *ids, struct err *e)
{
	CLEANUP(s3_request_deinit) struct s3_request r = { .method = "GET" };
	struct http_answer a;

	s3_query(&r, "prefix", key);
	s3_query(&r, "uploads", "");
	if (s3_do(s->client, &r, &a, e))
		return -1;
	int rc = s3_xml_uploads(&a.body, key, ids, e);

	http_answer_deinit(&a);
	return rc ? err_prefix(e, "uploads(s3:%s/%s)", s3_client_bucket(s->client), key) : 0;
}

/* One that is gone already is as good. */
static int delete(struct store_s3 *s, const char *key, const char *parameter, const char *value, struct err *e)
{
	CLEANUP(s3_request_deinit) struct s3_request r = { .method = "DELETE", .key = key };
	struct http_answer a;

	s3_query(&r, parameter, value);
	if (s3_call(s->client, &r, &a, e))
		return -1;
	int rc = a.status / 100 == 2 || a.status == 404 ? 0 : s3_refused(s->client, &r, &a, e);

	http_answer_deinit(&a);
	return rc;
}

int store_s3_upload_clear(struct store *store, const char *key, struct err *e)
{
	struct store_s3 *s = store_s3(store);
	CLEANUP(strv_deinit) struct strv uploads = { 0 }, versions = { 0 };

	if (list_uploads(s, key, &uploads, e))
		return -1;
	for (size_t i = 0; i < uploads.n; i++)
		if (delete(s, key, "uploadId", uploads.items[i], e))
			return -1;
	if (store_s3_versions(s, key, &versions, e))
		return -1;
	for (size_t i = 0; i < versions.n; i++)
		if (delete(s, key, "versionId", versions.items[i], e))
			return -1;
	return 0;
}
