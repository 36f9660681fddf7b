/* store_driver: the inside of store.h, for drivers only. A driver embeds struct store first and fills `driver`. */
#ifndef STORE_STORE_DRIVER_H
#define STORE_STORE_DRIVER_H

#include "store/store.h"

struct store_driver {
	const char *kind; /* "fs": what stands before the colon in the setting */
	const char *lock_mode;
	int (*open)(struct store **s_r, const char *where, const struct conf *conf, struct err *e);
	void (*close)(struct store *s);
	int (*put)(struct store *s, const struct store_object *o, struct locator *where_r, struct err *e);
	int (*find)(struct store *s, const struct uuid *id, struct locator *where_r, struct err *e);
	int (*get)(struct store *s, const struct locator *where, int (*sink)(void *, const void *, size_t), void *ctx,
		struct err *e);
	int (*stat)(struct store *s, const struct locator *where, struct store_state *state_r, struct err *e);
	int (*list)(struct store *s, const struct store_range *range,
		int (*take)(void *ctx, const struct store_listed *object), void *ctx, struct err *e);
	int (*extend)(struct store *s, const struct locator *where, int64_t retain_until_us, struct err *e);
	int (*hold)(struct store *s, const struct locator *where, bool on, struct err *e);
	int (*remove)(struct store *s, const struct locator *where,
		struct err *e); /* where: a whole object, whose key is that of a message */
	int (*presign)(struct store *s, const struct locator *where, uint32_t seconds, char **url_r,
		struct err *e); /* NULL: has none */
	int (*upload_begin)(struct store *s, const char *key, int64_t retain_until_us, struct store_upload **u_r,
		struct err *e);
	int (*upload_add)(struct store_upload *u, const void *data, size_t n, struct err *e);
	int (*upload_finish)(struct store_upload *u, struct locator *where_r, struct err *e); /* frees u on 0 */
	void (*upload_abandon)(struct store_upload *u);
	int (*upload_save)(struct store_upload *u, bool whole, struct buf *state, const void **tail_r, size_t *tail_n_r,
		struct err *e);
	int (*upload_resume)(struct store *s, const char *key, int64_t retain_until_us, const struct buf *state,
		struct store_upload **u_r, struct err *e);
	void (*upload_leave)(struct store_upload *u);
	int (*upload_clear)(struct store *s, const char *key, struct err *e);
	int (*prove)(struct store *s, store_report *report, void *ctx, struct err *e); /* NULL: nothing to prove */
	int (*proved)(struct store *s, struct err *e);				       /* NULL: nothing to prove */
	int (*ready)(struct store *s, struct err *e);
	int (*create)(const char *where, const struct conf *conf, struct err *e);
};

struct store {
	const struct store_driver *driver;
};

/* A driver embeds it first in its own. */
struct store_upload {
	struct store *store;
};

extern const struct store_driver store_fs_driver, store_s3_driver;

#endif
