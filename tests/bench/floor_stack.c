/* floor_stack: the least that archiving can cost on these engines, to measure Strongroom by.
 *
 *	floor_stack -f CONF -a ACCESS_KEY -k SECRET_KEY -u USER -p PASSWORD -o DOCUMENTS [-c THREADS] [-t SECONDS] [-s BYTES]
 *
 * So many threads put the same messages as `load` sends (mix.h) into the bucket of CONF, signed, locked and with checksums as
 * Strongroom does it, each over its own connection; the same rows go into the same tables, in groups: whoever finds nobody
 * committing commits for all that wait; one more thread posts documents in bulk, as many as there are, while the others go on.
 * DOCUMENTS holds what Strongroom posted for such messages, one a line. No LMTP, no parser, no ledger, no look-ups. Prints one
 * line of key=value, as load does. */
#include "mix.h"

#include "base/uuid.h"
#include "conf/conf.h"
#include "meta/sql_mysql_api.h"
#include "store/sigv4.h"
#include "sys/digest.h"
#include "sys/http_client.h"
#include "sys/io.h"

#include <getopt.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#define GROUP_MAX 256
#define BULK_MAX ((size_t)8 << 20)
#define ENGINE_US (60 * CLOCK_SECOND)

struct item {
	struct item *next;
	pthread_cond_t wake;
	bool done;
	struct uuid id;
	uint8_t sha256[SHA256_SIZE];
	const struct mix_message *m;
	size_t length;
};

struct floor {
	struct conf conf;
	struct sigv4_account account;
	const char *user, *password;
	struct mix mix;
	struct http_client *http;
	MYSQL *db;
	char **documents;
	size_t documents_n;
	int64_t end_us;

	pthread_mutex_t lock;
	struct item *head, **tail;
	bool committing;
	uint64_t seq;
	struct buf pending; /* for the next bulk */
	uint64_t pending_n, posted;
	pthread_cond_t posting;
	bool over;
};

struct worker {
	struct floor *f;
	pthread_t thread;
	struct mix_result result;
};

static void check(bool ok, const char *what, const char *why)
{
	if (ok)
		return;
	fprintf(stderr, "floor_stack: %s: %s\n", what, why);
	exit(1);
}

static const char *name_of(const char *backend)
{
	return strchr(backend, ':') + 1;
}

/* ---- the object ---- */

static char *base64(const uint8_t *data, size_t n)
{
	char *text = mem_alloc(4 * ((n + 2) / 3) + 1, 1);

	EVP_EncodeBlock((unsigned char *)text, data, (int)n);
	return text;
}

static void add_header(struct strv *headers, char *line)
{
	strv_add(headers, line);
	free(line);
}

static void checksums(struct strv *headers, const struct item *i, const struct buf *message)
{
	uint8_t md5[16];
	_free_ char *sha256 = base64(i->sha256, SHA256_SIZE);

	EVP_Digest(message->data, message->len, md5, NULL, EVP_md5(), NULL);
	_free_ char *sum = base64(md5, sizeof(md5));

	add_header(headers, mem_printf("x-amz-checksum-sha256: %s", sha256));
	add_header(headers, mem_printf("Content-MD5: %s", sum));
}

static void put(struct floor *f, const struct item *i, const struct buf *message)
{
	CLEANUP(strv_deinit) struct strv headers = { 0 };
	char id[UUID_TEXT_SIZE], hex[2 * SHA256_SIZE + 1], until[32];
	time_t later = time(NULL) + 86400;
	struct tm tm;
	struct err e;

	for (size_t k = 0; k < SHA256_SIZE; k++)
		snprintf(hex + 2 * k, 3, "%02x", i->sha256[k]);
	strftime(until, sizeof(until), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&later, &tm));
	_free_ char *path = mem_printf("/%s/floor/%02x/%s.eml", name_of(f->conf.store), i->id.bytes[UUID_SIZE - 1],
		uuid_format(id, &i->id));
	_free_ char *url = mem_printf("%s%s", f->conf.s3_endpoint, path);

	add_header(&headers, mem_printf("x-amz-content-sha256: %s", hex));
	add_header(&headers, mem_strdup("x-amz-object-lock-mode: COMPLIANCE"));
	add_header(&headers, mem_printf("x-amz-object-lock-retain-until-date: %s", until));
	checksums(&headers, i, message);
	sigv4_sign(&f->account, &(struct sigv4_request){ .method = "PUT", .host = strstr(f->conf.s3_endpoint, "//") + 2, .path = path,
		.payload = hex, .now_us = clock_now_us() }, &headers);
	const struct http_request r = { .method = "PUT", .url = url, .headers = &headers, .body = message->data, .body_len = message->len };
	struct http_answer a;

	check(http_call(f->http, &r, &a, &e) == 0, "PUT", e.text);
	check(a.status == 200, "PUT", (const char *)a.body.data);
	http_answer_deinit(&a);
}

/* ---- the rows ---- */

static void add(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct buf *b, const char *format, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, format);
	int n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	check(n >= 0 && (size_t)n < sizeof(text) && buf_add(b, text, (size_t)n) == 0, "statement", "too long");
}

static void hex_id(char *to, const struct item *i)
{
	for (size_t k = 0; k < UUID_SIZE; k++)
		snprintf(to + 2 * k, 3, "%02x", i->id.bytes[k]);
}

static void query(struct floor *f, const struct buf *b)
{
	check(mysql_real_query(f->db, (const char *)b->data, b->len) == 0, "query", mysql_error(f->db));
}

/* One statement for the group: `row` adds the rows of one message, each behind a comma. */
static void insert(struct floor *f, struct item *list, const char *into, void (*row)(struct buf *, struct item *, const char *, uint64_t))
{
	CLEANUP(buf_deinit) struct buf b = BUF_INIT((size_t)32 << 20);
	char id[2 * UUID_SIZE + 1];
	uint64_t seq = f->seq;

	add(&b, "INSERT INTO %s VALUES ", into);
	size_t begin = b.len;

	for (struct item *i = list; i; i = i->next) {
		hex_id(id, i);
		row(&b, i, id, ++seq);
	}
	if (b.len == begin)
		return;
	b.len--; /* the last comma */
	query(f, &b);
}

static void key_row(struct buf *b, struct item *i, const char *id, uint64_t seq)
{
	(void)i, (void)seq;
	add(b, "(UNHEX(SHA2('%s', 256)), x'%s', 1),", id, id);
}

static void message_row(struct buf *b, struct item *i, const char *id, uint64_t seq)
{
	(void)seq;
	add(b, "(x'%s', 1, 1, 1, %zu, UNHEX(SHA2('%s', 256)), 1, 'lmtp', 'bench 0123456789abcdef', '0123456789abcdef@bench.example', 0, '', "
	       "'{\"client\":\"127.0.0.1:40000\",\"helo\":\"bench.example\",\"session\":\"0123456789abcdef\"}', 'bench', "
	       "'m/ab/2026/11/22/01234567-89ab-7def-8123-456789abcdef.eml', '01234567-89ab-7def-8123-456789abcdef', 0, %zu, 'COMPLIANCE', 1, "
	       "'lock_days=2557'),", id, i->length, id, i->length);
}

static void participant_rows(struct buf *b, struct item *i, const char *id, uint64_t seq)
{
	(void)seq;
	for (int n = 0; n < 2 + 2 * i->m->recipients; n++)
		add(b, "(x'%s', %d, 4, '', 'user123@bench.example', 'user123@bench.example'),", id, n);
}

static void mailbox_rows(struct buf *b, struct item *i, const char *id, uint64_t seq)
{
	for (int n = 0; n <= i->m->recipients; n++)
		add(b, "('user%d@bench.example', 1, x'%s'),", (int)((seq + 256 * (uint64_t)n) % 600), id);
}

static void attachment_rows(struct buf *b, struct item *i, const char *id, uint64_t seq)
{
	(void)seq;
	for (int n = 0; n < i->m->attachments; n++)
		add(b, "(x'%s', %d, 'report.pdf', 'application/pdf', 12345, UNHEX(SHA2('%s', 256))),", id, n, id);
}

static void record_row(struct buf *b, struct item *i, const char *id, uint64_t seq)
{
	(void)i;
	add(b, "(x'%s', 'bare@bench', %llu, UNHEX(SHA2('%s', 256)), UNHEX(SHA2('%s', 256)), REPEAT('x', 300)),", id, (unsigned long long)seq, id, id);
}

static void outbox_row(struct buf *b, struct item *i, const char *id, uint64_t seq)
{
	(void)i, (void)seq;
	add(b, "(x'%s', 1),", id);
}

static void statement(struct floor *f, const char *text)
{
	check(mysql_query(f->db, text) == 0, text, mysql_error(f->db));
}

static void commit(struct floor *f, struct item *list, size_t n)
{
	CLEANUP(buf_deinit) struct buf b = BUF_INIT((size_t)1 << 20);

	statement(f, "START TRANSACTION");
	insert(f, list, "capture_key (capture_key, message_id, taken_us)", key_row);
	insert(f, list, "message (id, received_us, date_us, header_date_us, size, sha256, kind, capture_point, subject, header_id, parse_flags, "
		"queue_id, evidence, bucket, object_key, version_id, object_offset, object_length, lock_mode, retain_until_us, policy_version)",
		message_row);
	insert(f, list, "participant (message_id, position, role, name, address, normal)", participant_rows);
	insert(f, list, "mailbox_message (mailbox, date_us, message_id)", mailbox_rows);
	insert(f, list, "attachment (message_id, position, name, content_type, size, sha256)", attachment_rows);
	insert(f, list, "outbox (message_id, queued_us)", outbox_row);
	insert(f, list, "ledger_record (message_id, daemon, seq, nonce, leaf, record)", record_row);
	add(&b, "INSERT INTO ledger_batch (daemon, first_seq, leaf_count, leaves, committed_us) VALUES ('bare@bench', %llu, %zu, REPEAT('x', %zu), 1)",
		(unsigned long long)f->seq + 1, n, n * SHA256_SIZE);
	query(f, &b);
	statement(f, "COMMIT");
	f->seq += n;
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

static void add_document(struct floor *f, const struct item *i)
{
	char id[UUID_TEXT_SIZE];
	const char *document = f->documents[f->seq % f->documents_n];

	if (f->pending.len + strlen(document) + 256 > BULK_MAX)
		return; /* the index rests, as Strongroom lets it */
	add(&f->pending, "{\"create\":{\"_index\":\"%s-floor\",\"_id\":\"%s\"}}\n", name_of(f->conf.index), uuid_format(id, &i->id));
	check(buf_add_str(&f->pending, document) == 0 && buf_add_str(&f->pending, "\n") == 0, "bulk", "too long");
	f->pending_n++;
	pthread_cond_signal(&f->posting);
}

static void commit_one(struct floor *f, struct item *i)
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
	add_document(f, i);
	pthread_mutex_unlock(&f->lock);
	pthread_cond_destroy(&i->wake);
}

/* ---- the bulk ---- */

static void post(struct floor *f, const struct buf *bulk)
{
	CLEANUP(strv_deinit) struct strv headers = { 0 };
	_free_ char *url = mem_printf("%s/_bulk?filter_path=errors", f->conf.es_hosts);
	const struct http_request r = { .method = "POST", .url = url, .headers = &headers, .body = bulk->data, .body_len = bulk->len };
	struct http_answer a;
	struct err e;

	strv_add(&headers, "Content-Type: application/x-ndjson");
	check(http_call(f->http, &r, &a, &e) == 0, "bulk", e.text);
	check(a.status == 200 && strstr((const char *)a.body.data, "false"), "bulk", (const char *)a.body.data);
	http_answer_deinit(&a);
}

static void *poster(void *arg)
{
	struct floor *f = arg;
	struct buf bulk = BUF_INIT(BULK_MAX + 4096);

	pthread_mutex_lock(&f->lock);
	while (!f->over) {
		if (!f->pending_n) {
			pthread_cond_wait(&f->posting, &f->lock);
			continue;
		}
		struct buf was = bulk;
		uint64_t n = f->pending_n;

		bulk = f->pending;
		f->pending = was;
		f->pending_n = 0;
		buf_reset(&f->pending);
		pthread_mutex_unlock(&f->lock);
		post(f, &bulk);
		pthread_mutex_lock(&f->lock);
		f->posted += n;
	}
	pthread_mutex_unlock(&f->lock);
	buf_deinit(&bulk);
	return NULL;
}

/* ---- the run ---- */

static void *work(void *arg)
{
	struct worker *w = arg;
	struct floor *f = w->f;
	CLEANUP(buf_deinit) struct buf message = BUF_INIT((size_t)32 << 20);
	int64_t begin_us;

	while ((begin_us = clock_monotonic_us()) < f->end_us) {
		uint64_t number;
		struct item i = { .id = uuid_new(clock_now_us()), .m = mix_next(&f->mix, &message, &number), .length = message.len };

		EVP_Digest(message.data, message.len, i.sha256, NULL, EVP_sha256(), NULL);
		put(f, &i, &message);
		commit_one(f, &i);
		mix_note(&w->result, clock_monotonic_us() - begin_us, i.length);
	}
	return NULL;
}

static void read_documents(struct floor *f, const char *path)
{
	FILE *in = fopen(path, "r");
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	check(in, path, "can't be opened");
	while ((n = getline(&line, &room, in)) > 0) {
		line[n - 1] = '\0';
		f->documents = mem_realloc(f->documents, f->documents_n + 1, sizeof(*f->documents));
		f->documents[f->documents_n++] = mem_strdup(line);
	}
	free(line);
	fclose(in);
	check(f->documents_n, path, "is empty");
}

static void connect_all(struct floor *f)
{
	const struct http_settings s = { .ca_file = f->conf.s3_ca_file, .connect_us = ENGINE_US, .timeout_us = ENGINE_US, .stall_us = ENGINE_US, .answer_max = (size_t)16 << 20 };
	_free_ char *database = mem_printf("%s_capture", name_of(f->conf.meta));

	f->http = http_client_new(&s);
	f->db = mysql_init(NULL);
	mydb_demand_tls(f->db);
	mysql_options(f->db, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	mysql_ssl_set(f->db, NULL, NULL, f->conf.mysql_tls_ca, NULL, NULL);
	check(mysql_real_connect(f->db, f->conf.mysql_host, f->user, f->password, database, (unsigned)f->conf.mysql_port, NULL, 0), "connect",
		mysql_error(f->db));
	statement(f, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
}

static void run_all(struct floor *f, unsigned threads, unsigned seconds)
{
	struct worker *workers = MEM_ARRAY(struct worker, threads);
	struct mix_result total = { 0 };
	int64_t start_us = clock_monotonic_us();
	pthread_t poster_thread;
	struct timespec cpu;

	f->end_us = start_us + (int64_t)seconds * CLOCK_SECOND;
	check(pthread_create(&poster_thread, NULL, poster, f) == 0, "pthread_create", "failed");
	for (unsigned i = 0; i < threads; i++) {
		workers[i].f = f;
		check(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0, "pthread_create", "failed");
	}
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(workers[i].thread, NULL);
		mix_merge(&total, &workers[i].result);
	}
	double took = (double)(clock_monotonic_us() - start_us) / 1e6;

	pthread_mutex_lock(&f->lock);
	f->over = true;
	pthread_cond_signal(&f->posting);
	pthread_mutex_unlock(&f->lock);
	pthread_join(poster_thread, NULL);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	mix_print(&total, took);
	printf(" cpu_us=%.0f posted=%.1f\n", ((double)cpu.tv_sec * 1e6 + (double)cpu.tv_nsec / 1e3) / (double)(total.done ? total.done : 1),
		(double)f->posted / took);
	free(workers);
}

int main(int argc, char **argv)
{
	static struct floor f = { .pending = BUF_INIT(BULK_MAX + 4096), .lock = PTHREAD_MUTEX_INITIALIZER, .posting = PTHREAD_COND_INITIALIZER };
	const char *conf = NULL, *documents = NULL;
	unsigned threads = 50, seconds = 10;
	size_t fixed = 0;
	struct err e;
	int option;

	while ((option = getopt(argc, argv, "f:a:k:u:p:o:c:t:s:")) != -1) {
		switch (option) {
		case 'f': conf = optarg; break;
		case 'a': f.account.access_key = optarg; break;
		case 'k': f.account.secret_key = optarg; break;
		case 'u': f.user = optarg; break;
		case 'p': f.password = optarg; break;
		case 'o': documents = optarg; break;
		case 'c': threads = (unsigned)atoi(optarg); break;
		case 't': seconds = (unsigned)atoi(optarg); break;
		case 's': fixed = (size_t)atol(optarg); break;
		default: conf = NULL;
		}
	}
	if (!conf || !documents || !f.account.access_key || !f.account.secret_key || !f.user || !f.password || !threads || !seconds) {
		fputs("usage: floor_stack -f CONF -a ACCESS_KEY -k SECRET_KEY -u USER -p PASSWORD -o DOCUMENTS [-c THREADS] [-t SECONDS] [-s BYTES]\n",
			stderr);
		return 2;
	}
	check(conf_load(&f.conf, conf, &e) == 0, conf, e.text);
	f.account.region = f.conf.s3_region;
	f.account.service = "s3";
	f.tail = &f.head;
	f.seq = (uint64_t)clock_now_us(); /* behind that of a run before */
	mix_init(&f.mix, fixed);
	read_documents(&f, documents);
	connect_all(&f);
	run_all(&f, threads, seconds);
	return 0;
}
