#include "archive/lockfile.h"

#include "sys/io.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Open file description locks: they belong to the descriptor, so that threads of one process exclude each other too. */
static const struct flock whole_file = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

/* A lock made by root (a command line) must stay usable for the daemons: it belongs to whoever owns the directory. */
static void give_to_owner(int fd, const char *run_dir)
{
	struct stat st;

	if (geteuid() == 0 && stat(run_dir, &st) == 0 && fchown(fd, st.st_uid, st.st_gid))
		return; /* then it stays root's, and the daemons say what they can't open */
}

int lockfile_take(const char *run_dir, const char *name, int *fd_r, struct err *e)
{
	_free_ char *path = mem_printf("%s/%s.lock", run_dir, name);
	_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	struct flock lock = whole_file;

	if (fd < 0)
		return err_errno(e, "open", path);
	give_to_owner(fd, run_dir);
	if (fcntl(fd, F_OFD_SETLK, &lock))
		return errno == EAGAIN || errno == EACCES ? 0 : err_errno(e, "fcntl", path);
	*fd_r = fd;
	fd = -1;
	return 1;
}

bool lockfile_is_held(const char *run_dir, const char *name)
{
	_free_ char *path = mem_printf("%s/%s.lock", run_dir, name);
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct flock lock = whole_file;

	if (fd < 0)
		return errno != ENOENT;
	return fcntl(fd, F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}
