#include "sys/io.h"

#include "base/fault.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_STEP ((size_t)64 * 1024)

void io_closep(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

int io_write_all(int fd, const void *data, size_t n)
{
	const char *at = data;

	while (n) {
		ssize_t done = write(fd, at, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		at += done;
		n -= (size_t)done;
	}
	return 0;
}

int io_read_exact(int fd, void *data, size_t n)
{
	size_t have = 0;

	while (have < n) {
		ssize_t got = read(fd, (char *)data + have, n - have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0 && have == 0)
			return 0;
		if (got == 0) {
			errno = EPIPE;
			return -1;
		}
		have += (size_t)got;
	}
	return 1;
}

/* The next piece of the file: its length, 0 at the end, -1 with *e. One byte more than fits is
 * asked for, so that a file that is too large is noticed. */
static ssize_t read_step(struct buf *b, int fd, const char *path, struct err *e)
{
	char piece[4096];
	size_t room = b->max - b->len;
	char *to = room ? buf_reserve(b, room < READ_STEP ? room : READ_STEP) : piece;
	size_t want = room ? (room < READ_STEP ? room : READ_STEP) : 1;
	ssize_t got;

	do
		got = read(fd, to, want);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_errno(e, "read", path);
	if (got > 0 && !room)
		return err_permanent(e, "read(%s) failed: over %zu bytes", path, b->max);
	return got;
}

int io_read_file(struct buf *b, const char *path, size_t max, struct err *e)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return err_errno(e, "open", path);
	buf_deinit(b);
	*b = BUF_INIT(max);
	while ((got = read_step(b, fd, path, e)) > 0)
		b->len += (size_t)got;
	if (got < 0)
		return -1;
	return buf_add(b, "", 0); /* the NUL, also for an empty file */
}

void io_fsync_or_die(int fd, const char *path)
{
	int failed;

	do
		failed = fsync(fd);
	while (failed && errno == EINTR);
	if (FAULT("io.fsync")) {
		errno = EIO;
		failed = -1;
	}
	if (failed)
		log_fatal(NULL, "fsync(%s) failed: %s", path, strerror(errno));
}

void io_fsync_dir_or_die(int dirfd, const char *path)
{
	int failed;

	do
		failed = fsync(dirfd);
	while (failed && errno == EINTR);
	if (FAULT("io.fsync_dir")) {
		errno = EIO;
		failed = -1;
	}
	if (failed)
		log_fatal(NULL, "fsync(%s) failed: %s", path, strerror(errno));
}

/* One directory below parent, which it opens. Whoever finds the entry there already must not go on
 * before its maker has made it durable: hence the lock, which works between threads and between
 * processes. The parent is opened afresh for it, since a lock belongs to the open file and would
 * not hold off another thread that shares it. A maker that was killed in between leaves that to
 * whoever comes next; what leads to an absolute path is older than we are. */
static int make_one(int parent, const char *name, const char *path, mode_t mode, struct err *e)
{
	_close_ int lock = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (lock < 0)
		return err_errno(e, "open", path);
	while (flock(lock, LOCK_EX) < 0 && errno == EINTR)
		;
	bool made = mkdirat(parent, name, mode) == 0;

	if (!made && errno != EEXIST)
		return err_errno(e, "mkdir", path);
	if (made || path[0] != '/')
		io_fsync_dir_or_die(lock, path);
	return 0;
}

int io_mkdirs(int dirfd, const char *path, mode_t mode, struct err *e)
{
	const char *start = path[0] == '/' ? "/" : ".";
	_close_ int at = openat(dirfd, start, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_free_ char *names = mem_strdup(path);
	char *rest = NULL;

	if (at < 0)
		return err_errno(e, "open", path);
	for (char *name = strtok_r(names, "/", &rest); name; name = strtok_r(NULL, "/", &rest)) {
		if (make_one(at, name, path, mode, e))
			return -1;
		int next = openat(at, name, O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (next < 0)
			return err_errno(e, "open", path);
		io_closep(&at);
		at = next;
	}
	return 0;
}

static int fill_and_rename(const char *temp, int fd, const char *path, const void *data, size_t n,
	mode_t mode, struct err *e)
{
	if (io_write_all(fd, data, n))
		return err_errno(e, "write", temp);
	if (fchmod(fd, mode))
		return err_errno(e, "fchmod", temp);
	io_fsync_or_die(fd, temp);
	if (rename(temp, path))
		return err_errno(e, "rename", path);
	return 0;
}

int io_replace_file(const char *path, const void *data, size_t n, mode_t mode, struct err *e)
{
	_free_ char *temp = mem_printf("%s.XXXXXX", path);
	const char *slash = strrchr(path, '/');
	size_t dir_n = slash && slash != path ? (size_t)(slash - path) : 1;
	_free_ char *dir = mem_dup(slash ? path : ".", dir_n);
	_close_ int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dirfd < 0)
		return err_errno(e, "open", dir);
	_close_ int fd = mkostemp(temp, O_CLOEXEC);

	if (fd < 0)
		return err_errno(e, "mkostemp", temp);
	if (fill_and_rename(temp, fd, path, data, n, mode, e)) {
		unlink(temp);
		return -1;
	}
	io_fsync_dir_or_die(dirfd, dir);
	return 0;
}

int io_send_fd(int socket, const void *data, size_t n, int fd)
{
	struct iovec piece = { .iov_base = (void *)(uintptr_t)data, .iov_len = n };
	union {
		struct cmsghdr header; /* for its alignment */
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr m = { .msg_iov = &piece, .msg_iovlen = 1 };
	ssize_t sent;

	if (fd >= 0) {
		m.msg_control = control.space;
		m.msg_controllen = sizeof(control.space);
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	do
		sent = sendmsg(socket, &m, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent >= 0 && (size_t)sent != n) {
		errno = EMSGSIZE;
		return -1;
	}
	return sent < 0 ? -1 : 0;
}
