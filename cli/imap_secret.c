#include "cli/imap_secret.h"

#include "sys/io.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_MAX (16 * 1024)

static char *read_line(int fd, const char *path, struct err *e)
{
	char text[SECRET_MAX];
	ssize_t n = read(fd, text, sizeof(text));
	char *line = NULL;

	if (n < 0)
		err_errno(e, "read", path);
	else
		line = mem_dup(text, (size_t)n);
	explicit_bzero(text, sizeof(text));
	if (!line)
		return NULL;
	line[strcspn(line, "\r\n")] = '\0';
	if (*line)
		return line;
	free(line);
	err_temporary(e, "read(%s) failed: there is nothing in it", path);
	return NULL;
}

char *imap_secret_read(const char *path, struct err *e)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		err_errno(e, "open", path);
		return NULL;
	}
	if (st.st_mode & (S_IRWXG | S_IRWXO)) {
		err_permanent(e, "%s can be read by others: chmod 600 %s", path, path);
		return NULL;
	}
	return read_line(fd, path, e);
}
