/* search: how fast the embedded index answers.
 *
 *	search DOCUMENTS FILE [QUERIES]
 *
 * Fills FILE with made-up mail unless it is there already (words by Zipf's law, lengths log-normal, 2,000 mailboxes, seven
 * years), then asks for newest-first pages of 50 with their counts and snippets, kind by kind, and, apart, what ranking by
 * bm25 would cost. Words are numbered by how common they are: the first is in nearly every message. */
#include "made_mail.h"

#include "index/index_fts_db.h"
#include "mail/scope_grant.h"

#include <sys/stat.h>
#include <time.h>

#define PAGE 50

/* Of this thread: other work on the machine does not count. */
static int64_t spent_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * CLOCK_SECOND + t.tv_nsec / 1000;
}

/* ---- questions ---- */

struct question {
	const char *name;
	char *(*make)(void);
	unsigned mailboxes; /* of the scope; 0: all there is */
};

static char *ask_everything(void)
{
	return mem_strdup("");
}

static char *ask_common(void)
{
	return mem_strdup(common_word());
}

static char *ask_usual(void)
{
	return mem_strdup(usual_word());
}

static char *ask_rare(void)
{
	return mem_strdup(words[10000 + random_below(WORDS - 10000)]);
}

static char *ask_two(void)
{
	return mem_printf("%s %s", usual_word(), usual_word());
}

static char *ask_three_common(void)
{
	return mem_printf("%s %s %s", common_word(), common_word(), common_word());
}

static char *ask_phrase(void)
{
	return mem_printf("\"%s %s\"", common_word(), usual_word());
}

/* One for each length: a question is a function without arguments. */
#define ASK_PREFIX(letters)                                                 \
	static char *ask_prefix_##letters(void)                             \
	{                                                                   \
		return mem_printf("%." #letters "s*", words[random_below(5000)]); \
	}
ASK_PREFIX(1)
ASK_PREFIX(2)
ASK_PREFIX(3)
ASK_PREFIX(4)
ASK_PREFIX(5)
ASK_PREFIX(6)
ASK_PREFIX(7)
ASK_PREFIX(8)

static char *ask_two_prefixes(void)
{
	return mem_printf("%.5s* %.5s*", usual_word(), usual_word());
}

static char *ask_address_prefix(void)
{
	_free_ char *address = mailbox(random_mailbox());

	return mem_printf("from:%.*s*", (int)(strchr(address, '@') - address) + 2, address);
}

static char *ask_sender(void)
{
	_free_ char *address = mailbox(random_mailbox());

	return mem_printf("from:%s", address);
}

static char *ask_sender_word(void)
{
	_free_ char *address = mailbox(random_mailbox());

	return mem_printf("from:%s %s", address, usual_word());
}

static char *ask_subject(void)
{
	return mem_printf("subject:%s", usual_word());
}

static char *ask_month(void)
{
	return mem_printf("%s date:201%u-0%u", usual_word(), 1 + random_below(6), 1 + random_below(9));
}

static char *ask_attachment(void)
{
	return mem_printf("%s has:attachment size:>100K", usual_word());
}

static char *ask_large(void)
{
	return mem_strdup("size:>5M");
}

static char *ask_not(void)
{
	return mem_printf("%s NOT %s", usual_word(), common_word());
}

static char *ask_either(void)
{
	return mem_printf("(%s OR %s OR %s) %s", usual_word(), usual_word(), usual_word(), common_word());
}

static const struct question questions[] = {
	{ "everything", ask_everything, 0 },
	{ "common word", ask_common, 0 },
	{ "usual word", ask_usual, 0 },
	{ "rare word", ask_rare, 0 },
	{ "two words", ask_two, 0 },
	{ "three common words", ask_three_common, 0 },
	{ "phrase", ask_phrase, 0 },
	{ "prefix of 1", ask_prefix_1, 0 },
	{ "prefix of 2", ask_prefix_2, 0 },
	{ "prefix of 3", ask_prefix_3, 0 },
	{ "prefix of 4", ask_prefix_4, 0 },
	{ "prefix of 5", ask_prefix_5, 0 },
	{ "prefix of 6", ask_prefix_6, 0 },
	{ "prefix of 7", ask_prefix_7, 0 },
	{ "prefix of 8", ask_prefix_8, 0 },
	{ "two prefixes of 5", ask_two_prefixes, 0 },
	{ "from:prefix of an address", ask_address_prefix, 0 },
	{ "from:address", ask_sender, 0 },
	{ "from:address word", ask_sender_word, 0 },
	{ "subject:word", ask_subject, 0 },
	{ "word, one month", ask_month, 0 },
	{ "word, attachment, size", ask_attachment, 0 },
	{ "size alone", ask_large, 0 },
	{ "word NOT common", ask_not, 0 },
	{ "(a OR b OR c) common", ask_either, 0 },
	{ "1 mailbox: everything", ask_everything, 1 },
	{ "1 mailbox: word", ask_usual, 1 },
	{ "1 mailbox: common word", ask_common, 1 },
	{ "300 mailboxes: word", ask_usual, 300 },
	{ "300 mailboxes: common", ask_common, 300 },
	{ "1500 mailboxes: word", ask_usual, 1500 },
	{ "1 mailbox: prefix of 4", ask_prefix_4, 1 },
	{ "300 mailboxes: prefix of 4", ask_prefix_4, 300 },
};

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void report(const char *name, int64_t *times, size_t n, uint64_t hits)
{
	qsort(times, n, sizeof(*times), compare);
	printf("%-26s %8.2f %8.2f %8.2f %8.2f", name, (double)times[n / 2] / 1e3, (double)times[n * 95 / 100] / 1e3,
		(double)times[n * 99 / 100] / 1e3, (double)times[n - 1] / 1e3);
	if (hits != UINT64_MAX)
		printf(" %10llu", (unsigned long long)(hits / n));
	putchar('\n');
}

static struct scope *make_scope(unsigned mailboxes)
{
	unsigned first = random_mailbox();
	struct strv list = { 0 };

	for (unsigned i = 0; i < mailboxes; i++) {
		_free_ char *address = mailbox((first + i) % MAILBOXES);

		strv_add(&list, address);
	}
	struct scope *scope = scope_grant(!mailboxes, &list, INT64_MIN, INT64_MAX);

	strv_deinit(&list);
	return scope;
}

/* One document a commit, as when mail comes in slowly; what nobody waits for is apart. */
static void add_singly(const struct conf *conf, unsigned total, size_t n)
{
	int64_t *times = MEM_ARRAY(int64_t, n), sum = 0, upkeep = 0;
	struct index *i;
	struct err e;

	if (index_open(&i, conf, INDEX_WRITE, &e))
		die("open", e.text);
	for (size_t k = 0; k < n; k++) {
		struct made m;

		make_mail(&m, total, total);
		m.doc.mailboxes = &m.people;
		int64_t started = spent_us();

		if (index_add(i, &m.doc, 1, &e))
			die("add", e.text);
		sum += times[k] = spent_us() - started;
		started = spent_us();
		if (k % 6 == 5 && index_sync(i, &e))
			die("sync", e.text);
		upkeep += spent_us() - started;
		free_mail(&m);
	}
	index_closep(&i);
	printf("%-26s %8.2f ms of CPU each, and %.2f ms later\n", "added one by one", (double)sum / 1e3 / (double)n,
		(double)upkeep / 1e3 / (double)n);
	report("one of them", times, n, UINT64_MAX);
	free(times);
}

static int64_t ask(struct index *i, const char *text, unsigned mailboxes, uint64_t *hits)
{
	CLEANUP(scope_freep) struct scope *scope = make_scope(mailboxes);
	CLEANUP(query_freep) struct query *q = NULL;
	struct query_error error;
	struct index_page page;
	struct err e;
	int64_t started = spent_us();

	if (query_parse(&q, text, &error))
		die(text, error.text);
	struct index_request r = { .query = q, .limit = PAGE, .count_us = INDEX_COUNT_US };

	if (index_search(i, scope, &r, &page, &e))
		die(text, e.text);
	int64_t took = spent_us() - started;

	*hits += page.total;
	index_page_deinit(&page);
	return took;
}

static void ask_all(const struct conf *conf, size_t each)
{
	int64_t *all = MEM_ARRAY(int64_t, each * ARRAY_LEN(questions));
	size_t asked = 0;
	struct index *i;
	struct err e;

	if (index_open(&i, conf, INDEX_READ, &e))
		die("open", e.text);
	printf("%-26s %8s %8s %8s %8s %10s\n", "newest 50, ms of CPU", "p50", "p95", "p99", "max", "hits");
	for (size_t k = 0; k < ARRAY_LEN(questions); k++) {
		int64_t *times = MEM_ARRAY(int64_t, each);
		uint64_t hits = 0;

		for (size_t n = 0; n < each; n++) {
			_free_ char *text = questions[k].make();

			all[asked++] = times[n] = ask(i, text, questions[k].mailboxes, &hits);
		}
		report(questions[k].name, times, each, hits);
		free(times);
	}
	report("all of them", all, asked, UINT64_MAX);
	free(all);
	index_closep(&i);
}

/* Not what Strongroom does: for comparison. */
static void rank(const char *file, const char *name, const char *(*word)(void), size_t each)
{
	int64_t *times = MEM_ARRAY(int64_t, each);
	struct fts_db *db;
	sqlite3_stmt *s;
	struct err e;

	if (fts_db_open(&db, file, FTS_READ, &e))
		die("open", e.text);
	if (sqlite3_prepare_v2(db->sql, "SELECT rowid FROM words WHERE words MATCH ?1 ORDER BY rank LIMIT 50", -1, &s, NULL))
		die("rank", sqlite3_errmsg(db->sql));
	for (size_t n = 0; n < each; n++) {
		int64_t started = spent_us();

		sqlite3_bind_text(s, 1, word(), -1, SQLITE_TRANSIENT);
		while (sqlite3_step(s) == SQLITE_ROW)
			;
		sqlite3_reset(s);
		times[n] = spent_us() - started;
	}
	sqlite3_finalize(s);
	fts_db_closep(&db);
	report(name, times, each, UINT64_MAX);
	free(times);
}

int main(int argc, char **argv)
{
	size_t each = argc > 3 ? strtoul(argv[3], NULL, 10) : 100;
	struct conf conf;
	struct stat st;
	struct err e;

	if (argc < 3 || strtoul(argv[1], NULL, 10) < 1 || each < 1)
		die("search", "usage: search DOCUMENTS FILE [QUERIES]");
	if (conf_load_defaults(&conf, &e))
		die("conf", e.text);
	free(conf.index);
	conf.index = mem_printf("fts:%s", argv[2]);
	make_words();
	if (stat(argv[2], &st))
		fill(&conf, (unsigned)strtoul(argv[1], NULL, 10), NULL, NULL);
	if (stat(argv[2], &st) == 0)
		printf("index file: %.1f MiB\n", (double)st.st_size / 1048576);
	ask_all(&conf, each);
	add_singly(&conf, (unsigned)strtoul(argv[1], NULL, 10), 10 * each);
	rank(argv[2], "bm25: usual word", usual_word, each > 20 ? 20 : each);
	rank(argv[2], "bm25: common word", common_word, each > 20 ? 20 : each);
	conf_deinit(&conf);
	return 0;
}
