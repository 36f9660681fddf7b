/* imap_url: imaps://user@host:port/FOLDER, which names a folder of a mailbox on a mail server. */
#ifndef CLI_IMAP_URL_H
#define CLI_IMAP_URL_H

#include "base/err.h"

#include <stdbool.h>

#define IMAP_URL_MAX 512

struct imap_url {
	bool tls;     /* from the start (imaps); else STARTTLS, unless the server is this machine */
	char *user;   /* decoded */
	char *host;   /* a name or an address, without [] */
	char *port;
	char *folder; /* decoded, UTF-8; INBOX where there is none */
	char *source; /* as the archive calls it: the URL in one spelling, without what is the default */
};

/* Does it look like one? */
bool imap_url_is(const char *text);

/* -1 permanent: "imaps://host/INBOX: …". A password has no place in it. */
int imap_url_parse(struct imap_url *u_r, const char *text, struct err *e) MUST_CHECK;

/* The same mailbox's other folder. */
int imap_url_with_folder(struct imap_url *u_r, const struct imap_url *u, const char *folder, struct err *e) MUST_CHECK;
void imap_url_deinit(struct imap_url *u);

#endif
