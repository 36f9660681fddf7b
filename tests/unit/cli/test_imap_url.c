/* imap_url: what names a folder on a mail server, in one spelling, and what does not. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/imap_url.h"

#include <string.h>

#define is(url, expected)                                                                           \
	do {                                                                                        \
		struct imap_url u CLEANUP(imap_url_deinit) = { 0 };                                 \
		struct err e = { 0 };                                                               \
		if (imap_url_parse(&u, (url), &e) < 0)                                              \
			fail_msg("%s", e.text);                                                     \
		_free_ char *got = mem_printf("%d %s %s %s %s", u.tls, u.user, u.host, u.port, u.folder); \
		assert_string_equal(got, (expected));                                               \
	} while (0)

static void parts(void **state)
{
	(void)state;
	is("imaps://eve@mail.example.com/INBOX", "1 eve mail.example.com 993 INBOX");
	is("imaps://eve@mail.example.com", "1 eve mail.example.com 993 INBOX");
	is("imap://eve@mail.example.com:1143/", "0 eve mail.example.com 1143 INBOX");
	is("IMAPS://eve%40example.com@mail/a/b%20c", "1 eve@example.com mail 993 a/b c");
	is("imaps://eve@example.com@mail/a", "1 eve@example.com mail 993 a"); /* no name has an @ of its own */
	is("imaps://eve@[2001:db8::1]:1993/x", "1 eve 2001:db8::1 1993 x");
	is("imap://eve@127.0.0.1/Archive/%25", "0 eve 127.0.0.1 143 Archive/%");
	is("imap://eve@mail/Archive/%", "0 eve mail 143 Archive/%");
	is("imaps://eve@mail/Gel\xc3\xb6scht", "1 eve mail 993 Gel\xc3\xb6scht");
}

static void one_spelling(void **state)
{
	static const char *const same[] = { "imaps://eve@mail/INBOX", "imaps://eve@mail:993/", "imaps://%65ve@mail", "IMAPS://eve@mail/%49NBOX" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		struct imap_url u CLEANUP(imap_url_deinit) = { 0 };
		struct err e;

		assert_int_equal(imap_url_parse(&u, same[i], &e), 0);
		assert_string_equal(u.source, "imaps://eve@mail/INBOX");
	}
}

static void what_is_none(void **state)
{
	static const char *const bad[] = { "imaps://mail.example.com/INBOX", "imaps://@mail/INBOX", "imaps://eve@/INBOX",
		"imaps://eve@mail:/INBOX", "imaps://eve@mail:x/INBOX", "imaps://eve@[::1/INBOX", "imaps://eve@mail/%4", "imaps://eve@mail/%zz",
		"imaps://eve@mail/a%0d%0ab", "imaps://eve@mail/%ff", "imaps://eve:secret@mail/INBOX", "imaps://eve%00@mail/INBOX" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct imap_url u;
		struct err e = { 0 };

		if (imap_url_parse(&u, bad[i], &e) == 0)
			fail_msg("%s was taken", bad[i]);
		assert_int_equal(e.class, ERR_PERMANENT);
		assert_null(strstr(e.text, "secret"));
	}
	assert_false(imap_url_is("/srv/imap"));
	assert_false(imap_url_is("imap:/x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts),
		cmocka_unit_test(one_spelling),
		cmocka_unit_test(what_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
