/* lmtp_client: hands one message to strongroom-lmtpd (RFC 2033), which archives it: this program has no right to. By BDAT
 * (RFC 3030), so that the bytes are those of the message. */
#ifndef QUERYD_LMTP_CLIENT_H
#define QUERYD_LMTP_CLIENT_H

#include "base/strv.h"
#include "base/uuid.h"
#include "mail/message.h"

struct lmtp_delivery {
	const char *name; /* who hands it over: in lmtpd's log and the message's evidence; as REQUEST_ID_MAX allows it */
	const char *mail_from; /* "" for the null reverse-path; no control characters, blanks or <> in any address */
	const struct strv *rcpt_to; /* one at least */
	const struct message *message;
};

enum lmtp_stage { LMTP_SESSION, LMTP_SENDER, LMTP_RECIPIENT, LMTP_MESSAGE };

struct lmtp_refusal {
	enum lmtp_stage stage; /* what was refused */
	size_t recipient;      /* at LMTP_RECIPIENT, which */
	unsigned code;	       /* "552" */
	char text[256];	       /* the reply */
};

/* address as in the configuration ("unix:/…", "inet:…"); timeout_us for each step.
 * 1 with the archive id; 0 when it was refused for good (5yz); -1 temporary: it may have been archived, and can be handed over
 * again: that gives the same id. */
int lmtp_deliver(const char *address, int64_t timeout_us, const struct lmtp_delivery *d, struct uuid *id_r,
	struct lmtp_refusal *refusal_r, struct err *e) MUST_CHECK;

#endif
