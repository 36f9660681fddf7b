#include "cli/cli.h"
#include "cli/department_plan.h"
#include "cli/directory_groups.h"
#include "cli/directory_ldap.h"
#include "cli/operator.h"
#include "meta/department.h"
#include "sys/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct options {
	bool dry_run, remove, force;
};

/* ---- the directory ---- */

static void refuse(const char *dn, const char *why)
{
	printf("refused: %s: %s\n", dn, why);
}

struct taking {
	struct directory_people *people;
	struct directory_groups groups; /* that those in which people are in are in */
	const char *group_base;
	bool nested;
};

static int ask_for_groups(void *ctx, const char *dn, struct directory_values *in_r, struct err *e)
{
	if (directory_read_groups(ctx, dn, in_r, e) == 0)
		return 0;
	const struct err why = *e;

	return why.class != ERR_PERMANENT ? -1 : err_permanent(e, "%s. With nested_groups = no in [directory] no group is read", why.text);
}

static int take(void *ctx, struct directory_person *person, struct err *e)
{
	struct taking *t = ctx;

	if (t->nested && directory_groups_follow(&t->groups, &person->departments, e) < 0)
		return -1;
	directory_people_add(t->people, person, t->group_base);
	return 0;
}

static int read_with(struct directory *d, const struct conf *conf, struct directory_people *people, uint64_t *referrals_r,
	struct err *e)
{
	struct taking t = { .people = people, .groups = { .ask = ask_for_groups, .ctx = d }, .group_base = conf->directory_group_base };

	t.nested = *conf->directory_group_base && conf->directory_nested_groups;
	int rc = directory_read(d, take, &t, referrals_r, e);

	directory_groups_deinit(&t.groups);
	return rc;
}

static int read_people(const struct conf *conf, struct directory_people *people, struct err *e)
{
	CLEANUP(directory_closep) struct directory *d = NULL;
	uint64_t referrals;

	people->refuse = refuse;
	if (directory_open(&d, conf, e) < 0 || read_with(d, conf, people, &referrals, e) < 0)
		return -1;
	if (referrals)
		printf("note: %" PRIu64 " referrals to other servers were not followed\n", referrals);
	if (!people->departments.n)
		return err_permanent(e, "sync(%s) failed: of %zu people nobody has a mailbox and a department; base, filter, "
			"mail_attributes or department_attribute of [directory] is wrong", conf->directory_uri, people->people);
	department_normalize(&people->keep);
	return 0;
}

/* ---- what is to be done ---- */

static void print_mailboxes(char sign, const struct strv *mailboxes)
{
	for (size_t i = 0; i < mailboxes->n; i++)
		printf("    %c %s\n", sign, mailboxes->items[i]);
}

static void print_difference(const struct department_difference *d, const struct options *o)
{
	if (department_is_unchanged(d, o->remove) && !d->gone.n)
		return;
	const char *what = d->is_new ? "made" : department_is_unchanged(d, o->remove) ? "unchanged" : "changed";

	printf("%s: %s: %zu mailboxes more, %zu %s%s", what, d->name, d->added.n, d->gone.n, o->remove ? "fewer" : "stay that are gone",
		d->adopted ? ", it is the directory's from now on" : "");
	if (d->accounts)
		printf(", in the scope of %" PRIu64 " account%s", d->accounts, d->accounts == 1 ? "" : "s");
	putchar('\n');
	if (!o->dry_run)
		return;
	print_mailboxes('+', &d->added);
	print_mailboxes(o->remove ? '-' : '=', &d->gone);
}

/* Too much at once is more likely a mistake in the directory or in the settings. */
static int guard(const struct conf *conf, const struct department_count *c, const struct options *o, struct err *e)
{
	if (!o->remove || o->force || c->gone * 100 <= c->before * conf->directory_remove_max)
		return 0;
	return err_permanent(e, "sync(%s) failed: %zu of the %zu mailboxes that the departments have would be taken out, more than "
		"remove_max, %" PRIu64 " percent; nothing was changed. --dry-run tells which, --force takes them out", conf->directory_uri,
		c->gone, c->before, conf->directory_remove_max);
}

/* ---- doing it ---- */

static void add_list(cJSON *detail, const char *key, const struct strv *mailboxes)
{
	cJSON *list = cJSON_CreateArray();

	for (size_t i = 0; i < mailboxes->n; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString(mailboxes->items[i]));
	json_add_item(detail, key, list);
}

static int sync_audited(struct meta *m, const struct conf *conf, const struct department_difference *d,
	const struct strv *removed, struct err *e)
{
	cJSON *detail _json_ = cJSON_CreateObject();
	struct err later;
	struct uuid intent;

	json_add_str(detail, "department", d->name);
	json_add_str(detail, "directory", conf->directory_uri);
	add_list(detail, "added", &d->added);
	add_list(detail, "removed", removed);
	if (operator_intent(m, "department.sync", detail, &intent, e) < 0)
		return -1;
	int rc = meta_department_sync(m, d->name, &d->added, removed, e);

	if (operator_outcome(m, &intent, rc, rc < 0 ? &later : e) < 0)
		return -1;
	return rc;
}

static int apply(struct meta *m, const struct conf *conf, const struct department_plan *plan, const struct options *o, struct err *e)
{
	static const struct strv none = { 0 };

	for (size_t i = 0; i < plan->n; i++) {
		const struct department_difference *d = &plan->items[i];

		print_difference(d, o);
		if (!o->dry_run && !department_is_unchanged(d, o->remove) &&
			sync_audited(m, conf, d, o->remove ? &d->gone : &none, e) < 0)
			return -1;
	}
	return 0;
}

static void print_account(const struct directory_people *p, const struct department_count *c, const struct options *o)
{
	printf("%zu people, %zu without a mailbox, %zu without a department, %zu values refused\n", p->people, p->without_mailbox,
		p->without_department, p->refused);
	printf("%zu departments made, %zu changed, %zu unchanged; %zu mailboxes more, %zu %s\n", c->made, c->changed, c->unchanged, c->added,
		c->gone, o->remove ? "fewer" : "stay that the directory no longer has there");
	if (o->dry_run)
		puts("nothing was changed: --dry-run");
}

static int sync_with(struct meta *m, const struct conf *conf, const struct options *o, struct directory_people *people,
	struct err *e)
{
	CLEANUP(department_plan_deinit) struct department_plan plan = { 0 };

	if (read_people(conf, people, e) < 0 || department_plan_make(&plan, m, &people->departments, true, &people->keep, e) < 0)
		return -1;
	const struct department_count count = department_plan_count(&plan, o->remove);

	if ((!o->dry_run && guard(conf, &count, o, e) < 0) || apply(m, conf, &plan, o, e) < 0)
		return -1;
	print_account(people, &count, o);
	return o->dry_run ? guard(conf, &count, o, e) : 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "dry-run", no_argument, NULL, 'n' },
		{ "remove", no_argument, NULL, 'r' },
		{ "force", no_argument, NULL, 'f' },
		{ 0 },
	};
	CLEANUP(conf_deinit) struct conf conf = { 0 };
	CLEANUP(directory_people_deinit) struct directory_people people = { 0 };
	CLEANUP(meta_closep) struct meta *m = NULL;
	struct options o = { 0 };
	struct err e;
	int option;

	while ((option = cli_getopt(cli, &directory_command, argc, argv, "", options)) != -1) {
		o.dry_run |= option == 'n';
		o.remove |= option == 'r';
		o.force |= option == 'f';
	}
	if (argc - optind != 1 || strcmp(argv[optind], "sync") != 0)
		return cli_usage(&directory_command, "say: directory sync");
	if (o.force && !o.remove)
		return cli_usage(&directory_command, "--force is for --remove");
	int status = cli_prepare(cli, &conf);

	if (status != CLI_OK)
		return status;
	if (!*conf.directory_uri)
		return cli_usage(&directory_command, "there is no directory: set uri and base in [directory]");
	if (meta_open(&m, &conf, &e) < 0 || sync_with(m, &conf, &o, &people, &e) < 0)
		return cli_failed(&e);
	return people.refused ? CLI_ATTENTION : CLI_OK;
}

const struct command directory_command = {
	.name = "directory",
	.arguments = "sync [--dry-run] [--remove [--force]]",
	.summary = "Take departments and their mailboxes from the LDAP directory",
	.help = "Reads all people of [directory] and gives each department their mailboxes; it is made when there is none of its\n"
		"name. A mailbox that the directory no longer has in a department stays in it, since its mail does. Departments\n"
		"that never came from the directory stay as they are. When the directory can't be read to its end, nothing is\n"
		"changed. With values that are refused, each with its reason, the exit status is 1.\n\n"
		"  --dry-run   change nothing: print what would be\n"
		"  --remove    take out of the directory's departments what it no longer has there, unless that is more than\n"
		"              remove_max percent of them\n"
		"  --force     even then\n",
	.run = run,
};
