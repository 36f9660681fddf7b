/* index_driver: what a kind of index implements. The functions are those of index/index.h; index.c has checked the
 * arguments. `where` is what stands behind the scheme and its colon in the setting `index`; `conf` outlives the index. */
#ifndef INDEX_INDEX_DRIVER_H
#define INDEX_INDEX_DRIVER_H

#include "index/index.h"

struct index_driver {
	const char *scheme;
	int (*create)(const struct conf *conf, const char *where, struct err *e);
	int (*open)(struct index **i_r, const struct conf *conf, const char *where, enum index_mode mode, struct err *e);
	void (*close)(struct index *i);
	int (*add)(struct index *i, const struct index_doc *docs, size_t n, struct err *e);
	int (*remove)(struct index *i, const struct uuid *ids, size_t n, struct err *e);
	int (*sync)(struct index *i, struct err *e);
	int (*search)(struct index *i, const struct scope *scope, const struct index_request *r,
		struct index_page *page_r, struct err *e);
	int (*generation)(struct index *i, char text_r[INDEX_GENERATION_SIZE], struct err *e);
	int (*has)(struct index *i, const struct uuid *ids, size_t n, bool *present_r, struct err *e);
	int (*count)(struct index *i, uint64_t *n_r, struct err *e);
	int (*count_gone)(struct index *i, uint64_t *n_r, struct err *e); /* NULL: nothing stays of what was removed */
	int (*ready)(struct index *i, struct err *e);
	bool (*is_damaged)(const struct conf *conf, const char *where);
	int (*rebuild_begin)(struct index **fresh_r, const struct conf *conf, const char *where, const struct index_rebuild *what,
		struct uuid *done_r, struct err *e);
	int (*rebuild_note)(struct index *fresh, const struct uuid *done, struct err *e);
	int (*rebuild_finish)(struct index *fresh, struct err *e); /* 0: fresh is closed */
	void (*rebuild_suspend)(struct index *fresh);
	void (*rebuild_abandon)(struct index *fresh);
};

struct index {
	const struct index_driver *driver;
	enum index_mode mode;
};

extern const struct index_driver index_fts_driver, index_es_driver;

#endif
