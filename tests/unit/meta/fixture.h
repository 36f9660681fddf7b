/* fixture: databases in a temporary directory or at a server (server.h), and messages to put into them. */
#ifndef TESTS_META_FIXTURE_H
#define TESTS_META_FIXTURE_H

#include "base/clock.h"
#include "base/hex.h"
#include "mail/address.h"
#include "meta/capture.h"
#include "meta/catalog.h"
#include "meta/maintenance.h"
#include "server.h"

#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char directory[128];
static char meta_url[160];
static struct conf conf;
static struct meta *meta;
static struct err err;

#define assert_ok(call)                                               \
	do {                                                          \
		err = (struct err){ 0 };                              \
		if ((call) != 0)                                      \
			fail_msg("%s: %s", #call, err.text);          \
	} while (0)

#define assert_refused(call, how, why)                                                \
	do {                                                                          \
		err = (struct err){ 0 };                                              \
		if ((call) != -1 || err.class != (how) || !strstr(err.text, (why)))   \
			fail_msg("%s: class %d: %s", #call, err.class, err.text);     \
	} while (0)

static inline char *path_of(const char *file)
{
	return mem_printf("%s/%s", directory, file);
}

static inline int make_directory(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(directory, sizeof(directory), "%s/test-meta-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(directory))
		return -1;
	if (server_wanted(&conf))
		return 0;
	snprintf(meta_url, sizeof(meta_url), "sqlite:%s", directory);
	conf.meta = meta_url;
	return 0;
}

static inline int remove_directory(void **state)
{
	DIR *d = opendir(directory);
	struct dirent *entry;

	(void)state;
	meta_closep(&meta);
	if (*server_name)
		server_clean_up(&conf);
	while (d && (entry = readdir(d))) {
		_free_ char *path = path_of(entry->d_name);

		unlink(path);
	}
	if (d)
		closedir(d);
	return rmdir(directory);
}

static inline int open_meta(void **state)
{
	if (make_directory(state))
		return -1;
	if (meta_migrate(&conf, &err) || meta_open(&meta, &conf, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return -1;
	}
	return 0;
}

static inline void reopen_meta(void)
{
	meta_closep(&meta);
	assert_ok(meta_open(&meta, &conf, &err));
}

/* Runs SQL behind meta's back; the result code. */
static inline int raw_sql(const char *file, const char *sql)
{
	if (*server_name)
		return server_sql(&conf, file, sql, NULL);
	_free_ char *path = path_of(file);
	sqlite3 *db = NULL;
	int code = sqlite3_open(path, &db);

	if (code == SQLITE_OK)
		code = sqlite3_exec(db, sql, NULL, NULL, NULL);
	sqlite3_close(db);
	return code;
}

static inline int64_t raw_number(const char *file, const char *sql)
{
	_free_ char *path = path_of(file);
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	int64_t value = -1;

	if (*server_name) {
		server_sql(&conf, file, sql, &value);
		return value;
	}
	if (sqlite3_open(path, &db) == SQLITE_OK &&
		sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK &&
		sqlite3_step(st) == SQLITE_ROW)
		value = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return value;
}

/* ---- messages ---- */

/* A row of `people` ("role address role address …", with roles as numbers) at date_us; caller deinits. */
static inline struct message_row make_row(const struct uuid *id, int64_t date_us,
	const char *people)
{
	struct message_row r = { .id = *id, .received_us = date_us, .date_us = date_us,
		.header_date_us = date_us + 7, .size = 1234, .kind = CAPTURE_LMTP };
	struct strv words = { 0 };

	memset(r.sha256, id->bytes[15], sizeof(r.sha256));
	r.capture_point = mem_strdup("lmtp");
	r.subject = mem_strdup("Grüße");
	r.message_id = mem_strdup("1@example.org");
	r.queue_id = mem_strdup("");
	r.evidence = mem_strdup("{\"client\":\"unix\"}");
	r.locator = (struct locator){ mem_strdup(""), mem_strdup("m/00/key"), mem_strdup(""), 0,
		1234 };
	r.lock_mode = mem_strdup("file");
	r.retain_until_us = date_us + 1;
	r.policy_version = mem_strdup("1");
	strv_split(&words, people, " ");
	r.participants = MEM_ARRAY(struct participant, words.n / 2);
	for (size_t i = 0; i + 1 < words.n; i += 2)
		r.participants[r.participant_count++] = (struct participant){
			(enum participant_role)atoi(words.items[i]),
			mem_strdup("A name"),
			mem_strdup(words.items[i + 1]),
			address_normalize(words.items[i + 1]),
		};
	strv_deinit(&words);
	r.attachments = MEM_NEW(struct attachment);
	r.attachment_count = 1;
	r.attachments[0] = (struct attachment){ mem_strdup("a.txt"), mem_strdup("text/plain"), 7,
		{ 1, 2, 3 } };
	return r;
}

static inline void key_of(const struct uuid *id, uint8_t key[SHA256_SIZE])
{
	sha256_of(id, sizeof(*id), key);
}

static inline void leaf_of(const struct uuid *id, uint8_t leaf[SHA256_SIZE])
{
	sha256_of(id, sizeof(*id), leaf);
	leaf[0] ^= 1;
}

/* One key alone: 1 taken, 0 it is *existing_r's, -1. */
static inline int claim_one(struct meta_capture *t, const uint8_t key[SHA256_SIZE], const struct uuid *id,
	int64_t now_us, struct uuid *existing_r, struct err *e)
{
	struct meta_claim claim = { .key = key, .id = *id, .now_us = now_us };

	if (meta_capture_claim(t, &claim, 1, e))
		return -1;
	*existing_r = claim.existing;
	return claim.taken;
}

/* Claims and inserts in t; the leaf goes to leaf_r. */
static inline int add_row_to(struct meta_capture *t, const struct message_row *r,
	uint8_t leaf_r[SHA256_SIZE], struct err *e)
{
	uint8_t key[SHA256_SIZE], nonce[LEDGER_NONCE_SIZE] = { 9 };
	struct uuid existing;

	key_of(&r->id, key);
	leaf_of(&r->id, leaf_r);
	if (claim_one(t, key, &r->id, r->received_us, &existing, e) != 1)
		return -1;
	return meta_capture_insert(t, r, nonce, "record", 6, leaf_r, e);
}

/* Commits it as a group of its own, as the next of `daemon`. */
static inline int put_row_as(struct meta *m, const char *daemon, const struct message_row *r, int64_t at_us, struct err *e)
{
	struct meta_capture *t;
	uint8_t leaf[SHA256_SIZE];
	uint64_t seq;

	if (meta_capture_last_seq(m, daemon, &seq, e) || meta_capture_begin(m, &t, e))
		return -1;
	if (add_row_to(t, r, leaf, e) || meta_capture_batch(t, daemon, seq + 1, 1, leaf, at_us, e)) {
		meta_capture_rollback(&t);
		return -1;
	}
	return meta_capture_commit(&t, e);
}

/* The same with a message of these people. */
static inline int put_as(struct meta *m, const char *daemon, const struct uuid *id, int64_t date_us,
	const char *people, struct err *e)
{
	CLEANUP(message_row_deinit) struct message_row r = make_row(id, date_us, people);

	return put_row_as(m, daemon, &r, date_us, e);
}

static inline struct uuid put(int64_t date_us, const char *people)
{
	struct uuid id = uuid_new(clock_now_us());

	assert_ok(put_as(meta, "lmtpd@test", &id, date_us, people, &err));
	return id;
}

static inline uint64_t message_count(void)
{
	uint64_t n;

	assert_ok(meta_message_count(meta, &n, &err));
	return n;
}

static inline void count_fault(void *ctx, const char *fault)
{
	(void)ctx;
	print_message("fault: %s\n", fault);
}

static inline uint64_t ledger_faults(void)
{
	uint64_t n;

	assert_ok(meta_ledger_verify(meta, count_fault, NULL, &n, &err));
	return n;
}

/* A message that was archived at at_us and is kept until retain_until_us. */
static inline struct uuid archive_kept(int64_t at_us, int64_t retain_until_us)
{
	static uint8_t serial;
	struct uuid id = uuid_floor(at_us);

	id.bytes[UUID_SIZE - 1] = ++serial;
	CLEANUP(message_row_deinit) struct message_row r = make_row(&id, at_us, "0 a@example.org");

	r.retain_until_us = retain_until_us;
	assert_ok(put_row_as(meta, "lmtpd@test", &r, at_us, &err));
	return id;
}

#endif
