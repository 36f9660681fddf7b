#include "cli/check_message.h"

#include "base/str.h"
#include "cli/check_disposed.h"
#include "ledger/record.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What is kept of one message. */
struct kept {
	char id[UUID_TEXT_SIZE];
	struct message_row row;
	struct meta_record ledger;
	struct ledger_record record; /* ledger.record, decoded */
	struct disposed disposed;
};

static void kept_deinit(struct kept *k)
{
	message_row_deinit(&k->row);
	meta_record_deinit(&k->ledger);
	ledger_record_deinit(&k->record);
}

static void fault(struct check_message *c, const struct kept *k, enum message_fault kind, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

static void fault(struct check_message *c, const struct kept *k, enum message_fault kind, const char *fmt, ...)
{
	char text[480];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	_free_ char *what = mem_printf("message %s: %s", k->id, text);

	c->report(c, kind, what);
}

/* ---- record and leaf ---- */

/* Is the record what was committed to? Only then it may be trusted more than the row. */
static bool check_leaf(struct check_message *c, const struct kept *k)
{
	uint8_t leaf[SHA256_SIZE];

	ledger_leaf(leaf, k->ledger.nonce, k->ledger.record, k->ledger.record_length);
	if (memcmp(leaf, k->ledger.leaf, SHA256_SIZE) == 0)
		return true;
	fault(c, k, FAULT_DATABASE, "its ledger record and nonce do not give its leaf");
	return false;
}

/* ---- record and row ---- */

static bool same_locator(const struct locator *a, const struct locator *b)
{
	return strcmp(a->bucket, b->bucket) == 0 && strcmp(a->key, b->key) == 0 &&
		strcmp(a->version, b->version) == 0 && a->offset == b->offset && a->length == b->length;
}

/* The envelope as the row has it. Where a byte of it was replaced the hash can't be made again: taken for good. */
static bool same_envelope(const struct message_row *row, const uint8_t hash[SHA256_SIZE])
{
	CLEANUP(capture_deinit) struct capture c = { 0 };
	uint8_t again[SHA256_SIZE];

	for (size_t i = 0; i < row->participant_count; i++) {
		const struct participant *p = &row->participants[i];

		if (p->role != ROLE_ENVELOPE_FROM && p->role != ROLE_ENVELOPE_TO)
			continue;
		if (strstr(p->address, STR_UTF8_REPLACEMENT))
			return true;
		if (p->role == ROLE_ENVELOPE_TO)
			capture_add_recipient(&c, p->address, NULL);
		else if (!c.mail_from)
			c.mail_from = mem_strdup(p->address);
		else
			return false;
	}
	capture_envelope_hash(&c, again);
	return memcmp(again, hash, SHA256_SIZE) == 0;
}

/* Where the object was put when it was archived: that is what the record speaks of. */
static struct message_origin origin_of(const struct message_row *row)
{
	return row->origin ? *row->origin : (struct message_origin){ row->locator, row->lock_mode, row->retain_until_us };
}

/* Tells which of the row's fields are not as recorded, in one finding. */
static void compare_row(struct check_message *c, const struct kept *k)
{
	const struct message_row *row = &k->row;
	const struct message_origin origin = origin_of(row);
	const struct ledger_record *r = &k->record;
	const struct {
		const char *name;
		bool same;
	} fields[] = {
		{ "id", memcmp(&row->id, &r->archive_id, sizeof(row->id)) == 0 },
		{ "kind", row->kind == r->kind },
		{ "capture point", strcmp(row->capture_point, r->capture_point) == 0 },
		{ "daemon", strcmp(k->ledger.daemon, r->daemon) == 0 },
		{ "sequence number", k->ledger.seq == r->daemon_seq },
		{ "received time", row->received_us == r->received_us },
		{ "SHA-256", memcmp(row->sha256, r->content_sha256, SHA256_SIZE) == 0 },
		{ "size", row->size == r->content_length },
		{ "envelope", same_envelope(row, r->envelope_hash) },
		{ "locator", same_locator(&origin.locator, &r->locator) },
		{ "lock mode", strcmp(origin.lock_mode, r->lock_mode) == 0 },
		{ "retain-until", origin.retain_until_us == r->retain_until_us && row->retain_until_us >= r->retain_until_us },
		{ "policy version", strcmp(row->policy_version, r->policy_version) == 0 },
	};
	CLEANUP(strv_deinit) struct strv different = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (!fields[i].same)
			strv_add(&different, fields[i].name);
	if (!different.n)
		return;
	_free_ char *list = strv_join(&different, ", ");

	fault(c, k, FAULT_DATABASE, "its row differs from its ledger record: %s", list);
}

/* ---- the object ---- */

/* Where the bytes are and what they must be: as recorded where that can be believed, else as the row has it. Where an
 * object was moved to no record says; its bytes are those recorded. */
struct expected {
	const struct locator *where;
	const uint8_t *sha256;
};

static int add_to_digest(void *ctx, const void *data, size_t n)
{
	sha256_add(ctx, data, n);
	return 0;
}

static void check_bytes(struct check_message *c, const struct kept *k, const struct expected *x)
{
	CLEANUP(sha256_freep) struct sha256 *h = sha256_new();
	uint8_t digest[SHA256_SIZE];
	struct err e;

	if (store_get(c->store, x->where, add_to_digest, h, &e) < 0) {
		fault(c, k, e.class == ERR_PERMANENT ? FAULT_OBJECT : FAULT_READING, "%s", e.text);
		return;
	}
	sha256_finish(h, digest);
	if (memcmp(digest, x->sha256, SHA256_SIZE) != 0)
		fault(c, k, FAULT_OBJECT, "the object %s has other bytes than were archived (its SHA-256 differs)",
			x->where->key);
}

/* It may have been disposed of since it was looked up. */
static void tell_gone(struct check_message *c, struct kept *k, const struct expected *x)
{
	struct err e;

	if (meta_disposed_get(c->meta, &k->row.id, &k->disposed, &e) < 0)
		fault(c, k, FAULT_READING, "%s", e.text);
	else if (!k->disposed.at_us)
		fault(c, k, FAULT_OBJECT, "the object %s is gone", x->where->key);
}

/* The bytes of a message that was disposed of may be on their way out until it is said that they are gone; then no version of
 * the object is to be there, wherever its row says that it was. */
static void check_remains(struct check_message *c, const struct kept *k)
{
	CLEANUP(locator_deinit) struct locator where = { 0 };
	struct err e;
	int there = store_remains(c->store, &k->row.id, &where, &e);

	if (there < 0)
		fault(c, k, FAULT_READING, "%s", e.text);
	else if (there && k->disposed.removed_us)
		fault(c, k, FAULT_LEFT, "it was disposed of and removed from the store, and the object %s%s%s is there", where.key,
			*where.version ? ", version " : "", where.version);
	else if (!there)
		c->removed++;
}

static void check_object(struct check_message *c, struct kept *k, const struct expected *x)
{
	struct store_state now;
	struct err e;

	if (!c->store)
		return;
	if (k->disposed.at_us) {
		check_remains(c, k);
		return;
	}
	int there = store_stat(c->store, x->where, &now, &e);

	if (there < 0)
		fault(c, k, FAULT_READING, "%s", e.text);
	else if (!there)
		tell_gone(c, k, x);
	if (there <= 0)
		return;
	c->objects++;
	c->locked += now.locked;
	if (!now.read_only)
		fault(c, k, FAULT_MODE, "the object %s may be written to", x->where->key);
	if (now.length != x->where->offset + x->where->length)
		fault(c, k, FAULT_OBJECT, "the object %s has %" PRIu64 " bytes, %" PRIu64 " were archived", x->where->key,
			now.length, x->where->offset + x->where->length);
	else if (c->bytes)
		check_bytes(c, k, x);
}

/* ---- that it was disposed of ---- */

struct telling {
	struct check_message *check;
	const struct kept *kept;
};

static void tell_disposed(void *ctx, const char *what)
{
	const struct telling *t = ctx;

	fault(t->check, t->kept, FAULT_DATABASE, "%s", what);
}

static int check_tombstone(struct check_message *c, const struct kept *k, struct err *e)
{
	struct telling t = { c, k };

	c->disposed++;
	return check_disposed(c->meta, &k->row.id, tell_disposed, &t, e);
}

/* ---- all of it ---- */

static void check_kept(struct check_message *c, struct kept *k)
{
	struct expected x = { &k->row.locator, k->row.sha256 };
	bool sound = check_leaf(c, k);

	if (ledger_record_decode(&k->record, k->ledger.record, k->ledger.record_length) < 0)
		fault(c, k, FAULT_DATABASE, "its ledger record can't be read");
	else {
		compare_row(c, k);
		if (sound)
			x = (struct expected){ k->row.origin ? &k->row.locator : &k->record.locator,
				k->record.object_sha256 };
	}
	check_object(c, k, &x);
}

int check_message(struct check_message *c, const struct uuid *id, struct err *e)
{
	CLEANUP(kept_deinit) struct kept k = { 0 };
	int found = meta_message_load(c->meta, id, &k.row, e);

	uuid_format(k.id, id);
	if (found < 0)
		return -1;
	if (!found) {
		fault(c, &k, FAULT_DATABASE, "its row vanished while it was looked at");
		return 0;
	}
	found = meta_record_get(c->meta, id, &k.ledger, e);
	if (found < 0 || meta_disposed_get(c->meta, id, &k.disposed, e) < 0)
		return -1;
	if (found) {
		check_kept(c, &k);
	} else {
		if (!c->batches)
			fault(c, &k, FAULT_DATABASE, "it has no ledger record");
		check_object(c, &k, &(struct expected){ &k.row.locator, k.row.sha256 });
	}
	return k.disposed.at_us ? check_tombstone(c, &k, e) : 0;
}
