/* What only a server can do: connections that are lost, locks, round trips, migrations that are cut off. Needs one
 * (server.h says how it is named); without it everything here is skipped. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fixture.h"
#include "meta/migrate.h"
#include "meta/schema.h"

#include <pthread.h>
#include <time.h>

#define PEOPLE "1 a@example.org 2 b@example.org 2 c@example.org 3 b@example.org"

static int64_t ask(const char *database, const char *sql)
{
	int64_t value;
	unsigned code = server_run(&conf, database, sql, &value);

	if (code)
		fail_msg("%s: error %u", sql, code);
	return value;
}

static void tell(const char *database, const char *sql)
{
	ask(database, sql);
}

/* Ends every connection that is in the database, as an administrator would, or a restart. */
static void kill_connections(const char *database)
{
	_free_ char *find = mem_printf("SELECT id FROM information_schema.processlist WHERE db = '%s_%s' LIMIT 1", server_name,
		database);

	for (int64_t id; (id = ask(NULL, find)) > 0;) {
		_free_ char *kill = mem_printf("KILL %d", (int)id);

		server_run(&conf, NULL, kill, NULL);
	}
}

/* ---- groups ---- */

static struct meta_capture *begin_group(struct message_row *rows, uint8_t *leaves, size_t n)
{
	_free_ struct meta_claim *claims = MEM_ARRAY(struct meta_claim, n);
	_free_ uint8_t *keys = mem_alloc(n, SHA256_SIZE);
	uint8_t nonce[LEDGER_NONCE_SIZE] = { 1 };
	struct meta_capture *t;

	assert_ok(meta_capture_begin(meta, &t, &err));
	for (size_t i = 0; i < n; i++) {
		key_of(&rows[i].id, keys + i * SHA256_SIZE);
		leaf_of(&rows[i].id, leaves + i * SHA256_SIZE);
		claims[i] = (struct meta_claim){ .key = keys + i * SHA256_SIZE, .id = rows[i].id, .now_us = 1 };
	}
	assert_ok(meta_capture_claim(t, claims, n, &err));
	for (size_t i = 0; i < n; i++) {
		assert_true(claims[i].taken);
		assert_ok(meta_capture_insert(t, &rows[i], nonce, "record", 6, leaves + i * SHA256_SIZE, &err));
	}
	return t;
}

static void put_group(size_t n)
{
	_free_ struct message_row *rows = MEM_ARRAY(struct message_row, n);
	_free_ uint8_t *leaves = mem_alloc(n, SHA256_SIZE);
	uint64_t seq;

	for (size_t i = 0; i < n; i++) {
		struct uuid id = uuid_new(clock_now_us());

		rows[i] = make_row(&id, 1000, PEOPLE);
	}
	assert_ok(meta_capture_last_seq(meta, "group@test", &seq, &err));
	struct meta_capture *t = begin_group(rows, leaves, n);

	assert_ok(meta_capture_batch(t, "group@test", seq + 1, n, leaves, 1, &err));
	assert_ok(meta_capture_commit(&t, &err));
	for (size_t i = 0; i < n; i++)
		message_row_deinit(&rows[i]);
}

/* A number of the server's status. */
static int64_t status(const char *name)
{
	_free_ char *sql = mem_printf("SHOW GLOBAL STATUS LIKE '%s'", name);
	MYSQL *db = server_connect(&conf, NULL);

	assert_int_equal(mysql_query(db, sql), 0);
	MYSQL_RES *result = mysql_store_result(db);
	int64_t n = strtoll(mysql_fetch_row(result)[1], NULL, 10);
	mysql_free_result(result);
	mysql_close(db);
	return n;
}

/* 256 messages of four participants and one attachment each: 2,800 rows. */
static void a_group_takes_few_round_trips(void **state)
{
	uint64_t before = message_count();

	(void)state;
	put_group(256); /* prepares the statements */
	int64_t start = status("Com_stmt_execute");

	put_group(256);
	int64_t used = status("Com_stmt_execute") - start;

	print_message("256 messages: %d statements\n", (int)used);
	assert_true(used <= 24);
	put_group(255); /* of all sizes */
	assert_int_equal(message_count(), before + 767);
	assert_int_equal(ledger_faults(), 0);
}

/* How many rows of a table or an index were read since the server began. */
static int64_t rows_read(void)
{
	return status("Handler_read_next") + status("Handler_read_rnd_next") + status("Handler_read_key") +
		status("Handler_read_first") + status("Handler_read_last") + status("Handler_read_prev");
}

/* A large archive can't be counted row by row for each search. */
static void messages_are_counted_without_reading_them(void **state)
{
	struct uuid id = uuid_new(clock_now_us());

	(void)state;
	put_group(256);
	put_group(1);
	assert_ok(put_as(meta, "another@test", &id, 1000, PEOPLE, &err));
	assert_int_equal(message_count(), (uint64_t)ask("capture", "SELECT count(*) FROM message"));
	int64_t before = rows_read(), itself = rows_read() - before;

	before = rows_read();
	message_count();
	int64_t used = rows_read() - before - itself;

	print_message("to count %d messages: %d rows\n", (int)message_count(), (int)used);
	assert_true(used < 200);
}

/* One of the keys is somebody's already: the others are taken all the same. */
static void a_retry_among_new_ones_is_recognised(void **state)
{
	struct uuid known = put(1000, PEOPLE), ids[3];
	struct meta_claim claims[4] = { 0 };
	uint8_t keys[4][SHA256_SIZE];
	struct meta_capture *t;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct uuid id = uuid_new(clock_now_us());

		key_of(i == 2 ? &known : &id, keys[i]);
		claims[i] = (struct meta_claim){ .key = keys[i], .id = id, .now_us = 1 };
		if (i < 3)
			ids[i] = id;
	}
	assert_ok(meta_capture_begin(meta, &t, &err));
	assert_ok(meta_capture_claim(t, claims, 4, &err));
	assert_true(claims[0].taken && claims[1].taken && !claims[2].taken && claims[3].taken);
	assert_memory_equal(&claims[2].existing, &known, sizeof(known));
	meta_capture_rollback(&t);
	assert_int_equal(meta_capture_find(meta, keys[0], &ids[0], &err), 0);
}

static void the_outbox_is_cleared_in_few_statements(void **state)
{
	_free_ struct uuid *ids = MEM_ARRAY(struct uuid, 1000);
	uint64_t left;
	int64_t oldest;
	size_t n;

	(void)state;
	put_group(200);
	assert_ok(meta_outbox_list(meta, clock_now_us() + CLOCK_SECOND, ids, 200, &n, &err));
	assert_int_equal(n, 200);
	assert_ok(meta_outbox_clear(meta, ids, n, &err));
	int64_t start = status("Com_stmt_execute");

	assert_ok(meta_outbox_list(meta, clock_now_us() + CLOCK_SECOND, ids, 200, &n, &err));
	assert_ok(meta_outbox_clear(meta, ids, n, &err));
	assert_true(status("Com_stmt_execute") - start <= 9); /* 200 has three bits, and the list */
	assert_ok(meta_outbox_count(meta, &left, &oldest, &err));
}

/* ---- what a server keeps ---- */

static void text_is_kept_byte_by_byte(void **state)
{
	struct uuid id = uuid_new(clock_now_us());
	CLEANUP(message_row_deinit) struct message_row r = make_row(&id, 1000, "2 a@example.org 2 b@example.org"), back = { 0 };
	_free_ char *long_text = mem_alloc(300001, 1);
	uint8_t leaf[SHA256_SIZE];
	struct meta_capture *t;
	uint64_t seq;

	(void)state;
	memset(long_text, 'x', 300000);
	free(r.participants[1].normal);
	r.participants[1].normal = mem_strdup("a@example.org "); /* another mailbox than the one without the blank */
	free(r.subject);
	r.subject = mem_printf("\xf0\x9f\x93\xa7 %s ", long_text);
	assert_ok(meta_capture_last_seq(meta, "lmtpd@test", &seq, &err));
	assert_ok(meta_capture_begin(meta, &t, &err));
	assert_ok(add_row_to(t, &r, leaf, &err));
	assert_ok(meta_capture_batch(t, "lmtpd@test", seq + 1, 1, leaf, 1, &err));
	assert_ok(meta_capture_commit(&t, &err));
	assert_int_equal(meta_message_load(meta, &id, &back, &err), 1);
	assert_string_equal(back.subject, r.subject);
	assert_memory_equal(&back.id, &id, sizeof(id)); /* the short ones beside a long one */
	assert_memory_equal(back.sha256, r.sha256, SHA256_SIZE);
	assert_string_equal(back.locator.key, r.locator.key);
	assert_string_equal(back.message_id, r.message_id);
	assert_string_equal(back.participants[1].normal, "a@example.org ");
	assert_string_equal(back.queue_id, "");
	assert_int_equal(ledger_faults(), 0);
}

static void what_does_not_fit_is_refused(void **state)
{
	struct uuid id = uuid_new(clock_now_us());
	CLEANUP(message_row_deinit) struct message_row r = make_row(&id, 1000, PEOPLE);
	uint8_t leaf[SHA256_SIZE];
	struct meta_capture *t;
	uint64_t seq;

	(void)state;
	free(r.capture_point);
	r.capture_point = mem_alloc(400, 1);
	memset(r.capture_point, 'p', 399);
	assert_ok(meta_capture_last_seq(meta, "lmtpd@test", &seq, &err));
	assert_ok(meta_capture_begin(meta, &t, &err));
	assert_ok(add_row_to(t, &r, leaf, &err));
	assert_refused(meta_capture_batch(t, "lmtpd@test", seq + 1, 1, leaf, 1, &err), ERR_PERMANENT, "too long");
	meta_capture_rollback(&t);
	assert_int_equal(ledger_faults(), 0);
}

static void rows_lie_in_the_partition_of_their_month(void **state)
{
	time_t now = time(NULL);
	struct tm tm;
	char month[16];

	(void)state;
	put(1000, PEOPLE);
	gmtime_r(&now, &tm);
	strftime(month, sizeof(month), "p%Y%m", &tm);
	_free_ char *count = mem_printf("SELECT count(*) FROM message PARTITION (%s)", month);
	static const char partitions[] = "SELECT count(*) FROM information_schema.partitions WHERE table_schema = DATABASE()"
					 " AND partition_name IS NOT NULL";
	int64_t before = ask("capture", partitions);

	assert_int_equal(ask("capture", count), (int64_t)message_count());
	assert_int_equal(before, 6 * 5); /* six tables: this month, three more, and the rest */
	assert_ok(meta_extend(meta, &err));
	assert_int_equal(ask("capture", partitions), before);
}

static const char *const parted[] = { "message", "participant", "mailbox_message", "attachment", "relocation", "ledger_record" };

/* Takes the newest month away, as if it had come round. */
static void drop_newest_month(void)
{
	for (size_t i = 0; i < ARRAY_LEN(parted); i++) {
		_free_ char *find = mem_printf("SELECT max(substr(partition_name, 2)) FROM information_schema.partitions WHERE"
			" table_schema = DATABASE() AND table_name = '%s' AND partition_name LIKE 'p2%%'", parted[i]);
		_free_ char *drop = mem_printf("ALTER TABLE %s DROP PARTITION p%d", parted[i], (int)ask("capture", find));

		tell("capture", drop);
	}
}

static void *extend(void *failed)
{
	CLEANUP(meta_closep) struct meta *own = NULL;
	struct err e;

	if (meta_open(&own, &conf, &e) || meta_extend(own, &e)) {
		print_error("%s\n", e.text);
		*(bool *)failed = true;
	}
	return NULL;
}

/* On several machines a strongroom-workerd each. */
static void several_make_room_at_a_time(void **state)
{
	pthread_t threads[3];
	bool failed[3] = { false };

	(void)state;
	drop_newest_month();
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, extend, &failed[i]), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_false(failed[i]);
	rows_lie_in_the_partition_of_their_month(NULL);
}

/* Somebody reads for hours: room is made later, and nobody else is kept waiting for long. */
static void room_is_not_made_by_force(void **state)
{
	MYSQL *other = server_connect(&conf, "capture");

	(void)state;
	drop_newest_month();
	assert_int_equal(mysql_query(other, "START TRANSACTION"), 0);
	assert_int_equal(mysql_query(other, "SELECT id FROM message LIMIT 1"), 0);
	mysql_free_result(mysql_store_result(other));
	assert_refused(meta_extend(meta, &err), ERR_CONFLICT, "extend");
	put(1000, PEOPLE);
	mysql_close(other);
	assert_ok(meta_extend(meta, &err));
	rows_lie_in_the_partition_of_their_month(NULL);
}

/* ---- connections that are lost ---- */

static void a_lost_connection_fails_the_transaction_alone(void **state)
{
	struct uuid id = uuid_new(clock_now_us());
	CLEANUP(message_row_deinit) struct message_row r = make_row(&id, 1000, PEOPLE);
	uint64_t before = message_count(), seq;
	uint8_t leaf[SHA256_SIZE];
	struct meta_capture *t;

	(void)state;
	assert_ok(meta_capture_last_seq(meta, "lmtpd@test", &seq, &err));
	assert_ok(meta_capture_begin(meta, &t, &err));
	assert_ok(add_row_to(t, &r, leaf, &err));
	kill_connections("capture");
	assert_refused(meta_capture_batch(t, "lmtpd@test", seq + 1, 1, leaf, 1, &err), ERR_CONFLICT, "failed");
	assert_refused(meta_capture_batch(t, "lmtpd@test", seq + 1, 1, leaf, 1, &err), ERR_CONFLICT, "lost before");
	meta_capture_rollback(&t);
	assert_int_equal(message_count(), before); /* readers were lost too, and are replaced */
	put(1000, PEOPLE);
	assert_int_equal(message_count(), before + 1);
	assert_int_equal(ledger_faults(), 0);
}

/* The COMMIT can't be sent, so nobody can say what became of it. */
static void a_commit_that_is_lost_is_unknown(void **state)
{
	struct uuid id = uuid_new(clock_now_us()), found;
	CLEANUP(message_row_deinit) struct message_row r = make_row(&id, 1000, PEOPLE);
	uint8_t leaf[SHA256_SIZE], key[SHA256_SIZE];
	struct meta_capture *t;
	uint64_t seq;

	(void)state;
	assert_ok(meta_capture_last_seq(meta, "lmtpd@test", &seq, &err));
	assert_ok(meta_capture_begin(meta, &t, &err));
	assert_ok(add_row_to(t, &r, leaf, &err));
	assert_ok(meta_capture_batch(t, "lmtpd@test", seq + 1, 1, leaf, 1, &err));
	kill_connections("capture");
	assert_refused(meta_capture_commit(&t, &err), ERR_UNKNOWN, "commit");
	key_of(&id, key);
	assert_int_equal(meta_capture_find(meta, key, &found, &err), 0);
	assert_int_equal(ledger_faults(), 0);
}

static void *look_up(void *failed)
{
	uint8_t key[SHA256_SIZE] = { 1 };
	struct uuid found;
	struct err e;

	for (int i = 0; i < 50; i++)
		if (meta_capture_find(meta, key, &found, &e) != 0)
			*(bool *)failed = true;
	return NULL;
}

/* A hundred doors are no hundred connections at the server, and none is made anew each time. */
static void many_threads_share_a_few_connections(void **state)
{
	pthread_t threads[100];
	bool failed[100] = { false };
	_free_ char *count = mem_printf("SELECT count(*) FROM information_schema.processlist WHERE db = '%s_capture'", server_name);

	(void)state;
	int64_t before = status("Connections");

	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, look_up, &failed[i]), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_false(failed[i]);
	assert_true(ask(NULL, count) <= 17);
	assert_true(status("Connections") - before <= 40);
}

/* ---- locks ---- */

/* Holds the key in a transaction of its own, with other rows that weigh. */
static MYSQL *hold_key(const uint8_t key[SHA256_SIZE])
{
	char hex[2 * SHA256_SIZE + 1];
	MYSQL *other = server_connect(&conf, "capture");

	hex_encode(hex, key, SHA256_SIZE);
	_free_ char *sql = mem_printf("INSERT INTO capture_key VALUES (0x%s, REPEAT('x', 16), 0)", hex);

	assert_int_equal(mysql_query(other, "START TRANSACTION"), 0);
	assert_int_equal(mysql_query(other, sql), 0);
	for (int i = 0; i < 20; i++) {
		_free_ char *row = mem_printf("INSERT INTO capture_key VALUES (LPAD('%d', 32, 'k'), REPEAT('x', 16), 0)", i);

		assert_int_equal(mysql_query(other, row), 0);
	}
	return other;
}

struct rival {
	MYSQL *db;
	char *sql;
};

/* Asks for what we have as soon as we wait for what it has. */
static void *cross(void *arg)
{
	struct rival *r = arg;

	for (int i = 0; i < 400 && status("Innodb_row_lock_current_waits") < 1; i++)
		usleep(10000);
	mysql_query(r->db, r->sql);
	return NULL;
}

static void a_deadlock_is_a_conflict(void **state)
{
	struct uuid a = uuid_new(clock_now_us()), b = uuid_new(clock_now_us()), existing;
	uint8_t key_a[SHA256_SIZE], key_b[SHA256_SIZE];
	char hex[2 * SHA256_SIZE + 1];
	struct meta_capture *t;
	pthread_t thread;

	(void)state;
	key_of(&a, key_a);
	key_of(&b, key_b);
	hex_encode(hex, key_a, SHA256_SIZE);
	struct meta_claim claims[2] = { { .key = key_a, .id = a }, { .key = key_b, .id = b } };
	struct rival rival = { hold_key(key_b), mem_printf("INSERT INTO capture_key VALUES (0x%s, REPEAT('x', 16), 0)", hex) };

	assert_ok(meta_capture_begin(meta, &t, &err));
	assert_int_equal(pthread_create(&thread, NULL, cross, &rival), 0);
	assert_refused(meta_capture_claim(t, claims, 2, &err), ERR_CONFLICT, "eadlock");
	assert_refused(meta_capture_claim(t, claims, 2, &err), ERR_CONFLICT, "rolled back before");
	assert_refused(meta_capture_commit(&t, &err), ERR_CONFLICT, "rolled back before");
	pthread_join(thread, NULL);
	mysql_close(rival.db);
	free(rival.sql);
	assert_int_equal(meta_capture_find(meta, key_a, &existing, &err), 0);
	put(1000, PEOPLE);
}

static void a_lock_is_waited_for_a_bounded_time(void **state)
{
	struct uuid a = uuid_new(clock_now_us());
	uint8_t key[SHA256_SIZE];
	struct meta_capture *t;

	(void)state;
	key_of(&a, key);
	MYSQL *other = hold_key(key);
	struct meta_claim claim = { .key = key, .id = a };

	assert_ok(meta_capture_begin(meta, &t, &err));
	assert_refused(meta_capture_claim(t, &claim, 1, &err), ERR_CONFLICT, "Lock wait timeout");
	meta_capture_rollback(&t);
	mysql_close(other);
	assert_ok(meta_capture_begin(meta, &t, &err));
	assert_ok(meta_capture_claim(t, &claim, 1, &err));
	meta_capture_rollback(&t);
}

/* ---- migrations ---- */

/* Behind the next ';' that ends a line outside of a mark; NULL at the end. */
static const char *statement_end(const char *p)
{
	for (bool marked = false; *p; p++) {
		if (strncmp(p, "/*", 2) == 0)
			marked = true;
		else if (strncmp(p, "*/", 2) == 0)
			marked = false;
		else if (!marked && strncmp(p, ";\n", 2) == 0)
			return p + 2;
	}
	return NULL;
}

static void apply(const char *database, const struct migration *m, const char *text)
{
	CLEANUP(sql_closep) struct sql_db *db = NULL;
	CLEANUP(sql_releasep) struct sql_conn *c = NULL;

	assert_ok(sql_open(&db, &conf, database, SQL_CREATE, &err));
	assert_ok(sql_writer(db, &c, &err));
	assert_ok(sql_begin(c, SQL_DURABLE, &err));
	assert_ok(sql_script(c, m->version, text, &err));
}

/* A version, cut off behind each of its statements, before and after that was written down. */
static void cut_off_everywhere(const char *database, const struct migration *m)
{
	_free_ char *back = mem_printf("UPDATE schema_progress SET statements = statements - 1 WHERE version = %u AND"
		" statements > 0", m->version);

	for (const char *end = statement_end(m->sql); end; end = statement_end(end)) {
		_free_ char *begun = mem_dup(m->sql, (size_t)(end - m->sql));

		apply(database, m, begun);
		tell(database, back);
	}
	apply(database, m, m->sql);
	_free_ char *done = mem_printf("INSERT INTO schema_version VALUES (%u, 0)", m->version);

	tell(database, done);
}

static int64_t fingerprint(const char *database)
{
	return ask(database, "SELECT (SELECT sum(crc32(concat_ws('|', table_name, column_name, column_type, is_nullable, extra)))"
			     " FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name <> 'schema_progress')"
			     " + (SELECT sum(crc32(concat_ws('|', trigger_name, event_object_table, action_statement)))"
			     " FROM information_schema.triggers WHERE trigger_schema = DATABASE())"
			     " + (SELECT sum(crc32(concat_ws('|', table_name, index_name, seq_in_index, column_name)))"
			     " FROM information_schema.statistics WHERE table_schema = DATABASE())"
			     " + (SELECT count(*) FROM information_schema.routines WHERE routine_schema = DATABASE())");
}

static void a_migration_goes_on_where_it_was_cut_off(void **state)
{
	static const char *const databases[] = { "capture", "control" };
	char *name = conf.meta;

	(void)state;
	for (size_t d = 0; d < ARRAY_LEN(databases); d++) {
		int64_t whole = fingerprint(databases[d]);
		size_t n;
		const struct migration *migrations = schema_migrations(databases[d], &n);
		_free_ char *other = mem_printf("mysql:%s_cut", server_name), *kept = mem_strdup(server_name);

		meta_closep(&meta);
		conf.meta = other;
		strcat(server_name, "_cut");
		server_clean_up(&conf);
		for (size_t i = 0; i < n; i++)
			cut_off_everywhere(databases[d], &migrations[i]);
		int64_t cut = fingerprint(databases[d]);

		server_clean_up(&conf);
		strcpy(server_name, kept);
		conf.meta = name;
		assert_int_equal(cut, whole);
		assert_ok(meta_open(&meta, &conf, &err));
	}
}

/* From every version that ever was: the first n migrations, then all. */
static void every_older_schema_is_brought_up(void **state)
{
	static const char *const databases[] = { "capture", "control" };
	char *name = conf.meta;
	_free_ char *other = mem_printf("mysql:%s_old", server_name), *kept = mem_strdup(server_name);
	int64_t whole[2] = { fingerprint("capture"), fingerprint("control") };
	size_t newest;

	(void)state;
	schema_migrations("capture", &newest); /* of which there are more than of control */
	meta_closep(&meta);
	conf.meta = other;
	strcat(server_name, "_old");
	for (size_t version = 1; version < newest; version++) {
		server_clean_up(&conf);
		for (size_t d = 0; d < 2; d++) {
			size_t n;
			const struct migration *migrations = schema_migrations(databases[d], &n);

			for (size_t i = 0; i < version && i < n; i++) {
				_free_ char *done = mem_printf("INSERT INTO schema_version VALUES (%zu, 0)", i + 1);

				apply(databases[d], &migrations[i], migrations[i].sql);
				tell(databases[d], done);
			}
		}
		assert_refused(meta_open(&meta, &conf, &err), ERR_PERMANENT, "strongroom");
		assert_ok(meta_migrate(&conf, &err));
		assert_int_equal(fingerprint("capture"), whole[0]);
		assert_int_equal(fingerprint("control"), whole[1]);
		assert_ok(meta_open(&meta, &conf, &err));
		put(1000, PEOPLE);
		meta_closep(&meta);
	}
	server_clean_up(&conf);
	strcpy(server_name, kept);
	conf.meta = name;
	assert_ok(meta_open(&meta, &conf, &err));
}

static void a_newer_schema_is_refused(void **state)
{
	struct meta *other = NULL;

	(void)state;
	tell("control", "INSERT INTO schema_version VALUES (99, 0)");
	assert_refused(meta_open(&other, &conf, &err), ERR_PERMANENT, "version 99");
	assert_refused(meta_migrate(&conf, &err), ERR_PERMANENT, "newer program");
	tell("control", "DELETE FROM schema_version WHERE version = 99");
	assert_ok(meta_migrate(&conf, &err));
}

static void needs_a_server(void **state)
{
	(void)state;
	skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_lie_in_the_partition_of_their_month),
		cmocka_unit_test(several_make_room_at_a_time),
		cmocka_unit_test(room_is_not_made_by_force),
		cmocka_unit_test(a_group_takes_few_round_trips),
		cmocka_unit_test(messages_are_counted_without_reading_them),
		cmocka_unit_test(a_retry_among_new_ones_is_recognised),
		cmocka_unit_test(the_outbox_is_cleared_in_few_statements),
		cmocka_unit_test(text_is_kept_byte_by_byte),
		cmocka_unit_test(what_does_not_fit_is_refused),
		cmocka_unit_test(a_lost_connection_fails_the_transaction_alone),
		cmocka_unit_test(a_commit_that_is_lost_is_unknown),
		cmocka_unit_test(many_threads_share_a_few_connections),
		cmocka_unit_test(a_deadlock_is_a_conflict),
		cmocka_unit_test(a_lock_is_waited_for_a_bounded_time),
		cmocka_unit_test(a_newer_schema_is_refused),
		cmocka_unit_test(a_migration_goes_on_where_it_was_cut_off),
		cmocka_unit_test(every_older_schema_is_brought_up),
	};
	const struct CMUnitTest none[] = { cmocka_unit_test(needs_a_server) };

	if (!getenv("STRONGROOM_TEST_MYSQL"))
		return cmocka_run_group_tests(none, NULL, NULL);
	return cmocka_run_group_tests(tests, open_meta, remove_directory);
}
