/* daemon: what all daemons do alike with their command line, their configuration and a failure to start. */
#ifndef CONF_DAEMON_H
#define CONF_DAEMON_H

#include "conf/conf.h"
#include "sys/options.h"

/* First in main(), before any thread: reads the command line (sys/options.h), begins the process (proc_init), bounds what
 * the heap keeps, allows all descriptors that the system lets it have, and loads the configuration with its log level.
 * OPTIONS_GO_ON, or what to exit with. *conf_path_r is for daemon_reload(). */
int daemon_begin(int argc, char **argv, const char *program, struct conf *conf_r, const char **conf_path_r) MUST_CHECK;

/* SIGHUP: loads the configuration again, hands it to use() and sets the log level. When it can't be loaded or used,
 * everything stays as it was, with an error in the log. Otherwise each setting that differs from `now` and is not in
 * `names` is named there: it takes a restart.
 *
 * names: what use() takes over, as conf_compare() says it, ended by NULL.
 * use: takes it over from the new configuration, which is gone afterwards; -1: nothing.
 * Both NULL: there is only the log level. */
void daemon_reload(const struct conf *now, const char *conf_path, const char *const *names,
	int (*use)(void *ctx, const struct conf *fresh, struct err *e), void *ctx);

/* Logs why it can't start or go on. What to exit with: a permanent failure is the configuration's (EX_CONFIG), any other
 * may be gone the next time (EX_TEMPFAIL). */
int daemon_give_up(const struct err *e) MUST_CHECK;

#endif
