#include "base/clock.h"
#include "cli/cli.h"
#include "cli/status_account.h"
#include "index/index.h"
#include "meta/audit_forward.h"
#include "meta/disposed.h"
#include "meta/maintenance.h"
#include "store/store.h"
#include "sys/json.h"

#include <inttypes.h>
#include <stdio.h>

/* How much of the audit waits to be sent to one place. */
struct forward {
	const char *target; /* "file", "syslog"; NULL: none is set */
	uint64_t waiting;
	int64_t oldest_us;
};

/* What can't be counted is not known, which is not the same as none. */
struct state {
	bool counted;	   /* messages and outbox are known */
	bool indexed_known;
	uint64_t messages, disposed, outbox, indexed; /* disposed: of the messages */
	int64_t oldest_us; /* of the outbox */
	int replica;	   /* 1: it is lag_s behind; 0: there is none; -1: replica_error */
	int64_t lag_s;
	struct err replica_error;
	struct forward forwards[2];
	const char *store, *meta, *index; /* what is wrong; NULL: ready */
	struct status_account account;
};

static int look_at_store(const struct conf *conf, struct err *e)
{
	struct store *store CLEANUP(store_closep) = NULL;

	return store_open(&store, conf, e) < 0 ? -1 : store_ready(store, e);
}

static int look_at_forwards(const struct conf *conf, struct meta *m, struct state *s, struct err *e)
{
	s->forwards[0].target = *conf->workerd_audit_file ? "file" : NULL;
	s->forwards[1].target = *conf->workerd_audit_syslog ? "syslog" : NULL;
	for (size_t i = 0; i < ARRAY_LEN(s->forwards); i++) {
		struct forward *f = &s->forwards[i];

		if (f->target && meta_audit_waiting(m, f->target, &f->waiting, &f->oldest_us, e) < 0)
			return -1;
	}
	return 0;
}

static int look_at_meta(const struct conf *conf, struct state *s, struct err *e)
{
	struct meta *m CLEANUP(meta_closep) = NULL;

	if (meta_open(&m, conf, e) < 0 || meta_message_count(m, &s->messages, e) < 0 ||
		meta_disposed_count(m, &s->disposed, e) < 0 ||
		meta_outbox_count(m, &s->outbox, &s->oldest_us, e) < 0 || look_at_forwards(conf, m, s, e) < 0)
		return -1;
	s->counted = true;
	s->replica = meta_replica_lag(m, &s->lag_s, &s->replica_error);
	return status_account_load(&s->account, m, e) < 0 ? -1 : meta_ready(m, e);
}

static int look_at_index(const struct conf *conf, struct state *s, struct err *e)
{
	struct index *i CLEANUP(index_closep) = NULL;

	if (index_open(&i, conf, INDEX_READ, e) < 0 || index_count(i, &s->indexed, e) < 0)
		return -1;
	s->indexed_known = true;
	return index_ready(i, e);
}

static void print_count(const char *name, bool known, uint64_t n)
{
	if (known)
		printf("%-10s%" PRIu64 "\n", name, n);
	else
		printf("%-10snot known\n", name);
}

static void print_forwards(const struct state *s)
{
	char oldest[CLOCK_TEXT_SIZE];

	for (size_t i = 0; s->counted && i < ARRAY_LEN(s->forwards); i++) {
		const struct forward *f = &s->forwards[i];

		if (f->target && f->waiting)
			printf("audit     %" PRIu64 " records wait to be sent to the %s, oldest %s\n", f->waiting, f->target,
				clock_format(oldest, f->oldest_us));
		else if (f->target)
			printf("audit     all sent to the %s\n", f->target);
	}
}

static void print_text(const struct state *s)
{
	char oldest[CLOCK_TEXT_SIZE];

	printf("store     %s\n", s->store ? s->store : "ready");
	printf("database  %s\n", s->meta ? s->meta : "ready");
	if (s->replica > 0)
		printf("replica   %" PRId64 " s behind\n", s->lag_s);
	else if (s->replica < 0)
		printf("replica   %s\n", s->replica_error.text);
	printf("index     %s\n", s->index ? s->index : "ready");
	print_count("messages", s->counted, s->messages);
	if (s->counted && s->disposed)
		print_count("disposed", true, s->disposed);
	print_count("indexed", s->indexed_known, s->indexed);
	if (s->counted && s->outbox)
		printf("outbox    %" PRIu64 ", oldest %s\n", s->outbox, clock_format(oldest, s->oldest_us));
	else
		print_count("outbox", s->counted, s->outbox);
	print_forwards(s);
	status_account_print(&s->account);
}

static void add_count(cJSON *j, const char *name, bool known, uint64_t n)
{
	if (known)
		json_add_u64(j, name, n);
	else
		json_add_item(j, name, cJSON_CreateNull());
}

static void add_part(cJSON *j, const char *name, const char *wrong)
{
	cJSON *part = cJSON_CreateObject();

	json_add_bool(part, "ready", !wrong);
	json_add_str(part, "error", wrong);
	json_add_item(j, name, part);
}

static void add_forwards(cJSON *j, const struct state *s)
{
	cJSON *all = cJSON_CreateObject();
	char oldest[CLOCK_TEXT_SIZE];

	json_add_item(j, "audit_forward", all);
	for (size_t i = 0; s->counted && i < ARRAY_LEN(s->forwards); i++) {
		const struct forward *f = &s->forwards[i];
		cJSON *one = f->target ? cJSON_CreateObject() : NULL;

		if (!one)
			continue;
		json_add_u64(one, "waiting", f->waiting);
		json_add_str(one, "oldest", f->waiting ? clock_format(oldest, f->oldest_us) : NULL);
		json_add_item(all, f->target, one);
	}
}

static void print_json(const struct state *s)
{
	cJSON *j _json_ = cJSON_CreateObject();
	char oldest[CLOCK_TEXT_SIZE];

	add_part(j, "store", s->store);
	add_part(j, "database", s->meta);
	if (s->replica > 0)
		json_add_u64(j, "replica_lag_seconds", (uint64_t)s->lag_s);
	else if (s->replica < 0)
		json_add_str(j, "replica_error", s->replica_error.text);
	add_part(j, "index", s->index);
	add_count(j, "messages", s->counted, s->messages);
	add_count(j, "disposed", s->counted, s->disposed);
	add_count(j, "indexed", s->indexed_known, s->indexed);
	add_count(j, "outbox", s->counted, s->outbox);
	json_add_str(j, "outbox_oldest", s->outbox ? clock_format(oldest, s->oldest_us) : NULL);
	add_forwards(j, s);
	status_account_add(&s->account, j);
	_free_ char *text = json_print(j);

	puts(text);
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "json", no_argument, NULL, 'j' }, { 0 } };
	struct conf conf CLEANUP(conf_deinit) = { 0 };
	struct err store, meta, index;
	struct state s = { 0 };
	bool json = false;

	while (cli_getopt(cli, &status_command, argc, argv, "", options) != -1)
		json = true;
	if (optind < argc)
		return cli_usage(&status_command, "takes no argument");
	int status = cli_prepare(cli, &conf);

	if (status != CLI_OK)
		return status;
	s.store = look_at_store(&conf, &store) < 0 ? store.text : NULL;
	s.meta = look_at_meta(&conf, &s, &meta) < 0 ? meta.text : NULL;
	s.index = look_at_index(&conf, &s, &index) < 0 ? index.text : NULL;
	if (json)
		print_json(&s);
	else
		print_text(&s);
	return s.store || s.meta || s.index || status_account_is_wrong(&s.account) ? CLI_ATTENTION : CLI_OK;
}

const struct command status_command = {
	.name = "status",
	.arguments = "[--json]",
	.summary = "Tell how much is archived, and whether all of it is searchable",
	.help = "Store, database and index with what is wrong with them, the number of messages archived and indexed, and\n"
		"how many wait on the outbox to be indexed. What can't be counted is \"not known\" (with --json: null). Then the\n"
		"account of the last days (UTC) as strongroom-workerd keeps it: how many messages were captured, recorded in the\n"
		"database, found in the store and in the index, with what differs; and what it found wrong. The exit status is 1\n"
		"when a part is not ready or something was found wrong.\n\n"
		"  --json   as one JSON object\n",
	.run = run,
};
