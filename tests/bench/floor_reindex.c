/* floor_reindex: the least that building an index anew can cost on these engines, to measure `strongroom reindex` by.
 *
 *	floor_reindex -f CONF -b BULKS -p POSTERS [-o OBJECTS -c READERS] [-a ACCESS_KEY -k SECRET_KEY]
 *
 * BULKS holds the bodies of the bulk requests that Strongroom sent, each behind a line with its length: they are posted again, to
 * the hosts of CONF, over so many connections. OBJECTS names the messages that it read for them, "KEY VERSION" a line: so many
 * threads read them meanwhile from the store of CONF, each over its own connection, and forget them. No database, no parser, no
 * hash, no tokens; and a post waits for no object. Prints the seconds that it took. */
#include "base/buf.h"
#include "base/clock.h"
#include "conf/conf.h"
#include "store/sigv4.h"
#include "sys/http_client.h"

#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ENGINE_US (300 * CLOCK_SECOND)

struct list {
	char **items;
	size_t *lengths, n;
	atomic_size_t next;
};

static struct conf conf;
static struct sigv4_account account = { .service = "s3" };
static struct http_client *http;
static struct list bulks, objects;

static void check(bool ok, const char *what, const char *why)
{
	if (ok)
		return;
	fprintf(stderr, "floor_reindex: %s: %s\n", what, why);
	exit(1);
}

/* ---- work ---- */

static void post(const char *body, size_t length)
{
	CLEANUP(strv_deinit) struct strv headers = { 0 };
	_free_ char *url = mem_printf("%s/_bulk?filter_path=errors", conf.es_hosts);
	const struct http_request r = { .method = "POST", .url = url, .headers = &headers, .body = body, .body_len = length };
	struct http_answer a;
	struct err e;

	strv_add(&headers, "Content-Type: application/x-ndjson");
	check(http_call(http, &r, &a, &e) == 0, "bulk", e.text);
	check(a.status == 200 && strstr((const char *)a.body.data, "false"), "bulk", (const char *)a.body.data);
	http_answer_deinit(&a);
}

static int forget(void *ctx, const void *data, size_t n)
{
	(void)ctx, (void)data, (void)n;
	return 0;
}

static void get(const char *key, const char *version)
{
	CLEANUP(strv_deinit) struct strv headers = { 0 }, query = { 0 };
	_free_ char *item = mem_printf("versionId=%s", version);
	_free_ char *path = mem_printf("/%s/%s", strchr(conf.store, ':') + 1, key);
	_free_ char *url = mem_printf("%s%s?%s", conf.s3_endpoint, path, item);
	struct http_answer a;
	struct err e;

	strv_add(&query, item);
	strv_add(&headers, "x-amz-content-sha256: " SIGV4_UNSIGNED_PAYLOAD);
	sigv4_sign(&account, &(struct sigv4_request){ .method = "GET", .host = strstr(conf.s3_endpoint, "//") + 2, .path = path,
		.query = &query, .payload = SIGV4_UNSIGNED_PAYLOAD, .now_us = clock_now_us() }, &headers);
	const struct http_request r = { .method = "GET", .url = url, .headers = &headers, .sink = forget };

	check(http_call(http, &r, &a, &e) == 0, "GET", e.text);
	check(a.status == 200, "GET", a.body.data ? (const char *)a.body.data : "refused");
	http_answer_deinit(&a);
}

static void read_file(const char *dir, const char *key)
{
	_free_ char *path = mem_printf("%s/%s", dir, key);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char bytes[65536];
	ssize_t n;

	check(fd >= 0, path, "can't be opened");
	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		;
	check(n == 0, path, "can't be read");
	close(fd);
}

/* ---- threads ---- */

static void *post_all(void *arg)
{
	(void)arg;
	for (size_t i; (i = atomic_fetch_add(&bulks.next, 1)) < bulks.n;)
		post(bulks.items[i], bulks.lengths[i]);
	return NULL;
}

static void *read_all(void *arg)
{
	const char *dir = conf_local_path(conf.store);

	(void)arg;
	for (size_t i; (i = atomic_fetch_add(&objects.next, 1)) < objects.n;) {
		_free_ char *key = mem_strdup(objects.items[i]);
		char *version = strchr(key, ' ');

		check(version != NULL, key, "no version behind it");
		*version++ = '\0';
		if (dir)
			read_file(dir, key);
		else
			get(key, version);
	}
	return NULL;
}

static void start(pthread_t *threads, unsigned n, void *(*work)(void *))
{
	for (unsigned i = 0; i < n; i++)
		check(pthread_create(&threads[i], NULL, work, NULL) == 0, "pthread_create", "failed");
}

/* ---- files ---- */

static void add(struct list *l, char *item, size_t length)
{
	l->items = mem_realloc(l->items, l->n + 1, sizeof(*l->items));
	l->lengths = mem_realloc(l->lengths, l->n + 1, sizeof(*l->lengths));
	l->items[l->n] = item;
	l->lengths[l->n++] = length;
}

/* Lines, or, with bodies, lines that each tell the length of what is behind it. */
static void read_list(struct list *l, const char *path, bool bodies)
{
	FILE *in = fopen(path, "r");
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	check(in, path, "can't be opened");
	while ((n = getline(&line, &room, in)) > 0) {
		size_t length = bodies ? (size_t)atol(line) : (size_t)n - 1;
		char *item = bodies ? mem_alloc(length + 1, 1) : mem_dup(line, length);

		check(!bodies || fread(item, 1, length, in) == length, path, "is cut off");
		add(l, item, length);
	}
	free(line);
	fclose(in);
}

int main(int argc, char **argv)
{
	struct http_settings s = { .connect_us = ENGINE_US, .timeout_us = ENGINE_US, .stall_us = ENGINE_US, .answer_max = (size_t)16 << 20 };
	const char *path = NULL, *bodies = NULL, *names = NULL;
	unsigned posters = 0, readers = 0;
	pthread_t threads[64];
	struct err e;
	int option;

	while ((option = getopt(argc, argv, "f:b:p:o:c:a:k:")) != -1) {
		switch (option) {
		case 'f': path = optarg; break;
		case 'b': bodies = optarg; break;
		case 'p': posters = (unsigned)atoi(optarg); break;
		case 'o': names = optarg; break;
		case 'c': readers = (unsigned)atoi(optarg); break;
		case 'a': account.access_key = optarg; break;
		case 'k': account.secret_key = optarg; break;
		default: path = NULL;
		}
	}
	if (!path || !bodies || !posters || !names != !readers || posters + readers > ARRAY_LEN(threads)) {
		fputs("usage: floor_reindex -f CONF -b BULKS -p POSTERS [-o OBJECTS -c READERS] [-a ACCESS_KEY -k SECRET_KEY]\n", stderr);
		return 2;
	}
	check(conf_load(&conf, path, &e) == 0, path, e.text);
	check(!names || conf_local_path(conf.store) || (account.access_key && account.secret_key), conf.store, "needs -a and -k");
	account.region = conf.s3_region;
	s.ca_file = conf.s3_ca_file;
	read_list(&bulks, bodies, true);
	if (names)
		read_list(&objects, names, false);
	http = http_client_new(&s);
	int64_t began_us = clock_monotonic_us();

	start(threads, posters, post_all);
	start(threads + posters, readers, read_all);
	for (unsigned i = 0; i < posters + readers; i++)
		pthread_join(threads[i], NULL);
	printf("seconds=%.3f\n", (double)(clock_monotonic_us() - began_us) / 1e6);
	return 0;
}
