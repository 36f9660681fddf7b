/* floor: the least that archiving can cost on this machine, to measure Strongroom by.
 *
 *	floor -d DIR [-c THREADS] [-t SECONDS] [-s BYTES]
 *
 * So many threads archive the same messages as `load` sends (mix.h), as bare.h does it: no network, no parser, no hash, no
 * index, no ledger. With one thread it is a bare loop: write, fsync, commit. DIR is made and left behind. Prints one line
 * of key=value, as load does. */
#include "bare.h"
#include "mix.h"

#include <getopt.h>

struct floor {
	struct bare bare;
	struct mix mix;
	int64_t end_us;
};

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

		bare_archive(&f->bare, &message, m->recipients, m->attachments);
		mix_note(&w->result, clock_monotonic_us() - begin_us, m->length);
	}
	return NULL;
}

/* ---- the run ---- */

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
	bare_prepare(&f.bare, dir);
	struct worker *workers = MEM_ARRAY(struct worker, threads);
	int64_t start_us = clock_monotonic_us();
	struct timespec cpu;

	f.end_us = start_us + (int64_t)seconds * CLOCK_SECOND;
	for (unsigned i = 0; i < threads; i++) {
		workers[i].f = &f;
		bare_check(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0, "pthread_create");
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
