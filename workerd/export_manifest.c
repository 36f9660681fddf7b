#include "workerd/export_manifest.h"

#include "base/hex.h"

#include <inttypes.h>
#include <string.h>

#define FILES "manifest-files"
#define MESSAGES "manifest-messages"
#define MISSING "manifest-missing"

void export_manifest_begin(struct export_manifest *m, const char *dir)
{
	*m = (struct export_manifest){ .files = export_spool_new_named(dir, FILES), .messages = export_spool_new_named(dir, MESSAGES),
		.missing = export_spool_new_named(dir, MISSING) };
}

int export_manifest_save(struct export_manifest *m, struct buf *state, struct err *e)
{
	if (export_spool_save(m->files, state, e) || export_spool_save(m->messages, state, e) || export_spool_save(m->missing, state, e))
		return -1;
	if (pack_u64(state, m->file_count) || pack_u64(state, m->message_count) || pack_u64(state, m->missing_count))
		return err_permanent(e, "save(manifest) failed: no room for it");
	return 0;
}

int export_manifest_resume(struct export_manifest *m, const char *dir, struct unpack *saved, struct err *e)
{
	*m = (struct export_manifest){ 0 };
	if (export_spool_resume(&m->files, dir, FILES, saved, e) || export_spool_resume(&m->messages, dir, MESSAGES, saved, e) ||
		export_spool_resume(&m->missing, dir, MISSING, saved, e))
		return -1;
	m->file_count = unpack_u64(saved);
	m->message_count = unpack_u64(saved);
	m->missing_count = unpack_u64(saved);
	return 0;
}

void export_manifest_deinit(struct export_manifest *m)
{
	export_spool_freep(&m->files);
	export_spool_freep(&m->messages);
	export_spool_freep(&m->missing);
}

/* Between two items. */
static const char *separator(uint64_t *count)
{
	return (*count)++ ? ",\n" : "\n";
}

/* Paths are ours (letters, digits and ". - _ /"), so that they need no escapes. */
int export_manifest_file(struct export_manifest *m, const char *path, uint64_t size, const uint8_t sha256[SHA256_SIZE],
	const struct uuid *message, struct err *e)
{
	char digest[SHA256_TEXT_SIZE], id[UUID_TEXT_SIZE];

	hex_encode(digest, sha256, SHA256_SIZE);
	if (export_spool_print(m->files, e, "%s{\"path\":\"%s\",\"size\":%" PRIu64 ",\"sha256\":\"%s\"", separator(&m->file_count), path,
		    size, digest))
		return -1;
	if (message)
		return export_spool_print(m->files, e, ",\"message\":\"%s\"}", uuid_format(id, message));
	return export_spool_print(m->files, e, "}");
}

int export_manifest_inside(struct export_manifest *m, const char *path, const struct uuid *message, uint64_t size,
	const uint8_t sha256[SHA256_SIZE], struct err *e)
{
	char digest[SHA256_TEXT_SIZE], id[UUID_TEXT_SIZE];

	hex_encode(digest, sha256, SHA256_SIZE);
	return export_spool_print(m->messages, e, "%s{\"message\":\"%s\",\"file\":\"%s\",\"size\":%" PRIu64 ",\"sha256\":\"%s\"}",
		separator(&m->message_count), uuid_format(id, message), path, size, digest);
}

int export_manifest_missing(struct export_manifest *m, const struct uuid *message, const char *reason, struct err *e)
{
	char id[UUID_TEXT_SIZE];

	return export_spool_print(m->missing, e, "%s{\"message\":\"%s\",\"reason\":\"%s\"}", separator(&m->missing_count),
		uuid_format(id, message), reason);
}

static int copy(void *to, const void *data, size_t n, struct err *e)
{
	return export_spool_add(to, data, n, e);
}

static int add_array(const char *name, struct export_spool *items, struct export_spool *to, struct err *e)
{
	return export_spool_print(to, e, ",\n\"%s\":[", name) || export_spool_read(items, copy, to, e) ||
		export_spool_print(to, e, "]") ? -1 : 0;
}

int export_manifest_end(struct export_manifest *m, const cJSON *head, struct export_spool *to, struct err *e)
{
	_free_ char *text = json_print(head);

	text[strlen(text) - 1] = '\0'; /* the brace, which comes last */
	return export_spool_print(to, e, "%s", text) || add_array("files", m->files, to, e) ||
		add_array("messages", m->messages, to, e) || add_array("missing", m->missing, to, e) ||
		export_spool_print(to, e, "}\n") ? -1 : 0;
}
