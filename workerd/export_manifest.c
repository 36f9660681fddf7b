#include "workerd/export_manifest.h"

#include "base/hex.h"

#include <inttypes.h>
#include <string.h>

void export_manifest_begin(struct export_manifest *m, const char *spool_dir)
{
	*m = (struct export_manifest){ .files = export_spool_new(spool_dir), .messages = export_spool_new(spool_dir),
		.missing = export_spool_new(spool_dir) };
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
