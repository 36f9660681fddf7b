/* search_load: investigators search through strongroom-queryd, and then the bare engine.
 *
 *	search_load [-e ENGINE_PID] [-o PID,...] [-f FACETS] CONF PORT PID INVESTIGATORS SECONDS ROUNDS
 *
 * INVESTIGATORS has a line for each: an access token, a blank, the mailboxes of the scope with blanks between. Each has a
 * thread, which asks the next question as soon as the last is answered: for SECONDS over a connection of its own to queryd at
 * PORT of this machine, which is the process PID, and for SECONDS the bare engine; in turns, ROUNDS times, and once more before
 * that does not count. The questions are the same.
 *
 * The bare engine is what the index of CONF says: SQLite in this process on the index's file (search_bare_fts.h), or a server of
 * this machine, the process ENGINE_PID, over a connection of each thread's own (search_bare_es.h). Nothing that it finds is
 * shown, checked or put on record. -o: the processes of the database and the cache, which queryd has do work for it.
 * FACETS: what is asked for besides, as JSON; of SQLite always ["sender","month","attachment_type"]. */
#include "search_bare_es.h"
#include "search_bare_fts.h"

#include "mail/scope_grant.h"

#include <stdatomic.h>
#include <sys/resource.h>

#define PAGES_ON 6 /* every so many pages that have a next one it is asked for */

static const char *const side_names[SIDES] = { "bare engine", "queryd" };

enum process { OF_CLIENT, OF_QUERYD, OF_ENGINE, OF_OTHERS, PROCESSES };

static struct conf conf;
static SSL_CTX *tls_context;
static unsigned port;
static const char *facets;
static const char *pids[PROCESSES]; /* with commas between; NULL: none, or this one */
static bool is_server;		    /* the engine */
static _Atomic bool over;

static double now(void)
{
	return (double)clock_monotonic_us() / 1e6;
}

static double own_cpu(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static double cpu_of_one(const char *pid)
{
	_free_ char *path = mem_printf("/proc/%s/stat", pid);
	unsigned long user = 0, kernel = 0;
	FILE *f = fopen(path, "r");

	if (!f || fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel) != 2)
		die(path, "no such process");
	fclose(f);
	return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

static double cpu_of(enum process p)
{
	struct strv list CLEANUP(strv_deinit) = { 0 };
	double sum = 0;

	if (p == OF_CLIENT)
		return own_cpu();
	strv_split(&list, pids[p] ? pids[p] : "", ",");
	for (size_t i = 0; i < list.n; i++)
		sum += cpu_of_one(list.items[i]);
	return sum;
}

/* ---- queryd ---- */

static const char *send_question(struct investigator *v, const char *text, const char *cursor)
{
	CLEANUP(buf_deinit) struct buf escaped = BUF_INIT(4096);
	_free_ char *headers = mem_printf("Authorization: Bearer %s\r\n", v->token);
	bool failed = false;

	for (; *text; text++)
		failed |= (*text == '"' && buf_add_char(&escaped, '\\')) || buf_add_char(&escaped, *text);
	_free_ char *body = mem_printf("{\"query\":\"%s\",\"limit\":%d%s%s%s%s%s}", escaped.len ? escaped.data : "", PAGE,
		cursor ? ",\"cursor\":\"" : "", cursor ? cursor : "", cursor ? "\"" : "", facets ? ",\"facets\":" : "",
		facets ? facets : "");

	if (failed)
		die("send", "the question is too long");
	return wire_post(&v->queryd, "/api/v1/search/emails/", headers, body, strlen(body));
}

static void ask_queryd(struct investigator *v, const char *text, struct outcome *o)
{
	static const char total[] = "\"total\":", next[] = "\"next_cursor\":\"";
	const char *body = send_question(v, text, o->cursor), *at = strstr(body, total), *cursor = strstr(body, next);

	if (!at)
		die("queryd", body);
	o->counted = strtoull(at + sizeof(total) - 1, NULL, 10);
	for (at = body; (at = strstr(at, "\"people_omitted\"")); at++)
		o->hits++;
	free(o->cursor);
	o->cursor = cursor ? mem_dup(cursor + sizeof(next) - 1, strcspn(cursor + sizeof(next) - 1, "\"")) : NULL;
	o->more = cursor != NULL;
}

/* ---- a round ---- */

static void note(struct times *t, int64_t us)
{
	if (t->n == t->room) {
		t->room = t->room ? 2 * t->room : 1024;
		t->us = mem_realloc(t->us, t->room, sizeof(*t->us));
	}
	t->us[t->n++] = us;
}

/* One question, and the pages behind its first that are asked for. */
static void ask(struct investigator *v)
{
	_free_ char *text = make_question(v);
	struct outcome o = { 0 };

	do {
		int64_t began = clock_monotonic_us();

		o.hits = o.counted = 0;
		if (v->side == QUERYD)
			ask_queryd(v, text, &o);
		else if (is_server)
			ask_bare_es(v, text, facets, &o);
		else
			ask_bare_fts(v, text, facets != NULL, &o);
		note(&v->times[v->side], clock_monotonic_us() - began);
		v->hits[v->side] += o.hits;
		v->counted[v->side] += o.counted;
	} while (o.more && random_below(PAGES_ON) == 0 && !atomic_load(&over));
	free(o.cursor);
}

static void *investigate(void *arg)
{
	struct investigator *v = arg;

	seed = UINT64_C(88172645463325252) * (2 * v->number + 1) + v->round;
	random_u64();
	while (!atomic_load(&over))
		ask(v);
	return NULL;
}

struct sum {
	double seconds, cpu[PROCESSES];
};

/* For a round: while the bare engine has its turn nobody says anything, which queryd does not wait for long. */
static void connect_all(struct investigator *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		wire_connect(&list[i].queryd, port, tls_context);
}

static void close_all(struct investigator *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		wire_close(&list[i].queryd);
}

static void run(struct investigator *list, size_t n, enum side side, unsigned round, unsigned seconds, struct sum *sum)
{
	double began, before[PROCESSES];

	if (side == QUERYD)
		connect_all(list, n);
	began = now();
	for (enum process p = OF_CLIENT; p < PROCESSES; p++)
		before[p] = cpu_of(p);
	atomic_store(&over, false);
	for (size_t i = 0; i < n; i++) {
		list[i].side = side;
		list[i].round = round;
		if (pthread_create(&list[i].thread, NULL, investigate, &list[i]))
			die("pthread_create", strerror(errno));
	}
	sleep(seconds);
	atomic_store(&over, true);
	for (size_t i = 0; i < n; i++)
		pthread_join(list[i].thread, NULL);
	sum->seconds += now() - began;
	for (enum process p = OF_CLIENT; p < PROCESSES; p++)
		sum->cpu[p] += cpu_of(p) - before[p];
	if (side == QUERYD)
		close_all(list, n);
}

/* SQLite runs in this process: while it is asked for itself, this is the engine. */
static enum process process_of(enum side side, enum process p)
{
	if (side == BARE && !is_server && (p == OF_CLIENT || p == OF_ENGINE))
		return p == OF_CLIENT ? OF_ENGINE : OF_CLIENT;
	return p;
}

/* ---- figures ---- */

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

struct figures {
	double rate, cpu_us, p50, p95, p99; /* cpu_us: of all but the client */
};

static void print_heads(void)
{
	printf("%-12s %8s %9s %9s %9s %9s %9s %8s %8s %8s %7s %8s\n", "", "searches", "a second", "queryd us", "engine us", "others us",
		"client us", "p50 ms", "p95", "p99", "hits", "counted");
}

static void print(enum side side, size_t searches, const struct figures *f, const double us[PROCESSES], double hits, double counted)
{
	printf("%-12s %8zu %9.1f %9.0f %9.0f %9.0f %9.0f %8.1f %8.1f %8.1f %7.1f %8.0f\n", side_names[side], searches, f->rate, us[OF_QUERYD],
		us[OF_ENGINE], us[OF_OTHERS], us[OF_CLIENT], f->p50, f->p95, f->p99, hits, counted);
}

static struct figures tell(const struct investigator *list, size_t n, enum side side, const struct sum *sum)
{
	struct times all = { 0 };
	double hits = 0, counted = 0, us[PROCESSES];

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < list[i].times[side].n; k++)
			note(&all, list[i].times[side].us[k]);
		hits += (double)list[i].hits[side];
		counted += (double)list[i].counted[side];
	}
	if (!all.n)
		die(side_names[side], "no question was answered");
	qsort(all.us, all.n, sizeof(*all.us), compare);
	double count = (double)all.n;
	struct figures f = { .rate = count / sum->seconds, .p50 = (double)all.us[all.n / 2] / 1e3,
		.p95 = (double)all.us[all.n * 95 / 100] / 1e3, .p99 = (double)all.us[all.n * 99 / 100] / 1e3 };

	for (enum process p = OF_CLIENT; p < PROCESSES; p++)
		us[process_of(side, p)] = sum->cpu[p] * 1e6 / count;
	f.cpu_us = us[OF_QUERYD] + us[OF_ENGINE] + us[OF_OTHERS];
	print(side, all.n, &f, us, hits / count, counted / count);
	free(all.us);
	return f;
}

/* What it took while nothing was in memory yet. */
static void forget(struct investigator *list, size_t n, struct sum sums[SIDES])
{
	memset(sums, 0, SIDES * sizeof(*sums));
	for (size_t i = 0; i < n; i++)
		for (enum side side = BARE; side < SIDES; side++)
			list[i].hits[side] = list[i].counted[side] = list[i].times[side].n = 0;
}

/* ---- preparation ---- */

static void read_investigator(struct investigator *v, char *line, size_t number)
{
	char *left = NULL, *word = strtok_r(line, " \n", &left);

	*v = (struct investigator){ .number = number, .token = mem_strdup(word ? word : "") };
	while ((word = strtok_r(NULL, " \n", &left)))
		strv_add(&v->mailboxes, word);
	if (!v->mailboxes.n)
		die("investigators", "one has no mailboxes");
	strv_sort(&v->mailboxes);
	v->scope = scope_grant(false, &v->mailboxes, INT64_MIN, INT64_MAX);
}

static struct investigator *read_investigators(const char *path, size_t *n_r)
{
	struct investigator *list = NULL;
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t room = 0;

	if (!f)
		die(path, strerror(errno));
	for (*n_r = 0; getline(&line, &room, f) > 0; ++*n_r) {
		list = mem_realloc(list, *n_r + 1, sizeof(*list));
		read_investigator(&list[*n_r], line, *n_r);
	}
	free(line);
	fclose(f);
	return list;
}

static void prepare(struct investigator *list, size_t n)
{
	const char *where = strchr(conf.index, ':') + 1;

	tls_context = SSL_CTX_new(TLS_client_method()); /* whom it speaks to is known: the certificate costs the server the same */
	bare_path = mem_printf("/%s/_search?allow_partial_search_results=false", where);
	for (size_t i = 0; i < n; i++) {
		if (is_server)
			open_bare_es(&list[i], conf.es_hosts);
		else
			open_bare_fts(&list[i], where);
	}
}

static void measure(struct investigator *list, size_t n, unsigned seconds, unsigned rounds)
{
	struct sum sums[SIDES] = { 0 };

	for (unsigned round = 0; round <= rounds; round++) {
		for (enum side side = BARE; side < SIDES; side++)
			run(list, n, side, round, seconds, &sums[side]);
		if (round == 0)
			forget(list, n, sums);
	}
	print_heads();
	struct figures bare = tell(list, n, BARE, &sums[BARE]), ours = tell(list, n, QUERYD, &sums[QUERYD]);

	printf("throughput=%.2f cpu=%.2f p50=%.2f p95=%.2f p99=%.2f\n", ours.rate / bare.rate, bare.cpu_us / ours.cpu_us,
		bare.p50 / ours.p50, bare.p95 / ours.p95, bare.p99 / ours.p99);
}

/* The place of the first argument that is no option. */
static int read_options(int argc, char **argv)
{
	for (int o; (o = getopt(argc, argv, "e:o:f:")) != -1;)
		switch (o) {
		case 'e':
			pids[OF_ENGINE] = optarg;
			break;
		case 'o':
			pids[OF_OTHERS] = optarg;
			break;
		case 'f':
			facets = optarg;
			break;
		default:
			exit(1);
		}
	if (argc - optind != 6)
		die("search_load", "usage: search_load [-e PID] [-o PID,...] [-f FACETS] CONF PORT PID INVESTIGATORS SECONDS ROUNDS");
	return optind;
}

int main(int argc, char **argv)
{
	struct err e;
	size_t n;

	argv += read_options(argc, argv);
	if (conf_load(&conf, argv[0], &e))
		die("conf", e.text);
	is_server = strncmp(conf.index, "es:", 3) == 0;
	port = (unsigned)strtoul(argv[1], NULL, 10);
	pids[OF_QUERYD] = argv[2];
	make_words();
	struct investigator *list = read_investigators(argv[3], &n);

	prepare(list, n);
	measure(list, n, (unsigned)strtoul(argv[4], NULL, 10), (unsigned)strtoul(argv[5], NULL, 10));
	return 0;
}
