/* message_row: one archived message as the database knows it. Written once, never changed. */
#ifndef META_MESSAGE_ROW_H
#define META_MESSAGE_ROW_H

#include "base/uuid.h"
#include "mail/capture.h"
#include "mail/locator.h"
#include "mail/parsed.h"

#include <stdbool.h>

/* Where the object of a message was put at first, and what protected it there. */
struct message_origin {
	struct locator locator;
	char *lock_mode;
	int64_t retain_until_us;
};

struct message_row {
	struct uuid id;
	int64_t received_us;
	int64_t date_us; /* the Date header's; received_us where there is none, or it is more than a day after received_us */
	int64_t header_date_us; /* the Date header's, however odd; received_us where there is none (PARSE_NO_DATE) */
	uint64_t size;
	uint8_t sha256[SHA256_SIZE];
	enum capture_kind kind;
	char *capture_point;
	char *subject;
	char *message_id; /* without <> */
	uint32_t parse_flags;
	char *queue_id;	  /* "" when unknown */
	char *evidence;	  /* JSON: client, helo, auth, tls, session, mail_args, recipient args, trace: what the door saw */
	struct locator locator; /* where the object is now */
	char *lock_mode;
	int64_t retain_until_us;
	int64_t moved_us;	       /* to there, by `strongroom copy` */
	struct message_origin *origin; /* from there, as the ledger's record says; NULL: it was never moved */
	char *policy_version;
	struct participant *participants; /* envelope first, then as the message lists them */
	size_t participant_count;
	struct attachment *attachments;
	size_t attachment_count;
};

void message_row_deinit(struct message_row *r);

/* Of a list that was loaded: was there such a message? */
static inline bool message_row_is_there(const struct message_row *r)
{
	return r->subject != NULL;
}

/* The object is in its first place (again). */
void message_row_forget_origin(struct message_row *r);

#endif
