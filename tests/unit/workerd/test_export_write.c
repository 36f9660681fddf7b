/* export: what goes into a container comes out of it, byte for byte, with what the manifest says of it; nothing half is left. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/hex.h"
#include "mail/scope_grant.h"
#include "store/store.h"
#include "sys/json.h"
#include "workerd/export_spool.h"
#include "workerd/export_write.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char directory[128], store_url[160];
static struct conf conf;
static struct store *store;
static struct scope *everything;
static struct err e;

#define must(call)                                            \
	do {                                                  \
		if ((call) != 0)                              \
			fail_msg("%s: %s", #call, e.text);    \
	} while (0)

/* ---- a store of its own ---- */

static int set_up(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(directory, sizeof(directory), "%s/test-export-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(directory))
		return -1;
	snprintf(store_url, sizeof(store_url), "fs:%s/store", directory);
	conf.store = store_url;
	everything = scope_grant(true, NULL, INT64_MIN, INT64_MAX);
	return store_create(&conf, &e) || store_open(&store, &conf, &e);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st, (void)kind, (void)where;
	return remove(path);
}

static int tear_down(void **state)
{
	(void)state;
	store_closep(&store);
	scope_freep(&everything);
	return nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static unsigned files_in(const char *name)
{
	_free_ char *path = mem_printf("%s/store/%s", directory, name);
	DIR *d = opendir(path);
	unsigned n = 0;

	for (struct dirent *entry; d && (entry = readdir(d));)
		n += entry->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

/* ---- an export ---- */

static struct export_job job;

static struct export_write *open_write(const char *format, const char *container, struct export_write_head *head)
{
	static char reason[] = "why \"not\"", request[] = "{\"query\":\"a\"}", scope[] = "{\"all_mailboxes\":true}";
	struct export_write *w = NULL;
	static unsigned count;
	_free_ char *key = mem_printf("x/%u", ++count);

	job = (struct export_job){ .request = { .id = uuid_new(clock_now_us()), .format = (char *)(uintptr_t)format,
		.container = (char *)(uintptr_t)container, .reason = reason, .request = request,
		.scope = scope }, .epoch = 3 };
	*head = (struct export_write_head){ .job = &job, .who = "erin", .builder = "test", .scope = everything };
	must(export_write_open(&w, store, key, clock_now_us(), directory, head, &e));
	return w;
}

/* Adds a message of these bytes; its id. */
static struct uuid add(struct export_write *w, const void *data, size_t n)
{
	CLEANUP(message_freep) struct message *m = message_new(directory, n);
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
	char *names[16];
	struct buf bytes[16];
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
	unsigned before = files_in("x");

	(void)state;
	add(w, "a", 1);
	assert_int_equal(files_in("tmp"), 1);
	export_write_freep(&w);
	assert_int_equal(files_in("tmp"), 0);
	assert_int_equal(files_in("x"), before);
}

static void what_is_not_known_is_refused(void **state)
{
	struct export_write *w = NULL;
	struct export_write_head head = { .job = &job };

	(void)state;
	job = (struct export_job){ .request = { .format = (char[]){ "pst" }, .container = (char[]){ "zip" } } };
	assert_int_equal(export_write_open(&w, store, "x/none", 0, directory, &head, &e), -1);
	assert_int_equal(e.class, ERR_PERMANENT);
	job.request.format = (char[]){ "eml" };
	job.request.container = (char[]){ "rar" };
	assert_int_equal(export_write_open(&w, store, "x/none", 0, directory, &head, &e), -1);
	assert_int_equal(e.class, ERR_PERMANENT);
}

static int add_to_buf(void *ctx, const void *data, size_t n, struct err *unused)
{
	(void)unused;
	return buf_add(ctx, data, n);
}

/* Over what is kept in memory, and with a reset in between. */
static void a_spool_gives_back_what_it_took(void **state)
{
	CLEANUP(export_spool_freep) struct export_spool *s = export_spool_new(directory);
	CLEANUP(buf_deinit) struct buf in = BUF_INIT(SIZE_MAX / 2), out = BUF_INIT(SIZE_MAX / 2);
	uint8_t expected[SHA256_SIZE], sha256[SHA256_SIZE];

	(void)state;
	for (int round = 0; round < 2; round++) {
		buf_reset(&in);
		buf_reset(&out);
		export_spool_reset(s);
		for (int i = 0; i < 60000; i++) {
			assert_int_equal(buf_printf(&in, "%d and %d\n", round, i), 0);
			must(export_spool_print(s, &e, "%d and %d\n", round, i));
		}
		must(export_spool_read(s, add_to_buf, &out, &e));
		assert_int_equal(out.len, in.len);
		assert_memory_equal(out.data, in.data, in.len);
		export_spool_finish(s, sha256);
		sha256_of(in.data, in.len, expected);
		assert_memory_equal(sha256, expected, SHA256_SIZE);
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
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
