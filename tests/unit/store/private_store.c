/* A store in a directory of its own, one for each test. It is included into the test's file. */
#include "base/log.h"
#include "store/store.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static char *top;
static struct conf conf;
static struct store *store;

static int set_up(void **state)
{
	(void)state;
	const char *tmp = getenv("TMPDIR");
	struct err e;

	log_set_level(LOG_FATAL);
	top = mem_printf("%s/test-store-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(top))
		return -1;
	conf.store = mem_printf("fs:%s/store", top);
	return store_create(&conf, &e) || store_open(&store, &conf, &e) ? -1 : 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	(void)state;
	store_closep(&store);
	free(conf.store);
	int failed = nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);

	free(top);
	return failed;
}
