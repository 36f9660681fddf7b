/* strongroom-queryd: investigators search and read the archive over HTTPS. */
#include "base/clock.h"
#include "base/log.h"
#include "conf/daemon.h"
#include "queryd/metrics.h"
#include "queryd/server.h"
#include "queryd/tls.h"
#include "sys/proc.h"

#include <liboath/oath.h>
#include <malloc.h>
#include <sysexits.h>

#define PROGRAM "strongroom-queryd"
#define DRAIN_US (30 * CLOCK_SECOND)

/* Searches take and give back much memory in small pieces: with the daemons' two arenas (conf/daemon.h) they would wait for each
 * other. Each keeps so much of what is free, from which the answers of a search engine are taken, too, some hundred KiB each: pages
 * that come from the kernel anew cost a tenth of what a search does here. */
#define ARENAS 8
#define KEPT (4 * 1024 * 1024)

static int load_tls(const struct conf *conf, struct err *e)
{
	if (tls_load(conf->queryd_tls_cert, conf->queryd_tls_key, e) < 0)
		return -1;
	return *conf->queryd_tls_client_ca ? tls_load_clients(conf->queryd_tls_client_ca, conf->queryd_tls_client_crl, e) : 0;
}

static int use_fresh(void *unused, const struct conf *fresh, struct err *e)
{
	(void)unused;
	return load_tls(fresh, e);
}

static void serve(const struct conf *conf, const char *conf_path)
{
	static const char *const names[] = { "queryd.tls_cert", "queryd.tls_key", "queryd.tls_client_ca", "queryd.tls_client_crl", NULL };
	enum proc_event event;

	proc_ready();
	while ((event = proc_wait(-1)) != PROC_STOP)
		if (event == PROC_RELOAD)
			daemon_reload(conf, conf_path, names, use_fresh, NULL);
	proc_stopping();
}

static int run(const struct conf *conf, const char *conf_path, const struct net_listeners *l,
	const struct net_listeners *for_clients, struct err *e)
{
	struct metrics_server *metrics = NULL;
	struct service service;
	struct server *server;

	if (proc_drop(conf->user, e) < 0 || proc_pidfile(conf->run_dir, PROGRAM, e) < 0 ||
		service_open(&service, conf, e) < 0)
		return -1;
	int rc = queryd_metrics_start(&metrics, &service, e) || server_start(&server, &service, l, for_clients, e) ? -1 : 0;

	if (rc == 0) {
		serve(conf, conf_path);
		server_stop(&server, DRAIN_US);
	}
	metrics_server_stopp(&metrics);
	service_close(&service);
	return rc;
}

/* What may need root's rights comes first: the port and the TLS key. */
static int start(const struct conf *conf, const char *conf_path, struct err *e)
{
	CLEANUP(net_listeners_deinit) struct net_listeners l = { 0 }, for_clients = { 0 };

	if (oath_init() != OATH_OK)
		return err_permanent(e, "oath_init failed");
	if (load_tls(conf, e) < 0 || net_listen(&l, conf->queryd_listen, e) < 0 ||
		(*conf->queryd_client_listen && net_listen(&for_clients, conf->queryd_client_listen, e) < 0))
		return -1;
	int rc = run(conf, conf_path, &l, &for_clients, e);

	tls_unload();
	tls_unload_clients();
	oath_done();
	return rc;
}

int main(int argc, char **argv)
{
	CLEANUP(conf_deinit) struct conf conf = { 0 };
	const char *conf_path;
	struct err e;
	int status = daemon_begin(argc, argv, PROGRAM, &conf, &conf_path);

	if (status != OPTIONS_GO_ON)
		return status;
	mallopt(M_ARENA_MAX, ARENAS);
	mallopt(M_MMAP_THRESHOLD, KEPT);
	mallopt(M_TRIM_THRESHOLD, KEPT);
	return start(&conf, conf_path, &e) ? daemon_give_up(&e) : EX_OK;
}
