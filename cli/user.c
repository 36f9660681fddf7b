#include "base/clock.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/operator.h"
#include "cli/otpauth.h"
#include "cli/password.h"
#include "meta/account.h"
#include "sys/json.h"
#include "sys/secret.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAME_LENGTH_MAX 128
#define DAY_US (86400 * CLOCK_SECOND)

/* What the command line asks for. */
struct wanted {
	const char *username;
	struct strv roles, mailboxes, departments;
	bool all, qr;
	int64_t from_us, until_us;
};

static void wanted_deinit(struct wanted *w)
{
	strv_deinit(&w->roles);
	strv_deinit(&w->mailboxes);
	strv_deinit(&w->departments);
}

static bool name_good(const char *name)
{
	for (const char *p = name; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || strchr("\"'<>\\:,;", *p))
			return false;
	return *name && strlen(name) <= NAME_LENGTH_MAX && str_utf8_valid(name, strlen(name));
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

static int take_option(struct wanted *w, int option)
{
	switch (option) {
	case 'r':
		strv_add_unique(&w->roles, optarg);
		return CLI_OK;
	case 'm':
		strv_add_unique(&w->mailboxes, optarg);
		return strchr(optarg, '@') ? CLI_OK : cli_usage(&user_command, "%s is no mailbox", optarg);
	case 'd':
		strv_add_unique(&w->departments, optarg);
		return CLI_OK;
	case 'a':
		w->all = true;
		return CLI_OK;
	case 'f':
		return read_time(&w->from_us, optarg, false);
	case 'u':
		return read_time(&w->until_us, optarg, true);
	default:
		w->qr = true;
		return CLI_OK;
	}
}

static int read_arguments(struct cli *cli, int argc, char **argv, struct wanted *w)
{
	static const struct option options[] = {
		{ "role", required_argument, NULL, 'r' },
		{ "mailbox", required_argument, NULL, 'm' },
		{ "department", required_argument, NULL, 'd' },
		{ "all", no_argument, NULL, 'a' },
		{ "from", required_argument, NULL, 'f' },
		{ "until", required_argument, NULL, 'u' },
		{ "qr", no_argument, NULL, 'q' },
		{ 0 },
	};
	int option, status = CLI_OK;

	while (status == CLI_OK && (option = cli_getopt(cli, &user_command, argc, argv, "", options)) != -1)
		status = take_option(w, option);
	if (status != CLI_OK)
		return status;
	if (argc - optind != 2 || strcmp(argv[optind], "add") != 0)
		return cli_usage(&user_command, "say: user add NAME");
	w->username = argv[optind + 1];
	if (!name_good(w->username))
		return cli_usage(&user_command, "\"%s\" is no user name", w->username);
	if (w->from_us >= w->until_us)
		return cli_usage(&user_command, "--from is not before --until");
	if (!w->roles.n)
		strv_add(&w->roles, "investigator");
	return CLI_OK;
}

static cJSON *describe(const struct wanted *w)
{
	_free_ char *roles = strv_join(&w->roles, " "), *mailboxes = strv_join(&w->mailboxes, " "),
		    *departments = strv_join(&w->departments, " ");
	char time[CLOCK_TEXT_SIZE];
	cJSON *j = cJSON_CreateObject();

	json_add_str(j, "username", w->username);
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

static int add_audited(struct meta *m, const struct wanted *w, const struct account_new *account, struct err *e)
{
	cJSON *detail _json_ = describe(w);
	struct uuid intent;
	struct err later;
	uint64_t id;

	if (operator_intent(m, "account.create", detail, &intent, e) < 0)
		return -1;
	int rc = meta_account_add(m, account, &id, e);

	if (operator_outcome(m, &intent, rc, rc < 0 ? &later : e) < 0)
		return -1;
	return rc;
}

static int add(struct meta *m, const struct conf *conf, const struct wanted *w, const char *password,
	const uint8_t totp[SECRET_TOTP_SIZE], struct err *e)
{
	struct secret_key *key CLEANUP(secret_key_freep) = NULL;
	_free_ uint8_t *sealed = NULL;
	struct account_new account = {
		.username = w->username,
		.roles = &w->roles,
		.scope_all = w->all,
		.mailboxes = &w->mailboxes,
		.departments = &w->departments,
		.from_us = w->from_us,
		.until_us = w->until_us,
	};

	if (secret_key_load(&key, conf->key_dir, e) < 0)
		return -1;
	_free_ char *hash = secret_password_hash(password, e);

	if (!hash)
		return -1;
	secret_seal(key, totp, SECRET_TOTP_SIZE, &sealed, &account.totp_secret_length);
	account.password_hash = hash;
	account.totp_secret = sealed;
	return add_audited(m, w, &account, e);
}

static void print_result(const struct wanted *w, const uint8_t totp[SECRET_TOTP_SIZE])
{
	char *url CLEANUP(password_freep) = otpauth_url(w->username, totp, SECRET_TOTP_SIZE);
	_free_ char *roles = strv_join(&w->roles, ", ");

	const char *scope = "nothing (no --all, --mailbox or --department)";

	if (w->all)
		scope = "all mailboxes";
	else if (w->mailboxes.n || w->departments.n)
		scope = "the given mailboxes and departments";
	printf("user %s added; roles: %s; scope: %s\n", w->username, roles, scope);
	printf("\nThis is shown once. Give it to the user's authenticator program:\n\n%s\n", url);
	if ((w->qr || isatty(STDOUT_FILENO)) && otpauth_draw(url, stdout) < 0)
		puts("(too long for a QR code)");
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct wanted w CLEANUP(wanted_deinit) = { .from_us = INT64_MIN, .until_us = INT64_MAX };
	struct conf conf CLEANUP(conf_deinit) = { 0 };
	struct meta *m CLEANUP(meta_closep) = NULL;
	uint8_t totp[SECRET_TOTP_SIZE];
	struct err e;
	int status = read_arguments(cli, argc, argv, &w);

	if (status == CLI_OK)
		status = cli_prepare(cli, &conf);
	if (status != CLI_OK)
		return status;
	if (meta_open(&m, &conf, &e) < 0)
		return cli_failed(&e);
	char *password CLEANUP(password_freep) = password_ask(w.username, &e);

	if (!password)
		return cli_usage(&user_command, "%s", e.text);
	secret_random(totp, sizeof(totp));
	if (add(m, &conf, &w, password, totp, &e) < 0)
		return cli_failed(&e);
	print_result(&w, totp);
	explicit_bzero(totp, sizeof(totp));
	return CLI_OK;
}

const struct command user_command = {
	.name = "user",
	.arguments = "add NAME [--role ROLE]... [--all | --mailbox ADDRESS... --department NAME...]\n"
		     "           [--from DATE] [--until DATE] [--qr]",
	.summary = "Add a user",
	.help = "The password is asked for at a terminal, or read as one line of standard input; it has 12 characters at\n"
		"least. What an authenticator program needs for the one-time codes is printed once: a URL and, on a\n"
		"terminal, its QR code.\n\n"
		"  --role ROLE         investigator (the default), exporter, legal, auditor, administrator, service;\n"
		"                      again for more\n"
		"  --all               the scope is all mailboxes\n"
		"  --mailbox ADDRESS   a mailbox in the scope; again for more\n"
		"  --department NAME   a department whose mailboxes are in the scope; again for more\n"
		"  --from DATE         no mail dated before this day or time (UTC)\n"
		"  --until DATE        no mail dated after this day, or at this time or later\n"
		"  --qr                draw the QR code also where the output is no terminal\n",
	.run = run,
};
