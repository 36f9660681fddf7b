#include "archive/postfix_line.h"

#include "base/clock.h"
#include "base/str.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LINE_MAX_BYTES 8192 /* what is behind is of no interest */
#define DAY_US (86400 * CLOCK_SECOND)

/* The letters of long queue ids: digits and consonants (Postfix, enable_long_queue_ids). */
static const char long_id[] = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
static const char short_id[] = "0123456789ABCDEF";

enum { SHORT_ID_MIN = 6, LONG_ID_MIN = 10 };

/* ---- pieces of text ---- */

/* Copies what is before any of `ends` (or all) and moves behind it, and behind the blanks that follow. */
static void take(char *to, size_t size, const char **at, const char *ends)
{
	size_t n = strcspn(*at, ends);

	snprintf(to, size, "%.*s", (int)(n < size ? n : size - 1), *at);
	*at += n;
}

/* The queue id at `at`, which ends before `end`. */
static bool take_queue_id(char to[POSTFIX_ID_MAX + 1], const char **at, char end)
{
	size_t n = strspn(*at, long_id), hex = strspn(*at, short_id);

	if (hex >= SHORT_ID_MIN && hex > n)
		n = hex; /* A and E are no letters of long ones */
	if (n > POSTFIX_ID_MAX || (hex == n ? n < SHORT_ID_MIN : n < LONG_ID_MIN) || (end && (*at)[n] != end))
		return false;
	memcpy(to, *at, n);
	to[n] = '\0';
	*at += n;
	return true;
}

static bool skip(const char **at, const char *prefix)
{
	size_t n = strlen(prefix);

	if (strncmp(*at, prefix, n) != 0)
		return false;
	*at += n;
	return true;
}

/* ---- the time ---- */

/* "…+0100" as "…+01:00". */
static int parse_3339(int64_t *us_r, const char *text)
{
	size_t n = strlen(text);
	char with_colon[64];

	if (n > 5 && n < sizeof(with_colon) - 1 && strchr("+-", text[n - 5]) && isdigit((unsigned char)text[n - 1])) {
		snprintf(with_colon, sizeof(with_colon), "%.*s:%s", (int)(n - 2), text, text + n - 2);
		return clock_parse(us_r, with_colon);
	}
	return clock_parse(us_r, text);
}

/* The latest year in which it is not after the reference (by more than the clocks may differ). */
static int64_t with_year(struct tm *tm, int64_t reference_us)
{
	time_t reference = (time_t)(reference_us / CLOCK_SECOND);
	struct tm there, try;

	localtime_r(&reference, &there);
	for (int year = there.tm_year + 1; year > there.tm_year - 8; year--) { /* eight: February 29 */
		try = *tm;
		try.tm_year = year;
		try.tm_isdst = -1;
		time_t t = mktime(&try);

		if (t != -1 && try.tm_mday == tm->tm_mday && t * CLOCK_SECOND <= reference_us + DAY_US)
			return t * CLOCK_SECOND;
	}
	return 0;
}

/* "Nov 23 01:05:45", with two blanks before a day under ten. */
static bool take_3164(int64_t *us_r, const char **at, int64_t reference_us)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm tm = { 0 };
	char name[4] = "";
	int n = 0;

	if (sscanf(*at, "%3[A-Za-z] %2d %2d:%2d:%2d%n", name, &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &n) < 5 || !n)
		return false;
	const char *month = strlen(name) == 3 ? strstr(months, name) : NULL;

	if (!month || (month - months) % 3 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour < 0 || tm.tm_hour > 23 ||
		tm.tm_min < 0 || tm.tm_min > 59 || tm.tm_sec < 0 || tm.tm_sec > 60)
		return false;
	tm.tm_mon = (int)(month - months) / 3;
	*at += n;
	*us_r = with_year(&tm, reference_us);
	return *us_r != 0;
}

static bool take_time(struct postfix_line *l, const char **at, int64_t reference_us)
{
	char stamp[64];

	if (**at == '<') { /* a priority, as it is sent over the network */
		*at += strcspn(*at, ">");
		*at += **at == '>';
	}
	if (!isdigit((unsigned char)**at)) {
		l->local_time = true;
		return take_3164(&l->at_us, at, reference_us);
	}
	take(stamp, sizeof(stamp), at, " ");
	return parse_3339(&l->at_us, stamp) == 0;
}

/* ---- what it says ---- */

static void read_begun(struct postfix_line *l, const char *text, bool by_client)
{
	const char *at = text;

	l->event = POSTFIX_BEGUN;
	l->by_client = by_client;
	take(l->client, sizeof(l->client), &at, by_client ? ", " : " ");
}

static void read_smtpd(struct postfix_line *l, const char *text)
{
	if (skip(&text, "client="))
		read_begun(l, text, true);
}

static void read_pickup(struct postfix_line *l, const char *text)
{
	if (strncmp(text, "uid=", 4) == 0)
		read_begun(l, text, false);
}

static void read_cleanup(struct postfix_line *l, const char *text)
{
	if (skip(&text, "message-id=")) {
		l->event = POSTFIX_HEADER;
		text += *text == '<';
		take(l->message_id, sizeof(l->message_id), &text, ">");
	} else if (skip(&text, "milter-reject: END-OF-MESSAGE") || skip(&text, "reject: ")) {
		l->event = POSTFIX_REFUSED;
	} else if (skip(&text, "milter-discard: ") || skip(&text, "discard: ")) {
		l->event = POSTFIX_DISCARDED;
	}
}

static void read_qmgr(struct postfix_line *l, const char *text)
{
	static const char active[] = "(queue active)";
	size_t n = strlen(text);

	if (strcmp(text, "removed") == 0)
		l->event = POSTFIX_REMOVED;
	else if (strncmp(text, "from=", 5) == 0 && n > strlen(active) && strcmp(text + n - strlen(active), active) == 0)
		l->event = POSTFIX_QUEUED;
}

static void read_postsuper(struct postfix_line *l, const char *text)
{
	if (strcmp(text, "removed") == 0)
		l->event = POSTFIX_REMOVED;
}

/* The last "what" in text; NULL when there is none. */
static const char *find_last(const char *text, const char *what)
{
	const char *found = NULL;

	for (const char *at = text; (at = strstr(at, what)); at++)
		found = at + strlen(what);
	return found;
}

/* The last one counts: the address in front of it is anybody's to choose. */
static void read_delivery(struct postfix_line *l, const char *text)
{
	const char *answer = strncmp(text, "to=", 3) == 0 ? find_last(text, ", status=sent (") : NULL;
	char id[UUID_TEXT_SIZE];

	if (!answer)
		return;
	const char *archived = find_last(answer, " archived as "), *queued = find_last(answer, " queued as ");

	l->event = POSTFIX_DELIVERED;
	if (archived) {
		snprintf(id, sizeof(id), "%.*s", UUID_TEXT_SIZE - 1, archived);
		l->archived = uuid_parse(&l->archive_id, id) == 0;
	}
	if (queued && !take_queue_id(l->queued_as, &queued, 0))
		l->queued_as[0] = '\0';
}

static const struct {
	const char *name;
	void (*read)(struct postfix_line *l, const char *text);
} daemons[] = {
	{ "smtpd", read_smtpd }, { "pickup", read_pickup }, { "cleanup", read_cleanup }, { "qmgr", read_qmgr },
	{ "oqmgr", read_qmgr }, { "nqmgr", read_qmgr }, { "postsuper", read_postsuper }, { "smtp", read_delivery },
	{ "lmtp", read_delivery }, { "relay", read_delivery }, { "local", read_delivery }, { "virtual", read_delivery },
	{ "pipe", read_delivery }, { "error", read_delivery }, { "retry", read_delivery }, { "discard", read_delivery },
};

/* The client has gone, in good order or not. */
static bool is_broken(const char *text)
{
	return skip(&text, "disconnect from ") || skip(&text, "lost connection after ") || skip(&text, "timeout after ");
}

static void read_text(struct postfix_line *l, const char *daemon, const char *text)
{
	if (strcmp(daemon, "smtpd") == 0 && is_broken(text))
		l->event = POSTFIX_BROKEN;
	if (!take_queue_id(l->queue_id, &text, ':') || !skip(&text, ": "))
		return;
	for (size_t i = 0; i < ARRAY_LEN(daemons); i++)
		if (strcmp(daemon, daemons[i].name) == 0)
			daemons[i].read(l, text);
}

/* "postfix-out/submission/smtpd[123]: text" */
static void read_tag(struct postfix_line *l, const char *at)
{
	char tag[POSTFIX_TEXT_MAX + 1], pid[21];

	take(tag, sizeof(tag), &at, "[: ");
	const char *daemon = strrchr(tag, '/');

	if (!daemon || !skip(&at, "["))
		return;
	take(pid, sizeof(pid), &at, "]");
	if (str_parse_u64(&l->pid, pid, UINT32_MAX) == 0 && skip(&at, "]: "))
		read_text(l, daemon + 1, at);
}

/* As a host's name is. One of other bytes would be kept changed, and not be found again. */
static bool is_ascii(const char *text)
{
	size_t n = strlen(text);

	return str_ascii_run(text, n) == n;
}

void postfix_line_read(struct postfix_line *l_r, const char *line, size_t n, int64_t reference_us)
{
	_free_ char *text = mem_dup(line, n < LINE_MAX_BYTES ? n : LINE_MAX_BYTES);
	const char *at = text;

	*l_r = (struct postfix_line){ 0 };
	if (!take_time(l_r, &at, reference_us) || !skip(&at, " ")) {
		l_r->at_us = 0;
		return;
	}
	take(l_r->host, sizeof(l_r->host), &at, " ");
	if (is_ascii(l_r->host) && skip(&at, " "))
		read_tag(l_r, at);
}
