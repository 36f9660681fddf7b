#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "sys/io.h"
#include "sys/metrics_backend.h"
#include "sys/metrics_server.h"
#include "sys/net.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- the text ---- */

static const char *const colours[] = { "red", NULL, "blue" };
static const char *const sizes[] = { "small", "large" };
static _Atomic int64_t counter_cells[6], gauge_cells[1], sparse_cells[3];
static struct metric_histogram histogram_cells[2];

static const struct metric counter = {
	.kind = METRIC_COUNTER,
	.name = "things_total",
	.help = "Things.",
	.labels = { { "colour", colours, 3 }, { "size", sizes, 2 } },
	.cells = counter_cells,
};
static const struct metric gauge = { .kind = METRIC_GAUGE, .name = "age_seconds", .help = "Age.", .seconds = true,
	.cells = gauge_cells };
static const struct metric sparse = {
	.kind = METRIC_COUNTER,
	.name = "rare_total",
	.help = "Rare.",
	.labels = { { "colour", colours, 3 } },
	.sparse = true,
	.cells = sparse_cells,
};
static const struct metric histogram = {
	.kind = METRIC_HISTOGRAM,
	.name = "took_seconds",
	.help = "Took.",
	.labels = { { "size", sizes, 2 } },
	.histograms = histogram_cells,
};

static char *print(const struct metric *m)
{
	struct buf b = BUF_INIT(65536);

	assert_int_equal(metric_print(&b, m), 0);
	return buf_take(&b);
}

static void test_cells(void **state)
{
	(void)state;
	assert_int_equal(metric_cells(&counter), 6);
	assert_int_equal(metric_cells(&gauge), 1);
	assert_int_equal(metric_cell(&counter, 0, 0, 0), 0);
	assert_int_equal(metric_cell(&counter, 2, 1, 0), 5);
	assert_int_equal(metric_cell(&gauge, 0, 0, 0), 0);
}

static void test_counter(void **state)
{
	(void)state;
	metric_add(&counter, metric_cell(&counter, 0, 1, 0), 3);
	metric_add(&counter, metric_cell(&counter, 0, 1, 0), 4);
	metric_add(&counter, metric_cell(&counter, 1, 1, 0), 9); /* of a value that is not shown */
	_free_ char *text = print(&counter);

	assert_string_equal(text,
		"# HELP things_total Things.\n"
		"# TYPE things_total counter\n"
		"things_total{colour=\"red\",size=\"small\"} 0\n"
		"things_total{colour=\"red\",size=\"large\"} 7\n"
		"things_total{colour=\"blue\",size=\"small\"} 0\n"
		"things_total{colour=\"blue\",size=\"large\"} 0\n");
}

static void test_gauge(void **state)
{
	(void)state;
	metric_set(&gauge, 0, -1500000);
	_free_ char *text = print(&gauge);

	assert_string_equal(text, "# HELP age_seconds Age.\n# TYPE age_seconds gauge\nage_seconds -1.500000\n");
	metric_set(&gauge, 0, METRIC_NOT_KNOWN);
	_free_ char *none = print(&gauge);

	assert_string_equal(none, "# HELP age_seconds Age.\n# TYPE age_seconds gauge\n");
}

static void test_sparse(void **state)
{
	(void)state;
	metric_add(&sparse, 2, 1);
	_free_ char *text = print(&sparse);

	assert_string_equal(text, "# HELP rare_total Rare.\n# TYPE rare_total counter\nrare_total{colour=\"blue\"} 1\n");
}

/* Buckets are summed up, and a duration on a bound is within it. */
static void test_histogram(void **state)
{
	(void)state;
	const int64_t us[] = { 0, 500, 501, 60000000, 60000001, -7 };

	for (size_t i = 0; i < ARRAY_LEN(us); i++)
		metric_observe(&histogram, 1, us[i]);
	_free_ char *text = print(&histogram);

	assert_non_null(strstr(text, "took_seconds_bucket{size=\"small\",le=\"+Inf\"} 0\n"));
	assert_non_null(strstr(text, "took_seconds_bucket{size=\"large\",le=\"0.0005\"} 3\n"));
	assert_non_null(strstr(text, "took_seconds_bucket{size=\"large\",le=\"0.001\"} 4\n"));
	assert_non_null(strstr(text, "took_seconds_bucket{size=\"large\",le=\"30\"} 4\n"));
	assert_non_null(strstr(text, "took_seconds_bucket{size=\"large\",le=\"60\"} 5\n"));
	assert_non_null(strstr(text, "took_seconds_bucket{size=\"large\",le=\"+Inf\"} 6\n"));
	assert_non_null(strstr(text, "took_seconds_sum{size=\"large\"} 120.001002\n"));
	assert_non_null(strstr(text, "took_seconds_count{size=\"large\"} 6\n"));
	assert_int_equal(metric_get(&histogram, 1), 6);
}

static void test_full(void **state)
{
	(void)state;
	CLEANUP(buf_deinit) struct buf b = BUF_INIT(100);

	assert_int_equal(metric_print(&b, &counter), -1);
}

static void *count_much(void *unused)
{
	for (int i = 0; i < 100000; i++)
		metric_add(&counter, metric_cell(&counter, 2, 0, 0), 1);
	return unused;
}

static void test_threads(void **state)
{
	(void)state;
	pthread_t threads[4];

	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_much, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(metric_get(&counter, metric_cell(&counter, 2, 0, 0)), 400000);
}

static void test_backend_errors(void **state)
{
	(void)state;
	const size_t cell = metric_cell(&backend_errors, BACKEND_META, ERR_UNKNOWN, 0);
	struct err e = { .class = ERR_UNKNOWN }, none = { 0 };

	assert_int_equal(backend_result(BACKEND_META, 0, &none), 0);
	assert_int_equal(metric_get(&backend_errors, cell), 0);
	assert_int_equal(backend_result(BACKEND_META, -1, &e), -1);
	assert_int_equal(metric_get(&backend_errors, cell), 1);
	assert_int_equal(backend_result(BACKEND_CACHE, -1, &none), -1); /* of no class: counted all the same */
	assert_int_equal(metric_get(&backend_errors, metric_cell(&backend_errors, BACKEND_CACHE, ERR_TEMPORARY, 0)), 1);
}

/* ---- the listener ---- */

static char dir[64], address[96];
static int refreshed;

static void refresh(void *ctx)
{
	++*(int *)ctx;
	metric_set(&gauge, 0, 2500000);
}

static const struct metric *const shown[] = { &gauge, &counter, NULL };
static const struct metrics_source sources[] = { { shown, refresh, &refreshed } };
static struct metrics_server *server;

static int start(void **state)
{
	struct err e;

	(void)state;
	strcpy(dir, "/tmp/test_metrics.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(address, sizeof(address), "unix:%s/socket", dir);
	return metrics_server_start(&server, address, sources, 1, &e);
}

static int stop(void **state)
{
	(void)state;
	metrics_server_stopp(&server);
	assert_null(server);
	return rmdir(dir);
}

static int connect_to_it(void)
{
	struct err e;
	int fd = net_connect(address, 5 * CLOCK_SECOND, &e);

	assert_true(fd >= 0);
	return fd;
}

/* All that comes until the end; caller frees. */
static char *read_all(int fd)
{
	struct buf b = BUF_INIT(1 << 20);
	char piece[4096];

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		assert_int_equal(poll(&p, 1, 20000), 1);
		ssize_t n = read(fd, piece, sizeof(piece));

		if (n <= 0)
			break;
		assert_int_equal(buf_add(&b, piece, (size_t)n), 0);
	}
	assert_int_equal(buf_add_str(&b, ""), 0);
	return buf_take(&b);
}

static char *ask(const char *request)
{
	_close_ int fd = connect_to_it();

	assert_int_equal(io_write_all(fd, request, strlen(request)), 0);
	return read_all(fd);
}

static void test_get(void **state)
{
	(void)state;
	int before = refreshed;
	_free_ char *text = ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
	const char *body = strstr(text, "\r\n\r\n");
	char length[64];

	assert_int_equal(strncmp(text, "HTTP/1.1 200 OK\r\n", 17), 0);
	assert_non_null(strstr(text, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
	assert_non_null(body);
	snprintf(length, sizeof(length), "Content-Length: %zu\r\n", strlen(body + 4));
	assert_non_null(strstr(text, length));
	assert_non_null(strstr(body, "\nage_seconds 2.500000\n"));
	assert_non_null(strstr(body, "\nprocess_open_fds "));
	assert_non_null(strstr(body, "\nprocess_resident_memory_bytes "));
	assert_non_null(strstr(body, "strongroom_build_info{version=\"" STRONGROOM_VERSION "\"} 1\n"));
	assert_int_equal(refreshed, before + 1);
}

static void test_refusals(void **state)
{
	static const struct {
		const char *request, *status;
	} cases[] = {
		{ "POST /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 405 " },
		{ "HEAD /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 405 " },
		{ "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404 " },
		{ "GET /metrics/../secret HTTP/1.0\r\n\r\n", "HTTP/1.1 404 " },
		{ "GET /metrics\r\n\r\n", "HTTP/1.1 400 " },
		{ "GET /metrics HTTP/2.0\r\n\r\n", "HTTP/1.1 400 " },
		{ "\x16\x03\x01\n\n", "HTTP/1.1 400 " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_free_ char *text = ask(cases[i].request);

		assert_int_equal(strncmp(text, cases[i].status, strlen(cases[i].status)), 0);
		assert_null(strstr(text, "age_seconds"));
	}
}

static void test_nul_and_length(void **state)
{
	(void)state;
	_close_ int fd = connect_to_it();

	assert_int_equal(io_write_all(fd, "GET /metrics HTTP/1.1\r\nX: \0\r\n\r\n", 31), 0);
	_free_ char *nul = read_all(fd);

	assert_int_equal(strncmp(nul, "HTTP/1.1 400 ", 13), 0);
	_close_ int other = connect_to_it();
	char line[METRICS_HEAD_MAX + 1];

	memset(line, 'x', sizeof(line));
	assert_int_equal(io_write_all(other, line, sizeof(line)), 0);
	char first[13];

	assert_int_equal(io_read_exact(other, first, sizeof(first)), 1);
	assert_memory_equal(first, "HTTP/1.1 431 ", 13);
}

/* Those who say nothing, or do it slowly, keep nobody out, however many they are. */
static void test_slow_clients(void **state)
{
	(void)state;
	int silent[3 * METRICS_CLIENTS_MAX];

	for (size_t i = 0; i < ARRAY_LEN(silent); i++) {
		silent[i] = connect_to_it();
		if (i % 2)
			assert_int_equal(io_write_all(silent[i], "GET /met", 8), 0);
	}
	_free_ char *text = ask("GET /metrics HTTP/1.1\r\n\r\n");

	assert_int_equal(strncmp(text, "HTTP/1.1 200 ", 13), 0);
	for (size_t i = 0; i < ARRAY_LEN(silent); i++)
		close(silent[i]);
}

static void test_in_pieces(void **state)
{
	(void)state;
	const char *request = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
	_close_ int fd = connect_to_it();

	for (const char *p = request; *p; p++)
		assert_int_equal(io_write_all(fd, p, 1), 0);
	_free_ char *text = read_all(fd);

	assert_int_equal(strncmp(text, "HTTP/1.1 200 ", 13), 0);
}

static void test_off(void **state)
{
	(void)state;
	struct metrics_server *none = (struct metrics_server *)dir;
	struct err e;

	assert_int_equal(metrics_server_start(&none, "", sources, 1, &e), 0);
	assert_null(none);
	metrics_server_stopp(&none);
}

static void test_address_in_use(void **state)
{
	(void)state;
	struct metrics_server *second;
	struct err e;

	assert_int_equal(metrics_server_start(&second, address, sources, 1, &e), -1);
	assert_null(second);
	assert_non_null(strstr(e.text, "metrics: "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cells),
		cmocka_unit_test(test_counter),
		cmocka_unit_test(test_gauge),
		cmocka_unit_test(test_sparse),
		cmocka_unit_test(test_histogram),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_backend_errors),
		cmocka_unit_test(test_off),
	};
	const struct CMUnitTest served[] = {
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_nul_and_length),
		cmocka_unit_test(test_slow_clients),
		cmocka_unit_test(test_in_pieces),
		cmocka_unit_test(test_address_in_use),
	};
	int failed = cmocka_run_group_tests_name("metrics", tests, NULL, NULL);

	return failed + cmocka_run_group_tests_name("listener", served, start, stop);
}
