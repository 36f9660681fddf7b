/* floor: the least that archiving can cost on this machine, to measure Strongroom by.
 *
 *	floor -d DIR [-c THREADS] [-t SECONDS] [-s BYTES]
 *
 * So many threads write the same messages as `load` sends (mix.h) into the same kind of files (without a name, fsync,
 * link, fsync of the directory; 256 directories) and commit the same rows into the same tables, grouped as in
 * common/archive/group.c: whoever finds nobody committing commits for all that wait. No network, no parser, no hash,
 * no index, no ledger. DIR is made and left behind. Prints one line of key=value, as load does. */
#include "mix.h"

#include "base/uuid.h"
#include "meta/meta.h"
#include "sys/digest.h"

#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <sqlite3.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define GROUP_MAX 256

static void check(bool ok, const char *what)
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
	[ADD_RECORD] = "INSERT INTO ledger_record VALUES (?2, 'floor@bench', ?3, ?1, ?1, zeroblob(300))",
	[ADD_BATCH] = "INSERT INTO ledger_batch VALUES ('floor@bench', ?3, 1, zeroblob(?5), 1)",
	[ADD_OUTBOX] = "INSERT INTO outbox VALUES (?2, 1)",
	[REMOVE_OUTBOX] = "DELETE FROM outbox WHERE message_id = ?2",
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
};

struct item {
	struct item *next;
	pthread_cond_t wake;
	bool done;
	uint8_t random[SHA256_SIZE];
	struct uuid id;
	uint64_t length;
	int recipients, attachments;
};

struct floor {
	struct mix mix;
	int dir;
	int64_t end_us;
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS];
	pthread_mutex_t lock;
	struct item *head, **tail;
	bool committing;
	struct uuid indexed[GROUP_MAX]; /* the group before: comes off the outbox */
	size_t indexed_n;
	int64_t seq;
};

static void run(struct floor *f, int which, const struct item *i, int64_t number, const char *text, int64_t size)
{
	sqlite3_stmt *st = f->statements[which];

	if (i) {
		sqlite3_bind_blob(st, 1, i->random, sizeof(i->random), SQLITE_STATIC);
		sqlite3_bind_blob(st, 2, i->id.bytes, UUID_SIZE, SQLITE_STATIC);
	}
	sqlite3_bind_int64(st, 3, number);
	sqlite3_bind_text(st, 4, text, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 5, size);
	if (sqlite3_step(st) != SQLITE_DONE) {
		fprintf(stderr, "floor: %s: %s\n", sql[which], sqlite3_errmsg(f->db));
		exit(1);
	}
	sqlite3_reset(st);
}

static void insert(struct floor *f, const struct item *i)
{
	char mailbox[64];

	run(f, ADD_KEY, i, 0, NULL, 0);
	run(f, ADD_MESSAGE, i, (int64_t)i->length, NULL, 0);
	for (int n = 0; n < 2 + 2 * i->recipients; n++)
		run(f, ADD_PARTICIPANT, i, n, NULL, 0);
	for (int n = 0; n <= i->recipients; n++) {
		snprintf(mailbox, sizeof(mailbox), "user%d@bench.example", (i->random[0] + 256 * n) % 600);
		run(f, ADD_MAILBOX, i, 0, mailbox, 0);
	}
	for (int n = 0; n < i->attachments; n++)
		run(f, ADD_ATTACHMENT, i, n, NULL, 0);
	run(f, ADD_RECORD, i, ++f->seq, NULL, 0);
	run(f, ADD_OUTBOX, i, 0, NULL, 0);
}

static void commit(struct floor *f, struct item *list, size_t n)
{
	int64_t first = f->seq + 1;

	run(f, BEGIN, NULL, 0, NULL, 0);
	for (size_t k = 0; k < f->indexed_n; k++)
		run(f, REMOVE_OUTBOX, &(struct item){ .id = f->indexed[k] }, 0, NULL, 0);
	f->indexed_n = 0;
	for (struct item *i = list; i; i = i->next) {
		insert(f, i);
		f->indexed[f->indexed_n++] = i->id;
	}
	run(f, ADD_BATCH, NULL, first, NULL, (int64_t)n * SHA256_SIZE);
	run(f, COMMIT, NULL, 0, NULL, 0);
}

/* ---- groups ---- */

static void lead(struct floor *f)
{
	struct item *list = f->head, *last = list;
	size_t n = 1;

	while (last->next && n < GROUP_MAX) {
		last = last->next;
		n++;
	}
	f->head = last->next;
	if (!f->head)
		f->tail = &f->head;
	last->next = NULL;
	f->committing = true;
	pthread_mutex_unlock(&f->lock);
	commit(f, list, n);
	pthread_mutex_lock(&f->lock);
	f->committing = false;
	for (struct item *i = list, *next; i; i = next) {
		next = i->next;
		i->done = true;
		pthread_cond_signal(&i->wake);
	}
	if (f->head)
		pthread_cond_signal(&f->head->wake);
}

static void commit_grouped(struct floor *f, struct item *i)
{
	pthread_cond_init(&i->wake, NULL);
	pthread_mutex_lock(&f->lock);
	*f->tail = i;
	f->tail = &i->next;
	while (!i->done) {
		if (f->committing)
			pthread_cond_wait(&i->wake, &f->lock);
		else
			lead(f);
	}
	pthread_mutex_unlock(&f->lock);
	pthread_cond_destroy(&i->wake);
}

/* ---- files ---- */

static void write_file(struct floor *f, const struct item *i, const struct buf *message)
{
	char dir[8], name[UUID_TEXT_SIZE], from[64];

	snprintf(dir, sizeof(dir), "%02x", i->id.bytes[UUID_SIZE - 1]);
	uuid_format(name, &i->id);
	int d = openat(f->dir, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = openat(d, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0400);

	check(d >= 0 && fd >= 0, "open");
	check(write(fd, message->data, message->len) == (ssize_t)message->len, "write");
	check(fsync(fd) == 0, "fsync");
	snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
	check(linkat(AT_FDCWD, from, d, name, AT_SYMLINK_FOLLOW) == 0, "linkat");
	check(fsync(d) == 0, "fsync");
	close(fd);
	close(d);
}

struct worker {
	struct floor *f;
	pthread_t thread;
	struct mix_result result;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	struct floor *f = w->f;
	CLEANUP(buf_deinit) struct buf message = BUF_INIT((size_t)32 << 20);
	int64_t begin_us;

	while ((begin_us = clock_monotonic_us()) < f->end_us) {
		uint64_t number;
		const struct mix_message *m = mix_next(&f->mix, &message, &number);
		struct item i = { .id = uuid_new(clock_now_us()), .length = m->length, .recipients = m->recipients,
			.attachments = m->attachments };

		check(getrandom(i.random, sizeof(i.random), 0) == sizeof(i.random), "getrandom");
		write_file(f, &i, &message);
		commit_grouped(f, &i);
		mix_note(&w->result, clock_monotonic_us() - begin_us, m->length);
	}
	return NULL;
}

/* ---- the run ---- */

static void prepare(struct floor *f, const char *path)
{
	struct conf conf = { .meta = mem_printf("sqlite:%s/meta", path) };
	_free_ char *db = mem_printf("%s/meta/capture.db", path);
	struct err e;
	char dir[8];

	check(mkdir(path, 0700) == 0, path);
	f->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(f->dir >= 0, path);
	for (int i = 0; i < 256; i++) {
		snprintf(dir, sizeof(dir), "%02x", i);
		check(mkdirat(f->dir, dir, 0700) == 0, dir);
	}
	if (meta_migrate(&conf, &e) || sqlite3_open(db, &f->db) != SQLITE_OK ||
		sqlite3_exec(f->db, "PRAGMA synchronous = FULL; PRAGMA cache_size = -4096", NULL, NULL, NULL) != SQLITE_OK) {
		fprintf(stderr, "floor: %s: %s\n", db, e.text);
		exit(1);
	}
	for (int i = 0; i < STATEMENTS; i++) {
		if (sqlite3_prepare_v2(f->db, sql[i], -1, &f->statements[i], NULL) != SQLITE_OK) {
			fprintf(stderr, "floor: %s: %s\n", sql[i], sqlite3_errmsg(f->db));
			exit(1);
		}
	}
	free(conf.meta);
	f->tail = &f->head;
	pthread_mutex_init(&f->lock, NULL);
	sync();
}

int main(int argc, char **argv)
{
	static struct floor f;
	struct mix_result total = { 0 };
	const char *dir = NULL;
	unsigned threads = 50, seconds = 10;
	size_t fixed = 0;
	int option;

	while ((option = getopt(argc, argv, "d:c:t:s:")) != -1) {
		switch (option) {
		case 'd': dir = optarg; break;
		case 'c': threads = (unsigned)atoi(optarg); break;
		case 't': seconds = (unsigned)atoi(optarg); break;
		case 's': fixed = (size_t)atol(optarg); break;
		default: dir = NULL;
		}
	}
	if (!dir || !threads || !seconds) {
		fputs("usage: floor -d DIR [-c THREADS] [-t SECONDS] [-s BYTES]\n", stderr);
		return 2;
	}
	mix_init(&f.mix, fixed);
	prepare(&f, dir);
	struct worker *workers = MEM_ARRAY(struct worker, threads);
	int64_t start_us = clock_monotonic_us();
	struct timespec cpu;

	f.end_us = start_us + (int64_t)seconds * CLOCK_SECOND;
	for (unsigned i = 0; i < threads; i++) {
		workers[i].f = &f;
		check(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0, "pthread_create");
	}
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(workers[i].thread, NULL);
		mix_merge(&total, &workers[i].result);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	mix_print(&total, (double)(clock_monotonic_us() - start_us) / 1e6);
	printf(" cpu_us=%.0f\n", ((double)cpu.tv_sec * 1e6 + (double)cpu.tv_nsec / 1e3) / (double)(total.done ? total.done : 1));
	free(workers);
	return 0;
}
