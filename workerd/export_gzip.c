#include "workerd/export_gzip.h"

#include <stdbool.h>
#include <zlib.h>

struct export_gzip {
	struct export_deflate *out;
	bool begun;
	uint32_t crc, size; /* of what was added; the size modulo 2^32 */
};

static struct export_gzip *new_at(uint64_t at, export_take *take, void *ctx)
{
	struct export_gzip *g = MEM_NEW(struct export_gzip);

	g->out = export_deflate_new(at, take, ctx);
	g->begun = at > 0;
	return g;
}

struct export_gzip *export_gzip_new(export_take *take, void *ctx)
{
	return new_at(0, take, ctx);
}

void export_gzip_freep(struct export_gzip **gp)
{
	struct export_gzip *g = *gp;

	*gp = NULL;
	if (!g)
		return;
	export_deflate_freep(&g->out);
	free(g);
}

uint64_t export_gzip_size(const struct export_gzip *g)
{
	return export_deflate_at(g->out);
}

/* Without a name and a time: the files inside have theirs. */
static int begin(struct export_gzip *g, struct err *e)
{
	static const uint8_t header[] = { 0x1f, 0x8b, Z_DEFLATED, 0, 0, 0, 0, 0, 0, 3 /* of Unix */ };

	if (g->begun)
		return 0;
	g->begun = true;
	return export_deflate_put(g->out, header, sizeof(header), e);
}

int export_gzip_add(struct export_gzip *g, const void *data, size_t n, struct err *e)
{
	if (begin(g, e))
		return -1;
	if (!n)
		return 0; /* of no bytes at no place zlib makes the checksum of nothing */
	g->crc = (uint32_t)crc32_z(g->crc, data, n);
	g->size += (uint32_t)n;
	return export_deflate_add(g->out, data, n, e);
}

static void little_endian(uint8_t to[4], uint32_t value)
{
	for (int i = 0; i < 4; i++)
		to[i] = (uint8_t)(value >> 8 * i);
}

int export_gzip_finish(struct export_gzip *g, struct err *e)
{
	uint8_t trailer[8];

	little_endian(trailer, g->crc);
	little_endian(trailer + 4, g->size);
	return begin(g, e) || export_deflate_end(g->out, e) || export_deflate_put(g->out, trailer, sizeof(trailer), e) ||
		export_deflate_flush(g->out, e) ? -1 : 0;
}

int export_gzip_save(struct export_gzip *g, struct buf *state, struct err *e)
{
	if (begin(g, e) || export_deflate_end_part(g->out, e) || export_deflate_flush(g->out, e))
		return -1;
	if (pack_u64(state, export_deflate_at(g->out)) || pack_u32(state, g->crc) || pack_u32(state, g->size))
		return err_permanent(e, "save(gzip) failed: no room for it");
	return 0;
}

struct export_gzip *export_gzip_resume(struct unpack *saved, export_take *take, void *ctx)
{
	struct export_gzip *g = new_at(unpack_u64(saved), take, ctx);

	g->crc = unpack_u32(saved);
	g->size = unpack_u32(saved);
	return g;
}
