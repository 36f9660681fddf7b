/* check_postfix: each setting that would bypass or lose capture is found, and a right configuration is left in peace. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/check.h"
#include "cli/postfix_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOOD_MAIN \
	"compatibility_level = 3.6\n" \
	"enable_long_queue_ids = yes\n" \
	"internal_mail_filter_classes = bounce\n" \
	"message_size_limit = 10240000\n" \
	"milter_command_timeout = 30s\n" \
	"milter_content_timeout = 300s\n" \
	"milter_default_action = tempfail\n" \
	"milter_protocol = 6\n" \
	"queue_directory = /var/spool/postfix\n" \
	"receive_override_options =\n" \
	"smtpd_milter_maps =\n" \
	"always_bcc =\n" \
	"sender_bcc_maps =\n" \
	"recipient_bcc_maps =\n"
#define MILTERS \
	"smtpd_milters = inet:127.0.0.1:8891, inet:localhost:2425\n" \
	"non_smtpd_milters = inet:127.0.0.1:2425\n"
#define SERVICES \
	"smtp       inet  n       -       n       -       -       smtpd\n" \
	"pickup     unix  n       -       n       60      1       pickup\n" \
	"cleanup    unix  n       -       n       -       0       cleanup\n" \
	"smtp       unix  -       -       n       -       -       smtp\n"

static struct buf findings;

static void take(struct check *c, enum check_level level, const char *what, const char *remedy)
{
	(void)c;
	if (level != CHECK_OK)
		assert_int_equal(buf_printf(&findings, "%s %s\n\t%s\n", level == CHECK_NOTE ? "note" : "problem", what,
				remedy ? remedy : "-"),
			0);
}

/* All findings, as text. Settings of `more` come last and so replace those before. */
static char *check(const char *listen, const char *milters, const char *more, const char *services, const char *overrides)
{
	struct postfix_config config CLEANUP(postfix_config_deinit) = { 0 };
	struct conf conf CLEANUP(conf_deinit) = { 0 };
	struct check c = { .conf = &conf, .report = take };
	_free_ char *main_text = mem_printf("%s%s%s", GOOD_MAIN, milters, more);
	struct err e;

	setenv("STRONGROOM_MILTER_LISTEN", listen, 1);
	assert_int_equal(conf_load_defaults(&conf, &e), 0);
	findings = BUF_INIT(1u << 20);
	postfix_config_read(&config, main_text, services, overrides);
	check_postfix_config(&c, &config, "/etc/pf");
	return buf_take(&findings);
}

static void clean(const char *listen, const char *milters, const char *services, const char *overrides)
{
	_free_ char *found = check(listen, milters, "", services, overrides);

	assert_string_equal(found, "");
}

/* Exactly one finding, which begins and ends like this. */
static void one(const char *found, const char *begins, const char *remedy)
{
	const char *tab = strchr(found, '\t');

	if (!tab || strncmp(found, begins, strlen(begins)) != 0 || strncmp(tab + 1, remedy, strlen(remedy)) != 0 ||
		strcmp(tab + 1 + strlen(remedy), "\n") != 0)
		fail_msg("found: %s", found);
}

static void setting(const char *line, const char *begins, const char *remedy)
{
	_free_ char *found = check("inet:127.0.0.1:2425", MILTERS, line, SERVICES, "");

	one(found, begins, remedy);
}

static void test_good(void **state)
{
	(void)state;
	clean("inet:127.0.0.1:2425", MILTERS, SERVICES, "");
	clean("unix:/run/strongroom/milter.sock",
		"smtpd_milters = { unix:/run/strongroom/milter.sock, default_action=tempfail, content_timeout=400s }\n"
		"non_smtpd_milters = unix:/run/strongroom/milter.sock\n",
		SERVICES, "");
}

static void test_main_settings(void **state)
{
	(void)state;
	setting("milter_default_action = accept\n", "problem Postfix: milter_default_action is accept: ",
		"postconf -c /etc/pf -e 'milter_default_action = tempfail' && postfix -c /etc/pf reload");
	setting("enable_long_queue_ids = no\n", "problem Postfix: enable_long_queue_ids is no: ",
		"postconf -c /etc/pf -e 'enable_long_queue_ids = yes' && postfix -c /etc/pf reload");
	setting("milter_protocol = 2\n", "problem Postfix: milter_protocol is 2: ",
		"postconf -c /etc/pf -e 'milter_protocol = 6' && postfix -c /etc/pf reload");
	setting("milter_content_timeout = 50s\n", "problem Postfix: milter_content_timeout is 50s: ",
		"postconf -c /etc/pf -e 'milter_content_timeout = 51s' && postfix -c /etc/pf reload");
	setting("milter_command_timeout = 1s\n", "problem Postfix: milter_command_timeout is 1s: ",
		"postconf -c /etc/pf -e 'milter_command_timeout = 10s' && postfix -c /etc/pf reload");
	setting("message_size_limit = 0\n", "problem Postfix: message_size_limit is 0: ",
		"postconf -c /etc/pf -e 'message_size_limit = 67108864' && postfix -c /etc/pf reload");
	setting("receive_override_options = no_milters, no_unknown_recipient_checks\n",
		"problem Postfix: receive_override_options is no_milters, ",
		"postconf -c /etc/pf -e 'receive_override_options = no_unknown_recipient_checks' && "
		"postfix -c /etc/pf reload");
	setting("internal_mail_filter_classes =\n", "note Postfix: internal_mail_filter_classes is empty: ",
		"postconf -c /etc/pf -e 'internal_mail_filter_classes = bounce' && postfix -c /etc/pf reload");
}

static void test_overrides(void **state)
{
	const char *services = SERVICES "submission inet n - n - - smtpd\n127.0.0.1:10025 inet n - n - - smtpd\n";
	(void)state;

	clean("inet:127.0.0.1:2425", MILTERS, services, "submission/inet/syslog_name = postfix/submission\n");
	_free_ char *action = check("inet:127.0.0.1:2425", MILTERS, "", services,
		"submission/inet/milter_default_action = accept\n");

	one(action, "problem Postfix, submission/inet: milter_default_action is accept: ",
		"postconf -c /etc/pf -P 'submission/inet/milter_default_action=tempfail' && postfix -c /etc/pf reload");
	_free_ char *none = check("inet:127.0.0.1:2425", MILTERS, "", services,
		"submission/inet/receive_override_options=no_milters\n");

	one(none, "problem Postfix, submission/inet: receive_override_options is no_milters: ",
		"postconf -c /etc/pf -P 'submission/inet/receive_override_options=' && postfix -c /etc/pf reload");
	_free_ char *empty = check("inet:127.0.0.1:2425", MILTERS, "", services, "submission/inet/smtpd_milters = \n");

	one(empty, "problem Postfix, submission/inet: smtpd_milters (now empty) does not name strongroom-milter: ",
		"postconf -c /etc/pf -P 'submission/inet/smtpd_milters=inet:127.0.0.1:2425' && postfix -c /etc/pf reload");
	_free_ char *filter = check("inet:127.0.0.1:2425", MILTERS, "", services,
		"127.0.0.1:10025/inet/receive_override_options = no_milters\n");

	one(filter, "note Postfix, 127.0.0.1:10025/inet: receive_override_options is no_milters: ",
		"postconf -c /etc/pf -P '127.0.0.1:10025/inet/receive_override_options=' && postfix -c /etc/pf reload");
	_free_ char *local = check("inet:127.0.0.1:2425", MILTERS, "", services, "cleanup/unix/non_smtpd_milters = \n");

	one(local, "problem Postfix, cleanup/unix: non_smtpd_milters (now empty) does not name strongroom-milter: ",
		"postconf -c /etc/pf -P 'cleanup/unix/non_smtpd_milters=inet:127.0.0.1:2425' && postfix -c /etc/pf reload");
}

static void test_lists(void **state)
{
	(void)state;
	_free_ char *other = check("inet:127.0.0.1:2425", "smtpd_milters = inet:127.0.0.1:8891\n"
		"non_smtpd_milters = inet:localhost:2425\n", "", SERVICES, "");

	one(other, "problem Postfix, smtp/inet: smtpd_milters (now inet:127.0.0.1:8891) does not name strongroom-milter: ",
		"postconf -c /etc/pf -e 'smtpd_milters = inet:127.0.0.1:8891 inet:127.0.0.1:2425' && "
		"postfix -c /etc/pf reload");
	_free_ char *own = check("inet:127.0.0.1:2425",
		"smtpd_milters = { inet:127.0.0.1:2425, default_action=accept }\n"
		"non_smtpd_milters = inet:127.0.0.1:2425\n", "", SERVICES, "");

	one(own, "problem Postfix, smtp/inet: default_action=accept in smtpd_milters: ",
		"in smtpd_milters write default_action=tempfail behind inet:127.0.0.1:2425");
	_free_ char *first = check("inet:127.0.0.1:2425", "smtpd_milters = inet:127.0.0.1:2425 inet:127.0.0.1:8891\n"
		"non_smtpd_milters = inet:127.0.0.1:2425\n", "", SERVICES, "");

	one(first, "note Postfix, smtp/inet: smtpd_milters: what milters behind strongroom-milter change",
		"name strongroom-milter last");
}

#define CHROOTED \
	"smtp       inet  n       -       y       -       -       smtpd\n" \
	"cleanup    unix  n       -       n       -       0       cleanup\n"

/* In a chroot a path begins in the queue directory, and a relative path always does. */
static void test_sockets_and_chroots(void **state)
{
	const char *inside = "unix:/var/spool/postfix/strongroom/milter.sock";
	(void)state;

	clean(inside, "smtpd_milters = unix:/strongroom/milter.sock\n"
		      "non_smtpd_milters = unix:strongroom/milter.sock\n", CHROOTED, "");
	clean(inside, "smtpd_milters = unix:strongroom/milter.sock\n"
		      "non_smtpd_milters = unix:/var/spool/postfix/strongroom/milter.sock\n", CHROOTED, "");
	_free_ char *found = check("unix:/run/strongroom/milter.sock",
		"smtpd_milters = unix:/run/strongroom/milter.sock\n"
		"non_smtpd_milters = unix:/run/strongroom/milter.sock\n", "", CHROOTED, "");

	one(found, "problem Postfix, smtp/inet: runs chrooted, where the path of smtpd_milters begins in "
		   "/var/spool/postfix: the socket is not there",
		"postconf -c /etc/pf -F 'smtp/inet/chroot=n' && postfix -c /etc/pf reload; "
		"or set [milter] listen to a path in /var/spool/postfix");
	_free_ char *dash = check("unix:/run/strongroom/milter.sock",
		"smtpd_milters = unix:/run/strongroom/milter.sock\n"
		"non_smtpd_milters = unix:/run/strongroom/milter.sock\n", "compatibility_level = 0\n",
		"smtp inet n - - - - smtpd\n", "");

	assert_non_null(strstr(dash, "runs chrooted"));
	_free_ char *absolute = check(inside, "smtpd_milters = unix:/var/spool/postfix/strongroom/milter.sock\n"
		"non_smtpd_milters = unix:strongroom/milter.sock\n", "", CHROOTED, "");

	one(absolute, "problem Postfix, smtp/inet: runs chrooted, where the path of smtpd_milters begins in ",
		"in smtpd_milters write unix:strongroom/milter.sock instead of "
		"unix:/var/spool/postfix/strongroom/milter.sock");
	_free_ char *none = check(inside, "smtpd_milters =\nnon_smtpd_milters = unix:strongroom/milter.sock\n", "", CHROOTED, "");

	one(none, "problem Postfix, smtp/inet: smtpd_milters (now empty) does not name strongroom-milter",
		"postconf -c /etc/pf -e 'smtpd_milters = unix:strongroom/milter.sock' && postfix -c /etc/pf reload");
}

static void test_journaling(void **state)
{
	const char *bcc = "always_bcc = archive@archive.invalid\n";

	(void)state;
	setenv("STRONGROOM_LMTPD_JOURNAL", "yes", 1);
	_free_ char *alone = check("inet:127.0.0.1:2425", "smtpd_milters =\n", bcc, SERVICES, "");

	unsetenv("STRONGROOM_LMTPD_JOURNAL");
	one(alone, "note Postfix: mail is copied by always_bcc or a bcc map",
		"let the milter bring the mail: see strongroom-milter(8)");
	_free_ char *both = check("inet:127.0.0.1:2425", MILTERS, bcc, SERVICES, "");

	one(both, "note Postfix: always_bcc or a bcc map is set beside the milter",
		"let either the milter or the Bcc bring the mail");
	_free_ char *returned = check("inet:127.0.0.1:2425", "smtpd_milters =\n", bcc, SERVICES, "");

	assert_non_null(strstr(returned, "is returned to the sender of the message\n\tset [lmtpd] journal = yes"));
}

/* The smtpd in front of a filter shows its milters no message; the one behind it does. */
static void test_filter_before_the_queue(void **state)
{
	static const char filter[] = "smtp/inet/smtpd_proxy_filter = 127.0.0.1:10024\n"
				     "127.0.0.1:10025/inet/smtpd_proxy_filter =\n";
	static const char behind[] = SERVICES "127.0.0.1:10025 inet n - n - - smtpd\n";

	(void)state;
	_free_ char *alone = check("inet:127.0.0.1:2425", MILTERS, "", SERVICES, filter);

	one(alone, "problem Postfix, smtp/inet: smtpd_proxy_filter is 127.0.0.1:10024: mail goes there past all milters",
		"let the smtpd to which the filter hands mail back name strongroom-milter in its smtpd_milters");
	clean("inet:127.0.0.1:2425", MILTERS, behind, filter);
	_free_ char *without = mem_printf("%s127.0.0.1:10025/inet/smtpd_milters =\n", filter);
	_free_ char *found = check("inet:127.0.0.1:2425", MILTERS, "", behind, without);

	assert_non_null(strstr(found, "problem Postfix, smtp/inet: smtpd_proxy_filter is 127.0.0.1:10024"));
}

static void test_tables_that_redirect(void **state)
{
	(void)state;
	setting("body_checks = regexp:/etc/postfix/body\n",
		"note Postfix: body_checks is regexp:/etc/postfix/body: mail that REDIRECT or DISCARD",
		"use REJECT there, or REDIRECT in an access(5) table, which milters see");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_main_settings),
		cmocka_unit_test(test_overrides),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_sockets_and_chroots),
		cmocka_unit_test(test_journaling),
		cmocka_unit_test(test_filter_before_the_queue),
		cmocka_unit_test(test_tables_that_redirect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
