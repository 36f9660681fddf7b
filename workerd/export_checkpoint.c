#include "workerd/export_checkpoint.h"

#include "base/pack.h"
#include "sys/digest.h"
#include "sys/io.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define NAME "checkpoint"
#define MAGIC "strongroom-export-checkpoint/1 " STRONGROOM_VERSION
#define MAX (3 * EXPORT_STATE_MAX)

void export_checkpoint_deinit(struct export_checkpoint *c)
{
	free(c->key);
	free(c->scope);
	buf_deinit(&c->list);
	buf_deinit(&c->write);
	*c = (struct export_checkpoint){ 0 };
}

/* Caller frees. */
static char *path_of(const struct export_place *p)
{
	return mem_printf("%s/" NAME, p->dir);
}

/* ---- writing ---- */

static int pack_progress(struct buf *b, const struct export_progress *p)
{
	return pack_u64(b, p->total) || pack_u8(b, p->total_known) || pack_u64(b, p->done) || pack_u64(b, p->missing) || pack_u64(b, p->size);
}

static int pack(struct buf *b, const struct export_checkpoint *c)
{
	uint8_t sha256[SHA256_SIZE];

	if (pack_str(b, MAGIC) || pack_bytes(b, c->id.bytes, UUID_SIZE) || pack_str(b, c->key) || pack_str(b, c->scope) ||
		pack_progress(b, &c->progress) || pack_u64(b, c->coverage.in_scope) || pack_u64(b, c->coverage.not_indexed) ||
		pack_bytes(b, c->list.data, c->list.len) || pack_bytes(b, c->write.data, c->write.len))
		return -1;
	sha256_of(b->data, b->len, sha256);
	return buf_add(b, sha256, SHA256_SIZE);
}

/* The names of the files that it speaks of first. */
int export_checkpoint_write(const struct export_place *p, const struct export_checkpoint *c, struct err *e)
{
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(MAX);
	_free_ char *path = path_of(p);

	if (pack(&b, c))
		return err_permanent(e, "write(%s) failed: it is too large", path);
	io_fsync_dir_or_die(p->lock, p->dir);
	return io_replace_file(path, b.data, b.len, 0600, e);
}

/* ---- reading ---- */

static void take_progress(struct unpack *u, struct export_progress *p)
{
	p->total = unpack_u64(u);
	p->total_known = unpack_u8(u) != 0;
	p->done = unpack_u64(u);
	p->missing = unpack_u64(u);
	p->size = unpack_u64(u);
}

static int take_state(struct unpack *u, struct buf *state)
{
	size_t n;
	const uint8_t *bytes = unpack_bytes(u, &n);

	*state = BUF_INIT(EXPORT_STATE_MAX);
	return n ? buf_add(state, bytes, n) : 0;
}

static int unpack(struct unpack *u, struct export_checkpoint *c)
{
	_free_ char *magic = unpack_str(u);
	size_t n;
	const uint8_t *id;

	if (!magic || strcmp(magic, MAGIC) != 0)
		return -1;
	id = unpack_bytes(u, &n);
	if (n != UUID_SIZE)
		return -1;
	memcpy(c->id.bytes, id, UUID_SIZE);
	c->key = unpack_str(u);
	c->scope = unpack_str(u);
	take_progress(u, &c->progress);
	c->coverage.in_scope = unpack_u64(u);
	c->coverage.not_indexed = unpack_u64(u);
	return take_state(u, &c->list) || take_state(u, &c->write) || unpack_end(u) ? -1 : 0;
}

static bool is_whole(const struct buf *b)
{
	uint8_t sha256[SHA256_SIZE];

	if (b->len < SHA256_SIZE)
		return false;
	sha256_of(b->data, b->len - SHA256_SIZE, sha256);
	return memcmp(sha256, b->data + b->len - SHA256_SIZE, SHA256_SIZE) == 0;
}

int export_checkpoint_read(const struct export_place *p, struct export_checkpoint *c_r, struct err *e)
{
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(MAX);
	CLEANUP(export_checkpoint_deinit) struct export_checkpoint c = { 0 };
	_free_ char *path = path_of(p);

	if (access(path, F_OK) && errno == ENOENT)
		return 0;
	if (io_read_file(&b, path, MAX, e))
		return -1;
	if (!is_whole(&b))
		return err_permanent(e, "read(%s) failed: it is damaged", path);
	struct unpack u = UNPACK_INIT(b.data, b.len - SHA256_SIZE);

	if (unpack(&u, &c))
		return err_permanent(e, "read(%s) failed: it is of another version", path);
	*c_r = c;
	c = (struct export_checkpoint){ 0 };
	return 1;
}
