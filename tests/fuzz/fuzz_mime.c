/* Any bytes as a message: parsed, encoded, decoded again, and every attachment taken out. */
#include "parser/read.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int count(void *ctx, struct span data)
{
	*(size_t *)ctx += data.n;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static bool ready;
	struct span bytes = { (const char *)data, n };
	struct parsed *p, *q;
	struct buf out = BUF_INIT(64u << 20);

	if (!ready)
		read_init();
	ready = true;
	p = read_message(bytes);
	if (parsed_encode(&out, p) || parsed_decode(&q, out.data, out.len))
		abort();
	for (uint32_t i = 0; i < p->attachment_count && i < 20; i++) {
		size_t size = 0;

		if (read_attachment(bytes, i, count, &size) != 1 || size != p->attachments[i].size)
			abort();
	}
	parsed_freep(&p);
	parsed_freep(&q);
	buf_deinit(&out);
	return 0;
}
