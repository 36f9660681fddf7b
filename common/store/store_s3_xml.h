/* store_s3_xml: what S3 answers in XML. Names of elements count, their name space does not: stores differ in it. */
#ifndef STORE_STORE_S3_XML_H
#define STORE_STORE_S3_XML_H

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

#include <stdbool.h>

/* The text of the first element of that name, at any depth; NULL when there is none or body is no XML. Caller frees. */
char *s3_xml_text(const struct buf *body, const char *name);

/* text with what means something to XML written as entities. Caller frees. */
char *s3_xml_escape(const char *text) __attribute__((returns_nonnull));

/* One version of an object (no delete marker) in a listing. */
struct s3_version {
	const char *key, *version;
	uint64_t length;
	int64_t modified_us;
};

/* Where the next page of a listing begins. */
struct s3_page {
	bool more;
	char *key_marker, *version_marker;
};

void s3_page_deinit(struct s3_page *p);

/* Gives take() each version on the page, in order, until it returns other than 0, which is returned then. -1 temporary when
 * the page can't be read; 0 at its end. The caller deinits *next_r in any case but -1. */
int s3_xml_versions(const struct buf *body, int (*take)(void *ctx, const struct s3_version *v), void *ctx,
	struct s3_page *next_r, struct err *e) MUST_CHECK;

/* Adds the ids of the uploads under way of that key which the listing names. -1 temporary when it can't be read. */
int s3_xml_uploads(const struct buf *body, const char *key, struct strv *ids, struct err *e) MUST_CHECK;

#endif
