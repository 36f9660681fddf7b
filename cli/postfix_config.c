#include "cli/postfix_config.h"

#include "base/str.h"

#include <string.h>

#define SERVICE_FIELDS 8 /* name type private unpriv chroot wakeup maxproc command */

/* The value of the line "<name> = <value>" (or "="), NULL when there is none. The last one counts. */
static char *find(const struct strv *lines, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = lines->n; i-- > 0;) {
		const char *line = lines->items[i], *equals = strchr(line, '=');

		if (!equals || strncmp(line, name, n) != 0 || line + n + strspn(line + n, " \t") != equals)
			continue;
		_free_ char *value = mem_strdup(equals + 1);

		return mem_strdup(str_trim(value));
	}
	return NULL;
}

char *postfix_main(const struct postfix_config *c, const char *name)
{
	char *value = find(&c->main, name);

	return value ? value : mem_strdup("");
}

char *postfix_override(const struct postfix_config *c, const struct postfix_service *s, const char *name)
{
	_free_ char *whole = mem_printf("%s/%s/%s", s->name, s->type, name);

	return find(&c->overrides, whole);
}

char *postfix_effective(const struct postfix_config *c, const struct postfix_service *s, const char *name)
{
	char *value = postfix_override(c, s, name);

	return value ? value : postfix_main(c, name);
}

/* '-' was "yes" until the compatibility level that made it "no". */
static bool is_chroot(const struct postfix_config *c, const char *field)
{
	_free_ char *level = postfix_main(c, "compatibility_level");

	return strcmp(field, "y") == 0 || (strcmp(field, "-") == 0 && strcmp(level, "0") == 0);
}

static void read_service(struct postfix_config *c, const char *line)
{
	struct strv fields CLEANUP(strv_deinit) = { 0 };

	strv_split(&fields, line, " \t");
	if (fields.n < SERVICE_FIELDS || *line == ' ' || *line == '\t')
		return;
	c->services = mem_realloc(c->services, c->service_count + 1, sizeof(*c->services));
	c->services[c->service_count++] = (struct postfix_service){
		.name = mem_strdup(fields.items[0]),
		.type = mem_strdup(fields.items[1]),
		.command = mem_strdup(fields.items[7]),
		.chroot = is_chroot(c, fields.items[4]),
	};
}

void postfix_config_read(struct postfix_config *c_r, const char *main, const char *services, const char *overrides)
{
	struct strv lines CLEANUP(strv_deinit) = { 0 };

	*c_r = (struct postfix_config){ 0 };
	strv_split(&c_r->main, main, "\n");
	strv_split(&c_r->overrides, overrides, "\n");
	strv_split(&lines, services, "\n");
	for (size_t i = 0; i < lines.n; i++)
		read_service(c_r, lines.items[i]);
}

void postfix_config_deinit(struct postfix_config *c)
{
	for (size_t i = 0; i < c->service_count; i++) {
		free(c->services[i].name);
		free(c->services[i].type);
		free(c->services[i].command);
	}
	free(c->services);
	strv_deinit(&c->main);
	strv_deinit(&c->overrides);
	*c = (struct postfix_config){ 0 };
}

/* ---- lists of milters ---- */

static void add_milter(struct postfix_milters *m, const char *text)
{
	struct postfix_milter *to;
	struct strv words CLEANUP(strv_deinit) = { 0 };

	strv_split(&words, text, ", \t{}");
	if (!words.n)
		return;
	m->items = mem_realloc(m->items, m->n + 1, sizeof(*m->items));
	to = &m->items[m->n++];
	*to = (struct postfix_milter){ .address = mem_strdup(words.items[0]) };
	for (size_t i = 1; i < words.n; i++)
		strv_add(&to->settings, words.items[i]);
}

void postfix_milters_read(struct postfix_milters *m_r, const char *value)
{
	*m_r = (struct postfix_milters){ 0 };
	while (*(value += strspn(value, ", \t"))) {
		const char *close = *value == '{' ? strchr(value, '}') : NULL;
		size_t n = close ? (size_t)(close + 1 - value) : strcspn(value, ", \t");
		_free_ char *one = mem_dup(value, n);

		add_milter(m_r, one);
		value += n;
	}
}

void postfix_milters_deinit(struct postfix_milters *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->items[i].address);
		strv_deinit(&m->items[i].settings);
	}
	free(m->items);
	*m = (struct postfix_milters){ 0 };
}

const char *postfix_milter_setting(const struct postfix_milter *m, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < m->settings.n; i++)
		if (strncmp(m->settings.items[i], name, n) == 0 && m->settings.items[i][n] == '=')
			return m->settings.items[i] + n + 1;
	return NULL;
}
