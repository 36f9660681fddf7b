#include "mail/parsed.h"

#include "base/str.h"
#include "mail/address.h"

#include <string.h>

/* Tags of the encoding: each value is a tag (32 bits) and its bytes. Never reuse a number. */
enum tag {
	TAG_FLAGS = 1,
	TAG_SUBJECT = 2,
	TAG_MESSAGE_ID = 3,
	TAG_DATE = 4,
	TAG_PARTICIPANT = 5, /* role, name, address, normal; one value each */
	TAG_ATTACHMENT = 6,  /* name, content type, size, SHA-256; one value each */
	TAG_TEXT = 7,
	TAG_REFERENCE = 8, /* one value each */
};

/* More than a worker that keeps to the limits can name: 1 MiB of header holds no more addresses. */
#define PARTICIPANTS_MAX 1000000

/* Years 0001 to 9999: what RFC 3339 can write. */
#define DATE_MIN INT64_C(-62135596800000000)
#define DATE_MAX INT64_C(253402300799999999)

static const char *const flag_names[PARSE_FLAGS] = {
	"failed",
	"timeout",
	"depth",
	"parts",
	"header_truncated",
	"text_truncated",
	"charset",
	"malformed",
	"ambiguous",
	"journal",
	"journal_malformed",
	"encrypted",
	"no_date",
};

const char *parsed_flag_name(unsigned bit)
{
	return bit < PARSE_FLAGS ? flag_names[bit] : NULL;
}

struct parsed *parsed_new(void)
{
	struct parsed *p = MEM_NEW(struct parsed);

	p->subject = mem_strdup("");
	p->message_id = mem_strdup("");
	p->text = mem_strdup("");
	return p;
}

void participants_free(struct participant *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].name);
		free(list[i].address);
		free(list[i].normal);
	}
	free(list);
}

void attachments_free(struct attachment *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].name);
		free(list[i].content_type);
	}
	free(list);
}

void parsed_freep(struct parsed **pp)
{
	struct parsed *p = *pp;

	if (!p)
		return;
	free(p->subject);
	free(p->message_id);
	strv_deinit(&p->references);
	free(p->text);
	participants_free(p->participants, p->participant_count);
	attachments_free(p->attachments, p->attachment_count);
	free(p);
	*pp = NULL;
}

/* Room for one more in a list that doubles at every power of two. */
static void *grow(void *list, size_t n, size_t size)
{
	return (n & (n - 1)) == 0 ? mem_realloc(list, n ? n * 2 : 1, size) : list;
}

static struct participant *next_participant(struct parsed *p)
{
	p->participants = grow(p->participants, p->participant_count, sizeof(*p->participants));
	return &p->participants[p->participant_count++];
}

static struct attachment *next_attachment(struct parsed *p)
{
	p->attachments = grow(p->attachments, p->attachment_count, sizeof(*p->attachments));
	return &p->attachments[p->attachment_count++];
}

void parsed_add_participant(
	struct parsed *p, enum participant_role role, const char *name, const char *address)
{
	*next_participant(p) = (struct participant){
		.role = role,
		.name = mem_strdup(name),
		.address = mem_strdup(address),
		.normal = address_normalize(address),
	};
}

void parsed_add_attachment(struct parsed *p, const char *name, const char *content_type,
	uint64_t size, const uint8_t sha256[SHA256_SIZE])
{
	struct attachment *a = next_attachment(p);

	*a = (struct attachment){
		.name = mem_strdup(name),
		.content_type = mem_strdup(content_type),
		.size = size,
	};
	memcpy(a->sha256, sha256, SHA256_SIZE);
}

/* ---- encoding ---- */

static int add_str(struct buf *out, enum tag tag, const char *s)
{
	return pack_u32(out, tag) || pack_str(out, s) ? -1 : 0;
}

static int add_participant(struct buf *out, const struct participant *q)
{
	size_t n = 1 + 4 + strlen(q->name) + 4 + strlen(q->address) + 4 + strlen(q->normal);

	return pack_u32(out, TAG_PARTICIPANT) || pack_u32(out, (uint32_t)n) ||
			       pack_u8(out, (uint8_t)q->role) || pack_str(out, q->name) ||
			       pack_str(out, q->address) || pack_str(out, q->normal)
		       ? -1
		       : 0;
}

static int add_attachment(struct buf *out, const struct attachment *a)
{
	size_t n = 4 + strlen(a->name) + 4 + strlen(a->content_type) + 8 + 4 + SHA256_SIZE;

	return pack_u32(out, TAG_ATTACHMENT) || pack_u32(out, (uint32_t)n) ||
			       pack_str(out, a->name) || pack_str(out, a->content_type) ||
			       pack_u64(out, a->size) || pack_bytes(out, a->sha256, SHA256_SIZE)
		       ? -1
		       : 0;
}

int parsed_encode(struct buf *out, const struct parsed *p)
{
	if (pack_u32(out, TAG_FLAGS) || pack_u32(out, 4) || pack_u32(out, p->flags) ||
		add_str(out, TAG_SUBJECT, p->subject) ||
		add_str(out, TAG_MESSAGE_ID, p->message_id))
		return -1;
	for (size_t i = 0; i < p->references.n; i++)
		if (add_str(out, TAG_REFERENCE, p->references.items[i]))
			return -1;
	if (p->has_date &&
		(pack_u32(out, TAG_DATE) || pack_u32(out, 8) || pack_i64(out, p->date_us)))
		return -1;
	for (size_t i = 0; i < p->participant_count; i++)
		if (add_participant(out, &p->participants[i]))
			return -1;
	for (size_t i = 0; i < p->attachment_count; i++)
		if (add_attachment(out, &p->attachments[i]))
			return -1;
	return add_str(out, TAG_TEXT, p->text) ? -1 : 0;
}

/* ---- decoding ---- */

/* Takes the bytes of a value for *to, which held another. -1 unless they are UTF-8 without NUL. */
static int set_str(char **to, const uint8_t *at, size_t n)
{
	if (memchr(at, '\0', n) || !str_utf8_valid((const char *)at, n))
		return -1;
	free(*to);
	*to = mem_dup(at, n);
	return 0;
}

static int take_str(char **to, struct unpack *u)
{
	size_t n;
	const uint8_t *at = unpack_bytes(u, &n);

	return at ? set_str(to, at, n) : -1;
}

static int take_participant(struct parsed *p, struct unpack *u)
{
	uint8_t role = unpack_u8(u);

	if (role < ROLE_FROM || role > ROLE_JOURNAL_VIA || p->participant_count >= PARTICIPANTS_MAX)
		return -1; /* the envelope's roles are not a worker's to give */
	struct participant *q = next_participant(p);

	*q = (struct participant){ .role = (enum participant_role)role };
	return take_str(&q->name, u) || take_str(&q->address, u) || take_str(&q->normal, u) ||
			       unpack_end(u)
		       ? -1
		       : 0;
}

static int take_attachment(struct parsed *p, struct unpack *u)
{
	size_t n;

	if (p->attachment_count >= PARSED_PARTS_MAX)
		return -1;
	struct attachment *a = next_attachment(p);

	*a = (struct attachment){ 0 };
	if (take_str(&a->name, u) || take_str(&a->content_type, u))
		return -1;
	a->size = unpack_u64(u);
	const uint8_t *sha256 = unpack_bytes(u, &n);

	if (unpack_end(u) || n != SHA256_SIZE)
		return -1;
	memcpy(a->sha256, sha256, SHA256_SIZE);
	return 0;
}

static int take_reference(struct parsed *p, const uint8_t *at, size_t n)
{
	_free_ char *id = NULL;

	if (p->references.n >= PARSED_REFERENCES_MAX || set_str(&id, at, n))
		return -1;
	strv_add(&p->references, id);
	return 0;
}

static int take_value(struct parsed *p, uint32_t tag, const uint8_t *at, size_t n)
{
	struct unpack u = UNPACK_INIT(at, n);

	switch ((enum tag)tag) {
	case TAG_FLAGS:
		p->flags = unpack_u32(&u);
		return unpack_end(&u);
	case TAG_SUBJECT:
		return set_str(&p->subject, at, n);
	case TAG_MESSAGE_ID:
		return set_str(&p->message_id, at, n);
	case TAG_DATE:
		p->has_date = true;
		p->date_us = unpack_i64(&u);
		return p->date_us < DATE_MIN || p->date_us > DATE_MAX ? -1 : unpack_end(&u);
	case TAG_REFERENCE:
		return take_reference(p, at, n);
	case TAG_PARTICIPANT:
		return take_participant(p, &u);
	case TAG_ATTACHMENT:
		return take_attachment(p, &u);
	case TAG_TEXT:
		return n > PARSED_TEXT_MAX ? -1 : set_str(&p->text, at, n);
	}
	return 0; /* of a newer worker */
}

int parsed_decode(struct parsed **p_r, const void *data, size_t n)
{
	CLEANUP(parsed_freep) struct parsed *p = parsed_new();
	struct unpack u = UNPACK_INIT(data, n);

	while (u.at < u.end && !u.failed) {
		uint32_t tag = unpack_u32(&u);
		size_t length;
		const uint8_t *at = unpack_bytes(&u, &length);

		if (!at || take_value(p, tag, at, length))
			return -1;
	}
	if (unpack_end(&u))
		return -1;
	p->flags &= (1u << PARSE_FLAGS) - 1;
	*p_r = p;
	p = NULL;
	return 0;
}
