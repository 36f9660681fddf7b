/* mbox: where messages begin and end, and that their bytes stay as they are, however the file is cut into reads. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "cli/mbox.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FROM1 "From alice@example.org Mon Jan  5 12:00:00 2009\n"
#define FROM2 "From bob@example.org Tue Jan  6 01:02:03 2009\n"

static int file_with(const char *text, size_t n)
{
	FILE *f = tmpfile();

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	rewind(f);
	int fd = dup(fileno(f));

	fclose(f);
	return fd;
}

/* All messages, each as "<sender>|<offset>|<bytes>", with "\x1f" behind it. */
static char *split_bytes(const char *text, size_t length, bool unquote)
{
	int fd = file_with(text, length);
	struct mbox *m = mbox_new(fd, NULL, 0, unquote);
	struct mbox_message info;
	struct buf out = BUF_INIT(1u << 24);
	struct err e;
	const char *data;
	size_t n;
	int rc;

	while ((rc = mbox_next(m, &info, &e)) > 0) {
		assert_int_equal(buf_printf(&out, "%s|%lu|", info.sender, (unsigned long)info.offset), 0);
		while ((rc = mbox_read(m, &data, &n, &e)) > 0)
			assert_int_equal(buf_add(&out, data, n), 0);
		assert_int_equal(rc, 0);
		assert_int_equal(buf_add_char(&out, 0x1f), 0);
	}
	assert_int_equal(rc, 0);
	mbox_freep(&m);
	close(fd);
	return buf_take(&out);
}

static void splits(const char *text, bool unquote, const char *expected)
{
	_free_ char *got = split_bytes(text, strlen(text), unquote);

	assert_string_equal(got, expected);
}

static void test_two_messages(void **state)
{
	(void)state;
	splits(FROM1 "Subject: a\n\nbody\n\n" FROM2 "Subject: b\n\nbody\n\n", false,
		"alice@example.org|0|Subject: a\n\nbody\n\x1f"
		"bob@example.org|66|Subject: b\n\nbody\n\x1f");
}

/* Exactly one empty line is the writer's; the rest is the message's. */
static void test_empty_lines(void **state)
{
	(void)state;
	splits(FROM1 "A: b\n\nx\n\n\n\n" FROM2 "C: d\n", false,
		"alice@example.org|0|A: b\n\nx\n\n\n\x1f"
		"bob@example.org|59|C: d\n\x1f");
	splits(FROM1 "A: b\n\nx\n\n\n" FROM2, false, "alice@example.org|0|A: b\n\nx\n\n\x1f" "bob@example.org|58|\x1f");
	splits(FROM1 "\n\n\n\n", false, "alice@example.org|0|\n\n\n\x1f");
	splits(FROM1 "A: b\r\n\r\nx\r\n\r\n", false, "alice@example.org|0|A: b\r\n\r\nx\r\n\x1f");
	splits(FROM1 "no end of line", false, "alice@example.org|0|no end of line\x1f");
	splits(FROM1, false, "alice@example.org|0|\x1f");
	splits("", false, "");
}

/* Without the empty line of RFC 4155 a From_ line counts all the same; what is no From_ line never does. */
static void test_what_separates(void **state)
{
	(void)state;
	splits(FROM1 "x\n" FROM2 "y\n", false, "alice@example.org|0|x\n\x1f" "bob@example.org|50|y\n\x1f");
	splits(FROM1 "x\n\nFrom now on all is well\n\n>From there\n", false,
		"alice@example.org|0|x\n\nFrom now on all is well\n\n>From there\n\x1f");
	assert_true(mbox_is_from_line("From - Thu Mar  4 09:12:01 2010", 31));
	assert_true(mbox_is_from_line("From MAILER-DAEMON Fri Jul  8 12:08:34 CEST 2011\n", 49));
	assert_true(mbox_is_from_line("From ???@??? Mon Apr 17 17:03:30 1995 +0100", 43));
	assert_true(mbox_is_from_line("From a@b Wed, 2 Oct 2002 08:00:00 -0400", 39));
	assert_true(mbox_is_from_line("From uu!cp Wed Oct  2 8:00 2002 remote from gateway", 51));
	assert_true(mbox_is_from_line("From  Wed Oct  2 08:00:00 2002", 30));
	assert_false(mbox_is_from_line("From what I saw on Mon Jan 5 12:30 2009 it is", 45));
	assert_false(mbox_is_from_line("From: a@b Mon Jan  5 12:00:00 2009", 34));
	assert_false(mbox_is_from_line("From a@b Mon Jan  5 2009", 24));
	assert_false(mbox_is_from_line(">From a@b Mon Jan  5 12:00:00 2009", 34));
}

static void test_quoting_stays_unless_asked(void **state)
{
	const char *text = FROM1 "\n>From a\n\n>>From b\n> From c\n>Fromage\nx>From\n";
	(void)state;

	splits(text, false, "alice@example.org|0|\n>From a\n\n>>From b\n> From c\n>Fromage\nx>From\n\x1f");
	splits(text, true, "alice@example.org|0|\nFrom a\n\n>From b\n> From c\n>Fromage\nx>From\n\x1f");
}

static void test_senders(void **state)
{
	(void)state;
	splits("From - Mon Jan  5 12:00:00 2009\nx\n", false, "|0|x\n\x1f");
	splits("From <a@b> Mon Jan  5 12:00:00 2009\nx\n", false, "a@b|0|x\n\x1f");
	splits("From \xff@b Mon Jan  5 12:00:00 2009\nx\n", false, "|0|x\n\x1f");
	splits("From anything at all\nx\n", false, "|0|x\n\x1f"); /* the first line of a file */
}

static void test_no_mailbox(void **state)
{
	int fd = file_with("Subject: a\n\nb\n", 14);
	struct mbox *m = mbox_new(fd, NULL, 0, false);
	struct mbox_message info;
	struct err e;
	(void)state;

	assert_int_equal(mbox_next(m, &info, &e), -1);
	assert_int_equal(e.class, ERR_PERMANENT);
	mbox_freep(&m);
	close(fd);
}

/* Lines of every length around the size of the buffer, NUL bytes too: nothing is lost, doubled or split. */
static void test_nothing_depends_on_the_buffer(void **state)
{
	(void)state;
	for (size_t length = 65400; length < 65640; length += 7) {
		struct buf text CLEANUP(buf_deinit) = BUF_INIT(1u << 20), expected CLEANUP(buf_deinit) = BUF_INIT(1u << 20);
		_free_ char *line = mem_alloc(length + 1, 1);

		memset(line, '>', length);
		line[3] = 'F'; /* and all the rest looks like quoting */
		assert_int_equal(buf_add_str(&text, FROM1), 0);
		for (int i = 0; i < 3; i++) {
			assert_int_equal(buf_printf(&text, "%s\n\n", line), 0);
			assert_int_equal(buf_add(&text, "a\0b\n\n", 5), 0);
		}
		assert_int_equal(buf_add_str(&text, FROM2 "end\n"), 0);
		size_t second = text.len - strlen(FROM2 "end\n");

		assert_int_equal(buf_add_str(&expected, "alice@example.org|0|"), 0);
		assert_int_equal(buf_add(&expected, text.data + strlen(FROM1), second - strlen(FROM1) - 1), 0);
		assert_int_equal(buf_printf(&expected, "\x1f" "bob@example.org|%zu|end\n\x1f", second), 0);
		_free_ char *got = split_bytes(text.data, text.len, false);

		assert_memory_equal(got, expected.data, expected.len + 1);
	}
}

static void test_head_counts(void **state)
{
	const char *rest = &(FROM1 "x\n")[5];
	int fd = file_with(rest, strlen(rest));
	struct mbox *m = mbox_new(fd, "From ", 5, false);
	struct mbox_message info;
	struct err e;
	const char *data;
	size_t n;
	(void)state;

	assert_int_equal(mbox_next(m, &info, &e), 1);
	assert_string_equal(info.sender, "alice@example.org");
	assert_int_equal(mbox_read(m, &data, &n, &e), 1);
	assert_int_equal(n, 2);
	assert_int_equal(mbox_next(m, &info, &e), 0);
	mbox_freep(&m);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_messages),
		cmocka_unit_test(test_empty_lines),
		cmocka_unit_test(test_what_separates),
		cmocka_unit_test(test_quoting_stays_unless_asked),
		cmocka_unit_test(test_senders),
		cmocka_unit_test(test_no_mailbox),
		cmocka_unit_test(test_nothing_depends_on_the_buffer),
		cmocka_unit_test(test_head_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
