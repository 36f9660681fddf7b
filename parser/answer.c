#include "parser/answer.h"

#include "sys/io.h"

#define KEEP_BUFFER (256u * 1024) /* a larger one is given back after use */

static int begin(struct buf *out, enum parser_answer kind, size_t n)
{
	return pack_u32(out, (uint32_t)(n + 1)) || pack_u8(out, (uint8_t)kind);
}

static int send_all(const struct buf *out)
{
	return io_write_all(PARSER_FD, out->data, out->len);
}

int answer(enum parser_answer kind, struct span payload)
{
	CLEANUP(buf_deinit) struct buf out = BUF_INIT(5 + payload.n);

	return begin(&out, kind, payload.n) || buf_add(&out, payload.at, payload.n) ||
			       send_all(&out)
		       ? -1
		       : 0;
}

/* The length is known when all is written: it goes in then. */
static int encode(struct buf *out, const struct parsed *p)
{
	struct buf length = BUF_INIT(4);

	buf_reset(out);
	if (begin(out, PARSER_PARSED, 0) || parsed_encode(out, p) ||
		pack_u32(&length, (uint32_t)(out->len - 4)))
		return -1;
	memcpy(out->data, length.data, 4);
	buf_deinit(&length);
	return 0;
}

/* Too many names and addresses for one answer: the first half says enough, and that there was more. */
static int encode_some(struct buf *out, struct parsed *p)
{
	while (encode(out, p)) {
		if (!p->participant_count)
			return -1;
		for (size_t i = p->participant_count / 2; i < p->participant_count; i++) {
			free(p->participants[i].name);
			free(p->participants[i].address);
			free(p->participants[i].normal);
		}
		p->participant_count /= 2;
		p->flags |= PARSE_HEADER_TRUNCATED;
	}
	return 0;
}

int answer_parsed(struct parsed *p)
{
	static struct buf out = { .max = 4 + PARSER_ANSWER_MAX }; /* grows to what most messages need */
	int failed = encode_some(&out, p) || send_all(&out) ? -1 : 0;

	if (out.cap > KEEP_BUFFER)
		buf_deinit(&out);
	return failed;
}
