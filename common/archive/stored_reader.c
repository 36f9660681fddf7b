#include "archive/stored_reader.h"

#include "base/log.h"
#include "meta/maintenance.h"
#include "store/store_fetch.h"
#include "sys/proc.h"

#define THREADS_MAX 16

struct job {
	struct uuid id;
	struct message_row row;
	struct document *document;
	bool done;
};

/* Jobs are counted through: number n is at n % STORED_AHEAD. The lock guards all but what is in a job under way. */
struct stored_reader {
	struct archive *archive;
	pthread_mutex_t lock;
	pthread_cond_t come; /* one was asked for, or all is over */
	pthread_cond_t done; /* the oldest, or nothing more comes */
	struct job jobs[STORED_AHEAD];
	size_t taken, begun, asked;
	bool over, failed;
	struct err e; /* of the first failure */
	pthread_t threads[THREADS_MAX];
	size_t thread_count;
};

/* ---- one message ---- */

static void say_lost(const struct uuid *id, const char *why)
{
	struct log_context ctx = { 0 };
	char text[UUID_TEXT_SIZE];

	log_context_set(&ctx, "archive_id", uuid_format(text, id));
	log_error(&ctx, "the message can't be indexed: %s", why);
}

static int make_document(struct archive *a, const struct message_row *row, struct document **d_r, struct err *e)
{
	CLEANUP(message_freep) struct message *m = NULL;
	CLEANUP(parsed_freep) struct parsed *p = NULL;
	const struct store_expected expected = { &row->locator, row->size, row->sha256 };
	int got = store_fetch(a->store, &expected, a->conf->spool_dir, &m, e);

	if (got == 0)
		say_lost(&row->id, e->text);
	if (got <= 0)
		return got;
	if (parser_pool_parse(a->parsers, m, &p, e))
		return -1;
	*d_r = document_new(row, &p->references, p->text);
	p->text = mem_strdup("");
	return 0;
}

static int work_on(struct archive *a, struct job *j, struct err *e)
{
	int failed = 0;

	if (message_row_is_there(&j->row))
		failed = make_document(a, &j->row, &j->document, e);
	else
		say_lost(&j->id, "the database does not know it");
	message_row_deinit(&j->row);
	return failed;
}

/* ---- threads ---- */

/* The next that nobody works on; under the lock, which is not held meanwhile. */
static void work_on_next(struct stored_reader *r)
{
	size_t number = r->begun++;
	struct job *j = &r->jobs[number % STORED_AHEAD];
	struct err e = { 0 };

	pthread_mutex_unlock(&r->lock);
	int failed = work_on(r->archive, j, &e);

	pthread_mutex_lock(&r->lock);
	j->done = true;
	if (failed && !r->failed) {
		r->failed = true;
		r->e = e;
	}
	if (r->failed || number == r->taken)
		pthread_cond_signal(&r->done);
}

/* Many messages are nothing that anybody waits for. */
static void *work_in_background(void *arg)
{
	struct stored_reader *r = arg;

	proc_background();
	pthread_mutex_lock(&r->lock);
	while (!r->over && !r->failed) {
		if (r->begun < r->asked)
			work_on_next(r);
		else
			pthread_cond_wait(&r->come, &r->lock);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

struct stored_reader *stored_reader_new(struct archive *a, size_t n)
{
	struct stored_reader *r = MEM_NEW(struct stored_reader);
	/* With a store at a server nearly all of the time is waiting for it. */
	size_t wanted = conf_local_path(a->conf->store) ? (size_t)a->conf->parser_workers : THREADS_MAX;

	if (wanted > THREADS_MAX)
		wanted = THREADS_MAX;
	r->archive = a;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->come, NULL);
	pthread_cond_init(&r->done, NULL);
	while (n > 1 && r->thread_count < wanted && r->thread_count < n &&
		pthread_create(&r->threads[r->thread_count], NULL, work_in_background, r) == 0)
		r->thread_count++;
	return r;
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

	if (meta_messages_load(r->archive->meta, ids, n, rows, e))
		return -1;
	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < n; i++)
		r->jobs[r->asked++ % STORED_AHEAD] = (struct job){ .id = ids[i], .row = rows[i] };
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

int stored_reader_take(struct stored_reader *r, struct uuid *id_r, struct document **d_r, struct err *e)
{
	struct job *j = &r->jobs[r->taken % STORED_AHEAD];

	if (r->taken == r->asked)
		return 0;
	pthread_mutex_lock(&r->lock);
	int failed = wait_for(r, j, e);

	if (!failed) {
		*id_r = j->id;
		*d_r = j->document;
		j->document = NULL;
		r->taken++;
	}
	pthread_mutex_unlock(&r->lock);
	return failed ? -1 : 1;
}
