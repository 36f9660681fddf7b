#include "workerd/export_loadfile.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/hex.h"

#include <inttypes.h>
#include <string.h>

#define FIELD_MAX ((size_t)256 * 1024 * 1024) /* of memory for all people of a message */

/* ---- what is told of a message ---- */

static void must(int rc)
{
	if (rc)
		abort(); /* no message has so many people */
}

static void add_person(struct buf *b, const struct participant *p)
{
	if (b->len)
		must(buf_add_str(b, "; "));
	if (*p->name)
		must(buf_printf(b, "%s <%s>", p->name, p->address));
	else
		must(buf_add_str(b, p->address));
}

/* The people of a role. Caller frees. */
static char *people(const struct message_row *row, enum participant_role role)
{
	struct buf b = BUF_INIT(FIELD_MAX);

	for (size_t i = 0; i < row->participant_count; i++)
		if (row->participants[i].role == role)
			add_person(&b, &row->participants[i]);
	return buf_take(&b);
}

static char *attachment_names(const struct message_row *row)
{
	struct buf b = BUF_INIT(FIELD_MAX);

	for (size_t i = 0; i < row->attachment_count; i++)
		must(buf_printf(&b, "%s%s", i ? "; " : "", row->attachments[i].name));
	return buf_take(&b);
}

static char *flags(const struct message_row *row)
{
	struct buf b = BUF_INIT(FIELD_MAX);

	for (unsigned bit = 0; bit < PARSE_FLAGS; bit++)
		if (row->parse_flags & (1u << bit))
			must(buf_printf(&b, "%s%s", b.len ? " " : "", parsed_flag_name(bit)));
	return buf_take(&b);
}

enum field {
	DOC_ID, NATIVE_PATH, SHA256, SIZE, FROM, TO, CC, BCC, ENVELOPE_FROM, ENVELOPE_TO, SUBJECT, DATE_SENT, DATE_RECEIVED, MESSAGE_ID,
	ATTACHMENT_COUNT, ATTACHMENT_NAMES, CAPTURE_POINT, PARSE_NOTES, FIELDS
};

static const struct {
	const char *csv;
	const char *tag; /* of EDRM; NULL: it is told elsewhere in the XML */
	const char *type;
} fields[FIELDS] = {
	[DOC_ID] = { "DOC_ID", NULL, NULL },
	[NATIVE_PATH] = { "NATIVE_PATH", NULL, NULL },
	[SHA256] = { "SHA256", NULL, NULL },
	[SIZE] = { "SIZE", NULL, NULL },
	[FROM] = { "FROM", "#From", "Text" },
	[TO] = { "TO", "#To", "Text" },
	[CC] = { "CC", "#CC", "Text" },
	[BCC] = { "BCC", "#BCC", "Text" },
	[ENVELOPE_FROM] = { "ENVELOPE_FROM", "EnvelopeFrom", "Text" },
	[ENVELOPE_TO] = { "ENVELOPE_TO", "EnvelopeTo", "Text" },
	[SUBJECT] = { "SUBJECT", "#Subject", "Text" },
	[DATE_SENT] = { "DATE_SENT", "#DateSent", "DateTime" },
	[DATE_RECEIVED] = { "DATE_RECEIVED", "#DateReceived", "DateTime" },
	[MESSAGE_ID] = { "MESSAGE_ID", "#MessageID", "Text" },
	[ATTACHMENT_COUNT] = { "ATTACHMENT_COUNT", "#AttachmentCount", "Integer" },
	[ATTACHMENT_NAMES] = { "ATTACHMENT_NAMES", "#AttachmentNames", "Text" },
	[CAPTURE_POINT] = { "CAPTURE_POINT", "CapturePoint", "Text" },
	[PARSE_NOTES] = { "PARSE_NOTES", "ParseNotes", "Text" },
};

/* All of them as text; caller frees each. */
static void tell(const struct message_row *row, const char *path, char *values_r[FIELDS])
{
	char id[UUID_TEXT_SIZE], sha256[SHA256_TEXT_SIZE], time[CLOCK_TEXT_SIZE];

	hex_encode(sha256, row->sha256, SHA256_SIZE);
	values_r[DOC_ID] = mem_strdup(uuid_format(id, &row->id));
	values_r[NATIVE_PATH] = mem_strdup(path);
	values_r[SHA256] = mem_strdup(sha256);
	values_r[SIZE] = mem_printf("%" PRIu64, row->size);
	values_r[FROM] = people(row, ROLE_FROM);
	values_r[TO] = people(row, ROLE_TO);
	values_r[CC] = people(row, ROLE_CC);
	values_r[BCC] = people(row, ROLE_BCC);
	values_r[ENVELOPE_FROM] = people(row, ROLE_ENVELOPE_FROM);
	values_r[ENVELOPE_TO] = people(row, ROLE_ENVELOPE_TO);
	values_r[SUBJECT] = mem_strdup(row->subject);
	values_r[DATE_SENT] = mem_strdup(row->parse_flags & PARSE_NO_DATE ? "" : clock_format(time, row->header_date_us));
	values_r[DATE_RECEIVED] = mem_strdup(clock_format(time, row->received_us));
	values_r[MESSAGE_ID] = mem_strdup(row->message_id);
	values_r[ATTACHMENT_COUNT] = mem_printf("%zu", row->attachment_count);
	values_r[ATTACHMENT_NAMES] = attachment_names(row);
	values_r[CAPTURE_POINT] = mem_strdup(row->capture_point);
	values_r[PARSE_NOTES] = flags(row);
}

/* ---- as CSV ---- */

/* Always in quotes, which are doubled inside. */
static int add_quoted(struct export_spool *to, const char *text, struct err *e)
{
	if (export_spool_add(to, "\"", 1, e))
		return -1;
	for (const char *quote; (quote = strchr(text, '"')); text = quote + 1)
		if (export_spool_add(to, text, (size_t)(quote - text + 1), e) || export_spool_add(to, "\"", 1, e))
			return -1;
	return export_spool_add(to, text, strlen(text), e) || export_spool_add(to, "\"", 1, e) ? -1 : 0;
}

static int add_csv(struct export_spool *to, const char *(*value)(const void *ctx, size_t field), const void *ctx, struct err *e)
{
	for (size_t i = 0; i < FIELDS; i++)
		if ((i && export_spool_add(to, ",", 1, e)) || add_quoted(to, value(ctx, i), e))
			return -1;
	return export_spool_add(to, "\r\n", 2, e);
}

static const char *name_of(const void *ctx, size_t field)
{
	(void)ctx;
	return fields[field].csv;
}

static const char *value_of(const void *ctx, size_t field)
{
	char *const *values = ctx;

	return values[field];
}

/* ---- as XML ---- */

/* What stands for the character at `at`, of which it takes *n_r bytes; NULL: itself. What XML 1.0 can't hold (control
 * characters, U+FFFE, U+FFFF) becomes U+FFFD. */
static const char *instead_of(const char *at, size_t *n_r)
{
	static const char *const entities[128] = { ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\t'] = "&#9;",
		['\n'] = "&#10;", ['\r'] = "&#13;" };
	bool no_character = strncmp(at, "\xef\xbf\xbe", 3) == 0 || strncmp(at, "\xef\xbf\xbf", 3) == 0;
	unsigned char c = (unsigned char)*at;

	*n_r = no_character ? 3 : 1;
	if (c < 128 && entities[c])
		return entities[c];
	return c < ' ' || no_character ? "\xef\xbf\xbd" : NULL;
}

/* As the value of an attribute. */
static int add_attribute(struct export_spool *to, const char *name, const char *value, struct err *e)
{
	const char *from = value;
	size_t n;

	if (export_spool_print(to, e, " %s=\"", name))
		return -1;
	for (; *value; value += n) {
		const char *instead = instead_of(value, &n);

		if (!instead)
			continue;
		if (export_spool_add(to, from, (size_t)(value - from), e) || export_spool_add(to, instead, strlen(instead), e))
			return -1;
		from = value + n;
	}
	return export_spool_add(to, from, (size_t)(value - from), e) || export_spool_add(to, "\"", 1, e) ? -1 : 0;
}

static int add_tag(struct export_spool *to, size_t field, const char *value, struct err *e)
{
	return export_spool_print(to, e, "        <Tag") || add_attribute(to, "TagName", fields[field].tag, e) ||
		add_attribute(to, "TagDataType", fields[field].type, e) || add_attribute(to, "TagValue", value, e) ||
		export_spool_print(to, e, "/>\n") ? -1 : 0;
}

static int add_file(struct export_spool *to, char *const values[FIELDS], struct err *e)
{
	const char *slash = strrchr(values[NATIVE_PATH], '/');
	_free_ char *folder = mem_dup(values[NATIVE_PATH], slash ? (size_t)(slash - values[NATIVE_PATH]) : 0);

	return export_spool_print(to, e, "      <Files>\n        <File FileType=\"Native\">\n          <ExternalFile") ||
		add_attribute(to, "FilePath", folder, e) ||
		add_attribute(to, "FileName", slash ? slash + 1 : values[NATIVE_PATH], e) ||
		add_attribute(to, "FileSize", values[SIZE], e) || add_attribute(to, "Hash", values[SHA256], e) ||
		export_spool_print(to, e, " HashType=\"SHA-256\"/>\n        </File>\n      </Files>\n") ? -1 : 0;
}

static int add_xml(struct export_spool *to, char *const values[FIELDS], struct err *e)
{
	if (export_spool_print(to, e, "    <Document") || add_attribute(to, "DocID", values[DOC_ID], e) ||
		export_spool_print(to, e, " DocType=\"Message\" MimeType=\"message/rfc822\">\n      <Tags>\n"))
		return -1;
	for (size_t i = 0; i < FIELDS; i++)
		if (fields[i].tag && *values[i] && add_tag(to, i, values[i], e))
			return -1;
	return export_spool_print(to, e, "      </Tags>\n") || add_file(to, values, e) ||
		export_spool_print(to, e, "    </Document>\n") ? -1 : 0;
}

/* ---- both ---- */

#define CSV "loadfile-csv"
#define XML "loadfile-xml"

int export_loadfile_begin(struct export_loadfile *l, const char *dir, const char *name, struct err *e)
{
	*l = (struct export_loadfile){ export_spool_new_named(dir, CSV), export_spool_new_named(dir, XML) };
	return add_csv(l->csv, name_of, NULL, e) ||
		export_spool_print(l->xml, e, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			"<Root MajorVersion=\"1\" MinorVersion=\"2\" Locale=\"US\" DataInterchangeType=\"Update\"") ||
		add_attribute(l->xml, "Description", name, e) ||
		export_spool_print(l->xml, e, ">\n  <Batch>\n  <Documents>\n") ? -1 : 0;
}

int export_loadfile_save(struct export_loadfile *l, struct buf *state, struct err *e)
{
	return export_spool_save(l->csv, state, e) || export_spool_save(l->xml, state, e) ? -1 : 0;
}

int export_loadfile_resume(struct export_loadfile *l, const char *dir, struct unpack *saved, struct err *e)
{
	return export_spool_resume(&l->csv, dir, CSV, saved, e) || export_spool_resume(&l->xml, dir, XML, saved, e) ? -1 : 0;
}

void export_loadfile_deinit(struct export_loadfile *l)
{
	export_spool_freep(&l->csv);
	export_spool_freep(&l->xml);
}

int export_loadfile_add(struct export_loadfile *l, const struct message_row *row, const char *path, struct err *e)
{
	char *values[FIELDS];

	tell(row, path, values);
	int failed = add_csv(l->csv, value_of, values, e) || add_xml(l->xml, values, e) ? -1 : 0;

	for (size_t i = 0; i < FIELDS; i++)
		free(values[i]);
	return failed;
}

int export_loadfile_end(struct export_loadfile *l, struct err *e)
{
	return export_spool_print(l->xml, e, "  </Documents>\n  </Batch>\n</Root>\n");
}
