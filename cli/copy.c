/* copy: takes over a whole archive into another configuration. The order: the audit intent at the source, messages, the
 * rest, the outcome at both. */
#include "cli/copy.h"

#include "archive/lockfile.h"
#include "base/clock.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/operator.h"
#include "meta/copy.h"
#include "meta/maintenance.h"
#include "sys/io.h"
#include "sys/json.h"
#include "sys/secret.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define THREADS 16
#define THREADS_MAX 256

/* ---- users' secrets are sealed by each installation's own key ---- */

struct keys {
	struct secret_key *from, *to;
};

static void keys_deinit(struct keys *k)
{
	secret_key_freep(&k->from);
	secret_key_freep(&k->to);
}

/* A secret that the target's key opens stays as it is: one key for both, or sealed anew before. So does none: of a program's
 * account, and where the second factor was taken away. */
static int reseal(void *ctx, const void *sealed, size_t n, uint8_t **sealed_r, size_t *n_r, struct err *e)
{
	struct keys *k = ctx;
	_free_ uint8_t *plain = mem_alloc(n + 1, 1);
	size_t length;

	if (!n || secret_open(k->to, sealed, n, plain, &length, e) == 0) {
		*sealed_r = mem_dup(sealed, n);
		*n_r = n;
	} else {
		if (secret_open(k->from, sealed, n, plain, &length, e))
			return -1;
		secret_seal(k->to, plain, length, sealed_r, n_r);
	}
	explicit_bzero(plain, n);
	return 0;
}

static int copy_rest(struct copy *c, struct meta_copied *done_r, struct err *e)
{
	struct keys keys CLEANUP(keys_deinit) = { 0 };

	if (secret_key_load(&keys.from, c->from.conf.key_dir, e) || secret_key_load(&keys.to, c->to.conf.key_dir, e))
		return -1;
	if (meta_copy_rest(c->from.meta, c->to.meta, reseal, &keys, done_r, e) || copy_removals(c, e))
		return -1;
	c->rest_copied = true;
	return 0;
}

/* ---- the account ---- */

static int print_account(struct copy *c, const struct meta_copied *rest, struct err *e)
{
	uint64_t now, there;

	if (meta_message_rows(c->from.meta, &now, e) || meta_message_rows(c->to.meta, &there, e))
		return -1;
	printf("messages of the source     %" PRIu64 "\n", now);
	printf("there before               %" PRIu64 "\n", c->before);
	printf("copied                     %" PRIu64 " (%" PRIu64 " bytes, each object read back from its new place)\n",
		c->copied, c->bytes);
	printf("  with a new place         %" PRIu64 "\n", c->moved);
	printf("  without their object     %" PRIu64 "\n", c->lost);
	printf("  disposed of              %" PRIu64 "\n", c->disposed);
	printf("messages of the target     %" PRIu64 "\n", there);
	printf("repeated attempts copied   %" PRIu64 "\n", rest->attempts);
	printf("users                      %" PRIu64 "\n", rest->users);
	printf("audit entries copied       %" PRIu64 "\n", rest->audit);
	if (progress_stopped())
		puts("stopped early: run it again to go on");
	else if (there < now)
		printf("%" PRIu64 " messages came meanwhile: run it again\n", now - there);
	else
		puts("the target has all that the source has");
	return there < now || progress_stopped() ? 1 : 0;
}

/* ---- the work ---- */

static int work(struct copy *c, struct err *e)
{
	struct meta_copied rest = { 0 };

	if (copy_messages(c, e)) {
		progress_end(&c->line);
		puts("stopped early: run it again to go on");
		return -1;
	}
	progress_end(&c->line);
	if (!progress_stopped() && copy_rest(c, &rest, e))
		return -1;
	return print_account(c, &rest, e);
}

static int record_intent(struct copy *c, struct uuid *id_r, struct err *e)
{
	_json_ cJSON *detail = cJSON_CreateObject();

	json_add_str(detail, "to_store", c->to.conf.store);
	json_add_str(detail, "to_meta", c->to.conf.meta);
	return operator_intent(c->from.meta, "archive.copy", detail, id_r, e);
}

/* At the source and, once the intent was taken over, from there at the target. */
static int record_outcome(struct copy *c, const struct uuid *id, int rc, struct err *e)
{
	const struct audit_outcome o = {
		.at_us = clock_now_us(),
		.result = rc < 0 ? "failed" : "allowed",
		.count = c->copied,
	};

	if (meta_audit_outcome(c->from.meta, id, &o, e))
		return -1;
	uint64_t added = 0;

	return c->rest_copied ? meta_copy_audit(c->from.meta, c->to.meta, &added, e) : 0;
}

static int copy(struct copy *c)
{
	struct uuid intent;
	struct err e, late;

	if (meta_copy_allowed(c->from.meta, c->to.meta, &e) || record_intent(c, &intent, &e))
		return cli_failed(&e);
	int rc = work(c, &e);

	if (record_outcome(c, &intent, rc, &late) < 0 && rc >= 0) {
		e = late;
		rc = -1;
	}
	if (rc < 0)
		return cli_failed(&e);
	return rc || c->lost ? CLI_ATTENTION : CLI_OK;
}

/* ---- the two sides ---- */

static void side_deinit(struct copy_side *s)
{
	store_closep(&s->store);
	meta_closep(&s->meta);
	conf_deinit(&s->conf);
}

static void copy_deinit(struct copy *c)
{
	side_deinit(&c->from);
	side_deinit(&c->to);
}

static int open_side(struct copy_side *s, const char *which, struct err *e)
{
	if (meta_open(&s->meta, &s->conf, e) || store_open(&s->store, &s->conf, e))
		return err_prefix(e, "%s", which);
	return 0;
}

static int open_sides(struct copy *c, int *lock_r, struct err *e)
{
	if (strcmp(c->from.conf.meta, c->to.conf.meta) == 0)
		return err_permanent(e, "copy refused: both configurations name the database %s", c->to.conf.meta);
	if (open_side(&c->from, "source", e) || open_side(&c->to, "target", e))
		return -1;
	if (store_proved(c->to.store, e))
		return err_prefix(e, "target");
	int taken = lockfile_take(c->to.conf.run_dir, "copy", lock_r, e);

	return taken == 0 ? err_temporary(e, "copy refused: another one into this target is under way") : taken < 0 ? -1 : 0;
}

static int read_arguments(struct cli *cli, int argc, char **argv, struct copy *c, const char **to)
{
	static const struct option options[] = {
		{ "to", required_argument, NULL, 't' },
		{ "incomplete", no_argument, NULL, 'i' },
		{ "jobs", required_argument, NULL, 'j' },
		{ 0 },
	};
	uint64_t jobs = THREADS;
	int option;

	while ((option = cli_getopt(cli, &copy_command, argc, argv, "j:", options)) != -1) {
		if (option == 't')
			*to = optarg;
		else if (option == 'i')
			c->incomplete = true;
		else if (str_parse_u64(&jobs, optarg, THREADS_MAX) < 0 || jobs == 0)
			return cli_usage(&copy_command, "--jobs takes a number up to %d", THREADS_MAX);
	}
	c->threads = (size_t)jobs;
	if (optind < argc)
		return cli_usage(&copy_command, "takes no argument");
	return *to ? CLI_OK : cli_usage(&copy_command, "say where to: --to FILE");
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct copy c CLEANUP(copy_deinit) = { 0 };
	_close_ int lock = -1;
	const char *to = NULL;
	struct err e;
	int status = read_arguments(cli, argc, argv, &c, &to);

	if (status != CLI_OK)
		return status;
	status = cli_load(&(struct cli){ to }, &c.to.conf);
	if (status != CLI_OK)
		return status;
	status = cli_prepare(cli, &c.from.conf);
	if (status != CLI_OK)
		return status;
	progress_catch_signals();
	if (open_sides(&c, &lock, &e) < 0)
		return cli_failed(&e);
	return copy(&c);
}

const struct command copy_command = {
	.name = "copy",
	.arguments = "--to FILE [--incomplete] [--jobs N]",
	.summary = "Copy the whole archive into that of another configuration",
	.help = "Messages, ledger, users and audit trail go to the store and database that the configuration FILE names,\n"
		"which `strongroom -c FILE init` has made and which hold nothing else; each object is read back from there\n"
		"and compared with its SHA-256. The source stays as it is and may go on taking mail: repeat the copy, each\n"
		"brings what is new; stop the daemons for the last one, then start them with FILE. It can be stopped\n"
		"(Ctrl-C) and repeated. The index of the target is filled by its strongroom-workerd, or by reindex.\n\n"
		"  --to FILE      the configuration of the target\n"
		"  --incomplete   take over messages also where the source has lost or changed their object\n"
		"  --jobs N       objects copied at a time; default 16\n",
	.run = run,
};
