#include "archive/postfix_log.h"

#include "archive/archive_private.h"
#include "base/clock.h"
#include "base/log.h"
#include "sys/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE ((size_t)256 * 1024) /* longer than any line */
#define AT_ONCE (UINT64_C(16) << 20)

/* ---- lines ---- */

/* The complete lines among n bytes; how many bytes they are. */
static size_t give_lines(const char *data, size_t n, int64_t reference_us, struct postfix_account *account)
{
	size_t at = 0;
	const char *end;

	while ((end = memchr(data + at, '\n', n - at))) {
		size_t length = (size_t)(end - (data + at));

		postfix_account_line(account, data + at, length, reference_us);
		at += length + 1;
	}
	return at;
}

int postfix_log_read(int fd, const char *path, uint64_t *position, int64_t reference_us, struct postfix_account *account,
	struct err *e)
{
	_free_ char *piece = MEM_ARRAY(char, PIECE);

	for (uint64_t begin = *position; *position - begin < AT_ONCE;) {
		ssize_t got = pread(fd, piece, PIECE, (off_t)*position);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_errno(e, "read", path);
		size_t taken = give_lines(piece, (size_t)got, reference_us, account);

		if (!taken && (size_t)got == PIECE)
			taken = PIECE; /* no line of a log */
		*position += taken;
		if (!taken)
			return 0;
	}
	return 1;
}

/* ---- a log that is followed ---- */

struct following {
	struct archive *archive;
	const atomic_bool *stop;
	const char *path;
	struct postfix_account *account;
	struct mta_place place;
	int64_t now_us; /* when this turn began */
};

static void following_deinit(struct following *f)
{
	postfix_account_freep(&f->account);
}

static bool is_at(const struct following *f, const struct stat *st)
{
	return (uint64_t)st->st_dev == f->place.device && (uint64_t)st->st_ino == f->place.inode;
}

static void set_place(struct following *f, const struct stat *st, uint64_t position)
{
	f->place.path = f->path;
	f->place.device = (uint64_t)st->st_dev;
	f->place.inode = (uint64_t)st->st_ino;
	f->place.position = position;
	f->place.read_us = f->now_us;
	if (postfix_account_last_us(f->account))
		f->place.line_us = postfix_account_last_us(f->account);
}

/* To the end of the file, judging after each part. */
static int read_on(struct following *f, int fd, const struct stat *st, uint64_t position, bool current, struct err *e)
{
	int more = 1;

	while (more > 0 && !atomic_load(f->stop)) {
		more = postfix_log_read(fd, f->path, &position, f->now_us, f->account, e);
		if (more < 0)
			return -1;
		bool complete = current && !more;

		set_place(f, st, position);
		if (postfix_account_judge(f->account, complete ? f->now_us : postfix_account_last_us(f->account), complete,
			&f->place, e))
			return -1;
	}
	return 0;
}

/* The file that the log was left in, by another name by now. -1 when it is not there. */
static int open_renamed(const struct following *f, struct stat *st_r)
{
	_free_ char *dir = mem_dup(f->path, (size_t)(strrchr(f->path, '/') - f->path) + 1);
	DIR *d = opendir(dir);
	struct dirent *entry;
	int fd = -1;

	while (d && fd < 0 && (entry = readdir(d))) {
		struct stat st;

		if (fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode) || !is_at(f, &st))
			continue;
		fd = openat(dirfd(d), entry->d_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 && (fstat(fd, st_r) || !is_at(f, st_r)))
			io_closep(&fd);
	}
	if (d)
		closedir(d);
	return fd;
}

static void say_missed(const struct following *f, const char *why)
{
	char since[CLOCK_TEXT_SIZE];

	log_warn(NULL, "%s %s: lines since %s may have been missed; read that file with strongroom postfix-log", f->path, why,
		clock_format(since, f->place.line_us ? f->place.line_us : f->place.read_us));
}

static int finish_renamed(struct following *f, struct err *e)
{
	struct stat st;
	_close_ int fd = open_renamed(f, &st);

	if (fd < 0) {
		say_missed(f, "was rotated, and its former file is not to be found beside it");
		return 0;
	}
	return read_on(f, fd, &st, f->place.position, false, e);
}

/* Where to go on in the log that is now of that name. -1; stopped: *position_r is not to be used. */
static int find_position(struct following *f, const struct stat *st, uint64_t *position_r, struct err *e)
{
	*position_r = 0;
	if (!is_at(f, st))
		return finish_renamed(f, e);
	if ((uint64_t)st->st_size < f->place.position)
		say_missed(f, "was cut off");
	else
		*position_r = f->place.position;
	return 0;
}

static int follow(struct following *f, struct err *e)
{
	_close_ int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	uint64_t position;

	if (fd < 0 || fstat(fd, &st))
		return err_errno(e, fd < 0 ? "open" : "stat", f->path);
	if (!S_ISREG(st.st_mode))
		return err_temporary(e, "open(%s) failed: not a file", f->path);
	int known = meta_mta_place(f->archive->meta, f->path, &f->place, e);

	if (known < 0 || postfix_account_resume(f->account, e))
		return -1;
	if (!known)
		return read_on(f, fd, &st, (uint64_t)st.st_size, true, e);
	if (find_position(f, &st, &position, e))
		return -1;
	return atomic_load(f->stop) ? 0 : read_on(f, fd, &st, position, true, e);
}

int archive_postfix_log(struct archive *a, const atomic_bool *stop, struct err *e)
{
	CLEANUP(following_deinit)
	struct following f = { .archive = a, .stop = stop, .path = a->conf->workerd_postfix_log, .now_us = clock_now_us() };

	if (!*f.path)
		return 0;
	f.account = postfix_account_new(a->meta, a->conf->workerd_postfix_grace_us, NULL);
	if (follow(&f, e) == 0)
		return 0;
	e->class = ERR_TEMPORARY;
	return -1;
}
