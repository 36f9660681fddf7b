/* message_brief: what a list of messages shows of one. */
#ifndef META_MESSAGE_BRIEF_H
#define META_MESSAGE_BRIEF_H

#include "base/uuid.h"
#include "mail/parsed.h"

struct message_brief {
	struct uuid id; /* this and what has the same name in message_row mean the same */
	int64_t received_us, date_us, header_date_us;
	uint64_t size;
	uint32_t parse_flags;
	char *subject; /* its beginning: MESSAGE_BRIEF_SUBJECT characters */
	size_t attachment_count;
	struct participant *participants;
	size_t participant_count;
};

#define MESSAGE_BRIEF_SUBJECT 1001

#endif
