#include "meta/permission.h"

#include <stddef.h>
#include <string.h>

const char *const permission_names[] = {
	"ARCHIVE_EXPORT",
	"ARCHIVE_READ",
	"ARCHIVE_SEARCH",
	"ARCHIVE_STORE",
	"AUDIT_READ",
	"HOLD_MANAGE",
	"RETENTION_MANAGE",
	"SYSTEM_STATUS",
	"USER_MANAGE",
	NULL,
};

bool permission_exists(const char *name)
{
	for (const char *const *p = permission_names; *p; p++)
		if (strcmp(*p, name) == 0)
			return true;
	return false;
}
