#include "workerd/export_deflate.h"

#include <limits.h>
#include <string.h>
#include <zlib.h>

#define OUT_SIZE ((size_t)64 * 1024) /* what is handed on at once */

struct export_deflate {
	export_take *take;
	void *ctx;
	uint8_t *out;
	size_t out_n;
	uint64_t at;
	z_stream deflate;
};

struct export_deflate *export_deflate_new(uint64_t at, export_take *take, void *ctx)
{
	struct export_deflate *d = MEM_NEW(struct export_deflate);

	d->take = take;
	d->ctx = ctx;
	d->at = at;
	d->out = mem_alloc(OUT_SIZE, 1);
	if (deflateInit2(&d->deflate, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, MAX_MEM_LEVEL - 1, Z_DEFAULT_STRATEGY) != Z_OK)
		abort(); /* no memory */
	return d;
}

void export_deflate_freep(struct export_deflate **dp)
{
	struct export_deflate *d = *dp;

	*dp = NULL;
	if (!d)
		return;
	deflateEnd(&d->deflate);
	free(d->out);
	free(d);
}

uint64_t export_deflate_at(const struct export_deflate *d)
{
	return d->at;
}

int export_deflate_flush(struct export_deflate *d, struct err *e)
{
	if (d->out_n && d->take(d->ctx, d->out, d->out_n, e))
		return -1;
	d->out_n = 0;
	return 0;
}

int export_deflate_put(struct export_deflate *d, const void *data, size_t n, struct err *e)
{
	const char *from = data;

	d->at += n;
	while (n) {
		size_t room = OUT_SIZE - d->out_n, some = n < room ? n : room;

		memcpy(d->out + d->out_n, from, some);
		d->out_n += some;
		from += some;
		n -= some;
		if (d->out_n == OUT_SIZE && export_deflate_flush(d, e))
			return -1;
	}
	return 0;
}

/* ---- a stream ---- */

void export_deflate_begin(struct export_deflate *d)
{
	deflateReset(&d->deflate);
}

/* Lets deflate write until it has no more to say. */
static int go_on(struct export_deflate *d, int how, struct err *e)
{
	size_t room;
	int rc;

	do {
		if (d->out_n == OUT_SIZE && export_deflate_flush(d, e))
			return -1;
		room = OUT_SIZE - d->out_n;
		d->deflate.next_out = d->out + d->out_n;
		d->deflate.avail_out = (uInt)room;
		rc = deflate(&d->deflate, how);
		d->at += room - d->deflate.avail_out;
		d->out_n = OUT_SIZE - d->deflate.avail_out;
	} while (how == Z_FINISH ? rc != Z_STREAM_END : d->deflate.avail_in > 0 || d->deflate.avail_out == 0);
	return 0;
}

int export_deflate_add(struct export_deflate *d, const void *data, size_t n, struct err *e)
{
	const uint8_t *from = data;

	while (n) {
		uInt some = n < UINT_MAX ? (uInt)n : UINT_MAX;

		d->deflate.next_in = (uint8_t *)(uintptr_t)from; /* it is only read */
		d->deflate.avail_in = some;
		if (go_on(d, Z_NO_FLUSH, e))
			return -1;
		from += some;
		n -= some;
	}
	return 0;
}

/* A full flush ends with a whole byte, but leaves deflate at a place in its window that decides where later blocks end. */
int export_deflate_end_part(struct export_deflate *d, struct err *e)
{
	d->deflate.avail_in = 0;
	if (go_on(d, Z_FULL_FLUSH, e))
		return -1;
	deflateReset(&d->deflate);
	return 0;
}

int export_deflate_end(struct export_deflate *d, struct err *e)
{
	d->deflate.avail_in = 0;
	return go_on(d, Z_FINISH, e);
}
