#include "store/store_fs_dirs.h"

#include "base/hex.h"
#include "sys/io.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define DAY_OFFSET (sizeof("m/xx/") - 1) /* of YYYY/MM/DD in a path */
#define DAY_LENGTH (sizeof("YYYY/MM/DD") - 1)
#define SPREAD 256

struct store_fs_dirs {
	pthread_mutex_t lock;
	char day[DAY_LENGTH + 1];
	bool known[SPREAD]; /* of that day */
};

struct store_fs_dirs *store_fs_dirs_new(void)
{
	struct store_fs_dirs *d = MEM_NEW(struct store_fs_dirs);

	pthread_mutex_init(&d->lock, NULL);
	return d;
}

void store_fs_dirs_freep(struct store_fs_dirs **d)
{
	if (*d)
		pthread_mutex_destroy(&(*d)->lock);
	free(*d);
	*d = NULL;
}

void store_fs_dirs_forget(struct store_fs_dirs *d)
{
	pthread_mutex_lock(&d->lock);
	d->day[0] = '\0';
	memset(d->known, 0, sizeof(d->known));
	pthread_mutex_unlock(&d->lock);
}

static bool is_known(struct store_fs_dirs *d, const char *day, uint8_t spread)
{
	pthread_mutex_lock(&d->lock);
	bool known = strcmp(d->day, day) == 0 && d->known[spread];

	pthread_mutex_unlock(&d->lock);
	return known;
}

static void remember(struct store_fs_dirs *d, const char *day, uint8_t spread)
{
	pthread_mutex_lock(&d->lock);
	if (strcmp(d->day, day) != 0) {
		memcpy(d->day, day, sizeof(d->day));
		memset(d->known, 0, sizeof(d->known));
	}
	d->known[spread] = true;
	pthread_mutex_unlock(&d->lock);
}

int store_fs_dirs_make(struct store_fs_dirs *d, int dirfd, const char *path, mode_t mode, struct err *e)
{
	char hex[3] = { path[2], path[3], '\0' };
	const char *day = path + DAY_OFFSET;
	uint8_t spread;

	if (strlen(path) != DAY_OFFSET + DAY_LENGTH || hex_decode(&spread, 1, hex))
		return err_permanent(e, "mkdir(%s) failed: not a directory of the store", path);
	if (is_known(d, day, spread))
		return 0;
	if (io_mkdirs(dirfd, path, mode, e))
		return -1;
	remember(d, day, spread);
	return 0;
}
