#include "workerd/export_spool.h"

#include "sys/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MEMORY_MAX ((size_t)256 * 1024)
#define PIECE ((size_t)64 * 1024)

struct export_spool {
	const char *dir;
	const char *name; /* NULL: none */
	struct buf tail;  /* what is not in the file */
	int fd;		  /* -1: no file yet */
	uint64_t size;
	bool dirty; /* more was written than is durable */
	struct sha256 *hash;
};

struct export_spool *export_spool_new(const char *dir)
{
	return export_spool_new_named(dir, NULL);
}

struct export_spool *export_spool_new_named(const char *dir, const char *name)
{
	struct export_spool *s = MEM_NEW(struct export_spool);

	s->dir = dir;
	s->name = name;
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

static int failed(const struct export_spool *s, const char *op, struct err *e)
{
	_free_ char *path = mem_printf("%s/%s", s->dir, s->name ? s->name : "");

	return err_errno(e, op, path);
}

/* ---- the file ---- */

/* Made, or emptied: nothing of it was saved. */
static int open_named(const struct export_spool *s, int flags)
{
	_free_ char *path = mem_printf("%s/%s", s->dir, s->name);

	return open(path, flags | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0600);
}

/* Or loses its name at once where the file system has no such thing. */
static int open_nameless(const struct export_spool *s)
{
	int fd = open(s->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
		_free_ char *path = mem_printf("%s/.export-XXXXXX", s->dir);

		fd = mkostemp(path, O_CLOEXEC);
		if (fd >= 0)
			unlink(path);
	}
	return fd;
}

static int flush(struct export_spool *s, struct err *e)
{
	if (s->fd < 0)
		s->fd = s->name ? open_named(s, O_CREAT | O_TRUNC) : open_nameless(s);
	if (s->fd < 0)
		return failed(s, "open a temporary file", e);
	if (io_write_all(s->fd, s->tail.data, s->tail.len))
		return failed(s, "write to a temporary file", e);
	buf_reset(&s->tail);
	s->dirty = true;
	return 0;
}

/* ---- filling ---- */

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

/* ---- reading ---- */

/* The first n bytes of the file. */
static int read_file(const struct export_spool *s, uint64_t n, int (*take)(void *ctx, const void *data, size_t n, struct err *e),
	void *ctx, struct err *e)
{
	_free_ char *piece = mem_alloc(PIECE, 1);

	for (uint64_t at = 0; at < n;) {
		ssize_t got = pread(s->fd, piece, n - at < PIECE ? (size_t)(n - at) : PIECE, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return failed(s, "read a temporary file", e);
		if (!got)
			return err_permanent(e, "read(%s/%s) failed: it was cut", s->dir, s->name ? s->name : "");
		if (take(ctx, piece, (size_t)got, e))
			return -1;
		at += (uint64_t)got;
	}
	return 0;
}

int export_spool_read(struct export_spool *s, int (*take)(void *ctx, const void *data, size_t n, struct err *e), void *ctx,
	struct err *e)
{
	if (read_file(s, s->size - s->tail.len, take, ctx, e))
		return -1;
	return s->tail.len ? take(ctx, s->tail.data, s->tail.len, e) : 0;
}

/* ---- going on ---- */

int export_spool_save(struct export_spool *s, struct buf *state, struct err *e)
{
	uint8_t sha256[SHA256_SIZE];

	if (s->tail.len && flush(s, e))
		return -1;
	if (s->dirty)
		io_fsync_or_die(s->fd, s->name);
	s->dirty = false;
	sha256_so_far(s->hash, sha256);
	if (pack_u64(state, s->size) || pack_bytes(state, sha256, SHA256_SIZE))
		return err_permanent(e, "save(%s/%s) failed: no room for it", s->dir, s->name);
	return 0;
}

static int add_to_hash(void *ctx, const void *data, size_t n, struct err *e)
{
	(void)e;
	sha256_add(ctx, data, n);
	return 0;
}

/* What was saved is there, and nothing else. */
static int reopen(struct export_spool *s, const uint8_t sha256[SHA256_SIZE], struct err *e)
{
	uint8_t found[SHA256_SIZE];

	if (!s->size)
		return 0;
	s->fd = open_named(s, 0);
	if (s->fd < 0) {
		failed(s, "open", e);
		if (errno == ENOENT)
			e->class = ERR_PERMANENT;
		return -1;
	}
	if (read_file(s, s->size, add_to_hash, s->hash, e))
		return -1;
	sha256_so_far(s->hash, found);
	if (memcmp(found, sha256, SHA256_SIZE) != 0)
		return err_permanent(e, "resume(%s/%s) failed: it was altered", s->dir, s->name);
	if (ftruncate(s->fd, (off_t)s->size) || lseek(s->fd, 0, SEEK_END) < 0)
		return failed(s, "ftruncate", e);
	return 0;
}

int export_spool_resume(struct export_spool **s_r, const char *dir, const char *name, struct unpack *saved, struct err *e)
{
	CLEANUP(export_spool_freep) struct export_spool *s = export_spool_new_named(dir, name);
	const uint8_t *sha256;
	size_t n;

	s->size = unpack_u64(saved);
	sha256 = unpack_bytes(saved, &n);
	if (n != SHA256_SIZE || s->size > INT64_MAX)
		return err_permanent(e, "resume(%s/%s) failed: what was saved can't be read", dir, name);
	if (reopen(s, sha256, e))
		return -1;
	*s_r = s;
	s = NULL;
	return 0;
}
