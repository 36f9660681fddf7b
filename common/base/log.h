/* log: one JSON object a line on standard error, written with one write(2).
 *
 * Every line has time, level, program, pid and message. A context adds what the callers would otherwise repeat:
 * session, queue id, archive id. Contexts form a chain (connection, then transaction); the inner value of a key wins.
 * Severities have fixed meanings:
 *	debug	for developers; off by default
 *	info	something that was meant to happen did
 *	warn	refused or degraded, nothing lost; someone may want to look
 *	error	something of ours failed: look before tomorrow
 *	fatal	the process ends because going on could lose mail
 * Any thread may log. A context belongs to one thread at a time. No password, token, key or message text is ever logged. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/mem.h"

#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_FATAL };

#define LOG_FIELDS_MAX 10

struct log_context {
	const struct log_context *parent;
	struct {
		const char *key; /* a literal */
		char value[112]; /* cut when longer */
	} fields[LOG_FIELDS_MAX];
};

/* The program name on each line; the least severe level that is written. Call before the first thread starts;
 * log_set_level may be called later (reload). */
void log_init(const char *program, enum log_level least);
void log_set_level(enum log_level least);

/* "debug", "info", "warn", "error" -> *level_r; -1 for anything else. */
int log_level_parse(enum log_level *level_r, const char *name) MUST_CHECK;

/* Sets a field, replacing an earlier one of that key; value NULL removes it. What is over LOG_FIELDS_MAX is dropped. */
void log_context_set(struct log_context *c, const char *key, const char *value);
void log_context_set_number(struct log_context *c, const char *key, uint64_t value);

/* From here on lines of the calling thread that are written without a context have this one: so that what the layers below
 * say can be told apart by request, though they know of none. NULL: none any more. Returns what was in use before, to be put
 * back before the context ends. */
const struct log_context *log_context_use(const struct log_context *c);

/* ctx may be NULL: then it is the one in use. */
void log_debug(const struct log_context *ctx, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_info(const struct log_context *ctx, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_warn(const struct log_context *ctx, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_error(const struct log_context *ctx, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Logs and ends the process at once with status 70 (no atexit work, no unwinding). */
_Noreturn void log_fatal(const struct log_context *ctx, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
