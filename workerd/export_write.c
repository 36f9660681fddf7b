#include "workerd/export_write.h"

#include "base/clock.h"
#include "sys/io.h"
#include "workerd/export_loadfile.h"
#include "workerd/export_manifest.h"
#include "workerd/export_mbox.h"
#include "workerd/export_pack.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define A_FOLDER 1000			     /* messages */
#define SAVE_AFTER ((uint64_t)64 * 1024 * 1024) /* bytes of the container */
#define TAIL_MAX ((size_t)1024 * 1024 * 1024)
#define MBOX_SIZE ((uint64_t)64 * 1024 * 1024) /* a file is ended behind the message that passes it */

enum format { EML, MBOX, LOADFILE, FORMATS };

struct export_write {
	enum format format;
	const struct export_write_head *head;
	const struct export_write_place *place;
	enum export_container container;
	char top[sizeof("export-") + UUID_TEXT_SIZE]; /* folder of all files */
	struct store_upload *upload;
	struct export_pack *pack;
	struct export_manifest manifest;
	struct export_loadfile loadfile;
	struct export_spool *mbox;
	uint64_t messages, mboxes; /* so far */
	uint64_t saves, saved_size, saved_mboxes;
	bool whole;
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

/* The file in which an mbox grows. That of the one before stays until it is no longer needed: until all is saved behind it. */
static const char *mbox_name(const struct export_write *w)
{
	return w->mboxes % 2 ? "mbox-1" : "mbox-0";
}

static int begin_files(struct export_write *w, struct err *e)
{
	export_manifest_begin(&w->manifest, w->place->dir);
	if (w->format == MBOX)
		w->mbox = export_spool_new_named(w->place->dir, mbox_name(w));
	return w->format == LOADFILE ? export_loadfile_begin(&w->loadfile, w->place->dir, w->top, e) : 0;
}

static int make(struct export_write **w_r, const struct export_write_place *place, const struct export_write_head *head, struct err *e)
{
	CLEANUP(export_write_freep) struct export_write *w = MEM_NEW(struct export_write);
	const struct export_request *r = &head->job->request;
	char id[UUID_TEXT_SIZE];

	w->head = head;
	w->place = place;
	memcpy(w->top, "export-", sizeof("export-") - 1);
	memcpy(w->top + sizeof("export-") - 1, uuid_format(id, &r->id), sizeof(id));
	if (export_container_parse(&w->container, r->container))
		return err_permanent(e, "export(%s) failed: no such container", r->container);
	if (parse_format(&w->format, r->format, e))
		return -1;
	*w_r = w;
	w = NULL;
	return 0;
}

int export_write_open(struct export_write **w_r, const struct export_write_place *place, const struct export_write_head *head,
	struct err *e)
{
	CLEANUP(export_write_freep) struct export_write *w = NULL;

	if (make(&w, place, head, e))
		return -1;
	w->begun_us = clock_now_us();
	if (store_upload_begin(place->store, place->key, place->keep_until_us, &w->upload, e) ||
		export_pack_open(&w->pack, w->container, w->upload, place->dir, e) || begin_files(w, e))
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

void export_write_leavep(struct export_write **wp)
{
	if (*wp)
		store_upload_leavep(&(*wp)->upload);
	export_write_freep(wp);
}

/* ---- going on ---- */

static int no_room(struct err *e)
{
	return err_permanent(e, "save(export) failed: it is too large to be saved");
}

static int unreadable(struct err *e)
{
	return err_permanent(e, "resume(export) failed: what was saved can't be read");
}

bool export_write_is_due(const struct export_write *w)
{
	return w->mboxes != w->saved_mboxes || export_pack_size(w->pack) - w->saved_size >= SAVE_AFTER;
}

bool export_write_is_whole(const struct export_write *w)
{
	return w->whole;
}

static const char *tail_name(uint64_t saves)
{
	return saves % 2 ? "tail-1" : "tail-0";
}

/* What the store has not taken yet: beside the one that was saved last, which counts until this one does. */
static int save_tail(const struct export_write *w, const void *tail, size_t n, struct buf *state, struct err *e)
{
	_free_ char *path = mem_printf("%s/%s", w->place->dir, tail_name(w->saves));
	_close_ int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
	uint8_t sha256[SHA256_SIZE];

	if (fd < 0)
		return err_errno(e, "open", path);
	if (n && io_write_all(fd, tail, n))
		return err_errno(e, "write", path);
	io_fsync_or_die(fd, path);
	sha256_of(n ? tail : "", n, sha256);
	return pack_u64(state, w->saves) || pack_u64(state, n) || pack_bytes(state, sha256, SHA256_SIZE) ? no_room(e) : 0;
}

static int save_upload(struct export_write *w, struct buf *state, struct err *e)
{
	CLEANUP(buf_deinit) struct buf upload = BUF_INIT(state->max);
	const void *tail;
	size_t n;

	if (store_upload_save(w->upload, w->whole, &upload, &tail, &n, e))
		return -1;
	if (pack_bytes(state, upload.data, upload.len))
		return no_room(e);
	return save_tail(w, tail, n, state, e);
}

static int save_files(struct export_write *w, struct buf *state, struct err *e)
{
	if (export_pack_save(w->pack, state, e) || export_manifest_save(&w->manifest, state, e) ||
		(w->format == LOADFILE && export_loadfile_save(&w->loadfile, state, e)) ||
		(w->format == MBOX && export_spool_save(w->mbox, state, e)))
		return -1;
	return 0;
}

/* The files first: what the container still holds of them goes to the upload. */
int export_write_save(struct export_write *w, struct buf *state, struct err *e)
{
	CLEANUP(buf_deinit) struct buf files = BUF_INIT(state->max);

	w->saves++;
	if (pack_u8(state, w->whole) || pack_bytes(state, w->sha256, SHA256_SIZE) || pack_i64(state, w->begun_us) ||
		pack_u64(state, w->messages) || pack_u64(state, w->mboxes))
		return no_room(e);
	if ((!w->whole && save_files(w, &files, e)) || save_upload(w, state, e))
		return -1;
	w->saved_mboxes = w->mboxes;
	w->saved_size = w->whole ? w->saved_size : export_pack_size(w->pack);
	return pack_bytes(state, files.data, files.len) ? no_room(e) : 0;
}

static int resume_files(struct export_write *w, struct unpack *saved, struct err *e)
{
	const char *dir = w->place->dir;

	if (export_pack_resume(&w->pack, w->container, w->upload, dir, saved, e) ||
		export_manifest_resume(&w->manifest, dir, saved, e) ||
		(w->format == LOADFILE && export_loadfile_resume(&w->loadfile, dir, saved, e)) ||
		(w->format == MBOX && export_spool_resume(&w->mbox, dir, mbox_name(w), saved, e)))
		return -1;
	w->saved_mboxes = w->mboxes;
	w->saved_size = export_pack_size(w->pack);
	return unpack_end(saved) ? unreadable(e) : 0;
}

/* What the store had not taken when it was saved. */
static int resume_tail(const struct export_write *w, uint64_t n, const uint8_t sha256[SHA256_SIZE], struct err *e)
{
	CLEANUP(buf_deinit) struct buf tail = BUF_INIT(0);
	_free_ char *path = mem_printf("%s/%s", w->place->dir, tail_name(w->saves));
	uint8_t found[SHA256_SIZE];

	if (io_read_file(&tail, path, (size_t)n, e)) {
		if (access(path, F_OK) && errno == ENOENT)
			e->class = ERR_PERMANENT;
		return -1;
	}
	sha256_of(tail.data, tail.len, found);
	if (tail.len != n || memcmp(found, sha256, SHA256_SIZE) != 0)
		return err_permanent(e, "resume(%s) failed: it was altered", path);
	return n ? store_upload_add(w->upload, tail.data, tail.len, e) : 0;
}

static int resume_upload(struct export_write *w, struct unpack *saved, struct err *e)
{
	const struct export_write_place *p = w->place;
	CLEANUP(buf_deinit) struct buf upload = BUF_INIT(SIZE_MAX / 2);
	const uint8_t *bytes, *sha256;
	size_t n, digest_n;

	bytes = unpack_bytes(saved, &n);
	if (bytes && buf_add(&upload, bytes, n))
		return no_room(e);
	w->saves = unpack_u64(saved);
	uint64_t tail_n = unpack_u64(saved);

	sha256 = unpack_bytes(saved, &digest_n);
	if (digest_n != SHA256_SIZE || tail_n > TAIL_MAX)
		return unreadable(e);
	return store_upload_resume(p->store, p->key, p->keep_until_us, &upload, &w->upload, e) || resume_tail(w, tail_n, sha256, e) ? -1 : 0;
}

static int resume_all(struct export_write *w, struct unpack *saved, struct err *e)
{
	const uint8_t *sha256, *files;
	size_t n;

	w->whole = unpack_u8(saved) != 0;
	sha256 = unpack_bytes(saved, &n);
	if (n != SHA256_SIZE)
		return unreadable(e);
	memcpy(w->sha256, sha256, SHA256_SIZE);
	w->begun_us = unpack_i64(saved);
	w->messages = unpack_u64(saved);
	w->mboxes = unpack_u64(saved);
	if (resume_upload(w, saved, e))
		return -1;
	files = unpack_bytes(saved, &n);
	if (unpack_end(saved))
		return unreadable(e);
	struct unpack of_files = UNPACK_INIT(files, n);

	return w->whole ? 0 : resume_files(w, &of_files, e);
}

int export_write_resume(struct export_write **w_r, const struct export_write_place *place, const struct export_write_head *head,
	const struct buf *state, struct err *e)
{
	CLEANUP(export_write_leavep) struct export_write *w = NULL;
	struct unpack saved = UNPACK_INIT(state->data, state->len);

	if (make(&w, place, head, e) || resume_all(w, &saved, e))
		return -1;
	*w_r = w;
	w = NULL;
	return 0;
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
	export_spool_freep(&w->mbox);
	w->mboxes++;
	w->mbox = export_spool_new_named(w->place->dir, mbox_name(w));
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
	CLEANUP(export_spool_freep) struct export_spool *text = export_spool_new(w->place->dir);
	_free_ char *path = mem_printf("%s/manifest.json", w->top);
	_json_ cJSON *head = make_head(w, p);

	return export_manifest_end(&w->manifest, head, text, e) ||
		export_pack_add_spool(w->pack, path, w->begun_us, text, e) ? -1 : 0;
}

int export_write_end(struct export_write *w, const struct export_progress *p, struct err *e)
{
	if ((w->format == MBOX && end_mbox(w, e)) || (w->format == LOADFILE && pack_loadfile(w, e)) || pack_manifest(w, p, e))
		return -1;
	if (export_pack_finish(w->pack, w->sha256, e))
		return -1;
	w->whole = true;
	return 0;
}

int export_write_finish(struct export_write *w, struct export_result *result_r, struct err *e)
{
	if (store_upload_finish(&w->upload, &result_r->where, e))
		return -1;
	memcpy(result_r->sha256, w->sha256, SHA256_SIZE);
	return 0;
}
