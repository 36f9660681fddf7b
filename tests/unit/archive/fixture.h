/* fixture: an archive of a test's own over the real store, database and index; only the parser is a fake, which reads the whole message
 * as text. Included into the test's file; each test is ARCHIVE_TEST(). */
#ifndef TESTS_UNIT_ARCHIVE_FIXTURE_H
#define TESTS_UNIT_ARCHIVE_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/private_dir.h"

#include "archive/archive.h"
#include "base/clock.h"
#include "base/log.h"
#include "index/index.h"
#include "mail/parser_pool.h"
#include "meta/maintenance.h"
#include "store/store.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the fake parser ---- */

static bool parser_missing;
static useconds_t parser_takes;

int parser_pool_open(struct parser_pool **pool_r, const struct conf *conf, struct err *e)
{
	static int something;

	(void)conf, (void)e;
	*pool_r = (struct parser_pool *)(void *)&something;
	return 0;
}

void parser_pool_closep(struct parser_pool **pool)
{
	*pool = NULL;
}

int parser_pool_parse(struct parser_pool *pool, const struct message *m, struct parsed **p_r, struct err *e)
{
	(void)pool;
	if (parser_missing)
		return err_temporary(e, "no parser");
	usleep(parser_takes);
	*p_r = parsed_new();
	free((*p_r)->text);
	(*p_r)->text = mem_dup(message_bytes(m), message_size(m));
	parsed_add_participant(*p_r, ROLE_FROM, "Ann", "Ann@Example.org");
	return 0;
}

struct parser_reading {
	const struct message *message;
};

static atomic_int readings; /* under way */
static bool parser_lost;    /* between the steps */

int parser_pool_start(struct parser_pool *pool, const struct message *m, struct parser_reading **r_r, struct err *e)
{
	(void)pool;
	if (parser_missing)
		return err_temporary(e, "no parser");
	*r_r = MEM_NEW(struct parser_reading);
	(*r_r)->message = m;
	readings++;
	return 0;
}

int parser_pool_finish(struct parser_pool *pool, struct parser_reading **r, struct parsed **p_r, struct err *e)
{
	const struct message *m = (*r)->message;

	free(*r);
	*r = NULL;
	readings--;
	return parser_lost ? err_temporary(e, "no parser any more") : parser_pool_parse(pool, m, p_r, e);
}

/* ---- a private archive ---- */

static struct conf conf;
static struct archive *archive;

static inline void make_index_folder(void)
{
	_free_ char *folder = in_top("index");

	assert_int_equal(mkdir(folder, 0700), 0);
}

static inline void configure(void)
{
	struct err e;

	assert_int_equal(private_dir_make(), 0);
	assert_int_equal(conf_load_defaults(&conf, &e), 0);
	free(conf.store), free(conf.meta), free(conf.index), free(conf.spool_dir), free(conf.run_dir);
	conf.store = mem_printf("fs:%s/store", top);
	conf.meta = mem_printf("sqlite:%s/meta", top);
	conf.index = mem_printf("fts:%s/index/index.db", top);
	conf.spool_dir = in_top("spool");
	conf.run_dir = in_top("run");
	conf.index_required = false;
	conf.index_wait_us = 10 * CLOCK_SECOND;
	assert_int_equal(mkdir(conf.spool_dir, 0700), 0);
	assert_int_equal(mkdir(conf.run_dir, 0700), 0);
	make_index_folder();
}

static inline int set_up(void **state)
{
	struct err e;

	(void)state;
	log_set_level(LOG_FATAL);
	configure();
	parser_missing = false;
	parser_takes = 0;
	if (store_create(&conf, &e) == 0 && meta_migrate(&conf, &e) == 0 && index_create(&conf, &e) == 0 &&
		archive_open(&archive, &conf, "test", &e) == 0)
		return 0;
	print_error("%s\n", e.text);
	return -1;
}

static inline int tear_down(void **state)
{
	(void)state;
	archive_closep(&archive);
	conf_deinit(&conf);
	return private_dir_remove();
}

#define ARCHIVE_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static inline int put(const char *text, const char *recipient, struct archive_receipt *r, struct err *e)
{
	CLEANUP(capture_deinit) struct capture c = { .kind = CAPTURE_LMTP, .point = "lmtp" };

	c.message = message_new(conf.spool_dir, 1 << 20);
	assert_int_equal(message_append(c.message, text, strlen(text), e), 0);
	assert_int_equal(message_finish(c.message, e), 0);
	c.received_us = clock_now_us();
	c.mail_from = mem_strdup("ann@example.org");
	c.mail_args = mem_strdup("");
	c.helo = mem_strdup("bad\xff helo");
	capture_add_recipient(&c, recipient, "");
	return archive_put(archive, &c, NULL, r, e);
}

static inline struct archive_receipt put_ok(const char *text)
{
	struct archive_receipt r;
	struct err e = { 0 };

	if (put(text, "bob@example.org", &r, &e))
		fail_msg("archive_put: %s", e.text);
	return r;
}

/* ---- looking behind it ---- */

static inline uint64_t rows(void)
{
	struct meta *m;
	struct err e;
	uint64_t n;

	assert_int_equal(meta_open(&m, &conf, &e), 0);
	assert_int_equal(meta_message_count(m, &n, &e), 0);
	meta_closep(&m);
	return n;
}

static inline uint64_t on_outbox(void)
{
	struct meta *m;
	struct err e;
	uint64_t n;
	int64_t oldest;

	assert_int_equal(meta_open(&m, &conf, &e), 0);
	assert_int_equal(meta_outbox_count(m, &n, &oldest, &e), 0);
	meta_closep(&m);
	return n;
}

static inline uint64_t indexed(void)
{
	struct index *i;
	struct err e;
	uint64_t n;

	assert_int_equal(index_open(&i, &conf, INDEX_READ, &e), 0);
	assert_int_equal(index_count(i, &n, &e), 0);
	index_closep(&i);
	return n;
}

/* Caller frees. */
static inline char *object_of(const struct uuid *id)
{
	_free_ char *key = store_key(id);

	return mem_printf("%s/store/%s", top, key);
}

static inline void print_fault(void *ctx, const char *fault)
{
	(void)ctx;
	print_error("%s\n", fault);
}

static inline void assert_ledger_is_whole(void)
{
	struct meta *m;
	struct err e;
	uint64_t faults;

	assert_int_equal(meta_open(&m, &conf, &e), 0);
	assert_int_equal(meta_ledger_verify(m, print_fault, NULL, &faults, &e), 0);
	assert_int_equal(faults, 0);
	meta_closep(&m);
}

static inline void wait_for(uint64_t (*count)(void), uint64_t want)
{
	for (int i = 0; i < 1000 && count() != want; i++)
		usleep(10000);
	assert_int_equal(count(), want);
}

static inline void reopen(void)
{
	struct err e;

	archive_closep(&archive);
	assert_int_equal(archive_open(&archive, &conf, "test", &e), 0);
}

#endif
