#include "ledger/audit_record.h"

#include "base/pack.h"

#include <string.h>

/* ---- writing ---- */

static int pack_optional(struct buf *out, bool has, const uint8_t digest[SHA256_SIZE])
{
	return pack_bytes(out, digest, has ? SHA256_SIZE : 0);
}

static int encode_intent(struct buf *out, const struct ledger_audit_record *r)
{
	return pack_u64(out, r->account_id) || pack_str(out, r->actor) || pack_str(out, r->strength) ||
		pack_str(out, r->action) || pack_str(out, r->object) || pack_str(out, r->detail) ||
		pack_str(out, r->reason) || pack_str(out, r->case_ref) || pack_str(out, r->client) ||
		pack_str(out, r->request_id) || pack_optional(out, r->has_mailboxes, r->mailboxes);
}

static int encode_outcome(struct buf *out, const struct ledger_audit_record *r)
{
	return pack_str(out, r->result) || pack_u32(out, r->status) || pack_u64(out, r->count) ||
		pack_optional(out, r->has_digest, r->digest);
}

int ledger_audit_encode(struct buf *out, const struct ledger_audit_record *r)
{
	if (pack_u8(out, LEDGER_AUDIT_VERSION) || pack_u8(out, (uint8_t)r->kind) || pack_str(out, r->daemon) ||
		pack_u64(out, r->seq) || pack_bytes(out, r->id.bytes, UUID_SIZE) || pack_i64(out, r->at_us))
		return -1;
	return (r->kind == LEDGER_AUDIT_INTENT ? encode_intent(out, r) : encode_outcome(out, r)) ? -1 : 0;
}

/* ---- reading ---- */

/* A digest or none; anything of another length is not ours. */
static bool take_optional(struct unpack *u, uint8_t digest[SHA256_SIZE])
{
	size_t n;
	const uint8_t *at = unpack_bytes(u, &n);

	if (at && n == SHA256_SIZE)
		memcpy(digest, at, SHA256_SIZE);
	else if (n)
		u->failed = true;
	return n != 0;
}

static void take_id(struct unpack *u, struct uuid *id)
{
	size_t n;
	const uint8_t *at = unpack_bytes(u, &n);

	if (at && n == UUID_SIZE)
		memcpy(id->bytes, at, UUID_SIZE);
	else
		u->failed = true;
}

static void decode_intent(struct unpack *u, struct ledger_audit_record *r)
{
	r->account_id = unpack_u64(u);
	r->actor = unpack_str(u);
	r->strength = unpack_str(u);
	r->action = unpack_str(u);
	r->object = unpack_str(u);
	r->detail = unpack_str(u);
	r->reason = unpack_str(u);
	r->case_ref = unpack_str(u);
	r->client = unpack_str(u);
	r->request_id = unpack_str(u);
	r->has_mailboxes = take_optional(u, r->mailboxes);
}

static void decode_outcome(struct unpack *u, struct ledger_audit_record *r)
{
	r->result = unpack_str(u);
	r->status = unpack_u32(u);
	r->count = unpack_u64(u);
	r->has_digest = take_optional(u, r->digest);
}

static void decode(struct unpack *u, struct ledger_audit_record *r)
{
	r->kind = (enum ledger_audit_kind)unpack_u8(u);
	r->daemon = unpack_str(u);
	r->seq = unpack_u64(u);
	take_id(u, &r->id);
	r->at_us = unpack_i64(u);
	if (r->kind == LEDGER_AUDIT_INTENT)
		decode_intent(u, r);
	else if (r->kind == LEDGER_AUDIT_OUTCOME)
		decode_outcome(u, r);
	else
		u->failed = true;
}

/* Would encoding it again give the same bytes? This catches what reading alone lets pass, a NUL inside a string. */
static bool is_canonical(const struct ledger_audit_record *r, const void *data, size_t n)
{
	CLEANUP(buf_deinit) struct buf again = BUF_INIT(n);

	return ledger_audit_encode(&again, r) == 0 && again.len == n && memcmp(again.data, data, n) == 0;
}

int ledger_audit_decode(struct ledger_audit_record *r_r, const void *data, size_t n)
{
	struct unpack u = UNPACK_INIT(data, n);

	*r_r = (struct ledger_audit_record){ 0 };
	if (unpack_u8(&u) != LEDGER_AUDIT_VERSION)
		return -1;
	decode(&u, r_r);
	if (unpack_end(&u) == 0 && is_canonical(r_r, data, n))
		return 0;
	ledger_audit_deinit(r_r);
	return -1;
}

void ledger_audit_deinit(struct ledger_audit_record *r)
{
	char *const texts[] = { r->daemon, r->actor, r->strength, r->action, r->object, r->detail, r->reason, r->case_ref,
		r->client, r->request_id, r->result };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(texts[i]);
	*r = (struct ledger_audit_record){ 0 };
}

/* ---- digests ---- */

void ledger_audit_leaf(uint8_t leaf_r[SHA256_SIZE], const uint8_t nonce[LEDGER_NONCE_SIZE], const void *record, size_t n)
{
	CLEANUP(sha256_freep) struct sha256 *h = sha256_new();

	sha256_add(h, LEDGER_AUDIT_LABEL, strlen(LEDGER_AUDIT_LABEL));
	sha256_add(h, nonce, LEDGER_NONCE_SIZE);
	sha256_add(h, record, n);
	sha256_finish(h, leaf_r);
}

/* Each with the NUL behind it: no two lists give the same bytes. */
void ledger_mailboxes(uint8_t digest_r[SHA256_SIZE], const struct strv *mailboxes)
{
	CLEANUP(sha256_freep) struct sha256 *h = sha256_new();

	sha256_add(h, LEDGER_MAILBOXES_LABEL, strlen(LEDGER_MAILBOXES_LABEL));
	for (size_t i = 0; i < mailboxes->n; i++)
		sha256_add(h, mailboxes->items[i], strlen(mailboxes->items[i]) + 1);
	sha256_finish(h, digest_r);
}
