#include "ledger/record.h"

#include "base/log.h"
#include "base/pack.h"

#include <string.h>
#include <sys/random.h>

static int encode_locator(struct buf *out, const struct locator *l)
{
	return pack_str(out, l->bucket) || pack_str(out, l->key) || pack_str(out, l->version) ||
		pack_u64(out, l->offset) || pack_u64(out, l->length);
}

static int encode_content(struct buf *out, const struct ledger_record *r)
{
	return pack_bytes(out, r->content_sha256, SHA256_SIZE) || pack_u64(out, r->content_length) ||
		pack_bytes(out, r->envelope_hash, SHA256_SIZE) ||
		pack_bytes(out, r->object_sha256, SHA256_SIZE);
}

int ledger_record_encode(struct buf *out, const struct ledger_record *r)
{
	if (pack_u8(out, LEDGER_RECORD_VERSION) || pack_bytes(out, r->archive_id.bytes, UUID_SIZE) ||
		pack_u8(out, (uint8_t)r->kind) || pack_str(out, r->capture_point) ||
		pack_str(out, r->daemon) || pack_u64(out, r->daemon_seq) ||
		pack_i64(out, r->received_us) || pack_u8(out, r->clock_state) ||
		encode_content(out, r) || encode_locator(out, &r->locator) ||
		pack_str(out, r->lock_mode) || pack_i64(out, r->retain_until_us) ||
		pack_str(out, r->policy_version))
		return -1;
	return 0;
}

/* A field of fixed size; anything of another length is not ours. */
static void take_fixed(struct unpack *u, void *out, size_t size)
{
	size_t n;
	const uint8_t *at = unpack_bytes(u, &n);

	if (at && n == size)
		memcpy(out, at, size);
	else
		u->failed = true;
}

static void decode_fields(struct unpack *u, struct ledger_record *r)
{
	take_fixed(u, r->archive_id.bytes, UUID_SIZE);
	r->kind = (enum capture_kind)unpack_u8(u);
	r->capture_point = unpack_str(u);
	r->daemon = unpack_str(u);
	r->daemon_seq = unpack_u64(u);
	r->received_us = unpack_i64(u);
	r->clock_state = unpack_u8(u);
	take_fixed(u, r->content_sha256, SHA256_SIZE);
	r->content_length = unpack_u64(u);
	take_fixed(u, r->envelope_hash, SHA256_SIZE);
	take_fixed(u, r->object_sha256, SHA256_SIZE);
	r->locator.bucket = unpack_str(u);
	r->locator.key = unpack_str(u);
	r->locator.version = unpack_str(u);
	r->locator.offset = unpack_u64(u);
	r->locator.length = unpack_u64(u);
	r->lock_mode = unpack_str(u);
	r->retain_until_us = unpack_i64(u);
	r->policy_version = unpack_str(u);
}

/* Would encoding it again give the same bytes? This catches what reading alone lets pass, a NUL inside a string. */
static bool is_canonical(const struct ledger_record *r, const void *data, size_t n)
{
	CLEANUP(buf_deinit) struct buf again = BUF_INIT(n);

	return ledger_record_encode(&again, r) == 0 && again.len == n && memcmp(again.data, data, n) == 0;
}

int ledger_record_decode(struct ledger_record *r_r, const void *data, size_t n)
{
	struct unpack u = UNPACK_INIT(data, n);

	*r_r = (struct ledger_record){ 0 };
	if (unpack_u8(&u) != LEDGER_RECORD_VERSION)
		return -1;
	decode_fields(&u, r_r);
	if (unpack_end(&u) == 0 && is_canonical(r_r, data, n))
		return 0;
	ledger_record_deinit(r_r);
	return -1;
}

void ledger_record_deinit(struct ledger_record *r)
{
	free(r->capture_point);
	free(r->daemon);
	locator_deinit(&r->locator);
	free(r->lock_mode);
	free(r->policy_version);
	*r = (struct ledger_record){ 0 };
}

void ledger_nonce(uint8_t nonce_r[LEDGER_NONCE_SIZE])
{
	if (getrandom(nonce_r, LEDGER_NONCE_SIZE, 0) != LEDGER_NONCE_SIZE)
		log_fatal(NULL, "getrandom() failed: no nonce for a ledger record");
}

void ledger_leaf(uint8_t leaf_r[SHA256_SIZE], const uint8_t nonce[LEDGER_NONCE_SIZE], const void *record, size_t n)
{
	CLEANUP(sha256_freep) struct sha256 *h = sha256_new();

	sha256_add(h, LEDGER_LEAF_LABEL, strlen(LEDGER_LEAF_LABEL));
	sha256_add(h, nonce, LEDGER_NONCE_SIZE);
	sha256_add(h, record, n);
	sha256_finish(h, leaf_r);
}
