#include "workerd/export_write.h"

#include "base/clock.h"
#include "workerd/export_loadfile.h"
#include "workerd/export_manifest.h"
#include "workerd/export_mbox.h"
#include "workerd/export_pack.h"

#include <string.h>

#define A_FOLDER 1000			     /* messages */
#define MBOX_SIZE ((uint64_t)64 * 1024 * 1024) /* a file is ended behind the message that passes it */

enum format { EML, MBOX, LOADFILE, FORMATS };

struct export_write {
	enum format format;
	const struct export_write_head *head;
	const char *spool_dir;
	char top[sizeof("export-") + UUID_TEXT_SIZE]; /* folder of all files */
	struct store_upload *upload;
	struct export_pack *pack;
	struct export_manifest manifest;
	struct export_loadfile loadfile;
	struct export_spool *mbox;
	uint64_t messages, mboxes; /* so far */
	int64_t begun_us;
	uint8_t sha256[SHA256_SIZE];
};

static int parse_format(enum format *f_r, const char *name, struct err *e)
{
	static const char *const names[FORMATS] = { "eml", "mbox", "loadfile" };

	for (int f = 0; f < FORMATS; f++)
		if (strcmp(name, names[f]) == 0) {
			*f_r = (enum format)f;
			return 0;
		}
	return err_permanent(e, "export(%s) failed: no such format", name);
}

static int begin_files(struct export_write *w, struct err *e)
{
	char id[UUID_TEXT_SIZE];

	memcpy(w->top, "export-", sizeof("export-") - 1);
	memcpy(w->top + sizeof("export-") - 1, uuid_format(id, &w->head->job->request.id), sizeof(id));
	export_manifest_begin(&w->manifest, w->spool_dir);
	if (w->format == MBOX)
		w->mbox = export_spool_new(w->spool_dir);
	return w->format == LOADFILE ? export_loadfile_begin(&w->loadfile, w->spool_dir, w->top, e) : 0;
}

int export_write_open(struct export_write **w_r, struct store *s, const char *key, int64_t keep_until_us, const char *spool_dir,
	const struct export_write_head *head, struct err *e)
{
	CLEANUP(export_write_freep) struct export_write *w = MEM_NEW(struct export_write);
	const struct export_request *r = &head->job->request;
	enum export_container container;

	w->head = head;
	w->spool_dir = spool_dir;
	w->begun_us = clock_now_us();
	if (export_container_parse(&container, r->container))
		return err_permanent(e, "export(%s) failed: no such container", r->container);
	if (parse_format(&w->format, r->format, e) || store_upload_begin(s, key, keep_until_us, &w->upload, e) ||
		export_pack_open(&w->pack, container, w->upload, e) || begin_files(w, e))
		return -1;
	*w_r = w;
	w = NULL;
	return 0;
}

void export_write_freep(struct export_write **wp)
{
	struct export_write *w = *wp;

	*wp = NULL;
	if (!w)
		return;
	export_pack_freep(&w->pack);
	store_upload_abandonp(&w->upload);
	export_manifest_deinit(&w->manifest);
	export_loadfile_deinit(&w->loadfile);
	export_spool_freep(&w->mbox);
	free(w);
}

/* ---- messages ---- */

/* Caller frees. */
static char *message_path(const struct export_write *w, const struct uuid *id)
{
	char text[UUID_TEXT_SIZE];

	return mem_printf("%s/messages/%05llu/%s.eml", w->top, (unsigned long long)(w->messages / A_FOLDER + 1), uuid_format(text, id));
}

static char *mbox_path(const struct export_write *w)
{
	return mem_printf("%s/mail-%05llu.mbox", w->top, (unsigned long long)w->mboxes + 1);
}

/* A file that has grown in a spool goes into the container. */
static int pack_spool(struct export_write *w, const char *path, struct export_spool *s, struct err *e)
{
	uint8_t sha256[SHA256_SIZE];

	export_spool_finish(s, sha256);
	return export_pack_add_spool(w->pack, path, w->begun_us, s, e) ||
		export_manifest_file(&w->manifest, path, export_spool_size(s), sha256, NULL, e) ? -1 : 0;
}

static int end_mbox(struct export_write *w, struct err *e)
{
	_free_ char *path = mbox_path(w);

	if (!export_spool_size(w->mbox))
		return 0;
	if (pack_spool(w, path, w->mbox, e))
		return -1;
	export_spool_reset(w->mbox);
	w->mboxes++;
	return 0;
}

static const char *sender_of(const struct message_row *row)
{
	for (size_t i = 0; i < row->participant_count; i++)
		if (row->participants[i].role == ROLE_ENVELOPE_FROM)
			return row->participants[i].address;
	return "";
}

static int write_mbox(struct export_write *w, const struct message_row *row, const struct message *m, struct err *e)
{
	_free_ char *path = mbox_path(w);

	if (export_mbox_add(w->mbox, sender_of(row), row->received_us, message_bytes(m), message_size(m), e) ||
		export_manifest_inside(&w->manifest, path, &row->id, row->size, row->sha256, e))
		return -1;
	return export_spool_size(w->mbox) >= MBOX_SIZE ? end_mbox(w, e) : 0;
}

static int write_file(struct export_write *w, const struct message_row *row, const struct message *m, struct err *e)
{
	_free_ char *path = message_path(w, &row->id);

	if (export_pack_add(w->pack, path, row->date_us, message_bytes(m), message_size(m), e) ||
		export_manifest_file(&w->manifest, path, row->size, row->sha256, &row->id, e))
		return -1;
	return w->format == LOADFILE ? export_loadfile_add(&w->loadfile, row, path, e) : 0;
}

int export_write_message(struct export_write *w, const struct message_row *row, const struct message *m, struct err *e)
{
	if (w->format == MBOX ? write_mbox(w, row, m, e) : write_file(w, row, m, e))
		return -1;
	w->messages++;
	return 0;
}

int export_write_missing(struct export_write *w, const struct uuid *id, const char *reason, struct err *e)
{
	return export_manifest_missing(&w->manifest, id, reason, e);
}

/* ---- the end ---- */

/* A text that is JSON itself, as a part of something larger. */
static void add_json(cJSON *j, const char *name, const char *text)
{
	struct err unread;
	cJSON *item = json_parse(text, strlen(text), &unread);

	json_add_item(j, name, item ? item : cJSON_CreateNull());
}

static void add_time(cJSON *j, const char *name, int64_t us)
{
	char text[CLOCK_TEXT_SIZE];

	json_add_str(j, name, clock_format(text, us));
}

static cJSON *counts(const struct export_write *w, const struct export_progress *p)
{
	cJSON *j = cJSON_CreateObject();

	json_add_u64(j, "messages", w->messages);
	json_add_u64(j, "missing", p->missing);
	json_add_u64(j, "bytes", p->size);
	json_add_u64(j, "in_scope", w->head->coverage.in_scope);
	json_add_u64(j, "not_indexed", w->head->coverage.not_indexed);
	return j;
}

static cJSON *make_head(const struct export_write *w, const struct export_progress *p)
{
	const struct export_request *r = &w->head->job->request;
	_free_ char *scope = scope_print(w->head->scope);
	cJSON *j = cJSON_CreateObject();
	char id[UUID_TEXT_SIZE];

	json_add_str(j, "manifest", "strongroom-export/1");
	json_add_str(j, "id", uuid_format(id, &r->id));
	json_add_str(j, "requested_by", w->head->who);
	add_time(j, "requested_at", r->requested_us);
	json_add_str(j, "reason", r->reason);
	json_add_str(j, "case", r->matter);
	add_json(j, "request", r->request);
	json_add_str(j, "format", r->format);
	json_add_str(j, "container", r->container);
	add_json(j, "scope_when_requested", r->scope);
	add_json(j, "scope_when_built", scope);
	add_time(j, "built_from", w->begun_us);
	add_time(j, "built_until", clock_now_us());
	json_add_str(j, "built_by", w->head->builder);
	json_add_u64(j, "attempt", w->head->job->epoch);
	json_add_str(j, "software", "strongroom " STRONGROOM_VERSION);
	json_add_item(j, "counts", counts(w, p));
	return j;
}

static int pack_loadfile(struct export_write *w, struct err *e)
{
	_free_ char *csv = mem_printf("%s/loadfile.csv", w->top), *xml = mem_printf("%s/edrm.xml", w->top);

	return export_loadfile_end(&w->loadfile, e) || pack_spool(w, csv, w->loadfile.csv, e) ||
		pack_spool(w, xml, w->loadfile.xml, e) ? -1 : 0;
}

static int pack_manifest(struct export_write *w, const struct export_progress *p, struct err *e)
{
	CLEANUP(export_spool_freep) struct export_spool *text = export_spool_new(w->spool_dir);
	_free_ char *path = mem_printf("%s/manifest.json", w->top);
	_json_ cJSON *head = make_head(w, p);

	return export_manifest_end(&w->manifest, head, text, e) ||
		export_pack_add_spool(w->pack, path, w->begun_us, text, e) ? -1 : 0;
}

int export_write_end(struct export_write *w, const struct export_progress *p, struct err *e)
{
	if ((w->format == MBOX && end_mbox(w, e)) || (w->format == LOADFILE && pack_loadfile(w, e)) || pack_manifest(w, p, e))
		return -1;
	return export_pack_finish(w->pack, w->sha256, e);
}

int export_write_finish(struct export_write *w, struct export_result *result_r, struct err *e)
{
	if (store_upload_finish(&w->upload, &result_r->where, e))
		return -1;
	memcpy(result_r->sha256, w->sha256, SHA256_SIZE);
	return 0;
}
