#include "index/index_es_client.h"

#include "base/clock.h"
#include "base/str.h"
#include "sys/http_client.h"
#include "sys/secret_file.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

#define ANSWER_MAX ((size_t)64 * 1024 * 1024)
#define QUICK_US (3 * CLOCK_SECOND) /* for quick requests */
#define REST_MIN_US (2 * CLOCK_SECOND) /* a host that failed is left alone */
#define REST_MAX_US (60 * CLOCK_SECOND)

struct host {
	char *url; /* without a slash at its end */
	/* under the lock: */
	int64_t rest_until_us; /* monotonic */
	int64_t rest_us;       /* the last time for so long */
};

struct es_client {
	struct http_client *http, *quick;
	struct strv headers, line_headers;
	struct host *hosts;
	size_t host_count;
	pthread_mutex_t lock;
	size_t preferred; /* the host that answered last; under the lock */
};

/* ---- making one ---- */

static char *base64(const char *text)
{
	size_t n = strlen(text);
	char *out = mem_alloc(4 * (n / 3 + 1) + 1, 1);

	EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)text, (int)n);
	return out;
}

/* The header that signs in, NULL without any. Elasticsearch gives an API key out encoded, or as id and key. */
static int make_authorization(char **header_r, const struct conf *conf, struct err *e)
{
	_free_ char *secret = NULL, *plain = NULL, *encoded = NULL;

	*header_r = NULL;
	if (*conf->es_api_key_file) {
		if (secret_file_line(&secret, conf->es_api_key_file, e))
			return -1;
		encoded = strchr(secret, ':') ? base64(secret) : mem_strdup(secret);
		*header_r = mem_printf("Authorization: ApiKey %s", encoded);
	} else if (*conf->es_user) {
		if (!*conf->es_password_file)
			return err_permanent(e, "[es] user is set, but no password_file");
		if (secret_file_line(&secret, conf->es_password_file, e))
			return -1;
		plain = mem_printf("%s:%s", conf->es_user, secret);
		encoded = base64(plain);
		*header_r = mem_printf("Authorization: Basic %s", encoded);
	}
	return 0;
}

static bool is_loopback(const char *url)
{
	const char *host = url + strlen("http://");

	return strncmp(host, "127.", 4) == 0 || strncmp(host, "localhost:", 10) == 0 || strcmp(host, "localhost") == 0 ||
		strncmp(host, "[::1]", 5) == 0;
}

static int add_hosts(struct es_client *c, const struct conf *conf, bool secret, struct err *e)
{
	struct strv urls CLEANUP(strv_deinit) = { 0 };

	strv_split(&urls, conf->es_hosts, " ,");
	c->hosts = MEM_ARRAY(struct host, urls.n);
	for (size_t i = 0; i < urls.n; i++) {
		const char *url = urls.items[i];
		size_t n = strlen(url);

		if (secret && strncmp(url, "http://", 7) == 0 && !is_loopback(url))
			return err_permanent(e, "[es] hosts: %s would carry a password in the clear: use https", url);
		while (n && url[n - 1] == '/')
			n--;
		c->hosts[c->host_count++].url = mem_dup(url, n);
	}
	return urls.n ? 0 : err_permanent(e, "[es] hosts is empty: name the cluster's, as https://HOST:9200");
}

int es_client_new(struct es_client **c_r, const struct conf *conf, struct err *e)
{
	struct http_settings settings = {
		.ca_file = conf->es_ca_file,
		.connect_us = conf->es_connect_timeout_us,
		.timeout_us = conf->es_timeout_us,
		.stall_us = conf->es_timeout_us,
		.answer_max = ANSWER_MAX,
	};
	CLEANUP(es_client_freep) struct es_client *c = MEM_NEW(struct es_client);
	_free_ char *authorization = NULL;

	pthread_mutex_init(&c->lock, NULL);
	*c_r = NULL;
	if (make_authorization(&authorization, conf, e) || add_hosts(c, conf, authorization != NULL, e))
		return -1;
	strv_add(&c->headers, "Content-Type: application/json");
	strv_add(&c->line_headers, "Content-Type: application/x-ndjson");
	if (authorization) {
		strv_add(&c->headers, authorization);
		strv_add(&c->line_headers, authorization);
	}
	c->http = http_client_new(&settings);
	if (settings.timeout_us > QUICK_US)
		settings.timeout_us = settings.stall_us = QUICK_US;
	c->quick = http_client_new(&settings);
	*c_r = c;
	c = NULL;
	return 0;
}

void es_client_freep(struct es_client **client)
{
	struct es_client *c = *client;

	*client = NULL;
	if (!c)
		return;
	http_client_freep(&c->http);
	http_client_freep(&c->quick);
	for (size_t i = 0; i < c->host_count; i++)
		free(c->hosts[i].url);
	free(c->hosts);
	strv_deinit(&c->headers);
	strv_deinit(&c->line_headers);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* ---- hosts ---- */

/* The hosts to try, in order: those that are not left alone, from the one that answered last; all when there is none. */
static size_t choose_hosts(struct es_client *c, struct host **list)
{
	int64_t now = clock_monotonic_us();
	size_t n = 0;

	pthread_mutex_lock(&c->lock);
	for (int all = 0; all < 2 && !n; all++)
		for (size_t i = 0; i < c->host_count; i++) {
			struct host *h = &c->hosts[(c->preferred + i) % c->host_count];

			if (all || h->rest_until_us <= now)
				list[n++] = h;
		}
	pthread_mutex_unlock(&c->lock);
	return n;
}

static void note_host(struct es_client *c, struct host *h, bool answered)
{
	pthread_mutex_lock(&c->lock);
	if (answered) {
		c->preferred = (size_t)(h - c->hosts);
		h->rest_until_us = h->rest_us = 0;
	} else {
		h->rest_us = h->rest_us ? 2 * h->rest_us : REST_MIN_US;
		if (h->rest_us > REST_MAX_US)
			h->rest_us = REST_MAX_US;
		h->rest_until_us = clock_monotonic_us() + h->rest_us;
	}
	pthread_mutex_unlock(&c->lock);
}

/* ---- requests ---- */

static void take_answer(const struct http_answer *from, struct es_answer *a_r)
{
	const char *product = http_answer_header(from, "X-elastic-product");
	struct err ignored;

	*a_r = (struct es_answer){ .status = from->status };
	a_r->elasticsearch = product && strcmp(product, "Elasticsearch") == 0;
	if (from->body.len)
		a_r->json = json_parse(from->body.data, from->body.len, &ignored);
}

/* A proxy before a host that is down, rather than the cluster itself, which says what is wrong in JSON. */
static bool is_proxy_error(const struct es_answer *a)
{
	return (a->status == 502 || a->status == 503 || a->status == 504) && !a->json;
}

/* 1: this host answered; 0: it did not, *e says why. */
static int try_host(struct es_client *c, const char *url, const struct es_request *r, struct es_answer *a_r, struct err *e)
{
	_free_ char *whole = mem_printf("%s%s", url, r->path);
	const struct http_request request = { .method = r->method, .url = whole,
		.headers = r->lines ? &c->line_headers : &c->headers, .body = r->body, .body_len = r->body_len };
	struct http_answer answer;

	if (http_call(r->quick ? c->quick : c->http, &request, &answer, e))
		return 0;
	take_answer(&answer, a_r);
	http_answer_deinit(&answer);
	if (!is_proxy_error(a_r))
		return 1;
	err_temporary(e, "%s(%s) failed: %d without a reason", r->method, whole, a_r->status);
	es_answer_deinit(a_r);
	return 0;
}

int es_call(struct es_client *c, const struct es_request *r, struct es_answer *a_r, struct err *e)
{
	_free_ struct host **list = MEM_ARRAY(struct host *, c->host_count);
	size_t n = choose_hosts(c, list);

	*a_r = (struct es_answer){ 0 };
	for (size_t i = 0; i < n; i++) {
		int answered = try_host(c, list[i]->url, r, a_r, e);

		note_host(c, list[i], answered);
		if (answered)
			return 0;
	}
	e->class = ERR_TEMPORARY; /* nothing that is done here matters when it is done twice */
	return -1;
}

void es_answer_deinit(struct es_answer *a)
{
	json_freep(&a->json);
	*a = (struct es_answer){ 0 };
}

int es_demand(struct es_client *c, const struct es_request *r, struct es_answer *a_r, struct err *e)
{
	if (es_call(c, r, a_r, e))
		return -1;
	if (a_r->status / 100 == 2 && a_r->json)
		return 0;
	es_fail(a_r, r, e);
	es_answer_deinit(a_r);
	return -1;
}

/* ---- what went wrong ---- */

static const cJSON *error_of(const cJSON *json)
{
	return cJSON_GetObjectItemCaseSensitive(json, "error");
}

const char *es_error_type(const cJSON *json)
{
	const char *type = "";

	json_get_str(error_of(json), "type", &type);
	return type;
}

/* The innermost cause tells most. */
static const char *reason_of(const cJSON *error)
{
	const char *reason = "";

	for (int depth = 0; error && depth < 10; depth++) {
		json_get_str(error, "reason", &reason);
		error = cJSON_GetObjectItemCaseSensitive(error, "caused_by");
	}
	return reason;
}

int es_fail(const struct es_answer *a, const struct es_request *r, struct err *e)
{
	int path = (int)strcspn(r->path, "?");
	const char *type = es_error_type(a->json), *reason = reason_of(error_of(a->json));

	if (a->status == 401 || a->status == 403)
		return err_temporary(e, "%s(%.*s) failed: %d: the cluster does not let this account do so: %s %.200s", r->method,
			path, r->path, a->status, type, reason);
	return err_temporary(e, "%s(%.*s) failed: %d %s%s%.300s", r->method, path, r->path, a->status, type,
		*reason ? ": " : "", reason);
}

int es_check_shards(const struct es_answer *a, const struct es_request *r, struct err *e)
{
	const cJSON *shards = cJSON_GetObjectItemCaseSensitive(a->json, "_shards");
	uint64_t total, failed;
	int path = (int)strcspn(r->path, "?");

	if (json_get_u64(shards, "total", &total) <= 0 || json_get_u64(shards, "failed", &failed) <= 0)
		return err_temporary(e, "%s(%.*s) failed: the answer tells nothing of shards", r->method, path, r->path);
	if (failed)
		return err_temporary(e, "%s(%.*s) failed: %d of %d shards did", r->method, path, r->path, (int)failed, (int)total);
	return 0;
}

int es_check_whole(const struct es_answer *a, const struct es_request *r, struct err *e)
{
	int path = (int)strcspn(r->path, "?");

	if (es_check_shards(a, r, e))
		return -1;
	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(a->json, "timed_out")))
		return err_temporary(e, "%s(%.*s) failed: it took too long", r->method, path, r->path);
	return 0;
}
