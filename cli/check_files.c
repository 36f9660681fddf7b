#include "base/strv.h"
#include "cli/check.h"

#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define ROOM_MIN (UINT64_C(1) << 30)
#define ROOM_PERCENT 5

static char *account(uid_t uid)
{
	const struct passwd *p = getpwuid(uid);

	return p ? mem_strdup(p->pw_name) : mem_printf("%u", (unsigned)uid);
}

static bool failed(struct check *c, const char *what, const char *path)
{
	char reason[128];

	check_report(c, CHECK_PROBLEM, errno == ENOENT ? "strongroom init" : NULL, "%s %s: %s", what, path,
		strerror_r(errno, reason, sizeof(reason)));
	return false;
}

/* Owner and permission bits of what st describes. */
static bool check_rights(struct check *c, const char *what, const char *path, const struct stat *st, mode_t forbidden)
{
	_free_ char *is = account(st->st_uid), *should = account(geteuid());
	bool good = true;

	if (st->st_uid != geteuid()) {
		_free_ char *remedy = mem_printf("chown %s: %s", should, path);

		check_report(c, CHECK_PROBLEM, remedy, "%s %s belongs to %s, not to %s", what, path, is, should);
		good = false;
	}
	if (st->st_mode & forbidden) {
		_free_ char *remedy = mem_printf("chmod %o %s", (unsigned)(st->st_mode & 07777 & ~forbidden), path);

		check_report(c, CHECK_PROBLEM, remedy, "%s %s is open to others (mode %04o)", what, path,
			(unsigned)(st->st_mode & 07777));
		good = false;
	}
	return good;
}

static bool check_directory(struct check *c, const char *what, const char *path, mode_t forbidden)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return failed(c, what, path);
	if (!S_ISDIR(st.st_mode)) {
		check_report(c, CHECK_PROBLEM, NULL, "%s %s is no directory", what, path);
		return false;
	}
	if (!check_rights(c, what, path, &st, forbidden))
		return false;
	if (access(path, R_OK | W_OK | X_OK) < 0)
		return failed(c, what, path);
	check_report(c, CHECK_OK, NULL, "%s %s", what, path);
	return true;
}

static void check_room(struct check *c, const char *what, const char *path)
{
	struct statvfs fs;

	if (statvfs(path, &fs) < 0)
		return;
	uint64_t room = (uint64_t)fs.f_bavail * fs.f_frsize, all = (uint64_t)fs.f_blocks * fs.f_frsize;

	if (room < ROOM_MIN || room < all / 100 * ROOM_PERCENT)
		check_report(c, CHECK_PROBLEM, "make room, or move it to a larger file system",
			"the file system of the %s has %" PRIu64 " MiB left: when it is full mail is put off", what,
			room >> 20);
	if (fs.f_files && fs.f_favail < fs.f_files / 100 * ROOM_PERCENT)
		check_report(c, CHECK_PROBLEM, "make room, or move it to a file system with more inodes",
			"the file system of the %s has %" PRIu64 " inodes left", what, (uint64_t)fs.f_favail);
}

static void check_keys(struct check *c)
{
	_free_ char *pattern = mem_printf("%s/*", c->conf->key_dir);
	glob_t found = { 0 };
	struct stat st;
	bool good = true;

	if (glob(pattern, 0, NULL, &found) == GLOB_NOMATCH)
		check_report(c, CHECK_PROBLEM, "strongroom init", "there are no keys in %s", c->conf->key_dir);
	for (size_t i = 0; i < found.gl_pathc; i++)
		if (stat(found.gl_pathv[i], &st) == 0)
			good = check_rights(c, "key", found.gl_pathv[i], &st, 0177) && good;
	if (good && found.gl_pathc)
		check_report(c, CHECK_OK, NULL, "%zu key files", found.gl_pathc);
	globfree(&found);
}

/* What lies in a directory and belongs to somebody else, as files do that root has put back from a backup. */
static void check_owners(struct check *c, const char *what, const char *directory)
{
	_free_ char *pattern = mem_printf("%s/*", directory), *of_the_disk = mem_printf("%s/lost+found", directory);
	glob_t found = { 0 };
	struct stat st;

	glob(pattern, 0, NULL, &found);
	for (size_t i = 0; i < found.gl_pathc; i++)
		if (strcmp(found.gl_pathv[i], of_the_disk) != 0 && lstat(found.gl_pathv[i], &st) == 0)
			check_rights(c, what, found.gl_pathv[i], &st, 0);
	globfree(&found);
}

/* The directories of backends that keep files here. */
static void check_local_backends(struct check *c)
{
	const char *store = conf_local_path(c->conf->store), *meta = conf_local_path(c->conf->meta),
		   *index = conf_local_path(c->conf->index);
	_free_ char *index_dir = index ? mem_dup(index, (size_t)(strrchr(index, '/') - index)) : NULL;

	if (store && check_directory(c, "store", store, 0077)) {
		check_owners(c, "store directory", store);
		check_room(c, "store", store);
	}
	if (meta && check_directory(c, "database directory", meta, 0077)) {
		check_owners(c, "database file", meta);
		check_room(c, "database", meta);
	}
	if (index && check_directory(c, "index directory", *index_dir ? index_dir : "/", 0077)) {
		check_owners(c, "index file", index_dir);
		check_room(c, "index", index_dir);
	}
}

void check_files(struct check *c)
{
	check_local_backends(c);
	if (check_directory(c, "spool", c->conf->spool_dir, 0077))
		check_room(c, "spool", c->conf->spool_dir);
	check_directory(c, "run directory", c->conf->run_dir, 0022);
	if (check_directory(c, "key directory", c->conf->key_dir, 0077))
		check_keys(c);
}
