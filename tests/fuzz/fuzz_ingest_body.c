/* Any body: what is taken out of it lies inside it, and what is left is no longer than it was. */
#include "queryd/ingest_body.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	CLEANUP(buf_deinit) struct buf body = BUF_INIT(1u << 20), rest = BUF_INIT(1u << 20);
	struct ingest_message m = { 0 };
	bool bad;

	if (n > 1u << 20 || buf_add(&body, data, n) < 0)
		return 0;
	if (ingest_body_split(&body, "message", &m, &rest, &bad) &&
		((const char *)m.bytes < body.data || (const char *)m.bytes + m.n > body.data + body.len))
		abort();
	if (rest.len > n)
		abort();
	return 0;
}
