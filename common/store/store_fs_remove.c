#include "store/store_fs_remove.h"

#include "base/log.h"
#include "sys/io.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* The file that is to go. */
struct removing {
	const char *dir, *key; /* what it is called in messages */
	const char *name;      /* inside parent */
	int parent;
	int fd;
	int flags; /* of the inode, as they were found */
};

static int failed(const struct removing *r, const char *op, struct err *e)
{
	_free_ char *path = mem_printf("%s/%s", r->dir, r->key);

	return err_errno(e, op, path);
}

static void removing_deinit(struct removing *r)
{
	io_closep(&r->fd);
	io_closep(&r->parent);
}

/* Goes down to the directory of the key step by step: no symbolic link on the way leads out of the store. 1, 0 when a
 * directory is not there, -1. A store without m/ is none: its disk is not mounted. */
static int open_parent(struct removing *r, int store, struct err *e)
{
	_free_ char *path = mem_dup(r->key, (size_t)(r->name - 1 - r->key));
	char *rest = path, *step;

	r->parent = fcntl(store, F_DUPFD_CLOEXEC, 0);
	while (r->parent >= 0 && (step = strsep(&rest, "/"))) {
		_close_ int above = r->parent;

		r->parent = openat(above, step, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (r->parent < 0 && errno == ENOENT && step != path)
			return 0;
	}
	if (r->parent >= 0)
		return 1;
	bool link = errno == ELOOP || errno == ENOTDIR;

	failed(r, "open", e);
	if (link)
		err_temporary(e, "remove(%s/%s) failed: a part of its path is no directory, a symbolic link perhaps", r->dir, r->key);
	return -1;
}

/* 1, 0 when it is not there, -1. */
static int open_file(struct removing *r, struct err *e)
{
	struct stat st;

	r->fd = openat(r->parent, r->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (r->fd < 0 && errno == ENOENT)
		return 0;
	if (r->fd < 0 && errno != ELOOP)
		return failed(r, "open", e);
	if (r->fd >= 0 && fstat(r->fd, &st))
		return failed(r, "stat", e);
	if (r->fd < 0 || !S_ISREG(st.st_mode))
		return err_temporary(e, "remove(%s/%s) failed: it is no file", r->dir, r->key);
	return 1;
}

static int unlock(struct removing *r, struct err *e)
{
	int without;

	if (ioctl(r->fd, FS_IOC_GETFLAGS, &r->flags) || !(r->flags & FS_IMMUTABLE_FL)) {
		r->flags = 0;
		return 0;
	}
	without = r->flags & ~FS_IMMUTABLE_FL;
	if (ioctl(r->fd, FS_IOC_SETFLAGS, &without) == 0)
		return 0;
	if (errno == EPERM || errno == EACCES)
		return err_temporary(e,
			"remove(%s/%s) failed: it has the immutable flag, and this account may not take it off: it lacks "
			"CAP_LINUX_IMMUTABLE (strongroom(7) tells how strongroom-workerd gets it)",
			r->dir, r->key);
	return failed(r, "ioctl", e);
}

/* What could not be removed is not left without its lock. */
static void lock_again(struct removing *r)
{
	if (r->flags && ioctl(r->fd, FS_IOC_SETFLAGS, &r->flags))
		log_warn(NULL, "ioctl(%s/%s) failed: %s: this message has no immutable flag any more", r->dir, r->key,
			strerror(errno));
}

static int unlink_it(struct removing *r, struct err *e)
{
	if (unlock(r, e))
		return -1;
	if (unlinkat(r->parent, r->name, 0) == 0 || errno == ENOENT)
		return 0;
	failed(r, "unlink", e);
	lock_again(r);
	return -1;
}

int store_fs_remove(int dirfd, const char *dir, const char *key, struct err *e)
{
	CLEANUP(removing_deinit)
	struct removing r = { .dir = dir, .key = key, .name = strrchr(key, '/') + 1, .parent = -1, .fd = -1 };
	int there = open_parent(&r, dirfd, e);

	if (there <= 0)
		return there;
	there = open_file(&r, e);
	if (there < 0 || (there && unlink_it(&r, e)))
		return -1;
	/* Also when it was gone: who removed it may have died before this. */
	io_fsync_dir_or_die(r.parent, key);
	return 0;
}
