#include "workerd/export_mbox.h"

#include "base/clock.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#define SENDER_MAX 320

/* What stands between the words of the line must not be in them. */
static void plain(char text[SENDER_MAX + 1], const char *sender)
{
	size_t n = 0;

	for (; *sender && n < SENDER_MAX; sender++)
		if (isgraph((unsigned char)*sender))
			text[n++] = *sender;
	text[n] = '\0';
}

static int add_separator(struct export_spool *to, const char *sender, int64_t received_us, struct err *e)
{
	time_t seconds = (time_t)(received_us / CLOCK_SECOND);
	char address[SENDER_MAX + 1], when[64];
	struct tm tm;

	plain(address, sender);
	gmtime_r(&seconds, &tm);
	strftime(when, sizeof(when), "%a %b %e %H:%M:%S %Y", &tm); /* the C locale's names: nobody sets LC_TIME */
	return export_spool_print(to, e, "From %s %s\n", *address ? address : "MAILER-DAEMON", when);
}

static bool is_from_line(const char *line, const char *end)
{
	while (line < end && *line == '>')
		line++;
	return end - line >= 5 && memcmp(line, "From ", 5) == 0;
}

/* Adds the lines, as many at once as need no '>'. */
static int add_lines(struct export_spool *to, const char *data, const char *end, struct err *e)
{
	const char *from = data;

	for (const char *line = data; line < end;) {
		if (is_from_line(line, end)) {
			if (export_spool_add(to, from, (size_t)(line - from), e) || export_spool_add(to, ">", 1, e))
				return -1;
			from = line;
		}
		const char *newline = memchr(line, '\n', (size_t)(end - line));

		line = newline ? newline + 1 : end;
	}
	return export_spool_add(to, from, (size_t)(end - from), e);
}

int export_mbox_add(struct export_spool *to, const char *sender, int64_t received_us, const void *data, size_t n, struct err *e)
{
	const char *text = data;
	const char *behind = n && text[n - 1] == '\n' ? "\n" : "\n\n";

	return add_separator(to, sender, received_us, e) || add_lines(to, text, text + n, e) ||
		export_spool_add(to, behind, strlen(behind), e) ? -1 : 0;
}
