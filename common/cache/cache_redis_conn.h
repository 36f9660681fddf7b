/* cache_redis_conn: one connection to a Redis, with a deadline for everything: TCP, TLS with the host's name checked, or
 * a Unix socket. The protocol is hiredis's; reading and writing are ours, for Debian 12's hiredis knows no TLS. One thread
 * at a time. */
#ifndef CACHE_CACHE_REDIS_CONN_H
#define CACHE_CACHE_REDIS_CONN_H

#include "conf/conf.h"
#include "sys/tls.h"

#include <hiredis/hiredis.h>
#include <stdbool.h>

/* Where, and as whom. */
struct redis_target {
	char *address; /* for net_connect() */
	char *host;    /* for the certificate */
	char *database;
	char *user;
	char *password; /* or NULL */
	struct tls_context *tls; /* or NULL */
	int64_t timeout_us;
};

/* -1 permanent: the URL, the password file or the CA file is wrong. */
int redis_target_init(struct redis_target *t_r, const struct conf *conf, struct err *e) MUST_CHECK;
void redis_target_deinit(struct redis_target *t);

struct redis_conn {
	int fd;
	struct tls *tls; /* or NULL */
	redisReader *reader;
	struct redis_conn *next; /* in a list of idle ones */
};

/* Looks up the name, connects, signs in and chooses the database, all within the target's time. -1 temporary, or permanent when
 * Redis refuses the sign-in. */
int redis_conn_open(struct redis_conn **c_r, const struct redis_target *t, struct err *e) MUST_CHECK;
void redis_conn_closep(struct redis_conn **c);

struct redis_command {
	const char *words[8];
	int n;
};

/* Sends the commands in one go and gives the reply of the last (caller frees with freeReplyObject()). -1: the connection
 * is of no use any more, or (permanent) Redis refused one of them. */
int redis_conn_call(struct redis_conn *c, const struct redis_command *commands, size_t n, int64_t timeout_us,
	redisReply **reply_r, struct err *e) MUST_CHECK;

/* Sends one command without waiting for its reply, and takes the next reply that comes, whatever it belongs to: 1 (caller
 * frees), 0 none in time, -1. For a connection that listens. */
int redis_conn_send(struct redis_conn *c, const struct redis_command *command, int64_t timeout_us, struct err *e) MUST_CHECK;
int redis_conn_next(struct redis_conn *c, int64_t timeout_us, redisReply **reply_r, struct err *e) MUST_CHECK;

#endif
