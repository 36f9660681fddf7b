#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

char *buf_reserve(struct buf *b, size_t n)
{
	if (n > b->max - b->len)
		return NULL;
	if (b->cap - b->len <= n || !b->data) {
		size_t cap = b->cap ? b->cap : 64;

		while (cap - b->len <= n)
			cap *= 2;
		if (cap > b->max + 1)
			cap = b->max + 1;
		b->data = mem_realloc(b->data, cap, 1);
		b->cap = cap;
		b->data[b->len] = '\0';
	}
	return b->data + b->len;
}

int buf_add(struct buf *b, const void *data, size_t n)
{
	char *to = buf_reserve(b, n);

	if (!to)
		return -1;
	if (n)
		memcpy(to, data, n);
	b->len += n;
	b->data[b->len] = '\0';
	return 0;
}

int buf_add_str(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

int buf_add_char(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

/* What fits into the room that is there already is written once. */
int buf_printf(struct buf *b, const char *fmt, ...)
{
	size_t room = b->data ? b->cap - b->len : 0;
	va_list args;

	va_start(args, fmt);
	int n = vsnprintf(b->data ? b->data + b->len : NULL, room, fmt, args);
	va_end(args);
	if (n >= 0 && (size_t)n < room && (size_t)n <= b->max - b->len) {
		b->len += (size_t)n;
		return 0;
	}
	if (b->data)
		b->data[b->len] = '\0';
	char *to = n < 0 ? NULL : buf_reserve(b, (size_t)n);

	if (!to)
		return -1;
	va_start(args, fmt);
	vsnprintf(to, (size_t)n + 1, fmt, args);
	va_end(args);
	b->len += (size_t)n;
	return 0;
}

void buf_consume(struct buf *b, size_t n)
{
	if (n && b->data) {
		memmove(b->data, b->data + n, b->len - n + 1);
		b->len -= n;
	}
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	if (b->data)
		b->data[0] = '\0';
}

char *buf_take(struct buf *b)
{
	char *data = b->data ? b->data : mem_alloc(1, 1);

	b->data = NULL;
	b->len = b->cap = 0;
	return data;
}

void buf_deinit(struct buf *b)
{
	free(b->data);
	b->data = NULL;
	b->len = b->cap = 0;
}
