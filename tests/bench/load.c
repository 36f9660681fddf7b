/* load: drives an LMTP server as a busy mail system would.
 *
 *	load -a ADDRESS [-c CONNECTIONS] [-t SECONDS] [-r PER_SECOND] [-s BYTES] [-p PID]
 *
 * ADDRESS as in strongroom.conf (inet:127.0.0.1:2424, unix:/path). Without -r every connection sends as fast as it is
 * answered; with it transactions begin on a fixed schedule, and latency counts from the scheduled moment, so that a
 * stall of the server shows in full. -s: every message of that size in place of the mix (see mix.h). -p: the daemon,
 * whose CPU time (with its children's) and memory are read from /proc. Prints one line of key=value. */
#include "mix.h"

#include "base/str.h"
#include "sys/io.h"
#include "sys/net.h"

#include <dirent.h>
#include <getopt.h>
#include <pthread.h>
#include <unistd.h>

struct options {
	const char *address;
	unsigned connections;
	unsigned seconds;
	double rate;
	size_t fixed;
	int pid;
};

struct bench {
	struct options o;
	struct mix mix;
	int64_t start_us, end_us;
	atomic_uint_fast64_t ticket; /* of the schedule */
};

struct sender {
	struct bench *b;
	pthread_t thread;
	int fd;
	char in[8192];
	size_t have;
	struct mix_result result;
};

/* ---- LMTP ---- */

/* The code of the next reply (its last line), or -1. */
static int read_reply(struct sender *s)
{
	for (;;) {
		char *end = memchr(s->in, '\n', s->have);

		if (!end) {
			ssize_t got = read(s->fd, s->in + s->have, sizeof(s->in) - s->have);

			if (got <= 0)
				return -1;
			s->have += (size_t)got;
			continue;
		}
		bool last = end - s->in >= 4 && s->in[3] == ' ';
		int code = atoi(s->in);

		s->have -= (size_t)(end + 1 - s->in);
		memmove(s->in, end + 1, s->have);
		if (last)
			return code;
	}
}

static int expect(struct sender *s, int code)
{
	return read_reply(s) == code ? 0 : -1;
}

static int connect_to(struct sender *s)
{
	static const char hello[] = "LHLO bench.example\r\n";
	struct err e;

	s->have = 0;
	s->fd = net_connect(s->b->o.address, 10 * CLOCK_SECOND, &e);
	if (s->fd < 0) {
		fprintf(stderr, "load: %s\n", e.text);
		return -1;
	}
	return expect(s, 220) || io_write_all(s->fd, hello, strlen(hello)) || expect(s, 250) ? -1 : 0;
}

/* MAIL, every RCPT and DATA in one packet (PIPELINING), then the message. */
static int transaction(struct sender *s, const struct mix_message *m, struct buf *copy, uint64_t number)
{
	char commands[1024];
	int n = snprintf(commands, sizeof(commands), "MAIL FROM:<sender%d@bench.example> SIZE=%zu\r\n",
		(int)(number % MIX_MESSAGES), copy->len);
	int refused = 0;

	for (int i = 0; i < m->recipients; i++)
		n += snprintf(commands + n, sizeof(commands) - (size_t)n, "RCPT TO:<user%d@bench.example>\r\n",
			(int)((number * 7 + (uint64_t)i) % 500));
	n += snprintf(commands + n, sizeof(commands) - (size_t)n, "DATA\r\n");
	if (io_write_all(s->fd, commands, (size_t)n))
		return -1;
	for (int i = 0; i <= m->recipients; i++)
		refused |= expect(s, 250);
	if (expect(s, 354) || refused)
		return -1; /* the caller connects anew */
	if (buf_add_str(copy, ".\r\n") || io_write_all(s->fd, copy->data, copy->len))
		return -1;
	for (int i = 0; i < m->recipients; i++)
		refused |= expect(s, 250);
	return refused ? -1 : 0;
}

/* ---- a connection ---- */

/* When the next transaction is to begin; false when the time is over. */
static bool next_turn(struct bench *b, int64_t *begin_us)
{
	*begin_us = clock_monotonic_us();
	if (b->o.rate > 0) {
		uint64_t ticket = atomic_fetch_add(&b->ticket, 1);
		int64_t due = b->start_us + (int64_t)((double)ticket * 1e6 / b->o.rate);

		if (due < b->end_us && due > *begin_us)
			usleep((useconds_t)(due - *begin_us));
		*begin_us = due;
	}
	return *begin_us < b->end_us;
}

static void *send_all(void *arg)
{
	struct sender *s = arg;
	CLEANUP(buf_deinit) struct buf copy = BUF_INIT((size_t)32 << 20);
	int64_t begin_us;
	uint64_t number;
	bool connected = connect_to(s) == 0;

	while (next_turn(s->b, &begin_us)) {
		const struct mix_message *m = mix_next(&s->b->mix, &copy, &number);

		if (connected && transaction(s, m, &copy, number) == 0) {
			mix_note(&s->result, clock_monotonic_us() - begin_us, m->length);
			continue;
		}
		s->result.failed++;
		io_closep(&s->fd);
		usleep(10000);
		connected = connect_to(s) == 0;
	}
	io_closep(&s->fd);
	return NULL;
}

/* ---- what the daemon used ---- */

struct usage {
	double cpu_s;		/* the daemon and its children */
	double daemon_cpu_s;
	long rss_kib, peak_kib; /* of the daemon */
	long children_kib;
};

static long status_kib(const char *pid, const char *key)
{
	_free_ char *path = mem_printf("/proc/%s/status", pid);
	FILE *f = fopen(path, "r");
	char line[256];
	long kib = 0;

	while (f && fgets(line, sizeof(line), f))
		if (str_istarts(line, key))
			kib = atol(line + strlen(key));
	if (f)
		fclose(f);
	return kib;
}

/* CPU seconds of a process; *parent_r; *ended_r those of its children that have ended. -1 when it is gone. */
static double cpu_of(const char *pid, int *parent_r, double *ended_r)
{
	_free_ char *path = mem_printf("/proc/%s/stat", pid);
	FILE *f = fopen(path, "r");
	char line[1024], *at;
	unsigned long t[4] = { 0 };
	double seconds = -1;

	if (f && fgets(line, sizeof(line), f) && (at = strrchr(line, ')')) &&
		sscanf(at + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %lu %lu", parent_r, &t[0], &t[1],
			&t[2], &t[3]) == 5) {
		seconds = (double)(t[0] + t[1]) / (double)sysconf(_SC_CLK_TCK);
		*ended_r = (double)(t[2] + t[3]) / (double)sysconf(_SC_CLK_TCK);
	}
	if (f)
		fclose(f);
	return seconds;
}

static struct usage usage_of(int pid)
{
	struct usage u = { 0 };
	_free_ char *own = mem_printf("%d", pid);
	DIR *d = pid ? opendir("/proc") : NULL;
	struct dirent *entry;
	double ended = 0;
	int parent;

	while (d && (entry = readdir(d))) {
		double cpu = atoi(entry->d_name) ? cpu_of(entry->d_name, &parent, &ended) : -1;

		if (cpu < 0 || (atoi(entry->d_name) != pid && parent != pid))
			continue;
		u.cpu_s += cpu;
		if (atoi(entry->d_name) == pid) {
			u.daemon_cpu_s = cpu;
			u.cpu_s += ended; /* parser workers that have served their turn */
		} else {
			u.children_kib += status_kib(entry->d_name, "VmRSS:");
		}
	}
	if (d)
		closedir(d);
	u.rss_kib = pid ? status_kib(own, "VmRSS:") : 0;
	u.peak_kib = pid ? status_kib(own, "VmHWM:") : 0;
	return u;
}

/* ---- the run ---- */

static void run(struct bench *b, struct mix_result *total)
{
	struct sender *senders = MEM_ARRAY(struct sender, b->o.connections);

	b->start_us = clock_monotonic_us();
	b->end_us = b->start_us + (int64_t)b->o.seconds * CLOCK_SECOND;
	for (unsigned i = 0; i < b->o.connections; i++) {
		senders[i].b = b;
		senders[i].fd = -1;
		if (pthread_create(&senders[i].thread, NULL, send_all, &senders[i]))
			abort();
	}
	for (unsigned i = 0; i < b->o.connections; i++) {
		pthread_join(senders[i].thread, NULL);
		mix_merge(total, &senders[i].result);
	}
	free(senders);
}

static int usage(void)
{
	fputs("usage: load -a ADDRESS [-c CONNECTIONS] [-t SECONDS] [-r PER_SECOND] [-s BYTES] [-p PID]\n", stderr);
	return 2;
}

static int read_options(struct options *o, int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "a:c:t:r:s:p:")) != -1) {
		switch (option) {
		case 'a': o->address = optarg; break;
		case 'c': o->connections = (unsigned)atoi(optarg); break;
		case 't': o->seconds = (unsigned)atoi(optarg); break;
		case 'r': o->rate = atof(optarg); break;
		case 's': o->fixed = (size_t)atol(optarg); break;
		case 'p': o->pid = atoi(optarg); break;
		default: return -1;
		}
	}
	return o->address && o->connections && o->seconds ? 0 : -1;
}

int main(int argc, char **argv)
{
	static struct bench b = { .o = { .connections = 50, .seconds = 10 } };
	struct mix_result total = { 0 };

	if (read_options(&b.o, argc, argv))
		return usage();
	mix_init(&b.mix, b.o.fixed);
	struct usage before = usage_of(b.o.pid);

	run(&b, &total);
	struct usage after = usage_of(b.o.pid);
	double seconds = (double)(clock_monotonic_us() - b.start_us) / 1e6;
	double messages = total.done ? (double)total.done : 1;

	mix_print(&total, seconds);
	printf(" cpu_us=%.0f daemon_cpu_us=%.0f rss_mib=%.1f peak_mib=%.1f children_mib=%.1f\n",
		(after.cpu_s - before.cpu_s) * 1e6 / messages, (after.daemon_cpu_s - before.daemon_cpu_s) * 1e6 / messages,
		(double)after.rss_kib / 1024, (double)after.peak_kib / 1024, (double)after.children_kib / 1024);
	return total.failed ? 1 : 0;
}
