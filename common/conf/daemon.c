#include "conf/daemon.h"

#include "base/log.h"
#include "sys/proc.h"

#include <malloc.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>

#define KEPT (512 * 1024)

/* Memory is shared by the threads in two arenas, and what is free at the end of one goes back to the kernel but for KEPT:
 * otherwise the heap keeps the size of the busiest moment for each thread. Buffers of messages, up to 256 KiB, are taken
 * from there too: pages that come from the kernel anew for each message cost more than its hash. */
static void bound_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, KEPT);
	mallopt(M_TRIM_THRESHOLD, KEPT);
	mallopt(M_TOP_PAD, 64 * 1024);
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

/* conf_load() lets only levels through that there are. */
static void use_log_level(const struct conf *conf)
{
	enum log_level level;

	if (log_level_parse(&level, conf->log_level) == 0)
		log_set_level(level);
}

int daemon_begin(int argc, char **argv, const char *program, struct conf *conf_r, const char **conf_path_r)
{
	struct err e;
	int status = options_read(argc, argv, program, conf_path_r);

	if (status != OPTIONS_GO_ON)
		return status;
	proc_init(program);
	bound_memory();
	raise_descriptors();
	if (conf_load(conf_r, *conf_path_r, &e))
		return daemon_give_up(&e);
	use_log_level(conf_r);
	return OPTIONS_GO_ON;
}

static bool has(const char *const *names, const char *name)
{
	for (; names && *names; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

void daemon_reload(const struct conf *now, const char *conf_path, const char *const *names,
	int (*use)(void *ctx, const struct conf *fresh, struct err *e), void *ctx)
{
	CLEANUP(strv_deinit) struct strv changed = { 0 };
	CLEANUP(conf_deinit) struct conf fresh = { 0 };
	struct err e;

	if (conf_load(&fresh, conf_path, &e) || (use && use(ctx, &fresh, &e))) {
		log_error(NULL, "reload failed, everything stays as it was: %s", e.text);
		return;
	}
	use_log_level(&fresh);
	conf_compare(now, &fresh, &changed);
	for (size_t i = 0; i < changed.n; i++)
		if (strcmp(changed.items[i], "log_level") != 0 && !has(names, changed.items[i]))
			log_warn(NULL, "%s has changed: it takes a restart", changed.items[i]);
	log_info(NULL, "configuration reloaded");
}

int daemon_give_up(const struct err *e)
{
	log_error(NULL, "%s", e->text);
	return e->class == ERR_PERMANENT ? EX_CONFIG : EX_TEMPFAIL;
}
