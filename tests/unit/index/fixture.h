/* fixture: an index of its own in a temporary directory, and short ways to fill and ask it. */
#ifndef TESTS_UNIT_INDEX_FIXTURE_H
#define TESTS_UNIT_INDEX_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "index/index.h"
#include "mail/scope_grant.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct fixture {
	char dir[64];
	char *file;
	struct conf conf;
	struct index *index;
};

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
	f->conf.index = mem_printf("fts:%s/index.db", f->dir);
	f->file = f->conf.index + strlen("fts:");
	if (index_create(&f->conf, &e))
		fail_msg("%s", e.text);
	fixture_open(f);
}

static inline void fixture_deinit(struct fixture *f)
{
	DIR *d;

	index_closep(&f->index);
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

	if (index_search(i, scope, &r, page_r, &e))
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
