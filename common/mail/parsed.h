/* parsed: what a parser worker could read of a message. All text is valid UTF-8 without NUL.
 *
 * Of an envelope journal report the fields are those of the message inside it (they become the searchable
 * ones), with the report's sender and recipients as participants of their own roles. Where a message can be read in two
 * ways, `text` holds both readings, one behind the other, and participants of both are listed; the single-valued fields
 * are those of the reading that most mail programs show. */
#ifndef MAIL_PARSED_H
#define MAIL_PARSED_H

#include "base/pack.h"
#include "base/strv.h"
#include "sys/digest.h"

/* Stored in the database: never renumber. */
enum participant_role {
	ROLE_ENVELOPE_FROM = 1, /* MAIL FROM */
	ROLE_ENVELOPE_TO = 2,	/* RCPT TO */
	ROLE_FROM = 3,
	ROLE_SENDER = 4,
	ROLE_REPLY_TO = 5, /* never makes a message visible to a mailbox scope: anybody can name anybody */
	ROLE_TO = 6,
	ROLE_CC = 7,
	ROLE_BCC = 8,
	ROLE_RESENT_FROM = 9,
	ROLE_RESENT_TO = 10,
	ROLE_JOURNAL_SENDER = 11,    /* Sender: of a journal report */
	ROLE_JOURNAL_RECIPIENT = 12, /* To:, Cc:, Bcc: or Recipient: of a journal report */
	ROLE_JOURNAL_VIA = 13,	     /* Expanded: or Forwarded: (a list or the first addressee), and On-Behalf-Of: */
};

/* Stored in the database and shown by name (parsed_flag_name): never renumber. */
enum parse_flag {
	PARSE_FAILED = 1 << 0,		 /* no worker could read it; only the envelope is known */
	PARSE_TIMEOUT = 1 << 1,		 /* PARSE_FAILED because it took too long */
	PARSE_DEPTH = 1 << 2,		 /* MIME nesting over the limit; the rest indexed as text */
	PARSE_PARTS = 1 << 3,		 /* too many MIME parts */
	PARSE_HEADER_TRUNCATED = 1 << 4, /* more than 1 MiB of header */
	PARSE_TEXT_TRUNCATED = 1 << 5,	 /* more than 4 MiB of text */
	PARSE_CHARSET = 1 << 6,		 /* unknown charset or bytes that are not in the declared one; read as best we can */
	PARSE_MALFORMED = 1 << 7,	 /* MIME or header syntax that needed a guess */
	PARSE_AMBIGUOUS = 1 << 8,	 /* can be read in two ways; both are indexed */
	PARSE_JOURNAL = 1 << 9,		 /* is an envelope journal report */
	PARSE_JOURNAL_MALFORMED = 1 << 10, /* claims to be one, but its envelope part or its message could not be read */
	PARSE_ENCRYPTED = 1 << 11,	 /* S/MIME or PGP encrypted: the text is not readable */
	PARSE_NO_DATE = 1 << 12,	 /* no Date that can be read */
	PARSE_FLAGS = 13,		 /* how many there are */
};

/* "text_truncated" …; NULL for a bit that is not defined. */
const char *parsed_flag_name(unsigned bit);

struct participant {
	enum participant_role role;
	char *name;    /* display name, "" when there is none */
	char *address; /* as written, without <> ; "" when it could not be read */
	char *normal;  /* address_normalize(address) */
};

struct attachment {
	char *name;	    /* "" when it has none */
	char *content_type; /* lower-case type/subtype */
	uint64_t size;	    /* of the decoded bytes */
	uint8_t sha256[SHA256_SIZE];
};

struct parsed {
	uint32_t flags; /* enum parse_flag */
	char *subject;
	char *message_id; /* without <> */
	struct strv references; /* what In-Reply-To and References name, without <>, each once; at most PARSED_REFERENCES_MAX */
	bool has_date;
	int64_t date_us;
	struct participant *participants;
	size_t participant_count;
	struct attachment *attachments; /* in the order of the message; the index of the HTTP interface */
	size_t attachment_count;
	char *text; /* bodies, nested messages, attachments that are text: for the index */
};

#define PARSED_TEXT_MAX (4u * 1024 * 1024)
#define PARSED_HEADER_MAX (1024u * 1024)
#define PARSED_DEPTH_MAX 100
#define PARSED_PARTS_MAX 10000
#define PARSED_REFERENCES_MAX 99 /* of more, the first and the last, which are the nearest */

struct parsed *parsed_new(void); /* empty: every string "", no lists */
void parsed_freep(struct parsed **p);

/* Appends copies; normal is computed. */
void parsed_add_participant(struct parsed *p, enum participant_role role, const char *name, const char *address);
void parsed_add_attachment(struct parsed *p, const char *name, const char *content_type, uint64_t size,
	const uint8_t sha256[SHA256_SIZE]);

void participants_free(struct participant *list, size_t n);
void attachments_free(struct attachment *list, size_t n);

/* The form that crosses the socket between worker and daemon: a sequence of tagged values; a reader skips tags that it
 * does not know. Decoding validates everything (the worker may have been taken over by the message): lengths, counts,
 * UTF-8, roles. -1 when it is not well formed. */
int parsed_encode(struct buf *out, const struct parsed *p) MUST_CHECK;
int parsed_decode(struct parsed **p_r, const void *data, size_t n) MUST_CHECK;

#endif
