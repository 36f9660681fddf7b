/* strongroom-workerd: the archive's upkeep, in the background. */
#include "base/clock.h"
#include "base/log.h"
#include "conf/daemon.h"
#include "sys/proc.h"
#include "workerd/metrics.h"
#include "workerd/worker.h"

#include <sysexits.h>

#define PROGRAM "strongroom-workerd"
#define OPEN_RETRY_US (5 * CLOCK_SECOND)

static const struct task *const tasks[] = { &outbox_task, &postfix_task, &reconcile_task, &partitions_task, &metrics_task,
	&govern_task, &export_task, &export_clear_task,
	&audit_file_task, &audit_syslog_task };

/* Tries until the archive can be opened. 1; 0 when the end was asked for before; -1 when trying again can't help. */
static int open_archive(struct worker *w, struct err *e)
{
	while (archive_open(&w->archive, w->conf, "workerd", e)) {
		if (e->class == ERR_PERMANENT)
			return -1;
		log_error(NULL, "the archive can't be opened and is tried again: %s", e->text);
		if (proc_wait(OPEN_RETRY_US) == PROC_STOP)
			return 0;
	}
	worker_metrics_opened();
	return 1;
}

static void hear(void *threads, const char *name)
{
	worker_wake(threads, name);
}

static int serve(struct worker *w, const char *conf_path, struct err *e)
{
	struct worker_threads *threads = worker_start(w, tasks, ARRAY_LEN(tasks), e);

	if (!threads)
		return -1;
	int failed = cache_listen(w->cache, hear, threads, e);

	if (!failed) {
		proc_ready();
		while (proc_wait(-1) != PROC_STOP)
			daemon_reload(w->conf, conf_path, NULL, NULL, NULL);
		proc_stopping();
	}
	cache_closep(&w->cache); /* hears no more */
	worker_stop(w, &threads);
	return failed;
}

static int run(const struct conf *conf, const char *conf_path)
{
	struct worker w = { .conf = conf };
	struct metrics_server *metrics = NULL;
	struct err e = { 0 };

	if (proc_drop(conf->user, &e) || proc_pidfile(conf->run_dir, PROGRAM, &e) || cache_open(&w.cache, conf, &e) ||
		worker_metrics_start(&metrics, conf, tasks, ARRAY_LEN(tasks), &e))
		return daemon_give_up(&e);
	int opened = open_archive(&w, &e);
	int failed = opened < 0 || (opened && serve(&w, conf_path, &e));

	metrics_server_stopp(&metrics);
	cache_closep(&w.cache);
	archive_closep(&w.archive);
	return failed ? daemon_give_up(&e) : EX_OK;
}

int main(int argc, char **argv)
{
	CLEANUP(conf_deinit) struct conf conf = { 0 };
	const char *conf_path;
	int status = daemon_begin(argc, argv, PROGRAM, &conf, &conf_path);

	return status == OPTIONS_GO_ON ? run(&conf, conf_path) : status;
}
