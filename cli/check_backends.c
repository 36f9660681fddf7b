#include "cache/cache.h"
#include "cli/check.h"
#include "index/index.h"
#include "mail/parser_pool.h"
#include "meta/disposed.h"
#include "meta/maintenance.h"
#include "store/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define COUNT_ATTEMPTS 5
#define CACHE_PATIENCE_US (3 * INT64_C(1000000))
#define REACHED                                                                                  \
	"runs and can be reached from here, with a certificate that is trusted here; "           \
	"strongroom-production(7) says what to do meanwhile, under \"When an engine is down\""

static void take_store_finding(void *ctx, enum store_finding kind, const char *finding, const char *remedy)
{
	static const enum check_level levels[] = {
		[STORE_HOLDS] = CHECK_OK, [STORE_LACKS] = CHECK_NOTE, [STORE_FAILS] = CHECK_PROBLEM
	};

	check_report(ctx, levels[kind], remedy, "store: %s", finding);
}

/* What helps where a backend can't be opened or used. What is wrong with a setting or an account at a server, the text of the
 * error tells with its remedy. NULL: no more. */
static const char *remedy_of(const char *backend, const struct err *e, const char *local, const char *server)
{
	if (conf_local_path(backend))
		return local;
	return e->class == ERR_PERMANENT ? NULL : server;
}

static void store_problem(struct check *c, const struct err *e, const char *local)
{
	static const char at_server[] = "see that the object store of [s3] " REACHED;

	check_report(c, CHECK_PROBLEM, remedy_of(c->conf->store, e, local, at_server), "store: %s", e->text);
}

/* NULL when it can't be opened, and when it is at a server that does not answer. Caller closes. */
static struct store *check_store(struct check *c)
{
	struct store *s = NULL;
	struct err e;

	if (store_open(&s, c->conf, &e) < 0) {
		store_problem(c, &e, "strongroom init, if it was never run");
		return NULL;
	}
	bool ready = store_ready(s, &e) == 0;

	if (ready)
		check_report(c, CHECK_OK, NULL, "store takes messages (lock: %s)", store_lock_mode(s));
	else
		store_problem(c, &e, NULL);
	if ((c->quick ? store_proved(s, &e) : store_prove(s, take_store_finding, c, &e)) < 0)
		store_problem(c, &e, NULL);
	if (ready || conf_local_path(c->conf->store))
		return s;
	store_closep(&s);
	return NULL;
}

static void take_meta_finding(void *ctx, const char *finding, const char *remedy)
{
	check_report(ctx, remedy ? CHECK_PROBLEM : CHECK_OK, remedy, "database: %s", finding);
}

struct counts {
	uint64_t messages, disposed;
	uint64_t leaving; /* of the disposed, those that the index may hold yet */
	uint64_t outbox, indexed;
};

static int count(struct counts *n, struct meta *m, struct index *i, struct err *e)
{
	int64_t oldest;

	return meta_message_count(m, &n->messages, e) < 0 || meta_disposed_count(m, &n->disposed, e) < 0 ||
		meta_index_removal_count(m, &n->leaving, e) < 0 || meta_outbox_count(m, &n->outbox, &oldest, e) < 0 ||
		index_count(i, &n->indexed, e) < 0 ? -1 : 0;
}

/* How many the index lacks; negative: has too many. One on the outbox may be in the index already: it stays there until that is
 * durable. */
static int64_t missing(const struct counts *n)
{
	uint64_t wanted = n->messages - (n->disposed < n->messages ? n->disposed : n->messages);

	if (n->indexed > wanted + n->leaving)
		return -(int64_t)(n->indexed - wanted - n->leaving);
	return n->indexed + n->outbox < wanted ? (int64_t)(wanted - n->outbox - n->indexed) : 0;
}

/* Messages come in meanwhile, so the numbers may differ for a moment: they count only if they go on differing. */
static int compare_counts(struct meta *m, struct index *i, int64_t *missing_r, struct err *e)
{
	const struct timespec moment = { .tv_nsec = 200 * 1000 * 1000 };
	struct counts n;

	for (int attempt = 0; attempt < COUNT_ATTEMPTS; attempt++) {
		if (attempt)
			nanosleep(&moment, NULL);
		if (count(&n, m, i, e) < 0)
			return -1;
		*missing_r = missing(&n);
		if (*missing_r == 0)
			break;
	}
	return 0;
}

static void check_agreement(struct check *c, struct meta *m, struct index *i)
{
	int64_t lacks;
	struct err e;

	if (compare_counts(m, i, &lacks, &e) < 0)
		check_report(c, CHECK_PROBLEM, NULL, "index: %s", e.text);
	else if (lacks > 0)
		check_report(c, CHECK_PROBLEM, "strongroom reindex",
			"index: %" PRId64 " archived messages are neither in it nor on the outbox", lacks);
	else if (lacks < 0)
		check_report(c, CHECK_PROBLEM, "strongroom reindex", "index: it holds %" PRId64 " messages more than the archive", -lacks);
	else
		check_report(c, CHECK_OK, NULL, "index and database agree");
}

static void check_index(struct check *c, struct meta *m)
{
	static const char at_server[] = "see that the cluster of [es] " REACHED;
	struct index *i CLEANUP(index_closep) = NULL;
	struct err e;

	if (index_open(&i, c->conf, INDEX_READ, &e) < 0 || index_ready(i, &e) < 0) {
		check_report(c, CHECK_PROBLEM,
			remedy_of(c->conf->index, &e, e.class == ERR_PERMANENT ? "strongroom reindex" : NULL, at_server), "index: %s",
			e.text);
		return;
	}
	if (m)
		check_agreement(c, m, i);
}

/* NULL when it can't be opened. Caller closes. */
static struct meta *check_meta(struct check *c)
{
	static const char at_server[] = "see that the database server of [mysql] " REACHED;
	struct meta *m = NULL;
	struct err e;

	if (meta_open(&m, c->conf, &e) < 0) {
		check_report(c, CHECK_PROBLEM,
			remedy_of(c->conf->meta, &e, "strongroom init, if it was never run, or after an upgrade", at_server),
			"database: %s", e.text);
		return NULL;
	}
	if (meta_ready(m, &e) < 0 || meta_check(m, take_meta_finding, c, &e) < 0)
		check_report(c, CHECK_PROBLEM, remedy_of(c->conf->meta, &e, NULL, at_server), "database: %s", e.text);
	return m;
}

static int parse_probe(const struct conf *conf, struct parsed **p_r, struct err *e)
{
	static const char text[] = "Subject: =?utf-8?Q?probe=C3=A9?=\r\n\r\nbody\r\n";
	struct parser_pool *pool CLEANUP(parser_pool_closep) = NULL;
	struct message *m CLEANUP(message_freep) = message_new(conf->spool_dir, sizeof(text));
	struct conf one = *conf; /* borrows the texts */

	one.parser_workers = 1;
	if (message_append(m, text, sizeof(text) - 1, e) < 0 || message_finish(m, e) < 0 ||
		parser_pool_open(&pool, &one, e) < 0)
		return -1;
	return parser_pool_parse(pool, m, p_r, e);
}

static void check_parser(struct check *c)
{
	struct parsed *p CLEANUP(parsed_freep) = NULL;
	_free_ char *remedy = mem_printf("make install, or set [parser] program (now %s)", c->conf->parser_program);
	struct err e;

	if (parse_probe(c->conf, &p, &e) < 0)
		check_report(c, CHECK_PROBLEM, remedy, "parser: %s", e.text);
	else if (p->flags & PARSE_FAILED || strcmp(p->subject, "probeé") != 0)
		check_report(c, CHECK_PROBLEM, remedy, "parser: it can't read a simple message");
	else
		check_report(c, CHECK_OK, NULL, "parser reads messages");
}

static void check_cache(struct check *c)
{
	static const char at_server[] = "see that the Redis of [redis] " REACHED;
	struct conf patient = *c->conf; /* a machine that is busy for a moment is no finding */
	CLEANUP(cache_closep) struct cache *cache = NULL;
	struct err e;

	if (patient.redis_timeout_us < CACHE_PATIENCE_US)
		patient.redis_timeout_us = CACHE_PATIENCE_US;
	int there = cache_open(&cache, &patient, &e) < 0 ? -1 : cache_ready(cache, &e);

	if (there < 0)
		check_report(c, CHECK_PROBLEM, remedy_of(c->conf->cache, &e, NULL, at_server),
			"cache: %s; until it is back the database does its work", e.text);
	else if (there)
		check_report(c, CHECK_OK, NULL, "cache answers");
}

void check_backends(struct check *c)
{
	struct store *s CLEANUP(store_closep) = check_store(c);
	struct meta *m CLEANUP(meta_closep) = check_meta(c);

	check_index(c, m);
	check_cache(c);
	check_parser(c);
	if (m)
		check_reconcile(c, m);
	if (m) {
		check_ledger(c, m, s);
		check_audit(c, m);
		check_provider_roles(c, m);
	}
}
