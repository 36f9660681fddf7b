/* strongroom-parser: the worker behind mail/parser_pool.h. Started by the daemons alone, with
 * descriptors 3 and 4 as mail/parser_protocol.h has them; never by hand. */
#include "base/log.h"
#include "parser/answer.h"
#include "parser/read.h"
#include "sys/io.h"
#include "sys/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* The daemon ends a worker that takes too long. This is for the worker whose daemon was killed while it went round in
 * circles; others are replaced long before. Longer than any time limit. */
#define LIFE_CPU_SECONDS 1800

struct request {
	enum parser_operation op;
	uint32_t index;
	uint64_t size; /* of the message */
	int fd;	       /* of the message; -1: it is in the window */
};

static const char *window;

/* ---- requests ---- */

/* Reads on until the request is whole. The descriptor comes beside its first byte, if at all. */
static int receive(struct buf *in, int *fd_r)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	size_t whole = 4;

	while (in->len < whole) {
		struct iovec part = { .iov_base = in->data + in->len, .iov_len = in->max - in->len };
		struct msghdr m = { .msg_iov = &part,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control) };
		ssize_t n = recvmsg(PARSER_FD, &m, MSG_CMSG_CLOEXEC);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		const struct cmsghdr *c = CMSG_FIRSTHDR(&m);

		if (c && c->cmsg_type == SCM_RIGHTS && *fd_r < 0)
			memcpy(fd_r, CMSG_DATA(c), sizeof(*fd_r));
		in->len += (size_t)n;
		struct unpack u = UNPACK_INIT(in->data, in->len);

		if (in->len >= 4)
			whole = 4 + (size_t)unpack_u32(&u);
		if (whole > in->max)
			return -1;
	}
	return 0;
}

static int parse_request(struct request *r, const struct buf *in)
{
	struct unpack u = UNPACK_INIT(in->data + 4, in->len - 4);

	r->op = (enum parser_operation)unpack_u8(&u);
	while (u.at < u.end && !u.failed) {
		uint32_t tag = unpack_u32(&u);
		size_t n;
		const uint8_t *at = unpack_bytes(&u, &n);
		struct unpack value = UNPACK_INIT(at, n);

		if (tag == PARSER_INDEX)
			r->index = unpack_u32(&value);
		else if (tag == PARSER_SIZE)
			r->size = unpack_u64(&value);
	}
	return unpack_end(&u);
}

/* ---- operations ---- */

static int send_data(void *ctx, struct span data)
{
	(void)ctx;
	while (data.n) {
		struct span piece = { data.at, data.n > PARSER_CHUNK ? PARSER_CHUNK : data.n };

		if (answer(PARSER_DATA, piece))
			return -1;
		data.at += piece.n;
		data.n -= piece.n;
	}
	return 0;
}

static int extract(struct span message, uint32_t index)
{
	int found = read_attachment(message, index, send_data, NULL);

	if (found < 0)
		return -1;
	return answer(found ? PARSER_END : PARSER_NONE, (struct span){ "", 0 });
}

static int parse(struct span message)
{
	CLEANUP(parsed_freep) struct parsed *p = read_message(message);

	return answer_parsed(p);
}

static int serve(const struct request *r, struct span message)
{
	switch (r->op) {
	case PARSER_PARSE:
		return parse(message);
	case PARSER_EXTRACT:
		return extract(message, r->index);
	}
	return answer(PARSER_REFUSED, (struct span){ "", 0 });
}

/* A message that came as a descriptor. */
static int serve_large(const struct request *r)
{
	size_t n = (size_t)r->size;
	void *map = mmap(NULL, n, PROT_READ, MAP_PRIVATE | MAP_POPULATE, r->fd, 0);

	if (map == MAP_FAILED)
		return -1;
	int failed = serve(r, (struct span){ map, n });

	munmap(map, n);
	return failed;
}

/* One request and its answer. false: the daemon is gone or talks nonsense. */
static bool serve_one(struct buf *in)
{
	struct request r = { .fd = -1 };

	buf_reset(in);
	bool good = receive(in, &r.fd) == 0 && parse_request(&r, in) == 0;

	if (good && r.fd >= 0)
		good = serve_large(&r) == 0;
	else if (good)
		good = r.size <= PARSER_WINDOW && serve(&r, (struct span){ window, (size_t)r.size }) == 0;
	io_closep(&r.fd);
	return good;
}

/* Bytes of address space that programs and libraries take before any message does. */
static uint64_t mapped(void)
{
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(0);
	unsigned long pages = 0;
	struct err e;

	if (io_read_file(&b, "/proc/self/statm", 4096, &e) == 0 && b.data)
		pages = strtoul(b.data, NULL, 10);
	return pages ? (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE) : UINT64_C(256) << 20;
}

static int say_ready(void)
{
	static const char version[] = { 0, 0, 0, PARSER_PROTOCOL_VERSION };

	return answer(PARSER_READY, (struct span){ version, sizeof(version) });
}

/* Before the sandbox, which allows no memory that is shared. */
static int map_window(void)
{
	void *map = mmap(NULL, PARSER_WINDOW, PROT_READ, MAP_SHARED | MAP_POPULATE, PARSER_WINDOW_FD, 0);

	if (map == MAP_FAILED)
		return -1;
	window = map;
	close(PARSER_WINDOW_FD);
	return 0;
}

int main(int argc, char **argv)
{
	struct sandbox_limits limits = {
		.cpu_seconds = LIFE_CPU_SECONDS, .descriptors = PARSER_FD + 2 };
	CLEANUP(buf_deinit) struct buf in = BUF_INIT(PARSER_REQUEST_MAX);
	struct err e;

	log_init("strongroom-parser", LOG_INFO);
	if (argc != 2 || str_parse_u64(&limits.memory, argv[1], INT64_MAX) ||
		fcntl(PARSER_FD, F_GETFD) < 0) {
		fputs("strongroom-parser is started by the daemons of Strongroom: see "
		      "strongroom(7)\n",
			stderr);
		return 64;
	}
	close_range(PARSER_WINDOW_FD + 1, UINT_MAX, 0); /* whatever the daemon had open is none of ours */
	if (fcntl(PARSER_WINDOW_FD, F_GETFD) < 0)
		return say_ready() ? 71 : 0; /* a daemon of version 1: it shall hear which we are */
	bool mapped_window = map_window() == 0;
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

	read_init();
	limits.memory += mapped();
	if (!mapped_window || nowhere < 0 || sandbox_enter(&limits, &e)) {
		log_error(NULL, "%s", !mapped_window ? "mmap(window) failed"
					: nowhere < 0	? "open(/dev/null) failed"
							: e.text);
		return 71;
	}
	/* Libraries warn about what they read, and that is nobody's to log. */
	if (!SANDBOX_SANITIZED && nowhere != STDERR_FILENO)
		dup3(nowhere, STDERR_FILENO, O_CLOEXEC);
	if (nowhere != STDERR_FILENO)
		close(nowhere);
	if (!buf_reserve(&in, PARSER_REQUEST_MAX) || say_ready())
		return 0;
	while (serve_one(&in))
		continue;
	_exit(0); /* the libraries' clean-up would want what the sandbox forbids */
}
