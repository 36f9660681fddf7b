/* The bucket itself: making it, and whether it is what an archive needs. */
#include "store/store_s3.h"

#include <string.h>

/* GET of a sub-resource of the bucket. 0 with an answer of any status. */
static int ask(struct store_s3 *s, const char *what, struct s3_request *r, struct http_answer *a_r, struct err *e)
{
	*r = (struct s3_request){ .method = "GET" };
	s3_query(r, what, "");
	return s3_call(s->client, r, a_r, e);
}

/* Does the answer have this text in that element? */
static bool says(const struct http_answer *a, const char *element, const char *text)
{
	_free_ char *is = s3_xml_text(&a->body, element);

	return is && strcmp(is, text) == 0;
}

static int no_lock(const struct store_s3 *s, struct err *e)
{
	return err_permanent(e, "the bucket %s has no Object Lock: messages in it could be deleted. A bucket gets it when "
		"it is made: name another one in `store`, which `strongroom init` makes", s3_client_bucket(s->client));
}

static int check_lock(struct store_s3 *s, struct err *e)
{
	CLEANUP(s3_request_deinit) struct s3_request r = { 0 };
	struct http_answer a;
	int rc;

	if (ask(s, "object-lock", &r, &a, e))
		return -1;
	if (a.status / 100 == 2)
		rc = says(&a, "ObjectLockEnabled", "Enabled") ? 0 : no_lock(s, e);
	else if (s3_answer_is(&a, "ObjectLockConfigurationNotFoundError"))
		rc = no_lock(s, e);
	else
		rc = s3_refused(s->client, &r, &a, e);
	http_answer_deinit(&a);
	return rc;
}

static int check_versioning(struct store_s3 *s, struct err *e)
{
	CLEANUP(s3_request_deinit) struct s3_request r = { 0 };
	struct http_answer a;
	int rc = 0;

	if (ask(s, "versioning", &r, &a, e))
		return -1;
	if (a.status / 100 != 2)
		rc = s3_refused(s->client, &r, &a, e);
	else if (!says(&a, "Status", "Enabled"))
		rc = err_permanent(e, "the bucket %s keeps no versions: switch its versioning on",
			s3_client_bucket(s->client));
	http_answer_deinit(&a);
	return rc;
}

int store_s3_check_bucket(struct store_s3 *s, struct err *e)
{
	return check_lock(s, e) || check_versioning(s, e) ? -1 : 0;
}

/* ---- init ---- */

/* Only AWS wants to be told where, and not in its first region. Caller frees. */
static char *make_body(const struct store_s3 *s)
{
	const char *region = s3_client_region(s->client);

	if (!s3_client_is_aws(s->client) || strcmp(region, "us-east-1") == 0)
		return mem_strdup("");
	return mem_printf("<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
		"<LocationConstraint>%s</LocationConstraint></CreateBucketConfiguration>", region);
}

static int make_bucket(struct store_s3 *s, struct err *e)
{
	_free_ char *body = make_body(s);
	CLEANUP(s3_request_deinit) struct s3_request r = { .method = "PUT", .body = body, .length = strlen(body) };
	struct http_answer a;
	int rc = 0;

	s3_header(&r, "x-amz-bucket-object-lock-enabled", "true");
	if (s3_call(s->client, &r, &a, e))
		return -1;
	if (a.status / 100 != 2 && !s3_answer_is(&a, "BucketAlreadyOwnedByYou"))
		rc = s3_refused(s->client, &r, &a, e);
	http_answer_deinit(&a);
	return rc;
}

static int bucket_is_missing(struct store_s3 *s, struct err *e)
{
	CLEANUP(s3_request_deinit) struct s3_request r = { 0 };
	struct http_answer a;

	if (ask(s, "versioning", &r, &a, e))
		return -1;
	int missing = s3_answer_is(&a, "NoSuchBucket");

	http_answer_deinit(&a);
	return missing;
}

int store_s3_create(const char *where, const struct conf *conf, struct err *e)
{
	CLEANUP(store_closep) struct store *store = NULL;

	if (store_s3_driver.open(&store, where, conf, e))
		return -1;
	struct store_s3 *s = store_s3(store);
	int missing = bucket_is_missing(s, e);

	if (missing < 0 || (missing && make_bucket(s, e)))
		return -1;
	return store_s3_check_bucket(s, e);
}

/* ---- ready ---- */

/* A HEAD has no body that says why. */
static const char *reason(int status)
{
	switch (status) {
	case 301:
	case 307:
		return ": the bucket is in another region than [s3] says";
	case 400:
	case 403:
		return ": the keys are wrong, the clocks differ, or the account lacks the right to list the bucket";
	case 404:
		return ": there is no such bucket; `strongroom init` makes it, with an account that may";
	default:
		return "";
	}
}

int store_s3_ready(struct store *store, struct err *e)
{
	struct store_s3 *s = store_s3(store);
	CLEANUP(s3_request_deinit) struct s3_request r = { .method = "HEAD", .once = true };
	struct http_answer a;
	int rc = 0;

	if (s3_call(s->client, &r, &a, e))
		return -1;
	if (a.status / 100 != 2)
		rc = err_temporary(e, "HEAD(s3:%s) failed: the store answered %d%s", s3_client_bucket(s->client), a.status,
			reason(a.status));
	http_answer_deinit(&a);
	return rc;
}
