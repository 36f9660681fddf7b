#include "archive/stored_reader.h"

#include "archive/archive_private.h"
#include "base/clock.h"
#include "base/log.h"
#include "meta/disposed.h"
#include "meta/maintenance.h"
#include "store/store_fetch.h"
#include "sys/proc.h"

#include <sys/statvfs.h>
#include <time.h>

#define THREADS_MAX 16
#define TRIES 3 /* of a message that can't be read while others can */
#define BETWEEN_TRIES_NS 500000000

struct job {
	struct uuid id;
	struct message_row row;
	struct document *document;
	struct message *message;
	enum stored_trouble trouble;
	bool disposed;
	uint64_t bytes; /* of `ahead` that are its */
	bool done;
};

/* Jobs are counted through: number n is at n % STORED_AHEAD. The lock guards all but what is in a job under way. */
struct stored_reader {
	struct archive *archive;
	bool messages; /* themselves, and not documents made of them */
	pthread_mutex_t lock;
	pthread_cond_t come; /* one was asked for or taken, or all is over */
	pthread_cond_t done; /* the oldest, or nothing more comes */
	struct job jobs[STORED_AHEAD];
	size_t taken, begun, asked;
	uint64_t ahead; /* bytes of messages that are begun and not taken */
	bool over, failed;
	struct err e; /* of the first failure */
	pthread_t threads[THREADS_MAX];
	size_t thread_count;
};

/* ---- one message ---- */

static void say_lost(const struct uuid *id, const char *what, const char *why)
{
	struct log_context ctx = { 0 };
	char text[UUID_TEXT_SIZE];

	log_context_set(&ctx, "archive_id", uuid_format(text, id));
	log_error(&ctx, "the message can't be %s: %s", what, why);
}

static int fetch(struct archive *a, const struct message_row *row, struct message **m_r, struct err *e)
{
	const struct store_expected expected = { &row->locator, row->size, row->sha256 };

	return store_fetch(a->store, &expected, a->conf->spool_dir, m_r, e);
}

/* Disposed of since it was asked for: then that its bytes are gone is as it should be. */
static bool is_disposed(struct archive *a, const struct uuid *id)
{
	struct disposed d;
	struct err unheard;

	return meta_disposed_get(a->meta, id, &d, &unheard) > 0;
}

static int make_document(struct archive *a, struct job *j, struct document **d_r, struct err *e)
{
	const struct message_row *row = &j->row;
	CLEANUP(message_freep) struct message *m = NULL;
	CLEANUP(parsed_freep) struct parsed *p = NULL;
	int got = fetch(a, row, &m, e);

	j->disposed = got == 0 && is_disposed(a, &row->id);
	if (got == 0 && !j->disposed)
		say_lost(&row->id, "indexed", e->text);
	if (got <= 0)
		return got;
	if (parser_pool_parse(a->parsers, m, &p, e))
		return -1;
	*d_r = document_new(row, &p->references, p->text);
	p->text = mem_strdup("");
	return 0;
}

static int work_on_document(struct archive *a, struct job *j, struct err *e)
{
	int failed = 0;

	if (j->disposed)
		failed = 0;
	else if (message_row_is_there(&j->row))
		failed = make_document(a, j, &j->document, e);
	else
		say_lost(&j->id, "indexed", "the database does not know it");
	message_row_deinit(&j->row);
	return failed;
}

/* Is it this message's matter that it can't be read? Not when the store is down, or the spool full. */
static bool others_can_be_read(struct archive *a, const struct message_row *row)
{
	struct statvfs spool;
	struct err unheard;

	return store_ready(a->store, &unheard) == 0 && statvfs(a->conf->spool_dir, &spool) == 0 &&
		(uint64_t)spool.f_bavail * spool.f_frsize > row->size;
}

static int work_on_message(struct archive *a, struct job *j, struct err *e)
{
	const struct timespec pause = { .tv_nsec = BETWEEN_TRIES_NS };

	if (!message_row_is_there(&j->row)) {
		j->trouble = STORED_UNKNOWN;
		return 0;
	}
	if (j->disposed) {
		j->trouble = STORED_DISPOSED;
		return 0;
	}
	int got = fetch(a, &j->row, &j->message, e);

	for (int left = TRIES; got < 0 && --left; got = fetch(a, &j->row, &j->message, e))
		nanosleep(&pause, NULL);
	if (got > 0)
		return 0;
	if (got < 0 && !others_can_be_read(a, &j->row))
		return -1;
	j->trouble = got < 0 ? STORED_UNREADABLE : STORED_DAMAGED;
	if (is_disposed(a, &j->row.id)) {
		j->trouble = STORED_DISPOSED;
		return 0;
	}
	say_lost(&j->row.id, "exported", e->text);
	return 0;
}

/* ---- threads ---- */

/* The next that nobody works on; under the lock, which is not held meanwhile. */
static void work_on_next(struct stored_reader *r)
{
	size_t number = r->begun++;
	struct job *j = &r->jobs[number % STORED_AHEAD];
	struct err e = { 0 };

	if (r->messages && message_row_is_there(&j->row))
		j->bytes = j->row.size;
	r->ahead += j->bytes;
	pthread_mutex_unlock(&r->lock);
	int failed = r->messages ? work_on_message(r->archive, j, &e) : work_on_document(r->archive, j, &e);

	pthread_mutex_lock(&r->lock);
	j->done = true;
	if (failed && !r->failed) {
		r->failed = true;
		r->e = e;
	}
	if (r->failed || number == r->taken)
		pthread_cond_signal(&r->done);
}

/* The oldest is always begun, so that there is an end to waiting. */
static bool may_begin(const struct stored_reader *r)
{
	if (r->begun == r->asked)
		return false;
	return !r->messages || r->begun == r->taken ||
		r->ahead + r->jobs[r->begun % STORED_AHEAD].row.size <= STORED_AHEAD_BYTES;
}

/* Many messages are nothing that anybody waits for. */
static void *work_in_background(void *arg)
{
	struct stored_reader *r = arg;

	proc_background();
	pthread_mutex_lock(&r->lock);
	while (!r->over && !r->failed) {
		if (may_begin(r))
			work_on_next(r);
		else
			pthread_cond_wait(&r->come, &r->lock);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

static struct stored_reader *reader_new(struct archive *a, size_t n, bool messages)
{
	struct stored_reader *r = MEM_NEW(struct stored_reader);
	/* With a store at a server nearly all of the time is waiting for it. */
	size_t wanted = conf_local_path(a->conf->store) ? (size_t)a->conf->parser_workers : THREADS_MAX;

	if (wanted > THREADS_MAX)
		wanted = THREADS_MAX;
	r->archive = a;
	r->messages = messages;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->come, NULL);
	pthread_cond_init(&r->done, NULL);
	while (n > 1 && r->thread_count < wanted && r->thread_count < n &&
		pthread_create(&r->threads[r->thread_count], NULL, work_in_background, r) == 0)
		r->thread_count++;
	return r;
}

struct stored_reader *stored_reader_new(struct archive *a, size_t n)
{
	return reader_new(a, n, false);
}

struct stored_reader *stored_reader_new_for_messages(struct archive *a)
{
	return reader_new(a, STORED_AHEAD, true);
}

void stored_reader_freep(struct stored_reader **reader)
{
	struct stored_reader *r = *reader;

	*reader = NULL;
	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	r->over = true;
	pthread_cond_broadcast(&r->come);
	pthread_mutex_unlock(&r->lock);
	for (size_t i = 0; i < r->thread_count; i++)
		pthread_join(r->threads[i], NULL);
	for (size_t i = 0; i < STORED_AHEAD; i++) {
		message_row_deinit(&r->jobs[i].row);
		document_freep(&r->jobs[i].document);
		message_freep(&r->jobs[i].message);
	}
	pthread_cond_destroy(&r->done);
	pthread_cond_destroy(&r->come);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

/* ---- asking and taking ---- */

size_t stored_reader_room(const struct stored_reader *r)
{
	return STORED_AHEAD - (r->asked - r->taken); /* both are changed by the thread that asks */
}

int stored_reader_ask(struct stored_reader *r, const struct uuid *ids, size_t n, struct err *e)
{
	_free_ struct message_row *rows = MEM_ARRAY(struct message_row, n);

	_free_ struct disposed *disposed = MEM_ARRAY(struct disposed, n);

	if (meta_disposed_of(r->archive->meta, ids, n, disposed, e) || meta_messages_load(r->archive->meta, ids, n, rows, e))
		return -1;
	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < n; i++)
		r->jobs[r->asked++ % STORED_AHEAD] = (struct job){ .id = ids[i], .row = rows[i], .disposed = disposed[i].at_us != 0 };
	pthread_cond_broadcast(&r->come);
	pthread_mutex_unlock(&r->lock);
	return 0;
}

/* Under the lock. */
static int wait_for(struct stored_reader *r, const struct job *j, struct err *e)
{
	while (!j->done && !r->failed) {
		if (r->thread_count)
			pthread_cond_wait(&r->done, &r->lock);
		else /* no thread could be had, or needs to be */
			work_on_next(r);
	}
	if (r->failed)
		*e = r->e;
	return r->failed ? -1 : 0;
}

/* 1 with the oldest job in *j_r, 0, -1. */
static int take(struct stored_reader *r, struct job *j_r, struct err *e)
{
	struct job *j = &r->jobs[r->taken % STORED_AHEAD];

	if (r->taken == r->asked)
		return 0;
	pthread_mutex_lock(&r->lock);
	int failed = wait_for(r, j, e);

	if (!failed) {
		*j_r = *j;
		*j = (struct job){ 0 };
		r->ahead -= j_r->bytes;
		r->taken++;
		if (r->messages)
			pthread_cond_broadcast(&r->come);
	}
	pthread_mutex_unlock(&r->lock);
	return failed ? -1 : 1;
}

int stored_reader_take(struct stored_reader *r, struct uuid *id_r, struct document **d_r, struct err *e)
{
	struct job j;
	int taken = take(r, &j, e);

	if (taken > 0) {
		*id_r = j.id;
		*d_r = j.document;
		taken += j.disposed;
	}
	return taken;
}

void stored_message_deinit(struct stored_message *m)
{
	message_row_deinit(&m->row);
	message_freep(&m->message);
}

int stored_reader_take_message(struct stored_reader *r, struct stored_message *m_r, struct err *e)
{
	struct job j;
	int taken = take(r, &j, e);

	if (taken > 0)
		*m_r = (struct stored_message){ j.id, j.trouble, j.row, j.message };
	return taken;
}
