/* Whole messages: what is found in them, and that nobody is lost in another reading of them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "parser/read.h"

#include <string.h>

#define HEAD "From: Alice <alice@example.org>\r\nSubject: s\r\nMIME-Version: 1.0\r\n"

static struct parsed *read_text(const char *text)
{
	return read_message((struct span){ text, strlen(text) });
}

static bool has_person(const struct parsed *p, enum participant_role role, const char *normal)
{
	for (size_t i = 0; i < p->participant_count; i++)
		if (p->participants[i].role == role &&
			strcmp(p->participants[i].normal, normal) == 0)
			return true;
	return false;
}

static int keep(void *ctx, struct span data)
{
	struct buf *b = ctx;

	return buf_add(b, data.at, data.n);
}

/* Attachment i, and that what is listed is what is served. */
static char *extract(const char *text, const struct parsed *p, uint32_t i)
{
	struct buf b = BUF_INIT(100000);
	uint8_t sha256[SHA256_SIZE];

	assert_int_equal(read_attachment((struct span){ text, strlen(text) }, i, keep, &b), 1);
	sha256_of(b.data ? b.data : "", b.len, sha256);
	assert_int_equal(p->attachments[i].size, b.len);
	assert_memory_equal(p->attachments[i].sha256, sha256, SHA256_SIZE);
	return buf_take(&b);
}

static void test_fields(void **state)
{
	CLEANUP(parsed_freep) struct parsed *p = read_text(
		"From: =?utf-8?q?J=C3=B6rg?= (comment) <Joerg@B\xc3\xbc" "cher.example>\r\n"
		"Sender: s@example.org\r\nReply-To: r@example.org\r\n"
		"To: friends: a@example.org, \"B, C\" <b@example.org>;, c@example.org (C)\r\n"
		"Cc: undisclosed-recipients:;\r\nBcc: bcc@example.org\r\n"
		"Resent-From: rf@example.org\r\nResent-Cc: rc@example.org\r\n"
		"Subject: =?iso-8859-1?q?Gr=FC=DFe?= an\r\n\t=?utf-8?b?5pel5pys?=\r\n"
		"Message-ID: \r\n <id.1@example.org>\r\n"
		"Date: Sat, 22 Nov 2025 17:31:00 -0130 (foo)\r\n\r\ntext\r\n");

	(void)state;
	assert_string_equal(p->subject, "Grüße an\t日本");
	assert_string_equal(p->message_id, "id.1@example.org");
	assert_true(p->has_date);
	assert_true(p->date_us == INT64_C(1763838060) * 1000000);
	assert_string_equal(p->participants[0].name, "Jörg");
	assert_true(has_person(p, ROLE_FROM, "joerg@xn--bcher-kva.example"));
	assert_true(has_person(p, ROLE_SENDER, "s@example.org"));
	assert_true(has_person(p, ROLE_REPLY_TO, "r@example.org"));
	assert_true(has_person(p, ROLE_TO, "a@example.org"));
	assert_true(has_person(p, ROLE_TO, "b@example.org"));
	assert_true(has_person(p, ROLE_TO, "c@example.org"));
	assert_true(has_person(p, ROLE_BCC, "bcc@example.org"));
	assert_true(has_person(p, ROLE_RESENT_FROM, "rf@example.org"));
	assert_true(has_person(p, ROLE_RESENT_TO, "rc@example.org"));
	assert_int_equal(p->participant_count, 9);
	assert_string_equal(p->text, "text\r\n");
	assert_int_equal(p->flags, 0);
}

static void test_references(void **state)
{
	CLEANUP(parsed_freep) struct parsed *p = read_text(HEAD
		"In-Reply-To: Your message of \"Monday\" <reply@x> and <other@x>\r\n"
		"References: <root@x>\r\n\t<a b@x>  <reply@x><> words <ROOT@x> <open@x\r\n\r\ntext");

	(void)state;
	assert_int_equal(p->references.n, 4);
	assert_string_equal(p->references.items[0], "reply@x");
	assert_string_equal(p->references.items[1], "root@x");
	assert_string_equal(p->references.items[2], "a b@x");
	assert_string_equal(p->references.items[3], "ROOT@x");
}

/* The first and the last are kept. */
static void test_very_many_references(void **state)
{
	struct buf b = BUF_INIT(1 << 20);

	(void)state;
	assert_int_equal(buf_add_str(&b, HEAD "References:"), 0);
	for (int i = 0; i < 5000; i++)
		assert_int_equal(buf_printf(&b, "\r\n <%d@x>", i), 0);
	assert_int_equal(buf_add_str(&b, "\r\nIn-Reply-To: <parent@x>\r\n\r\n"), 0);
	CLEANUP(parsed_freep) struct parsed *p = read_text(b.data);

	assert_int_equal(p->references.n, PARSED_REFERENCES_MAX);
	assert_string_equal(p->references.items[0], "parent@x");
	assert_string_equal(p->references.items[1], "0@x");
	assert_string_equal(p->references.items[PARSED_REFERENCES_MAX - 1], "4999@x");
	buf_deinit(&b);
}

static void test_broken_fields(void **state)
{
	CLEANUP(parsed_freep)
	struct parsed *p = read_text("From: \"never closed <a@example.org>\r\nTo: b@example.org "
				     "c@example.org <<d@example.org>> ((\r\n"
				     "Subject: raw gr\xfc\xdf\r\nDate: yesterday\r\nnot a "
				     "field\r\nCc : e@example.org\r\n\r\ntext");

	(void)state;
	assert_string_equal(p->subject, "raw grüß");
	assert_true(has_person(p, ROLE_TO, "b@example.org"));
	assert_true(has_person(p, ROLE_TO, "d@example.org"));
	assert_true(has_person(p, ROLE_CC, "e@example.org"));
	assert_non_null(strstr(p->text, "not a field"));
	assert_non_null(strstr(p->text, "text"));
	assert_int_equal(p->flags & (PARSE_NO_DATE | PARSE_MALFORMED | PARSE_CHARSET),
		PARSE_NO_DATE | PARSE_MALFORMED | PARSE_CHARSET);
}

static void test_parts_and_attachments(void **state)
{
	static const char text[] =
		HEAD "Content-Type: multipart/mixed; boundary=\"a b\"\r\n\r\npreamble\r\n--a b\r\n"
		     "Content-Type: multipart/alternative; "
		     "boundary=c\r\n\r\n--c\r\n\r\nplain\r\n--c\r\nContent-Type: text/html\r\n\r\n"
		     "<p>h&auml;tml\r\n--c--\r\n--a b  \r\n"
		     "Content-Type: application/pdf; name*0*=utf-8''%C3%BC; "
		     "name*1=\".pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
		     "aGVsbG8=\r\n--a b\r\nContent-Type: text/csv\r\nContent-Disposition: "
		     "attachment; filename=\"=?utf-8?q?=C3=A4?=.csv\"\r\n"
		     "Content-Transfer-Encoding: quoted-printable\r\n\r\n1=3B2=\r\n\r\n--a "
		     "b\r\nContent-Type: message/rfc822\r\n\r\n"
		     "From: inner@example.org\r\nSubject: inner subject\r\nContent-Type: "
		     "multipart/mixed; boundary=i\r\n\r\n--i\r\n"
		     "Content-Type: image/png; name=inner.png\r\n\r\nx\r\n--i\r\n\r\ninner "
		     "text\r\n--i--\r\n--a b--\r\nepilogue\r\n";
	CLEANUP(parsed_freep) struct parsed *p = read_text(text);
	struct buf none = BUF_INIT(10);

	(void)state;
	assert_int_equal(p->attachment_count, 3);
	assert_string_equal(p->attachments[0].name, "ü.pdf");
	assert_string_equal(p->attachments[0].content_type, "application/pdf");
	assert_string_equal(p->attachments[1].name, "ä.csv");
	assert_string_equal(p->attachments[2].content_type, "message/rfc822");
	_free_ char *pdf = extract(text, p, 0);
	_free_ char *csv = extract(text, p, 1);
	_free_ char *message = extract(text, p, 2);

	assert_string_equal(pdf, "hello");
	assert_string_equal(csv, "1;2");
	assert_memory_equal(message, "From: inner@", 12);
	assert_string_equal(message + strlen(message) - 5, "--i--");
	assert_int_equal(read_attachment((struct span){ text, strlen(text) }, 3, keep, &none), 0);
	static const char *const found[] = { "preamble", "plain", "hätml", "1;2", "inner subject",
		"inner@example.org", "inner.png", "inner text", "epilogue" };

	for (size_t i = 0; i < ARRAY_LEN(found); i++)
		if (!strstr(p->text, found[i]))
			fail_msg("%s is not in: %s", found[i], p->text);
	assert_false(has_person(p, ROLE_FROM, "inner@example.org"));
}

/* A name makes an attachment, whatever else the fields get wrong. */
static void test_names_in_broken_fields(void **state)
{
	static const char text[] =
		HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
		     "Content-Type: BINARY;name=\"PDP-10\"\r\n\r\nx\r\n--b\r\n"
		     "Content-Type: a/b\r\n"
		     "Content-Disposition: inline; filename*=''Pr%C3%A4s.pdf\r\n\r\ny\r\n--b--\r\n";
	CLEANUP(parsed_freep) struct parsed *p = read_text(text);

	(void)state;
	assert_int_equal(p->attachment_count, 2);
	assert_string_equal(p->attachments[0].name, "PDP-10");
	assert_string_equal(p->attachments[0].content_type, "text/plain");
	assert_string_equal(p->attachments[1].name, "Präs.pdf");
}

static void test_lines_that_are_not_encoded(void **state)
{
	CLEANUP(parsed_freep)
	struct parsed *p = read_text(
		HEAD "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n"
		     "aGVsbG8gd29ybGQK\r\n_____\r\nTo leave: https://lists.example.org/\r\n");

	(void)state;
	assert_non_null(strstr(p->text, "hello world"));
	assert_non_null(strstr(p->text, "To leave: https://lists.example.org/"));
	assert_null(strstr(p->text, "aGVsbG8gd29ybGQK"));
}

/* ---- two readings ---- */

/* Both needles are found, whoever is right. */
static void both(const char *text)
{
	CLEANUP(parsed_freep) struct parsed *p = read_text(text);

	if (!strstr(p->text, "needle one") || !strstr(p->text, "needle two"))
		fail_msg("%s\nis read as\n%s", text, p->text);
	assert_true(p->flags & PARSE_AMBIGUOUS);
}

static void test_both_readings(void **state)
{
	(void)state;
	/* Content-Type twice: as text nobody sees the hidden part, as multipart nobody sees the
	 * preamble's markup */
	both(HEAD "Content-Type: text/plain\r\nContent-Type: multipart/mixed; "
		  "boundary=b\r\n\r\nneedle one\r\n--b\r\n"
		  "Content-Transfer-Encoding: base64\r\n\r\nbmVlZGxlIHR3bw==\r\n--b--\r\n");
	both(HEAD "Content-Type: multipart/mixed; boundary=b\r\nContent-Type: "
		  "text/plain\r\n\r\nneedle one\r\n--b\r\n"
		  "Content-Transfer-Encoding: base64\r\n\r\nbmVlZGxlIHR3bw==\r\n--b--\r\n");
	/* encoding twice */
	both(HEAD "Content-Transfer-Encoding: base64\r\nContent-Transfer-Encoding: "
		  "7bit\r\n\r\nbmVlZGxlIG9uZQ== needle two\r\n");
	/* boundary twice */
	both(HEAD "Content-Type: multipart/mixed; boundary=a; boundary=b\r\n\r\n--a\r\n\r\nneedle "
		  "one\r\n--a--\r\n--b\r\n"
		  "Content-Transfer-Encoding: base64\r\n\r\nbmVlZGxlIHR3bw==\r\n--b--\r\n");
	/* boundary oddly quoted */
	both(HEAD "Content-Type: multipart/mixed; boundary=a b\r\n\r\n--a\r\n\r\nneedle "
		  "one\r\n--a--\r\n--a b\r\n"
		  "Content-Transfer-Encoding: base64\r\n\r\nbmVlZGxlIHR3bw==\r\n--a b--\r\n");
	/* no boundary named */
	both(HEAD "Content-Type: multipart/mixed\r\n\r\n--x\r\n\r\nneedle one\r\n--x\r\n"
		  "Content-Transfer-Encoding: base64\r\n\r\nbmVlZGxlIHR3bw==\r\n--x--\r\n");
	/* two charsets: EBCDIC has no use in mail but to hide */
	both(HEAD "Content-Type: text/plain; charset=utf-8; charset=ibm037\r\n\r\nneedle "
		  "one\x95\x85\x85\x84\x93\x85\x40\xa3\xa6\x96");
	/* before MIME there was none */
	both("From: a@example.org\r\nContent-Transfer-Encoding: "
	     "base64\r\n\r\nbmVlZGxlIG9uZQ==\r\nneedle two\r\n");
	/* a header behind a bare CR */
	both("From: a@example.org\r\nMIME-Version: 1.0\r\nX: y\rContent-Transfer-Encoding: "
	     "base64\r\n\r\nbmVlZGxlIG9uZQ==\r\n\r\nneedle two\r\n");
	/* subject twice; the first counts */
	both("Subject: s\r\nSubject: needle one\r\nSubject: needle two\r\n\r\n");
	/* a multipart that says it is encoded */
	CLEANUP(parsed_freep)
	struct parsed *p = read_text(
		HEAD "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
		     "U3ViamVjdDogbmVlZGxlCgp0ZXh0Cg==\r\n");

	assert_int_equal(p->attachment_count, 1);
	assert_non_null(strstr(p->text, "needle"));
}

static void test_people_of_both_readings(void **state)
{
	CLEANUP(parsed_freep)
	struct parsed *p =
		read_text("From: a@example.org\r\nFrom: b@example.org\r\nTo: c@example.org\r\nTo: "
			  "d@example.org\r\nX: y\rTo: e@example.org\r\n\r\n");

	(void)state;
	assert_true(has_person(p, ROLE_FROM, "a@example.org"));
	assert_true(has_person(p, ROLE_FROM, "b@example.org"));
	assert_true(has_person(p, ROLE_TO, "c@example.org"));
	assert_true(has_person(p, ROLE_TO, "d@example.org"));
	assert_true(has_person(p, ROLE_TO, "e@example.org"));
	assert_true(p->flags & PARSE_AMBIGUOUS);
}

/* ---- hostile ---- */

static char *repeat(const char *before, const char *unit, size_t n, const char *after)
{
	size_t step = strlen(unit), head = strlen(before);
	char *text = mem_alloc(head + step * n + strlen(after) + 1, 1);

	memcpy(text, before, head);
	for (size_t i = 0; i < n; i++)
		memcpy(text + head + i * step, unit, step);
	strcpy(text + head + step * n, after);
	return text;
}

static void found(char *text, uint32_t flags)
{
	CLEANUP(parsed_freep) struct parsed *p = read_text(text);

	assert_non_null(strstr(p->text, "needle"));
	assert_int_equal(p->flags & flags, flags);
	free(text);
}

static void test_traps(void **state)
{
	(void)state;
	found(mem_strdup(HEAD "Content-Type: multipart/mixed; "
			      "boundary=\"\\\"\"\r\n\r\n--\"\r\n\r\nneedle\r\n--\"--\r\n"),
		0);
	found(repeat("From: ", "(", 10000, " a@example.org\r\n\r\nneedle"), 0);
	found(repeat("From: ", "(", 500000, " a@example.org\r\n\r\nneedle"), 0);
	found(repeat("To: ", "g:", 400000, " a@example.org\r\n\r\nneedle"), PARSE_MALFORMED);
	found(repeat("To: ", "<", 400000, " a@example.org\r\n\r\nneedle"), 0);
	found(repeat(HEAD, "Content-Type: message/rfc822\r\n\r\n", 8000, "\r\nneedle"),
		PARSE_DEPTH);
	found(mem_strdup(HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nneedle"),
		PARSE_MALFORMED);
	found(repeat(HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n", "--b\r\n\r\n\r\n",
		      100000, "--b\r\n\r\nneedle"),
		PARSE_PARTS);
	found(repeat("X: ", "y", 2u << 20, "\r\n\r\nneedle"), 0);
	found(repeat("", "X: y\r\n", 300000, "\r\nneedle"), PARSE_HEADER_TRUNCATED);
	found(repeat("", "", 0, "needle without any header"), PARSE_MALFORMED);
}

static void test_nested_multiparts(void **state)
{
	static const size_t levels[] = { 99, 100, 101, 1023, 1024, 1025, 8000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
		struct buf b = BUF_INIT(4u << 20);

		assert_int_equal(buf_add_str(&b, HEAD), 0);
		for (size_t n = 0; n < levels[i]; n++)
			assert_int_equal(buf_printf(&b,
						 "Content-Type: multipart/mixed; "
						 "boundary=b%zu\r\n\r\n--b%zu\r\n",
						 n, n),
				0);
		assert_int_equal(buf_add_str(&b, "\r\nneedle\r\n"), 0);
		for (size_t n = levels[i]; n--;)
			assert_int_equal(buf_printf(&b, "--b%zu--\r\n", n), 0);
		found(buf_take(&b), levels[i] > PARSED_DEPTH_MAX ? PARSE_DEPTH : 0);
	}
}

static void test_text_limits(void **state)
{
	_free_ char *text = repeat(HEAD "\r\nneedle\r\n", "0123456789\r\n", 500000, "");
	CLEANUP(parsed_freep) struct parsed *p = read_text(text);
	CLEANUP(parsed_freep)
	struct parsed *nul = read_message((struct span){"\r\nnee\0dle\0", 11});
	CLEANUP(parsed_freep) struct parsed *empty = read_message((struct span){ "", 0 });

	(void)state;
	assert_int_equal(strlen(p->text), PARSED_TEXT_MAX);
	assert_true(p->flags & PARSE_TEXT_TRUNCATED);
	assert_string_equal(nul->text, "needle");
	assert_string_equal(empty->text, "");
	assert_int_equal(empty->attachment_count, 0);
}

/* Every prefix and every byte flipped of a message with everything in it: nothing but sense may
 * come out. */
static void test_damage(void **state)
{
	static const char text[] =
		HEAD "To: g: =?utf-8?b?w7w=?= <a@example.org>;\r\nContent-Type: multipart/mixed; "
		     "boundary=\"b\"; charset=x\r\n\r\n--b\r\n"
		     "Content-Type: text/html; charset=iso-2022-jp\r\nContent-Transfer-Encoding: "
		     "quoted-printable\r\n\r\n<p>=1B$BF|&eacute;\r\n"
		     "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: "
		     "x\r\n\r\ny\r\n--b\r\nContent-Type: a/b; name=c\r\n"
		     "Content-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--b--\r\n";
	char damaged[sizeof(text)];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++) {
		CLEANUP(parsed_freep) struct parsed *cut = read_message((struct span){ text, i });

		memcpy(damaged, text, sizeof(text));
		damaged[i] = (char)(damaged[i] ^ (1 << i % 8));
		CLEANUP(parsed_freep)
		struct parsed *p = read_message((struct span){damaged, sizeof(text) - 1});

		assert_true(str_utf8_valid(p->text, strlen(p->text)));
		assert_true(str_utf8_valid(cut->text, strlen(cut->text)));
	}
}

/* ---- journal reports ---- */

#define REPORT_HEAD                                                                                \
	"From: outer@example.org\r\nTo: journal@example.org\r\nSubject: outer\r\nMIME-Version: "   \
	"1.0\r\n"                                                                                  \
	"X-MS-Journal-Report:\r\nContent-Type: multipart/mixed; "                                  \
	"boundary=j\r\n\r\n--j\r\nContent-Type: text/plain; charset=utf-8\r\n"
#define REPORT_TAIL                                                                                \
	"\r\n--j\r\nContent-Type: message/rfc822\r\n\r\nFrom: inner@example.org\r\nTo: "           \
	"dl@example.org\r\n"                                                                       \
	"Subject: inner\r\nMessage-ID: <i@x>\r\nMIME-Version: 1.0\r\nContent-Type: "               \
	"multipart/mixed; boundary=k\r\n\r\n--k\r\n\r\n"                                           \
	"inner text\r\n--k\r\nContent-Type: a/b; name=f\r\n\r\ndata\r\n--k--\r\n--j--\r\n"

static void test_journal_report(void **state)
{
	static const char text[] =
		REPORT_HEAD "\r\nSender: inner@example.org\r\nOn-Behalf-Of: "
			    "boss@example.org\r\nSubject: inner\r\n"
			    "Message-Id: <i@x>\r\nTo: one@example.org\r\nCc: two@example.org, "
			    "Expanded: dl@example.org\r\n"
			    "BCC: three@example.org, Forwarded: four@example.org\r\nRecipient: "
			    "five@example.org\r\n" REPORT_TAIL;
	CLEANUP(parsed_freep) struct parsed *p = read_text(text);

	(void)state;
	assert_int_equal(p->flags & (PARSE_JOURNAL | PARSE_JOURNAL_MALFORMED), PARSE_JOURNAL);
	assert_string_equal(p->subject, "inner");
	assert_string_equal(p->message_id, "i@x");
	assert_true(has_person(p, ROLE_FROM, "inner@example.org"));
	assert_true(has_person(p, ROLE_TO, "dl@example.org"));
	assert_true(has_person(p, ROLE_JOURNAL_SENDER, "inner@example.org"));
	assert_true(has_person(p, ROLE_JOURNAL_RECIPIENT, "one@example.org"));
	assert_true(has_person(p, ROLE_JOURNAL_RECIPIENT, "two@example.org"));
	assert_true(has_person(p, ROLE_JOURNAL_RECIPIENT, "three@example.org"));
	assert_true(has_person(p, ROLE_JOURNAL_RECIPIENT, "five@example.org"));
	assert_true(has_person(p, ROLE_JOURNAL_VIA, "dl@example.org"));
	assert_true(has_person(p, ROLE_JOURNAL_VIA, "four@example.org"));
	assert_true(has_person(p, ROLE_JOURNAL_VIA, "boss@example.org"));
	/* the report itself may be forged: its own people took part too, but are not shown as the
	 * message's */
	assert_true(has_person(p, ROLE_JOURNAL_VIA, "outer@example.org"));
	assert_true(has_person(p, ROLE_JOURNAL_VIA, "journal@example.org"));
	assert_false(has_person(p, ROLE_FROM, "outer@example.org"));
	assert_non_null(strstr(p->text, "inner text"));
	assert_non_null(strstr(p->text, "outer"));
	assert_int_equal(p->attachment_count, 1);
	_free_ char *data = extract(text, p, 0);

	assert_string_equal(data, "data");
}

static void test_journal_variants(void **state)
{
	static const char *const lines[] = {
		"\r\nSender: a@example.org\r\nRecipients:\r\n   one@example.org (To)\r\n\tTwo "
		"<two@example.org> (Cc)\r\n",
		"Content-Transfer-Encoding: "
		"base64\r\n\r\nU2VuZGVyOiBhQGV4YW1wbGUub3JnDQpUbzogb25lQGV4YW1wbGUub3JnDQpDYzogdHdv"
		"QGV4YW1wbGUub3JnDQo=\r\n",
		"Content-Transfer-Encoding: "
		"quoted-printable\r\n\r\nSender:=20a@example.org\r\nRecipient: "
		"one@exa=\r\nmple.org\r\nTo: <two@example.org>\r\nLabel: x\r\nSentUtc: now\r\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		_free_ char *text = mem_printf("%s%s%s", REPORT_HEAD, lines[i], REPORT_TAIL);
		CLEANUP(parsed_freep) struct parsed *p = read_text(text);

		assert_false(p->flags & PARSE_JOURNAL_MALFORMED);
		assert_true(has_person(p, ROLE_JOURNAL_SENDER, "a@example.org"));
		assert_true(has_person(p, ROLE_JOURNAL_RECIPIENT, "one@example.org"));
		assert_true(has_person(p, ROLE_JOURNAL_RECIPIENT, "two@example.org"));
	}
}

/* What only claims to be a report is an ordinary message, with nothing of it lost. */
static void test_journal_malformed(void **state)
{
	static const char *const texts[] = {
		REPORT_HEAD "\r\nhello, see below\r\n" REPORT_TAIL,
		REPORT_HEAD "\r\n" REPORT_TAIL,
		REPORT_HEAD "\r\nSender: a@example.org\r\ninner text\r\n--j--\r\n",
		"From: outer@example.org\r\nX-MS-Journal-Report:\r\nSubject: outer\r\n\r\ninner text",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		CLEANUP(parsed_freep) struct parsed *p = read_text(texts[i]);

		assert_true(p->flags & PARSE_JOURNAL_MALFORMED);
		assert_string_equal(p->subject, "outer");
		assert_true(has_person(p, ROLE_FROM, "outer@example.org"));
		assert_false(has_person(p, ROLE_JOURNAL_SENDER, "a@example.org"));
		assert_non_null(strstr(p->text, "inner text"));
	}
}

static void test_encrypted(void **state)
{
	CLEANUP(parsed_freep)
	struct parsed *smime = read_text(
		HEAD "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\nx");
	CLEANUP(parsed_freep)
	struct parsed *opaque = read_text(
		HEAD "Content-Type: application/pkcs7-mime; smime-type=signed-data\r\n\r\nx");
	CLEANUP(parsed_freep)
	struct parsed *pgp = read_text(
		HEAD "Content-Type: multipart/encrypted; boundary=b\r\n\r\n--b\r\n"
		     "Content-Type: application/pgp-encrypted\r\n\r\nVersion: "
		     "1\r\n--b\r\nContent-Type: application/octet-stream\r\n\r\nx\r\n--b--\r\n");

	(void)state;
	assert_true(smime->flags & PARSE_ENCRYPTED);
	assert_false(opaque->flags & PARSE_ENCRYPTED);
	assert_true(pgp->flags & PARSE_ENCRYPTED);
	assert_int_equal(pgp->attachment_count, 2);
}

static int setup(void **state)
{
	(void)state;
	read_init();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_very_many_references),
		cmocka_unit_test(test_broken_fields),
		cmocka_unit_test(test_parts_and_attachments),
		cmocka_unit_test(test_names_in_broken_fields),
		cmocka_unit_test(test_lines_that_are_not_encoded),
		cmocka_unit_test(test_both_readings),
		cmocka_unit_test(test_people_of_both_readings),
		cmocka_unit_test(test_traps),
		cmocka_unit_test(test_nested_multiparts),
		cmocka_unit_test(test_text_limits),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_journal_report),
		cmocka_unit_test(test_journal_variants),
		cmocka_unit_test(test_journal_malformed),
		cmocka_unit_test(test_encrypted),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
