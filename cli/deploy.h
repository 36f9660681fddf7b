/* deploy: `strongroom check --deploy`: every setting that security depends on, with an id, a verdict, what it means and what
 * mends it. It looks at the configuration and this machine, and asks no server. */
#ifndef CLI_DEPLOY_H
#define CLI_DEPLOY_H

#include "conf/conf.h"

enum deploy_verdict { DEPLOY_OK, DEPLOY_WARNING, DEPLOY_ERROR };

struct deploy {
	const struct conf *conf;
	const char *id; /* of the check that runs */
	unsigned verdicts[DEPLOY_ERROR + 1];
};

/* One check. It says one line or more. */
struct deploy_check {
	const char *id; /* "D101": it never gets another meaning */
	void (*look)(struct deploy *d);
};

/* One file each, ended by one without a function. */
extern const struct deploy_check deploy_tls_checks[], deploy_backend_checks[], deploy_access_checks[], deploy_directory_checks[],
	deploy_machine_checks[];

/* A line of the check that runs; remedy NULL when all is well. */
void deploy_say(struct deploy *d, enum deploy_verdict v, const char *remedy, const char *fmt, ...) PRINTF_LIKE(4, 5);

/* Runs all of them and prints. The exit status: with errors 1. */
int deploy_run(const struct conf *conf) MUST_CHECK;

/* ---- what several of them ask ---- */

enum deploy_reach {
	REACH_MACHINE, /* a Unix socket or a loopback address */
	REACH_NETWORK, /* one address, or a name */
	REACH_ALL,     /* all addresses of this machine */
};

/* From where one can connect to "unix:/path", "inet:host:port" or "host:port". */
enum deploy_reach deploy_reach(const char *address);

#endif
