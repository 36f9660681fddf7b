/* strongroom-lmtpd: takes mail over LMTP and answers when it is archived. */
#include "base/clock.h"
#include "lmtpd/listener.h"
#include "sys/options.h"
#include "sys/proc.h"

#include <malloc.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#define PROGRAM "strongroom-lmtpd"

/* Message buffers come from the kernel and go back to it; small memory is shared by the threads in
 * two arenas. Without this the heap keeps the size of the busiest moment for each thread. */
static void bound_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	mallopt(M_ARENA_MAX, 2);
}

/* A connection takes a descriptor or three: the soft limit is a relic of select(). */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* What needs root comes before the account is changed, what belongs to the account after. */
static int start(struct listener *l, const struct conf *conf, struct err *e)
{
	if (net_listen(&l->sockets, conf->lmtpd_listen, e) ||
		net_listeners_chown(&l->sockets, conf->user, e))
		return -1;
	if (proc_drop(conf->user, e) || proc_pidfile(conf->run_dir, PROGRAM, e))
		return -1;
	return listener_configure(l, conf, e);
}

/* A permanent failure ends the program; with a temporary one the listener goes on trying. */
static int open_archive(struct server *server, struct err *e)
{
	struct archive *a = NULL;

	if (archive_open(&a, server->conf, "lmtpd", e) == 0) {
		atomic_store(&server->archive, a);
		return 0;
	}
	if (e->class == ERR_PERMANENT)
		return -1;
	log_error(NULL, "mail is put off until the archive can be opened: %s", e->text);
	return 0;
}

static int give_up(const struct err *e)
{
	log_error(NULL, "%s", e->text);
	return e->class == ERR_PERMANENT ? EX_CONFIG : EX_TEMPFAIL;
}

static int run(const struct conf *conf, const char *conf_path)
{
	struct server server = {
		.conf = conf,
		.stop_fd = -1,
		.tls_lock = PTHREAD_MUTEX_INITIALIZER,
	};
	struct listener l = {
		.server = &server,
		.connections = CONNECTIONS_INIT,
		.conf_path = conf_path,
	};
	struct err e;
	int status = EX_OK;

	if (start(&l, conf, &e) || open_archive(&server, &e))
		status = give_up(&e);
	else if (listener_run(&l))
		_exit(EX_SOFTWARE); /* sessions that are still at work must not lose what they work with */
	net_listeners_deinit(&l.sockets);
	net_allow_freep(&l.peers);
	tls_context_freep(&server.tls);
	struct archive *a = atomic_load(&server.archive);

	if (a)
		archive_closep(&a);
	return status;
}

int main(int argc, char **argv)
{
	const char *conf_path;
	CLEANUP(conf_deinit) struct conf conf = { 0 };
	struct err e;
	int status = options_read(argc, argv, PROGRAM, &conf_path);

	if (status != OPTIONS_GO_ON)
		return status;
	proc_init(PROGRAM);
	bound_memory();
	raise_descriptors();
	if (conf_load(&conf, conf_path, &e))
		return give_up(&e);
	return run(&conf, conf_path);
}
