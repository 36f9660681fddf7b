#include "store/store_s3_xml.h"

#include "base/clock.h"
#include "base/str.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>

static void doc_freep(xmlDoc **d)
{
	xmlFreeDoc(*d);
}
#define _doc_ CLEANUP(doc_freep)

/* NULL for what is no XML, and for what declares entities: no store does, and they could stand for any length. */
static xmlDoc *parse(const struct buf *body)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, xmlInitParser);
	if (!body->len || body->len > INT_MAX)
		return NULL;
	xmlDoc *doc = xmlReadMemory(body->data, (int)body->len, NULL, NULL,
		XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);

	if (!doc || !doc->intSubset)
		return doc;
	xmlFreeDoc(doc);
	return NULL;
}

static bool is_element(const xmlNode *n, const char *name)
{
	return n->type == XML_ELEMENT_NODE && strcmp((const char *)n->name, name) == 0;
}

/* Caller frees. */
static char *text_of(const xmlNode *n)
{
	xmlChar *text = xmlNodeGetContent(n);
	char *copy = mem_strdup(text ? (const char *)text : "");

	xmlFree(text);
	return copy;
}

/* NULL when there is no child of that name. Caller frees. */
static char *child_text(const xmlNode *parent, const char *name)
{
	for (const xmlNode *n = parent->children; n; n = n->next)
		if (is_element(n, name))
			return text_of(n);
	return NULL;
}

/* The node behind n in the order of the text, below top. */
static const xmlNode *next_node(const xmlNode *n, const xmlNode *top)
{
	if (n->children && n->type == XML_ELEMENT_NODE)
		return n->children;
	while (n != top && !n->next)
		n = n->parent;
	return n == top ? NULL : n->next;
}

char *s3_xml_text(const struct buf *body, const char *name)
{
	_doc_ xmlDoc *doc = parse(body);
	const xmlNode *top = doc ? xmlDocGetRootElement(doc) : NULL;

	for (const xmlNode *n = top; n; n = next_node(n, top))
		if (is_element(n, name))
			return text_of(n);
	return NULL;
}

char *s3_xml_escape(const char *text)
{
	struct buf b = BUF_INIT((size_t)1 << 20);

	for (; *text; text++) {
		const char *entity = *text == '&' ? "&amp;" : *text == '<' ? "&lt;" : *text == '>' ? "&gt;" : NULL;

		if (entity ? buf_add_str(&b, entity) : buf_add_char(&b, *text))
			abort(); /* nobody names anything so long */
	}
	return buf_take(&b);
}

void s3_page_deinit(struct s3_page *p)
{
	free(p->key_marker);
	free(p->version_marker);
	*p = (struct s3_page){ 0 };
}

static int take_version(const xmlNode *n, int (*take)(void *ctx, const struct s3_version *v), void *ctx, struct err *e)
{
	_free_ char *key = child_text(n, "Key"), *version = child_text(n, "VersionId"), *size = child_text(n, "Size"),
		    *modified = child_text(n, "LastModified");
	struct s3_version v = { .key = key, .version = version };

	if (!key || !version || !size || str_parse_u64(&v.length, size, INT64_MAX) || !modified ||
		clock_parse(&v.modified_us, modified))
		return err_temporary(e, "an entry lacks its key, version, size or date");
	return take(ctx, &v);
}

static void read_page(const xmlNode *root, struct s3_page *p)
{
	_free_ char *more = child_text(root, "IsTruncated");

	*p = (struct s3_page){ more && strcmp(more, "true") == 0, child_text(root, "NextKeyMarker"),
		child_text(root, "NextVersionIdMarker") };
}

int s3_xml_versions(const struct buf *body, int (*take)(void *ctx, const struct s3_version *v), void *ctx,
	struct s3_page *next_r, struct err *e)
{
	_doc_ xmlDoc *doc = parse(body);
	const xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;
	int rc = 0;

	if (!root || (!is_element(root, "ListVersionsResult") && !is_element(root, "ListObjectVersionsOutput")))
		return err_temporary(e, "the answer is no list of versions");
	for (const xmlNode *n = root->children; n && rc == 0; n = n->next)
		if (is_element(n, "Version"))
			rc = take_version(n, take, ctx, e);
	if (rc >= 0)
		read_page(root, next_r);
	return rc;
}

int s3_xml_uploads(const struct buf *body, const char *key, struct strv *ids, struct err *e)
{
	_doc_ xmlDoc *doc = parse(body);
	const xmlNode *root = doc ? xmlDocGetRootElement(doc) : NULL;

	if (!root || !is_element(root, "ListMultipartUploadsResult"))
		return err_temporary(e, "the answer is no list of uploads");
	for (const xmlNode *n = root->children; n; n = n->next) {
		if (!is_element(n, "Upload"))
			continue;
		_free_ char *of = child_text(n, "Key"), *id = child_text(n, "UploadId");

		if (of && id && strcmp(of, key) == 0)
			strv_add(ids, id);
	}
	return 0;
}
