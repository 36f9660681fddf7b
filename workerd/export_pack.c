#include "workerd/export_pack.h"

#include "base/clock.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>

#define BLOCK (64 * 1024) /* what is handed to the store at once */

struct export_pack {
	struct archive *a;
	struct archive_entry *entry;
	struct store_upload *to; /* NULL: what comes is dropped */
	struct sha256 *hash;
	struct err e; /* why the store took no more */
};

static const char *const names[EXPORT_CONTAINERS] = { "tar.gz", "zip" };

const char *export_container_name(enum export_container c)
{
	return names[c];
}

int export_container_parse(enum export_container *c_r, const char *name)
{
	for (int c = 0; c < EXPORT_CONTAINERS; c++)
		if (strcmp(name, names[c]) == 0) {
			*c_r = (enum export_container)c;
			return 0;
		}
	return -1;
}

/* archive_write_callback. */
static la_ssize_t hand_on(struct archive *a, void *ctx, const void *data, size_t n)
{
	struct export_pack *p = ctx;

	if (!p->to)
		return (la_ssize_t)n;
	sha256_add(p->hash, data, n);
	if (store_upload_add(p->to, data, n, &p->e) == 0)
		return (la_ssize_t)n;
	archive_set_error(a, EIO, "the store takes no more");
	return -1;
}

static int failed(struct export_pack *p, const char *op, struct err *e)
{
	if (p->e.class != ERR_NONE) {
		*e = p->e;
		return -1;
	}
	const char *why = archive_error_string(p->a);

	return err_temporary(e, "%s failed: %s", op, why ? why : "no reason is known");
}

static int set_format(struct archive *a, enum export_container kind)
{
	if (kind == EXPORT_ZIP)
		return archive_write_set_format_zip(a);
	return archive_write_set_format_pax_restricted(a) || archive_write_add_filter_gzip(a);
}

int export_pack_open(struct export_pack **p_r, enum export_container kind, struct store_upload *to, struct err *e)
{
	CLEANUP(export_pack_freep) struct export_pack *p = MEM_NEW(struct export_pack);

	p->to = to;
	p->hash = sha256_new();
	p->a = archive_write_new();
	p->entry = archive_entry_new();
	if (!p->a || !p->entry)
		abort(); /* no memory */
	if (set_format(p->a, kind) || archive_write_set_bytes_per_block(p->a, BLOCK) ||
		archive_write_set_bytes_in_last_block(p->a, 1) || archive_write_open(p->a, p, NULL, hand_on, NULL))
		return failed(p, "archive_write_open", e);
	*p_r = p;
	p = NULL;
	return 0;
}

void export_pack_freep(struct export_pack **pp)
{
	struct export_pack *p = *pp;

	*pp = NULL;
	if (!p)
		return;
	p->to = NULL; /* what is not finished is not ended as if it were; archive_write_fail() would lose its memory */
	archive_entry_free(p->entry);
	archive_write_free(p->a);
	sha256_freep(&p->hash);
	free(p);
}

static int begin_file(struct export_pack *p, const char *path, int64_t modified_us, uint64_t size, struct err *e)
{
	struct archive_entry *entry = archive_entry_clear(p->entry);

	archive_entry_set_pathname(entry, path);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_size(entry, (la_int64_t)size);
	archive_entry_set_mtime(entry, modified_us > 0 ? modified_us / CLOCK_SECOND : 0, 0);
	return archive_write_header(p->a, entry) == ARCHIVE_OK ? 0 : failed(p, "archive_write_header", e);
}

static int add_piece(void *ctx, const void *data, size_t n, struct err *e)
{
	struct export_pack *p = ctx;
	const char *at = data;

	while (n) {
		la_ssize_t some = archive_write_data(p->a, at, n);

		if (some <= 0)
			return failed(p, "archive_write_data", e);
		at += some;
		n -= (size_t)some;
	}
	return 0;
}

static int end_file(struct export_pack *p, struct err *e)
{
	return archive_write_finish_entry(p->a) == ARCHIVE_OK ? 0 : failed(p, "archive_write_finish_entry", e);
}

int export_pack_add(struct export_pack *p, const char *path, int64_t modified_us, const void *data, size_t n, struct err *e)
{
	return begin_file(p, path, modified_us, n, e) || add_piece(p, data, n, e) || end_file(p, e) ? -1 : 0;
}

int export_pack_add_spool(struct export_pack *p, const char *path, int64_t modified_us, struct export_spool *s, struct err *e)
{
	return begin_file(p, path, modified_us, export_spool_size(s), e) || export_spool_read(s, add_piece, p, e) ||
		end_file(p, e) ? -1 : 0;
}

int export_pack_finish(struct export_pack *p, uint8_t sha256_r[SHA256_SIZE], struct err *e)
{
	if (archive_write_close(p->a) != ARCHIVE_OK)
		return failed(p, "archive_write_close", e);
	sha256_finish(p->hash, sha256_r);
	return 0;
}
