#include "conf/conf_environment.h"

#include "conf/setting.h"

#include <string.h>
#include <unistd.h>

#define PREFIX "STRONGROOM_"

static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

static bool is_ours(const char *name)
{
	static const char *const others[] = { PREFIX "CONF", PREFIX "FAULT" };

	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (strcmp(name, others[i]) == 0)
			return true;
	for (size_t i = 0; i < settings_count; i++) {
		_free_ char *variable = setting_environment(&settings[i]);

		if (strcmp(name, variable) == 0)
			return true;
	}
	return false;
}

void conf_environment_unused(struct strv *names)
{
	for (char *const *p = environ; p && *p; p++) {
		_free_ char *name = mem_dup(*p, strcspn(*p, "="));

		if (strncmp(name, PREFIX, strlen(PREFIX)) == 0 && !is_ours(name))
			strv_add(names, name);
	}
	for (size_t i = 0; i < settings_count; i++) {
		_free_ char *variable = setting_environment(&settings[i]);

		if (settings[i].alias && is_set(settings[i].alias) && is_set(variable))
			strv_add(names, settings[i].alias);
	}
}
