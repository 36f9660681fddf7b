/* mix: messages in the sizes and shapes of business mail, the same for the load and for its floor; and what both print.
 *
 * A hundred messages are made beforehand: half of them under 10 KiB, the largest 1 MiB, 52 KiB on average; small ones
 * are plain text, middle ones text beside HTML, large ones carry an attachment. Each use stamps a fresh Message-ID and
 * subject into its copy, so that no two are alike. */
#ifndef BENCH_MIX_H
#define BENCH_MIX_H

#include "base/buf.h"
#include "base/clock.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIX_MESSAGES 100
#define MIX_STAMP_LENGTH 16
#define MIX_STAMP "0000000000000000"

struct mix_message {
	char *data;
	size_t length;
	size_t stamps[2]; /* offsets of 16 digits to replace */
	int recipients;
	int attachments;
};

struct mix {
	struct mix_message messages[MIX_MESSAGES];
	uint64_t seed;
	atomic_uint_fast64_t next;
};

static inline uint32_t mix_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*seed >> 33);
}

/* Words of 3 to 9 letters out of some thousands, the early ones often, as in language. */
static inline void mix_words(struct buf *b, size_t bytes, uint64_t *seed)
{
	size_t end = b->len + bytes, line = 0;

	while (b->len < end) {
		uint32_t a = mix_random(seed) % 4096, c = mix_random(seed) % 4096;
		uint64_t word = (uint64_t)(a * c / 4096 + 1) * UINT64_C(2654435761);
		int letters = 3 + (int)(word % 7);

		for (int i = 0; i < letters; i++, word = word / 26 + 7)
			if (buf_add_char(b, (char)('a' + word % 26)))
				abort();
		line += (size_t)letters + 1;
		if (buf_add_str(b, line > 70 ? "\r\n" : " "))
			abort();
		line = line > 70 ? 0 : line;
	}
	if (buf_add_str(b, "\r\n"))
		abort();
}

static inline void mix_base64(struct buf *b, size_t bytes, uint64_t *seed)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < bytes; i++) {
		if (i % 76 == 75 && buf_add_str(b, "\r\n"))
			abort();
		if (buf_add_char(b, digits[mix_random(seed) % 64]))
			abort();
	}
	if (buf_add_str(b, "\r\n"))
		abort();
}

static inline void mix_body(struct buf *b, size_t size, struct mix_message *m, uint64_t *seed)
{
	const char *plain = "Content-Type: text/plain; charset=utf-8\r\n\r\n";

	if (size < 16384) {
		if (buf_add_str(b, plain))
			abort();
		mix_words(b, size, seed);
		return;
	}
	m->attachments = size >= 65536;
	if (buf_printf(b, "Content-Type: multipart/%s; boundary=\"b0undary\"\r\n\r\n--b0undary\r\n%s",
		    m->attachments ? "mixed" : "alternative", plain))
		abort();
	mix_words(b, m->attachments ? 4096 : size / 3, seed);
	if (m->attachments) {
		if (buf_add_str(b, "--b0undary\r\nContent-Type: application/pdf; name=\"report.pdf\"\r\n"
				   "Content-Disposition: attachment; filename=\"report.pdf\"\r\n"
				   "Content-Transfer-Encoding: base64\r\n\r\n"))
			abort();
		mix_base64(b, size, seed);
	} else {
		if (buf_add_str(b, "--b0undary\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body><p>"))
			abort();
		mix_words(b, size * 2 / 3, seed);
	}
	if (buf_add_str(b, "--b0undary--\r\n"))
		abort();
}

static inline void mix_make(struct mix_message *m, size_t size, int number, uint64_t *seed)
{
	struct buf b = BUF_INIT((size_t)16 << 20);

	m->recipients = 1 + number % 3;
	if (buf_printf(&b, "From: Sender %d <sender%d@bench.example>\r\nTo: ", number, number))
		abort();
	for (int i = 0; i < m->recipients; i++)
		if (buf_printf(&b, "%suser%d@bench.example", i ? ", " : "", (number * 7 + i) % 500))
			abort();
	if (buf_add_str(&b, "\r\nSubject: bench "))
		abort();
	m->stamps[0] = b.len;
	if (buf_add_str(&b, MIX_STAMP "\r\nDate: Sun, 22 Nov 2026 12:00:00 +0000\r\nMessage-ID: <"))
		abort();
	m->stamps[1] = b.len;
	if (buf_add_str(&b, MIX_STAMP "@bench.example>\r\nMIME-Version: 1.0\r\n"))
		abort();
	mix_body(&b, size, m, seed);
	m->length = b.len;
	m->data = buf_take(&b);
}

/* How many of a hundred have which size. */
static inline size_t mix_size(int number)
{
	static const struct {
		int upto;
		size_t bytes;
	} sizes[] = { { 10, 2048 }, { 25, 4096 }, { 45, 8192 }, { 65, 16384 }, { 80, 32768 }, { 90, 65536 },
		{ 96, 160 * 1024 }, { 99, 512 * 1024 }, { 100, 1024 * 1024 } };
	int place = number * 37 % MIX_MESSAGES; /* shuffled: 37 and 100 have no common divisor */

	for (size_t i = 0;; i++)
		if (place < sizes[i].upto)
			return sizes[i].bytes;
}

/* fixed: every message of so many bytes; 0: the mix. */
static inline void mix_init(struct mix *x, size_t fixed)
{
	uint64_t seed = 42;

	for (int i = 0; i < MIX_MESSAGES; i++)
		mix_make(&x->messages[i], fixed ? fixed : mix_size(i), i, &seed);
	x->seed = (uint64_t)clock_now_us();
	atomic_init(&x->next, 0);
}

/* The next message, stamped, into *copy (grown as needed). */
static inline const struct mix_message *mix_next(struct mix *x, struct buf *copy, uint64_t *number_r)
{
	uint64_t number = atomic_fetch_add(&x->next, 1);
	const struct mix_message *m = &x->messages[number % MIX_MESSAGES];
	char stamp[MIX_STAMP_LENGTH + 1];

	snprintf(stamp, sizeof(stamp), "%08x%08x", (unsigned)(x->seed & 0xffffffff), (unsigned)number);
	buf_reset(copy);
	if (buf_add(copy, m->data, m->length))
		abort();
	for (size_t i = 0; i < 2; i++)
		memcpy(copy->data + m->stamps[i], stamp, MIX_STAMP_LENGTH);
	*number_r = number;
	return m;
}

/* ---- figures ---- */

struct mix_result {
	uint64_t done, failed, bytes;
	int64_t *latency_us; /* of each done */
	size_t room;
};

static inline void mix_note(struct mix_result *r, int64_t latency_us, size_t bytes)
{
	if (r->done == r->room) {
		r->room = r->room ? 2 * r->room : 4096;
		r->latency_us = mem_realloc(r->latency_us, r->room, sizeof(*r->latency_us));
	}
	r->latency_us[r->done++] = latency_us;
	r->bytes += bytes;
}

static inline void mix_merge(struct mix_result *into, struct mix_result *from)
{
	for (uint64_t i = 0; i < from->done; i++)
		mix_note(into, from->latency_us[i], 0);
	into->failed += from->failed;
	into->bytes += from->bytes;
	free(from->latency_us);
}

static inline int mix_compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static inline double mix_percentile(const struct mix_result *r, double p)
{
	if (!r->done)
		return 0;
	return (double)r->latency_us[(size_t)(p * (double)(r->done - 1))] / 1000;
}

/* key=value, one line; latencies in milliseconds. */
static inline void mix_print(struct mix_result *r, double seconds)
{
	if (r->done)
		qsort(r->latency_us, r->done, sizeof(*r->latency_us), mix_compare);
	printf("done=%llu failed=%llu seconds=%.2f per_second=%.1f mib_per_second=%.1f p50=%.2f p95=%.2f p99=%.2f max=%.2f",
		(unsigned long long)r->done, (unsigned long long)r->failed, seconds, (double)r->done / seconds,
		(double)r->bytes / seconds / 1048576, mix_percentile(r, 0.5), mix_percentile(r, 0.95),
		mix_percentile(r, 0.99), mix_percentile(r, 1));
}

#endif
