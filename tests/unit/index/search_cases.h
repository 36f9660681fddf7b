/* search_cases: what every index driver must find: documents, queries and the numbers of the documents expected, newest
 * first. Nothing here knows a driver. */
#ifndef TESTS_UNIT_INDEX_SEARCH_CASES_H
#define TESTS_UNIT_INDEX_SEARCH_CASES_H

#include "tests/unit/index/fixture.h"

struct search_doc {
	unsigned number;
	const char *date;
	uint64_t size;
	bool has_attachment;
	const char *from, *to, *cc, *bcc, *envelope, *subject, *body, *attachment_names, *message_id;
};

static const struct search_doc search_docs[] = {
	{ .number = 1, .date = "2011-06-15T12:00:00Z", .size = 1000, .from = "Alice Example <alice@example.org>",
		.to = "Bob <bob@example.net>", .subject = "Annual report", .message_id = "a1.b2$c3@mail.example.org",
		.body = "Please find the annual report attached. Regards, Alice" },
	{ .number = 2, .date = "2011-06-16T00:00:00Z", .size = 2048, .has_attachment = true, .from = "malice@example.org",
		.to = "alice@example.com", .cc = "Carol <carol@example.org>", .subject = "Reports, reporting",
		.body = "C++17 and the budget; the report is late", .attachment_names = "Budget_2011-Q2.final.xlsx" },
	{ .number = 3, .date = "2011-07-01T08:30:00+02:00", .size = 5 << 20, .has_attachment = true,
		.from = "bob.alice@example.org", .bcc = "hidden@example.org", .envelope = "bounce@lists.example.org",
		.subject = "Straße und Maße", .body = "Das Café liegt in der Hauptstraße. Łódź, Ørsted, Þór, Ævar.",
		.attachment_names = "Übersicht.pdf" },
	{ .number = 4, .date = "2012-01-01T00:00:00Z", .size = 700, .from = "田中太郎 <tanaka@example.jp>",
		.subject = "東京都庁での会議", .body = "会議は東京都庁で行います。ｶﾞｲﾄﾞはＡＢＣを参照。連絡はtaro@example.jpまで" },
	{ .number = 5, .date = "2012-02-29T23:59:59Z", .size = 900, .from = "somchai@example.co.th",
		.subject = "การประชุม", .body = "ฉันจะไปประชุมที่กรุงเทพมหานครพรุ่งนี้" },
	{ .number = 6, .date = "2013-05-05T05:05:05Z", .size = 10, .from = "Игорь <igor@example.ru>",
		.subject = "Отчёт", .body = "Готовый отчет. STRASSE cafe\xcc\x81 Soft\xc2\xadHyphen İstanbul ﬁle" },
	{ .number = 7, .date = "2014-01-01T00:00:00Z", .size = 10, .from = "O'Brien <o'brien@example.org>",
		.subject = "Smith & Wesson: don't panic", .body = "email=alice@example.org, or write to 'carol@example.org'." },
	{ .number = 8, .date = "2015-01-01T00:00:00Z", .size = 10, .from = "müller@bücher.example müller@xn--bcher-kva.example",
		.subject = "서울특별시 회의", .body = "and or not AND OR NOT" },
	{ .number = 9, .date = "1965-03-04T00:00:00Z", .size = 0, .subject = "before the epoch", .body = "old letter" },
	{ .number = 10, .date = "2016-01-01T00:00:00Z", .size = 10, .subject = "京",
		.body = "मुंबई में बैठक かき がき 東 京都タワー" },
};

struct search_case {
	const char *query, *expected;
};

static const struct search_case search_cases[] = {
	{ "", "10 8 7 6 5 4 3 2 1 9" },
	/* words */
	{ "report", "2 1" },
	{ "REPORT", "2 1" },
	{ "reports", "2" },
	{ "report*", "2 1" },
	{ "repo*", "2 1" },
	{ "r*", "6 2 1" },
	{ "budget", "2" },
	{ "nosuchword", "" },
	{ "annual alice", "1" },
	{ "annual AND alice", "1" },
	{ "annual OR budget", "2 1" },
	{ "report NOT annual", "2" },
	{ "NOT report", "10 8 7 6 5 4 3 9" },
	{ "NOT report NOT café", "10 8 7 5 4 9" },
	{ "NOT (report OR café)", "10 8 7 5 4 9" },
	{ "annual OR NOT report", "10 8 7 6 5 4 3 1 9" },
	{ "NOT annual OR NOT budget", "10 8 7 6 5 4 3 2 1 9" },
	{ "(annual OR budget) late", "2" },
	{ "annual OR budget late", "2 1" },
	{ "and or not", "8" },
	{ "NOT NOTHING", "10 8 7 6 5 4 3 2 1 9" },
	/* phrases */
	{ "\"annual report\"", "1" },
	{ "\"report annual\"", "" },
	{ "\"report attached Regards\"", "1" },
	{ "\"the repo\"*", "2" },
	{ "“annual report”", "1" },
	{ "C++17", "2" },
	{ "Smith & Wesson", "7" },
	{ "\"Smith & Wesson\"", "7" },
	{ "don't", "7" },
	{ "don’t", "7" },
	/* fields */
	{ "from:alice", "3 1" },
	{ "FROM:alice", "3 1" },
	{ "to:alice", "2" },
	{ "cc:carol", "2" },
	{ "bcc:hidden", "3" },
	{ "hidden", "3" },
	{ "envelope:bounce", "3" },
	{ "subject:report", "1" },
	{ "subject: report", "1" },
	{ "subject:(annual OR reporting)", "2 1" },
	{ "subject:\"annual report\"", "1" },
	{ "body:(report late)", "2" },
	{ "subject:café", "" },
	{ "attachment:budget", "2" },
	{ "attachment:xlsx", "2" },
	{ "attachment:ubersicht.pdf", "3" },
	{ "from:(alice OR body:late)", "3 2 1" },
	{ "message-id:a1.b2$c3@mail.example.org", "1" },
	{ "message-id:<a1.b2$c3@mail.example.org>", "1" },
	{ "message-id:b2$c3@mail.example.org", "" },
	/* addresses */
	{ "alice@example.org", "7 1" },
	{ "ALICE@EXAMPLE.ORG", "7 1" },
	{ "from:alice@example.org", "1" },
	{ "malice@example.org", "2" },
	{ "bob.alice@example.org", "3" },
	{ "alice@", "7 3 2 1" },
	{ "@example.org", "7 3 2 1" },
	{ "from:@example.org", "7 3 2 1" },
	{ "from:example.org", "7 3 2 1" },
	{ "alice@exa*", "7 2 1" },
	{ "alice@*", "7 2 1" },
	{ "from:alice@*", "1" },
	{ "\"Example alice@example.org\"", "1" },
	{ "\"alice@example.org or write\"", "7" },
	{ "o'brien@example.org", "7" },
	{ "carol@example.org", "7 2" },
	{ "taro@example.jp", "4" },
	{ "müller@bücher.example", "8" },
	{ "muller@xn--bcher-kva.example", "8" },
	{ "email=alice@example.org", "7" },
	/* folding */
	{ "strasse", "6 3" },
	{ "STRASSE", "6 3" },
	{ "straße", "6 3" },
	{ "STRAẞE", "6 3" },
	{ "cafe", "6 3" },
	{ "CAFÉ", "6 3" },
	{ "masse", "3" },
	{ "lodz", "3" },
	{ "orsted thor aevar", "3" },
	{ "Ørsted þór", "3" },
	{ "отчет", "6" },
	{ "ОТЧЁТ", "6" },
	{ "softhyphen", "6" },
	{ "istanbul", "6" },
	{ "file", "6" },
	{ "hauptstr*", "3" },
	/* Chinese, Japanese, Korean */
	{ "東京", "4" },
	{ "京都", "10 4" },
	{ "都庁", "4" },
	{ "東京都庁", "4" },
	{ "庁都", "" },
	{ "京", "10 4" },
	{ "議", "4" },
	{ "東", "10 4" },
	{ "subject:議", "4" },
	{ "\"東 京都\"", "10" },
	{ "ガイド", "4" },
	{ "ｶﾞｲﾄﾞ", "4" },
	{ "abc", "4" },
	{ "ABCを参照", "4" },
	{ "かき", "10" },
	{ "がき", "10" },
	{ "から", "" },
	{ "特別", "" },
	{ "특별", "8" },
	{ "서울*", "8" },
	/* Thai and Devanagari: marks make other words */
	{ "ประชุม", "5" },
	{ "กรุงเทพมหานคร", "5" },
	{ "พรุ่งนี้", "5" },
	{ "मुंबई", "10" },
	{ "मबई", "" },
	/* dates */
	{ "date:2011", "3 2 1" },
	{ "date:2011-06", "2 1" },
	{ "date:2011-06-15", "1" },
	{ "date:2011-06-15..2011-06-16", "2 1" },
	{ "date:2011-06-16..2011", "3 2" },
	{ "date:..2011-06-15", "1 9" },
	{ "date:2015..", "10 8" },
	{ "date:>2011", "10 8 7 6 5 4" },
	{ "date:>=2011-07", "10 8 7 6 5 4 3" },
	{ "date:<2011-06-16", "1 9" },
	{ "date:<=2011-06-16", "2 1 9" },
	{ "date:2012-02-29", "5" },
	{ "date:1965", "9" },
	{ "date:<1960", "" },
	{ "date:1965-03-05..1969", "" },
	{ "after:2014 before:2015", "7" },
	{ "report date:2011-06-15", "1" },
	{ "report OR date:2012", "5 4 2 1" },
	{ "NOT date:2011..2014", "10 8 9" },
	{ "date:(2012 OR 2015)", "8 5 4" },
	{ "date:2011 NOT report", "3" },
	{ "NOT (date:2011 report)", "10 8 7 6 5 4 3 9" },
	/* sizes, attachments */
	{ "size:1000", "1" },
	{ "size:>1000", "3 2" },
	{ "size:>=1000", "3 2 1" },
	{ "size:<10", "9" },
	{ "size:<=10", "10 8 7 6 9" },
	{ "size:2K", "2" },
	{ "size:1K..5M", "3 2" },
	{ "size:>5M", "" },
	{ "has:attachment", "3 2" },
	{ "NOT has:attachment report", "1" },
	{ "has:attachment OR annual", "3 2 1" },
	{ "size:>1M OR annual", "3 1" },
	{ "NOT size:<=1000", "3 2" },
	{ "(size:>1M OR annual) alice", "3 1" },
	{ "NOT (size:>1M OR annual)", "10 8 7 6 5 4 2 9" },
	{ "(size:<900 OR date:2011) NOT (report OR has:attachment)", "10 8 7 6 4 9" },
	{ "(size:1000 OR budget) (date:2011-06-15 OR café OR late)", "2 1" },
};

static inline void search_cases_fill(struct index *i)
{
	for (size_t k = 0; k < ARRAY_LEN(search_docs); k++) {
		const struct search_doc *d = &search_docs[k];
		struct index_doc doc = { .id = numbered(d->number), .size = d->size, .has_attachment = d->has_attachment,
			.from = d->from, .to = d->to, .cc = d->cc, .bcc = d->bcc, .envelope = d->envelope,
			.subject = d->subject, .body = d->body, .attachment_names = d->attachment_names,
			.message_id = d->message_id };

		assert_int_equal(clock_parse(&doc.date_us, d->date), 0);
		add_doc(i, doc, NULL);
	}
}

/* How many cases went wrong; each is printed. */
static inline int search_cases_run(struct index *i)
{
	struct scope *all = scope_of_all();
	int wrong = 0;

	for (size_t k = 0; k < ARRAY_LEN(search_cases); k++) {
		_free_ char *got = found(i, all, search_cases[k].query);

		if (strcmp(got, search_cases[k].expected) != 0) {
			print_error("%s: expected <%s>, found <%s>\n", search_cases[k].query, search_cases[k].expected, got);
			wrong++;
		}
	}
	scope_freep(&all);
	return wrong;
}

#endif
