/* store_s3_xml: the answers of several stores, and such as no store should give. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "store/store_s3_xml.h"

#include <stdio.h>
#include <string.h>

static struct buf body_of(const char *text)
{
	struct buf b = BUF_INIT((size_t)1 << 24);

	assert_int_equal(buf_add_str(&b, text), 0);
	return b;
}

static void expect_text(const char *xml, const char *name, const char *expected)
{
	CLEANUP(buf_deinit) struct buf b = body_of(xml);
	_free_ char *text = s3_xml_text(&b, name);

	if (expected)
		assert_string_equal(text, expected);
	else
		assert_null(text);
}

static void test_text(void **state)
{
	(void)state;
	expect_text("<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code><Message>a &lt;b&gt; &amp; c</Message></Error>", "Message",
		"a <b> & c");
	expect_text("<R xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><A><B>deep</B></A></R>", "B", "deep");
	expect_text("<x:R xmlns:x=\"u\"><x:Status>Enabled</x:Status></x:R>", "Status", "Enabled");
	expect_text("<R><Status/></R>", "Status", "");
	expect_text("<R><Other>1</Other></R>", "Status", NULL);
	expect_text("", "Status", NULL);
	expect_text("<html><body>502 Bad Gateway", "Code", NULL);
	expect_text("{\"error\": 1}", "Code", NULL);
}

/* A document that declares entities is none: they are not blown up, and no file is read. */
static void test_entities(void **state)
{
	CLEANUP(buf_deinit) struct buf laughs = body_of("<?xml version=\"1.0\"?><!DOCTYPE r [<!ENTITY a \"aaaaaaaaaa\">"
		"<!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\">"
		"<!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;\"><!ENTITY e \"&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;\">"
		"<!ENTITY f \"&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;\"><!ENTITY g \"&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;\">]>"
		"<r><Code>&g;</Code></r>");
	CLEANUP(buf_deinit) struct buf file = body_of("<!DOCTYPE r [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><r><Code>&x;</Code></r>");
	_free_ char *laughed = s3_xml_text(&laughs, "Code"), *read = s3_xml_text(&file, "Code");

	(void)state;
	assert_null(laughed);
	assert_null(read);
}

struct seen {
	char text[1000];
	int stop_at;
	int n;
};

static int see(void *ctx, const struct s3_version *v)
{
	struct seen *s = ctx;
	size_t at = strlen(s->text);

	snprintf(s->text + at, sizeof(s->text) - at, "%s %s %llu %lld;", v->key, v->version, (unsigned long long)v->length,
		(long long)(v->modified_us / CLOCK_SECOND));
	return ++s->n == s->stop_at;
}

#define VERSION(key, id, size) "<Version><Key>" key "</Key><VersionId>" id "</VersionId><IsLatest>true</IsLatest><LastModified>" \
	"1970-01-01T00:00:07.000Z</LastModified><Size>" size "</Size><Owner><ID>x</ID></Owner></Version>"

static void test_versions(void **state)
{
	CLEANUP(buf_deinit) struct buf b = body_of("<ListVersionsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name>"
		VERSION("m/a&amp;b", "v1", "5") "<DeleteMarker><Key>m/c</Key><VersionId>d</VersionId></DeleteMarker>"
		VERSION("m/d", "v2", "0") "<IsTruncated>true</IsTruncated><NextKeyMarker>m/d</NextKeyMarker>"
		"<NextVersionIdMarker>v2</NextVersionIdMarker></ListVersionsResult>");
	CLEANUP(s3_page_deinit) struct s3_page page = { 0 }, stopped = { 0 };
	struct seen all = { 0 }, one = { .stop_at = 1 };
	struct err e;

	(void)state;
	assert_int_equal(s3_xml_versions(&b, see, &all, &page, &e), 0);
	assert_string_equal(all.text, "m/a&b v1 5 7;m/d v2 0 7;");
	assert_true(page.more);
	assert_string_equal(page.key_marker, "m/d");
	assert_string_equal(page.version_marker, "v2");
	assert_int_equal(s3_xml_versions(&b, see, &one, &stopped, &e), 1);
	assert_int_equal(one.n, 1);
}

static void test_no_versions(void **state)
{
	static const char *const bad[] = { "", "<Error><Code>x</Code></Error>", "<ListVersionsResult>",
		"<ListVersionsResult>" VERSION("m/a", "v1", "-5") "</ListVersionsResult>",
		"<ListVersionsResult>" VERSION("m/a", "v1", "") "</ListVersionsResult>",
		"<ListVersionsResult><Version><Key>m/a</Key><Size>1</Size></Version></ListVersionsResult>" };
	CLEANUP(buf_deinit) struct buf none = body_of("<ListVersionsResult><IsTruncated>false</IsTruncated></ListVersionsResult>");
	CLEANUP(s3_page_deinit) struct s3_page page = { 0 };
	struct seen seen = { 0 };
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		CLEANUP(buf_deinit) struct buf b = body_of(bad[i]);

		assert_int_equal(s3_xml_versions(&b, see, &seen, &page, &e), -1);
		assert_int_equal(e.class, ERR_TEMPORARY);
	}
	assert_int_equal(s3_xml_versions(&none, see, &seen, &page, &e), 0);
	assert_false(page.more);
	assert_int_equal(seen.n, 0);
}

static void test_escape(void **state)
{
	_free_ char *text = s3_xml_escape("a<b>&\"c\"");

	(void)state;
	assert_string_equal(text, "a&lt;b&gt;&amp;\"c\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text), cmocka_unit_test(test_entities), cmocka_unit_test(test_versions),
		cmocka_unit_test(test_no_versions), cmocka_unit_test(test_escape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
