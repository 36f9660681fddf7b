#include "workerd/export_zip.h"

#include "base/buf.h"
#include "base/clock.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#define RECORD_MAX ((size_t)128 * 1024) /* a path and what stands around it */

/* A size from which on a file has the 64-bit extension: deflate makes what can't be made smaller a little larger. */
#define LARGE UINT64_C(0xf0000000)

enum signature {
	LOCAL_HEADER = 0x04034b50,
	DESCRIPTOR = 0x08074b50,
	CENTRAL_HEADER = 0x02014b50,
	CENTRAL_END_64 = 0x06064b50,
	CENTRAL_END_64_LOCATOR = 0x07064b50,
	CENTRAL_END = 0x06054b50,
};

enum { VERSION = 20, VERSION_64 = 45, MADE_ON_UNIX = 3 << 8 };
enum { SIZES_FOLLOW = 1 << 3 };
enum { DEFLATED = 8 };
enum { EXTRA_64 = 0x0001, EXTRA_TIME = 0x5455, EXTRA_TIME_SIZE = 5, TIME_MODIFIED = 1 };

#define REGULAR_FILE (UINT32_C(0100644) << 16) /* st_mode */

struct export_zip {
	struct export_deflate *out;
	struct export_spool *directory; /* the headers of all files */
	uint64_t files;
	/* of the file under way: */
	char *path;
	uint32_t dos_time, unix_time, crc;
	bool large;
	uint64_t begun_at, data_at, size;
};

struct export_zip *export_zip_new(struct export_spool *directory, export_take *take, void *ctx)
{
	struct export_zip *z = MEM_NEW(struct export_zip);

	z->out = export_deflate_new(0, take, ctx);
	z->directory = directory;
	return z;
}

void export_zip_freep(struct export_zip **zp)
{
	struct export_zip *z = *zp;

	*zp = NULL;
	if (!z)
		return;
	export_deflate_freep(&z->out);
	export_spool_freep(&z->directory);
	free(z->path);
	free(z);
}

uint64_t export_zip_size(const struct export_zip *z)
{
	return export_deflate_at(z->out);
}

/* ---- records ---- */

static int put(void *ctx, const void *data, size_t n, struct err *e)
{
	struct export_zip *z = ctx;

	return export_deflate_put(z->out, data, n, e);
}

/* Little-endian. No record is longer than RECORD_MAX. */
static void add_number(struct buf *b, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (buf_add_char(b, (char)(value >> 8 * i & 0xff)))
			abort();
}

static void add_u16(struct buf *b, uint64_t value)
{
	add_number(b, value, 2);
}

static void add_u32(struct buf *b, uint64_t value)
{
	add_number(b, value, 4);
}

static void add_u64(struct buf *b, uint64_t value)
{
	add_number(b, value, 8);
}

/* What says "see the 64-bit extension" where it does not fit. */
static uint64_t or_all_ones(uint64_t value, uint64_t ones)
{
	return value < ones ? value : ones;
}

/* ---- one file ---- */

/* Two seconds exactly, from 1980 on; taken to be of UTC, which the extension for times says in full. */
static uint32_t dos_time(time_t at)
{
	struct tm tm;

	gmtime_r(&at, &tm);
	if (tm.tm_year < 80)
		return 1 << 21 | 1 << 16;
	if (tm.tm_year > 207)
		tm = (struct tm){ .tm_year = 207, .tm_mon = 11, .tm_mday = 31, .tm_hour = 23, .tm_min = 59, .tm_sec = 58 };
	return (uint32_t)(tm.tm_year - 80) << 25 | (uint32_t)(tm.tm_mon + 1) << 21 | (uint32_t)tm.tm_mday << 16 |
		(uint32_t)tm.tm_hour << 11 | (uint32_t)tm.tm_min << 5 | (uint32_t)tm.tm_sec / 2;
}

/* What both headers of a file have in common. */
static void add_header(struct buf *b, const struct export_zip *z, uint64_t packed, uint64_t size, size_t extra)
{
	add_u16(b, SIZES_FOLLOW);
	add_u16(b, DEFLATED);
	add_u32(b, z->dos_time);
	add_u32(b, z->crc);
	add_u32(b, packed);
	add_u32(b, size);
	add_u16(b, strlen(z->path));
	add_u16(b, extra);
}

static void add_path(struct buf *b, const struct export_zip *z)
{
	if (buf_add_str(b, z->path))
		abort();
}

static void add_time(struct buf *b, const struct export_zip *z)
{
	add_u16(b, EXTRA_TIME);
	add_u16(b, EXTRA_TIME_SIZE);
	add_number(b, TIME_MODIFIED, 1);
	add_u32(b, z->unix_time);
}

static int put_local_header(struct export_zip *z, struct err *e)
{
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(RECORD_MAX);
	uint64_t unknown = z->large ? UINT32_MAX : 0;

	add_u32(&b, LOCAL_HEADER);
	add_u16(&b, z->large ? VERSION_64 : VERSION);
	add_header(&b, z, unknown, unknown, 4 + EXTRA_TIME_SIZE + (z->large ? 4u + 16u : 0u));
	add_path(&b, z);
	add_time(&b, z);
	if (z->large) {
		add_u16(&b, EXTRA_64);
		add_u16(&b, 16);
		add_u64(&b, 0);
		add_u64(&b, 0);
	}
	return put(z, b.data, b.len, e);
}

int export_zip_begin(struct export_zip *z, const char *path, int64_t modified_us, uint64_t size, struct err *e)
{
	int64_t at = modified_us > 0 ? modified_us / CLOCK_SECOND : 0;

	free(z->path);
	z->path = mem_strdup(path);
	z->dos_time = dos_time((time_t)at);
	z->unix_time = at < INT32_MAX ? (uint32_t)at : INT32_MAX;
	z->crc = 0;
	z->large = size >= LARGE;
	z->size = 0;
	z->begun_at = export_deflate_at(z->out);
	export_deflate_begin(z->out);
	if (put_local_header(z, e))
		return -1;
	z->data_at = export_deflate_at(z->out);
	return 0;
}

int export_zip_add(struct export_zip *z, const void *data, size_t n, struct err *e)
{
	if (!n)
		return 0; /* of no bytes at no place zlib makes the checksum of nothing */
	z->crc = (uint32_t)crc32_z(z->crc, data, n);
	z->size += n;
	return export_deflate_add(z->out, data, n, e);
}

static int put_descriptor(struct export_zip *z, uint64_t packed, struct err *e)
{
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(RECORD_MAX);

	add_u32(&b, DESCRIPTOR);
	add_u32(&b, z->crc);
	add_number(&b, packed, z->large ? 8 : 4);
	add_number(&b, z->size, z->large ? 8 : 4);
	return put(z, b.data, b.len, e);
}

static int note_in_directory(struct export_zip *z, uint64_t packed, struct err *e)
{
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(RECORD_MAX);
	bool far = z->begun_at >= UINT32_MAX;
	size_t extra_64 = (z->large ? 16u : 0u) + (far ? 8u : 0u);

	add_u32(&b, CENTRAL_HEADER);
	add_u16(&b, MADE_ON_UNIX | VERSION_64);
	add_u16(&b, extra_64 ? VERSION_64 : VERSION);
	add_header(&b, z, z->large ? UINT32_MAX : packed, z->large ? UINT32_MAX : z->size,
		4 + EXTRA_TIME_SIZE + (extra_64 ? 4 + extra_64 : 0));
	add_u16(&b, 0); /* length of a comment */
	add_u16(&b, 0); /* number of the disk */
	add_u16(&b, 0); /* what an application may say: whether it is text */
	add_u32(&b, REGULAR_FILE);
	add_u32(&b, or_all_ones(z->begun_at, UINT32_MAX));
	add_path(&b, z);
	add_time(&b, z);
	if (extra_64) {
		add_u16(&b, EXTRA_64);
		add_u16(&b, extra_64);
	}
	if (z->large) {
		add_u64(&b, z->size);
		add_u64(&b, packed);
	}
	if (far)
		add_u64(&b, z->begun_at);
	return export_spool_add(z->directory, b.data, b.len, e);
}

int export_zip_end(struct export_zip *z, struct err *e)
{
	if (export_deflate_end(z->out, e))
		return -1;
	uint64_t packed = export_deflate_at(z->out) - z->data_at;

	z->files++;
	return put_descriptor(z, packed, e) || note_in_directory(z, packed, e) ? -1 : 0;
}

/* ---- the end ---- */

static void add_end_64(struct buf *b, const struct export_zip *z, uint64_t directory_at, uint64_t directory_size)
{
	add_u32(b, CENTRAL_END_64);
	add_u64(b, 44); /* bytes that follow of it */
	add_u16(b, MADE_ON_UNIX | VERSION_64);
	add_u16(b, VERSION_64);
	add_u32(b, 0); /* number of the disk, and of that of the directory */
	add_u32(b, 0);
	add_u64(b, z->files);
	add_u64(b, z->files);
	add_u64(b, directory_size);
	add_u64(b, directory_at);
	add_u32(b, CENTRAL_END_64_LOCATOR);
	add_u32(b, 0);
	add_u64(b, directory_at + directory_size);
	add_u32(b, 1); /* disks */
}

int export_zip_finish(struct export_zip *z, struct err *e)
{
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(RECORD_MAX);
	uint64_t at = export_deflate_at(z->out), size = export_spool_size(z->directory);

	if (z->files >= UINT16_MAX || at >= UINT32_MAX || size >= UINT32_MAX)
		add_end_64(&b, z, at, size);
	add_u32(&b, CENTRAL_END);
	add_u32(&b, 0); /* number of the disk, and of that of the directory */
	add_u16(&b, or_all_ones(z->files, UINT16_MAX));
	add_u16(&b, or_all_ones(z->files, UINT16_MAX));
	add_u32(&b, or_all_ones(size, UINT32_MAX));
	add_u32(&b, or_all_ones(at, UINT32_MAX));
	add_u16(&b, 0); /* length of a comment */
	return export_spool_read(z->directory, put, z, e) || put(z, b.data, b.len, e) ||
		export_deflate_flush(z->out, e) ? -1 : 0;
}

/* ---- going on ---- */

int export_zip_save(struct export_zip *z, struct buf *state, struct err *e)
{
	if (export_deflate_flush(z->out, e))
		return -1;
	if (pack_u64(state, export_deflate_at(z->out)) || pack_u64(state, z->files))
		return err_permanent(e, "save(zip) failed: no room for it");
	return export_spool_save(z->directory, state, e);
}

int export_zip_resume(struct export_zip **z_r, const char *dir, const char *name, struct unpack *saved, export_take *take, void *ctx,
	struct err *e)
{
	uint64_t at = unpack_u64(saved), files = unpack_u64(saved);
	struct export_spool *directory;

	if (export_spool_resume(&directory, dir, name, saved, e))
		return -1;
	*z_r = MEM_NEW(struct export_zip);
	**z_r = (struct export_zip){ .out = export_deflate_new(at, take, ctx), .directory = directory, .files = files };
	return 0;
}
