#include "cli/check_socket.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

#define GROUPS_MAX 256

struct who {
	uid_t uid;
	gid_t groups[GROUPS_MAX];
	int n;
};

static int find_who(struct who *w_r, const char *user)
{
	const struct passwd *p = getpwnam(user);

	*w_r = (struct who){ .n = GROUPS_MAX };
	if (!p)
		return -1;
	w_r->uid = p->pw_uid;
	return getgrouplist(user, p->pw_gid, w_r->groups, &w_r->n) < 0 ? -1 : 0;
}

/* right: of the last three bits of a mode. */
static bool may(const struct who *w, const struct stat *st, mode_t right)
{
	if (w->uid == 0)
		return true;
	if (w->uid == st->st_uid)
		return st->st_mode & (right << 6);
	for (int i = 0; i < w->n; i++)
		if (w->groups[i] == st->st_gid)
			return st->st_mode & (right << 3);
	return st->st_mode & right;
}

/* The first directory above path that w may not pass through; caller frees, NULL when there is none. */
static char *find_closed(const struct who *w, const char *path)
{
	struct stat st;

	for (const char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		_free_ char *directory = mem_dup(path, (size_t)(p - path));

		if (stat(directory, &st) == 0 && !may(w, &st, S_IXOTH))
			return mem_strdup(directory);
	}
	return NULL;
}

static void report_denied(struct check *c, const char *user, const char *what, const struct stat *st, const char *remedy)
{
	const struct passwd *owner = getpwuid(st->st_uid);
	_free_ char *owner_name = owner ? mem_strdup(owner->pw_name) : mem_printf("%u", (unsigned)st->st_uid);
	const struct group *group = getgrgid(st->st_gid);
	_free_ char *group_name = group ? mem_strdup(group->gr_name) : mem_printf("%u", (unsigned)st->st_gid);

	check_report(c, CHECK_PROBLEM, remedy,
		"Postfix: its account %s can't use the milter's socket: %s has mode %04o and belongs to %s:%s", user, what,
		(unsigned)(st->st_mode & 07777), owner_name, group_name);
}

void check_socket(struct check *c, const char *path, const char *user)
{
	_free_ char *directory = mem_dup(path, (size_t)(strrchr(path, '/') - path));
	_free_ char *share = mem_printf("chgrp %s %s && chmod 2750 %s, and restart strongroom-milter", user, directory,
		directory);
	struct who w;
	struct stat st;

	if (find_who(&w, user) < 0)
		return;
	_free_ char *closed = find_closed(&w, path);

	if (closed && stat(closed, &st) == 0) {
		_free_ char *open = mem_printf("chmod o+x %s", closed);

		report_denied(c, user, closed, &st, strcmp(closed, directory) == 0 ? share : open);
	} else if (stat(path, &st) < 0) {
		check_report(c, CHECK_NOTE, "start strongroom-milter",
			"Postfix: the milter's socket %s is not there: until it is, mail is put off", path);
	} else if (!may(&w, &st, S_IWOTH)) {
		report_denied(c, user, path, &st, share);
	}
}
