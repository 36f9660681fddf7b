/* strongroom-queryd: investigators search and read the archive over HTTPS. */
#include "base/clock.h"
#include "base/log.h"
#include "queryd/server.h"
#include "queryd/tls.h"
#include "sys/proc.h"

#include <liboath/oath.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM "strongroom-queryd"
#define DRAIN_US (30 * CLOCK_SECOND)

static int usage(FILE *out, int status)
{
	fprintf(out, "usage: " PROGRAM " [-V] [-c file]\n");
	return status;
}

static void set_log_level(const struct conf *conf)
{
	enum log_level level;

	if (log_level_parse(&level, conf->log_level) == 0)
		log_set_level(level);
}

/* SIGHUP: certificate, key and log level are read again; everything else needs a restart. */
static void reload(const struct conf *running, const char *conf_path)
{
	CLEANUP(conf_deinit) struct conf fresh = { 0 };
	struct err e;

	if (conf_load(&fresh, conf_path, &e) < 0) {
		log_error(NULL, "reload: %s", e.text);
		return;
	}
	set_log_level(&fresh);
	if (tls_load(running->queryd_tls_cert, running->queryd_tls_key, &e) < 0)
		log_error(NULL, "reload: the certificate stays as it was: %s", e.text);
	else
		log_info(NULL, "reloaded the certificate, its key and the log level; other settings need a restart");
}

static void serve(const struct conf *conf, const char *conf_path)
{
	enum proc_event event;

	proc_ready();
	while ((event = proc_wait(-1)) != PROC_STOP)
		if (event == PROC_RELOAD)
			reload(conf, conf_path);
	proc_stopping();
}

static int run(const struct conf *conf, const char *conf_path, const struct net_listeners *l, struct err *e)
{
	struct service service;
	struct server *server;

	if (proc_drop(conf->user, e) < 0 || proc_pidfile(conf->run_dir, PROGRAM, e) < 0 ||
		service_open(&service, conf, e) < 0)
		return -1;
	int rc = server_start(&server, &service, l, e);

	if (rc == 0) {
		serve(conf, conf_path);
		server_stop(&server, DRAIN_US);
	}
	service_close(&service);
	return rc;
}

/* What may need root's rights comes first: the port and the TLS key. */
static int start(const struct conf *conf, const char *conf_path, struct err *e)
{
	CLEANUP(net_listeners_deinit) struct net_listeners l = { 0 };

	set_log_level(conf);
	if (oath_init() != OATH_OK)
		return err_permanent(e, "oath_init failed");
	if (tls_load(conf->queryd_tls_cert, conf->queryd_tls_key, e) < 0 || net_listen(&l, conf->queryd_listen, e) < 0)
		return -1;
	int rc = run(conf, conf_path, &l, e);

	tls_unload();
	oath_done();
	return rc;
}

int main(int argc, char **argv)
{
	CLEANUP(conf_deinit) struct conf conf = { 0 };
	const char *conf_path = NULL;
	struct err e;

	for (int option; (option = getopt(argc, argv, "c:hV")) != -1;) {
		if (option == 'c')
			conf_path = optarg;
		else if (option == 'V')
			return printf(PROGRAM " " STRONGROOM_VERSION "\n") < 0;
		else
			return usage(option == 'h' ? stdout : stderr, option == 'h' ? 0 : 64);
	}
	if (optind < argc)
		return usage(stderr, 64);
	proc_init(PROGRAM);
	if (conf_load(&conf, conf_path, &e) == 0 && start(&conf, conf_path, &e) == 0)
		return 0;
	log_error(NULL, "%s", e.text);
	return 1;
}
