#include "conf/role_map.h"

#include "base/hex.h"

#include <string.h>

#define ROLE_CHARACTERS "-_.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* The text that is written so. Caller frees; NULL when a '%' is not before two digits, or stands for a NUL. */
static char *decode(const char *text)
{
	char *plain = mem_alloc(strlen(text) + 1, 1), *to = plain;

	for (; *text; text++) {
		char digits[3] = { 0 };
		uint8_t byte = (uint8_t)*text;

		if (*text == '%') {
			memcpy(digits, text + 1, strnlen(text + 1, 2));
			if (hex_decode(&byte, 1, digits) < 0 || !byte) {
				free(plain);
				return NULL;
			}
			text += 2;
		}
		*to++ = (char)byte;
	}
	return plain;
}

int role_map_check(const char *item, struct err *e)
{
	size_t role = strspn(item, ROLE_CHARACTERS);

	if (!role || item[role] != ':' || !item[role + 1])
		return err_permanent(e, "\"%s\" is not ROLE:GROUP", item);
	_free_ char *group = decode(item + role + 1);

	return group ? 0 : err_permanent(e, "\"%s\": write %%25 for a '%%', %%20 for a blank", item);
}

void role_map_roles(const char *map, const struct strv *groups, struct strv *roles)
{
	CLEANUP(strv_deinit) struct strv items = { 0 };

	strv_split(&items, map, " ");
	for (size_t i = 0; i < items.n; i++) {
		char *colon = strchr(items.items[i], ':');
		_free_ char *group = decode(colon + 1);

		*colon = '\0';
		if (!groups || (group && strv_has(groups, group)))
			strv_add_unique(roles, items.items[i]);
	}
	strv_sort(roles);
}
