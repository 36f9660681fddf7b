#include "sys/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LABELS_TEXT_MAX 512
#define NUMBER_SIZE 32

static const struct {
	int64_t us;
	const char *text; /* in seconds */
} bounds[METRIC_BOUNDS] = {
	{ 500, "0.0005" },
	{ 1000, "0.001" },
	{ 2500, "0.0025" },
	{ 5000, "0.005" },
	{ 10000, "0.01" },
	{ 25000, "0.025" },
	{ 50000, "0.05" },
	{ 100000, "0.1" },
	{ 250000, "0.25" },
	{ 500000, "0.5" },
	{ 1000000, "1" },
	{ 2500000, "2.5" },
	{ 5000000, "5" },
	{ 10000000, "10" },
	{ 30000000, "30" },
	{ 60000000, "60" },
};

/* ---- cells ---- */

static size_t label_count(const struct metric *m)
{
	size_t n = 0;

	while (n < METRIC_LABELS_MAX && m->labels[n].name)
		n++;
	return n;
}

size_t metric_cells(const struct metric *m)
{
	size_t cells = 1;

	for (size_t i = 0; i < label_count(m); i++)
		cells *= m->labels[i].n;
	return cells;
}

size_t metric_cell(const struct metric *m, size_t first, size_t second, size_t third)
{
	const size_t places[METRIC_LABELS_MAX] = { first, second, third };
	size_t cell = 0;

	for (size_t i = 0; i < label_count(m); i++)
		cell = cell * m->labels[i].n + places[i];
	return cell;
}

void metric_add(const struct metric *m, size_t cell, int64_t n)
{
	atomic_fetch_add_explicit(&m->cells[cell], n, memory_order_relaxed);
}

void metric_set(const struct metric *m, size_t cell, int64_t value)
{
	atomic_store_explicit(&m->cells[cell], value, memory_order_relaxed);
}

void metric_observe(const struct metric *m, size_t cell, int64_t us)
{
	struct metric_histogram *h = &m->histograms[cell];
	size_t i = 0;

	while (i < METRIC_BOUNDS && us > bounds[i].us)
		i++;
	atomic_fetch_add_explicit(&h->buckets[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&h->sum_us, us > 0 ? (uint64_t)us : 0, memory_order_relaxed);
}

static uint64_t count_of(const struct metric_histogram *h)
{
	uint64_t n = 0;

	for (size_t i = 0; i <= METRIC_BOUNDS; i++)
		n += atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
	return n;
}

int64_t metric_get(const struct metric *m, size_t cell)
{
	if (m->kind == METRIC_HISTOGRAM)
		return (int64_t)count_of(&m->histograms[cell]);
	return atomic_load_explicit(&m->cells[cell], memory_order_relaxed);
}

/* ---- text ---- */

/* "stage=\"put\",", each value with its comma, so that `le` can follow. false: the cell is not shown. */
static bool labels_of(char text[LABELS_TEXT_MAX], const struct metric *m, size_t cell)
{
	size_t places[METRIC_LABELS_MAX] = { 0 }, used = 0;

	text[0] = '\0';
	for (size_t i = label_count(m); i-- > 0; cell /= m->labels[i].n)
		places[i] = cell % m->labels[i].n;
	for (size_t i = 0; i < label_count(m) && used < LABELS_TEXT_MAX; i++) {
		const char *value = m->labels[i].values[places[i]];

		if (!value)
			return false;
		used += (size_t)snprintf(text + used, LABELS_TEXT_MAX - used, "%s=\"%s\",", m->labels[i].name, value);
	}
	return used < LABELS_TEXT_MAX;
}

static const char *seconds_of(char text[NUMBER_SIZE], int64_t us)
{
	const char *sign = us < 0 ? "-" : "";
	uint64_t n = us < 0 ? 0 - (uint64_t)us : (uint64_t)us;

	snprintf(text, NUMBER_SIZE, "%s%" PRIu64 ".%06" PRIu64, sign, n / 1000000, n % 1000000);
	return text;
}

static const char *number_of(char text[NUMBER_SIZE], const struct metric *m, int64_t value)
{
	if (m->seconds)
		return seconds_of(text, value);
	snprintf(text, NUMBER_SIZE, "%" PRId64, value);
	return text;
}

/* Without the last comma, and without braces when there is nothing between them. */
static int print_series(struct buf *b, const char *name, const char *suffix, const char *labels, const char *value)
{
	int n = (int)strlen(labels);

	return n ? buf_printf(b, "%s%s{%.*s} %s\n", name, suffix, n - 1, labels, value) :
		   buf_printf(b, "%s%s %s\n", name, suffix, value);
}

static int print_bucket(struct buf *b, const struct metric *m, const char *labels, const char *le, uint64_t n)
{
	return buf_printf(b, "%s_bucket{%sle=\"%s\"} %" PRIu64 "\n", m->name, labels, le, n);
}

/* What is shown is summed up from one look at each bucket, so that it agrees with itself. */
static int print_histogram(struct buf *b, const struct metric *m, size_t cell, const char *labels)
{
	const struct metric_histogram *h = &m->histograms[cell];
	uint64_t n = 0;
	char text[NUMBER_SIZE];

	for (size_t i = 0; i < METRIC_BOUNDS; i++) {
		n += atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
		if (print_bucket(b, m, labels, bounds[i].text, n))
			return -1;
	}
	n += atomic_load_explicit(&h->buckets[METRIC_BOUNDS], memory_order_relaxed);
	if (print_bucket(b, m, labels, "+Inf", n))
		return -1;
	seconds_of(text, (int64_t)atomic_load_explicit(&h->sum_us, memory_order_relaxed));
	if (print_series(b, m->name, "_sum", labels, text))
		return -1;
	snprintf(text, sizeof(text), "%" PRIu64, n);
	return print_series(b, m->name, "_count", labels, text);
}

static int print_cell(struct buf *b, const struct metric *m, size_t cell)
{
	int64_t value = metric_get(m, cell);
	char labels[LABELS_TEXT_MAX], number[NUMBER_SIZE];

	if (value == METRIC_NOT_KNOWN || (m->sparse && value == 0) || !labels_of(labels, m, cell))
		return 0;
	if (m->kind == METRIC_HISTOGRAM)
		return print_histogram(b, m, cell, labels);
	return print_series(b, m->name, "", labels, number_of(number, m, value));
}

int metric_print(struct buf *b, const struct metric *m)
{
	static const char *const kinds[] = { "counter", "gauge", "histogram" };
	size_t n = metric_cells(m);

	if (buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name, kinds[m->kind]))
		return -1;
	for (size_t cell = 0; cell < n; cell++)
		if (print_cell(b, m, cell))
			return -1;
	return 0;
}
