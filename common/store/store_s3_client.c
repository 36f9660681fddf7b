#include "store/store_s3_client.h"

#include "base/clock.h"
#include "base/hex.h"
#include "base/str.h"
#include "store/sigv4.h"
#include "store/store_s3_xml.h"
#include "sys/digest.h"

#include <openssl/evp.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define ANSWER_MAX ((size_t)16 * 1024 * 1024) /* a page of 1,000 versions has half a MiB */
#define ATTEMPTS_MAX 4
#define FIRST_PAUSE_US INT64_C(50000)
#define MD5_SIZE 16
#define AWS_SUFFIX ".amazonaws.com"

struct s3_client {
	char *bucket, *region;
	char *base; /* "https://host", or "https://host/bucket" in path style */
	char *host; /* as the Host header has it */
	struct s3_account *account;
	struct http_client *http;
	int64_t patience_us;
	bool virtual_host, aws;
};

/* ---- open ---- */

/* "https://s3.example.org:9000" into its scheme ("https://") and host. */
static int split_endpoint(const char *endpoint, char **scheme_r, char **host_r, struct err *e)
{
	size_t scheme = strncmp(endpoint, "https://", 8) == 0 ? 8 : strncmp(endpoint, "http://", 7) == 0 ? 7 : 0;
	size_t host = strcspn(endpoint + scheme, "/?#@ ");
	const char *rest = endpoint + scheme + host;

	if (!scheme || !host || (*rest && strcmp(rest, "/") != 0))
		return err_permanent(e, "s3.endpoint: \"%s\" is neither http://HOST[:PORT] nor https://HOST[:PORT]", endpoint);
	*scheme_r = mem_dup(endpoint, scheme);
	*host_r = str_lower(mem_dup(endpoint + scheme, host));
	/* Clients leave the scheme's own port out of the Host header, which is signed. */
	const char *standard = scheme == 8 ? ":443" : ":80";
	size_t end = strlen(*host_r), port = strlen(standard);

	if (end > port && strcmp(*host_r + end - port, standard) == 0)
		(*host_r)[end - port] = '\0';
	return 0;
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

static int set_place(struct s3_client *c, const struct conf *conf, struct err *e)
{
	_free_ char *standard = mem_printf("https://s3.%s" AWS_SUFFIX, conf->s3_region), *scheme = NULL, *host = NULL;

	if (split_endpoint(*conf->s3_endpoint ? conf->s3_endpoint : standard, &scheme, &host, e))
		return -1;
	c->aws = ends_with(host, AWS_SUFFIX);
	/* A bucket's name with a dot in it is no host name that a certificate covers. */
	c->virtual_host = strcmp(conf->s3_style, "virtual") == 0 ||
		(strcmp(conf->s3_style, "auto") == 0 && c->aws && !strchr(c->bucket, '.'));
	c->host = c->virtual_host ? mem_printf("%s.%s", c->bucket, host) : mem_strdup(host);
	c->base = mem_printf("%s%s", scheme, c->host);
	return 0;
}

int s3_client_open(struct s3_client **c_r, const char *bucket, const struct conf *conf, struct err *e)
{
	CLEANUP(s3_client_closep) struct s3_client *c = MEM_NEW(struct s3_client);
	const struct http_settings settings = {
		.ca_file = conf->s3_ca_file,
		.connect_us = conf->s3_connect_timeout_us,
		.stall_us = conf->s3_timeout_us,
		.answer_max = ANSWER_MAX,
	};

	c->bucket = mem_strdup(bucket);
	c->region = mem_strdup(conf->s3_region);
	c->patience_us = conf->s3_timeout_us;
	c->http = http_client_new(&settings);
	if (set_place(c, conf, e) || s3_account_open(&c->account, conf->s3_credentials_file, e))
		return -1;
	*c_r = c;
	c = NULL;
	return 0;
}

void s3_client_closep(struct s3_client **c)
{
	if (!*c)
		return;
	http_client_freep(&(*c)->http);
	s3_account_closep(&(*c)->account);
	free((*c)->bucket);
	free((*c)->region);
	free((*c)->base);
	free((*c)->host);
	free(*c);
	*c = NULL;
}

const char *s3_client_bucket(const struct s3_client *c)
{
	return c->bucket;
}

const char *s3_client_region(const struct s3_client *c)
{
	return c->region;
}

bool s3_client_is_aws(const struct s3_client *c)
{
	return c->aws;
}

bool s3_client_is_tls(const struct s3_client *c)
{
	return strncmp(c->base, "https:", 6) == 0;
}

bool s3_client_is_encrypted(const struct s3_client *c)
{
	return s3_client_is_tls(c) || strncmp(c->host, "127.", 4) == 0 ||
		strncmp(c->host, "[::1]", 5) == 0 || strncmp(c->host, "localhost:", 10) == 0 || strcmp(c->host, "localhost") == 0;
}

/* ---- what a request is made of ---- */

void s3_request_deinit(struct s3_request *r)
{
	strv_deinit(&r->query);
	strv_deinit(&r->headers);
}

void s3_query(struct s3_request *r, const char *name, const char *value)
{
	_free_ char *encoded = sigv4_encode(value), *item = mem_printf("%s=%s", name, encoded);

	strv_add(&r->query, item);
}

void s3_header(struct s3_request *r, const char *name, const char *value)
{
	_free_ char *line = mem_printf("%s: %s", name, value);

	strv_add(&r->headers, line);
}

void s3_content_md5(struct s3_request *r)
{
	unsigned char digest[EVP_MAX_MD_SIZE], text[4 * ((MD5_SIZE + 2) / 3) + 1];
	unsigned int n;

	if (EVP_Digest(r->body ? r->body : "", r->length, digest, &n, EVP_md5(), NULL) != 1)
		return;
	EVP_EncodeBlock(text, digest, (int)n);
	s3_header(r, "Content-MD5", (const char *)text);
}

/* The path as it goes out: encoded once. Caller frees. */
static char *request_path(const struct s3_client *c, const struct s3_request *r)
{
	_free_ char *key = r->key ? sigv4_encode_path(r->key) : NULL;

	if (c->virtual_host)
		return mem_printf("/%s", key ? key : "");
	return mem_printf("/%s%s%s", c->bucket, key ? "/" : "", key ? key : "");
}

/* What the log calls a request's object. Caller frees. */
static char *request_name(const struct s3_client *c, const struct s3_request *r)
{
	return mem_printf("%s(s3:%s%s%s)", r->method, c->bucket, r->key ? "/" : "", r->key ? r->key : "");
}

static void payload_text(char hex[SHA256_TEXT_SIZE], const struct s3_request *r)
{
	uint8_t digest[SHA256_SIZE];

	if (!r->sha256)
		sha256_of(r->body ? r->body : "", r->length, digest);
	hex_encode(hex, r->sha256 ? r->sha256 : digest, SHA256_SIZE);
}

static struct sigv4_account signer(const struct s3_client *c, const struct s3_keys *k)
{
	return (struct sigv4_account){ k->access_key, k->secret_key, k->token, c->region, "s3" };
}

/* ---- one attempt ---- */

static int attempt(struct s3_client *c, const struct s3_request *r, const struct s3_keys *keys, struct http_answer *a_r,
	struct err *e)
{
	CLEANUP(strv_deinit) struct strv headers = { 0 };
	char payload[SHA256_TEXT_SIZE];
	_free_ char *path = request_path(c, r), *query = sigv4_query(&r->query);
	_free_ char *url = mem_printf("%s%s%s%s", c->base, path, *query ? "?" : "", query);
	const struct sigv4_account account = signer(c, keys);

	payload_text(payload, r);
	for (size_t i = 0; i < r->headers.n; i++)
		strv_add(&headers, r->headers.items[i]);
	_free_ char *line = mem_printf("X-Amz-Content-SHA256: %s", payload);

	strv_add(&headers, line);
	sigv4_sign(&account, &(struct sigv4_request){ r->method, c->host, path, &r->query, payload, clock_now_us() },
		&headers);
	const struct http_request request = {
		.method = r->method,
		.url = url,
		.headers = &headers,
		.body = r->body,
		.body_len = r->length,
		.sink = r->sink,
		.ctx = r->ctx,
	};

	if (http_call(c->http, &request, a_r, e) == 0)
		return 0;
	_free_ char *name = request_name(c, r);

	return err_prefix(e, "%s", name);
}

/* May it be the keys? A HEAD has no body that says so: of one, any 400 is taken for it. */
static bool refuses_keys(const struct s3_request *r, const struct http_answer *a)
{
	return a->status == 401 || a->status == 403 || (a->status == 400 && strcmp(r->method, "HEAD") == 0) ||
		s3_answer_is(a, "ExpiredToken") || s3_answer_is(a, "InvalidToken");
}

/* The same, and again when the keys were replaced since: a session ends while its daemon goes on. */
static int attempt_with_keys(struct s3_client *c, const struct s3_request *r, struct http_answer *a_r, struct err *e)
{
	CLEANUP(s3_keys_deinit) struct s3_keys keys = { 0 };

	s3_account_keys(c->account, &keys);
	if (attempt(c, r, &keys, a_r, e))
		return -1;
	if (!refuses_keys(r, a_r) || !s3_account_renewed(c->account, &keys))
		return 0;
	s3_keys_deinit(&keys);
	s3_account_keys(c->account, &keys);
	http_answer_deinit(a_r);
	return attempt(c, r, &keys, a_r, e);
}

/* ---- repetition ---- */

bool s3_is_passing(const struct http_answer *a)
{
	return a->status == 408 || a->status == 409 || a->status == 425 || a->status == 429 ||
		(a->status >= 500 && a->status != 501);
}

struct s3_patience s3_patience(const struct s3_client *c)
{
	return (struct s3_patience){ clock_monotonic_us() + c->patience_us, 0 };
}

bool s3_again(struct s3_patience *p)
{
	int64_t now = clock_monotonic_us();

	if (++p->attempts >= ATTEMPTS_MAX || now >= p->until_us)
		return false;
	/* What many threads ask for again should not come at once. */
	int64_t pause = (FIRST_PAUSE_US << (2 * (p->attempts - 1))) * (100 + now % 100) / 100;
	const struct timespec t = { pause / CLOCK_SECOND, pause % CLOCK_SECOND * 1000 };

	nanosleep(&t, NULL);
	return true;
}

int s3_call(struct s3_client *c, const struct s3_request *r, struct http_answer *a_r, struct err *e)
{
	struct s3_patience patience = s3_patience(c);

	for (;;) {
		int rc = attempt_with_keys(c, r, a_r, e);

		if (r->once || r->sink || (rc == 0 && !s3_is_passing(a_r)) || !s3_again(&patience))
			return rc;
		if (rc == 0)
			http_answer_deinit(a_r);
	}
}

int s3_do(struct s3_client *c, const struct s3_request *r, struct http_answer *a_r, struct err *e)
{
	if (s3_call(c, r, a_r, e))
		return -1;
	if (a_r->status / 100 == 2)
		return 0;
	s3_refused(c, r, a_r, e);
	http_answer_deinit(a_r);
	return -1;
}

/* ---- refusals ---- */

static const struct {
	const char *code, *advice;
} advice[] = {
	{ "RequestTimeTooSkewed", "the clocks of this machine and of the store differ: mend the one that is wrong" },
	{ "InvalidAccessKeyId", "the store does not know this access key" },
	{ "SignatureDoesNotMatch", "the secret key is wrong, or `region` in [s3]" },
	{ "AuthorizationHeaderMalformed", "`region` in [s3] is not the bucket's" },
	{ "AuthorizationQueryParametersError", "`region` in [s3] is not the bucket's" },
	{ "PermanentRedirect", "`region` or `endpoint` in [s3] is not the bucket's" },
	{ "ExpiredToken", "the session's keys have run out and nobody renewed credentials_file" },
	{ "NoSuchBucket", "`strongroom init` makes the bucket, with an account that may" },
	{ "AccessDenied", "the account lacks the right, or the object is locked" },
	{ "NotImplemented", "the store can't do this: for `sse`, it needs keys of its own" },
	{ "QuotaExceeded", "the bucket or account is full" },
	{ "XMinioStorageFull", "the store's disk is full" },
	{ "EntityTooLarge", "message_size_max is over what the store takes" },
};

/* HEAD has no body: MinIO says the code in a header. Caller frees; "" for none. */
static char *answer_code(const struct http_answer *a)
{
	char *code = s3_xml_text(&a->body, "Code");

	if (code)
		return code;
	const char *header = http_answer_header(a, "x-minio-error-code");

	return mem_strdup(header ? header : "");
}

bool s3_answer_is(const struct http_answer *a, const char *code)
{
	if (a->status / 100 == 2)
		return false;
	_free_ char *is = answer_code(a);

	return strcmp(is, code) == 0;
}

static const char *find_advice(const char *code)
{
	for (size_t i = 0; i < ARRAY_LEN(advice); i++)
		if (strcmp(advice[i].code, code) == 0)
			return advice[i].advice;
	return NULL;
}

/* The object or its version is not there, as against the bucket, and it is the store that says so: a 404 of something on the
 * way, or that of a HEAD, which has no body, proves nothing. */
static bool is_gone(const struct s3_request *r, const char *code)
{
	return r->key && (strcmp(code, "NoSuchKey") == 0 || strcmp(code, "NoSuchVersion") == 0);
}

int s3_refused(const struct s3_client *c, const struct s3_request *r, const struct http_answer *a, struct err *e)
{
	_free_ char *name = request_name(c, r), *code = answer_code(a), *message = s3_xml_text(&a->body, "Message");
	const char *hint = find_advice(code);

	err_temporary(e, "%s failed: the store answered %d%s%s%s%s%s%s%s", name, a->status, *code ? " " : "", code,
		message && *message ? ": " : "", message ? message : "", hint ? " (" : "", hint ? hint : "",
		hint ? ")" : "");
	if (is_gone(r, code))
		e->class = ERR_PERMANENT;
	return -1;
}

/* ---- presigned URLs ---- */

char *s3_client_presign(struct s3_client *c, const struct s3_request *r, uint32_t seconds)
{
	CLEANUP(s3_keys_deinit) struct s3_keys keys = { 0 };
	_free_ char *path = request_path(c, r);

	s3_account_keys(c->account, &keys);
	const struct sigv4_account account = signer(c, &keys);
	const struct sigv4_request request = { r->method, c->host, path, &r->query, SIGV4_UNSIGNED_PAYLOAD,
		clock_now_us() };
	_free_ char *query = sigv4_presign(&account, &request, seconds);

	return mem_printf("%s%s?%s", c->base, path, query);
}
