#include "workerd/export_spool.h"

#include "base/buf.h"
#include "sys/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define MEMORY_MAX ((size_t)256 * 1024)
#define PIECE ((size_t)64 * 1024)

struct export_spool {
	const char *dir;
	struct buf tail; /* what is not in the file */
	int fd;		 /* -1: no file yet */
	uint64_t size;
	struct sha256 *hash;
};

struct export_spool *export_spool_new(const char *spool_dir)
{
	struct export_spool *s = MEM_NEW(struct export_spool);

	s->dir = spool_dir;
	s->tail = BUF_INIT(MEMORY_MAX);
	s->fd = -1;
	s->hash = sha256_new();
	return s;
}

void export_spool_freep(struct export_spool **sp)
{
	struct export_spool *s = *sp;

	*sp = NULL;
	if (!s)
		return;
	io_closep(&s->fd);
	buf_deinit(&s->tail);
	sha256_freep(&s->hash);
	free(s);
}

void export_spool_reset(struct export_spool *s)
{
	io_closep(&s->fd);
	buf_reset(&s->tail);
	s->size = 0;
	sha256_freep(&s->hash);
	s->hash = sha256_new();
}

static int failed(const struct export_spool *s, const char *op, struct err *e)
{
	return err_errno(e, op, s->dir);
}

/* A file that never has a name, or loses it at once where the file system has no such thing. */
static int open_file(struct export_spool *s, struct err *e)
{
	s->fd = open(s->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (s->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
		_free_ char *path = mem_printf("%s/.export-XXXXXX", s->dir);

		s->fd = mkostemp(path, O_CLOEXEC);
		if (s->fd >= 0)
			unlink(path);
	}
	return s->fd < 0 ? failed(s, "open a temporary file", e) : 0;
}

static int flush(struct export_spool *s, struct err *e)
{
	if (s->fd < 0 && open_file(s, e))
		return -1;
	if (io_write_all(s->fd, s->tail.data, s->tail.len))
		return failed(s, "write to a temporary file", e);
	buf_reset(&s->tail);
	return 0;
}

int export_spool_add(struct export_spool *s, const void *data, size_t n, struct err *e)
{
	const char *at = data;

	sha256_add(s->hash, data, n);
	s->size += n;
	while (n) {
		size_t room = MEMORY_MAX - s->tail.len, some = n < room ? n : room;

		if (!some && flush(s, e))
			return -1;
		if (buf_add(&s->tail, at, some))
			abort(); /* there is room for it */
		at += some;
		n -= some;
	}
	return 0;
}

int export_spool_print(struct export_spool *s, struct err *e, const char *fmt, ...)
{
	_free_ char *text = NULL;
	va_list args;

	va_start(args, fmt);
	int n = vasprintf(&text, fmt, args);

	va_end(args);
	if (n < 0)
		abort(); /* no memory */
	return export_spool_add(s, text, (size_t)n, e);
}

uint64_t export_spool_size(const struct export_spool *s)
{
	return s->size;
}

void export_spool_finish(struct export_spool *s, uint8_t sha256_r[SHA256_SIZE])
{
	sha256_finish(s->hash, sha256_r);
}

int export_spool_read(struct export_spool *s, int (*take)(void *ctx, const void *data, size_t n, struct err *e), void *ctx,
	struct err *e)
{
	_free_ char *piece = mem_alloc(PIECE, 1);
	uint64_t in_file = s->size - s->tail.len;

	for (uint64_t at = 0; at < in_file;) {
		ssize_t n = pread(s->fd, piece, PIECE, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? failed(s, "read a temporary file", e) : err_temporary(e, "read(%s) failed: it was cut", s->dir);
		if (take(ctx, piece, (size_t)n, e))
			return -1;
		at += (uint64_t)n;
	}
	return s->tail.len ? take(ctx, s->tail.data, s->tail.len, e) : 0;
}
