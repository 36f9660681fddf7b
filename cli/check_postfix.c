/* The settings of Postfix by which mail would bypass capture or be lost to it. Pure: works on what postconf printed. */
#include "base/str.h"
#include "cli/check.h"
#include "cli/postfix_config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SECOND_US INT64_C(1000000)
#define WRITE_TIME_US (30 * SECOND_US) /* for storing, beside parsing and the index */
#define COMMAND_TIME_US (10 * SECOND_US)
#define PROTOCOL 6

struct look {
	struct check *check;
	const struct conf *conf;
	const struct postfix_config *config;
	char *ours;		/* the milter's address as Postfix writes it */
	char *queue_directory;
	char *postconf, *reload; /* "postconf -c /etc/postfix", "postfix -c /etc/postfix reload" */
};

static void look_deinit(struct look *l)
{
	free(l->ours);
	free(l->queue_directory);
	free(l->postconf);
	free(l->reload);
}

/* ---- single settings ---- */

/* "30s", "5m", "1h", "2d", "1w", "300". */
static int64_t postfix_time_us(const char *text)
{
	static const struct {
		char letter;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	char *end;
	int64_t value = strtoll(text, &end, 10);

	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (*end == units[i].letter)
			value *= units[i].seconds;
	return value * SECOND_US;
}

static int64_t content_time_us(const struct conf *conf)
{
	return conf_reply_wait_us(conf) + 2 * conf->parser_timeout_us + WRITE_TIME_US;
}

static bool list_has(const char *value, const char *word)
{
	struct strv list CLEANUP(strv_deinit) = { 0 };

	strv_split(&list, value, ", \t");
	return strv_has(&list, word);
}

static char *list_without(const char *value, const char *word)
{
	struct strv list CLEANUP(strv_deinit) = { 0 }, rest CLEANUP(strv_deinit) = { 0 };

	strv_split(&list, value, ", \t");
	for (size_t i = 0; i < list.n; i++)
		if (strcmp(list.items[i], word) != 0)
			strv_add(&rest, list.items[i]);
	return strv_join(&rest, ",");
}

/* Each: NULL when the value is all right, else what it should be; caller frees. */

static char *want_tempfail(const struct conf *conf, const char *value)
{
	(void)conf;
	return strcmp(value, "tempfail") == 0 ? NULL : mem_strdup("tempfail");
}

static char *want_milters(const struct conf *conf, const char *value)
{
	(void)conf;
	return list_has(value, "no_milters") ? list_without(value, "no_milters") : NULL;
}

static char *want_long_ids(const struct conf *conf, const char *value)
{
	(void)conf;
	return str_ieq(value, "yes") ? NULL : mem_strdup("yes");
}

static char *want_protocol(const struct conf *conf, const char *value)
{
	(void)conf;
	return strtol(value, NULL, 10) >= PROTOCOL ? NULL : mem_printf("%d", PROTOCOL);
}

static char *want_content_time(const struct conf *conf, const char *value)
{
	int64_t least = content_time_us(conf);

	return postfix_time_us(value) >= least ? NULL : mem_printf("%" PRId64 "s", least / SECOND_US + 1);
}

static char *want_command_time(const struct conf *conf, const char *value)
{
	(void)conf;
	return postfix_time_us(value) >= COMMAND_TIME_US ? NULL : mem_printf("%" PRId64 "s", COMMAND_TIME_US / SECOND_US);
}

static char *want_size(const struct conf *conf, const char *value)
{
	uint64_t limit;

	if (str_parse_u64(&limit, value, UINT64_MAX) == 0 && limit > 0 && limit <= conf->message_size_max)
		return NULL;
	return mem_printf("%" PRIu64, conf->message_size_max);
}

static char *want_no_maps(const struct conf *conf, const char *value)
{
	(void)conf;
	return *value ? mem_strdup("") : NULL;
}

static char *want_bounces(const struct conf *conf, const char *value)
{
	(void)conf;
	return list_has(value, "bounce") ? NULL : mem_printf("%s%sbounce", value, *value ? ", " : "");
}

/* A setting that is wrong here and there: in main.cf, in a service of master.cf, or of one milter in a list (there
 * without "milter_"). */
static const struct rule {
	const char *name;
	char *(*want)(const struct conf *conf, const char *value);
	enum check_level level;
	const char *why;
} rules[] = {
	{ "milter_default_action", want_tempfail, CHECK_PROBLEM,
		"while strongroom-milter is down or slow, mail passes without being archived, or is bounced" },
	{ "receive_override_options", want_milters, CHECK_PROBLEM,
		"mail that comes in here passes no milter and is not archived" },
	{ "enable_long_queue_ids", want_long_ids, CHECK_PROBLEM,
		"short queue ids are used again soon: a log line could mean another message" },
	{ "milter_protocol", want_protocol, CHECK_PROBLEM,
		"older protocols change the white space of header fields on their way to the milter" },
	{ "milter_content_timeout", want_content_time, CHECK_PROBLEM,
		"it may end before the message is archived: shorter than index_wait, twice the parser's timeout and the "
		"time to store" },
	{ "milter_command_timeout", want_command_time, CHECK_PROBLEM,
		"a busy machine would be taken for a milter that is down" },
	{ "message_size_limit", want_size, CHECK_PROBLEM,
		"mail over message_size_max is taken in and then refused by the archive" },
	{ "smtpd_milter_maps", want_no_maps, CHECK_NOTE,
		"clients in these tables may pass other milters, or none: they must name strongroom-milter too" },
	{ "internal_mail_filter_classes", want_bounces, CHECK_NOTE,
		"delivery reports that Postfix makes itself are not archived" },
};

/* A door for mail that came in by another door before: the way back from a content filter. */
static bool is_loopback(const struct postfix_service *s)
{
	return strncmp(s->name, "127.", 4) == 0 || strncmp(s->name, "localhost:", 10) == 0 ||
		strncmp(s->name, "[::1]:", 6) == 0;
}

static bool receives_mail(const struct postfix_service *s)
{
	static const char *const commands[] = { "smtpd", "qmqpd", "pickup", "cleanup" };

	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(s->command, commands[i]) == 0)
			return true;
	return false;
}

/* s NULL: main.cf. */
static char *remedy_for(const struct look *l, const struct postfix_service *s, const char *name, const char *value)
{
	if (!s)
		return mem_printf("%s -e '%s = %s' && %s", l->postconf, name, value, l->reload);
	return mem_printf("%s -P '%s/%s/%s=%s' && %s", l->postconf, s->name, s->type, name, value, l->reload);
}

static void check_rule(const struct look *l, const struct rule *rule, const struct postfix_service *s, const char *value)
{
	_free_ char *want = rule->want(l->conf, value);

	if (!want)
		return;
	_free_ char *remedy = remedy_for(l, s, rule->name, want);
	enum check_level level = s && is_loopback(s) ? CHECK_NOTE : rule->level;

	if (s)
		check_report(l->check, level, remedy, "Postfix, %s/%s: %s is %s: %s", s->name, s->type, rule->name,
			*value ? value : "empty", rule->why);
	else
		check_report(l->check, level, remedy, "Postfix: %s is %s: %s", rule->name, *value ? value : "empty",
			rule->why);
}

static void check_rules(const struct look *l)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		_free_ char *value = postfix_main(l->config, rules[i].name);

		check_rule(l, &rules[i], NULL, value);
		for (size_t k = 0; k < l->config->service_count; k++) {
			const struct postfix_service *s = &l->config->services[k];
			_free_ char *override = receives_mail(s) ? postfix_override(l->config, s, rules[i].name) : NULL;

			if (override)
				check_rule(l, &rules[i], s, override);
		}
	}
}

/* ---- lists of milters ---- */

enum match { NOT_OURS, OURS, OURS_OUTSIDE_CHROOT };

static bool same_host(const char *a, const char *b)
{
	static const char *const here[] = { "127.0.0.1", "localhost", "[::1]", "::1" };
	bool a_here = false, b_here = false;

	for (size_t i = 0; i < ARRAY_LEN(here); i++) {
		a_here = a_here || str_ieq(a, here[i]);
		b_here = b_here || str_ieq(b, here[i]);
	}
	return str_ieq(a, b) || (a_here && b_here) || strcmp(b, "0.0.0.0") == 0 || strcmp(b, "[::]") == 0;
}

/* b is the one we listen on: host and port may be written in several ways. */
static bool same_inet(const char *a, const char *b)
{
	const char *a_port = strrchr(a, ':'), *b_port = strrchr(b, ':');

	if (!a_port || !b_port || strcmp(a_port, b_port) != 0)
		return false;
	_free_ char *a_host = mem_dup(a, (size_t)(a_port - a)), *b_host = mem_dup(b, (size_t)(b_port - b));

	return same_host(a_host, b_host);
}

/* A relative path, and in a chroot any, begins in the queue directory. */
static enum match match_unix(const struct look *l, const char *path, const char *ours, bool chroot)
{
	bool inside = chroot || *path != '/';
	_free_ char *real = inside ? mem_printf("%s/%s", l->queue_directory, path + (*path == '/')) : mem_strdup(path);

	if (strcmp(real, ours) == 0)
		return OURS;
	return strcmp(path, ours) == 0 ? OURS_OUTSIDE_CHROOT : NOT_OURS;
}

static enum match match(const struct look *l, const char *address, bool chroot)
{
	const char *ours = l->conf->milter_listen;

	if (strncmp(address, "inet:", 5) == 0 && strncmp(ours, "inet:", 5) == 0)
		return same_inet(address + 5, ours + 5) ? OURS : NOT_OURS;
	if (strncmp(address, "unix:", 5) == 0 && strncmp(ours, "unix:", 5) == 0)
		return match_unix(l, address + 5, ours + 5, chroot);
	return NOT_OURS;
}

/* What the milter in the list sets for itself. */
static void check_own_settings(const struct look *l, const struct postfix_service *s, const char *name,
	const struct postfix_milter *m)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		const char *key = strncmp(rules[i].name, "milter_", 7) == 0 ? rules[i].name + 7 : NULL;
		const char *value = key ? postfix_milter_setting(m, key) : NULL;
		_free_ char *want = value ? rules[i].want(l->conf, value) : NULL;

		if (!want)
			continue;
		_free_ char *remedy = mem_printf("in %s write %s=%s behind %s", name, key, want, m->address);

		check_report(l->check, rules[i].level, remedy, "Postfix, %s/%s: %s=%s in %s: %s", s->name, s->type, key,
			value, name, rules[i].why);
	}
}

static void report_missing(const struct look *l, const struct postfix_service *s, const char *name, const char *value,
	const char *why)
{
	_free_ char *override = postfix_override(l->config, s, name);
	_free_ char *whole = mem_printf("%s%s%s", value, *value ? " " : "", l->ours);
	_free_ char *remedy = remedy_for(l, override ? s : NULL, name, whole);

	check_report(l->check, is_loopback(s) ? CHECK_NOTE : CHECK_PROBLEM, remedy,
		"Postfix, %s/%s: %s (now %s) does not name strongroom-milter: %s", s->name, s->type, name,
		*value ? value : "empty", why);
}

static char *chroot_remedy(const struct look *l, const struct postfix_service *s, const char *name)
{
	if (strncmp(l->ours, "unix:/", 6) != 0)
		return mem_printf("in %s write %s instead of %s", name, l->ours, l->conf->milter_listen);
	return mem_printf("%s -F '%s/%s/chroot=n' && %s; or set [milter] listen to a path in %s", l->postconf,
		s->name, s->type, l->reload, l->queue_directory);
}

static void report_chroot(const struct look *l, const struct postfix_service *s, const char *name)
{
	_free_ char *remedy = chroot_remedy(l, s, name);

	check_report(l->check, CHECK_PROBLEM, remedy,
		"Postfix, %s/%s: runs chrooted, where the path of %s begins in %s: the socket is not there", s->name,
		s->type, name, l->queue_directory);
}

/* Is our milter in the list `name` of a service, rightly? */
static void check_list(const struct look *l, const struct postfix_service *s, const char *name, const char *why)
{
	_free_ char *value = postfix_effective(l->config, s, name);
	struct postfix_milters list CLEANUP(postfix_milters_deinit) = { 0 };

	postfix_milters_read(&list, value);
	for (size_t i = 0; i < list.n; i++) {
		enum match found = match(l, list.items[i].address, s->chroot);

		if (found == NOT_OURS)
			continue;
		if (found == OURS_OUTSIDE_CHROOT)
			report_chroot(l, s, name);
		check_own_settings(l, s, name, &list.items[i]);
		if (i + 1 < list.n)
			check_report(l->check, CHECK_NOTE, "name strongroom-milter last",
				"Postfix, %s/%s: %s: what milters behind strongroom-milter change is not archived", s->name,
				s->type, name);
		return;
	}
	report_missing(l, s, name, value, why);
}

static bool journaling(const struct look *l)
{
	static const char *const names[] = { "always_bcc", "sender_bcc_maps", "recipient_bcc_maps" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		_free_ char *value = postfix_main(l->config, names[i]);

		if (*value)
			return true;
	}
	return false;
}

/* Does an smtpd name strongroom-milter? */
static bool names_milter(const struct look *l, const struct postfix_service *s)
{
	_free_ char *value = postfix_effective(l->config, s, "smtpd_milters");
	struct postfix_milters list CLEANUP(postfix_milters_deinit) = { 0 };

	postfix_milters_read(&list, value);
	for (size_t i = 0; i < list.n; i++)
		if (match(l, list.items[i].address, s->chroot) != NOT_OURS)
			return true;
	return false;
}

/* Does any smtpd, or any but those in front of a filter, name it? */
static bool milter_named(const struct look *l, bool behind_filter)
{
	for (size_t i = 0; i < l->config->service_count; i++) {
		const struct postfix_service *s = &l->config->services[i];

		if (strcmp(s->command, "smtpd") != 0)
			continue;
		_free_ char *filter = postfix_effective(l->config, s, "smtpd_proxy_filter");

		if ((!behind_filter || (!*filter && is_loopback(s))) && names_milter(l, s))
			return true;
	}
	return false;
}

/* A content filter before the queue gets the message from smtpd itself: milters see the envelope and nothing more. */
static void check_smtpd(const struct look *l, const struct postfix_service *s)
{
	_free_ char *filter = postfix_effective(l->config, s, "smtpd_proxy_filter");

	if (!*filter)
		check_list(l, s, "smtpd_milters", "mail that comes in here is not archived");
	else if (!milter_named(l, true))
		check_report(l->check, CHECK_PROBLEM,
			"let the smtpd to which the filter hands mail back name strongroom-milter in its smtpd_milters",
			"Postfix, %s/%s: smtpd_proxy_filter is %s: mail goes there past all milters and is not archived",
			s->name, s->type, filter);
}

static void check_lists(const struct look *l)
{
	for (size_t i = 0; i < l->config->service_count; i++) {
		const struct postfix_service *s = &l->config->services[i];

		if (strcmp(s->command, "smtpd") == 0)
			check_smtpd(l, s);
		if (strcmp(s->command, "cleanup") == 0)
			check_list(l, s, "non_smtpd_milters",
				"mail handed in on this machine (sendmail(1), cron, web applications) is not archived");
	}
}

/* What the tables hold is not looked at. mime_header_checks and nested_header_checks are header_checks unless set. */
static void check_tables(const struct look *l)
{
	static const char *const names[] = { "header_checks", "body_checks", "mime_header_checks", "nested_header_checks" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		_free_ char *value = postfix_main(l->config, names[i]);

		if (!*value)
			continue;
		check_report(l->check, CHECK_NOTE, "use REJECT there, or REDIRECT in an access(5) table, which milters see",
			"Postfix: %s is %s: mail that REDIRECT or DISCARD in such a table matches passes no milter and is not "
			"archived", names[i], value);
		return;
	}
}

/* Journaling by a Bcc that goes to strongroom-lmtpd is another way in. */
static void check_journaling(const struct look *l, bool milter)
{
	if (milter)
		check_report(l->check, CHECK_NOTE, "let either the milter or the Bcc bring the mail",
			"Postfix: always_bcc or a bcc map is set beside the milter: if it goes to the archive, each message "
			"is archived twice");
	else
		check_report(l->check, CHECK_NOTE, "let the milter bring the mail: see strongroom-milter(8)",
			"Postfix: mail is copied by always_bcc or a bcc map: the archive sees no envelope recipients, so "
			"that who got a blind copy is not known");
	if (!milter && !l->conf->lmtpd_journal)
		check_report(l->check, CHECK_NOTE, "set [lmtpd] journal = yes and restart strongroom-lmtpd",
			"Postfix: mail is copied by always_bcc or a bcc map: a copy that the archive refuses is returned to "
			"the sender of the message");
}

/* The milter's address as Postfix is to write it: relative to the queue directory when it is inside, which is right in a
 * chroot and out of it. */
static char *address_for_postfix(const char *listen, const char *queue_directory)
{
	size_t n = strlen(queue_directory);

	if (n && strncmp(listen, "unix:", 5) == 0 && strncmp(listen + 5, queue_directory, n) == 0 && listen[5 + n] == '/')
		return mem_printf("unix:%s", listen + 5 + n + 1);
	return mem_strdup(listen);
}

static char *directory_option(const char *directory)
{
	return directory ? mem_printf(" -c %s", directory) : mem_strdup("");
}

void check_postfix_config(struct check *c, const struct postfix_config *config, const char *directory)
{
	_free_ char *option = directory_option(directory);
	struct look l CLEANUP(look_deinit) = {
		.check = c,
		.conf = c->conf,
		.config = config,
		.queue_directory = postfix_main(config, "queue_directory"),
		.postconf = mem_printf("postconf%s", option),
		.reload = mem_printf("postfix%s reload", option),
	};
	l.ours = address_for_postfix(c->conf->milter_listen, l.queue_directory);
	bool milter = milter_named(&l, false), bcc = journaling(&l);

	if (bcc)
		check_journaling(&l, milter);
	if (milter || !bcc) {
		check_lists(&l);
		check_rules(&l);
		check_tables(&l);
	}
	check_report(c, CHECK_OK, NULL, "Postfix: looked at %zu services", config->service_count);
}
