/* strongroom-lmtpd: takes mail over LMTP and answers when it is archived. */
#include "conf/daemon.h"
#include "lmtpd/listener.h"
#include "lmtpd/metrics.h"
#include "sys/proc.h"

#include <sysexits.h>
#include <unistd.h>

#define PROGRAM "strongroom-lmtpd"

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

static int run(const struct conf *conf, const char *conf_path)
{
	struct server server = {
		.conf = conf,
		.door = {
			.conf = conf,
			.name = "lmtpd",
			.kind = CAPTURE_LMTP,
			.point = conf->lmtpd_point,
		},
		.stop_fd = -1,
		.tls_lock = PTHREAD_MUTEX_INITIALIZER,
	};
	struct listener l = {
		.server = &server,
		.connections = CONNECTIONS_INIT,
		.conf_path = conf_path,
	};
	struct metrics_server *metrics = NULL;
	struct err e;
	int status = EX_OK;

	if (start(&l, conf, &e) || lmtpd_metrics_start(&metrics, &l, &e) || door_open(&server.door, &e))
		status = daemon_give_up(&e);
	else if (listener_run(&l))
		_exit(EX_SOFTWARE); /* sessions that are still at work must not lose what they work with */
	metrics_server_stopp(&metrics);
	net_listeners_deinit(&l.sockets);
	net_allow_freep(&l.peers);
	tls_context_freep(&server.tls);
	door_close(&server.door);
	return status;
}

int main(int argc, char **argv)
{
	CLEANUP(conf_deinit) struct conf conf = { 0 };
	const char *conf_path;
	int status = daemon_begin(argc, argv, PROGRAM, &conf, &conf_path);

	return status == OPTIONS_GO_ON ? run(&conf, conf_path) : status;
}
