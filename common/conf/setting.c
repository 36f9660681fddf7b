/* The types of values: reading, checking and writing one value. */
#include "conf/setting.h"

#include "base/str.h"
#include "base/strv.h"
#include "conf/role_map.h"
#include "sys/net.h"

#include <inttypes.h>
#include <string.h>
#include <sys/un.h>

#define PORT_MAX 65535
#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_"

struct unit {
	const char *suffix;
	uint64_t factor;
};

/* Largest first: a value is written in the largest unit that divides it. */
static const struct unit size_units[] = {
	{ "T", UINT64_C(1) << 40 }, { "G", UINT64_C(1) << 30 }, { "M", UINT64_C(1) << 20 }, { "K", UINT64_C(1) << 10 },
	{ "", 1 }, { 0 },
};
static const struct unit duration_units[] = {
	{ "d", UINT64_C(86400000000) }, { "h", UINT64_C(3600000000) }, { "m", 60000000 }, { "s", 1000000 },
	{ "ms", 1000 }, { "us", 1 }, { 0 },
};
static const struct unit number_units[] = { { "", 1 }, { 0 } };

static int check_text(const struct setting *s, const char *text, struct err *e);
static int check_name(const struct setting *s, const char *text, struct err *e);
static int check_path(const struct setting *s, const char *text, struct err *e);
static int check_backend(const struct setting *s, const char *text, struct err *e);
static int check_choice(const struct setting *s, const char *text, struct err *e);
static int check_addresses(const struct setting *s, const char *text, struct err *e);
static int check_networks(const struct setting *s, const char *text, struct err *e);
static int check_host_port(const struct setting *s, const char *text, struct err *e);
static int check_urls(const struct setting *s, const char *text, struct err *e);
static int check_roles(const struct setting *s, const char *text, struct err *e);

static const struct {
	const char *name;
	int (*check)(const struct setting *s, const char *text, struct err *e); /* texts */
	const struct unit *units;						/* numbers */
} types[] = {
	[SETTING_TEXT] = { "text", check_text, NULL },
	[SETTING_NAME] = { "name", check_name, NULL },
	[SETTING_PATH] = { "absolute path", check_path, NULL },
	[SETTING_BACKEND] = { "KIND:PLACE", check_backend, NULL },
	[SETTING_CHOICE] = { "one", check_choice, NULL },
	[SETTING_ADDRESS] = { "address", check_addresses, NULL },
	[SETTING_ADDRESSES] = { "list of addresses", check_addresses, NULL },
	[SETTING_NETWORKS] = { "list of networks", check_networks, NULL },
	[SETTING_HOST_PORT] = { "host and port", check_host_port, NULL },
	[SETTING_URLS] = { "list of URLs", check_urls, NULL },
	[SETTING_ROLES] = { "list of ROLE:GROUP", check_roles, NULL },
	[SETTING_NUMBER] = { "number", NULL, number_units },
	[SETTING_SIZE] = { "size", NULL, size_units },
	[SETTING_DURATION] = { "duration", NULL, duration_units },
	[SETTING_BOOL] = { "yes or no", NULL, NULL },
};

static void *member(const struct setting *s, struct conf *c)
{
	return (char *)c + s->offset;
}

static const void *member_const(const struct setting *s, const struct conf *c)
{
	return (const char *)c + s->offset;
}

const struct setting *setting_find(const char *section, const char *key)
{
	for (size_t i = 0; i < settings_count; i++)
		if (strcmp(settings[i].section, section) == 0 && strcmp(settings[i].key, key) == 0)
			return &settings[i];
	return NULL;
}

bool setting_section_known(const char *section)
{
	for (size_t i = 0; i < settings_count; i++)
		if (strcmp(settings[i].section, section) == 0)
			return true;
	return false;
}

bool setting_is_list(const struct setting *s)
{
	return s->type == SETTING_ADDRESSES || s->type == SETTING_NETWORKS || s->type == SETTING_URLS ||
		s->type == SETTING_ROLES;
}

char *setting_name(const struct setting *s)
{
	return mem_printf("%s%s%s", s->section, *s->section ? "." : "", s->key);
}

char *setting_environment(const struct setting *s)
{
	char *name = mem_printf("STRONGROOM_%s%s%s", s->section, *s->section ? "_" : "", s->key);

	for (char *p = name; *p; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 32);
	return name;
}

/* ---- texts ---- */

/* What could not be written to the file and read back is refused wherever it comes from. */
static int check_text(const struct setting *s, const char *text, struct err *e)
{
	_free_ char *copy = mem_strdup(text);

	if (!str_utf8_valid(text, strlen(text)))
		return err_permanent(e, "is not valid UTF-8");
	if (strcmp(str_trim(copy), text) != 0)
		return err_permanent(e, "begins or ends with white space");
	for (const char *p = text; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return err_permanent(e, "contains a control character");
		if (p > text && p[-1] == ' ' && (*p == '#' || *p == ';'))
			return err_permanent(e, "contains \" %c\": a comment behind a value begins with ';'", *p);
	}
	if (strlen(text) < s->min)
		return err_permanent(e, "must not be empty");
	if (strlen(text) > s->max)
		return err_permanent(e, "is longer than %" PRIu64 " bytes", s->max);
	return 0;
}

static int check_name(const struct setting *s, const char *text, struct err *e)
{
	if (text[strspn(text, NAME_CHARACTERS)])
		return err_permanent(e, "\"%s\" is no name: use letters, digits, '.', '-' and '_'", text);
	return check_text(s, text, e);
}

static int check_path(const struct setting *s, const char *text, struct err *e)
{
	if (*text && *text != '/')
		return err_permanent(e, "\"%s\" is not an absolute path", text);
	return check_text(s, text, e);
}

/* Is [text, text + n) one of the words? */
static bool word_known(const char *words, const char *text, size_t n)
{
	struct strv list CLEANUP(strv_deinit) = { 0 };
	_free_ char *word = mem_dup(text, n);

	strv_split(&list, words, " ");
	return strv_has(&list, word);
}

/* What stands behind the colon. Kinds of neither list are in a local directory or file: an absolute path. */
static const char named_kinds[] = "s3 mysql es"; /* a name at the server */
static const char bare_kinds[] = "es meta redis"; /* nothing, or a name as well */

static int check_place(const char *kind, const char *place, struct err *e)
{
	bool named = word_known(named_kinds, kind, strlen(kind)), bare = word_known(bare_kinds, kind, strlen(kind));

	if (!named && !bare)
		return *place == '/' ? 0 : err_permanent(e, "\"%s\" is not an absolute path", place);
	if (!*place && !bare)
		return err_permanent(e, "\"%s:\" has no name behind it", kind);
	if (*place && !named)
		return err_permanent(e, "\"%s:\" takes nothing behind it", kind);
	if (place[strspn(place, NAME_CHARACTERS)])
		return err_permanent(e, "\"%s\" is no name: use letters, digits, '.', '-' and '_'", place);
	return 0;
}

static int check_backend(const struct setting *s, const char *text, struct err *e)
{
	size_t length = strcspn(text, ":");
	_free_ char *kind = mem_dup(text, length);

	if (!text[length])
		return err_permanent(e, "\"%s\" has no kind: write KIND:PLACE, the kinds are: %s", text, s->words);
	if (!word_known(s->words, kind, length))
		return err_permanent(e, "\"%s\" is no kind of %s: use %s", kind, s->key, s->words);
	return check_place(kind, text + length + 1, e) < 0 ? -1 : check_text(s, text, e);
}

static int check_choice(const struct setting *s, const char *text, struct err *e)
{
	if (!word_known(s->words, text, strlen(text)))
		return err_permanent(e, "\"%s\" is none of: %s", text, s->words);
	return 0;
}

static int check_host_port(const struct setting *s, const char *text, struct err *e)
{
	const char *colon = strrchr(text, ':');
	uint64_t port;

	if (!*text && s->min == 0)
		return 0;
	if (!colon || colon == text || str_parse_u64(&port, colon + 1, PORT_MAX) < 0)
		return err_permanent(e, "\"%s\" is not HOST:PORT", text);
	if (*text == '[' ? colon[-1] != ']' : memchr(text, ':', (size_t)(colon - text)) != NULL)
		return err_permanent(e, "\"%s\": write an IPv6 address in brackets, [::1]:PORT", text);
	return check_text(s, text, e);
}

static int check_address(const struct setting *s, const char *text, struct err *e)
{
	if (strncmp(text, "inet:", 5) == 0)
		return check_host_port(s, text + 5, e);
	if (strncmp(text, "unix:/", 6) != 0)
		return err_permanent(e, "\"%s\" is neither unix:/PATH nor inet:HOST:PORT", text);
	if (strlen(text + 5) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return err_permanent(e, "the path of \"%s\" is too long for a socket", text);
	return check_text(s, text, e);
}

static int check_addresses(const struct setting *s, const char *text, struct err *e)
{
	struct strv list CLEANUP(strv_deinit) = { 0 };

	strv_split(&list, text, " ");
	for (size_t i = 0; i < list.n; i++)
		if (check_address(s, list.items[i], e) < 0)
			return -1;
	if (s->type == SETTING_ADDRESS && list.n > 1)
		return err_permanent(e, "takes one address, not %zu", list.n);
	return check_text(s, text, e);
}

static int check_networks(const struct setting *s, const char *text, struct err *e)
{
	struct net_allow *networks CLEANUP(net_allow_freep) = NULL;

	return net_allow_parse(&networks, text, e) < 0 ? -1 : check_text(s, text, e);
}

/* A host alone: paths are the program's, and a password in a URL would be seen. */
static int check_url(const char *url, struct err *e)
{
	size_t scheme = strncmp(url, "https://", 8) == 0 ? 8 : strncmp(url, "http://", 7) == 0 ? 7 : 0;
	size_t host = strcspn(url + scheme, "/?#@");

	if (!scheme || !host)
		return err_permanent(e, "\"%s\" is not https://HOST:PORT", url);
	if (url[scheme + host] && strcmp(url + scheme + host, "/") != 0)
		return err_permanent(e, "\"%s\": nothing may stand before or behind the host and its port", url);
	return 0;
}

static int check_urls(const struct setting *s, const char *text, struct err *e)
{
	struct strv list CLEANUP(strv_deinit) = { 0 };

	strv_split(&list, text, " ");
	for (size_t i = 0; i < list.n; i++)
		if (check_url(list.items[i], e) < 0)
			return -1;
	return check_text(s, text, e);
}

static int check_roles(const struct setting *s, const char *text, struct err *e)
{
	struct strv list CLEANUP(strv_deinit) = { 0 };

	strv_split(&list, text, " ");
	for (size_t i = 0; i < list.n; i++)
		if (role_map_check(list.items[i], e) < 0)
			return -1;
	return check_text(s, text, e);
}

/* White space and commas between the items of a list become one blank. */
static char *list_tidy(const char *text)
{
	struct strv list CLEANUP(strv_deinit) = { 0 };

	strv_split(&list, text, " \t,");
	return strv_join(&list, " ");
}

static int set_text(const struct setting *s, struct conf *c, const char *text, struct err *e)
{
	bool tidy = setting_is_list(s) || s->type == SETTING_ADDRESS;
	_free_ char *value = tidy ? list_tidy(text) : mem_strdup(text);
	char **to = member(s, c);

	if (types[s->type].check(s, value, e) < 0)
		return -1;
	free(*to);
	*to = value;
	value = NULL;
	return 0;
}

/* ---- numbers ---- */

static char *format_units(const struct unit *units, uint64_t value)
{
	while (units->factor > 1 && (value == 0 || value % units->factor))
		units++;
	if (value == 0 && *units->suffix) /* of durations: "0s" reads better than "0us" */
		return mem_strdup("0s");
	return mem_printf("%" PRIu64 "%s", value / units->factor, units->suffix);
}

static int parse_units(const struct unit *units, const char *text, uint64_t *value_r, struct err *e)
{
	size_t digits = strspn(text, "0123456789");
	_free_ char *number = mem_dup(text, digits);
	const struct unit *u = units;

	while (u->factor && strcmp(u->suffix, text + digits) != 0)
		u++;
	if (!digits)
		return err_permanent(e, "\"%s\" is not a number", text);
	if (units == duration_units && !text[digits])
		return err_permanent(e, "\"%s\" has no unit: use us, ms, s, m, h or d", text);
	if (!u->factor)
		return err_permanent(e, "\"%s\" has an unknown unit%s", text,
			units == duration_units ? ": use us, ms, s, m, h or d" :
			units == size_units	? ": use K, M, G or T" :
						  "");
	if (str_parse_u64(value_r, number, INT64_MAX / u->factor) < 0)
		return err_permanent(e, "%s is too large", text);
	*value_r *= u->factor;
	return 0;
}

static int set_number(const struct setting *s, struct conf *c, const char *text, struct err *e)
{
	const struct unit *units = types[s->type].units;
	_free_ char *min = format_units(units, s->min), *max = format_units(units, s->max);
	uint64_t value;

	if (parse_units(units, text, &value, e) < 0)
		return -1;
	if (value < s->min)
		return err_permanent(e, "%s is under %s", text, min);
	if (value > s->max)
		return err_permanent(e, "%s is over %s", text, max);
	if (s->type == SETTING_DURATION)
		*(int64_t *)member(s, c) = (int64_t)value;
	else
		*(uint64_t *)member(s, c) = value;
	return 0;
}

static int set_bool(const struct setting *s, struct conf *c, const char *text, struct err *e)
{
	static const char *const yes[] = { "yes", "true", "on", "1" }, *const no[] = { "no", "false", "off", "0" };
	bool *to = member(s, c);

	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (str_ieq(text, yes[i]) || str_ieq(text, no[i])) {
			*to = str_ieq(text, yes[i]);
			return 0;
		}
	}
	return err_permanent(e, "\"%s\" is neither yes nor no", text);
}

/* ---- one value ---- */

int setting_set(const struct setting *s, struct conf *c, const char *text, struct err *e)
{
	_free_ char *name = setting_name(s);
	int rc;

	if (types[s->type].check)
		rc = set_text(s, c, text, e);
	else if (s->type == SETTING_BOOL)
		rc = set_bool(s, c, text, e);
	else
		rc = set_number(s, c, text, e);
	return rc < 0 ? err_prefix(e, "%s", name) : 0;
}

char *setting_get(const struct setting *s, const struct conf *c)
{
	const void *from = member_const(s, c);

	if (types[s->type].check)
		return mem_strdup(*(char *const *)from);
	if (s->type == SETTING_BOOL)
		return mem_strdup(*(const bool *)from ? "yes" : "no");
	if (s->type == SETTING_DURATION)
		return format_units(duration_units, (uint64_t)*(const int64_t *)from);
	return format_units(types[s->type].units, *(const uint64_t *)from);
}

void setting_deinit(const struct setting *s, struct conf *c)
{
	char **text = member(s, c);

	if (types[s->type].check) {
		free(*text);
		*text = NULL;
	}
}

char *setting_describe(const struct setting *s)
{
	const struct unit *units = types[s->type].units;
	_free_ char *limits = NULL, *standard = NULL;

	if (units) {
		_free_ char *min = format_units(units, s->min), *max = format_units(units, s->max);

		limits = mem_printf(", at least %s, at most %s", min, max);
	} else if (s->words) {
		limits = mem_printf(s->type == SETTING_CHOICE ? " of: %s" : ", kinds: %s", s->words);
	}
	if (s->standard)
		standard = mem_printf("; default: %s", *s->standard ? s->standard : "empty");
	return mem_printf("%s%s%s", types[s->type].name, limits ? limits : "", standard ? standard : "");
}
