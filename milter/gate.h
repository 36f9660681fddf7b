/* gate: what is under way, so that the end of the daemon can wait for it. Any thread. */
#ifndef MILTER_GATE_H
#define MILTER_GATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct gate {
	pthread_mutex_t lock;
	size_t transactions; /* between MAIL and their end */
	size_t archiving;    /* of these, inside archive_put() */
	bool stopping;	     /* no further transaction */
	bool closed;	     /* no further archiving either */
};

#define GATE_INIT ((struct gate){ .lock = PTHREAD_MUTEX_INITIALIZER })

/* False when the daemon is stopping; else gate_leave() has to follow. */
bool gate_enter(struct gate *g);
void gate_leave(struct gate *g);

/* The same around archive_put(). False when the gate is closed. */
bool gate_archive_enter(struct gate *g);
void gate_archive_leave(struct gate *g);

/* From here on gate_enter() is false, after gate_close() gate_archive_enter() too. */
void gate_stop(struct gate *g);
void gate_close(struct gate *g);

size_t gate_transactions(struct gate *g);
size_t gate_archiving(struct gate *g);

#endif
