#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static PRINTF_LIKE(3, 0) int set(struct err *e, enum err_class class, const char *fmt, va_list args)
{
	e->class = class;
	vsnprintf(e->text, sizeof(e->text), fmt, args);
	return -1;
}

int err_temporary(struct err *e, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set(e, ERR_TEMPORARY, fmt, args);
	va_end(args);
	return -1;
}

int err_conflict(struct err *e, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set(e, ERR_CONFLICT, fmt, args);
	va_end(args);
	return -1;
}

int err_permanent(struct err *e, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set(e, ERR_PERMANENT, fmt, args);
	va_end(args);
	return -1;
}

int err_unknown(struct err *e, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set(e, ERR_UNKNOWN, fmt, args);
	va_end(args);
	return -1;
}

int err_errno(struct err *e, const char *op, const char *object)
{
	int saved = errno;
	char reason[128];

	err_temporary(e, "%s(%s) failed: %s", op, object, strerror_r(saved, reason, sizeof(reason)));
	errno = saved;
	return -1;
}

int err_prefix(struct err *e, const char *fmt, ...)
{
	_free_ char *was = mem_strdup(e->text);
	va_list args;

	va_start(args, fmt);
	int n = vsnprintf(e->text, sizeof(e->text), fmt, args);
	va_end(args);
	if (n >= 0 && (size_t)n < sizeof(e->text))
		snprintf(e->text + n, sizeof(e->text) - (size_t)n, ": %s", was);
	return -1;
}
