#include "ledger/fact.h"

#include "base/pack.h"

#include <string.h>

int ledger_fact_encode(struct buf *out, const struct ledger_fact *f)
{
	if (pack_u8(out, LEDGER_FACT_VERSION) || pack_bytes(out, f->archive_id.bytes, UUID_SIZE) ||
		pack_u8(out, (uint8_t)f->kind) || pack_str(out, f->daemon) || pack_u64(out, f->daemon_seq) ||
		pack_i64(out, f->at_us) || pack_u8(out, f->clock_state) || pack_bytes(out, f->cause.bytes, UUID_SIZE) ||
		pack_i64(out, f->retain_until_us) || pack_str(out, f->policy_version))
		return -1;
	return 0;
}

static void take_uuid(struct unpack *u, struct uuid *id)
{
	size_t n;
	const uint8_t *at = unpack_bytes(u, &n);

	if (at && n == UUID_SIZE)
		memcpy(id->bytes, at, UUID_SIZE);
	else
		u->failed = true;
}

static void decode_fields(struct unpack *u, struct ledger_fact *f)
{
	take_uuid(u, &f->archive_id);
	f->kind = (enum ledger_fact_kind)unpack_u8(u);
	f->daemon = unpack_str(u);
	f->daemon_seq = unpack_u64(u);
	f->at_us = unpack_i64(u);
	f->clock_state = unpack_u8(u);
	take_uuid(u, &f->cause);
	f->retain_until_us = unpack_i64(u);
	f->policy_version = unpack_str(u);
}

/* As of a record: what reading alone lets pass. */
static bool is_canonical(const struct ledger_fact *f, const void *data, size_t n)
{
	CLEANUP(buf_deinit) struct buf again = BUF_INIT(n);

	return ledger_fact_encode(&again, f) == 0 && again.len == n && memcmp(again.data, data, n) == 0;
}

int ledger_fact_decode(struct ledger_fact *f_r, const void *data, size_t n)
{
	struct unpack u = UNPACK_INIT(data, n);

	*f_r = (struct ledger_fact){ 0 };
	if (unpack_u8(&u) != LEDGER_FACT_VERSION)
		return -1;
	decode_fields(&u, f_r);
	if (unpack_end(&u) == 0 && is_canonical(f_r, data, n))
		return 0;
	ledger_fact_deinit(f_r);
	return -1;
}

void ledger_fact_deinit(struct ledger_fact *f)
{
	free(f->daemon);
	free(f->policy_version);
	*f = (struct ledger_fact){ 0 };
}
