/* two_keys: the keys of two installations, for what is sealed with one of them. make_keys() and remove_keys() are a group's setup
 * and teardown. */
#ifndef UNIT_QUERYD_TWO_KEYS_H
#define UNIT_QUERYD_TWO_KEYS_H

#include "sys/secret.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

static char dirs[2][64];
static struct secret_key *keys[2];

static inline int make_keys(void **state)
{
	struct err e;

	(void)state;
	for (int i = 0; i < 2; i++) {
		snprintf(dirs[i], sizeof(dirs[i]), "/tmp/two-keys-XXXXXX");
		if (!mkdtemp(dirs[i]) || secret_keys_create(dirs[i], &e) || secret_key_load(&keys[i], dirs[i], &e))
			return -1;
	}
	return 0;
}

static inline int drop(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static inline int remove_keys(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		secret_key_freep(&keys[i]);
		nftw(dirs[i], drop, 8, FTW_DEPTH | FTW_PHYS);
	}
	return 0;
}

#endif
