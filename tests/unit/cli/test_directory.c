/* What a directory's values become: addresses, departments, refusals. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/directory_dn.h"
#include "cli/directory_ldap.h"
#include "cli/directory_person.h"

#include <string.h>

static void expect_address(const char *bytes, size_t n, int rc, const char *wanted)
{
	struct directory_values v = { 0 };
	_free_ char *mailbox = NULL;

	directory_values_add(&v, bytes, n);
	assert_int_equal(directory_address(&v.items[0], &mailbox), rc);
	if (wanted)
		assert_string_equal(mailbox, wanted);
	free(v.items[0].bytes);
	free(v.items);
}

static void test_addresses(void **state)
{
	char huge[5000];

	(void)state;
	memset(huge, 'a', sizeof(huge));
	memcpy(huge, "a@", 2);
	expect_address("a@example.org", 13, 1, "a@example.org");
	expect_address("SMTP: a@example.org ", 20, 1, "a@example.org");
	expect_address("smtp:a@example.org", 18, 1, "a@example.org");
	expect_address("X500:/o=a", 9, 0, NULL);
	expect_address("sip:a@example.org", 17, 0, NULL);
	expect_address("", 0, -1, NULL);
	expect_address("smtp:", 5, -1, NULL);
	expect_address("nobody", 6, -1, NULL);
	expect_address("@example.org", 12, -1, NULL);
	expect_address("a@", 2, -1, NULL);
	expect_address("a@b\0c", 5, -1, NULL);
	expect_address("a\n@example.org", 14, -1, NULL);
	expect_address("\xff@example.org", 13, -1, NULL);
	expect_address(huge, sizeof(huge), -1, NULL);
	memcpy(huge, "X500:", 5);
	expect_address(huge, sizeof(huge), 0, NULL);
}

static void expect_below(const char *dn, const char *base, int rc, const char *wanted)
{
	_free_ char *name = NULL;

	assert_int_equal(directory_dn_below(dn, base, &name), rc);
	if (wanted)
		assert_string_equal(name, wanted);
}

static void test_names(void **state)
{
	(void)state;
	expect_below("cn=Sales,ou=departments,dc=example,dc=org", "OU=Departments, DC=Example,DC=org", 1, "Sales");
	expect_below("cn=Sales\\, west,dc=org", "dc=org", 1, "Sales, west");
	expect_below("cn=a\\0a,dc=org", "dc=org", 1, "a\n");
	expect_below("cn=a\\00b,dc=org", "dc=org", -1, NULL);
	expect_below("dc=org", "dc=org", 0, NULL);
	expect_below("cn=a,dc=com", "dc=org", 0, NULL);
	expect_below("cn=a,xdc=org", "dc=org", 0, NULL);
	expect_below("cn=a,dc=example\\,dc=org", "dc=example,dc=org", 0, NULL);
	expect_below("cn=a,dc=org", "", 0, NULL);
	expect_below("cn=a,dc=org", "nonsense", 0, NULL);
	expect_below("", "dc=org", -1, NULL);
	expect_below("Sales", "dc=org", -1, NULL);
}

static void expect_same(const char *a, const char *b, bool same)
{
	_free_ char *of_a = directory_dn_key(a), *of_b = directory_dn_key(b);

	assert_int_equal(of_a && of_b && strcmp(of_a, of_b) == 0, same);
}

static void test_same_names(void **state)
{
	(void)state;
	expect_same("cn=Sales\\2c west,DC=org", "CN=sales\\, west, dc=ORG", true);
	expect_same("cn=a,dc=org", "cn=a\\,dc=org", false);
	expect_same("cn=a,dc=org", "cn=b,dc=org", false);
	assert_null(directory_dn_key(""));
	assert_null(directory_dn_key("Sales"));
}

static unsigned refusals;

static void refuse(const char *dn, const char *why)
{
	assert_string_equal(dn, "uid=a?b");
	assert_non_null(why);
	refusals++;
}

static void add_text(struct directory_values *v, const char *text)
{
	directory_values_add(v, text, strlen(text));
}

static void test_people(void **state)
{
	CLEANUP(directory_people_deinit) struct directory_people p = { .refuse = refuse };
	CLEANUP(directory_person_deinit) struct directory_person a = { .dn = mem_strdup("uid=a\nb") };
	CLEANUP(directory_person_deinit) struct directory_person cut = { .dn = mem_strdup("uid=a\nb"), .cut = true };
	CLEANUP(directory_person_deinit) struct directory_person nobody = { .dn = mem_strdup("uid=a\nb") };

	(void)state;
	add_text(&a.addresses, "a@example.org");
	add_text(&a.addresses, "SMTP:a@example.org");
	add_text(&a.addresses, "nobody");
	add_text(&a.departments, " Sales ");
	add_text(&a.departments, "Law");
	directory_people_add(&p, &a, "");
	assert_int_equal(refusals, 1);
	assert_int_equal(p.keep.n, 0);
	add_text(&cut.addresses, "cut@example.org");
	add_text(&cut.departments, "Law");
	directory_people_add(&p, &cut, "");
	directory_people_add(&p, &nobody, "");
	assert_int_equal(p.keep.n, 1);
	assert_int_equal(p.people, 3);
	assert_int_equal(p.without_mailbox, 1);
	assert_int_equal(p.without_department, 0);
	assert_int_equal(p.refused, 2);
	assert_int_equal(p.departments.n, 2);
	assert_int_equal(department_list_find(&p.departments, "Law")->mailboxes.n, 2);
	assert_int_equal(department_list_find(&p.departments, "Sales")->mailboxes.n, 1);
	assert_null(department_list_find(&p.departments, " Sales "));
}

static void test_shown(void **state)
{
	char long_text[300];

	(void)state;
	memset(long_text, 'x', sizeof(long_text));
	_free_ char *cut = directory_printable(long_text, sizeof(long_text)), *bytes = directory_printable("a\033\xff\n", 4);
	_free_ char *text = directory_printable("Gr\303\274n", 5);

	assert_true(strlen(cut) < 100);
	assert_string_equal(bytes, "a???");
	assert_string_equal(text, "Gr\303\274n");
}

static void test_servers(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(directory_uri_check("ldaps://a.example ldaps://b.example:3636", &e), 0);
	assert_int_equal(directory_uri_check("ldap://[::1]:389", &e), 0);
	assert_int_equal(directory_uri_check("", &e), -1);
	assert_int_equal(directory_uri_check("ldap://", &e), -1);
	assert_int_equal(directory_uri_check("ldapi:///", &e), -1);
	assert_int_equal(directory_uri_check("ldap://a/dc=example", &e), -1);
	assert_int_equal(directory_uri_check("ldaps://a ldap://b", &e), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_same_names),
		cmocka_unit_test(test_people),
		cmocka_unit_test(test_shown),
		cmocka_unit_test(test_servers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
