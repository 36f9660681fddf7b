/* A store at an S3, which tests/e2e/test_s3.py starts and names in the environment, as the settings of [s3] (STRONGROOM_STORE,
 * STRONGROOM_S3_ENDPOINT …). Without there is nothing to talk to, and all is skipped. It is included into the test's file. */
#include "base/log.h"
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

static struct conf conf;
static struct store *store;

static int open_store(void **state)
{
	struct err e;

	(void)state;
	log_set_level(LOG_FATAL);
	if (conf_load_defaults(&conf, &e) || strncmp(conf.store, "s3:", 3) != 0)
		return 0;
	if (store_create(&conf, &e) || store_open(&store, &conf, &e)) {
		print_error("%s\n", e.text);
		return -1;
	}
	return 0;
}

static int close_store(void **state)
{
	(void)state;
	store_closep(&store);
	conf_deinit(&conf);
	return 0;
}

static void need_store(void)
{
	if (!store)
		skip();
}

static void must(int rc, const struct err *e)
{
	if (rc)
		fail_msg("%s", e->text);
}
