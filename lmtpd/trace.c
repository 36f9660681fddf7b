#include "lmtpd/trace.h"

#include "base/clock.h"

#include <string.h>
#include <time.h>

#define DATE_SIZE 48

/* RFC 3848 and RFC 6531: what the message came with. */
static const char *protocol(const struct capture *c, bool utf8)
{
	if (c->tls)
		return utf8 ? "UTF8LMTPS" : "LMTPS";
	return utf8 ? "UTF8LMTP" : "LMTP";
}

/* "192.0.2.1:25" → "[192.0.2.1]", "[2001:db8::1]:25" → "[IPv6:2001:db8::1]"; "unix" stays. Caller
 * frees. */
static char *address(const char *client)
{
	const char *colon = strrchr(client, ':');
	size_t n = colon ? (size_t)(colon - client) : 0;

	if (!colon)
		return mem_strdup(client);
	if (client[0] == '[')
		return mem_printf("[IPv6:%.*s", (int)n - 1, client + 1);
	return mem_printf("[%.*s]", (int)n, client);
}

static void format_date(char text[DATE_SIZE], int64_t us)
{
	time_t seconds = (time_t)(us / CLOCK_SECOND);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(text, DATE_SIZE, "%a, %d %b %Y %H:%M:%S +0000", &tm);
}

char *trace_line(const struct capture *c, const char *node, bool utf8)
{
	_free_ char *from = address(c->client);
	_free_ char *recipient = c->recipient_count == 1 ?
		mem_printf(" for <%s>", c->recipients[0].address) : mem_strdup("");
	char date[DATE_SIZE];

	format_date(date, c->received_us);
	return mem_printf("Received: from %s (%s) by %s (Strongroom) with %s id %s%s; %s", c->helo,
		from, node, protocol(c, utf8), c->session, recipient, date);
}
