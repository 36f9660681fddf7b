/* Loading: defaults, then the file, then the environment, then what must fit together. And printing. */
#include "conf/conf.h"

#include "base/str.h"
#include "base/strv.h"
#include "conf/setting.h"
#include "sys/https_url.h"

#include <errno.h>
#include <ini.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONF_PATH "/etc/strongroom/strongroom.conf"
#define LINE_WIDTH 96 /* where help is wrapped and lists go over several lines */

/* ---- the file ---- */

/* inih tells its handler no line number and cuts long lines: so it reads through us, who count. */
struct reading {
	struct conf *conf;
	FILE *file;
	char *line;
	size_t line_size;
	int number;	/* of the line that inih is at */
	bool indented;	/* it begins with white space: for inih the line before goes on */
	int *seen;	/* a setting: the line that gave it, 0 none */
	int failed_line; /* the first that was refused, 0 none */
	struct err *e;
};

/* Only the first complaint counts: inih goes on to the end. */
static void refuse(struct reading *r, const struct err *why)
{
	if (r->failed_line)
		return;
	r->failed_line = r->number;
	*r->e = *why;
}

static void check_line(struct reading *r, size_t length, size_t room)
{
	struct err why;

	r->indented = *r->line == ' ' || *r->line == '\t';
	if (strlen(r->line) != length) {
		err_permanent(&why, "contains a NUL byte");
		refuse(r, &why);
	}
	if (length + 2 > room && !strchr("#;", r->line[strspn(r->line, " \t")])) {
		err_permanent(&why, "is longer than %zu bytes; a list may go on in indented lines", room - 2);
		refuse(r, &why);
	}
	if (*r->line == '[') {
		_free_ char *section = mem_dup(r->line + 1, strcspn(r->line + 1, "]"));

		if (!setting_section_known(section)) {
			err_permanent(&why, "there is no section [%s]", section);
			refuse(r, &why);
		}
	}
}

static char *read_line(char *to, int room, void *ctx)
{
	struct reading *r = ctx;
	ssize_t n = getline(&r->line, &r->line_size, r->file);

	if (n < 0)
		return NULL;
	r->number++;
	while (n && (r->line[n - 1] == '\n' || r->line[n - 1] == '\r'))
		r->line[--n] = '\0';
	check_line(r, (size_t)n, (size_t)room);
	snprintf(to, (size_t)room, "%.*s\n", room - 2, r->line);
	return to;
}

static int take_first(struct reading *r, const struct setting *s, const char *value, struct err *why)
{
	int *seen = &r->seen[s - settings];

	if (*seen) {
		_free_ char *name = setting_name(s);

		return err_permanent(why, "%s: was given in line %d already", name, *seen);
	}
	*seen = r->number;
	return setting_set(s, r->conf, value, why);
}

/* Bytes of value before a comment; older versions of inih leave it on in further lines. */
static int uncommented(const char *value)
{
	const char *p = value;

	while (*p && !(*p == ';' && (p == value || p[-1] == ' ' || p[-1] == '\t')))
		p++;
	return (int)(p - value);
}

static int take_further(struct reading *r, const struct setting *s, const char *value, struct err *why)
{
	_free_ char *name = setting_name(s), *before = setting_get(s, r->conf);
	_free_ char *whole = mem_printf("%s %.*s", before, uncommented(value), value);

	if (!setting_is_list(s))
		return err_permanent(why, "an indented line goes on with %s, which is no list", name);
	return setting_set(s, r->conf, whole, why);
}

static int handle(void *ctx, const char *section, const char *key, const char *value)
{
	struct reading *r = ctx;
	const struct setting *s = setting_find(section, key);
	struct err why;
	int rc;

	if (!s)
		rc = *section ? err_permanent(&why, "there is no setting %s in [%s]", key, section) :
				err_permanent(&why, "there is no setting %s before the first section", key);
	else if (r->indented && r->seen[s - settings])
		rc = take_further(r, s, value, &why);
	else
		rc = take_first(r, s, value, &why);
	if (rc < 0)
		refuse(r, &why);
	return rc == 0;
}

static int read_stream(struct conf *c, FILE *file, const char *path, struct err *e)
{
	_free_ int *seen = MEM_ARRAY(int, settings_count);
	struct reading r = { .conf = c, .file = file, .seen = seen, .e = e };
	int line = ini_parse_stream(read_line, &r, handle, &r);

	free(r.line);
	if (ferror(file))
		return err_errno(e, "read", path);
	if (r.failed_line && (line <= 0 || r.failed_line <= line))
		return err_prefix(e, "%s:%d", path, r.failed_line);
	if (line > 0)
		return err_permanent(e, "%s:%d: is neither \"key = value\" nor \"[section]\" nor a comment", path, line);
	return line < 0 ? err_temporary(e, "read(%s) failed: no memory", path) : 0;
}

static int read_file(struct conf *c, const char *path, struct err *e)
{
	FILE *file = fopen(path, "re");

	if (!file) {
		err_errno(e, "open", path);
		e->class = ERR_PERMANENT;
		return -1;
	}
	int rc = read_stream(c, file, path, e);

	fclose(file);
	return rc;
}

/* ---- defaults and environment ---- */

static int set_standard(struct conf *c, struct err *e)
{
	char host[256] = "localhost";

	if (gethostname(host, sizeof(host) - 1) < 0)
		return err_errno(e, "gethostname", "");
	for (size_t i = 0; i < settings_count; i++)
		if (setting_set(&settings[i], c, settings[i].standard ? settings[i].standard : host, e) < 0)
			return err_prefix(e, "default");
	return 0;
}

/* An empty variable counts as none: container tools pass those on without being asked. */
static const char *environment(const char *name)
{
	const char *value = name ? getenv(name) : NULL;

	return value && *value ? value : NULL;
}

static int read_environment(struct conf *c, struct err *e)
{
	for (size_t i = 0; i < settings_count; i++) {
		const struct setting *s = &settings[i];
		_free_ char *name = setting_environment(s);
		const char *from = environment(name) ? name : s->alias, *text = environment(from);

		if (!text)
			continue;
		bool well_known = from == s->alias;
		_free_ char *value = mem_printf("%s%s%s", well_known && s->alias_kind ? s->alias_kind : "", text,
			well_known && s->alias_unit ? s->alias_unit : "");

		if (setting_set(s, c, value, e) < 0)
			return err_prefix(e, "environment variable %s", from);
	}
	return 0;
}

/* ---- what must fit together ---- */

static bool has_word(const char *text, const char *word)
{
	CLEANUP(strv_deinit) struct strv words = { 0 };

	strv_split(&words, text, " ");
	return strv_has(&words, word);
}

static int check_oidc(const struct conf *c, struct err *e)
{
	if (!*c->oidc_issuer)
		return 0;
	if (!https_url_plain(c->oidc_issuer))
		return err_permanent(e, "oidc.issuer: \"%s\" is not https://HOST", c->oidc_issuer);
	if (!*c->oidc_client_id || !*c->oidc_client_secret_file || !*c->oidc_redirect_url)
		return err_permanent(e, "oidc.issuer: needs oidc.client_id, oidc.client_secret_file and oidc.redirect_url");
	if (!https_url_plain(c->oidc_redirect_url))
		return err_permanent(e, "oidc.redirect_url: \"%s\" is not https://HOST/PATH", c->oidc_redirect_url);
	if (!has_word(c->oidc_scopes, "openid"))
		return err_permanent(e, "oidc.scopes: openid is missing");
	if (c->oidc_provision && !*c->oidc_roles)
		return err_permanent(e, "oidc.provision: needs oidc.roles");
	if (*c->oidc_roles && !*c->oidc_groups_claim)
		return err_permanent(e, "oidc.roles: needs oidc.groups_claim");
	return 0;
}

static int check_directory(const struct conf *c, struct err *e)
{
	if (*c->directory_uri && !*c->directory_base)
		return err_permanent(e, "directory.uri: needs directory.base");
	if (!*c->directory_bind_dn != !*c->directory_password_file)
		return err_permanent(e, "directory.bind_dn and directory.password_file: one is set, the other is not");
	return 0;
}

static int check_together(const struct conf *c, struct err *e)
{
	if (c->lock_days > c->lock_days_max)
		return err_permanent(e, "lock_days: %" PRIu64 " is over lock_days_max, which is %" PRIu64, c->lock_days,
			c->lock_days_max);
	if (c->message_size_max > c->inflight_max)
		return err_permanent(e, "message_size_max: %" PRIu64 " is over inflight_max, which is %" PRIu64
			": the largest messages could never be taken", c->message_size_max, c->inflight_max);
	if (!*c->lmtpd_tls_cert != !*c->lmtpd_tls_key)
		return err_permanent(e, "lmtpd.tls_cert and lmtpd.tls_key: one is set, the other is not");
	if (*c->lmtpd_tls_client_ca && !*c->lmtpd_tls_cert)
		return err_permanent(e, "lmtpd.tls_client_ca: needs lmtpd.tls_cert and lmtpd.tls_key");
	if (*c->queryd_client_listen && !*c->queryd_tls_client_ca)
		return err_permanent(e, "queryd.client_listen: needs queryd.tls_client_ca");
	if (*c->queryd_tls_client_crl && !*c->queryd_tls_client_ca)
		return err_permanent(e, "queryd.tls_client_crl: needs queryd.tls_client_ca");
	if (c->lmtpd_tls_required && !*c->lmtpd_tls_cert)
		return err_permanent(e, "lmtpd.tls_required: needs lmtpd.tls_cert and lmtpd.tls_key");
	if (*c->s3_sse_kms_key && strcmp(c->s3_sse, "aws:kms") != 0)
		return err_permanent(e, "s3.sse_kms_key: needs s3.sse = aws:kms");
	return check_oidc(c, e) < 0 ? -1 : check_directory(c, e);
}

/* ---- interface ---- */

static int finish(struct conf *c, const char *path, struct err *e)
{
	if (read_environment(c, e) == 0 && (check_together(c, e) == 0 || err_prefix(e, "%s", path) == 0))
		return 0;
	conf_deinit(c);
	return -1;
}

int conf_load(struct conf *c_r, const char *path, struct err *e)
{
	if (!path)
		path = environment("STRONGROOM_CONF");
	if (!path)
		path = CONF_PATH;
	*c_r = (struct conf){ 0 };
	if (set_standard(c_r, e) < 0 || read_file(c_r, path, e) < 0) {
		conf_deinit(c_r);
		return -1;
	}
	return finish(c_r, path, e);
}

int conf_load_defaults(struct conf *c_r, struct err *e)
{
	*c_r = (struct conf){ 0 };
	if (set_standard(c_r, e) < 0) {
		conf_deinit(c_r);
		return -1;
	}
	return finish(c_r, "environment", e);
}

void conf_deinit(struct conf *c)
{
	for (size_t i = 0; i < settings_count; i++)
		setting_deinit(&settings[i], c);
}

const char *conf_local_path(const char *backend)
{
	const char *place = strchr(backend, ':');

	return place && place[1] == '/' ? place + 1 : NULL;
}

void conf_compare(const struct conf *a, const struct conf *b, struct strv *names)
{
	for (size_t i = 0; i < settings_count; i++) {
		_free_ char *in_a = setting_get(&settings[i], a), *in_b = setting_get(&settings[i], b);
		_free_ char *name = setting_name(&settings[i]);

		if (strcmp(in_a, in_b) != 0)
			strv_add(names, name);
	}
}

/* Sentences as comment lines. */
static void print_comment(FILE *out, const char *text)
{
	struct strv words CLEANUP(strv_deinit) = { 0 };
	size_t column = 0;

	strv_split(&words, text, " ");
	for (size_t i = 0; i < words.n; i++) {
		size_t n = strlen(words.items[i]);

		if (column == 0 || column + 1 + n > LINE_WIDTH) {
			fputs(column ? "\n#" : "#", out);
			column = 1;
		}
		fprintf(out, " %s", words.items[i]);
		column += n + 1;
	}
	fputc('\n', out);
}

static void print_help(const struct setting *s, FILE *out)
{
	_free_ char *kind = setting_describe(s), *variable = setting_environment(s);
	_free_ char *line = mem_printf("(%s; environment: %s%s%s)", kind, variable, s->alias ? ", " : "",
		s->alias ? s->alias : "");

	fputc('\n', out);
	print_comment(out, s->help);
	print_comment(out, line);
}

/* A long list goes one item a line: inih reads no long lines. */
static void print_value(const struct setting *s, const char *value, FILE *out)
{
	struct strv items CLEANUP(strv_deinit) = { 0 };

	if (!setting_is_list(s) || strlen(value) <= LINE_WIDTH) {
		fprintf(out, "%s =%s%s\n", s->key, *value ? " " : "", value);
		return;
	}
	strv_split(&items, value, " ");
	fprintf(out, "%s = %s\n", s->key, items.items[0]);
	for (size_t i = 1; i < items.n; i++)
		fprintf(out, "\t%s\n", items.items[i]);
}

void conf_print(const struct conf *c, FILE *out, bool help)
{
	const char *section = "";

	for (size_t i = 0; i < settings_count; i++) {
		const struct setting *s = &settings[i];
		_free_ char *value = setting_get(s, c);

		if (strcmp(section, s->section) != 0)
			fprintf(out, "\n[%s]\n", section = s->section);
		if (help)
			print_help(s, out);
		print_value(s, value, out);
	}
}
