/* export: what goes into a container comes out of it, byte for byte, with what the manifest says of it; nothing half is left. */
#include "tests/unit/workerd/fixture.h"

#include "base/buf.h"
#include "base/hex.h"
#include "mail/scope_grant.h"
#include "store/store.h"
#include "sys/json.h"
#include "workerd/export_pack.h"
#include "workerd/export_spool.h"
#include "workerd/export_write.h"

#include <archive.h>
#include <archive_entry.h>

static struct conf conf;
static struct store *store;
static struct scope *everything;
static char *key; /* of the last export */

/* ---- a store of its own ---- */

static int set_up(void **state)
{
	(void)state;
	if (private_dir_make())
		return -1;
	conf.store = mem_printf("fs:%s/store", top);
	everything = scope_grant(true, NULL, INT64_MIN, INT64_MAX);
	return store_create(&conf, &e) || store_open(&store, &conf, &e);
}

static int tear_down(void **state)
{
	(void)state;
	free(key);
	store_closep(&store);
	scope_freep(&everything);
	free(conf.store);
	return private_dir_remove();
}

/* ---- an export ---- */

static struct export_job job;
static struct export_write_place place;

static struct export_write *open_write(const char *format, const char *container, struct export_write_head *head)
{
	static char reason[] = "why \"not\"", request[] = "{\"query\":\"a\"}", scope[] = "{\"all_mailboxes\":true}";
	struct export_write *w = NULL;
	static unsigned count;

	free(key);
	key = mem_printf("x/%u", ++count);
	place = (struct export_write_place){ store, key, clock_now_us(), top };
	job = (struct export_job){ .request = { .id = uuid_new(clock_now_us()), .format = (char *)(uintptr_t)format,
		.container = (char *)(uintptr_t)container, .reason = reason, .request = request,
		.scope = scope }, .epoch = 3 };
	*head = (struct export_write_head){ .job = &job, .who = "erin", .builder = "test", .scope = everything };
	must(export_write_open(&w, &place, head, &e));
	return w;
}

/* Adds a message of these bytes; its id. */
static struct uuid add(struct export_write *w, const void *data, size_t n)
{
	CLEANUP(message_freep) struct message *m = message_new(top, n);
	struct participant people[2] = { { ROLE_FROM, (char[]){ "A \"B\", C" }, (char[]){ "a@example.org" }, (char[]){ "" } },
		{ ROLE_ENVELOPE_FROM, (char[]){ "" }, (char[]){ "s ender@example.org" }, (char[]){ "" } } };
	struct message_row row = { .id = uuid_new(clock_now_us()), .received_us = 1000 * CLOCK_SECOND, .date_us = 2000 * CLOCK_SECOND,
		.subject = (char[]){ "x\x01<\"&\n" }, .message_id = (char[]){ "" }, .capture_point = (char[]){ "lmtp" },
		.participants = people, .participant_count = 2, .size = n };

	must(message_append(m, data, n, &e));
	must(message_finish(m, &e));
	memcpy(row.sha256, message_sha256(m), SHA256_SIZE);
	must(export_write_message(w, &row, m, &e));
	return row.id;
}

struct unpacked {
	char *names[40];
	struct buf bytes[40];
	size_t n;
};

static void unpacked_deinit(struct unpacked *u)
{
	for (size_t i = 0; i < u->n; i++) {
		free(u->names[i]);
		buf_deinit(&u->bytes[i]);
	}
}

static int collect(void *ctx, const void *data, size_t n)
{
	return buf_add(ctx, data, n);
}

/* Finishes it, holds the object against the hash, and takes it apart. */
static void finish(struct export_write **w, struct unpacked *u)
{
	CLEANUP(buf_deinit) struct buf whole = BUF_INIT(SIZE_MAX / 2);
	struct export_result result = { 0 };
	const struct export_progress p = { .done = 2, .missing = 1 };
	uint8_t sha256[SHA256_SIZE];
	struct archive_entry *entry;

	must(export_write_end(*w, &p, &e));
	must(export_write_finish(*w, &result, &e));
	export_write_freep(w);
	must(store_get(store, &result.where, collect, &whole, &e));
	assert_int_equal(whole.len, result.where.length);
	sha256_of(whole.data, whole.len, sha256);
	assert_memory_equal(sha256, result.sha256, SHA256_SIZE);
	struct archive *a = archive_read_new();

	assert_int_equal(archive_read_support_format_all(a) | archive_read_support_filter_all(a), ARCHIVE_OK);
	assert_int_equal(archive_read_open_memory(a, whole.data, whole.len), ARCHIVE_OK);
	while (archive_read_next_header(a, &entry) == ARCHIVE_OK) {
		char piece[1000];
		la_ssize_t n;

		u->names[u->n] = mem_strdup(archive_entry_pathname(entry));
		u->bytes[u->n] = BUF_INIT(SIZE_MAX / 2);
		while ((n = archive_read_data(a, piece, sizeof(piece))) > 0)
			assert_int_equal(buf_add(&u->bytes[u->n], piece, (size_t)n), 0);
		assert_int_equal(n, 0);
		u->n++;
	}
	archive_read_free(a);
	locator_deinit(&result.where);
}

/* What the manifest, the last file, says; every other file is in it as it is. Caller frees. */
static cJSON *read_manifest(const struct unpacked *u)
{
	const struct buf *last = &u->bytes[u->n - 1];
	cJSON *j = json_parse(last->data, last->len, &e);
	const cJSON *files = cJSON_GetObjectItemCaseSensitive(j, "files");

	assert_non_null(j);
	assert_non_null(strstr(u->names[u->n - 1], "/manifest.json"));
	assert_int_equal(cJSON_GetArraySize(files), u->n - 1);
	for (size_t i = 0; i + 1 < u->n; i++) {
		const cJSON *f = cJSON_GetArrayItem(files, (int)i);
		uint8_t sha256[SHA256_SIZE];
		char text[SHA256_TEXT_SIZE];

		sha256_of(u->bytes[i].data ? u->bytes[i].data : "", u->bytes[i].len, sha256);
		hex_encode(text, sha256, SHA256_SIZE);
		assert_string_equal(cJSON_GetObjectItem(f, "path")->valuestring, u->names[i]);
		assert_string_equal(cJSON_GetObjectItem(f, "sha256")->valuestring, text);
		assert_int_equal(cJSON_GetObjectItem(f, "size")->valuedouble, u->bytes[i].len);
	}
	return j;
}

/* ---- tests ---- */

static void files_come_out_as_they_were(const char *container)
{
	struct export_write_head head;
	struct export_write *w = open_write("eml", container, &head);
	CLEANUP(unpacked_deinit) struct unpacked u = { 0 };
	size_t large = 700000;
	_free_ char *bytes = mem_alloc(large, 1);

	for (size_t i = 0; i < large; i++)
		bytes[i] = (char)(i * 7 + i / 251);
	add(w, "a\r\n", 3);
	add(w, "", 0);
	add(w, bytes, large);
	must(export_write_missing(w, &job.request.id, "because", &e));
	finish(&w, &u);
	assert_int_equal(u.n, 4);
	assert_string_equal(u.bytes[0].data, "a\r\n");
	assert_int_equal(u.bytes[1].len, 0);
	assert_int_equal(u.bytes[2].len, large);
	assert_memory_equal(u.bytes[2].data, bytes, large);
	_json_ cJSON *j = read_manifest(&u);

	assert_string_equal(cJSON_GetObjectItem(j, "reason")->valuestring, "why \"not\"");
	assert_string_equal(cJSON_GetObjectItem(j, "requested_by")->valuestring, "erin");
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(j, "missing")), 1);
	assert_int_equal(cJSON_GetObjectItem(j, "attempt")->valuedouble, 3);
}

static void tar_holds_files(void **state)
{
	(void)state;
	files_come_out_as_they_were("tar.gz");
}

static void zip_holds_files(void **state)
{
	(void)state;
	files_come_out_as_they_were("zip");
}

static void load_file_names_what_is_there(void **state)
{
	struct export_write_head head;
	struct export_write *w = open_write("loadfile", "zip", &head);
	CLEANUP(unpacked_deinit) struct unpacked u = { 0 };

	(void)state;
	add(w, "a\r\n", 3);
	finish(&w, &u);
	assert_int_equal(u.n, 4);
	const char *csv = u.bytes[1].data, *xml = u.bytes[2].data;

	cJSON_Delete(read_manifest(&u));
	assert_non_null(strstr(csv, ",\"A \"\"B\"\", C <a@example.org>\","));
	assert_non_null(strstr(csv, u.names[0]));
	assert_non_null(strstr(csv, "\"x\x01<\"\"&\n\""));
	assert_non_null(strstr(xml, "TagValue=\"x\xef\xbf\xbd&lt;&quot;&amp;&#10;\""));
	assert_null(strchr(xml, '\x01'));
}

static void mbox_is_reversible(void **state)
{
	static const char text[] = "From x\nFrom: y\n>From z\n>> From no\n>>>From w\nlast From";
	struct export_write_head head;
	struct export_write *w = open_write("mbox", "tar.gz", &head);
	CLEANUP(unpacked_deinit) struct unpacked u = { 0 };

	(void)state;
	add(w, text, sizeof(text) - 1);
	add(w, "a\r\n", 3);
	finish(&w, &u);
	assert_int_equal(u.n, 2);
	assert_string_equal(u.bytes[0].data, "From sender@example.org Thu Jan  1 00:16:40 1970\n"
		">From x\nFrom: y\n>>From z\n>> From no\n>>>>From w\nlast From\n\n"
		"From sender@example.org Thu Jan  1 00:16:40 1970\na\r\n\n");
	_json_ cJSON *j = read_manifest(&u);

	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(j, "messages")), 2);
}

static void an_empty_one_is_whole(void **state)
{
	static const char *const formats[] = { "eml", "mbox", "loadfile" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		struct export_write_head head;
		struct export_write *w = open_write(formats[i], i ? "zip" : "tar.gz", &head);
		CLEANUP(unpacked_deinit) struct unpacked u = { 0 };

		finish(&w, &u);
		assert_int_equal(u.n, i == 2 ? 3 : 1);
		cJSON_Delete(read_manifest(&u));
	}
}

static void what_is_dropped_leaves_nothing(void **state)
{
	struct export_write_head head;
	struct export_write *w = open_write("eml", "zip", &head);
	unsigned before = files_in("store/x");

	(void)state;
	add(w, "a", 1);
	assert_int_equal(files_in("store/tmp"), 1);
	export_write_freep(&w);
	assert_int_equal(files_in("store/tmp"), 0);
	assert_int_equal(files_in("store/x"), before);
}

static void what_is_not_known_is_refused(void **state)
{
	struct export_write *w = NULL;
	struct export_write_head head = { .job = &job };

	(void)state;
	place = (struct export_write_place){ store, "x/none", 0, top };
	job = (struct export_job){ .request = { .format = (char[]){ "pst" }, .container = (char[]){ "zip" } } };
	assert_int_equal(export_write_open(&w, &place, &head, &e), -1);
	assert_int_equal(e.class, ERR_PERMANENT);
	job.request.format = (char[]){ "eml" };
	job.request.container = (char[]){ "rar" };
	assert_int_equal(export_write_open(&w, &place, &head, &e), -1);
	assert_int_equal(e.class, ERR_PERMANENT);
}

static int add_to_buf(void *ctx, const void *data, size_t n, struct err *unused)
{
	(void)unused;
	return buf_add(ctx, data, n);
}

/* Over what is kept in memory. */
static void a_spool_gives_back_what_it_took(void **state)
{
	CLEANUP(export_spool_freep) struct export_spool *s = export_spool_new(top);
	CLEANUP(buf_deinit) struct buf in = BUF_INIT(SIZE_MAX / 2), out = BUF_INIT(SIZE_MAX / 2);
	uint8_t expected[SHA256_SIZE], sha256[SHA256_SIZE];

	(void)state;
	for (int i = 0; i < 60000; i++) {
		assert_int_equal(buf_printf(&in, "this and %d\n", i), 0);
		must(export_spool_print(s, &e, "this and %d\n", i));
	}
	must(export_spool_read(s, add_to_buf, &out, &e));
	assert_int_equal(out.len, in.len);
	assert_memory_equal(out.data, in.data, in.len);
	export_spool_finish(s, sha256);
	sha256_of(in.data, in.len, expected);
	assert_memory_equal(sha256, expected, SHA256_SIZE);
}

/* ---- going on ---- */

static void alter(const char *name)
{
	_free_ char *path = in_top(name);
	FILE *f = fopen(path, "r+");

	assert_non_null(f);
	assert_int_equal(fputc('X', f), 'X');
	fclose(f);
}

/* Whatever its length is where it is saved, and with something behind that is lost. */
static void a_spool_goes_on(void **state)
{
	static const size_t sizes[] = { 0, 1, 256 * 1024, 700000 };
	_free_ char *path = in_top("spool");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		CLEANUP(export_spool_freep) struct export_spool *s = export_spool_new_named(top, "spool");
		CLEANUP(buf_deinit) struct buf saved = BUF_INIT(1000), out = BUF_INIT(SIZE_MAX / 2);
		_free_ char *data = mem_alloc(1000000, 1);
		uint8_t expected[SHA256_SIZE], sha256[SHA256_SIZE];

		for (size_t at = 0; at < 1000000; at++)
			data[at] = (char)(at * 7 + at / 251);
		must(export_spool_add(s, data, sizes[i], &e));
		must(export_spool_save(s, &saved, &e));
		for (int round = 0; round < 2; round++) {
			struct unpack u = UNPACK_INIT(saved.data, saved.len);

			must(export_spool_add(s, data, 600000, &e));
			export_spool_freep(&s);
			must(export_spool_resume(&s, top, "spool", &u, &e));
			assert_int_equal(unpack_end(&u), 0);
		}
		must(export_spool_add(s, data + sizes[i], 1000000 - sizes[i], &e));
		must(export_spool_read(s, add_to_buf, &out, &e));
		assert_int_equal(out.len, 1000000);
		assert_memory_equal(out.data, data, out.len);
		export_spool_finish(s, sha256);
		sha256_of(data, 1000000, expected);
		assert_memory_equal(sha256, expected, SHA256_SIZE);
	}
	unlink(path);
}

static void expect_no_way_on(const struct export_write_head *head, const struct buf *saved)
{
	struct export_write *w = NULL;

	assert_int_equal(export_write_resume(&w, &place, head, saved, &e), -1);
	assert_int_equal(e.class, ERR_PERMANENT);
	assert_null(w);
}

/* Of each kind of file that waits, one that was altered or is missing; and a state that was cut anywhere. */
static void what_is_damaged_is_not_gone_on_with(void **state)
{
	static const char *const names[] = { "tail-1", "manifest-files", "loadfile-csv", "loadfile-xml", "zip-directory" };
	CLEANUP(buf_deinit) struct buf saved = BUF_INIT(100000);
	struct export_write_head head;
	struct export_write *w = open_write("loadfile", "zip", &head);

	(void)state;
	add(w, "a\r\n", 3);
	must(export_write_save(w, &saved, &e));
	export_write_leavep(&w);
	for (size_t n = 0; n < saved.len; n += 7) {
		struct buf cut = { .data = saved.data, .len = n, .max = n };

		expect_no_way_on(&head, &cut);
	}
	for (size_t i = 1; i < ARRAY_LEN(names); i++) {
		alter(names[i]);
		expect_no_way_on(&head, &saved);
		export_write_leavep(&w);
		_free_ char *path = in_top(names[i]);

		unlink(path);
		expect_no_way_on(&head, &saved);
		saved.len = 0;
		w = open_write("loadfile", "zip", &head);
		add(w, "a\r\n", 3);
		must(export_write_save(w, &saved, &e));
		export_write_leavep(&w);
	}
}

/* Saved and gone on with behind each message. */
static void write_with_breaks(const char *format, const char *container, struct unpacked *u)
{
	struct export_write_head head;
	struct export_write *w = open_write(format, container, &head);

	for (size_t n = 0; n < 30; n++) {
		CLEANUP(buf_deinit) struct buf saved = BUF_INIT(100000);
		_free_ char *text = mem_printf("From: number %zu\r\n\r\nFrom here\r\n%0*d\r\n", n, (int)(n * n * 40), 7);

		add(w, text, strlen(text));
		if (n % 5 == 0)
			must(export_write_missing(w, &job.request.id, "because", &e));
		must(export_write_save(w, &saved, &e));
		add(w, "lost", 4);
		must(export_write_missing(w, &job.request.id, "lost", &e));
		export_write_leavep(&w);
		assert_null(w);
		must(export_write_resume(&w, &place, &head, &saved, &e));
		assert_false(export_write_is_whole(w));
	}
	finish(&w, u);
}

static void goes_on_in(const char *format, const char *container, size_t files)
{
	CLEANUP(unpacked_deinit) struct unpacked u = { 0 };

	write_with_breaks(format, container, &u);
	assert_int_equal(u.n, files);
	_json_ cJSON *j = read_manifest(&u);

	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(j, "missing")), 6);
	for (size_t i = 0; i < u.n; i++)
		assert_null(u.bytes[i].data ? strstr(u.bytes[i].data, "lost") : NULL);
}

static void every_format_goes_on(void **state)
{
	static const struct {
		const char *name;
		size_t files;
	} formats[] = { { "eml", 31 }, { "mbox", 2 }, { "loadfile", 33 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		goes_on_in(formats[i].name, "tar.gz", formats[i].files);
		goes_on_in(formats[i].name, "zip", formats[i].files);
	}
}

/* What was saved behind its end becomes an object, however often that is tried. */
static void the_end_goes_on(void **state)
{
	CLEANUP(buf_deinit) struct buf saved = BUF_INIT(100000);
	struct export_write_head head;
	struct export_write *w = open_write("eml", "zip", &head);
	struct export_progress p = { .done = 1 };
	struct export_result first = { 0 };

	(void)state;
	add(w, "a\r\n", 3);
	must(export_write_end(w, &p, &e));
	must(export_write_save(w, &saved, &e));
	export_write_leavep(&w);
	for (int round = 0; round < 3; round++) {
		struct export_result result = { 0 };

		must(export_write_resume(&w, &place, &head, &saved, &e));
		assert_true(export_write_is_whole(w));
		must(export_write_finish(w, &result, &e));
		export_write_freep(&w);
		if (round)
			assert_memory_equal(result.sha256, first.sha256, SHA256_SIZE);
		memcpy(first.sha256, result.sha256, SHA256_SIZE);
		locator_deinit(&result.where);
	}
}

/* ---- to the byte ---- */

struct packed {
	struct export_pack *pack;
	struct store_upload *upload;
	struct buf mark, upload_mark;
};

static void save_pack(struct packed *x)
{
	const void *tail;
	size_t n;

	buf_reset(&x->mark);
	buf_reset(&x->upload_mark);
	must(export_pack_save(x->pack, &x->mark, &e));
	must(store_upload_save(x->upload, false, &x->upload_mark, &tail, &n, &e));
}

static void add_file(struct export_pack *p, int n)
{
	_free_ char *path = mem_printf("some/file-%d", n), *text = mem_printf("%d %0*d\n", n, n * 30, n);

	must(export_pack_add(p, path, n * CLOCK_SECOND, text, strlen(text), &e));
}

/* breaks: what was saved is gone on with, after more was written that is lost. Caller deinits *whole_r. */
static void pack_files(enum export_container kind, bool breaks, struct buf *whole_r)
{
	_free_ char *name = mem_printf("x/pack-%d-%d", kind, breaks);
	struct packed x = { .mark = BUF_INIT(10000), .upload_mark = BUF_INIT(10000) };
	struct locator where = { 0 };
	uint8_t sha256[SHA256_SIZE], expected[SHA256_SIZE];

	must(store_upload_begin(store, name, 0, &x.upload, &e));
	must(export_pack_open(&x.pack, kind, x.upload, top, &e));
	for (int n = 0; n < 200; n++) {
		if (n % 40 == 7)
			save_pack(&x);
		if (n % 40 == 7 && breaks) {
			struct unpack u = UNPACK_INIT(x.mark.data, x.mark.len);

			add_file(x.pack, 1000);
			export_pack_freep(&x.pack);
			store_upload_leavep(&x.upload);
			must(store_upload_resume(store, name, 0, &x.upload_mark, &x.upload, &e));
			must(export_pack_resume(&x.pack, kind, x.upload, top, &u, &e));
		}
		add_file(x.pack, n);
	}
	must(export_pack_finish(x.pack, sha256, &e));
	must(store_upload_finish(&x.upload, &where, &e));
	*whole_r = BUF_INIT(SIZE_MAX / 2);
	must(store_get(store, &where, collect, whole_r, &e));
	sha256_of(whole_r->data, whole_r->len, expected);
	assert_memory_equal(sha256, expected, SHA256_SIZE);
	export_pack_freep(&x.pack);
	buf_deinit(&x.mark);
	buf_deinit(&x.upload_mark);
	locator_deinit(&where);
}

static void a_break_changes_no_byte(void **state)
{
	(void)state;
	for (int kind = 0; kind < EXPORT_CONTAINERS; kind++) {
		CLEANUP(buf_deinit) struct buf whole = { 0 }, broken = { 0 };

		pack_files((enum export_container)kind, false, &whole);
		pack_files((enum export_container)kind, true, &broken);
		assert_int_equal(whole.len, broken.len);
		assert_memory_equal(whole.data, broken.data, whole.len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tar_holds_files),
		cmocka_unit_test(zip_holds_files),
		cmocka_unit_test(load_file_names_what_is_there),
		cmocka_unit_test(mbox_is_reversible),
		cmocka_unit_test(an_empty_one_is_whole),
		cmocka_unit_test(what_is_dropped_leaves_nothing),
		cmocka_unit_test(what_is_not_known_is_refused),
		cmocka_unit_test(a_spool_gives_back_what_it_took),
		cmocka_unit_test(a_spool_goes_on),
		cmocka_unit_test(what_is_damaged_is_not_gone_on_with),
		cmocka_unit_test(every_format_goes_on),
		cmocka_unit_test(the_end_goes_on),
		cmocka_unit_test(a_break_changes_no_byte),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
