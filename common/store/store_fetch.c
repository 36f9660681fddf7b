#include "store/store_fetch.h"

#include <string.h>

struct filling {
	struct message *message;
	struct err spool; /* of message_append() */
};

static int fill(void *ctx, const void *data, size_t n)
{
	struct filling *f = ctx;

	return message_append(f->message, data, n, &f->spool);
}

static int is_other(const struct store_expected *x, struct err *e)
{
	err_permanent(e, "the object %s does not have the size and SHA-256 that were recorded", x->where->key);
	return 0;
}

static int fetch_once(struct store *s, const struct store_expected *x, const char *spool_dir, struct message **m_r,
	struct err *e)
{
	CLEANUP(message_freep) struct message *m = message_new(spool_dir, x->size);
	struct filling f = { .message = m };

	message_expect(m, x->size);
	if (store_get(s, x->where, fill, &f, e)) {
		if (message_too_large(m))
			return is_other(x, e);
		if (f.spool.class != ERR_NONE)
			*e = f.spool;
		return e->class == ERR_PERMANENT ? 0 : -1;
	}
	if (message_finish(m, e))
		return -1;
	if (message_size(m) != x->size || memcmp(message_sha256(m), x->sha256, SHA256_SIZE) != 0)
		return is_other(x, e);
	*m_r = m;
	m = NULL;
	return 1;
}

int store_fetch(struct store *s, const struct store_expected *x, const char *spool_dir, struct message **m_r, struct err *e)
{
	int got = fetch_once(s, x, spool_dir, m_r, e);

	return got ? got : fetch_once(s, x, spool_dir, m_r, e);
}
