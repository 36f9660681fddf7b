/* A store in a directory of its own, one for each test. It is included into the test's file. */
#include "tests/unit/private_dir.h"

#include "base/log.h"
#include "store/store.h"

#include <sys/stat.h>

static struct conf conf;
static struct store *store;

static int set_up(void **state)
{
	(void)state;
	struct err e;

	log_set_level(LOG_FATAL);
	if (private_dir_make())
		return -1;
	conf.store = mem_printf("fs:%s/store", top);
	return store_create(&conf, &e) || store_open(&store, &conf, &e) ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	store_closep(&store);
	free(conf.store);
	return private_dir_remove();
}
