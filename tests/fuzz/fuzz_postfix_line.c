/* A line of a mail server's log: whatever a client may have put into it. */
#include "archive/postfix_line.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct postfix_line l;

	postfix_line_read(&l, (const char *)data, n, INT64_C(1795400000000000));
	if (l.event != POSTFIX_OTHER && l.event != POSTFIX_BROKEN && !*l.queue_id)
		abort();
	if (!memchr(l.host, 0, sizeof(l.host)) || !memchr(l.client, 0, sizeof(l.client)) || !memchr(l.message_id, 0, sizeof(l.message_id)))
		abort();
	return 0;
}
