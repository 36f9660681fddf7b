#include "sys/secret_file.h"

#include "base/str.h"
#include "sys/io.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096

static int read_all(struct buf *b, int fd, const char *path, struct err *e)
{
	for (;;) {
		char *room = buf_reserve(b, 1);
		ssize_t n;

		if (!room)
			return err_permanent(e, "read(%s) failed: it is longer than a file of secrets can be", path);
		n = read(fd, room, b->cap - b->len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(e, "read", path);
		if (n == 0)
			return 0;
		b->len += (size_t)n;
		b->data[b->len] = '\0';
	}
}

int secret_file_read(struct buf *b, const char *path, struct err *e)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	buf_reset(b);
	if (fd < 0 || fstat(fd, &st))
		return err_errno(e, "open", path);
	if (!S_ISREG(st.st_mode))
		return err_permanent(e, "open(%s) failed: it is no file", path);
	if (st.st_mode & 0007)
		return err_permanent(e, "open(%s) refused: every account can get at this secret; chmod o= %s", path, path);
	return read_all(b, fd, path, e);
}

int secret_file_line(char **line_r, const char *path, struct err *e)
{
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(LINE_MAX_BYTES);

	if (secret_file_read(&b, path, e))
		return -1;
	if (b.len)
		b.data[strcspn(b.data, "\r\n")] = '\0';
	const char *line = b.len ? str_trim(b.data) : "";

	if (!*line)
		return err_permanent(e, "read(%s) failed: its first line is empty, the secret should stand there", path);
	*line_r = mem_strdup(line);
	return 0;
}
