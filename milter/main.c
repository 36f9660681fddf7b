/* strongroom-milter: stands in a mail server's way until a message is archived. */
#include "base/clock.h"
#include "milter/callback.h"
#include "sys/options.h"
#include "sys/proc.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#define PROGRAM "strongroom-milter"
#define REOPEN_INTERVAL (5 * CLOCK_SECOND)
#define GRACE (20 * CLOCK_SECOND)	/* for messages that are on their way in when the end comes */
#define REPLY_GRACE (CLOCK_SECOND / 10) /* for answers on their way out: libmilter sends them behind our back */
#define STACK_SIZE (512 * 1024)
#define STEP (CLOCK_SECOND / 20)

/* Message buffers come from the kernel and go back to it; small memory is shared by the threads in two arenas. Without
 * this the heap keeps the size of the busiest moment for each thread. */
static void bound_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	mallopt(M_ARENA_MAX, 2);
}

/* libmilter starts and ends threads as the load goes. Stacks of this size are kept for the next, larger ones of a few
 * threads only. */
static void bound_stacks(void)
{
	pthread_attr_t a;

	pthread_attr_init(&a);
	if (pthread_attr_setstacksize(&a, STACK_SIZE) || pthread_setattr_default_np(&a))
		log_debug(NULL, "pthread_setattr_default_np(%d) failed", STACK_SIZE);
	pthread_attr_destroy(&a);
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

static int use_log_level(const struct conf *conf, struct err *e)
{
	enum log_level level;

	if (log_level_parse(&level, conf->log_level))
		return err_permanent(e, "log_level(%s) failed: unknown level", conf->log_level);
	log_set_level(level);
	return 0;
}

/* What needs root comes before the account is changed, what belongs to the account after. */
static int start(struct net_listeners *sockets, const struct conf *conf, struct err *e)
{
	if (use_log_level(conf, e) || net_listen(sockets, conf->milter_listen, e))
		return -1;
	if (sockets->n != 1)
		return err_permanent(e, "listen(%s) failed: %zu sockets, a milter has one", conf->milter_listen, sockets->n);
	if (net_listeners_chown(sockets, conf->user, e) || proc_drop(conf->user, e))
		return -1;
	return proc_pidfile(conf->run_dir, PROGRAM, e);
}

/* A permanent failure ends the program; with a temporary one mail servers are told 451 while it is tried again. */
static int open_archive(struct server *server, struct err *e)
{
	struct archive *a = NULL;

	if (archive_open(&a, server->conf, "milter", e) == 0) {
		atomic_store(&server->archive, a);
		return 0;
	}
	if (e->class == ERR_PERMANENT)
		return -1;
	log_error(NULL, "mail is put off until the archive can be opened: %s", e->text);
	return 0;
}

static void try_open(struct server *server)
{
	struct archive *a = NULL;
	struct err e;

	if (archive_open(&a, server->conf, "milter", &e)) {
		log_error(NULL, "the archive can't be opened, trying again: %s", e.text);
		return;
	}
	atomic_store(&server->archive, a);
	proc_status("the archive is open");
}

static void reload(const struct conf *now, const char *path)
{
	CLEANUP(strv_deinit) struct strv names = { 0 };
	CLEANUP(conf_deinit) struct conf fresh = { 0 };
	struct err e;

	if (conf_load(&fresh, path, &e) || use_log_level(&fresh, &e)) {
		log_error(NULL, "reload failed, everything stays as it was: %s", e.text);
		return;
	}
	conf_compare(now, &fresh, &names);
	for (size_t i = 0; i < names.n; i++)
		if (strcmp(names.items[i], "log_level") != 0)
			log_warn(NULL, "%s has changed: restart to put it into effect", names.items[i]);
	log_info(NULL, "configuration reloaded");
}

static void serve(struct server *server, const char *conf_path)
{
	for (;;) {
		bool open = atomic_load(&server->archive) != NULL;

		switch (proc_wait(open ? -1 : REOPEN_INTERVAL)) {
		case PROC_STOP:
			return;
		case PROC_RELOAD:
			reload(server->conf, conf_path);
			break;
		case PROC_TIMEOUT:
			try_open(server);
			break;
		}
	}
}

/* New messages are put off. Those on their way in may finish, unless a second signal or the time says otherwise; those
 * that are being archived always do. smfi_stop() would not wait for any of them: its threads leave every session between
 * two packets. So libmilter goes on until the process ends, and says 451, which is more than a refused connection says. */
static void stop(struct server *server)
{
	struct gate *g = &server->gate;
	int64_t deadline = clock_monotonic_us() + GRACE;

	proc_stopping();
	gate_stop(g);
	while (gate_transactions(g) > 0 && clock_monotonic_us() < deadline)
		if (proc_wait(STEP) == PROC_STOP)
			break;
	gate_close(g);
	if (gate_transactions(g) > 0)
		log_warn(NULL, "%zu messages are put off in the middle", gate_transactions(g));
	while (gate_archiving(g) > 0)
		proc_wait(STEP);
	proc_wait(REPLY_GRACE);
}

static int give_up(const struct err *e)
{
	log_error(NULL, "%s", e->text);
	return e->class == ERR_PERMANENT ? EX_CONFIG : EX_TEMPFAIL;
}

/* libmilter's threads live until the process ends: so does what they may look at. */
static _Noreturn void run(const struct conf *conf, const char *conf_path)
{
	static struct server server;
	struct net_listeners sockets = { 0 };
	struct err e;
	int status = EX_OK;

	server.conf = conf;
	server.gate = GATE_INIT;
	if (start(&sockets, conf, &e) || open_archive(&server, &e) || callback_start(&server, &sockets.items[0], &e)) {
		status = give_up(&e);
	} else {
		log_info(NULL, "listening at %s", sockets.items[0].address);
		proc_ready();
		serve(&server, conf_path);
		stop(&server);
		status = callback_gave_up() ? EX_SOFTWARE : EX_OK;
	}
	net_listeners_deinit(&sockets);
	struct archive *a = atomic_exchange(&server.archive, NULL);

	if (a && gate_transactions(&server.gate) == 0)
		archive_closep(&a);
	_exit(status);
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
	bound_stacks();
	raise_descriptors();
	if (conf_load(&conf, conf_path, &e))
		return give_up(&e);
	run(&conf, conf_path);
}
