/* http_client against a small server in threads of this process: what is reused, what a broken connection means, and what
 * it never does. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "sys/http_client.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_MAX 65536
#define ANSWER_MAX 5000

static int listener;
static unsigned port;
static atomic_uint connections, requests;
static char last_head[HEAD_MAX], last_body[HEAD_MAX]; /* of the request before; no test asks from several threads for it */
static pthread_mutex_t last = PTHREAD_MUTEX_INITIALIZER;

/* ---- the server: what it does is in the path ---- */

static void say(int fd, const char *text)
{
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		return;
}

static void say_long(int fd, size_t n)
{
	char head[100], piece[1000];

	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", n);
	say(fd, head);
	memset(piece, 'x', sizeof(piece));
	for (size_t done = 0; done < n && send(fd, piece, sizeof(piece), MSG_NOSIGNAL) > 0;)
		done += sizeof(piece);
}

/* false: this connection is over. */
static bool answer(int fd, const char *head, const char *path)
{
	if (strcmp(path, "/close") == 0)
		return false;
	if (strcmp(path, "/cut") == 0) {
		say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nten bytes!");
		return false;
	}
	if (strcmp(path, "/stall") == 0) {
		char c;

		while (recv(fd, &c, 1, 0) > 0)
			;
		return false;
	}
	if (strcmp(path, "/long") == 0)
		say_long(fd, 20000);
	else if (strcmp(path, "/refused-long") == 0)
		say(fd, "HTTP/1.1 503 Slow Down\r\nContent-Length: 4\r\n\r\nbusy");
	else if (strcmp(path, "/elsewhere") == 0)
		say(fd, "HTTP/1.1 302 Found\r\nLocation: /hello\r\nContent-Length: 0\r\n\r\n");
	else if (strcmp(path, "/interim") == 0)
		say(fd, "HTTP/1.1 103 Early Hints\r\nX-Kind: early\r\n\r\n"
			"HTTP/1.1 200 OK\r\nX-Kind:  late \r\nContent-Length: 0\r\n\r\n");
	else if (strncmp(head, "HEAD", 4) == 0)
		say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
	else
		say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
	return true;
}

struct request {
	char head[HEAD_MAX], body[HEAD_MAX];
};

static bool read_request(int fd, struct request *r)
{
	size_t n = 0, body;
	const char *length;

	memset(r, 0, sizeof(*r));
	while (!strstr(r->head, "\r\n\r\n")) {
		if (n == HEAD_MAX - 1 || recv(fd, r->head + n, 1, 0) != 1)
			return false;
		n++;
	}
	length = strstr(r->head, "Content-Length: ");
	body = length ? strtoul(length + 16, NULL, 10) : 0;
	if (body && (body >= HEAD_MAX || recv(fd, r->body, body, MSG_WAITALL) != (ssize_t)body))
		return false;
	pthread_mutex_lock(&last);
	strcpy(last_head, r->head);
	strcpy(last_body, r->body);
	pthread_mutex_unlock(&last);
	return true;
}

static void *serve(void *arg)
{
	_free_ struct request *r = MEM_NEW(struct request);
	int fd = (int)(intptr_t)arg;
	char path[200];

	while (read_request(fd, r)) {
		atomic_fetch_add(&requests, 1);
		if (sscanf(r->head, "%*s %199s", path) != 1 || !answer(fd, r->head, path))
			break;
	}
	close(fd);
	return NULL;
}

static void *accept_all(void *arg)
{
	(void)arg;
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		pthread_t t;

		if (fd < 0)
			return NULL;
		atomic_fetch_add(&connections, 1);
		if (pthread_create(&t, NULL, serve, (void *)(intptr_t)fd) == 0)
			pthread_detach(t);
	}
}

static int start_server(void **state)
{
	(void)state;
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	pthread_t t;

	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&a, sizeof(a)) || listen(listener, 50) ||
		getsockname(listener, (struct sockaddr *)&a, &n))
		return -1;
	port = ntohs(a.sin_port);
	return pthread_create(&t, NULL, accept_all, NULL) || pthread_detach(t);
}

/* ---- helpers ---- */

static struct http_client *new_client(void)
{
	return http_client_new(&(struct http_settings){
		.connect_us = 5 * CLOCK_SECOND, .stall_us = CLOCK_SECOND, .answer_max = ANSWER_MAX });
}

static int call(struct http_client *c, const char *method, const char *path, const char *body, struct http_answer *a,
	struct err *e)
{
	_free_ char *url = mem_printf("http://127.0.0.1:%u%s", port, path);
	struct http_request r = { .method = method, .url = url, .body = body, .body_len = body ? strlen(body) : 0 };

	return http_call(c, &r, a, e);
}

static void call_well(struct http_client *c, const char *method, const char *path, const char *body, const char *expected)
{
	struct http_answer a;
	struct err e;

	if (call(c, method, path, body, &a, &e))
		fail_msg("%s", e.text);
	assert_int_equal(a.status, 200);
	assert_string_equal(a.body.len ? a.body.data : "", expected);
	http_answer_deinit(&a);
}

static void fails(const char *method, const char *path, const char *body, enum err_class class)
{
	CLEANUP(http_client_freep) struct http_client *c = new_client();
	struct http_answer a;
	struct err e;

	assert_int_equal(call(c, method, path, body, &a, &e), -1);
	if (e.class != class)
		fail_msg("%s %s: class %d: %s", method, path, e.class, e.text);
	call_well(c, "GET", "/hello", NULL, "hello"); /* it is fit for more */
}

/* ---- tests ---- */

static void test_connections_are_kept(void **state)
{
	CLEANUP(http_client_freep) struct http_client *c = new_client();
	unsigned before = atomic_load(&connections);

	(void)state;
	for (int i = 0; i < 20; i++) {
		call_well(c, "GET", "/hello", NULL, "hello");
		call_well(c, "PUT", "/hello", "body", "hello");
		call_well(c, "HEAD", "/hello", NULL, "");
	}
	assert_int_equal(atomic_load(&connections) - before, 1);
}

static void *call_many(void *c)
{
	for (int i = 0; i < 50; i++) {
		struct http_answer a;
		struct err e;

		if (call(c, "GET", "/long-name", NULL, &a, &e))
			return c;
		http_answer_deinit(&a);
	}
	return NULL;
}

static void test_threads_have_connections_of_their_own(void **state)
{
	CLEANUP(http_client_freep) struct http_client *c = new_client();
	unsigned before = atomic_load(&connections);
	pthread_t t[8];
	void *failed;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, call_many, c), 0);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		assert_int_equal(pthread_join(t[i], &failed), 0);
		assert_null(failed);
	}
	assert_in_range(atomic_load(&connections) - before, 1, ARRAY_LEN(t));
}

static void test_what_goes_out(void **state)
{
	CLEANUP(http_client_freep) struct http_client *c = new_client();
	CLEANUP(strv_deinit) struct strv headers = { 0 };
	_free_ char *url = mem_printf("http://127.0.0.1:%u/a/../%%2F?x=%%20", port);
	struct http_request r = { .method = "PUT", .url = url, .headers = &headers };
	struct http_answer a;
	struct err e;

	(void)state;
	strv_add(&headers, "X-One: 1");
	strv_add(&headers, "Content-Type: message/rfc822");
	assert_int_equal(http_call(c, &r, &a, &e), 0);
	http_answer_deinit(&a);
	assert_non_null(strstr(last_head, "PUT /a/../%2F?x=%20 HTTP/1.1\r\n"));
	assert_non_null(strstr(last_head, "\r\nX-One: 1\r\n"));
	assert_non_null(strstr(last_head, "\r\nContent-Length: 0\r\n"));
	assert_non_null(strstr(last_head, "\r\nContent-Type: message/rfc822\r\n"));
	assert_null(strstr(last_head, "x-www-form-urlencoded"));
	call_well(c, "POST", "/hello", "the body", "hello");
	assert_string_equal(last_body, "the body");
	assert_null(strstr(last_head, "Expect:"));
}

static void test_headers(void **state)
{
	CLEANUP(http_client_freep) struct http_client *c = new_client();
	struct http_answer a;
	struct err e;

	(void)state;
	assert_int_equal(call(c, "GET", "/interim", NULL, &a, &e), 0);
	assert_int_equal(a.status, 200);
	assert_non_null(http_answer_header(&a, "x-kind"));
	assert_int_equal(strncmp(http_answer_header(&a, "x-kind"), "late", 4), 0); /* not that of the interim answer */
	assert_null(http_answer_header(&a, "x-kin"));
	http_answer_deinit(&a);
	assert_int_equal(call(c, "HEAD", "/hello", NULL, &a, &e), 0);
	assert_string_equal(http_answer_header(&a, "CONTENT-LENGTH"), "5");
	http_answer_deinit(&a);
}

struct sink {
	size_t got, stop_at;
};

static int take(void *ctx, const void *data, size_t n)
{
	struct sink *s = ctx;

	(void)data;
	s->got += n;
	return s->stop_at && s->got >= s->stop_at ? -1 : 0;
}

static int call_with_sink(const char *path, struct sink *s, struct http_answer *a, struct err *e)
{
	CLEANUP(http_client_freep) struct http_client *c = new_client();
	_free_ char *url = mem_printf("http://127.0.0.1:%u%s", port, path);
	struct http_request r = { .method = "GET", .url = url, .sink = take, .ctx = s };

	return http_call(c, &r, a, e);
}

static void test_sink(void **state)
{
	struct sink all = { 0 }, some = { .stop_at = 1500 }, none = { 0 };
	struct http_answer a;
	struct err e;

	(void)state;
	assert_int_equal(call_with_sink("/long", &all, &a, &e), 0); /* longer than what would be kept */
	assert_int_equal(all.got, 20000);
	assert_int_equal(a.body.len, 0);
	http_answer_deinit(&a);
	assert_int_equal(call_with_sink("/long", &some, &a, &e), -1);
	assert_int_equal(e.class, ERR_TEMPORARY);
	assert_int_equal(call_with_sink("/refused-long", &none, &a, &e), 0); /* what went wrong is no content */
	assert_int_equal(a.status, 503);
	assert_int_equal(none.got, 0);
	assert_string_equal(a.body.data, "busy");
	http_answer_deinit(&a);
}

static void test_too_long_an_answer(void **state)
{
	(void)state;
	fails("GET", "/long", NULL, ERR_TEMPORARY);
	fails("PUT", "/long", "x", ERR_UNKNOWN);
}

static void test_lost_answers(void **state)
{
	(void)state;
	fails("GET", "/close", NULL, ERR_TEMPORARY);
	fails("HEAD", "/close", NULL, ERR_TEMPORARY);
	fails("PUT", "/close", "x", ERR_UNKNOWN);
	fails("POST", "/close", "x", ERR_UNKNOWN);
	fails("DELETE", "/close", NULL, ERR_UNKNOWN);
	fails("GET", "/cut", NULL, ERR_TEMPORARY);
	fails("PUT", "/cut", "x", ERR_UNKNOWN);
}

static void test_silence(void **state)
{
	(void)state;
	fails("GET", "/stall", NULL, ERR_TEMPORARY);
	fails("PUT", "/stall", "x", ERR_UNKNOWN);
}

/* Nobody listens: whatever it was to do, it was not done. */
static void test_refused_connection(void **state)
{
	CLEANUP(http_client_freep) struct http_client *c = new_client();
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t n = sizeof(a);
	struct http_answer answer_r;
	struct err e;

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0); /* but not listen() */
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	_free_ char *url = mem_printf("http://127.0.0.1:%u/secret?signature=x", ntohs(a.sin_port));
	struct http_request r = { .method = "PUT", .url = url, .body = "x", .body_len = 1 };

	assert_int_equal(http_call(c, &r, &answer_r, &e), -1);
	assert_int_equal(e.class, ERR_TEMPORARY);
	assert_null(strstr(e.text, "signature"));
	close(fd);
}

/* A kept connection that the server closed meanwhile is no failure. */
static void test_closed_while_idle(void **state)
{
	CLEANUP(http_client_freep) struct http_client *c = new_client();
	struct http_answer a;
	struct err e;

	(void)state;
	call_well(c, "GET", "/hello", NULL, "hello");
	assert_int_equal(call(c, "GET", "/cut", NULL, &a, &e), -1);
	call_well(c, "PUT", "/hello", "x", "hello");
}

static void test_no_redirection_and_no_proxy(void **state)
{
	CLEANUP(http_client_freep) struct http_client *c = NULL;
	struct http_answer a;
	struct err e;

	(void)state;
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	c = new_client();
	call_well(c, "GET", "/hello", NULL, "hello");
	assert_int_equal(call(c, "GET", "/elsewhere", NULL, &a, &e), 0);
	assert_int_equal(a.status, 302);
	http_answer_deinit(&a);
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connections_are_kept), cmocka_unit_test(test_what_goes_out), cmocka_unit_test(test_headers),
		cmocka_unit_test(test_sink), cmocka_unit_test(test_too_long_an_answer), cmocka_unit_test(test_lost_answers),
		cmocka_unit_test(test_silence), cmocka_unit_test(test_refused_connection), cmocka_unit_test(test_closed_while_idle),
		cmocka_unit_test(test_no_redirection_and_no_proxy),
		cmocka_unit_test(test_threads_have_connections_of_their_own),
	};

	return cmocka_run_group_tests(tests, start_server, NULL);
}
