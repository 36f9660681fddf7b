/* deploy_machine: the account, files, environment and sandboxes of this machine, and how the daemons run. D4.. */
#include "base/strv.h"
#include "cli/deploy.h"
#include "conf/conf_environment.h"
#include "sys/io.h"
#include "sys/sandbox.h"

#include <glob.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROC_FILE_MAX (1024 * 1024)

/* ---- account and files ---- */

static void user(struct deploy *d)
{
	const char *name = d->conf->user;

	if (*name && strcmp(name, "root") != 0)
		deploy_say(d, DEPLOY_OK, NULL, "daemons that root starts become %s", name);
	else if (geteuid() == 0 || *name)
		deploy_say(d, DEPLOY_ERROR, "set user = strongroom, and make that account", "daemons that root starts stay root");
	else
		deploy_say(d, DEPLOY_OK, NULL, "daemons run as the account that starts them, which is not root here");
}

static void mode_of(struct deploy *d, const char *what, const char *path, mode_t forbidden)
{
	struct stat st;

	if (!path || stat(path, &st))
		return;
	_free_ char *remedy = mem_printf("chmod %04o %s", (unsigned)(st.st_mode & 07777 & ~forbidden), path);

	if (st.st_mode & forbidden)
		deploy_say(d, DEPLOY_ERROR, remedy, "the %s %s is open to others (mode %04o)", what, path, (unsigned)(st.st_mode & 07777));
	else
		deploy_say(d, DEPLOY_OK, NULL, "the %s %s has the rights that it should have (mode %04o)", what, path,
			(unsigned)(st.st_mode & 07777));
}

static void keys(struct deploy *d)
{
	_free_ char *pattern = mem_printf("%s/*", d->conf->key_dir);
	glob_t found = { 0 };

	mode_of(d, "key directory", d->conf->key_dir, 0077);
	glob(pattern, 0, NULL, &found);
	for (size_t i = 0; i < found.gl_pathc; i++)
		mode_of(d, "key", found.gl_pathv[i], 0177);
	globfree(&found);
}

static void directories(struct deploy *d)
{
	mode_of(d, "store", conf_local_path(d->conf->store), 0077);
	mode_of(d, "database directory", conf_local_path(d->conf->meta), 0077);
	mode_of(d, "index", conf_local_path(d->conf->index), 0077);
	mode_of(d, "spool", d->conf->spool_dir, 0077);
	mode_of(d, "run directory", d->conf->run_dir, 0022);
	mode_of(d, "audit's copy", d->conf->workerd_audit_file, 0027);
	mode_of(d, "parser", d->conf->parser_program, 0022);
}

static void secret_files(struct deploy *d)
{
	const struct conf *conf = d->conf;
	const char *const paths[] = { conf->s3_credentials_file, conf->mysql_password_file, conf->es_password_file,
		conf->es_api_key_file, conf->redis_password_file, conf->oidc_client_secret_file };
	size_t named = 0;

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		named += *paths[i] != '\0';
		mode_of(d, "secret", *paths[i] ? paths[i] : NULL, 0037);
	}
	if (!named)
		deploy_say(d, DEPLOY_OK, NULL, "no secret is in a file besides the keys");
}

/* ---- the environment ---- */

/* Variables that people expect to count, and what does. */
static const struct {
	const char *name, *instead;
} strangers[] = {
	{ "AWS_ACCESS_KEY_ID", "credentials_file of [s3]" }, { "AWS_SECRET_ACCESS_KEY", "credentials_file of [s3]" },
	{ "S3_BUCKET", "store = s3:BUCKET" }, { "MYSQL_PASSWORD", "password_file of [mysql]" }, { "MYSQL_PWD", "password_file of [mysql]" },
	{ "DB_PASS", "password_file of [mysql]" }, { "DATABASE_URL", "meta and [mysql]" }, { "ES_HOST", "ES_HOSTS" },
	{ "ELASTICSEARCH_URL", "ES_HOSTS" }, { "REDIS_HOST", "REDIS_URL" }, { "REDIS_PASSWORD", "password_file of [redis]" },
};

static void ignored_variables(struct deploy *d)
{
	CLEANUP(strv_deinit) struct strv unused = { 0 };

	conf_environment_unused(&unused);
	for (size_t i = 0; i < unused.n; i++)
		deploy_say(d, DEPLOY_WARNING, "mend its name, or remove it", "the variable %s of the environment counts for nothing", unused.items[i]);
	for (size_t i = 0; i < ARRAY_LEN(strangers); i++) {
		_free_ char *remedy = mem_printf("use %s", strangers[i].instead);

		if (!getenv(strangers[i].name))
			continue;
		strv_add(&unused, strangers[i].name);
		deploy_say(d, DEPLOY_WARNING, remedy, "the variable %s of the environment counts for nothing here", strangers[i].name);
	}
	if (!unused.n)
		deploy_say(d, DEPLOY_OK, NULL, "no variable of the environment is ignored");
}

/* `name=` in a block of NUL-separated variables. */
static bool has_variable(const char *block, size_t n, const char *name)
{
	size_t length = strlen(name);

	for (const char *p = block; p < block + n; p += strlen(p) + 1)
		if (strncmp(p, name, length) == 0 && p[length] == '=' && p[length + 1])
			return true;
	return false;
}

static void secrets_in(struct deploy *d, const char *who, const char *path, unsigned *found)
{
	static const char *const names[] = { "S3_SECRET_KEY", "S3_SESSION_TOKEN", "DB_PASSWORD" };
	CLEANUP(buf_deinit) struct buf block = BUF_INIT(PROC_FILE_MAX);
	struct err e;

	if (io_read_file(&block, path, PROC_FILE_MAX, &e) || !block.len)
		return;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!has_variable(block.data, block.len, names[i]))
			continue;
		++*found;
		deploy_say(d, DEPLOY_WARNING, "put it into a file that only the daemons' account can read (credentials_file, password_file)",
			"%s has a secret in its environment (%s), which its children and crash reports see", who, names[i]);
	}
}

/* ---- the daemons that run ---- */

static const char *const daemons[] = { "strongroom-lmtpd", "strongroom-milter", "strongroom-queryd", "strongroom-workerd" };

/* Its process id, when it runs; caller frees. */
static char *pid_of(const struct deploy *d, const char *daemon)
{
	_free_ char *path = mem_printf("%s/%s.pid", d->conf->run_dir, daemon);
	CLEANUP(buf_deinit) struct buf text = BUF_INIT(32);
	struct err e;

	if (io_read_file(&text, path, 32, &e) || !text.len)
		return NULL;
	_free_ char *pid = mem_dup(text.data, strspn(text.data, "0123456789"));
	_free_ char *process = mem_printf("/proc/%s/status", pid);

	if (!*pid || access(process, R_OK))
		return NULL;
	return mem_strdup(pid);
}

static void secrets_by_environment(struct deploy *d)
{
	unsigned found = 0;

	secrets_in(d, "this command", "/proc/self/environ", &found);
	for (size_t i = 0; i < ARRAY_LEN(daemons); i++) {
		_free_ char *pid = pid_of(d, daemons[i]), *path = pid ? mem_printf("/proc/%s/environ", pid) : NULL;

		if (path)
			secrets_in(d, daemons[i], path, &found);
	}
	if (!found)
		deploy_say(d, DEPLOY_OK, NULL, "no secret is in an environment that can be seen from here");
}

/* The value behind "Name:" in /proc/PID/status; "" when it is not there. Caller frees. */
static char *status_of(const char *text, const char *name)
{
	_free_ char *wanted = mem_printf("\n%s:\t", name);
	const char *found = strstr(text, wanted);

	return found ? mem_dup(found + strlen(wanted), strcspn(found + strlen(wanted), "\n")) : mem_strdup("");
}

/* Beyond the one to set the immutable flag and take it off, which the daemons that write and remove messages may have. */
static bool has_capabilities(const char *daemon, const char *effective)
{
	const unsigned long long flag = strcmp(daemon, "strongroom-queryd") == 0 ? 0 : 1ull << CAP_LINUX_IMMUTABLE;

	return (strtoull(effective, NULL, 16) & ~flag) != 0;
}

static void judge_process(struct deploy *d, const char *daemon, const char *status)
{
	_free_ char *uid = status_of(status, "Uid"), *effective = status_of(status, "CapEff");
	_free_ char *privileges = status_of(status, "NoNewPrivs"), *filter = status_of(status, "Seccomp");

	if (strncmp(uid, "0\t", 2) == 0)
		deploy_say(d, DEPLOY_ERROR, "set user, and start it again", "%s runs as root", daemon);
	else if (has_capabilities(daemon, effective))
		deploy_say(d, DEPLOY_ERROR, "use the unit that comes with it", "%s has capabilities (%s)", daemon, effective);
	else if (strcmp(privileges, "1") != 0)
		deploy_say(d, DEPLOY_ERROR, "use the unit that comes with it", "%s can get new privileges", daemon);
	else if (strcmp(filter, "2") != 0)
		deploy_say(d, DEPLOY_WARNING, "start it by its systemd unit, which filters system calls and closes off the machine",
			"%s runs without a filter of system calls", daemon);
	else
		deploy_say(d, DEPLOY_OK, NULL, "%s runs without root, %scapabilities and new privileges, its system calls filtered", daemon,
			strspn(effective, "0") == strlen(effective) ? "" : "(but for the immutable flag's) ");
}

static void processes(struct deploy *d)
{
	for (size_t i = 0; i < ARRAY_LEN(daemons); i++) {
		_free_ char *pid = pid_of(d, daemons[i]), *path = pid ? mem_printf("/proc/%s/status", pid) : NULL;
		CLEANUP(buf_deinit) struct buf status = BUF_INIT(PROC_FILE_MAX);
		struct err e;

		if (path && io_read_file(&status, path, PROC_FILE_MAX, &e) == 0)
			judge_process(d, daemons[i], status.data);
		else
			deploy_say(d, DEPLOY_OK, NULL, "%s does not run here", daemons[i]);
	}
}

/* ---- sandboxes ---- */

/* As a parser worker does it, in a child. */
static bool sandbox_works(void)
{
	const struct sandbox_limits limits = { .memory = UINT64_C(1) << 30, .cpu_seconds = 10, .descriptors = 16 };
	struct err e;
	int status = -1;

	fflush(stdout);
	pid_t pid = fork();

	if (pid == 0)
		_exit(sandbox_enter(&limits, &e) ? 1 : 0);
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void sandbox(struct deploy *d)
{
	if (sandbox_works())
		deploy_say(d, DEPLOY_OK, NULL, "messages are parsed in a sandbox (seccomp, no capabilities, bounded memory)");
	else
		deploy_say(d, DEPLOY_ERROR, "use a kernel with seccomp, and a container runtime that allows it",
			"the sandbox of the parser can't be had: nothing can be archived");
}

static void landlock(struct deploy *d)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	if (version > 0)
		deploy_say(d, DEPLOY_OK, NULL, "the kernel has Landlock (version %ld): the parser sees no files", version);
	else
		deploy_say(d, DEPLOY_WARNING, "use a kernel of 5.13 or later with lsm=landlock",
			"the kernel has no Landlock: the parser is held by seccomp alone");
}

/* ---- beside the archive ---- */

static void postfix_log(struct deploy *d)
{
	bool there = access("/etc/postfix/main.cf", F_OK) == 0;

	if (*d->conf->workerd_postfix_log)
		deploy_say(d, DEPLOY_OK, NULL, "what Postfix accepts is compared with what is captured (%s)", d->conf->workerd_postfix_log);
	else if (there)
		deploy_say(d, DEPLOY_WARNING, "set postfix_log in [workerd]",
			"there is a Postfix here, and nobody looks whether all that it accepts is captured");
	else
		deploy_say(d, DEPLOY_OK, NULL, "there is no Postfix here whose log could be followed");
}

const struct deploy_check deploy_machine_checks[] = {
	{ "D401", user },
	{ "D402", keys },
	{ "D403", directories },
	{ "D404", secret_files },
	{ "D411", ignored_variables },
	{ "D412", secrets_by_environment },
	{ "D421", processes },
	{ "D422", sandbox },
	{ "D423", landlock },
	{ "D431", postfix_log },
	{ 0 },
};
