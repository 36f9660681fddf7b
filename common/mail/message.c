#include "mail/message.h"

#include "base/buf.h"
#include "base/fault.h"
#include "sys/io.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

struct message {
	const char *spool_dir;
	uint64_t size_max, size;
	struct buf pending; /* the whole content, or what is not in the file yet */
	int fd;		    /* the file, -1 while it all fits in memory */
	void *map;	    /* of the file, after message_finish() */
	struct sha256 *hash;
	uint8_t sha256[SHA256_SIZE];
	bool too_large;
};

struct message *message_new(const char *spool_dir, uint64_t size_max)
{
	struct message *m = MEM_NEW(struct message);

	m->spool_dir = spool_dir;
	m->size_max = size_max;
	m->pending = BUF_INIT(MESSAGE_MEMORY_MAX);
	m->fd = -1;
	m->hash = sha256_new();
	return m;
}

void message_freep(struct message **mp)
{
	struct message *m = *mp;

	if (!m)
		return;
	if (m->map)
		munmap(m->map, (size_t)m->size);
	io_closep(&m->fd);
	buf_deinit(&m->pending);
	sha256_freep(&m->hash);
	free(m);
	*mp = NULL;
}

void message_expect(struct message *m, uint64_t size)
{
	size_t n = size < MESSAGE_MEMORY_MAX ? (size_t)size : MESSAGE_MEMORY_MAX;

	assert(!m->pending.data);
	if (!n)
		return;
	m->pending.data = mem_realloc(NULL, n + 1, 1);
	m->pending.data[0] = '\0';
	m->pending.cap = n + 1;
}

/* A file that has no name from the start, or loses it at once where the file system has no
 * O_TMPFILE. */
static int spool_open(const char *dir)
{
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd;
	_free_ char *path = mem_printf("%s/.message-XXXXXX", dir);

	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

static int flush(struct message *m, struct err *e)
{
	if (m->fd < 0)
		m->fd = FAULT("spool-open") ? -1 : spool_open(m->spool_dir);
	if (m->fd < 0)
		return err_errno(e, "open a temporary file", m->spool_dir);
	if (io_write_all(m->fd, m->pending.data, m->pending.len))
		return err_errno(e, "write to a temporary file", m->spool_dir);
	buf_reset(&m->pending);
	return 0;
}

int message_append(struct message *m, const void *data, size_t n, struct err *e)
{
	const char *at = data;

	if (n > m->size_max - m->size) {
		m->too_large = true;
		return err_permanent(e, "message over %llu bytes", (unsigned long long)m->size_max);
	}
	sha256_add(m->hash, data, n);
	m->size += n;
	while (n) {
		size_t step = m->pending.max - m->pending.len;

		if (!step && flush(m, e))
			return -1;
		step = m->pending.max - m->pending.len;
		if (step > n)
			step = n;
		if (buf_add(&m->pending, at, step))
			return err_temporary(e, "message buffer overrun");
		at += step;
		n -= step;
	}
	return 0;
}

bool message_too_large(const struct message *m)
{
	return m->too_large;
}

int message_finish(struct message *m, struct err *e)
{
	sha256_finish(m->hash, m->sha256);
	if (m->fd < 0)
		return 0;
	if (flush(m, e))
		return -1;
	void *map = mmap(NULL, (size_t)m->size, PROT_READ, MAP_PRIVATE, m->fd, 0);

	if (map == MAP_FAILED)
		return err_errno(e, "mmap", m->spool_dir);
	m->map = map;
	buf_deinit(&m->pending);
	return 0;
}

uint64_t message_size(const struct message *m)
{
	return m->size;
}

const uint8_t *message_bytes(const struct message *m)
{
	const void *bytes = m->map ? m->map : m->pending.data;

	return bytes ? bytes : (const void *)"";
}

const uint8_t *message_sha256(const struct message *m)
{
	return m->sha256;
}

/* A second opening and not a dup(): the worker must not be able to write to what will be archived. */
int message_open_fd(const struct message *m, struct err *e)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", m->fd);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? err_errno(e, "open", path) : fd;
}
