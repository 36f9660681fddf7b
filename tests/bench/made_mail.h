/* made_mail: made-up mail in an index: lengths log-normal, as in mailboxes, over seven years. */
#ifndef BENCH_MADE_MAIL_H
#define BENCH_MADE_MAIL_H

#include "made.h"

#include "base/buf.h"
#include "base/clock.h"
#include "index/index.h"

#include <string.h>
#include <sys/resource.h>

#define FIRST_US (INT64_C(1293840000) * CLOCK_SECOND) /* 2011 */
#define SPAN_US (INT64_C(7) * 365 * 86400 * CLOCK_SECOND)
#define BATCH 64

static inline double cpu_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static inline const char *random_word(void)
{
	double x = random_unit();
	unsigned low = 0, high = WORDS - 1;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (zipf[middle] < x)
			low = middle + 1;
		else
			high = middle;
	}
	return words[low];
}

static inline char *random_text(unsigned count)
{
	struct buf b = BUF_INIT(1 << 20);

	for (unsigned i = 0; i < count; i++)
		if (buf_printf(&b, "%s%s", random_word(), i % 11 == 10 ? ".\n" : " "))
			break;
	return buf_take(&b);
}

/* Between the tenths of what mailboxes hold: a mean of about 400 words, some of many thousands. */
static inline unsigned random_length(void)
{
	static const unsigned tenths[] = { 3, 25, 50, 80, 120, 170, 240, 330, 480, 900, 4000 };
	unsigned i = random_below(ARRAY_LEN(tenths) - 1);

	return tenths[i] + random_below(tenths[i + 1] - tenths[i]);
}

struct made {
	struct index_doc doc;
	struct strv people, senders, types, ids;
	char *strings[6];
};

/* Its types of attachments, and the identifiers: its own, and every other time those of two that it answers. */
static inline void add_facts(struct made *m)
{
	if (m->doc.has_attachment)
		strv_add(&m->types, "application/pdf");
	strv_add(&m->ids, m->strings[5]);
	for (int k = 0; k < 2 && random_below(2); k++) {
		_free_ char *id = mem_printf("%016llx@mail.example.org", (unsigned long long)random_u64());

		strv_add(&m->ids, id);
	}
	m->doc.senders = &m->senders;
	m->doc.attachment_types = &m->types;
	m->doc.ids = &m->ids;
}

static inline void make_mail(struct made *m, unsigned i, unsigned total)
{
	unsigned recipients = 1 + random_below(4);
	struct buf to = BUF_INIT(1 << 16);

	*m = (struct made){ .doc.has_attachment = random_below(6) == 0 };
	m->doc.date_us = FIRST_US + (int64_t)((double)SPAN_US / total * i) / CLOCK_SECOND * CLOCK_SECOND;
	m->doc.id = uuid_new(m->doc.date_us + (int64_t)random_below(5000000));
	_free_ char *sender = mailbox(random_mailbox());

	strv_add(&m->people, sender);
	strv_add(&m->senders, sender);
	m->strings[0] = mem_printf("%s %s <%s>", random_word(), random_word(), sender);
	for (unsigned k = 0; k < recipients; k++) {
		_free_ char *address = mailbox(random_mailbox());

		strv_add_unique(&m->people, address);
		(void)!buf_printf(&to, "%s%s <%s>", k ? ", " : "", random_word(), address);
	}
	m->strings[1] = buf_take(&to);
	m->strings[2] = random_text(3 + random_below(6));
	m->strings[3] = random_text(random_length());
	m->strings[4] = m->doc.has_attachment ? mem_printf("%s_%u.pdf", random_word(), i) : mem_strdup("");
	m->strings[5] = mem_printf("%016llx.%u@mail.example.org", (unsigned long long)random_u64(), i);
	add_facts(m);
	m->doc.from = m->strings[0];
	m->doc.to = m->doc.envelope = m->strings[1];
	m->doc.cc = m->doc.bcc = "";
	m->doc.subject = m->strings[2];
	m->doc.body = m->strings[3];
	m->doc.attachment_names = m->strings[4];
	m->doc.message_id = m->strings[5];
	m->doc.size = strlen(m->doc.body) + 3000 + (m->doc.has_attachment ? (UINT64_C(1) << (13 + random_below(10))) + random_below(8192) : 0);
}

static inline void free_mail(struct made *m)
{
	for (size_t i = 0; i < ARRAY_LEN(m->strings); i++)
		free(m->strings[i]);
	strv_deinit(&m->people);
	strv_deinit(&m->senders);
	strv_deinit(&m->types);
	strv_deinit(&m->ids);
}

/* `also`, unless NULL, is given each batch that is in the index. */
static inline void fill(const struct conf *conf, unsigned total, void (*also)(void *ctx, const struct made *mails, unsigned n), void *ctx)
{
	double cpu_mail = 0, cpu_index = 0;
	int64_t started = clock_monotonic_us();
	struct made *mails = MEM_ARRAY(struct made, BATCH);
	struct index_doc docs[BATCH];
	const struct index_rebuild whole = { INT64_MIN, INT64_MAX, true };
	struct uuid none;
	struct index *i;
	struct err e;

	if (index_rebuild_begin(&i, conf, &whole, &none, &e))
		die("begin", e.text);
	for (unsigned done = 0, n; done < total; done += n) {
		double t = cpu_seconds();

		for (n = 0; n < BATCH && done + n < total; n++) {
			make_mail(&mails[n], done + n, total);
			docs[n] = mails[n].doc;
			docs[n].mailboxes = &mails[n].people;
		}
		double u = cpu_seconds();

		if (index_add(i, docs, n, &e))
			die("add", e.text);
		cpu_mail += u - t;
		cpu_index += cpu_seconds() - u;
		if (also)
			also(ctx, mails, n);
		for (unsigned k = 0; k < n; k++)
			free_mail(&mails[k]);
	}
	double u = cpu_seconds();

	if (index_rebuild_finish(&i, conf, &e))
		die("finish", e.text);
	cpu_index += cpu_seconds() - u;
	free(mails);
	printf("%u messages added in %.1f s; %.2f ms CPU each (making them up: %.2f ms)\n", total,
		(double)(clock_monotonic_us() - started) / 1e6, cpu_index * 1000 / total, cpu_mail * 1000 / total);
}

#endif
