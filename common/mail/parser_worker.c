#include "mail/parser_worker.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/pack.h"
#include "sys/io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* Linux 6.3 */
#endif

#define START_TIMEOUT (10 * CLOCK_SECOND) /* generous: on a busy machine a start takes its time */
#define KEEP_BUFFER (256u * 1024) /* a larger receive buffer is given back after use */

/* ---- the window ---- */

/* Kernels since 6.3 want to hear whether the content may be executed; older ones don't know the
 * word. */
static int memory_file(void)
{
	static atomic_uint flags = MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL;
	int fd = memfd_create("message", flags);

	if (fd < 0 && errno == EINVAL && (flags & MFD_NOEXEC_SEAL)) {
		flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
		fd = memfd_create("message", flags);
	}
	return fd;
}

/* Memory that is written here and nowhere else: once this mapping is there the file is sealed against others that could
 * write, and against another length, which would be our fault (SIGBUS). */
static int open_window(void **window_r, int *fd_r, struct err *e)
{
	_close_ int fd = memory_file();

	if (fd < 0 || ftruncate(fd, PARSER_WINDOW))
		return err_errno(e, "memfd_create", "parser window");
	void *window = mmap(NULL, PARSER_WINDOW, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (window == MAP_FAILED)
		return err_errno(e, "mmap", "parser window");
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)) {
		err_errno(e, "fcntl(F_ADD_SEALS)", "parser window");
		munmap(window, PARSER_WINDOW);
		return -1;
	}
	*window_r = window;
	*fd_r = fd;
	fd = -1;
	return 0;
}

/* ---- start and stop ---- */

/* posix_spawn and not fork: the daemon has threads and may be large. The child gets descriptors 3
 * and 4 and nothing else of ours, no blocked signal, and an empty environment, for a daemon's may
 * hold passwords. The socket is above 4: what the first dup2() replaces is not the second's source. */
static int spawn(pid_t *pid_r, const char *program, char *const argv[], int socket, int window)
{
	char *const environment[] = { NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_adddup2(&actions, window, PARSER_WINDOW_FD);
	posix_spawn_file_actions_adddup2(&actions, socket, PARSER_FD);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addclosefrom_np(&actions, PARSER_WINDOW_FD + 1);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	int failure = FAULT("parser-spawn") ? EAGAIN
					    : posix_spawn(pid_r, program, &actions, &attributes,
						      argv, environment);

	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return failure;
}

static int spawn_connected(struct parser_worker *w, const char *program, char *const argv[], struct err *e)
{
	_close_ int window = -1, theirs = -1, moved = -1;
	int pair[2];

	if (open_window(&w->window, &window, e))
		return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return err_errno(e, "socketpair", program);
	w->socket = pair[0];
	theirs = pair[1];
	moved = fcntl(theirs, F_DUPFD_CLOEXEC, PARSER_WINDOW_FD + 1);
	if (moved < 0)
		return err_errno(e, "fcntl(F_DUPFD_CLOEXEC)", program);
	int failure = spawn(&w->pid, program, argv, moved, window);

	if (!failure)
		return 0;
	w->pid = 0;
	errno = failure;
	return err_errno(e, "posix_spawn", program);
}

int parser_worker_start(
	struct parser_worker *w, const char *program, uint64_t memory_max, struct err *e)
{
	_free_ char *memory = mem_printf("%llu", (unsigned long long)memory_max);
	_free_ char *name = mem_strdup("strongroom-parser");
	char *const argv[] = { name, memory, NULL };

	w->ready = false;
	w->served = 0;
	w->in = BUF_INIT(4 + PARSER_ANSWER_MAX);
	if (spawn_connected(w, program, argv, e) == 0)
		return 0;
	parser_worker_stop(w, NULL);
	return -1;
}

void parser_worker_stop(struct parser_worker *w, int *status_r)
{
	int status = 0;

	io_closep(&w->socket);
	buf_deinit(&w->in);
	if (w->window)
		munmap(w->window, PARSER_WINDOW);
	w->window = NULL;
	if (w->pid) {
		kill(w->pid, SIGKILL);
		while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
			continue;
	}
	w->pid = 0;
	w->ready = false;
	if (status_r)
		*status_r = status;
}

int parser_worker_wait_ready(struct parser_worker *w, struct err *e)
{
	int64_t deadline = clock_monotonic_us() + START_TIMEOUT;
	const uint8_t *payload;
	enum parser_answer kind;
	size_t n;
	int status;

	if (w->ready)
		return 0;
	enum parser_outcome outcome = parser_worker_receive(w, deadline, &kind, &payload, &n);

	if (outcome == PARSER_OK && kind == PARSER_READY) {
		struct unpack u = UNPACK_INIT(payload, n);
		uint32_t version = unpack_u32(&u);

		w->ready = version == PARSER_PROTOCOL_VERSION;
		if (w->ready)
			return 0;
		parser_worker_stop(w, &status);
		return err_temporary(e, "start(strongroom-parser) failed: it speaks version %u, this program %d: "
					"restart the daemons after an upgrade", version, PARSER_PROTOCOL_VERSION);
	}
	parser_worker_stop(w, &status);
	return err_temporary(e, "start(strongroom-parser) failed: %s (wait status 0x%x)",
		outcome == PARSER_HUNG ? "it did not answer in time"
				       : "it ended before it was ready",
		(unsigned)status);
}

/* ---- requests ---- */

static int pack_request(struct buf *out, const struct parser_request *r)
{
	return pack_u32(out, 1 + (8 + 4) + (8 + 8)) || pack_u8(out, (uint8_t)r->op) ||
			       pack_u32(out, PARSER_INDEX) || pack_u32(out, 4) || pack_u32(out, r->index) ||
			       pack_u32(out, PARSER_SIZE) || pack_u32(out, 8) ||
			       pack_u64(out, message_size(r->message))
		       ? -1
		       : 0;
}

int parser_worker_send(struct parser_worker *w, const struct parser_request *r)
{
	CLEANUP(buf_deinit) struct buf request = BUF_INIT(PARSER_REQUEST_MAX);
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };

	if (pack_request(&request, r))
		return -1;
	if (r->fd < 0)
		memcpy(w->window, message_bytes(r->message), (size_t)message_size(r->message));
	struct iovec part = { .iov_base = request.data, .iov_len = request.len };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };

	if (r->fd >= 0) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &r->fd, sizeof(r->fd));
	}
	ssize_t sent;

	do
		sent = sendmsg(w->socket, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)request.len
		       ? 0
		       : -1; /* so few bytes always fit into the socket of a sane worker */
}

/* ---- answers ---- */

static enum parser_outcome wait_readable(int socket, int64_t deadline_us)
{
	struct pollfd p = { .fd = socket, .events = POLLIN };

	for (;;) {
		int64_t left = deadline_us - clock_monotonic_us();

		if (left <= 0)
			return PARSER_HUNG;
		int n = poll(&p, 1, left / 1000 >= INT32_MAX ? INT32_MAX : (int)(left / 1000) + 1);

		if (n > 0)
			return PARSER_OK;
		if (n < 0 && errno != EINTR)
			return PARSER_DIED;
	}
}

/* Reads until `need` bytes are there. Waiting comes second: the answer to what was asked a while ago is there. */
static enum parser_outcome fill(struct parser_worker *w, size_t need, int64_t deadline_us)
{
	enum parser_outcome outcome = PARSER_OK;

	while (w->in.len < need && outcome == PARSER_OK) {
		size_t room = need - w->in.len > PARSER_CHUNK ? need - w->in.len : PARSER_CHUNK;

		if (room > w->in.max - w->in.len)
			room = w->in.max - w->in.len;
		char *to = buf_reserve(&w->in, room);
		ssize_t n = to ? recv(w->socket, to, room, MSG_DONTWAIT) : 0;

		if (n > 0)
			w->in.len += (size_t)n;
		else if (n < 0 && errno == EAGAIN)
			outcome = wait_readable(w->socket, deadline_us);
		else if (n == 0 || errno != EINTR)
			outcome = PARSER_DIED;
	}
	return outcome;
}

bool parser_worker_answered(const struct parser_worker *w)
{
	struct pollfd p = { .fd = w->socket, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

static uint32_t frame_length(const struct buf *in)
{
	struct unpack u = UNPACK_INIT(in->data, in->len);

	return unpack_u32(&u);
}

/* Forgets the answer that was given out before. */
static void consume(struct parser_worker *w)
{
	if (!w->in.len)
		return;
	buf_consume(&w->in, 4 + (size_t)frame_length(&w->in));
	if (!w->in.len && w->in.cap > KEEP_BUFFER)
		buf_deinit(&w->in);
}

enum parser_outcome parser_worker_receive(struct parser_worker *w, int64_t deadline_us,
	enum parser_answer *kind_r, const uint8_t **payload_r, size_t *n_r)
{
	consume(w);
	enum parser_outcome outcome = fill(w, 4, deadline_us);

	if (outcome != PARSER_OK)
		return outcome;
	size_t length = frame_length(&w->in);

	if (length < 1 || length > PARSER_ANSWER_MAX)
		return PARSER_DIED;
	outcome = fill(w, 4 + length, deadline_us);
	if (outcome != PARSER_OK)
		return outcome;
	*kind_r = (enum parser_answer)(uint8_t)w->in.data[4];
	*payload_r = (const uint8_t *)w->in.data + 5;
	*n_r = length - 1;
	return PARSER_OK;
}
