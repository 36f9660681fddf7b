#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static _Noreturn void die(void)
{
	static const char text[] = "{\"level\":\"fatal\",\"message\":\"out of memory: the process ends, "
				   "nothing unacknowledged is kept\"}\n";

	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(71);
	_exit(71);
}

void *mem_alloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		die();
	return p;
}

void *mem_realloc(void *p, size_t n, size_t size)
{
	if (size && n > SIZE_MAX / size)
		die();
	size_t bytes = n * size;

	p = realloc(p, bytes ? bytes : 1);
	if (!p)
		die();
	return p;
}

void *mem_dup(const void *p, size_t n)
{
	if (n == SIZE_MAX)
		die();
	char *copy = mem_realloc(NULL, n + 1, 1); /* without the zeroes of mem_alloc() */

	if (n)
		memcpy(copy, p, n);
	copy[n] = '\0';
	return copy;
}

char *mem_strdup(const char *s)
{
	return s ? mem_dup(s, strlen(s)) : NULL;
}

char *mem_printf(const char *fmt, ...)
{
	va_list args;
	char small[256], *text;

	va_start(args, fmt);
	int n = vsnprintf(small, sizeof(small), fmt, args);
	va_end(args);
	if (n >= 0 && (size_t)n < sizeof(small))
		return mem_dup(small, (size_t)n);
	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0)
		die();
	return text;
}
