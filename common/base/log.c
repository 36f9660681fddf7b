#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 8192
#define LINE_USUAL_BYTES 1000

static const char *const level_name[] = { "debug", "info", "warn", "error", "fatal" };
static const char *program = "strongroom";
static atomic_int least_level = LOG_INFO;
static _Thread_local const struct log_context *in_use;

void log_init(const char *name, enum log_level least)
{
	program = name;
	log_set_level(least);
}

void log_set_level(enum log_level least)
{
	atomic_store_explicit(&least_level, (int)least, memory_order_relaxed);
}

int log_level_parse(enum log_level *level_r, const char *name)
{
	for (int i = LOG_DEBUG; i <= LOG_ERROR; i++) {
		if (strcmp(level_name[i], name) == 0) {
			*level_r = (enum log_level)i;
			return 0;
		}
	}
	return -1;
}

void log_context_set(struct log_context *c, const char *key, const char *value)
{
	int place = -1;

	for (int i = 0; i < LOG_FIELDS_MAX; i++) {
		if (c->fields[i].key && strcmp(c->fields[i].key, key) == 0) {
			place = i;
			break;
		}
		if (!c->fields[i].key && place < 0)
			place = i;
	}
	if (place < 0)
		return;
	c->fields[place].key = value ? key : NULL;
	snprintf(c->fields[place].value, sizeof(c->fields[place].value), "%s", value ? value : "");
}

void log_context_set_number(struct log_context *c, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	log_context_set(c, key, text);
}

/* JSON string content. Bytes that are no UTF-8 sequence start or control characters are escaped one by one: what is
 * logged may come from the network, and a line must stay one line of valid ASCII-safe JSON. */
static bool add_json(struct buf *line, const char *s)
{
	while (*s) {
		size_t plain = 0;

		while (s[plain] >= 0x20 && s[plain] < 0x7f && s[plain] != '"' && s[plain] != '\\')
			plain++;
		int failed = buf_add(line, s, plain);

		s += plain;
		if (!failed && *s)
			failed = *s == '"' || *s == '\\' ? buf_printf(line, "\\%c", *s) :
							    buf_printf(line, "\\u%04x", (unsigned char)*s);
		if (failed)
			return false;
		s += *s != '\0';
	}
	return true;
}

static bool add_field(struct buf *line, const char *key, const char *value)
{
	size_t start = line->len;

	if (buf_printf(line, ",\"%s\":\"", key) == 0 && add_json(line, value) && buf_add_char(line, '"') == 0)
		return true;
	line->len = start; /* a field that does not fit is left out whole */
	return false;
}

static bool is_set(const struct log_context *from, const struct log_context *upto, const char *key)
{
	for (; from != upto; from = from->parent)
		for (int i = 0; i < LOG_FIELDS_MAX; i++)
			if (from->fields[i].key && strcmp(from->fields[i].key, key) == 0)
				return true;
	return false;
}

static void add_context(struct buf *line, const struct log_context *ctx)
{
	for (const struct log_context *c = ctx; c; c = c->parent)
		for (int i = 0; i < LOG_FIELDS_MAX; i++)
			if (c->fields[i].key && !is_set(ctx, c, c->fields[i].key))
				add_field(line, c->fields[i].key, c->fields[i].value);
}

const struct log_context *log_context_use(const struct log_context *c)
{
	const struct log_context *before = in_use;

	in_use = c;
	return before;
}

static PRINTF_LIKE(3, 0) void write_line(enum log_level level, const struct log_context *ctx, const char *fmt, va_list args)
{
	if ((int)level < atomic_load_explicit(&least_level, memory_order_relaxed))
		return;
	char storage[2048], when[CLOCK_TEXT_SIZE];
	CLEANUP(buf_deinit) struct buf line = BUF_INIT(LINE_MAX_BYTES);

	vsnprintf(storage, sizeof(storage), fmt, args);
	if (!buf_reserve(&line, LINE_USUAL_BYTES) ||
		buf_printf(&line, "{\"time\":\"%s\",\"level\":\"%s\",\"program\":\"%s\",\"pid\":%d",
		    clock_format(when, clock_now_us()), level_name[level], program, (int)getpid()))
		return;
	add_context(&line, ctx ? ctx : in_use);
	line.max -= 4; /* keep room for the end, whatever the message is */
	add_field(&line, "message", storage);
	line.max += 4;
	if (buf_add_str(&line, "}\n") == 0 && write(STDERR_FILENO, line.data, line.len) < 0)
		return; /* nowhere is left to say so */
}

#define WRITE(level)                              \
	do {                                      \
		va_list args;                     \
		va_start(args, fmt);              \
		write_line(level, ctx, fmt, args); \
		va_end(args);                     \
	} while (0)

void log_debug(const struct log_context *ctx, const char *fmt, ...)
{
	WRITE(LOG_DEBUG);
}

void log_info(const struct log_context *ctx, const char *fmt, ...)
{
	WRITE(LOG_INFO);
}

void log_warn(const struct log_context *ctx, const char *fmt, ...)
{
	WRITE(LOG_WARN);
}

void log_error(const struct log_context *ctx, const char *fmt, ...)
{
	WRITE(LOG_ERROR);
}

void log_fatal(const struct log_context *ctx, const char *fmt, ...)
{
	WRITE(LOG_FATAL);
	_exit(70);
}
