#include "workerd/export_pack.h"

#include "base/clock.h"
#include "sys/digest_state.h"
#include "workerd/export_gzip.h"
#include "workerd/export_zip.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>

#define ZIP_DIRECTORY "zip-directory"

struct export_pack {
	struct export_zip *zip; /* or: */
	struct export_gzip *gzip;
	struct archive *a;
	struct archive_entry *entry;
	struct store_upload *to;
	bool dropped; /* what comes is not written */
	struct sha256_state *hash;
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

static int hand_on(void *ctx, const void *data, size_t n, struct err *e)
{
	struct export_pack *p = ctx;

	sha256_state_add(p->hash, data, n);
	return store_upload_add(p->to, data, n, e);
}

/* ---- tar.gz ---- */

/* archive_write_callback. */
static la_ssize_t hand_on_tar(struct archive *a, void *ctx, const void *data, size_t n)
{
	struct export_pack *p = ctx;

	if (p->dropped || export_gzip_add(p->gzip, data, n, &p->e) == 0)
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

/* Between two files a tar has no state: one that is gone on with is opened as if it began. Nothing is kept back. */
static int open_tar(struct export_pack *p, struct err *e)
{
	p->a = archive_write_new();
	p->entry = archive_entry_new();
	if (!p->a || !p->entry)
		abort(); /* no memory */
	if (archive_write_set_format_pax_restricted(p->a) || archive_write_add_filter_none(p->a) ||
		archive_write_set_bytes_per_block(p->a, 0) || archive_write_open(p->a, p, NULL, hand_on_tar, NULL))
		return failed(p, "archive_write_open", e);
	return 0;
}

static int begin_tar_file(struct export_pack *p, const char *path, int64_t modified_us, uint64_t size, struct err *e)
{
	struct archive_entry *entry = archive_entry_clear(p->entry);

	archive_entry_set_pathname(entry, path);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_size(entry, (la_int64_t)size);
	archive_entry_set_mtime(entry, modified_us > 0 ? modified_us / CLOCK_SECOND : 0, 0);
	return archive_write_header(p->a, entry) == ARCHIVE_OK ? 0 : failed(p, "archive_write_header", e);
}

static int add_to_tar(struct export_pack *p, const char *at, size_t n, struct err *e)
{
	while (n) {
		la_ssize_t some = archive_write_data(p->a, at, n);

		if (some <= 0)
			return failed(p, "archive_write_data", e);
		at += some;
		n -= (size_t)some;
	}
	return 0;
}

static int end_tar_file(struct export_pack *p, struct err *e)
{
	return archive_write_finish_entry(p->a) == ARCHIVE_OK ? 0 : failed(p, "archive_write_finish_entry", e);
}

static int finish_tar(struct export_pack *p, struct err *e)
{
	if (archive_write_close(p->a) != ARCHIVE_OK)
		return failed(p, "archive_write_close", e);
	return export_gzip_finish(p->gzip, e);
}

/* ---- either ---- */

static struct export_pack *pack_new(struct store_upload *to)
{
	struct export_pack *p = MEM_NEW(struct export_pack);

	p->to = to;
	p->hash = sha256_state_new();
	return p;
}

int export_pack_open(struct export_pack **p_r, enum export_container kind, struct store_upload *to, const char *dir, struct err *e)
{
	CLEANUP(export_pack_freep) struct export_pack *p = pack_new(to);

	if (kind == EXPORT_ZIP) {
		p->zip = export_zip_new(export_spool_new_named(dir, ZIP_DIRECTORY), hand_on, p);
	} else {
		p->gzip = export_gzip_new(hand_on, p);
		if (open_tar(p, e))
			return -1;
	}
	*p_r = p;
	p = NULL;
	return 0;
}

int export_pack_save(struct export_pack *p, struct buf *state, struct err *e)
{
	if (p->zip ? export_zip_save(p->zip, state, e) : export_gzip_save(p->gzip, state, e))
		return -1;
	return sha256_state_pack(p->hash, state) ? err_permanent(e, "save(export) failed: no room for it") : 0;
}

int export_pack_resume(struct export_pack **p_r, enum export_container kind, struct store_upload *to, const char *dir,
	struct unpack *saved, struct err *e)
{
	CLEANUP(export_pack_freep) struct export_pack *p = pack_new(to);

	if (kind == EXPORT_ZIP) {
		if (export_zip_resume(&p->zip, dir, ZIP_DIRECTORY, saved, hand_on, p, e))
			return -1;
	} else {
		p->gzip = export_gzip_resume(saved, hand_on, p);
		if (open_tar(p, e))
			return -1;
	}
	if (sha256_state_unpack(p->hash, saved))
		return err_permanent(e, "resume(export) failed: what was saved can't be read");
	*p_r = p;
	p = NULL;
	return 0;
}

uint64_t export_pack_size(const struct export_pack *p)
{
	return p->zip ? export_zip_size(p->zip) : export_gzip_size(p->gzip);
}

void export_pack_freep(struct export_pack **pp)
{
	struct export_pack *p = *pp;

	*pp = NULL;
	if (!p)
		return;
	p->dropped = true; /* what is not finished is not ended as if it were; archive_write_fail() would lose its memory */
	archive_entry_free(p->entry);
	archive_write_free(p->a);
	export_zip_freep(&p->zip);
	export_gzip_freep(&p->gzip);
	sha256_state_freep(&p->hash);
	free(p);
}

static int begin_file(struct export_pack *p, const char *path, int64_t modified_us, uint64_t size, struct err *e)
{
	return p->zip ? export_zip_begin(p->zip, path, modified_us, size, e) : begin_tar_file(p, path, modified_us, size, e);
}

static int add_piece(void *ctx, const void *data, size_t n, struct err *e)
{
	struct export_pack *p = ctx;

	return p->zip ? export_zip_add(p->zip, data, n, e) : add_to_tar(p, data, n, e);
}

static int end_file(struct export_pack *p, struct err *e)
{
	return p->zip ? export_zip_end(p->zip, e) : end_tar_file(p, e);
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
	if (p->zip ? export_zip_finish(p->zip, e) : finish_tar(p, e))
		return -1;
	sha256_state_finish(p->hash, sha256_r);
	return 0;
}
