/* search: how fast the embedded index answers.
 *
 *	search DOCUMENTS FILE [QUERIES]
 *
 * Fills FILE with made-up mail unless it is there already (words by Zipf's law, lengths log-normal, 2,000 mailboxes, seven
 * years), then asks for newest-first pages of 50 with their counts and snippets, kind by kind, and, apart, what ranking by
 * bm25 would cost. Words are numbered by how common they are: the first is in nearly every message. */
#include "base/buf.h"
#include "base/clock.h"
#include "index/index.h"
#include "index/index_fts_db.h"
#include "mail/scope_grant.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#define WORDS 60000
#define MAILBOXES 2000
#define FIRST_US (INT64_C(1293840000) * CLOCK_SECOND) /* 2011 */
#define SPAN_US (INT64_C(7) * 365 * 86400 * CLOCK_SECOND)
#define BATCH 64
#define PAGE 50

static uint64_t seed = 88172645463325252u;
static double zipf[WORDS];
static char words[WORDS][24];

static uint64_t random_u64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static double random_unit(void)
{
	return (double)(random_u64() >> 11) / 9007199254740992.0;
}

static unsigned random_below(unsigned n)
{
	return (unsigned)(random_u64() % n);
}

static void die(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(1);
}

static double cpu_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* Of this thread: other work on the machine does not count. */
static int64_t spent_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * CLOCK_SECOND + t.tv_nsec / 1000;
}

/* ---- made-up mail ---- */

static void make_words(void)
{
	static const char *const syllables[] = { "ra", "ten", "ko", "mi", "sur", "le", "van", "do", "pri", "est", "an", "or",
		"be", "qui", "sto", "fa" };
	double sum = 0;

	for (unsigned i = 0; i < WORDS; i++) {
		/* two syllables for the commonest, four for the rest; the odd factors scatter neighbours */
		unsigned n = i < 256 ? i * 157 % 256 : i * 40503 % 65536;
		int len = 0;

		for (int k = i < 256 ? 2 : 4; k > 0; k--, n /= 16)
			len += snprintf(words[i] + len, sizeof(words[i]) - (size_t)len, "%s", syllables[n % 16]);
		sum += 1.0 / (i + 2.7);
		zipf[i] = sum;
	}
	for (unsigned i = 0; i < WORDS; i++)
		zipf[i] /= sum;
}

static const char *random_word(void)
{
	double x = random_unit();
	unsigned low = 0, high = WORDS - 1;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (zipf[middle] < x)
			low = middle + 1;
		else
			high = middle;
	}
	return words[low];
}

static char *random_text(unsigned count)
{
	struct buf b = BUF_INIT(1 << 20);

	for (unsigned i = 0; i < count; i++)
		if (buf_printf(&b, "%s%s", random_word(), i % 11 == 10 ? ".\n" : " "))
			break;
	return buf_take(&b);
}

/* Between the tenths of what mailboxes hold: a mean of about 400 words, some of many thousands. */
static unsigned random_length(void)
{
	static const unsigned tenths[] = { 3, 25, 50, 80, 120, 170, 240, 330, 480, 900, 4000 };
	unsigned i = random_below(ARRAY_LEN(tenths) - 1);

	return tenths[i] + random_below(tenths[i + 1] - tenths[i]);
}

static char *mailbox(unsigned n)
{
	return mem_printf("%s.%u@dept%u.example.org", words[200 + n % 997], n, n % 40);
}

/* Few people write much, many little. */
static unsigned random_mailbox(void)
{
	double x = random_unit();

	return (unsigned)(x * x * (MAILBOXES - 1));
}

struct made {
	struct index_doc doc;
	struct strv people, senders, types, ids;
	char *strings[6];
};

/* Its types of attachments, and the identifiers: its own, and every other time those of two that it answers. */
static void add_facts(struct made *m)
{
	if (m->doc.has_attachment)
		strv_add(&m->types, "application/pdf");
	strv_add(&m->ids, m->strings[5]);
	for (int k = 0; k < 2 && random_below(2); k++) {
		_free_ char *id = mem_printf("%016llx@mail.example.org", (unsigned long long)random_u64());

		strv_add(&m->ids, id);
	}
	m->doc.senders = &m->senders;
	m->doc.attachment_types = &m->types;
	m->doc.ids = &m->ids;
}

static void make_mail(struct made *m, unsigned i, unsigned total)
{
	unsigned recipients = 1 + random_below(4);
	struct buf to = BUF_INIT(1 << 16);

	*m = (struct made){ .doc.has_attachment = random_below(6) == 0 };
	m->doc.date_us = FIRST_US + (int64_t)((double)SPAN_US / total * i) / CLOCK_SECOND * CLOCK_SECOND;
	m->doc.id = uuid_new(m->doc.date_us + (int64_t)random_below(5000000));
	_free_ char *sender = mailbox(random_mailbox());

	strv_add(&m->people, sender);
	strv_add(&m->senders, sender);
	m->strings[0] = mem_printf("%s %s <%s>", random_word(), random_word(), sender);
	for (unsigned k = 0; k < recipients; k++) {
		_free_ char *address = mailbox(random_mailbox());

		strv_add_unique(&m->people, address);
		(void)!buf_printf(&to, "%s%s <%s>", k ? ", " : "", random_word(), address);
	}
	m->strings[1] = buf_take(&to);
	m->strings[2] = random_text(3 + random_below(6));
	m->strings[3] = random_text(random_length());
	m->strings[4] = m->doc.has_attachment ? mem_printf("%s_%u.pdf", random_word(), i) : mem_strdup("");
	m->strings[5] = mem_printf("%016llx.%u@mail.example.org", (unsigned long long)random_u64(), i);
	add_facts(m);
	m->doc.from = m->strings[0];
	m->doc.to = m->doc.envelope = m->strings[1];
	m->doc.cc = m->doc.bcc = "";
	m->doc.subject = m->strings[2];
	m->doc.body = m->strings[3];
	m->doc.attachment_names = m->strings[4];
	m->doc.message_id = m->strings[5];
	m->doc.size = strlen(m->doc.body) + 3000 + (m->doc.has_attachment ? (UINT64_C(1) << (13 + random_below(10))) + random_below(8192) : 0);
}

static void free_mail(struct made *m)
{
	for (size_t i = 0; i < ARRAY_LEN(m->strings); i++)
		free(m->strings[i]);
	strv_deinit(&m->people);
	strv_deinit(&m->senders);
	strv_deinit(&m->types);
	strv_deinit(&m->ids);
}

static void fill(const struct conf *conf, unsigned total)
{
	double cpu_mail = 0, cpu_index = 0;
	int64_t started = clock_monotonic_us();
	struct made *mails = MEM_ARRAY(struct made, BATCH);
	struct index_doc docs[BATCH];
	const struct index_rebuild whole = { INT64_MIN, INT64_MAX, true };
	struct uuid none;
	struct index *i;
	struct err e;

	if (index_rebuild_begin(&i, conf, &whole, &none, &e))
		die("begin", e.text);
	for (unsigned done = 0, n; done < total; done += n) {
		double t = cpu_seconds();

		for (n = 0; n < BATCH && done + n < total; n++) {
			make_mail(&mails[n], done + n, total);
			docs[n] = mails[n].doc;
			docs[n].mailboxes = &mails[n].people;
		}
		double u = cpu_seconds();

		if (index_add(i, docs, n, &e))
			die("add", e.text);
		cpu_mail += u - t;
		cpu_index += cpu_seconds() - u;
		for (unsigned k = 0; k < n; k++)
			free_mail(&mails[k]);
	}
	double u = cpu_seconds();

	if (index_rebuild_finish(&i, conf, &e))
		die("finish", e.text);
	cpu_index += cpu_seconds() - u;
	free(mails);
	printf("%u messages added in %.1f s; %.2f ms CPU each (making them up: %.2f ms)\n", total,
		(double)(clock_monotonic_us() - started) / 1e6, cpu_index * 1000 / total, cpu_mail * 1000 / total);
}

/* ---- questions ---- */

struct question {
	const char *name;
	char *(*make)(void);
	unsigned mailboxes; /* of the scope; 0: all there is */
};

static const char *common_word(void)
{
	return words[random_below(100)];
}

static const char *usual_word(void)
{
	return words[100 + random_below(5000)];
}

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
		fill(&conf, (unsigned)strtoul(argv[1], NULL, 10));
	if (stat(argv[2], &st) == 0)
		printf("index file: %.1f MiB\n", (double)st.st_size / 1048576);
	ask_all(&conf, each);
	add_singly(&conf, (unsigned)strtoul(argv[1], NULL, 10), 10 * each);
	rank(argv[2], "bm25: usual word", usual_word, each > 20 ? 20 : each);
	rank(argv[2], "bm25: common word", common_word, each > 20 ? 20 : each);
	conf_deinit(&conf);
	return 0;
}
