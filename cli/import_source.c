#include "cli/import_source.h"

#include "base/str.h"
#include "cli/import_message.h"
#include "cli/mbox.h"
#include "sys/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 64
#define PIECE_SIZE (64u * 1024)

static void refuse_errno(struct import_source *s, const char *path)
{
	char reason[128];

	import_pool_refuse(s->pool, path, strerror_r(errno, reason, sizeof(reason)));
}

/* ---- one file ---- */

/* A file that is one message, of which `head` was read already. */
static int take_message(struct import_source *s, const char *path, int fd, const char *head, size_t head_n,
	struct err *e)
{
	struct capture c CLEANUP(capture_deinit) = import_message_begin(s->conf, s->recipients, path);
	_free_ char *piece = mem_alloc(PIECE_SIZE, 1);
	ssize_t n;

	if (import_message_append(&c, head, head_n, e) < 0)
		return -1;
	while ((n = read(fd, piece, PIECE_SIZE)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			refuse_errno(s, path);
			return 0;
		}
		if (import_message_append(&c, piece, (size_t)n, e) < 0)
			return -1;
	}
	return import_message_complete(s->pool, s->conf, &c, "", 0, e) < 0 ? -1 : 0;
}

/* 1: goes on with the mailbox, 0: it is at its end or can't be read further. */
static int take_from_mbox(struct import_source *s, const char *path, struct mbox *m, struct err *e)
{
	struct mbox_message info;
	struct err why;
	const char *data;
	size_t n;
	int rc = mbox_next(m, &info, &why);

	if (rc <= 0) {
		if (rc < 0)
			import_pool_refuse(s->pool, path, why.text);
		return 0;
	}
	_free_ char *where = mem_printf("%s:%" PRIu64, path, info.offset);
	struct capture c CLEANUP(capture_deinit) = import_message_begin(s->conf, s->recipients, where);

	while ((rc = mbox_read(m, &data, &n, &why)) > 0)
		if (import_message_append(&c, data, n, e) < 0)
			return -1;
	if (rc < 0) {
		import_pool_refuse(s->pool, where, why.text);
		return 0;
	}
	return import_message_complete(s->pool, s->conf, &c, info.sender, 0, e) < 0 ? -1 : 1;
}

static int take_mbox(struct import_source *s, const char *path, int fd, const char *head, size_t head_n, struct err *e)
{
	struct mbox *m CLEANUP(mbox_freep) = mbox_new(fd, head, head_n, s->unquote);
	int rc = 1;

	while (rc > 0 && !import_pool_stopped(s->pool))
		rc = take_from_mbox(s, path, m, e);
	return rc < 0 ? -1 : 0;
}

enum file_kind { BY_CONTENT, ONE_MESSAGE };

/* How many bytes there are, up to n; -1 with errno. */
static ssize_t read_head(int fd, char *head, size_t n)
{
	size_t have = 0;

	while (have < n) {
		ssize_t more = read(fd, head + have, n - have);

		if (more == 0)
			break;
		if (more < 0 && errno != EINTR)
			return -1;
		have += more > 0 ? (size_t)more : 0;
	}
	return (ssize_t)have;
}

/* A mailbox begins with "From ", which no header field does. */
static int take_fd(struct import_source *s, const char *path, int fd, enum file_kind kind, struct err *e)
{
	char head[5];
	ssize_t n = read_head(fd, head, sizeof(head));

	if (n < 0) {
		refuse_errno(s, path);
		return 0;
	}
	if (kind == BY_CONTENT && n == sizeof(head) && memcmp(head, "From ", sizeof(head)) == 0)
		return take_mbox(s, path, fd, head, (size_t)n, e);
	return take_message(s, path, fd, head, (size_t)n, e);
}

/* `name` in the directory `parent` (AT_FDCWD: as the command line says, and a symbolic link is followed). */
static int take_file(struct import_source *s, int parent, const char *name, const char *path, enum file_kind kind, struct err *e)
{
	int follow = parent == AT_FDCWD ? 0 : O_NOFOLLOW;
	_close_ int fd = openat(parent, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | follow);
	struct stat st;

	if (fd < 0 && errno == ELOOP && follow) {
		import_pool_refuse(s->pool, path, "is a symbolic link");
		return 0;
	}
	if (fd < 0 || fstat(fd, &st) < 0) {
		refuse_errno(s, path);
		return 0;
	}
	if (!S_ISREG(st.st_mode)) {
		import_pool_refuse(s->pool, path, "is no regular file");
		return 0;
	}
	return take_fd(s, path, fd, kind, e);
}

/* ---- directories ----
 *
 * Run by root this reads everybody's files (cli/read_rights.h), and whoever owns a Maildir could have any of them archived by a
 * symbolic link, put in the place of a directory or file at any moment. So everything below what the command line names is
 * opened from the directory that it was found in, and no link is followed. */

static int open_directory(int parent, const char *name)
{
	return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n > m && str_ieq(name + n - m, end);
}

static int walk(struct import_source *s, int *fd, const char *path, unsigned depth, struct err *e);

/* A directory in another. */
static int take_directory(struct import_source *s, int *fd, const char *name, const char *path, bool maildir, unsigned depth,
	struct err *e)
{
	if (maildir && (strcmp(name, "cur") == 0 || strcmp(name, "new") == 0 || strcmp(name, "tmp") == 0))
		return 0;
	return walk(s, fd, path, depth + 1, e);
}

/* An entry of a directory that is no Maildir's cur or new. */
static int take_entry(struct import_source *s, int parent, const char *directory, const char *name, bool maildir, unsigned depth,
	struct err *e)
{
	_free_ char *path = mem_printf("%s/%s", directory, name);
	_close_ int fd = open_directory(parent, name);

	if (fd >= 0)
		return take_directory(s, &fd, name, path, maildir, depth, e);
	if (errno != ENOTDIR && errno != ELOOP && errno != ENOENT) {
		refuse_errno(s, path);
		return 0;
	}
	if (ends_with(name, ".eml") || ends_with(name, ".mbox"))
		return take_file(s, parent, name, path, BY_CONTENT, e);
	s->passed_over += !maildir; /* a Maildir has many files of its own beside the mail */
	return 0;
}

/* cur or new of a Maildir: every file is a message. */
static int take_mail(struct import_source *s, int parent, const char *directory, const char *name, struct err *e)
{
	_free_ char *path = mem_printf("%s/%s", directory, name);

	return *name == '.' ? 0 : take_file(s, parent, name, path, ONE_MESSAGE, e);
}

enum directory_kind { PLAIN, MAILDIR, MAILDIR_MAIL };

/* *fd is taken. */
static int read_directory(struct import_source *s, int *fd, const char *path, enum directory_kind kind, unsigned depth,
	struct err *e)
{
	const struct dirent *entry;
	DIR *d = fdopendir(*fd);
	int rc = 0;

	if (!d) {
		refuse_errno(s, path);
		return 0;
	}
	*fd = -1;
	while (rc == 0 && !import_pool_stopped(s->pool) && (entry = readdir(d))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (kind == MAILDIR_MAIL)
			rc = take_mail(s, dirfd(d), path, entry->d_name, e);
		else
			rc = take_entry(s, dirfd(d), path, entry->d_name, kind == MAILDIR, depth, e);
	}
	closedir(d);
	return rc;
}

/* *fd is taken. */
static int walk(struct import_source *s, int *fd, const char *path, unsigned depth, struct err *e)
{
	if (depth > DEPTH_MAX) {
		import_pool_refuse(s->pool, path, "is nested too deep");
		return 0;
	}
	_close_ int cur = open_directory(*fd, "cur"), new = open_directory(*fd, "new");

	if (cur < 0 || new < 0)
		return read_directory(s, fd, path, PLAIN, depth, e);
	_free_ char *cur_path = mem_printf("%s/cur", path), *new_path = mem_printf("%s/new", path);

	if (read_directory(s, &cur, cur_path, MAILDIR_MAIL, depth, e) < 0 ||
		read_directory(s, &new, new_path, MAILDIR_MAIL, depth, e) < 0)
		return -1;
	return read_directory(s, fd, path, MAILDIR, depth, e);
}

int import_source_walk(struct import_source *s, const char *path, struct err *e)
{
	if (strcmp(path, "-") == 0)
		return take_fd(s, "standard input", STDIN_FILENO, BY_CONTENT, e);
	_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 ? walk(s, &fd, path, 0, e) : take_file(s, AT_FDCWD, path, path, BY_CONTENT, e);
}
