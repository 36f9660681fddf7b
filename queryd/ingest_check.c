#include "queryd/ingest_check.h"

#include "base/hex.h"
#include "base/str.h"
#include "mail/address.h"

#include <string.h>

static const struct {
	const char *name;
	enum participant_role role;
} roles[] = {
	{ "from", ROLE_FROM },
	{ "to", ROLE_TO },
	{ "cc", ROLE_CC },
	{ "bcc", ROLE_BCC },
};

static int differs(struct call *c, const char *field, const char *what)
{
	response_problem_at(&c->response, field, -1, "The message says something else: %s.", what);
	return -1;
}

/* ---- form ---- */

static int check_attachment_form(struct call *c, const cJSON *item)
{
	static const struct body_field fields[] = {
		{ .name = "name", .type = BODY_STRING },
		{ .name = "content_type", .type = BODY_STRING },
		{ .name = "size", .type = BODY_INTEGER },
		{ .name = "sha256", .type = BODY_STRING, .max = SHA256_TEXT_SIZE - 1 },
		{ 0 },
	};

	if (cJSON_IsObject(item))
		return body_check(c, item, fields);
	response_problem_at(&c->response, "attachments", -1, "Each of these must be an object.");
	return -1;
}

int ingest_check_form(struct call *c, const cJSON *body)
{
	static const struct body_field fields[] = {
		{ .name = "from", .type = BODY_STRINGS },
		{ .name = "to", .type = BODY_STRINGS },
		{ .name = "cc", .type = BODY_STRINGS },
		{ .name = "bcc", .type = BODY_STRINGS },
		{ 0 },
	};
	const cJSON *participants = cJSON_GetObjectItemCaseSensitive(body, "participants"), *item;

	if (cJSON_IsObject(participants) && body_check(c, participants, fields) < 0)
		return -1;
	cJSON_ArrayForEach (item, cJSON_GetObjectItemCaseSensitive(body, "attachments"))
		if (check_attachment_form(c, item) < 0)
			return -1;
	return 0;
}

/* ---- what it says ---- */

static void normalize(struct strv *list)
{
	struct strv normal = { 0 };

	for (size_t i = 0; i < list->n; i++) {
		_free_ char *one = address_normalize(list->items[i]);

		strv_add(&normal, one);
	}
	strv_deinit(list);
	strv_dedup(&normal);
	strv_sort(&normal);
	*list = normal;
}

static bool says_these(const struct parsed *p, enum participant_role role, struct strv *wanted)
{
	CLEANUP(strv_deinit) struct strv real = { 0 };

	for (size_t i = 0; i < p->participant_count; i++)
		if (p->participants[i].role == role && *p->participants[i].normal)
			strv_add(&real, p->participants[i].normal);
	strv_dedup(&real);
	strv_sort(&real);
	normalize(wanted);
	_free_ char *left = strv_join(&real, "\n"), *right = strv_join(wanted, "\n");

	return strcmp(left, right) == 0;
}

static int check_participants(struct call *c, const cJSON *said, const struct parsed *p)
{
	for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
		CLEANUP(strv_deinit) struct strv wanted = { 0 };

		if (body_strings(said, roles[i].name, &wanted) && !says_these(p, roles[i].role, &wanted))
			return differs(c, "participants", roles[i].name);
	}
	return 0;
}

static const char *difference(const cJSON *said, const struct attachment *a)
{
	const char *name = body_string(said, "name"), *type = body_string(said, "content_type"),
		   *digits = body_string(said, "sha256");
	uint8_t sha256[SHA256_SIZE];
	uint64_t size = a->size;

	if (name && strcmp(name, a->name) != 0)
		return "the name of an attachment";
	if (type && !str_ieq(type, a->content_type))
		return "the content_type of an attachment";
	if (json_get_u64(said, "size", &size) < 0 || size != a->size)
		return "the size of an attachment";
	if (digits && (hex_decode(sha256, SHA256_SIZE, digits) < 0 || memcmp(sha256, a->sha256, SHA256_SIZE) != 0))
		return "the sha256 of an attachment";
	return NULL;
}

static int check_attachments(struct call *c, const cJSON *said, const struct parsed *p)
{
	const cJSON *item;
	size_t i = 0;

	if ((size_t)cJSON_GetArraySize(said) != p->attachment_count)
		return differs(c, "attachments", "how many there are");
	cJSON_ArrayForEach (item, said) {
		const char *what = difference(item, &p->attachments[i++]);

		if (what)
			return differs(c, "attachments", what);
	}
	return 0;
}

int ingest_check(struct call *c, const cJSON *body, const struct parsed *p)
{
	const cJSON *participants = cJSON_GetObjectItemCaseSensitive(body, "participants");
	const cJSON *attachments = cJSON_GetObjectItemCaseSensitive(body, "attachments");

	if (p->flags & PARSE_FAILED && (cJSON_IsObject(participants) || cJSON_IsArray(attachments)))
		return differs(c, cJSON_IsObject(participants) ? "participants" : "attachments", "it can't be read at all");
	if (cJSON_IsObject(participants) && check_participants(c, participants, p) < 0)
		return -1;
	return cJSON_IsArray(attachments) ? check_attachments(c, attachments, p) : 0;
}
