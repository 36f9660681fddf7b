#include "sys/http_client.h"

#include "base/clock.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADERS_MAX 200
#define SEND_SIZE 16384L /* of each connection, for good; libcurl's own 64 KiB are much with one for each mail client */

struct connection {
	struct connection *next;
	CURL *curl;
	curl_socket_t socket; /* opened last; CURL_SOCKET_BAD when it is closed */
	char error[CURL_ERROR_SIZE];
};

struct http_client {
	char *ca_file;
	struct http_settings settings;
	pthread_mutex_t lock;
	struct connection *idle; /* under the lock; the one used last comes first */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init_curl(void)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		abort(); /* out of memory, or a broken TLS library: nothing can be done without either */
}

struct http_client *http_client_new(const struct http_settings *s)
{
	struct http_client *c = MEM_NEW(struct http_client);

	pthread_once(&once, init_curl);
	c->settings = *s;
	c->ca_file = mem_strdup(s->ca_file && *s->ca_file ? s->ca_file : NULL);
	pthread_mutex_init(&c->lock, NULL);
	return c;
}

static void connection_free(struct connection *n)
{
	curl_easy_cleanup(n->curl);
	free(n);
}

void http_client_freep(struct http_client **c)
{
	if (!*c)
		return;
	for (struct connection *n = (*c)->idle, *next; n; n = next) {
		next = n->next;
		connection_free(n);
	}
	pthread_mutex_destroy(&(*c)->lock);
	free((*c)->ca_file);
	free(*c);
	*c = NULL;
}

static struct connection *take(struct http_client *c)
{
	pthread_mutex_lock(&c->lock);
	struct connection *n = c->idle;

	if (n)
		c->idle = n->next;
	pthread_mutex_unlock(&c->lock);
	if (n)
		return n;
	n = MEM_NEW(struct connection);
	n->socket = CURL_SOCKET_BAD;
	n->curl = curl_easy_init();
	if (!n->curl)
		abort(); /* out of memory */
	return n;
}

static void give_back(struct http_client *c, struct connection *n)
{
	curl_easy_reset(n->curl); /* keeps the connection */
	pthread_mutex_lock(&c->lock);
	n->next = c->idle;
	c->idle = n;
	pthread_mutex_unlock(&c->lock);
}

/* ---- the answer ---- */

struct call {
	const struct http_request *request;
	struct http_answer *answer;
	const struct connection *connection;
	bool too_large, sink_failed;
};

/* A server that writes its answer's head and body apart, with Nagle's algorithm on (Ceph's gateway, unless told otherwise),
 * keeps the body back until the head was acknowledged, which the kernel delays for 40 ms: there is nothing to send along. */
static void acknowledge(const struct connection *n)
{
	int now = 1;

	if (n->socket != CURL_SOCKET_BAD)
		(void)setsockopt(n->socket, IPPROTO_TCP, TCP_QUICKACK, &now, sizeof(now)); /* for this once */
}

static size_t on_header(char *data, size_t size, size_t n, void *ctx)
{
	struct call *k = ctx;
	size_t len = size * n;

	while (len && (data[len - 1] == '\r' || data[len - 1] == '\n'))
		len--;
	if (len > 5 && memcmp(data, "HTTP/", 5) == 0) { /* of an interim answer came headers that count for nothing */
		strv_deinit(&k->answer->headers);
	} else if (len) {
		_free_ char *line = mem_dup(data, len);

		if (k->answer->headers.n == HEADERS_MAX) {
			k->too_large = true;
			return 0;
		}
		strv_add(&k->answer->headers, line);
	} else {
		acknowledge(k->connection);
	}
	return size * n;
}

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
	struct call *k = ctx;
	long status = 0;

	curl_easy_getinfo(k->connection->curl, CURLINFO_RESPONSE_CODE, &status);
	if (k->request->sink && status / 100 == 2) {
		k->sink_failed = k->request->sink(k->request->ctx, data, size * n) != 0;
		return k->sink_failed ? 0 : size * n;
	}
	if (buf_add(&k->answer->body, data, size * n)) {
		k->too_large = true;
		return 0;
	}
	return size * n;
}

void http_answer_deinit(struct http_answer *a)
{
	strv_deinit(&a->headers);
	buf_deinit(&a->body);
}

const char *http_answer_header(const struct http_answer *a, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < a->headers.n; i++) {
		const char *line = a->headers.items[i];

		if (strncasecmp(line, name, n) == 0 && line[n] == ':')
			return line + n + 1 + strspn(line + n + 1, " \t");
	}
	return NULL;
}

/* ---- the request ---- */

static struct curl_slist *header_list(const struct http_request *r)
{
	/* Without "Expect:" libcurl asks before it sends a long body, and waits a second for servers that don't know it. */
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");

	for (size_t i = 0; list && r->headers && i < r->headers->n; i++)
		list = curl_slist_append(list, r->headers->items[i]);
	if (!list)
		abort(); /* out of memory */
	return list;
}

/* libcurl's own sockets would be handed down to the parser's workers. */
static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct connection *n = ctx;

	(void)purpose;
	n->socket = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
	return n->socket;
}

static int close_socket(void *ctx, curl_socket_t s)
{
	struct connection *n = ctx;

	if (n->socket == s)
		n->socket = CURL_SOCKET_BAD;
	return close(s);
}

static void set_sockets(struct connection *n)
{
	curl_easy_setopt(n->curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(n->curl, CURLOPT_OPENSOCKETDATA, n);
	curl_easy_setopt(n->curl, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
	curl_easy_setopt(n->curl, CURLOPT_CLOSESOCKETDATA, n);
}

static void set_limits(const struct http_client *c, CURL *curl)
{
	const struct http_settings *s = &c->settings;
	int64_t stall = s->stall_us / CLOCK_SECOND;

	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)(s->connect_us / 1000));
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(s->timeout_us / 1000));
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)(stall ? stall : 1));
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L); /* else a name that nobody answers for is waited for all the same */
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, SEND_SIZE);
	curl_easy_setopt(curl, CURLOPT_MAXCONNECTS, 2L);
	if (c->ca_file)
		curl_easy_setopt(curl, CURLOPT_CAINFO, c->ca_file);
}

static void set_request(CURL *curl, const struct http_request *r, struct call *k)
{
	curl_easy_setopt(curl, CURLOPT_URL, r->url);
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, k);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, k);
	if (strcmp(r->method, "HEAD") == 0) {
		curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	} else if (r->body_len || strcmp(r->method, "PUT") == 0 || strcmp(r->method, "POST") == 0) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, r->body ? r->body : "");
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
	}
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, r->method);
}

/* Can the server have done something because of it? */
static bool may_have_acted(const struct call *k)
{
	long sent = 0;

	curl_easy_getinfo(k->connection->curl, CURLINFO_REQUEST_SIZE, &sent);
	return sent > 0 && strcmp(k->request->method, "GET") != 0 && strcmp(k->request->method, "HEAD") != 0;
}

static int failed(const struct call *k, CURLcode code, const char *error, struct err *e)
{
	const struct http_request *r = k->request;
	const char *reason = k->too_large ? "the answer is too long" : k->sink_failed ? "it was not wanted any more" :
		*error ? error : curl_easy_strerror(code);
	int path = (int)strcspn(r->url, "?"); /* a query may hold a signature */

	return may_have_acted(k) ? err_unknown(e, "%s(%.*s) failed: %s", r->method, path, r->url, reason) :
				   err_temporary(e, "%s(%.*s) failed: %s", r->method, path, r->url, reason);
}

int http_call(struct http_client *c, const struct http_request *r, struct http_answer *a_r, struct err *e)
{
	struct connection *n = take(c);
	struct call k = { .request = r, .answer = a_r, .connection = n };
	struct curl_slist *headers = header_list(r);
	long status = 0;
	int result = 0;

	*a_r = (struct http_answer){ .body = BUF_INIT(c->settings.answer_max) };
	n->error[0] = '\0';
	curl_easy_setopt(n->curl, CURLOPT_ERRORBUFFER, n->error);
	curl_easy_setopt(n->curl, CURLOPT_HTTPHEADER, headers);
	set_limits(c, n->curl);
	set_sockets(n);
	set_request(n->curl, r, &k);
	CURLcode code = curl_easy_perform(n->curl);

	if (code == CURLE_OK) {
		curl_easy_getinfo(n->curl, CURLINFO_RESPONSE_CODE, &status);
		a_r->status = (int)status;
	} else {
		result = failed(&k, code, n->error, e);
		http_answer_deinit(a_r);
	}
	curl_slist_free_all(headers);
	give_back(c, n);
	return result;
}
