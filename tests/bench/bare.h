/* bare: the least that archiving can cost on this machine, which floor.c and accept_milter.c measure Strongroom by.
 *
 * The same bytes go into the same kind of files (without a name, fsync, link, fsync of the directory; 256 directories) and
 * the same rows into the same tables, in groups as in common/archive/group.c: whoever finds nobody committing commits for
 * all that wait. No parser, no hash, no index, no ledger. A program that includes it is one file; what fails ends it. */
#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/uuid.h"
#include "meta/meta.h"
#include "sys/digest.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define GROUP_MAX 256

static void bare_check(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

/* ---- rows ---- */

enum { ADD_KEY, ADD_MESSAGE, ADD_PARTICIPANT, ADD_MAILBOX, ADD_ATTACHMENT, ADD_RECORD, ADD_BATCH, ADD_OUTBOX,
	REMOVE_OUTBOX, BEGIN, COMMIT, STATEMENTS };

static const char *const sql[STATEMENTS] = {
	[ADD_KEY] = "INSERT INTO capture_key VALUES (?1, ?2, 1)",
	[ADD_MESSAGE] = "INSERT INTO message (id, received_us, date_us, header_date_us, size, sha256, kind, capture_point, subject, header_id,"
			" parse_flags, queue_id, evidence, bucket, object_key, version_id, object_offset, object_length,"
			" lock_mode, retain_until_us, policy_version) VALUES (?2, 1, 1, 1, ?3, ?1, 1, 'lmtp', 'bench 0123456789abcdef', "
			"'0123456789abcdef@bench.example', 0, '', '{\"client\":\"127.0.0.1:40000\",\"helo\":"
			"\"bench.example\",\"session\":\"0123456789abcdef\"}', '', "
			"'m/ab/2026/11/22/01234567-89ab-7def-8123-456789abcdef.eml', '', 0, ?3, 'file', 1, 'lock_days=2557')",
	[ADD_PARTICIPANT] = "INSERT INTO participant VALUES (?2, ?3, 4, '', 'user123@bench.example', 'user123@bench.example')",
	[ADD_MAILBOX] = "INSERT INTO mailbox_message VALUES (?4, 1, ?2)",
	[ADD_ATTACHMENT] = "INSERT INTO attachment VALUES (?2, ?3, 'report.pdf', 'application/pdf', 12345, ?1)",
	[ADD_RECORD] = "INSERT INTO ledger_record VALUES (?2, 'bare@bench', ?3, ?1, ?1, zeroblob(300))",
	[ADD_BATCH] = "INSERT INTO ledger_batch VALUES ('bare@bench', ?3, 1, zeroblob(?5), 1)",
	[ADD_OUTBOX] = "INSERT INTO outbox VALUES (?2, 1)",
	[REMOVE_OUTBOX] = "DELETE FROM outbox WHERE message_id = ?2",
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
};

struct bare_item {
	struct bare_item *next;
	pthread_cond_t wake;
	bool done;
	uint8_t random[SHA256_SIZE];
	struct uuid id;
	uint64_t length;
	int recipients, attachments;
};

struct bare {
	int dir;
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS];
	pthread_mutex_t lock;
	struct bare_item *head, **tail;
	bool committing;
	struct uuid indexed[GROUP_MAX]; /* the group before: comes off the outbox */
	size_t indexed_n;
	int64_t seq;
};

static void run(struct bare *b, int which, const struct bare_item *i, int64_t number, const char *text, int64_t size)
{
	sqlite3_stmt *st = b->statements[which];

	if (i) {
		sqlite3_bind_blob(st, 1, i->random, sizeof(i->random), SQLITE_STATIC);
		sqlite3_bind_blob(st, 2, i->id.bytes, UUID_SIZE, SQLITE_STATIC);
	}
	sqlite3_bind_int64(st, 3, number);
	sqlite3_bind_text(st, 4, text, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 5, size);
	if (sqlite3_step(st) != SQLITE_DONE) {
		fprintf(stderr, "bare: %s: %s\n", sql[which], sqlite3_errmsg(b->db));
		exit(1);
	}
	sqlite3_reset(st);
}

static void insert(struct bare *b, const struct bare_item *i)
{
	char mailbox[64];

	run(b, ADD_KEY, i, 0, NULL, 0);
	run(b, ADD_MESSAGE, i, (int64_t)i->length, NULL, 0);
	for (int n = 0; n < 2 + 2 * i->recipients; n++)
		run(b, ADD_PARTICIPANT, i, n, NULL, 0);
	for (int n = 0; n <= i->recipients; n++) {
		snprintf(mailbox, sizeof(mailbox), "user%d@bench.example", (i->random[0] + 256 * n) % 600);
		run(b, ADD_MAILBOX, i, 0, mailbox, 0);
	}
	for (int n = 0; n < i->attachments; n++)
		run(b, ADD_ATTACHMENT, i, n, NULL, 0);
	run(b, ADD_RECORD, i, ++b->seq, NULL, 0);
	run(b, ADD_OUTBOX, i, 0, NULL, 0);
}

static void commit(struct bare *b, struct bare_item *list, size_t n)
{
	int64_t first = b->seq + 1;

	run(b, BEGIN, NULL, 0, NULL, 0);
	for (size_t k = 0; k < b->indexed_n; k++)
		run(b, REMOVE_OUTBOX, &(struct bare_item){ .id = b->indexed[k] }, 0, NULL, 0);
	b->indexed_n = 0;
	for (struct bare_item *i = list; i; i = i->next) {
		insert(b, i);
		b->indexed[b->indexed_n++] = i->id;
	}
	run(b, ADD_BATCH, NULL, first, NULL, (int64_t)n * SHA256_SIZE);
	run(b, COMMIT, NULL, 0, NULL, 0);
}

/* ---- groups ---- */

static void lead(struct bare *b)
{
	struct bare_item *list = b->head, *last = list;
	size_t n = 1;

	while (last->next && n < GROUP_MAX) {
		last = last->next;
		n++;
	}
	b->head = last->next;
	if (!b->head)
		b->tail = &b->head;
	last->next = NULL;
	b->committing = true;
	pthread_mutex_unlock(&b->lock);
	commit(b, list, n);
	pthread_mutex_lock(&b->lock);
	b->committing = false;
	for (struct bare_item *i = list, *next; i; i = next) {
		next = i->next;
		i->done = true;
		pthread_cond_signal(&i->wake);
	}
	if (b->head)
		pthread_cond_signal(&b->head->wake);
}

static void bare_commit(struct bare *b, struct bare_item *i)
{
	pthread_cond_init(&i->wake, NULL);
	pthread_mutex_lock(&b->lock);
	*b->tail = i;
	b->tail = &i->next;
	while (!i->done) {
		if (b->committing)
			pthread_cond_wait(&i->wake, &b->lock);
		else
			lead(b);
	}
	pthread_mutex_unlock(&b->lock);
	pthread_cond_destroy(&i->wake);
}

/* ---- files ---- */

static void bare_write(struct bare *b, const struct bare_item *i, const struct buf *message)
{
	char dir[8], name[UUID_TEXT_SIZE], from[64];

	snprintf(dir, sizeof(dir), "%02x", i->id.bytes[UUID_SIZE - 1]);
	uuid_format(name, &i->id);
	int d = openat(b->dir, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = openat(d, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0400);

	bare_check(d >= 0 && fd >= 0, "open");
	bare_check(write(fd, message->data, message->len) == (ssize_t)message->len, "write");
	bare_check(fsync(fd) == 0, "fsync");
	snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
	bare_check(linkat(AT_FDCWD, from, d, name, AT_SYMLINK_FOLLOW) == 0, "linkat");
	bare_check(fsync(d) == 0, "fsync");
	close(fd);
	close(d);
}

/* Any thread. */
static void bare_archive(struct bare *b, const struct buf *message, int recipients, int attachments)
{
	struct bare_item i = { .id = uuid_new(clock_now_us()), .length = message->len, .recipients = recipients,
		.attachments = attachments };

	bare_check(getrandom(i.random, sizeof(i.random), 0) == sizeof(i.random), "getrandom");
	bare_write(b, &i, message);
	bare_commit(b, &i);
}

/* ---- beginning ---- */

/* Makes the directory `path` and an archive in it, which is left behind. */
static void bare_prepare(struct bare *b, const char *path)
{
	struct conf conf = { .meta = mem_printf("sqlite:%s/meta", path) };
	_free_ char *db = mem_printf("%s/meta/capture.db", path);
	struct err e;
	char dir[8];

	bare_check(mkdir(path, 0700) == 0, path);
	b->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bare_check(b->dir >= 0, path);
	for (int i = 0; i < 256; i++) {
		snprintf(dir, sizeof(dir), "%02x", i);
		bare_check(mkdirat(b->dir, dir, 0700) == 0, dir);
	}
	if (meta_migrate(&conf, &e) || sqlite3_open(db, &b->db) != SQLITE_OK ||
		sqlite3_exec(b->db, "PRAGMA synchronous = FULL; PRAGMA cache_size = -4096", NULL, NULL, NULL) != SQLITE_OK) {
		fprintf(stderr, "bare: %s: %s\n", db, e.text);
		exit(1);
	}
	for (int i = 0; i < STATEMENTS; i++) {
		if (sqlite3_prepare_v2(b->db, sql[i], -1, &b->statements[i], NULL) != SQLITE_OK) {
			fprintf(stderr, "bare: %s: %s\n", sql[i], sqlite3_errmsg(b->db));
			exit(1);
		}
	}
	free(conf.meta);
	b->tail = &b->head;
	pthread_mutex_init(&b->lock, NULL);
	sync();
}

#endif
