/* strongroom-workerd: the archive's upkeep, in the background. */
#include "base/clock.h"
#include "base/log.h"
#include "sys/options.h"
#include "sys/proc.h"
#include "workerd/worker.h"

#include <stdio.h>
#include <sysexits.h>

#define PROGRAM "strongroom-workerd"
#define OPEN_RETRY_US (5 * CLOCK_SECOND)

static const struct task *const tasks[] = { &outbox_task };

static void reload(const char *conf_path)
{
	CLEANUP(conf_deinit) struct conf fresh = { 0 };
	enum log_level level;
	struct err e;

	if (conf_load(&fresh, conf_path, &e)) {
		log_error(NULL, "reload failed, everything stays as it was: %s", e.text);
		return;
	}
	if (log_level_parse(&level, fresh.log_level) == 0)
		log_set_level(level);
	log_info(NULL, "log_level reloaded; other settings take effect at a restart");
}

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
	return 1;
}

static int serve(struct worker *w, const char *conf_path, struct err *e)
{
	struct worker_threads *threads = worker_start(w, tasks, ARRAY_LEN(tasks), e);

	if (!threads)
		return -1;
	proc_ready();
	while (proc_wait(-1) != PROC_STOP)
		reload(conf_path);
	proc_stopping();
	worker_stop(w, &threads);
	return 0;
}

static int give_up(const struct err *e)
{
	log_error(NULL, "%s", e->text);
	return e->class == ERR_PERMANENT ? EX_CONFIG : EX_TEMPFAIL;
}

static int run(const struct conf *conf, const char *conf_path)
{
	struct worker w = { .conf = conf };
	enum log_level level;
	struct err e = { 0 };

	if (log_level_parse(&level, conf->log_level) == 0)
		log_set_level(level);
	if (proc_drop(conf->user, &e) || proc_pidfile(conf->run_dir, PROGRAM, &e))
		return give_up(&e);
	int opened = open_archive(&w, &e);
	int failed = opened < 0 || (opened && serve(&w, conf_path, &e));

	archive_closep(&w.archive);
	return failed ? give_up(&e) : EX_OK;
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
	if (conf_load(&conf, conf_path, &e))
		return give_up(&e);
	return run(&conf, conf_path);
}
