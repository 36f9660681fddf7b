/* key_watch: the keyring as it is in conf->key_dir now. The directory is looked at once a second at most, when somebody asks:
 * a key that was added or removed there counts without a restart, on each machine as soon as it has it. Any thread. */
#ifndef QUERYD_KEY_WATCH_H
#define QUERYD_KEY_WATCH_H

#include "queryd/keyring.h"

struct key_watch;

/* As keyring_load(). key_dir must outlive it. */
int key_watch_open(struct key_watch **w_r, const char *key_dir, struct err *e) MUST_CHECK;
void key_watch_freep(struct key_watch **w);

/* The present one; the caller gives it back with keyring_freep(). While what is there can't be used it is the last that
 * could, and the log says so. */
struct keyring *key_watch_take(struct key_watch *w) __attribute__((returns_nonnull));

#endif
