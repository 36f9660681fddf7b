/* conf: the file, the environment and what fits together. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "conf/role_map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char directory[] = "/tmp/test-conf-XXXXXX";
static char *path;

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	path = mem_printf("%s/strongroom.conf", directory);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	free(path);
	return rmdir(directory);
}

static void write_bytes(const char *text, size_t n)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static struct conf load(const char *text)
{
	struct conf c;
	struct err e = { 0 };

	write_bytes(text, strlen(text));
	if (conf_load(&c, path, &e) < 0)
		fail_msg("%s", e.text);
	return c;
}

/* It must be refused with this, behind "<path>"; a "…" at the end stands for anything. */
static void refused_bytes(const char *text, size_t n, const char *why)
{
	struct conf c;
	struct err e = { 0 };
	_free_ char *whole = mem_printf("%s%s", path, why);

	write_bytes(text, n);
	assert_int_equal(conf_load(&c, path, &e), -1);
	char *rest = strstr(whole, "…");

	if (rest && strlen(e.text) > (size_t)(rest - whole))
		e.text[rest - whole] = *rest = '\0';
	assert_string_equal(e.text, whole);
	assert_int_equal(e.class, ERR_PERMANENT);
}

static void refused(const char *text, const char *why)
{
	refused_bytes(text, strlen(text), why);
}

static void test_defaults(void **state)
{
	struct conf c CLEANUP(conf_deinit) = load("");
	(void)state;

	assert_int_equal(c.message_size_max, 64u << 20);
	assert_int_equal(c.index_wait_us, 25000);
	assert_int_equal(c.lock_days, 2557);
	assert_int_equal(c.queryd_token_us, INT64_C(600000000));
	assert_string_equal(c.lmtpd_listen, "unix:/run/strongroom/lmtp.sock");
	assert_string_equal(c.lmtpd_tls_cert, "");
	assert_false(c.index_required);
	assert_true(*c.node);
}

static void test_every_type_is_read(void **state)
{
	struct conf c CLEANUP(conf_deinit) = load("\xef\xbb\xbf# comment\n"
						  "; comment\n"
						  "user =\n"
						  "store = fs:/a b/c ; behind a value\n"
						  "message_size_max: 200M\r\n"
						  "index_wait=1500ms\n"
						  "index_required = YES\n"
						  "lock_days = 0030\n"
						  "[lmtpd]\n"
						  "listen = unix:/x.sock, inet:[::1]:24\n"
						  "\t# within a list\n"
						  "\tinet:localhost:25 ; and here\n"
						  "\n"
						  "  inet:127.0.0.1:0\n"
						  "peers =\n"
						  "[milter]\n"
						  "listen = inet:127.0.0.1:2425");
	(void)state;

	assert_string_equal(c.user, "");
	assert_string_equal(c.store, "fs:/a b/c");
	assert_int_equal(c.message_size_max, 200u << 20);
	assert_int_equal(c.index_wait_us, 1500000);
	assert_true(c.index_required);
	assert_int_equal(c.lock_days, 30);
	assert_string_equal(c.lmtpd_listen, "unix:/x.sock inet:[::1]:24 inet:localhost:25 inet:127.0.0.1:0");
	assert_string_equal(c.lmtpd_peers, "");
	assert_string_equal(c.milter_listen, "inet:127.0.0.1:2425");
}

static void test_values_are_refused_with_file_and_line(void **state)
{
	(void)state;
	refused("\n\nlock_days = 99999\n", ":3: lock_days: 99999 is over 36500");
	refused("lock_days = 0\n", ":1: lock_days: 0 is under 1");
	refused("lock_days = -1\n", ":1: lock_days: \"-1\" is not a number");
	refused("lock_days = 10 # ten\n", ":1: lock_days: \"10 # ten\" has an unknown unit");
	refused("lock_days =\n", ":1: lock_days: \"\" is not a number");
	refused("lock_days = 18446744073709551617\n", ":1: lock_days: 18446744073709551617 is too large");
	refused("message_size_max = 16777216T\n", ":1: message_size_max: 16777216T is too large");
	refused("message_size_max = 64 M\n", ":1: message_size_max: \"64 M\" has an unknown unit: use K, M, G or T");
	refused("message_size_max = 1023\n", ":1: message_size_max: 1023 is under 1K");
	refused("index_wait = 2\n", ":1: index_wait: \"2\" has no unit: use us, ms, s, m, h or d");
	refused("index_required = maybe\n", ":1: index_required: \"maybe\" is neither yes nor no");
	refused("log_level = loud\n", ":1: log_level: \"loud\" is none of: debug info warn error");
	refused("spool_dir = here\n", ":1: spool_dir: \"here\" is not an absolute path");
	refused("spool_dir =\n", ":1: spool_dir: must not be empty");
	refused("spool_dir = /a #b\n",
		":1: spool_dir: contains \" #\": a comment behind a value begins with ';'");
	refused("spool_dir = /a\xff\n", ":1: spool_dir: is not valid UTF-8");
	refused("store = /x\n", ":1: store: \"/x\" has no kind: write KIND:PLACE, the kinds are: fs s3");
	refused("store = s4:/x\n", ":1: store: \"s4\" is no kind of store: use fs s3");
	refused("store = s3:\n", ":1: store: \"s3:\" has no name behind it");
	refused("store = s3:/x\n", ":1: store: \"/x\" is no name: use letters, digits, '.', '-' and '_'");
	refused("store = fs:x\n", ":1: store: \"x\" is not an absolute path");
	refused("node = a@b\n", ":1: node: \"a@b\" is no name: use letters, digits, '.', '-' and '_'");
	refused("[milter]\nlisten = unix:/a inet:h:1\n", ":2: milter.listen: takes one address, not 2");
	refused("[lmtpd]\nlisten = inet:h\n", ":2: lmtpd.listen: \"h\" is not HOST:PORT");
	refused("[lmtpd]\nlisten = inet:h:65536\n", ":2: lmtpd.listen: \"h:65536\" is not HOST:PORT");
	refused("[lmtpd]\nlisten = inet:::1:24\n",
		":2: lmtpd.listen: \"::1:24\": write an IPv6 address in brackets, [::1]:PORT");
	refused("[lmtpd]\nlisten = unix:rel\n",
		":2: lmtpd.listen: \"unix:rel\" is neither unix:/PATH nor inet:HOST:PORT");
}

static void test_structure_is_refused(void **state)
{
	(void)state;
	refused("lock_day = 1\n", ":1: there is no setting lock_day before the first section");
	refused("[lmtpd]\nlock_days = 1\n", ":2: there is no setting lock_days in [lmtpd]");
	refused("[lmptd]\n", ":1: there is no section [lmptd]");
	refused("lock_days = 1\nuser = a\nlock_days = 1\n", ":3: lock_days: was given in line 1 already");
	refused("[lmtpd]\npeers = ::1\n[milter]\n[lmtpd]\npeers = ::1\n",
		":5: lmtpd.peers: was given in line 2 already");
	refused("user = a\n\nrubbish\n", ":3: is neither \"key = value\" nor \"[section]\" nor a comment");
	refused("rubbish\nlock_days = 0\n", ":1: is neither \"key = value\" nor \"[section]\" nor a comment");
	refused("lock_days = 0\nrubbish\n", ":1: lock_days: 0 is under 1");
	refused_bytes("user = a\0b\n", 11, ":1: contains a NUL byte");
}

/* An indented setting is, for inih, more of the one before: it must not vanish in there. */
static void test_indented_settings_are_refused(void **state)
{
	(void)state;
	refused("[lmtpd]\n  point = a\n  timeout = 1m\n",
		":3: an indented line goes on with lmtpd.point, which is no list");
	refused("[lmtpd]\nlisten = unix:/a\n  point = b\n",
		":3: lmtpd.listen: \"point\" is neither unix:/PATH nor inet:HOST:PORT");
	refused("[lmtpd]\npeers = ::1\n  point = b\n", ":3: lmtpd.peers: network(point) failed: …");
}

static void test_a_long_line_is_refused_not_cut(void **state)
{
	char text[400];
	(void)state;

	memset(text, 'x', sizeof(text));
	text[0] = '#';
	text[250] = '\n';
	memcpy(text + 251, "spool_dir = /", 13);
	text[399] = '\0';
	struct conf c CLEANUP(conf_deinit) = load(text);

	assert_int_equal(strlen(c.spool_dir), 399 - 251 - 12);
	memset(text, 'x', sizeof(text));
	memcpy(text, "spool_dir = /", 13);
	text[250] = '\0';
	refused(text, ":1: is longer than 198 bytes; a list may go on in indented lines");
}

static void test_what_must_fit_together(void **state)
{
	(void)state;
	refused("lock_days = 4000\n", ": lock_days: 4000 is over lock_days_max, which is 3653");
	refused("[lmtpd]\ntls_cert = /a\n", ": lmtpd.tls_cert and lmtpd.tls_key: one is set, the other is not");
	refused("[lmtpd]\ntls_required = yes\n", ": lmtpd.tls_required: needs lmtpd.tls_cert and lmtpd.tls_key");
	refused("[lmtpd]\ntls_client_ca = /a\n", ": lmtpd.tls_client_ca: needs lmtpd.tls_cert and lmtpd.tls_key");
	refused("message_size_max = 300M\n", ": message_size_max: 314572800 is over inflight_max, which is "
					     "268435456: the largest messages could never be taken");
}

static void test_the_environment_overrides(void **state)
{
	(void)state;
	setenv("STRONGROOM_LOCK_DAYS", "40", 1);
	setenv("STRONGROOM_LMTPD_LISTEN", "inet:127.0.0.1:1,unix:/b", 1);
	setenv("STRONGROOM_USER", "", 1);
	struct conf c CLEANUP(conf_deinit) = load("lock_days = 30\nuser = me\n[lmtpd]\nlisten = unix:/a\n");

	assert_int_equal(c.lock_days, 40);
	assert_string_equal(c.lmtpd_listen, "inet:127.0.0.1:1 unix:/b");
	assert_string_equal(c.user, "me");
	setenv("STRONGROOM_LOCK_DAYS", "99999", 1);
	struct conf bad;
	struct err e;

	assert_int_equal(conf_load_defaults(&bad, &e), -1);
	assert_string_equal(e.text, "environment variable STRONGROOM_LOCK_DAYS: lock_days: 99999 is over 36500");
	unsetenv("STRONGROOM_LOCK_DAYS");
	unsetenv("STRONGROOM_LMTPD_LISTEN");
	unsetenv("STRONGROOM_USER");
}

static void test_aliases(void **state)
{
	(void)state;
	setenv("MFA_SESSION_MINUTES", "15", 1);
	struct conf c CLEANUP(conf_deinit) = load("[queryd]\nmfa_session = 2h\n");

	assert_int_equal(c.queryd_mfa_session_us, INT64_C(900000000));
	setenv("STRONGROOM_QUERYD_MFA_SESSION", "3h", 1);
	struct conf own CLEANUP(conf_deinit) = load("");

	assert_int_equal(own.queryd_mfa_session_us, INT64_C(3) * 3600 * 1000000);
	unsetenv("STRONGROOM_QUERYD_MFA_SESSION");
	unsetenv("MFA_SESSION_MINUTES");
}

/* A name alone, which the setting has behind its kind. */
static void test_a_database_by_its_name(void **state)
{
	(void)state;
	setenv("DB_NAME", "archive", 1);
	setenv("DB_HOST", "db.example.org", 1);
	setenv("DB_PORT", "3307", 1);
	struct conf c CLEANUP(conf_deinit) = load("");

	assert_string_equal(c.meta, "mysql:archive");
	assert_string_equal(c.mysql_host, "db.example.org");
	assert_int_equal(c.mysql_port, 3307);
	setenv("STRONGROOM_META", "sqlite:/x", 1);
	struct conf own CLEANUP(conf_deinit) = load("");

	assert_string_equal(own.meta, "sqlite:/x");
	unsetenv("STRONGROOM_META");
	unsetenv("DB_NAME");
	unsetenv("DB_HOST");
	unsetenv("DB_PORT");
}

static void test_the_path_may_come_from_the_environment(void **state)
{
	struct err e;
	struct conf c;
	(void)state;

	write_bytes("lock_days = 31\n", 15);
	setenv("STRONGROOM_CONF", path, 1);
	assert_int_equal(conf_load(&c, NULL, &e), 0);
	assert_int_equal(c.lock_days, 31);
	conf_deinit(&c);
	setenv("STRONGROOM_CONF", "/nowhere/strongroom.conf", 1);
	assert_int_equal(conf_load(&c, NULL, &e), -1);
	assert_string_equal(e.text, "open(/nowhere/strongroom.conf) failed: No such file or directory");
	assert_int_equal(e.class, ERR_PERMANENT);
	unsetenv("STRONGROOM_CONF");
}

static char *printed(const struct conf *c, bool help)
{
	char *text;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	conf_print(c, f, help);
	fclose(f);
	return text;
}

static void test_what_is_printed_loads_again(void **state)
{
	struct conf c CLEANUP(conf_deinit) = load("user =\nindex_wait = 0s\nlock_days = 7\n"
						  "message_size_max = 1234567\n[lmtpd]\nlisten = unix:/a\n"
						  "\tinet:[2001:db8:1234:5678:9abc:def0:1234:5678]:2424\n"
						  "\tinet:[2001:db8:1234:5678:9abc:def0:1234:5679]:2424\n"
						  "\tinet:[2001:db8:1234:5678:9abc:def0:1234:567a]:2424\n"
						  "\tinet:[2001:db8:1234:5678:9abc:def0:1234:567b]:2424\n");
	_free_ char *plain = printed(&c, false), *helped = printed(&c, true);
	(void)state;

	struct conf again CLEANUP(conf_deinit) = load(plain), full CLEANUP(conf_deinit) = load(helped);
	_free_ char *again_text = printed(&again, false), *full_text = printed(&full, true);

	assert_string_equal(plain, again_text);
	assert_string_equal(helped, full_text);
	assert_non_null(strstr(plain, "\nmessage_size_max = 1234567\n"));
	assert_non_null(strstr(plain, "\nindex_wait = 0s\n"));
}

#define OIDC "[oidc]\nissuer = https://id.example.org\nclient_id = x\nclient_secret_file = /x\n"
#define REDIRECT "redirect_url = https://a.example.org/api/v1/auth/oidc/callback\n"

static void test_a_provider_is_complete_or_not_there(void **state)
{
	struct conf c = load(OIDC REDIRECT "provision = yes\nroles = legal:Legal%20Team,auditor:audit\n");

	(void)state;
	assert_string_equal(c.oidc_roles, "legal:Legal%20Team auditor:audit");
	assert_true(c.oidc_provision);
	conf_deinit(&c);
	refused(OIDC, ": oidc.issuer: needs …");
	refused("[oidc]\nissuer = http://id.example.org\n", ": oidc.issuer: \"http://id.example.org\" is not https://HOST");
	refused(OIDC REDIRECT "scopes = email\n", ": oidc.scopes: openid is missing");
	refused(OIDC REDIRECT "provision = yes\n", ": oidc.provision: needs oidc.roles");
	refused(OIDC REDIRECT "roles = legal\n", ":6: oidc.roles: \"legal\" is not ROLE:GROUP");
	refused(OIDC REDIRECT "roles = legal:100%\n", ":6: oidc.roles: …");
}

static void test_groups_give_roles(void **state)
{
	static const char map[] = "legal:Legal%20Team auditor:audit legal:audit exporter:a:b";
	char *in[] = { (char[]){ "audit" }, (char[]){ "Legal Team" }, (char[]){ "other" }, (char[]){ "a:b" } };
	CLEANUP(strv_deinit) struct strv some = { 0 }, none = { 0 }, all = { 0 };

	(void)state;
	role_map_roles(map, &(struct strv){ in, 2 }, &some);
	_free_ char *text = strv_join(&some, " ");

	assert_string_equal(text, "auditor legal");
	role_map_roles(map, &(struct strv){ in + 2, 1 }, &none);
	assert_int_equal(none.n, 0);
	role_map_roles(map, &(struct strv){ in + 3, 1 }, &none);
	assert_int_equal(none.n, 1);
	role_map_roles(map, NULL, &all);
	assert_int_equal(all.n, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_every_type_is_read),
		cmocka_unit_test(test_values_are_refused_with_file_and_line),
		cmocka_unit_test(test_structure_is_refused),
		cmocka_unit_test(test_indented_settings_are_refused),
		cmocka_unit_test(test_a_long_line_is_refused_not_cut),
		cmocka_unit_test(test_what_must_fit_together),
		cmocka_unit_test(test_the_environment_overrides),
		cmocka_unit_test(test_aliases),
		cmocka_unit_test(test_a_database_by_its_name),
		cmocka_unit_test(test_the_path_may_come_from_the_environment),
		cmocka_unit_test(test_what_is_printed_loads_again),
		cmocka_unit_test(test_a_provider_is_complete_or_not_there),
		cmocka_unit_test(test_groups_give_roles),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
