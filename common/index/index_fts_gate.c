#include "index/index_fts_gate.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#define WAIT_US (10 * CLOCK_SECOND)
#define POLL_NS 1000000

static struct flock region(enum fts_gate_lock which, short type)
{
	return (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_start = which, .l_len = 1 };
}

int fts_gate_open(int *fd_r, const char *path, struct err *e)
{
	_free_ char *name = mem_printf("%s.lock", path);

	*fd_r = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0660);
	if (*fd_r < 0 && (errno == EACCES || errno == EROFS))
		*fd_r = open(name, O_RDONLY | O_CLOEXEC); /* enough for shared locks */
	return *fd_r < 0 ? err_errno(e, "open", name) : 0;
}

static int lock(int fd, enum fts_gate_lock which, short type, int64_t wait_us, struct err *e)
{
	int64_t until = clock_monotonic_us() + wait_us;
	struct flock l = region(which, type);

	while (fcntl(fd, F_OFD_SETLK, &l)) {
		struct timespec pause = { .tv_nsec = POLL_NS };

		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EACCES)
			return err_errno(e, "lock", "index");
		if (clock_monotonic_us() >= until)
			return err_temporary(e, "lock(index) failed: %s", which == GATE_REBUILD ?
				"another rebuild is under way" : "the index is held by another process");
		nanosleep(&pause, NULL);
	}
	return 0;
}

int fts_gate_shared(int fd, enum fts_gate_lock which, struct err *e)
{
	return lock(fd, which, F_RDLCK, which == GATE_REBUILD ? 0 : WAIT_US, e);
}

int fts_gate_exclusive(int fd, enum fts_gate_lock which, struct err *e)
{
	return lock(fd, which, F_WRLCK, which == GATE_REBUILD ? 0 : WAIT_US, e);
}

void fts_gate_unlock(int fd, enum fts_gate_lock which)
{
	struct flock l = region(which, F_UNLCK);

	(void)!fcntl(fd, F_OFD_SETLK, &l);
}

bool fts_gate_is_held(int fd, enum fts_gate_lock which)
{
	struct flock l = region(which, F_RDLCK);

	return fcntl(fd, F_OFD_GETLK, &l) == 0 && l.l_type != F_UNLCK;
}
