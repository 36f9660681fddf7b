/* What a worker that was taken over may answer: refused, or so sound that it can be encoded again
 * to the same values. */
#include "mail/parsed.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct parsed *p, *again;
	struct buf out = BUF_INIT(64u << 20);

	if (parsed_decode(&p, data, n))
		return 0;
	if (parsed_encode(&out, p) || parsed_decode(&again, out.data, out.len))
		abort();
	if (strcmp(p->text, again->text) != 0 || p->participant_count != again->participant_count ||
		p->attachment_count != again->attachment_count)
		abort();
	parsed_freep(&p);
	parsed_freep(&again);
	buf_deinit(&out);
	return 0;
}
