#include "archive/archive.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/imap_url.h"
#include "cli/import_imap.h"
#include "cli/import_source.h"
#include "cli/progress.h"
#include "cli/read_rights.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define THREADS 32
#define THREADS_MAX 256

struct wanted {
	struct strv recipients;
	bool unquote;
	size_t threads;
	struct import_imap imap; /* what the command line says of mail servers */
	bool keep;
};

static void wanted_deinit(struct wanted *w)
{
	strv_deinit(&w->recipients);
}

static void take_imap_option(struct wanted *w, int option)
{
	struct import_imap *x = &w->imap;

	switch (option) {
	case 'f':
		x->follow = true;
		break;
	case 'd':
		x->action = IMPORT_DELETE;
		break;
	case 'l':
		x->action = IMPORT_FLAG;
		x->flag = optarg;
		break;
	case 'k':
		w->keep = true;
		break;
	case 'a':
		x->again = true;
		break;
	case 'p':
		x->password_file = optarg;
		break;
	case 't':
		x->token_file = optarg;
		break;
	default:
		x->ca = optarg;
	}
}

/* Whoever follows a journal mailbox wants it emptied, unless he says what else. */
static int check_arguments(struct wanted *w, int n, char **paths)
{
	if (n < 1)
		return cli_usage(&import_command, "say what to import");
	if (w->imap.follow && (n != 1 || !imap_url_is(paths[0])))
		return cli_usage(&import_command, "--follow takes one folder of a mail server");
	if (w->keep && w->imap.action != IMPORT_KEEP)
		return cli_usage(&import_command, "--keep goes with neither --delete nor --flag");
	if (w->imap.password_file && w->imap.token_file)
		return cli_usage(&import_command, "--password-file does not go with --token-file");
	if (w->imap.follow && !w->keep && w->imap.action == IMPORT_KEEP)
		w->imap.action = IMPORT_DELETE;
	return CLI_OK;
}

static int read_arguments(struct cli *cli, int argc, char **argv, struct wanted *w)
{
	static const struct option options[] = {
		{ "rcpt", required_argument, NULL, 'r' },
		{ "mboxrd", no_argument, NULL, 'u' },
		{ "jobs", required_argument, NULL, 'j' },
		{ "follow", no_argument, NULL, 'f' },
		{ "delete", no_argument, NULL, 'd' },
		{ "flag", required_argument, NULL, 'l' },
		{ "keep", no_argument, NULL, 'k' },
		{ "again", no_argument, NULL, 'a' },
		{ "password-file", required_argument, NULL, 'p' },
		{ "token-file", required_argument, NULL, 't' },
		{ "ca", required_argument, NULL, 'A' },
		{ 0 },
	};
	uint64_t jobs = THREADS;
	int option;

	w->imap.ca = "";
	while ((option = cli_getopt(cli, &import_command, argc, argv, "j:", options)) != -1) {
		if (option == 'r')
			strv_add_unique(&w->recipients, optarg);
		else if (option == 'u')
			w->unquote = true;
		else if (option != 'j')
			take_imap_option(w, option);
		else if (str_parse_u64(&jobs, optarg, THREADS_MAX) < 0 || jobs == 0)
			return cli_usage(&import_command, "--jobs takes a number up to %d", THREADS_MAX);
	}
	w->threads = (size_t)jobs;
	return check_arguments(w, argc - optind, argv + optind);
}

static void print_account(const struct import_account *a, const struct import_source *s)
{
	printf("offered        %" PRIu64 "\n", a->offered);
	printf("archived       %" PRIu64 "\n", a->archived);
	printf("already there  %" PRIu64 "\n", a->known);
	printf("refused        %" PRIu64 "\n", a->refused);
	if (s->passed_over)
		printf("%" PRIu64 " files named neither *.eml nor *.mbox were passed over\n", s->passed_over);
}

static int take(struct import_source *s, struct import_imap *x, const char *path, struct err *e)
{
	return imap_url_is(path) ? import_imap(x, path, e) : import_source_walk(s, path, e);
}

static int import(const struct conf *conf, struct archive *a, struct meta *m, const struct wanted *w, char **paths)
{
	struct import_source source = { .conf = conf, .recipients = &w->recipients, .unquote = w->unquote };
	struct import_imap imap = w->imap;
	struct import_account account;
	struct err e = { 0 };
	int rc = 0;

	imap.conf = conf;
	imap.meta = m;
	imap.recipients = &w->recipients;
	imap.pool = source.pool = import_pool_new(a, w->threads, conf->inflight_max);
	for (; rc == 0 && *paths && !import_pool_stopped(source.pool); paths++)
		rc = take(&source, &imap, *paths, &e);
	import_pool_finish(&source.pool, &account);
	print_account(&account, &source);
	if (rc == 0 && account.gave_up) {
		e = account.failure;
		rc = -1;
	}
	if (rc < 0) {
		puts("stopped early: run it again to go on");
		return cli_failed(&e);
	}
	if (progress_stopped() && !imap.follow)
		puts("stopped early: run it again to go on");
	return account.refused || (progress_stopped() && !imap.follow) ? CLI_ATTENTION : CLI_OK;
}

/* One that follows runs beside other imports, so it needs a name of its own in the ledger. */
static int check_urls(const struct wanted *w, char **paths, char **name, struct err *e)
{
	for (; *paths; paths++) {
		struct imap_url u CLEANUP(imap_url_deinit) = { 0 };

		if (imap_url_is(*paths) && imap_url_parse(&u, *paths, e) < 0)
			return -1;
		if (!w->imap.follow)
			continue;
		free(*name);
		*name = NULL;
		return import_imap_name(*paths, name, e);
	}
	return 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct wanted w CLEANUP(wanted_deinit) = { 0 };
	struct conf conf CLEANUP(conf_deinit) = { 0 };
	struct archive *a CLEANUP(archive_closep) = NULL;
	struct meta *m CLEANUP(meta_closep) = NULL;
	_free_ char *name = mem_strdup("import");
	struct err e;
	int status = read_arguments(cli, argc, argv, &w);

	if (status != CLI_OK)
		return status;
	if (check_urls(&w, argv + optind, &name, &e) < 0)
		return cli_usage(&import_command, "%s", e.text);
	if (read_rights_keep(&e) < 0)
		return cli_failed(&e);
	status = cli_prepare(cli, &conf);
	if (status != CLI_OK)
		return status;
	if (read_rights_limit(&e) < 0)
		return cli_failed(&e);
	progress_catch_signals();
	if (archive_open(&a, &conf, name, &e) < 0 || meta_open(&m, &conf, &e) < 0)
		return cli_failed(&e);
	return import(&conf, a, m, &w, argv + optind);
}

const struct command import_command = {
	.name = "import",
	.arguments = "[--rcpt ADDRESS]... [--mboxrd] [--jobs N] [--follow] [--delete | --flag FLAG | --keep]\n"
		"       [--again] [--password-file FILE | --token-file FILE] [--ca FILE] FILE|DIRECTORY|-|URL...",
	.summary = "Archive stored mail: .eml files, mbox mailboxes, Maildirs, and mailboxes on mail servers",
	.help = "A file that begins with \"From \" is a mailbox (mbox), any other one message. In a directory the files\n"
		"named *.eml and *.mbox and all Maildirs are taken, directories below it too. - is standard input.\n"
		"The bytes are archived as they are in the file. What is archived already is recognised, so that an\n"
		"import can be stopped (Ctrl-C) and repeated. Each message refused is listed, with the reason, and the\n"
		"exit status is then 1.\n\n"
		"  --rcpt ADDRESS   the envelope recipient of every message; again for more. Default: what Delivered-To\n"
		"                   and X-Original-To say. The sender is that of Return-Path, else of the From_ line\n"
		"  --mboxrd         mailboxes quote lines as mboxrd does: take one '>' off \">From \", \">>From \" …\n"
		"  --jobs N         messages archived at a time; default 32\n\n"
		"imaps://USER@HOST[:PORT]/FOLDER is a folder on a mail server, or several (* and %, as IMAP has it); what came\n"
		"since the last import from there is taken. imap:// begins TLS itself (STARTTLS).\n\n"
		"  --follow         go on with what comes, until SIGTERM or Ctrl-C; messages are deleted there once archived\n"
		"  --delete         delete messages there once they are archived; --keep: don't, though --follow\n"
		"  --flag FLAG      set a flag instead, such as \\Seen or $Archived\n"
		"  --again          take all messages, not only those that came since\n"
		"  --password-file FILE, --token-file FILE\n"
		"                   a password or an OAuth 2 token, read at each sign-in; default: the password is asked for\n"
		"  --ca FILE        authorities that the server's certificate may come from; default: the system's\n",
	.run = run,
};
