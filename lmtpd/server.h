/* server: what all connections share. Made and changed by the main thread (listener.c); sessions
 * only read, through the atomics and under the lock where the member says so. */
#ifndef LMTPD_SERVER_H
#define LMTPD_SERVER_H

#include "archive/door.h"
#include "sys/tls.h"

#include <pthread.h>

struct server {
	const struct conf *conf;
	struct door door;
	atomic_int_least64_t timeout_us;
	atomic_bool stopping; /* no further transaction; stop_fd is readable then */
	int stop_fd;
	pthread_mutex_t tls_lock;
	struct tls_context *tls; /* by tls_lock; NULL: STARTTLS is not offered */
};

#endif
