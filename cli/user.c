#include "cli/user.h"

#include "base/clock.h"
#include "cache/cache.h"
#include "cache/token_floor.h"
#include "cli/operator.h"

#include <stdio.h>
#include <string.h>

#define DAY_US (86400 * CLOCK_SECOND)

static void wanted_deinit(struct user_wanted *w)
{
	strv_deinit(&w->roles);
	strv_deinit(&w->mailboxes);
	strv_deinit(&w->departments);
}

/* A day or an instant; a day as the end of a range is in it. */
static int read_time(int64_t *us_r, const char *text, bool end)
{
	if (clock_parse(us_r, text) < 0)
		return cli_usage(&user_command, "\"%s\" is no date: write 2026-01-31 or 2026-01-31T18:00:00Z", text);
	if (end && strlen(text) == strlen("2026-01-31"))
		*us_r += DAY_US;
	return CLI_OK;
}

static int take_option(struct user_wanted *w, int option)
{
	switch (option) {
	case 'r':
		strv_add_unique(&w->roles, optarg);
		return CLI_OK;
	case 'm':
		w->scoped = true;
		strv_add_unique(&w->mailboxes, optarg);
		return strchr(optarg, '@') ? CLI_OK : cli_usage(&user_command, "%s is no mailbox", optarg);
	case 'd':
		w->scoped = true;
		strv_add_unique(&w->departments, optarg);
		return CLI_OK;
	case 'a':
		w->all = w->scoped = true;
		return CLI_OK;
	case 'f':
		w->scoped = true;
		return read_time(&w->from_us, optarg, false);
	case 'u':
		w->scoped = true;
		return read_time(&w->until_us, optarg, true);
	case 'p':
		w->provider = true;
		return CLI_OK;
	default:
		w->qr = true;
		return CLI_OK;
	}
}

/* ---- what is done to a user who is there ---- */

static int set_scope(struct meta *m, const struct user_wanted *w, struct err *e)
{
	const struct account_scope scope = user_scope(w);

	return meta_account_scope_set(m, w->username, &scope, e);
}

static int disable(struct meta *m, const struct user_wanted *w, struct err *e)
{
	return meta_account_disable(m, w->username, true, e);
}

static int enable(struct meta *m, const struct user_wanted *w, struct err *e)
{
	return meta_account_disable(m, w->username, false, e);
}

static int sign_out(struct meta *m, const struct user_wanted *w, struct err *e)
{
	return meta_account_sign_out(m, w->username, e);
}

static const struct verb {
	const char *name;
	bool adds, scopes;
	const char *action; /* in the audit */
	int (*change)(struct meta *m, const struct user_wanted *w, struct err *e);
	const char *done;
	int (*act)(struct meta *m, const struct conf *conf, const struct user_wanted *w); /* in the place of these three */
} verbs[] = {
	{ .name = "list" },
	{ .name = "add", .adds = true, .scopes = true, .act = user_add },
	{ .name = "password", .act = user_password },
	{ .name = "reset-mfa", .act = user_reset_mfa },
	{ "scope", false, true, "account.scope", set_scope, "now sees", NULL },
	{ "disable", false, false, "account.disable", disable, "is disabled and signed out", NULL },
	{ "enable", false, false, "account.enable", enable, "may sign in again", NULL },
	{ "sign-out", false, false, "account.sign-out", sign_out, "is signed out everywhere", NULL },
};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static int check_options(const struct verb *v, const struct user_wanted *w)
{
	if (!v->adds && (w->roles.n || w->qr || w->provider))
		return cli_usage(&user_command, "--role, --provider and --qr are for user add");
	if (!v->scopes && w->scoped)
		return cli_usage(&user_command, "user %s takes no scope", v->name);
	if (!v->adds && v->scopes && !w->scoped)
		return cli_usage(&user_command, "say what the scope is to be");
	return CLI_OK;
}

/* ---- the command line ---- */

static int read_arguments(struct cli *cli, int argc, char **argv, struct user_wanted *w, const struct verb **verb_r)
{
	static const struct option options[] = {
		{ "role", required_argument, NULL, 'r' },
		{ "mailbox", required_argument, NULL, 'm' },
		{ "department", required_argument, NULL, 'd' },
		{ "all", no_argument, NULL, 'a' },
		{ "from", required_argument, NULL, 'f' },
		{ "until", required_argument, NULL, 'u' },
		{ "provider", no_argument, NULL, 'p' },
		{ "qr", no_argument, NULL, 'q' },
		{ 0 },
	};
	int option, status = CLI_OK;

	while (status == CLI_OK && (option = cli_getopt(cli, &user_command, argc, argv, "", options)) != -1)
		status = take_option(w, option);
	if (status != CLI_OK)
		return status;
	*verb_r = optind < argc ? find_verb(argv[optind]) : NULL;
	bool lists = *verb_r && !(*verb_r)->act && !(*verb_r)->change;

	if (!*verb_r || argc - optind != (lists ? 1 : 2))
		return cli_usage(&user_command, "say: user list, or user add NAME, or scope, password, reset-mfa, disable, enable or sign-out in the place of add");
	status = check_options(*verb_r, w);
	if (status != CLI_OK || lists)
		return status;
	w->username = argv[optind + 1];
	if (!account_name_good(w->username))
		return cli_usage(&user_command, "\"%s\" is no user name", w->username);
	if (w->from_us >= w->until_us)
		return cli_usage(&user_command, "--from is not before --until");
	if ((*verb_r)->adds && !w->roles.n)
		strv_add(&w->roles, "investigator");
	return CLI_OK;
}

struct account_scope user_scope(const struct user_wanted *w)
{
	return (struct account_scope){ w->all, &w->mailboxes, &w->departments, w->from_us, w->until_us };
}

const char *user_scope_text(const struct user_wanted *w)
{
	if (w->all)
		return "all mailboxes";
	return w->mailboxes.n || w->departments.n ? "the given mailboxes and departments" :
						    "nothing (no --all, --mailbox or --department)";
}

cJSON *user_describe(const struct user_wanted *w)
{
	_free_ char *roles = strv_join(&w->roles, " "), *mailboxes = strv_join(&w->mailboxes, " "),
		    *departments = strv_join(&w->departments, " ");
	char time[CLOCK_TEXT_SIZE];
	cJSON *j = cJSON_CreateObject();

	json_add_str(j, "username", w->username);
	if (w->provider)
		json_add_str(j, "sign_in", "provider");
	if (*roles)
		json_add_str(j, "roles", roles);
	json_add_bool(j, "all", w->all);
	json_add_str(j, "mailboxes", mailboxes);
	json_add_str(j, "departments", departments);
	if (w->from_us != INT64_MIN)
		json_add_str(j, "from", clock_format(time, w->from_us));
	if (w->until_us != INT64_MAX)
		json_add_str(j, "until", clock_format(time, w->until_us));
	return j;
}

static int change_audited(struct meta *m, const struct verb *v, const struct user_wanted *w, struct err *e)
{
	cJSON *detail _json_ = user_describe(w);
	struct uuid intent;
	struct err later;

	if (operator_intent(m, v->action, detail, &intent, e) < 0)
		return -1;
	int rc = v->change(m, w, e);

	if (operator_outcome(m, &intent, rc, rc < 0 ? &later : e) < 0)
		return -1;
	return rc;
}

void user_tell_cache(const struct conf *conf, struct meta *m, const char *username)
{
	CLEANUP(cache_closep) struct cache *cache = NULL;
	CLEANUP(account_deinit) struct account a = { 0 };
	char name[TOKEN_FLOOR_NAME_SIZE];
	struct err e;

	if (cache_open(&cache, conf, &e) < 0 || meta_account_by_name(m, username, &a, &e) != 1)
		return;
	cache_raise(cache, token_floor_name(name, a.id), a.token_generation, conf->queryd_token_us);
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct user_wanted w CLEANUP(wanted_deinit) = { .from_us = INT64_MIN, .until_us = INT64_MAX };
	struct conf conf CLEANUP(conf_deinit) = { 0 };
	struct meta *m CLEANUP(meta_closep) = NULL;
	const struct verb *verb = NULL;
	struct err e;
	int status = read_arguments(cli, argc, argv, &w, &verb);

	if (status == CLI_OK)
		status = cli_prepare(cli, &conf);
	if (status != CLI_OK)
		return status;
	if (meta_open(&m, &conf, &e) < 0)
		return cli_failed(&e);
	if (verb->act)
		return verb->act(m, &conf, &w);
	if (!verb->change)
		return user_list(m);
	if (change_audited(m, verb, &w, &e) < 0)
		return cli_failed(&e);
	if (!verb->scopes)
		user_tell_cache(&conf, m, w.username);
	printf("user %s %s%s%s\n", w.username, verb->done, verb->scopes ? " " : "", verb->scopes ? user_scope_text(&w) : "");
	return CLI_OK;
}

const struct command user_command = {
	.name = "user",
	.arguments = "list | add NAME [--role ROLE]... [SCOPE] [--provider] [--qr] | scope NAME SCOPE |\n"
		     "           password NAME | reset-mfa NAME | disable NAME | enable NAME | sign-out NAME",
	.summary = "Add a user, change what one may see, keep one out, list them",
	.help = "SCOPE: [--all | --mailbox ADDRESS... --department NAME...] [--from DATE] [--until DATE]\n\n"
		"list: roles, scope and state of each user.\n"
		"add: the password is asked for at a terminal, or read as one line of standard input; it has password_min\n"
		"characters at least. What an authenticator program needs for the one-time codes is printed once: a URL and, on a\n"
		"terminal, its QR code.\n"
		"scope: this scope takes the place of the one before, at the user's next request.\n"
		"password: another password, asked for as by add; all sessions end. A user who has signed in through the OpenID\n"
		"provider does so no more.\n"
		"reset-mfa: the second factor is void and all sessions end. What is printed, once, lets the user enrol another one.\n"
		"disable: no more signing in, and all sessions end; enable: signing in works again. Users are never\n"
		"deleted, since the audit trail names them.\n"
		"sign-out: all sessions of the user end.\n\n"
		"  --role ROLE         investigator (the default), exporter, legal, auditor, administrator, service;\n"
		"                      again for more\n"
		"  --all               the scope is all mailboxes\n"
		"  --mailbox ADDRESS   a mailbox in the scope; again for more\n"
		"  --department NAME   a department whose mailboxes are in the scope; again for more\n"
		"  --from DATE         no mail dated before this day or time (UTC)\n"
		"  --until DATE        no mail dated after this day, or at this time or later\n"
		"  --provider          no password: the user signs in through the OpenID provider (section [oidc])\n"
		"  --qr                draw the QR code also where the output is no terminal\n",
	.run = run,
};
