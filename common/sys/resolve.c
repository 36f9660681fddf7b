#include "sys/resolve.h"

#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

/* Belongs to both the thread that looks it up and the one that asked; whoever leaves last frees it. */
struct look_up {
	char *host, *port;
	struct addrinfo *found; /* the asker takes it */
	int code;		/* of getaddrinfo() */
	bool done, given_up;	/* under the lock, as are `found` and `code` once the thread runs */
	pthread_cond_t changed;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned under_way; /* under the lock */

static struct look_up *look_up_new(const char *host, const char *port)
{
	struct look_up *l = MEM_NEW(struct look_up);
	pthread_condattr_t monotonic;

	l->host = mem_strdup(host);
	l->port = mem_strdup(port);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&l->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return l;
}

static void look_up_free(struct look_up *l)
{
	if (l->found)
		freeaddrinfo(l->found);
	pthread_cond_destroy(&l->changed);
	free(l->host);
	free(l->port);
	free(l);
}

static int ask(const char *host, const char *port, int flags, struct addrinfo **found_r)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | flags };

	*found_r = NULL;
	return getaddrinfo(host, port, &hints, found_r);
}

static void *run(void *arg)
{
	struct look_up *l = arg;
	struct addrinfo *found;
	int code = ask(l->host, l->port, 0, &found);

	pthread_mutex_lock(&lock);
	l->found = found;
	l->code = code;
	l->done = true;
	under_way--;
	bool mine = l->given_up;

	pthread_cond_signal(&l->changed);
	pthread_mutex_unlock(&lock);
	if (mine)
		look_up_free(l);
	return NULL;
}

/* The thread is nobody's to join. 0, -1. */
static int start(struct look_up *l, struct err *e)
{
	pthread_attr_t detached;
	pthread_t unused;

	pthread_mutex_lock(&lock);
	bool room = under_way < RESOLVE_AT_ONCE_MAX;

	under_way += room;
	pthread_mutex_unlock(&lock);
	if (!room)
		return err_temporary(e, "getaddrinfo(%s) failed: too many names wait for the name servers", l->host);
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	errno = pthread_create(&unused, &detached, run, l);
	pthread_attr_destroy(&detached);
	if (!errno)
		return 0;
	err_errno(e, "pthread_create", "getaddrinfo");
	pthread_mutex_lock(&lock);
	under_way--;
	pthread_mutex_unlock(&lock);
	return -1;
}

/* true when it is done; else it is the thread's to free. */
static bool wait_for(struct look_up *l, int64_t deadline_us)
{
	const struct timespec t = { deadline_us / CLOCK_SECOND, deadline_us % CLOCK_SECOND * 1000 };
	int rc = 0;

	pthread_mutex_lock(&lock);
	while (!l->done && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&l->changed, &lock, &t);
	bool done = l->done;

	l->given_up = !done;
	pthread_mutex_unlock(&lock);
	return done;
}

static int judge(const char *host, int code, struct err *e)
{
	if (code == EAI_AGAIN || code == EAI_SYSTEM || code == EAI_MEMORY)
		return err_temporary(e, "getaddrinfo(%s) failed: %s", host, gai_strerror(code));
	return code ? err_permanent(e, "getaddrinfo(%s) failed: %s", host, gai_strerror(code)) : 0;
}

int resolve_host(struct addrinfo **found_r, const char *host, const char *port, int64_t deadline_us, struct err *e)
{
	int code = ask(host, port, AI_NUMERICHOST, found_r);

	if (code != EAI_NONAME)
		return judge(host, code, e);
	struct look_up *l = look_up_new(host, port);

	if (start(l, e)) {
		look_up_free(l);
		return -1;
	}
	if (!wait_for(l, deadline_us))
		return err_temporary(e, "getaddrinfo(%s) failed: the name servers did not answer in time", host);
	*found_r = l->found;
	l->found = NULL;
	code = l->code;
	look_up_free(l);
	return judge(host, code, e);
}
