#include "lmtpd/reply.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *code; /* with the enhanced code, where the protocol has one there */
	const char *text;
} replies[REPLY_COUNT] = {
	[REPLY_NONE] = { "250 2.0.0", "OK" },
	[REPLY_GREETING] = { "220", "LMTP Strongroom mail archive" },
	[REPLY_BYE] = { "221 2.0.0", "Bye" },
	[REPLY_NOT_A_PEER] = { "421 4.7.1", "Your address is not in this archive's list of peers" },
	[REPLY_TOO_MANY_CONNECTIONS] = { "421 4.3.2", "Too many connections, try again later" },
	[REPLY_STOPPING] = { "421 4.3.2", "Service is stopping, try again later" },
	[REPLY_IDLE] = { "421 4.4.2", "Idle or too slow for too long, closing" },
	[REPLY_TOO_MANY_ERRORS] = { "421 4.7.0", "Too many bad commands, closing" },

	[REPLY_OK] = { "250 2.0.0", "OK" },
	[REPLY_RESET] = { "250 2.0.0", "Transaction forgotten" },
	[REPLY_CANNOT_VRFY] = { "252 2.5.2", "Every recipient is archived" },
	[REPLY_START_TLS] = { "220 2.0.0", "Begin TLS" },
	[REPLY_UNKNOWN_COMMAND] = { "500 5.5.1", "Unknown command" },
	[REPLY_NOT_IMPLEMENTED] = { "502 5.5.1", "Command not implemented" },
	[REPLY_USE_LHLO] = { "500 5.5.1", "This is LMTP, say LHLO" },
	[REPLY_LINE_TOO_LONG] = { "500 5.5.2", "Command line too long" },
	[REPLY_BAD_LINE] = { "500 5.5.2", "A command is one line of text that ends with CR LF" },
	[REPLY_LHLO_FIRST] = { "503 5.5.1", "LHLO first" },
	[REPLY_MAIL_FIRST] = { "503 5.5.1", "MAIL first" },
	[REPLY_RCPT_FIRST] = { "503 5.5.1", "No valid recipients" },
	[REPLY_MAIL_OPEN] = { "503 5.5.1", "A transaction is open already" },
	[REPLY_CHUNKS_OPEN] = { "503 5.5.1", "BDAT was begun: only BDAT or RSET now" },
	[REPLY_BINARY_NEEDS_CHUNKS] = { "503 5.5.1", "BODY=BINARYMIME needs BDAT" },
	[REPLY_TLS_FIRST] = { "530 5.7.0", "STARTTLS first" },
	[REPLY_TLS_ACTIVE] = { "503 5.5.1", "TLS is active already" },
	[REPLY_NO_TLS] = { "502 5.5.1", "TLS is not offered" },
	[REPLY_ARGUMENT_MISSING] = { "501 5.5.4", "Argument missing" },
	[REPLY_ARGUMENT_UNEXPECTED] = { "501 5.5.4", "No argument allowed" },
	[REPLY_BAD_SENDER] = { "501 5.1.7", "Bad sender address, expected MAIL FROM:<address>" },
	[REPLY_BAD_RECIPIENT] = { "501 5.1.3", "Bad recipient address, expected RCPT TO:<address>" },
	[REPLY_BAD_PARAMETER] = { "501 5.5.4", "Bad value of a parameter, or one given twice" },
	[REPLY_UNKNOWN_PARAMETER] = { "555 5.5.4", "Unknown parameter" },
	[REPLY_BAD_CHUNK] = { "501 5.5.4", "Bad chunk size, closing; expected BDAT size [LAST]" },

	[REPLY_SENDER_OK] = { "250 2.1.0", "Sender OK" },
	[REPLY_RECIPIENT_OK] = { "250 2.1.5", "Recipient OK" },
	[REPLY_TOO_MANY_RECIPIENTS] = { "452 4.5.3", "Too many recipients" },
	[REPLY_SEND_DATA] = { "354", "Send the message, end with CR LF . CR LF" },
	[REPLY_CHUNK_OK] = { "250 2.0.0", "Chunk received" },
	[REPLY_ARCHIVED] = { "250 2.0.0", "archived as" },
	[REPLY_TOO_LARGE] = { "552 5.3.4", "Message too large, the limit in bytes is" },
	[REPLY_BUSY] = { "451 4.3.2", "Too much mail under way, try again later" },
	[REPLY_NOT_READY] = { "451 4.3.0", "The archive can't take mail now, try again later" },
	[REPLY_NO_STORAGE] = { "451 4.3.1", "No room to receive the message, try again later" },
	[REPLY_FAILED] = { "451 4.3.0", "Not archived, try again later" },
};

/* ---- at the end of a journal ---- */

#define CLIENT "the client speaks no proper LMTP: look at its own log and settings"
#define ADDRESS "an address or parameter of the client's can't be taken: look at its own log"

/* What is 5xx above. A command that comes too early has no remedy: what was refused before it has. */
static const struct {
	const char *code;
	const char *remedy;
} journal_replies[REPLY_COUNT] = {
	[REPLY_UNKNOWN_COMMAND] = { "451 4.5.1", CLIENT },
	[REPLY_NOT_IMPLEMENTED] = { "451 4.5.1", CLIENT },
	[REPLY_USE_LHLO] = { "451 4.5.1", CLIENT },
	[REPLY_LINE_TOO_LONG] = { "451 4.5.2", CLIENT },
	[REPLY_BAD_LINE] = { "451 4.5.2", CLIENT },
	[REPLY_LHLO_FIRST] = { "451 4.5.1", CLIENT },
	[REPLY_MAIL_FIRST] = { "451 4.5.1", NULL },
	[REPLY_RCPT_FIRST] = { "451 4.5.1", NULL },
	[REPLY_MAIL_OPEN] = { "451 4.5.1", CLIENT },
	[REPLY_CHUNKS_OPEN] = { "451 4.5.1", CLIENT },
	[REPLY_BINARY_NEEDS_CHUNKS] = { "451 4.5.1", CLIENT },
	[REPLY_TLS_FIRST] = { "451 4.7.0",
		"let the mail server use TLS, or do without tls_required" },
	[REPLY_TLS_ACTIVE] = { "451 4.5.1", CLIENT },
	[REPLY_NO_TLS] = { "454 4.7.0",
		"set tls_cert and tls_key, or let the mail server do without TLS" },
	[REPLY_ARGUMENT_MISSING] = { "451 4.5.4", CLIENT },
	[REPLY_ARGUMENT_UNEXPECTED] = { "451 4.5.4", CLIENT },
	[REPLY_BAD_SENDER] = { "451 4.1.7", ADDRESS },
	[REPLY_BAD_RECIPIENT] = { "451 4.1.3", ADDRESS },
	[REPLY_BAD_PARAMETER] = { "455 4.5.4", ADDRESS },
	[REPLY_UNKNOWN_PARAMETER] = { "455 4.5.4", ADDRESS },
	[REPLY_BAD_CHUNK] = { "451 4.5.4", CLIENT },
	[REPLY_TOO_LARGE] = { "452 4.3.4",
		"raise message_size_max over the limit of the mail system, and restart" },
};

static int put(struct buf *out, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		if (buf_add_char(out, c < 0x20 || c == 0x7f ? '?' : text[i]))
			return -1;
	}
	return 0;
}

/* Bytes of s, at most max, that don't end within a UTF-8 sequence. */
static size_t cut(const char *s, size_t max)
{
	size_t n = strlen(s);

	if (n <= max)
		return n;
	while (max && ((unsigned char)s[max] & 0xc0) == 0x80)
		max--;
	return max;
}

const char *reply_code(enum reply r, bool journal)
{
	return journal && journal_replies[r].code ? journal_replies[r].code : replies[r].code;
}

int reply_put(struct buf *out, enum reply r, bool journal, const char *subject, const char *detail)
{
	const char *code = reply_code(r, journal), *text = replies[r].text;
	size_t detail_n = detail ? strlen(detail) : 0;
	size_t room = REPLY_LINE_MAX - strlen(code) - strlen(text) - detail_n - strlen("   \r\n");
	size_t before = out->len;
	int failed = buf_printf(out, "%s ", code);

	if (!failed && subject)
		failed = put(out, subject, cut(subject, room)) || buf_add_char(out, ' ');
	if (!failed)
		failed = buf_add_str(out, text);
	if (!failed && detail)
		failed = buf_add_char(out, ' ') || put(out, detail, strlen(detail));
	if (!failed)
		failed = buf_add_str(out, "\r\n");
	if (failed)
		out->len = before;
	return failed ? -1 : 0;
}

const char *reply_text(enum reply r)
{
	return replies[r].text;
}

const char *reply_remedy(enum reply r)
{
	return journal_replies[r].remedy;
}
