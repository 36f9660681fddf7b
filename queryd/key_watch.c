#include "queryd/key_watch.h"

#include "base/clock.h"
#include "base/log.h"

#include <pthread.h>
#include <stdbool.h>
#include <sys/stat.h>

#define LOOK_EVERY_US CLOCK_SECOND
#define SAME_MOMENT_US (2 * CLOCK_SECOND) /* a change so soon before the directory was read may have come behind it */

struct key_watch {
	pthread_mutex_t lock;
	const char *key_dir;
	struct keyring *now;
	int64_t looked_us; /* monotonic */
	int64_t read_us;   /* wall clock, before it was read */
	bool failed;
};

int key_watch_open(struct key_watch **w_r, const char *key_dir, struct err *e)
{
	struct keyring *now;
	int64_t read_us = clock_now_us();

	if (keyring_load(&now, key_dir, e) < 0)
		return -1;
	struct key_watch *w = MEM_NEW(struct key_watch);

	*w = (struct key_watch){ .key_dir = key_dir, .now = now, .looked_us = clock_monotonic_us(), .read_us = read_us };
	pthread_mutex_init(&w->lock, NULL);
	*w_r = w;
	return 0;
}

void key_watch_freep(struct key_watch **w)
{
	if (*w) {
		keyring_freep(&(*w)->now);
		pthread_mutex_destroy(&(*w)->lock);
	}
	free(*w);
	*w = NULL;
}

static bool may_have_changed(const struct key_watch *w)
{
	struct stat st;

	if (w->failed || stat(w->key_dir, &st) < 0)
		return true;
	return (int64_t)st.st_mtim.tv_sec * CLOCK_SECOND + st.st_mtim.tv_nsec / 1000 >= w->read_us - SAME_MOMENT_US;
}

static void look(struct key_watch *w)
{
	int64_t read_us = clock_now_us();
	struct keyring *fresh;
	struct err e;

	w->looked_us = clock_monotonic_us();
	if (!may_have_changed(w))
		return;
	if (keyring_load(&fresh, w->key_dir, &e) < 0) {
		if (!w->failed)
			log_error(NULL, "the keys stay as they were: %s", e.text);
		w->failed = true;
		return;
	}
	w->failed = false;
	w->read_us = read_us;
	keyring_freep(&w->now);
	w->now = fresh;
}

struct keyring *key_watch_take(struct key_watch *w)
{
	pthread_mutex_lock(&w->lock);
	if (clock_monotonic_us() - w->looked_us >= LOOK_EVERY_US)
		look(w);
	struct keyring *k = keyring_ref(w->now);

	pthread_mutex_unlock(&w->lock);
	return k;
}
