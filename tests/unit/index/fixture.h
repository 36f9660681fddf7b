/* fixture: an index of its own, and short ways to fill and ask it: in a temporary directory, or, with a URL in the environment
 * variable STRONGROOM_TEST_ES, at that server. */
#ifndef TESTS_UNIT_INDEX_FIXTURE_H
#define TESTS_UNIT_INDEX_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "index/index.h"
#include "mail/scope_grant.h"
#include "sys/http_client.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct fixture {
	char dir[64];
	char *file; /* of the embedded index */
	const char *server;
	struct conf conf;
	struct index *index;
};

/* Of everything, from the beginning. */
static inline int rebuild_begin(struct index **fresh_r, const struct conf *conf, struct err *e)
{
	static const struct index_rebuild all = { INT64_MIN, INT64_MAX, true };
	struct uuid done;

	return index_rebuild_begin(fresh_r, conf, &all, &done, e);
}

static inline void fixture_open(struct fixture *f)
{
	struct err e = { 0 };

	if (index_open(&f->index, &f->conf, INDEX_WRITE, &e))
		fail_msg("%s", e.text);
}

static inline void fixture_init(struct fixture *f)
{
	const char *tmp = getenv("TMPDIR");
	struct err e = { 0 };

	memset(f, 0, sizeof(*f));
	snprintf(f->dir, sizeof(f->dir), "%s/index-XXXXXX", tmp && strlen(tmp) < 40 ? tmp : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(conf_load_defaults(&f->conf, &e), 0);
	free(f->conf.index);
	f->server = getenv("STRONGROOM_TEST_ES");
	if (f->server) {
		_free_ char *name = str_lower(mem_strdup(strrchr(f->dir, '/') + 1));

		f->conf.index = mem_printf("es:test-%s", name + strlen("index-"));
		free(f->conf.es_hosts);
		f->conf.es_hosts = mem_strdup(f->server);
		f->conf.es_shards = 2;
		f->conf.es_replicas = 0;
	} else {
		f->conf.index = mem_printf("fts:%s/index.db", f->dir);
		f->file = f->conf.index + strlen("fts:");
	}
	if (index_create(&f->conf, &e))
		fail_msg("%s", e.text);
	fixture_open(f);
}

/* The text that the server answers; caller frees. */
static inline char *fixture_ask(struct fixture *f, const char *method, const char *what)
{
	const struct http_settings settings = { .connect_us = CLOCK_SECOND, .timeout_us = 30 * CLOCK_SECOND,
		.stall_us = 30 * CLOCK_SECOND, .answer_max = 1 << 20 };
	CLEANUP(http_client_freep) struct http_client *c = http_client_new(&settings);
	_free_ char *url = mem_printf("%s%s", f->server, what);
	const struct http_request r = { .method = method, .url = url };
	struct http_answer a;
	struct err e;

	if (http_call(c, &r, &a, &e))
		fail_msg("%s", e.text);
	char *text = buf_take(&a.body);

	http_answer_deinit(&a);
	return text;
}

static inline void fixture_delete(struct fixture *f, const char *what)
{
	free(fixture_ask(f, "DELETE", what));
}

/* The names of its indices at the server; caller deinits. */
static inline struct strv fixture_indices(struct fixture *f)
{
	_free_ char *path = mem_printf("/_cat/indices/%s*?h=index", f->conf.index + strlen("es:"));
	_free_ char *text = fixture_ask(f, "GET", path);
	struct strv names = { 0 };

	strv_split(&names, text, " \n");
	strv_sort(&names);
	return names;
}

/* By name, as servers want it. */
static inline void fixture_delete_indices(struct fixture *f)
{
	struct strv names CLEANUP(strv_deinit) = fixture_indices(f);
	_free_ char *template = mem_printf("/_index_template/%s", f->conf.index + strlen("es:"));

	for (size_t i = 0; i < names.n; i++) {
		_free_ char *path = mem_printf("/%s", names.items[i]);

		fixture_delete(f, path);
	}
	fixture_delete(f, template);
}

static inline void fixture_deinit(struct fixture *f)
{
	DIR *d;

	index_closep(&f->index);
	if (f->server)
		fixture_delete_indices(f);
	d = opendir(f->dir);
	for (struct dirent *entry; (entry = readdir(d));)
		unlinkat(dirfd(d), entry->d_name, 0);
	closedir(d);
	rmdir(f->dir);
	conf_deinit(&f->conf);
}

/* Documents are known by their number. */
static inline struct uuid numbered(unsigned n)
{
	struct uuid id = { .bytes = { 0x01, 0x93, 0, 0, 0, 0, 0x70, 0, 0x80 } };

	for (int i = 0; i < 4; i++)
		id.bytes[12 + i] = (uint8_t)(n >> (24 - 8 * i));
	return id;
}

static inline unsigned number_of(const struct uuid *id)
{
	return (unsigned)id->bytes[12] << 24 | (unsigned)id->bytes[13] << 16 | (unsigned)id->bytes[14] << 8 |
		id->bytes[15];
}

static inline struct query *parsed(const char *text)
{
	struct query *q;
	struct query_error error;

	if (query_parse(&q, text, &error))
		fail_msg("%s: %zu: %s", text, error.position, error.text);
	return q;
}

static inline void search(struct index *i, const struct scope *scope, const char *text, size_t limit, const char *cursor,
	struct index_page *page_r)
{
	struct query *q = parsed(text);
	struct index_request r = { .query = q, .limit = limit, .cursor = cursor };
	struct err e = { 0 };

	if (index_sync(i, &e) || index_search(i, scope, &r, page_r, &e))
		fail_msg("%s: %s", text, e.text);
	query_freep(&q);
}

/* The numbers of what is found, newest first: "3 1". Caller frees. */
static inline char *found(struct index *i, const struct scope *scope, const char *text)
{
	struct buf b = BUF_INIT(1 << 20);
	struct index_page page;

	search(i, scope, text, INDEX_PAGE_MAX, NULL, &page);
	for (size_t k = 0; k < page.n; k++)
		assert_int_equal(buf_printf(&b, "%s%u", k ? " " : "", number_of(&page.hits[k].id)), 0);
	assert_int_equal(page.total, page.n);
	assert_true(page.total_exact);
	assert_null(page.next);
	index_page_deinit(&page);
	return buf_take(&b);
}

static inline struct scope *scope_of_all(void)
{
	return scope_grant(true, NULL, INT64_MIN, INT64_MAX);
}

static inline struct scope *scope_of(const char *mailboxes)
{
	struct strv list = { 0 };

	strv_split(&list, mailboxes, " ");
	struct scope *s = scope_grant(false, &list, INT64_MIN, INT64_MAX);

	strv_deinit(&list);
	return s;
}

/* Adds one document; NULL strings are empty. mailboxes: separated by blanks. */
static inline void add_doc(struct index *i, struct index_doc doc, const char *mailboxes)
{
	struct strv list = { 0 };
	struct err e = { 0 };

	strv_split(&list, mailboxes ? mailboxes : "", " ");
	doc.mailboxes = &list;
	if (index_add(i, &doc, 1, &e))
		fail_msg("%s", e.text);
	strv_deinit(&list);
}

#endif
