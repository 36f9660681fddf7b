/* init: as root the directories that need root, then, as the account of the daemons, what goes into them. */
#include "cli/cli.h"
#include "cli/trial_tls.h"
#include "index/index.h"
#include "meta/meta.h"
#include "store/store.h"
#include "sys/io.h"
#include "sys/proc.h"
#include "sys/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PRIVATE 0700
#define FOR_GROUP 02750
#define PUBLIC 0755 /* others must come by: the mail system to a socket, clients to ca.crt */

#define POSTFIX_QUEUE "/var/spool/postfix/" /* Debian's queue_directory */

struct owner {
	bool change;
	uid_t uid;
	gid_t gid;
};

static int find_owner(const struct conf *conf, struct owner *o_r, struct err *e)
{
	*o_r = (struct owner){ .change = geteuid() == 0 && *conf->user };
	if (!o_r->change)
		return 0;
	const struct passwd *p = getpwnam(conf->user);

	if (!p)
		return err_permanent(e, "user: there is no account %s; make it: "
			"adduser --system --group --no-create-home %s", conf->user, conf->user);
	o_r->uid = p->pw_uid;
	o_r->gid = p->pw_gid;
	return 0;
}

/* Everything above the last component, as root and for all to pass through. */
static int make_parents(const char *path, struct err *e)
{
	_free_ char *parent = mem_dup(path, (size_t)(strrchr(path, '/') - path));

	if (!*parent)
		return 0;
	mode_t before = umask(022);
	int rc = io_mkdirs(AT_FDCWD, parent, PUBLIC, e);

	umask(before);
	return rc;
}

/* By descriptor: between the making of it and this, whoever owns the directory above could put a link in its place. */
static int give(const char *path, mode_t mode, const struct owner *o, struct err *e)
{
	_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return err_errno(e, "open", path);
	if ((o->change && fchown(fd, o->uid, o->gid) < 0) || fchmod(fd, mode) < 0)
		return err_errno(e, "chown or chmod", path);
	return 0;
}

/* One that is there is left alone: `check` says what is wrong with it. */
static int make_directory(const char *path, mode_t mode, const struct owner *o, struct err *e)
{
	struct stat st;

	if (stat(path, &st) == 0)
		return S_ISDIR(st.st_mode) ? 0 : err_permanent(e, "mkdir(%s) failed: a file has that name", path);
	if (make_parents(path, e) < 0)
		return -1;
	if (mkdir(path, mode) < 0)
		return err_errno(e, "mkdir", path);
	if (give(path, mode, o, e) < 0)
		return -1;
	printf("made %s\n", path);
	return 0;
}

static int make_parent_directory(const char *path, mode_t mode, const struct owner *o, struct err *e)
{
	_free_ char *parent = mem_dup(path, (size_t)(strrchr(path, '/') - path));

	return *parent ? make_directory(parent, mode, o, e) : 0;
}

/* A socket inside Postfix's queue directory is for Postfix: the setgid bit hands its group on to the socket. */
static int make_socket_directory(const char *path, const struct owner *o, struct err *e)
{
	const struct group *postfix = getgrnam("postfix");
	struct owner with_group = *o;

	if (!o->change || !postfix || strncmp(path, POSTFIX_QUEUE, strlen(POSTFIX_QUEUE)) != 0)
		return make_parent_directory(path, PUBLIC, o, e);
	with_group.gid = postfix->gr_gid;
	return make_parent_directory(path, FOR_GROUP, &with_group, e);
}

/* The directories of Unix sockets. */
static int make_socket_directories(const char *addresses, const struct owner *o, struct err *e)
{
	struct strv list CLEANUP(strv_deinit) = { 0 };

	strv_split(&list, addresses, " ");
	for (size_t i = 0; i < list.n; i++)
		if (strncmp(list.items[i], "unix:", 5) == 0 &&
			make_socket_directory(list.items[i] + 5, o, e) < 0)
			return -1;
	return 0;
}

static int make_directories(const struct conf *c, bool trial_tls, const struct owner *o, struct err *e)
{
	const char *store = conf_local_path(c->store), *meta = conf_local_path(c->meta), *index = conf_local_path(c->index);

	if ((store && make_directory(store, PRIVATE, o, e) < 0) || (meta && make_directory(meta, PRIVATE, o, e) < 0) ||
		(index && make_parent_directory(index, PRIVATE, o, e) < 0) ||
		make_directory(c->spool_dir, PRIVATE, o, e) < 0 || make_directory(c->key_dir, PRIVATE, o, e) < 0 ||
		make_directory(c->run_dir, PUBLIC, o, e) < 0 || make_socket_directories(c->lmtpd_listen, o, e) < 0 ||
		make_socket_directories(c->milter_listen, o, e) < 0)
		return -1;
	if (!trial_tls)
		return 0;
	if (make_parent_directory(c->queryd_tls_cert, PUBLIC, o, e) < 0)
		return -1;
	return make_parent_directory(c->queryd_tls_key, PUBLIC, o, e);
}

static int make_trial_tls(const struct conf *c, const struct strv *names, struct err *e)
{
	_free_ char *ca = trial_tls_ca_path(c->queryd_tls_cert);

	bool have_cert = access(c->queryd_tls_cert, F_OK) == 0, have_key = access(c->queryd_tls_key, F_OK) == 0;

	if (have_cert && have_key) {
		printf("certificate %s is there already\n", c->queryd_tls_cert);
		return 0;
	}
	if (have_cert || have_key)
		return err_permanent(e, "%s is there without %s: bring the one or remove the other",
			have_cert ? c->queryd_tls_cert : c->queryd_tls_key,
			have_cert ? c->queryd_tls_key : c->queryd_tls_cert);
	if (trial_tls_create(c->queryd_tls_cert, c->queryd_tls_key, names, e) < 0)
		return -1;
	printf("made certificate %s, for a trial; clients trust it by %s\n", c->queryd_tls_cert, ca);
	return 0;
}

static bool is_there(const char *index)
{
	const char *path = conf_local_path(index);
	struct stat st;

	return path && stat(path, &st) == 0;
}

/* An index that is there is kept. One that is broken, or of another version, is no reason to fail: the daemons take mail
 * without, and strongroom-workerd makes it anew. */
static int make_index(const struct conf *c, struct err *e)
{
	struct index *i CLEANUP(index_closep) = NULL;
	struct err why;

	if (index_open(&i, c, INDEX_READ, &why) == 0 && index_ready(i, &why) == 0) {
		printf("index ready: %s\n", c->index);
		return 0;
	}
	if (is_there(c->index)) {
		printf("index to be made anew: %s\n", why.text);
		return 0;
	}
	if (index_create(c, e) < 0)
		return -1;
	printf("index ready: %s\n", c->index);
	return 0;
}

static void print_finding(void *ctx, enum store_finding kind, const char *finding, const char *remedy)
{
	bool *failed = ctx;

	*failed = *failed || kind == STORE_FAILS;
	printf("store: %s\n", finding);
	if (remedy)
		printf("       remedy: %s\n", remedy);
}

/* A store at a server is tried before anything is trusted to it, unless that was done. */
static int prove_store(const struct conf *c, struct err *e)
{
	struct store *s CLEANUP(store_closep) = NULL;
	bool failed = false;

	if (store_open(&s, c, e) < 0)
		return -1;
	if (store_proved(s, e) == 0)
		return 0;
	if (e->class != ERR_PERMANENT || store_prove(s, print_finding, &failed, e) < 0)
		return -1;
	return failed ? err_permanent(e, "the store is not fit for an archive (see above)") : 0;
}

static int fill(const struct conf *c, const struct strv *names, struct err *e)
{
	if (secret_keys_create(c->key_dir, e) < 0)
		return -1;
	printf("keys ready in %s\n", c->key_dir);
	if (store_create(c, e) < 0)
		return -1;
	printf("store ready: %s\n", c->store);
	if (meta_migrate(c, e) < 0)
		return -1;
	printf("database ready: %s\n", c->meta);
	if (make_index(c, e) < 0)
		return -1;
	return (names->n && make_trial_tls(c, names, e) < 0) || prove_store(c, e) < 0 ? -1 : 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { { "trial-tls", required_argument, NULL, 't' }, { 0 } };
	struct strv names CLEANUP(strv_deinit) = { 0 };
	struct conf conf CLEANUP(conf_deinit) = { 0 };
	struct owner owner;
	struct err e;

	while (cli_getopt(cli, &init_command, argc, argv, "", options) != -1)
		strv_split(&names, optarg, ", ");
	if (optind < argc)
		return cli_usage(&init_command, "takes no argument");
	int status = cli_load_for_work(cli, &conf);

	if (status != CLI_OK)
		return status;
	if (find_owner(&conf, &owner, &e) < 0 || make_directories(&conf, names.n > 0, &owner, &e) < 0 ||
		proc_drop(conf.user, &e) < 0 || fill(&conf, &names, &e) < 0)
		return cli_failed(&e);
	return CLI_OK;
}

const struct command init_command = {
	.name = "init",
	.arguments = "[--trial-tls NAME[,NAME...]]",
	.summary = "Make directories, keys, database and index, or bring them up to this version",
	.help = "Run it as root once, before the first start, and again after an upgrade. What is there already stays as\n"
		"it is. Directories are made for the account of the setting `user`.\n\n"
		"  --trial-tls NAME[,NAME...]   make a certificate for these names, localhost, 127.0.0.1 and ::1 too,\n"
		"                               signed by an authority of its own, unless there is one already\n",
	.run = run,
};
