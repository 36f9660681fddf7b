/* strongroom-queryd: investigators search and read the archive over HTTPS. */
#include "base/clock.h"
#include "base/log.h"
#include "queryd/server.h"
#include "queryd/tls.h"
#include "sys/options.h"
#include "sys/proc.h"

#include <liboath/oath.h>
#include <malloc.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sysexits.h>

#define PROGRAM "strongroom-queryd"
#define DRAIN_US (30 * CLOCK_SECOND)

/* Small memory is shared by the threads in two arenas; without this the heap keeps the size of the busiest moment for
 * each thread. */
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

static void set_log_level(const struct conf *conf)
{
	enum log_level level;

	if (log_level_parse(&level, conf->log_level) == 0)
		log_set_level(level);
}

/* SIGHUP: certificate, key and log level are read again; everything else needs a restart. */
static void reload(const char *conf_path)
{
	CLEANUP(conf_deinit) struct conf fresh = { 0 };
	struct err e;

	if (conf_load(&fresh, conf_path, &e) < 0) {
		log_error(NULL, "reload failed, everything stays as it was: %s", e.text);
		return;
	}
	set_log_level(&fresh);
	if (tls_load(fresh.queryd_tls_cert, fresh.queryd_tls_key, &e) < 0)
		log_error(NULL, "reload: the certificate and key stay as they were: %s", e.text);
	else
		log_info(NULL, "log_level, certificate and key reloaded; other settings take effect at a restart");
}

static void serve(const char *conf_path)
{
	enum proc_event event;

	proc_ready();
	while ((event = proc_wait(-1)) != PROC_STOP)
		if (event == PROC_RELOAD)
			reload(conf_path);
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
		serve(conf_path);
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

static int give_up(const struct err *e)
{
	log_error(NULL, "%s", e->text);
	return e->class == ERR_PERMANENT ? EX_CONFIG : EX_TEMPFAIL;
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
	if (conf_load(&conf, conf_path, &e) < 0 || start(&conf, conf_path, &e) < 0)
		return give_up(&e);
	return EX_OK;
}
