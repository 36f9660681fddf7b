#include "store/store_s3.h"

static int s3_open(struct store **s_r, const char *where, const struct conf *conf, struct err *e)
{
	struct s3_client *client;

	if (s3_client_open(&client, where, conf, e))
		return -1;
	struct store_s3 *s = MEM_NEW(struct store_s3);

	s->store.driver = &store_s3_driver;
	s->client = client;
	s->sse = mem_strdup(conf->s3_sse);
	s->sse_kms_key = mem_strdup(conf->s3_sse_kms_key);
	s->lock_days_max = conf->lock_days_max;
	*s_r = &s->store;
	return 0;
}

static void s3_close(struct store *store)
{
	struct store_s3 *s = store_s3(store);

	s3_client_closep(&s->client);
	free(s->sse);
	free(s->sse_kms_key);
	free(s);
}

const struct store_driver store_s3_driver = {
	.kind = "s3",
	.lock_mode = "COMPLIANCE",
	.open = s3_open,
	.close = s3_close,
	.put = store_s3_put,
	.find = store_s3_find,
	.get = store_s3_get,
	.stat = store_s3_stat,
	.list = store_s3_list,
	.extend = store_s3_extend,
	.hold = store_s3_hold,
	.remove = store_s3_remove,
	.presign = store_s3_presign,
	.upload_begin = store_s3_upload_begin,
	.upload_add = store_s3_upload_add,
	.upload_finish = store_s3_upload_finish,
	.upload_abandon = store_s3_upload_abandon,
	.upload_save = store_s3_upload_save,
	.upload_resume = store_s3_upload_resume,
	.upload_leave = store_s3_upload_leave,
	.upload_clear = store_s3_upload_clear,
	.prove = store_s3_prove,
	.proved = store_s3_proved,
	.ready = store_s3_ready,
	.create = store_s3_create,
};
