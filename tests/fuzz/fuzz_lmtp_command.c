/* What an LMTP client sends: a command line, and a message in transport form, which must come out
 * the same however it is cut into packets. */
#include "base/buf.h"
#include "lmtpd/command.h"
#include "lmtpd/data.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t n);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void parse(const uint8_t *input, size_t n)
{
	CLEANUP(buf_deinit) struct buf out = BUF_INIT(REPLY_LINE_MAX);
	_free_ char *line = mem_dup(input, n);
	struct command c;
	enum reply wrong = command_parse(&c, line, n);

	require(wrong < REPLY_COUNT);
	require(reply_put(&out, wrong, false, c.address, NULL) == 0);
	require(memchr(out.data, '\n', out.len) == out.data + out.len - 1);
	require(!*c.address || (c.address > line && c.address < line + n));
}

/* Decodes in pieces of `step`; the number of bytes used. */
static size_t decode(struct buf *out, const char *in, size_t n, size_t step)
{
	struct data d = DATA_INIT;
	size_t at = 0;

	while (at < n && d.state != DATA_END) {
		size_t length, end = n - at < step ? n : at + step;
		const char *piece;

		at += data_next(&d, in + at, end - at, &piece, &length);
		require(buf_add(out, piece, length) == 0);
	}
	return at;
}

static void unstuff(const char *in, size_t n, size_t step)
{
	CLEANUP(buf_deinit) struct buf whole = BUF_INIT(n + 1), cut = BUF_INIT(n + 1);

	require(decode(&whole, in, n, n) == decode(&cut, in, n, step));
	require(whole.len == cut.len && (whole.len == 0 || memcmp(whole.data, cut.data, cut.len) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t n)
{
	if (n == 0)
		return 0;
	parse(input + 1, n - 1);
	unstuff((const char *)input + 1, n - 1, 1u + input[0] % 7);
	return 0;
}
