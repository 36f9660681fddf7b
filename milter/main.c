/* strongroom-milter: stands in a mail server's way until a message is archived. */
#include "base/clock.h"
#include "conf/daemon.h"
#include "milter/callback.h"
#include "milter/metrics.h"
#include "sys/proc.h"

#include <sysexits.h>
#include <unistd.h>

#define PROGRAM "strongroom-milter"
#define GRACE (20 * CLOCK_SECOND)	/* for messages that are on their way in when the end comes */
#define REPLY_GRACE (CLOCK_SECOND / 10) /* for answers on their way out: libmilter sends them behind our back */
#ifdef __SANITIZE_THREAD__
#define STACK_SIZE (8 * 1024 * 1024) /* what the sanitizer keeps of a thread is on it */
#else
#define STACK_SIZE (512 * 1024)
#endif
#define STEP (CLOCK_SECOND / 20)

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

/* What needs root comes before the account is changed, what belongs to the account after. */
static int start(struct net_listeners *sockets, const struct conf *conf, struct err *e)
{
	if (net_listen(sockets, conf->milter_listen, e))
		return -1;
	if (sockets->n != 1)
		return err_permanent(e, "listen(%s) failed: %zu sockets, a milter has one", conf->milter_listen, sockets->n);
	if (net_listeners_chown(sockets, conf->user, e) || proc_drop(conf->user, e))
		return -1;
	return proc_pidfile(conf->run_dir, PROGRAM, e);
}

static void serve(struct server *server, const char *conf_path)
{
	for (;;) {
		switch (proc_wait(door_is_open(&server->door) ? -1 : DOOR_RETRY)) {
		case PROC_STOP:
			return;
		case PROC_RELOAD:
			daemon_reload(server->door.conf, conf_path, NULL, NULL, NULL);
			break;
		case PROC_TIMEOUT:
			door_try(&server->door);
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

/* libmilter's threads live until the process ends: so does what they may look at. */
static _Noreturn void run(const struct conf *conf, const char *conf_path)
{
	static struct server server;
	struct net_listeners sockets = { 0 };
	struct metrics_server *metrics = NULL;
	struct err e;
	int status = EX_OK;

	server.door = (struct door){
		.conf = conf,
		.name = "milter",
		.kind = CAPTURE_MILTER,
		.point = conf->milter_point,
	};
	server.gate = GATE_INIT;
	bound_stacks();
	if (start(&sockets, conf, &e) || milter_metrics_start(&metrics, &server, &e) || door_open(&server.door, &e) ||
		callback_start(&server, &sockets.items[0], &e)) {
		status = daemon_give_up(&e);
	} else {
		log_info(NULL, "listening at %s", sockets.items[0].address);
		proc_ready();
		serve(&server, conf_path);
		stop(&server);
		status = callback_gave_up() ? EX_SOFTWARE : EX_OK;
	}
	metrics_server_stopp(&metrics);
	net_listeners_deinit(&sockets);
	if (gate_transactions(&server.gate) == 0)
		door_close(&server.door);
	_exit(status);
}

int main(int argc, char **argv)
{
	CLEANUP(conf_deinit) struct conf conf = { 0 };
	const char *conf_path;
	int status = daemon_begin(argc, argv, PROGRAM, &conf, &conf_path);

	if (status != OPTIONS_GO_ON)
		return status;
	run(&conf, conf_path);
}
